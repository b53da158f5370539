"""Times on the command line."""

from __future__ import annotations

from datetime import UTC, datetime

from twin.errors import QuantityError, UsageError
from twin.model.quantity import parse_duration

__all__ = ["instant_option", "time_option"]


def time_option(option: str, text: str) -> int:
    """Read a time with its unit, as `8 h`; whole microseconds.

    Raises:
        UsageError: it is none; the message names the option.
    """
    try:
        return parse_duration(text)
    except QuantityError as error:
        raise UsageError(f"{option} {error}, got {text!r}") from None


def instant_option(option: str, text: str | None) -> int | None:
    """Read an instant as ISO-8601; microseconds since 1970-01-01 UTC, None for None.

    Raises:
        UsageError: it is none; the message names the option.

    >>> instant_option("--from", "1970-01-01T00:01")
    60000000
    """
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{option} must be an ISO instant, as 2026-11-20T06:00, got {text!r}"
        ) from None
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1e6)
