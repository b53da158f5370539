"""Texts with placeholders for what tells units apart; nothing but names and widths of numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from string import Formatter

from twin.errors import QuantityError
from twin.model.nearest import did_you_mean

__all__ = ["filled", "unknown_placeholder"]

_NUMBERS = {"n", "i"}


def unknown_placeholder(text: str, known: Iterable[str]) -> str:
    """Say what is wrong with a text's placeholders; empty where nothing is.

    >>> unknown_placeholder("{unit}.{n:02}", ("unit", "n"))
    ''
    >>> unknown_placeholder("{unitt}", ("unit", "n"))
    "must have known placeholders, got {unitt}; did you mean 'unit'?"
    >>> unknown_placeholder("{unit.__class__}", ("unit",))
    "must have known placeholders, got {unit.__class__}; did you mean 'unit'?"
    """
    names = tuple(known)
    try:
        for _, name, form, conversion in Formatter().parse(text):
            if name is None:
                continue
            if name not in names:
                hint = did_you_mean(name.partition(".")[0], names)
                return f"must have known placeholders, got {{{name}}}; {hint}"
            if conversion or (form and not (name in _NUMBERS and form.isdecimal())):
                return f"must give a placeholder as {{{name}}}" + (
                    f" or {{{name}:02}}" if name in _NUMBERS else ""
                )
    except ValueError as error:
        return f"must have whole placeholders ({error}); a brace itself is written twice"
    return ""


def filled(text: str, values: Mapping[str, str | int]) -> str:
    """Fill a text's placeholders.

    Raises:
        QuantityError: one is not known, or is not whole.

    >>> filled('"DB_{unit}".Axis[{i}]', {"unit": "A01", "i": 0})
    '"DB_A01".Axis[0]'
    """
    wrong = unknown_placeholder(text, values)
    if wrong:
        raise QuantityError(wrong)
    return Formatter().vformat(text, (), values)
