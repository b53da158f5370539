"""Planned time: when a line or station stands still on purpose, and its shifts."""

from __future__ import annotations

from pydantic import Field

from twin.model.base import Frozen, Id
from twin.model.quantity import Micros, PositiveMicros

__all__ = ["Calendar", "PlannedStop", "Shifts"]


class PlannedStop(Frozen):
    """A stop that comes back: `every` period, `at` so long after its start, for `lasts`.

    Periods are counted from Monday 00:00 in the line's time zone.

    Args:
        every_us: the period, as `1 d` or `1 week`.
        at_us: when it begins, counted from the start of the period.
        lasts_us: how long it is; it ends within its period.
    """

    every_us: PositiveMicros = Field(alias="every")
    at_us: Micros = Field(alias="at", default=0)
    lasts_us: PositiveMicros = Field(alias="lasts")


class Calendar(Frozen):
    """The planned stops of whoever follows this calendar.

    Args:
        id: what lines and stations call it.
        stops: its planned stops; where they overlap, they count once.
    """

    id: Id
    stops: tuple[PlannedStop, ...] = Field(min_length=1, max_length=100)


class Shifts(Frozen):
    """Equal shifts round the clock, for reports; they change nothing in what the line does.

    Args:
        start_us: when the first begins, after midnight.
        length_us: how long each is; it divides 24 h.
    """

    start_us: Micros = Field(alias="start", default=0)
    length_us: PositiveMicros = Field(alias="length")
