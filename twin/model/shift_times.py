"""When a line's shifts begin and end, in its own time zone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from twin.model.calendar import Shifts
from twin.model.line import Line

__all__ = ["Shift", "shifts_between"]

_DAY_US = 86_400_000_000
_WHOLE_DAYS = Shifts.model_validate({"start": "0 h", "length": "24 h"})


@dataclass(frozen=True, slots=True)
class Shift:
    """One shift of one day.

    Args:
        from_us, to_us: half-open interval, microseconds since 1970-01-01 UTC.
        day: the day on which it began, where the line is, as `2026-11-20`.
        number: which of that day's, counted from 1.
    """

    from_us: int
    to_us: int
    day: str
    number: int


def shifts_between(line: Line, from_us: int, to_us: int) -> Iterator[Shift]:
    """Every shift that reaches into an interval, whole; a line without shifts has whole days.

    Args:
        line: whose.
        from_us, to_us: half-open interval, microseconds since 1970-01-01 UTC.

    >>> from lines.loader import load
    >>> first = 1_700_000_000_000_000
    >>> shifts = list(shifts_between(load("tube_line"), first, first + 30_000_000_000))
    >>> [(shift.day, shift.number, (shift.to_us - shift.from_us) / 3.6e9) for shift in shifts]
    [('2023-11-14', 3, 8.0), ('2023-11-15', 1, 8.0)]
    """
    shifts, zone = line.shifts or _WHOLE_DAYS, ZoneInfo(line.time_zone)
    day = datetime.fromtimestamp(from_us / 1e6, zone).replace(tzinfo=None)
    day = day.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    while True:
        for number in range(_DAY_US // shifts.length_us):
            begins = day + timedelta(microseconds=shifts.start_us + number * shifts.length_us)
            start_us = _unix_us(begins, zone)
            end_us = _unix_us(begins + timedelta(microseconds=shifts.length_us), zone)
            if start_us >= to_us:
                return
            if end_us > from_us and end_us > start_us:
                yield Shift(start_us, end_us, f"{day:%Y-%m-%d}", number + 1)
        day += timedelta(days=1)


def _unix_us(wall: datetime, zone: ZoneInfo) -> int:
    """A wall clock's time as an instant: with the clock's change a shift is longer or shorter."""
    since = wall.replace(tzinfo=zone).astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return since // timedelta(microseconds=1)
