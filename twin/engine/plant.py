"""The plant behind emulated PLCs: an engine run against a clock, with its process variables."""

from __future__ import annotations

from typing import Protocol

from twin.model.line import Line
from twin.model.status import LineStatus

__all__ = ["Plant"]


class Plant(Protocol):
    """A line that runs: it is told how far, and says how it is.

    `now_us` is engine time: microseconds since a Monday 00:00 in the line's time zone.
    """

    line: Line
    now_us: int

    def advance(self, to_us: int) -> None:
        """Run on to an instant; to one in the past is an error."""

    def status(self) -> LineStatus:
        """Say how the line is now."""
