"""What plain YAML words mean, and the parser's complaints in words for people."""

from __future__ import annotations

import re

__all__ = ["plain_value", "say_syntax_error"]

WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
DECIMAL = re.compile(r"[-+]?[0-9]+", re.ASCII)
BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", re.ASCII)
LONGEST_NUMBER = 400
"""Digits; a longer one stays a text, which no field takes for a number."""


def plain_value(text: str) -> str | int | float | bool | None:
    """Return what an unquoted word means in YAML 1.2's core schema.

    >>> plain_value("0x1F"), plain_value("7.5e3"), plain_value("no"), plain_value("~")
    (31, 7500.0, 'no', None)
    """
    if text in WORDS:
        return WORDS[text]
    if len(text) > LONGEST_NUMBER:
        return text
    if DECIMAL.fullmatch(text):
        return int(text)
    if BASED.fullmatch(text):
        return int(text, 0)
    if FLOAT.fullmatch(text):
        return float(text)
    if SPECIAL.fullmatch(text):
        return float(text.replace(".", "", 1))
    return text


COMPLAINTS = (
    (r"found character '\\t'", "must be indented with spaces, not tabs", ""),
    (
        r"found character '(.)' that cannot start any token",
        "must have no text that starts with {0}",
        "put it in quotes",
    ),
    (
        r"mapping values are not allowed",
        "must have no ':' here",
        "put the text in quotes, or mend the indentation",
    ),
    (
        r"could not find expected ':'",
        "must have a ':' and a space after the key",
        "or put the text in quotes, or mend the indentation",
    ),
    (r"expected ',' or '\]'", "must go on with ',' or end the list with ']'", ""),
    (r"expected ',' or '\}'", "must go on with ',' or end the mapping with '}}'", ""),
    (
        r"expected <block end>",
        "must be indented like its neighbours, and all be keys or all be list entries",
        "",
    ),
    (r"sequence entries are not allowed", "must have no list entry here", "start a new line"),
    (r"unexpected end of stream", "must be closed with a quote", ""),
    (r"unknown escape character", "must have no such escape in a double-quoted text", "write \\\\"),
    (r"expected '<document start>'", "must end where the mapping ends", "remove what follows"),
    (r"special characters are not allowed", "must have no control characters", ""),
)


def say_syntax_error(problem: str) -> tuple[str, str, str]:
    """Put the YAML parser's complaint into words for people.

    Returns:
        What must hold, what was found, the remedy; the last two may be empty.

    >>> say_syntax_error("found character '@' that cannot start any token")
    ("must have no text that starts with '@'", '', 'put it in quotes')
    """
    for pattern, must, remedy in COMPLAINTS:
        match = re.search(pattern, problem)
        if match:
            return must.format(*(f"'{group}'" for group in match.groups())), "", remedy
    return "must be well-formed YAML", problem[:100], ""
