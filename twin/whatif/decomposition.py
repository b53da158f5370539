"""Throughput of a line of unreliable machines with equal cycles, without simulation.

Two machines are solved exactly in the fluid limit (parts as a liquid); a longer line is cut into
pairs that stand for what lies before and behind each buffer, until the pairs agree: the algorithm
of Dallery, David and Xie, "An efficient algorithm for analysis of transfer lines with unreliable
machines and finite buffers", IIE Transactions 20(3), 1988; the pair after Gershwin, "Manufacturing
Systems Engineering", 1994, chapter 3. Failures depend on operation; times up and down are
exponential.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Unreliable", "line_throughput", "pair"]

STEPS = 2000
ENOUGH = 1e-9


@dataclass(frozen=True, slots=True)
class Unreliable:
    """A machine that makes one part a cycle while it is up.

    Args:
        failure_rate: failures in a cycle of work, at least 0.
        repair_rate: repairs in a cycle of repair, greater than 0.
    """

    failure_rate: float
    repair_rate: float

    @property
    def down(self) -> float:
        """Cycles of repair for each cycle of work."""
        return self.failure_rate / self.repair_rate


@dataclass(frozen=True, slots=True)
class Pair:
    """What two machines with a buffer between do.

    Args:
        throughput: parts a cycle.
        starved: share of the time in which the second waits for parts.
        blocked: share of the time in which the first waits for room.
    """

    throughput: float
    starved: float
    blocked: float


def pair(first: Unreliable, second: Unreliable, room: float) -> Pair:
    """Solve two machines and a buffer.

    Args:
        first, second: the machines; at least one fails.
        room: parts between them, greater than 0.

    >>> round(pair(Unreliable(0.01, 0.1), Unreliable(0.01, 0.1), 10).throughput, 4)
    0.8587
    >>> round(pair(Unreliable(0.01, 0.1), Unreliable(0.01, 0.1), 1e9).throughput, 4)
    0.9091
    """
    p1, r1 = max(first.failure_rate, 1e-12), first.repair_rate
    p2, r2 = max(second.failure_rate, 1e-12), second.repair_rate
    up, down = (r1 + r2) / (p1 + p2), (p1 + p2) / (r1 + r2)
    # The density over the level falls or rises as exp(slope level); in units of its value at 0.
    slope = p2 * up + r1 * down - p1 - r2
    reach = slope * room
    # Scaled so that the larger of its two ends is 1: no exponent overflows.
    at_0, at_n = math.exp(min(0.0, -reach)), math.exp(min(0.0, reach))
    inside = room * at_0 if abs(reach) < 1e-9 else (at_n - at_0) / slope
    starved = (p1 + p2) / (r1 * p2) * at_0
    blocked = (p1 + p2) / (r2 * p1) * at_n
    through = at_0 / p2 + at_n / p1
    whole = inside * (2 + up + down) + starved + blocked + through
    return Pair((inside * (1 + up) + through) / whole, starved / whole, blocked / whole)


def line_throughput(machines: Sequence[Unreliable], rooms: Sequence[float]) -> float:
    """Approximate the throughput of a line.

    Args:
        machines: at least two, all with the same cycle.
        rooms: parts that each buffer between two of them holds, greater than 0.

    Returns:
        Parts a cycle.

    >>> alike = [Unreliable(0.01, 0.1)] * 2
    >>> line_throughput(alike, [10]) == pair(*alike, 10).throughput
    True
    >>> round(line_throughput([Unreliable(0.01, 0.1)] * 3, [1e9, 1e9]), 4)
    0.9091
    """
    k = len(machines)
    ups, downs = list(machines[:-1]), list(machines[1:])
    found = [pair(ups[i], downs[i], rooms[i]) for i in range(k - 1)]
    for _ in range(STEPS):
        before = [one.throughput for one in found]
        for i in range(1, k - 1):
            behind = found[i - 1]
            ups[i] = _stand_in(
                machines[i], behind.throughput, behind.starved, downs[i - 1], ups[i - 1]
            )
            found[i] = pair(ups[i], downs[i], rooms[i])
        for i in reversed(range(k - 2)):
            ahead = found[i + 1]
            downs[i] = _stand_in(
                machines[i + 1], ahead.throughput, ahead.blocked, ups[i + 1], downs[i + 1]
            )
            found[i] = pair(ups[i], downs[i], rooms[i])
        if all(abs(a - one.throughput) < ENOUGH for a, one in zip(before, found, strict=True)):
            break
    return sum(one.throughput for one in found) / (k - 1)


def _stand_in(
    machine: Unreliable, throughput: float, waits: float, other_side: Unreliable, beyond: Unreliable
) -> Unreliable:
    """A machine that stands for one of the line and all that lies beyond it.

    Its idle time follows from flow and idle time (1/E + 1/e = 2 + I_u + I_d), and its repair rate
    is that of what it stops for: its own repair, or the end of its wait.
    """
    down = max(1e-12, 1 / throughput + 1 + machine.down - other_side.down - 2)
    beyond_share = min(1.0, waits / (down * throughput))
    repair_rate = beyond_share * beyond.repair_rate + (1 - beyond_share) * machine.repair_rate
    return Unreliable(down * repair_rate, repair_rate)
