"""Times on the command line."""

from __future__ import annotations

from twin.errors import QuantityError, UsageError
from twin.model.quantity import parse_duration

__all__ = ["time_option"]


def time_option(option: str, text: str) -> int:
    """Read a time with its unit, as `8 h`; whole microseconds.

    Raises:
        UsageError: it is none; the message names the option.
    """
    try:
        return parse_duration(text)
    except QuantityError as error:
        raise UsageError(f"{option} {error}, got {text!r}") from None
