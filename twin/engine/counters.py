"""What an engine has counted, station by station, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Counters"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Counters:
    """Counts and times of every station since a start.

    The last five begin where the engine does, also if it goes on from a snapshot; the difference of
    two readings is right in any case.

    Args:
        span_us: how long they were counted, microseconds.
        started, completed: operations; int64, one for each station.
        consumed, good, defective, reworked: parts taken, passed on, scrapped, sent back; int64.
        failures: failures that struck, changeovers not counted; int64.
        time_us: time of all places of a station in each `Condition`; int64, (stations, 7).
        level_us: part-microseconds in each buffer (rule S38), modulo 2^64: right as long as they
            are fewer than 2^63 (a thousand parts for 292 years), and fewer than 2^64 if read as
            unsigned; int64, one for each buffer.
        starved_by_us, blocked_by_us: time starved and blocked by cause (rules S39, S40), one
            station's causes after the other's as `twin.engine.wait_causes` names them; int64.
        ends: the stations without an output buffer, by number; int64.
        good_by_hour: good parts that those have let go since the start, by each full hour of engine
            time (rule S41); int64, (hours, ends).
    """

    span_us: int
    started: Ints
    completed: Ints
    consumed: Ints
    good: Ints
    defective: Ints
    reworked: Ints
    failures: Ints
    time_us: Ints
    level_us: Ints
    starved_by_us: Ints
    blocked_by_us: Ints
    ends: Ints
    good_by_hour: Ints

    def since(self, earlier: Counters) -> Counters:
        """What was counted after an earlier reading of the same engine."""
        return Counters(
            span_us=self.span_us - earlier.span_us,
            started=self.started - earlier.started,
            completed=self.completed - earlier.completed,
            consumed=self.consumed - earlier.consumed,
            good=self.good - earlier.good,
            defective=self.defective - earlier.defective,
            reworked=self.reworked - earlier.reworked,
            failures=self.failures - earlier.failures,
            time_us=self.time_us - earlier.time_us,
            level_us=self.level_us - earlier.level_us,
            starved_by_us=self.starved_by_us - earlier.starved_by_us,
            blocked_by_us=self.blocked_by_us - earlier.blocked_by_us,
            ends=self.ends,
            good_by_hour=self.good_by_hour[len(earlier.good_by_hour) :] - earlier.good[self.ends],
        )
