"""What an engine has counted, station by station, as arrays."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

__all__ = ["Counters"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Counters:
    """Counts and times of every station since a start.

    Args:
        span_us: how long they were counted, microseconds.
        started, completed: operations; int64, one for each station.
        consumed, good, defective, reworked: parts taken, passed on, scrapped, sent back; int64.
        failures: failures that struck, changeovers not counted; int64.
        time_us: time of all places of a station in each `Condition`; int64, (stations, 7).
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

    def since(self, earlier: Counters) -> Counters:
        """What was counted after an earlier reading of the same engine."""
        names = [f.name for f in fields(self)]
        return Counters(**{n: getattr(self, n) - getattr(earlier, n) for n in names})
