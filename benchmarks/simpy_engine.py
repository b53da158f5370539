"""Speed of the SimPy engine: operations completed for each second of CPU, log off.

The plain line, as in `docs/adr/0001`: `python benchmarks/simpy_engine.py`.
"""

from __future__ import annotations

import time

from figures import machine, show
from plain_line import plain_line

from twin.engine.simpy_engine import SimpyEngine
from twin.model import Line

RUNS = 7
SPAN_US = 10_000_000_000


def moves_per_s(line: Line, seed: int) -> float:
    """Run once, from full speed on, and count."""
    engine = SimpyEngine(line, seed=seed)
    engine.advance(SPAN_US // 10)
    before = engine.counters().completed.sum()
    began = time.process_time()
    engine.advance(SPAN_US // 10 + SPAN_US)
    spent = time.process_time() - began
    return float(engine.counters().completed.sum() - before) / spent


def main() -> None:
    """Print the median and the spread of some runs."""
    print(machine())
    line = plain_line()
    rates = [moves_per_s(line, seed) for seed in range(1, RUNS + 1)]
    show("SimPy, plain line, operations/s", rates, "k", scale=1e3, least=60)


if __name__ == "__main__":
    main()
