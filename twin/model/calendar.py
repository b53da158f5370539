"""Planned time: when a line or station stands still on purpose, and its shifts."""

from __future__ import annotations

from pydantic import Field

from twin.model.base import Frozen, Id
from twin.model.quantity import Micros, PositiveMicros

__all__ = ["Calendar", "PlannedStop", "Shifts"]


class PlannedStop(Frozen):
    """A stop that comes back: `every` period, `at` so long after its start, for `lasts`.

    Periods are counted from Monday 00:00 in the line's time zone.
    """

    every_us: PositiveMicros = Field(alias="every")
    at_us: Micros = Field(alias="at", default=0)
    lasts_us: PositiveMicros = Field(alias="lasts")


class Calendar(Frozen):
    """The planned stops of whoever follows this calendar."""

    id: Id
    stops: tuple[PlannedStop, ...] = Field(min_length=1, max_length=100)


class Shifts(Frozen):
    """Equal shifts round the clock; the first starts `start` after midnight."""

    start_us: Micros = Field(alias="start", default=0)
    length_us: PositiveMicros = Field(alias="length")
