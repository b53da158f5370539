"""Pydantic's complaints in words for people: what must hold, and the remedy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_origin

from pydantic.fields import FieldInfo

from lines.shape import choices, described_as, fields_of, members, model_of, without_none
from twin.errors import QuantityError
from twin.model.base import Id
from twin.model.nearest import did_you_mean, nearest

__all__ = ["say", "say_missing", "say_unknown_key", "type_in_words"]

PLAIN = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
BY_KIND = {
    "greater_than": "must be greater than {gt:,}",
    "greater_than_equal": "must be at least {ge:,}",
    "less_than": "must be less than {lt:,}",
    "less_than_equal": "must be at most {le:,}",
    "finite_number": "must be a finite number",
    "string_too_short": "must not be empty",
    "too_short": "must have at least {min_length:,} entries",
    "too_long": "must have at most {max_length:,} entries",
    "int_parsing_size": "must be a smaller number",
}
LIMITS = ("gt", "ge", "lt", "le", "min_length", "max_length")
EMPTY = "must not be empty"


def type_in_words(annotation: Any) -> str:
    """Say what a type allows, as it reads after "must be".

    >>> type_in_words(int | None)
    'a whole number'
    >>> from twin.model.quantity import Micros
    >>> type_in_words(Micros)
    "a time, as '75.5 s'"
    """
    annotation = without_none(annotation)
    described = described_as(annotation)
    if described:
        return described + _example(annotation)
    found = members(annotation)
    kinds = [word for kind, word in PLAIN.items() if kind in found]
    if {int, float} <= {*found}:
        kinds.remove(PLAIN[int])
    for one in found:
        if get_origin(one) is tuple:
            kinds.append("a list")
        elif get_origin(one) is dict or model_of(one) is not None:
            kinds.append("a mapping")
    words = [*(f"{choice}" for choice in choices(annotation)), *dict.fromkeys(kinds)]
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else "".join(words)


def _example(annotation: Any) -> str:
    for info in annotation.__metadata__:
        extra = info.json_schema_extra if isinstance(info, FieldInfo) else None
        examples = extra.get("examples") if isinstance(extra, dict) else None
        if isinstance(examples, list):
            return f", as {examples[0]!r}"
    return ""


def say(error: Mapping[str, Any], annotation: Any, found: object) -> tuple[str, str]:
    """Put one of pydantic's errors into words.

    Args:
        error: the error, other than a missing or an unknown key.
        annotation: the type of what stands there.
        found: the plain value that stands there.

    Returns:
        What must hold, and the remedy or an empty text.
    """
    kind, context = error["type"], error.get("ctx", {})
    if kind == "value_error" and isinstance(context.get("error"), QuantityError):
        return str(context["error"]), ""
    if kind in ("too_short", "too_long") and context.get("min_length") == 1:
        return EMPTY, ""
    if kind in BY_KIND:
        whole = {k: int(v) if v == int(v) else v for k, v in context.items() if k in LIMITS}
        return BY_KIND[kind].format(**whole), ""
    if kind == "union_tag_not_found":
        keys = [str(key) for key in found] if isinstance(found, dict) else []
        near = nearest("distribution", keys)
        remedy = f"did you mean it by '{near}'?" if near else "or be a plain time, as '75.5 s'"
        return "must have distribution", remedy
    words = [str(choice) for choice in choices(annotation)]
    near = nearest(found, words) if isinstance(found, str) else None
    if kind == "union_tag_invalid":
        return f"must be one of {', '.join(words)}", f"did you mean '{near}'?" if near else ""
    wanted = type_in_words(annotation)
    if near:
        return f"must be {wanted}", f"did you mean '{near}'?"
    if not wanted:  # no type of ours comes here; pydantic's words are better than none
        return "must be well formed", str(error["msg"])
    return f"must be {wanted}", "put it in quotes" if _quotes_help(annotation, found) else ""


def _quotes_help(annotation: Any, found: object) -> bool:
    """Tell whether a text is wanted and an unquoted word of another meaning stands there."""
    only_text = members(without_none(annotation)) == (str,)
    is_id = without_none(annotation) == Id
    return only_text and not is_id and isinstance(found, bool | int | float)


def say_missing(key: str, annotation: Any) -> str:
    """Say that a mapping lacks a key."""
    one = model_of(annotation)
    field = fields_of(one).get(key) if one is not None else None
    wanted = type_in_words(field.annotation) if field else ""
    return f"must have {key}" + (f" ({wanted})" if wanted else "")


def say_unknown_key(key: str, annotation: Any) -> str:
    """Return the remedy for a key that a mapping does not know: the nearest one, or all."""
    one = model_of(annotation)
    return did_you_mean(key, fields_of(one)) if one is not None else ""
