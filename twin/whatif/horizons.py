"""When a shift and a day of production end."""

from __future__ import annotations

from dataclasses import dataclass

from twin.model.line import Line

__all__ = ["Horizon", "horizons_of"]

DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Horizon:
    """An instant that people ask about.

    Args:
        name: as `shift` or `day`.
        at_us: engine time.
    """

    name: str
    at_us: int


def horizons_of(line: Line, now_us: int) -> tuple[Horizon, ...]:
    """The end of the shift, if the line has any, and of the day, counted from its first shift on.

    Args:
        line: which line.
        now_us: engine time; an end at this very instant is over.

    >>> from twin.model import Line, Station
    >>> line = Line(id="L", stations=(Station(id="A", cycle_time="2 s"),),
    ...             shifts={"start": "6 h", "length": "8 h"})
    >>> [(h.name, h.at_us / 3.6e9) for h in horizons_of(line, 7 * 3_600_000_000)]
    [('shift', 14.0), ('day', 30.0)]
    """
    shifts = line.shifts
    first_us = 0 if shifts is None else shifts.start_us
    found = []
    if shifts is not None:
        found.append(Horizon("shift", _next(first_us, shifts.length_us, now_us)))
    found.append(Horizon("day", _next(first_us, DAY_US, now_us)))
    return tuple(found)


def _next(first_us: int, every_us: int, now_us: int) -> int:
    return first_us + ((now_us - first_us) // every_us + 1) * every_us
