"""Speed of the SimPy engine: operations completed for each second of CPU, log off.

A series line of 12 stations with exponential times and buffers of 20, as in `docs/adr/0001`. Run
it alone on a quiet machine: `python benchmarks/simpy_engine.py`.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import time
from itertools import pairwise

from twin.engine.simpy_engine import SimpyEngine
from twin.model import Buffer, Line, Station

STATIONS = 12
CAPACITY = 20
RUNS = 7
SPAN_US = 10_000_000_000


def series_line() -> Line:
    """Twelve stations in a row, exponential with a mean of 1 s, 20 parts between any two."""
    names = [f"S{i + 1}" for i in range(STATIONS)]
    return Line(
        id="BENCH",
        stations=tuple(
            Station(id=n, cycle_time={"distribution": "exponential", "mean": "1 s"}) for n in names
        ),
        buffers=tuple(
            Buffer(id=f"{a}_{b}", sources=a, sinks=b, capacity=CAPACITY) for a, b in pairwise(names)
        ),
    )


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
    """Print the best, the median and the spread of some runs."""
    line = series_line()
    rates = sorted(moves_per_s(line, seed) for seed in range(1, RUNS + 1))
    low, middle, high = rates[0] / 1e3, statistics.median(rates) / 1e3, rates[-1] / 1e3
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {sys.version.split()[0]}")
    print(f"{STATIONS} stations, buffers of {CAPACITY}: {middle:.1f} k operations/s of CPU")
    print(f"({RUNS} runs: {low:.1f} to {high:.1f} k)")


if __name__ == "__main__":
    main()
