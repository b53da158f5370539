"""What leaves the line hour by hour, in the reference engine (rule S41)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin.engine.floor import StationRun

__all__ = ["HOUR_US", "HourlyOutput"]

HOUR_US = 3_600_000_000
MOST_HOURS = 876_600
"""Of which the output is noted: a hundred years."""


class HourlyOutput:
    """Good parts that stations without an output buffer have let go, by each full hour.

    Args:
        stations: of the line, in the order of the file.
        began_us: engine time at which the engine began.
    """

    def __init__(self, stations: list[StationRun], began_us: int) -> None:
        self._ends = [run for run in stations if not run.groups[0].outlets]
        self._last_us = began_us + MOST_HOURS * HOUR_US
        self._next_us = (began_us // HOUR_US + 1) * HOUR_US
        self._rows: list[list[int]] = []

    @property
    def next_us(self) -> int | None:
        """The next hour to note; None if there is none to come."""
        return self._next_us if self._next_us <= self._last_us else None

    def note(self) -> None:
        """Note the next hour; everything up to and at it has happened."""
        self._rows.append([run.left for run in self._ends])
        self._next_us += HOUR_US

    def ends(self) -> NDArray[np.int64]:
        """The stations whose output is noted, by number."""
        return np.array([run.index for run in self._ends], dtype=np.int64)

    def table(self) -> NDArray[np.int64]:
        """What was noted; int64, (hours, stations without an output buffer)."""
        return np.array(self._rows, dtype=np.int64).reshape(-1, len(self._ends))
