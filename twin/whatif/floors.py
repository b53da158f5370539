"""What takes material from stores and makes good units: a line as its stores see it."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from twin.engine.counters import Counters
from twin.engine.wait_causes import wait_causes
from twin.whatif.run import Run

__all__ = ["Floor", "Running", "wasted_units"]

Floats = NDArray[np.float64]
HOUR_US = 3_600_000_000


def wasted_units(run: Run, counted: Counters) -> float:
    """Units of product that the line's last stations have scrapped or sent back."""
    return float(np.sum(run.readings.good_units * (counted.defective + counted.reworked)))


class Floor(Protocol):
    """What takes material from stores and makes good units."""

    def advance(self, to_us: int) -> None:
        """Go on to an instant."""

    def deliver(self, material: int, amount: float) -> None:
        """Fill a store, after all else at this instant."""

    @property
    def started(self) -> NDArray[np.int64]:
        """Operations of each station that have begun."""

    @property
    def good(self) -> float:
        """Good units that have left."""

    @property
    def wasted(self) -> float:
        """Units that the last stations have scrapped or sent back."""

    def mark(self) -> None:
        """Begin to count waits."""

    def starved_h(self) -> Floats:
        """Hours of machines that have waited for each material since the mark."""


class Running:
    """An engine, at work.

    Args:
        run: what is run.
        names: the materials, in the order in which they are numbered here.
        replication: whose draws.
    """

    def __init__(self, run: Run, names: tuple[str, ...], replication: int) -> None:
        self._run, self._engine = run, run.opened(replication)
        self._ids = names
        self._first = self._engine.counters()
        self._now: Counters | None = None

    def advance(self, to_us: int) -> None:
        """Run on to an instant."""
        self._engine.advance(to_us)
        self._now = None

    def deliver(self, material: int, amount: float) -> None:
        """Fill a store, after all else at this instant."""
        # A place that waits for it begins at once: what was counted before it is old.
        self._engine.deliver(self._ids[material], amount)
        self._now = None

    def counted(self) -> Counters:
        """All that has been counted up to now."""
        if self._now is None:
            self._now = self._engine.counters()
        return self._now

    @property
    def wasted(self) -> float:
        """Units that the last stations have scrapped or sent back."""
        return wasted_units(self._run, self.counted())

    def mark(self) -> None:
        """Begin to count waits."""
        self._first = self.counted()

    @property
    def started(self) -> NDArray[np.int64]:
        """Operations of each station that have begun."""
        return self.counted().started

    @property
    def good(self) -> float:
        """Good units that have left."""
        return self._run.readings.good(self.counted())

    def starved_h(self) -> Floats:
        """Hours of machines that have waited for each material since the mark."""
        line, causes = self._run.line, wait_causes(self._run.line)
        counted = self.counted().since(self._first)
        found = np.zeros(len(self._ids))
        for i, station in enumerate(line.stations):
            rows = causes.starved_rows(i)
            us = counted.starved_by_us[rows][len(line.inputs[station.id]) :]
            for use, starved in zip(station.uses, us.tolist(), strict=True):
                if use.material in self._ids:
                    found[self._ids.index(use.material)] += starved / station.places / HOUR_US
        return found
