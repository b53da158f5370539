"""How long a fork takes: the compiled engine's state copied, ready to go on by itself.

    python benchmarks/fork.py

Both example lines in full swing are forked many times; each fork is let go before the next. Counted
is the CPU time of the calling thread, wakings of other programs left out. The first forks are not
counted: they pay the system for memory that later ones find there.
"""

from __future__ import annotations

import time

from figures import machine, show

from lines.loader import load
from twin.engine.kernel import KernelEngine

HOUR_US = 3_600_000_000
FORKS = 300
UNCOUNTED = 20
IN_A_TURN = 30
"""Forks in a turn, of which the median counts: the spread is that of FORKS / IN_A_TURN turns."""


def fork_s(engine: KernelEngine) -> float:
    """CPU time of one fork."""
    began = time.thread_time()
    fork = engine.fork()
    spent = time.thread_time() - began
    del fork
    return spent


def main() -> None:
    """Both example lines, from the hour on at which they are full."""
    print(f"{machine()}; median of {FORKS // IN_A_TURN} turns, lowest to highest, what is wanted")
    for name, hours, most in (("tube_line", 13, 200.0), ("storage_line", 120, None)):
        engine = KernelEngine(load(name))
        engine.advance(hours * HOUR_US)
        spent = [fork_s(engine) for _ in range(UNCOUNTED + FORKS)][UNCOUNTED:]
        turns = [
            sorted(spent[i : i + IN_A_TURN])[IN_A_TURN // 2] for i in range(0, FORKS, IN_A_TURN)
        ]
        show(f"{engine.line.id}: a fork", turns, "us", scale=1e-6, most=most)


if __name__ == "__main__":
    main()
