"""One scenario's replications: what a worker does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.engine.counters import Counters
from twin.engine.opening import Engine, EngineName, Opening
from twin.engine.snapshot import Snapshot
from twin.model.line import Line
from twin.whatif.figures import FIGURES, Readings

__all__ = ["Run", "counted", "output_curves", "replicate"]

Floats = NDArray[np.float64]
SEED_STEP = 1 << 32
"""Between the replications of two seeds that go on from one snapshot."""


@dataclass(frozen=True)
class Run:
    """What is run, again and again, each time with other draws.

    Args:
        line: a checked line.
        start: the state it goes on from; None: empty.
        seed: with the replication's number it fixes every draw, whatever the line: that is what
            makes random numbers common to all scenarios.
        warm_up_us: simulated first and not counted.
        span_us: counted.
        engine: which engine does it.
    """

    line: Line
    start: Snapshot | None
    seed: int
    warm_up_us: int
    span_us: int
    engine: EngineName

    def opened(self, replication: int) -> Engine:
        """An engine at the run's start, with a replication's draws.

        Going on from a snapshot no replication has the draws of the plant it was taken from, or
        the answer would know the plant's future: what is left of all that goes on is its own too.
        """
        if self.start is None:
            return self._opening.opened(replication)
        number = self.start.replication + self.seed * SEED_STEP + replication + 1
        return self._opening.opened(number, anew=True)

    @cached_property
    def _opening(self) -> Opening:
        seed = self.seed if self.start is None else None
        return Opening(self.line, self.engine, seed=seed, start=self.start)

    @cached_property
    def readings(self) -> Readings:
        """What turns its counters into figures."""
        return Readings.of(self.line)

    def __getstate__(self) -> dict[str, Any]:
        # What has been worked out stays here: another process works it out for itself.
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def counted(run: Run, replication: int) -> tuple[Counters, int, int]:
    """Run one replication.

    Returns:
        What was counted after the warm-up, and from when to when, in engine time.
    """
    engine = run.opened(replication)
    begin = engine.now_us + run.warm_up_us
    engine.advance(begin)
    before = engine.counters()
    engine.advance(begin + run.span_us)
    return engine.counters().since(before), begin, begin + run.span_us


def replicate(run: Run, replications: range) -> Floats:
    """Run replications one after the other.

    Returns:
        Their figures; float64, (replications, figures). They depend on nothing but the arguments,
        so it is all one who does it, in which order and how often.
    """
    readings = run.readings
    rows = [readings.figures(*counted(run, replication)) for replication in replications]
    return np.array(rows, dtype=np.float64).reshape(len(replications), len(FIGURES))


def output_curves(run: Run, replications: range, points: int) -> Floats:
    """Good units that leave in each of many equal intervals from the start on, warm-up included.

    Returns:
        float64, (replications, points).
    """
    readings = run.readings
    return np.array([list(_output(run, r, points, readings)) for r in replications])


def _output(run: Run, replication: int, points: int, readings: Readings) -> Iterator[float]:
    engine = run.opened(replication)
    begin, whole = engine.now_us, run.warm_up_us + run.span_us
    before = readings.good(engine.counters())
    for point in range(1, points + 1):
        engine.advance(begin + whole * point // points)
        now = readings.good(engine.counters())
        yield now - before
        before = now
