"""Replications in threads: wall time of two in one thread over that of two in two threads.

`twin.engine.simulate` runs one replication in the caller's thread and several in threads of their
own. Turns are short and alternate; what other work on the machine takes away makes a turn slower,
never faster, so the best of many turns is what the program can do. Needs two free processors:
`python benchmarks/threads.py`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from figures import machine, show
from plain_line import plain_line

from lines.loader import load
from twin.engine import simulate
from twin.model import Line

TURNS = 30
BEST_OF = 10
"""Turns behind one ratio of bests: the spread is that of TURNS / BEST_OF ratios."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Wall times of the same two replications, seconds."""

    one_thread_s: float
    two_threads_s: float


def timed(line: Line, seed: int, until: str, replications: int) -> float:
    """Wall time of so many replications, without a warm-up."""
    began = time.perf_counter()
    simulate(line, engine="kernel", seed=seed, replications=replications, warmup=0, until=until)
    return time.perf_counter() - began


def turn(line: Line, until: str) -> Turn:
    """Two replications, one after the other and side by side."""
    alone = timed(line, 1, until, 1) + timed(line, 2, until, 1)
    return Turn(alone, timed(line, 1, until, 2))


def main() -> None:
    """The plain line and the tube line."""
    print(f"{machine()}; best of {BEST_OF} turns")
    for line, until in ((plain_line(), "10 h"), (load("tube_line"), "12 h")):
        turns = [turn(line, until) for _ in range(TURNS)]
        batches = [turns[i : i + BEST_OF] for i in range(0, TURNS, BEST_OF)]
        one = [min(t.one_thread_s for t in batch) for batch in batches]
        two = [min(t.two_threads_s for t in batch) for batch in batches]
        ratios = [a / b for a, b in zip(one, two, strict=True)]
        show(f"{line.id}: two replications in one thread", one, "ms", scale=1e-3)
        show(f"{line.id}: two replications in two threads", two, "ms", scale=1e-3)
        show(f"{line.id}: one thread / two threads", ratios, "times", least=1.85)


if __name__ == "__main__":
    main()
