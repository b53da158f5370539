"""How long an answer takes: replications a second, and where the time of one goes.

1,000 replications of an 8 h shift of the storage line from a snapshot are to take 2 s on two cores,
100 replications of a day of the tube line 60 s. Run: python benchmarks/whatif.py
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

from lines import load
from twin import whatif
from twin.engine import open_engine
from twin.engine.line_mark import line_mark
from twin.engine.program import lower
from twin.engine.snapshot_check import checked_tables
from twin.model.line import Line
from twin.whatif.figures import Readings
from twin.whatif.run import Run

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US


def _timed(line: Line, plan: whatif.Plan, target_s: float) -> None:
    for jobs in (1, 2):
        with whatif.open_workers(jobs=jobs) as workers:
            began, cpu = time.perf_counter(), time.process_time()
            answer = whatif.compare(line, plan=plan, workers=workers)
            took, cpu = time.perf_counter() - began, time.process_time() - cpu
        print(
            f"{line.id}: {answer.replications} replications on {jobs} threads: {took:.2f} s, "
            f"{cpu / answer.replications * 1e3:.2f} ms of CPU each; wanted on two: {target_s:g} s"
        )


def _parts(run: Run) -> None:
    """Where the time of one replication goes; milliseconds of CPU, the best of five."""

    def best(work: Callable[[], object]) -> float:
        took = []
        for _ in range(5):
            began = time.process_time()
            work()
            took.append(time.process_time() - began)
        return min(took) * 1e3

    engine = run.opened(0)
    begin = engine.now_us
    readings = Readings.of(run.line)
    before = engine.counters()
    parts = {
        "open": best(lambda: run.opened(1)),
        "of which lower": best(lambda: lower(run.line, 1, 1)),
        "counters": best(engine.counters),
        "figures": best(lambda: readings.figures(before.since(before), begin, begin + run.span_us)),
    }
    if run.start is not None:
        start, mark = run.start, line_mark(run.line)
        parts["of which line mark"] = best(lambda: line_mark(run.line))
        parts["of which checks"] = best(lambda: checked_tables(run.line, mark, start))
    began = time.process_time()
    engine.advance(begin + run.warm_up_us + run.span_us)
    parts["run"] = (time.process_time() - began) * 1e3
    print("  ms of CPU: " + ", ".join(f"{name} {ms:.2f}" for name, ms in parts.items()))


def main() -> None:
    """Measure both lines."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--share", type=float, default=0.1, help="of the replications; 1: all")
    share = parser.parse_args().share
    storage, tube = load("storage_line"), load("tube_line")
    plant = open_engine(storage, seed=1)
    plant.advance(14 * DAY_US)
    shift = whatif.Plan(
        span_us=8 * HOUR_US,
        start=plant.snapshot(),
        figure="good",
        precision=None,
        most=max(2, round(1000 * share)),
    )
    _timed(storage, shift, 2.0)
    _parts(Run(storage, shift.start, 1, 0, shift.span_us, "kernel"))
    day = whatif.Plan(
        span_us=DAY_US, figure="good", precision=None, most=max(2, round(100 * share))
    )
    _timed(tube, day, 60.0)
    _parts(Run(tube, None, 1, 0, DAY_US, "kernel"))


if __name__ == "__main__":
    main()
