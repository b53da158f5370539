"""The counters of the compiled engine, as it writes them out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.engine.counters import Counters
from twin.engine.wait_causes import wait_causes
from twin.model.line import Line
from twin.model.status import Condition

__all__ = ["KernelReading"]

Ints = NDArray[np.int64]
KINDS = len(Condition)


@dataclass(frozen=True, slots=True, eq=False)
class KernelReading:
    """What the words mean that the kernel counts with, worked out once for a line.

    Args:
        stations, buffers: how many there are.
        starved, blocked: how many causes there are, over all stations.
        ends: stations without an output buffer.
    """

    stations: int
    buffers: int
    starved: int
    blocked: int
    ends: Ints

    @classmethod
    def of(cls, line: Line) -> KernelReading:
        """Work out what a line's words mean."""
        causes = wait_causes(line)
        ends = [i for i, s in enumerate(line.stations) if not line.outputs[s.id]]
        return cls(
            stations=len(line.stations),
            buffers=len(line.buffers),
            starved=sum(map(len, causes.starved)),
            blocked=sum(map(len, causes.blocked)),
            ends=np.array(ends, dtype=np.int64),
        )

    @property
    def words(self) -> int:
        """How many words there are."""
        return (7 + KINDS) * self.stations + self.buffers + self.starved + self.blocked

    def counters(self, words: Ints, hourly: Ints, span_us: int) -> Counters:
        """Read the counters.

        Args:
            words: what the kernel has written out.
            hourly: what it has noted at full hours.
            span_us: since the start of the run.
        """
        n = self.stations
        times, levels = 7 * n, (7 + KINDS) * n
        starved = levels + self.buffers
        blocked = starved + self.starved
        by_station = words[:times].reshape(7, n)
        return Counters(
            span_us=span_us,
            started=by_station[0],
            completed=by_station[1],
            consumed=by_station[2],
            good=by_station[3],
            defective=by_station[4],
            reworked=by_station[5],
            failures=by_station[6],
            time_us=words[times:levels].reshape(n, KINDS),
            level_us=words[levels:starved],
            starved_by_us=words[starved:blocked],
            blocked_by_us=words[blocked:],
            ends=self.ends,
            good_by_hour=hourly.reshape(-1, len(self.ends)),
        )
