"""How long an answer takes: 1,000 replications of an 8 h shift of the storage line from a snapshot
are to take 2 s on two cores, 100 of a day of the tube line 60 s.

Each is measured whole, through `twin.whatif.compare`, and where the time of one replication goes;
beside it how long SimPy takes for one, on one core. Needs two free processors:
`python benchmarks/whatif.py`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from figures import machine, show

from lines import load
from twin import whatif
from twin.engine import Snapshot, open_engine
from twin.engine.opening import Opening
from twin.model.line import Line
from twin.whatif.figures import Readings
from twin.whatif.run import Run, counted

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US


@dataclass(frozen=True, slots=True)
class Demand:
    """What is to be answered in how many seconds of wall time on two cores."""

    line: Line
    start: Snapshot | None
    span_us: int
    replications: int
    wanted_s: float
    simpy_replications: int

    @property
    def words(self) -> str:
        """For people."""
        return f"{self.line.id}: {self.replications:,} replications of {self.span_us // HOUR_US} h"


def _answered_s(demand: Demand, jobs: int) -> float:
    """Wall time of the whole answer."""
    plan = whatif.Plan(
        span_us=demand.span_us,
        start=demand.start,
        warm_up_us=0,
        figure="good",
        precision=None,
        most=demand.replications,
        engine="kernel",
    )
    with whatif.open_workers(jobs=jobs) as workers:
        began = time.perf_counter()
        whatif.compare(demand.line, plan=plan, workers=workers)
        return time.perf_counter() - began


def _one_s(run: Run, replications: int) -> float:
    """CPU time of one replication, in one thread."""
    counted(run, 0)
    began = time.process_time()
    for replication in range(1, 1 + replications):
        counted(run, replication)
    return (time.process_time() - began) / replications


def _ms(work: Callable[[], object]) -> list[float]:
    """CPU time of some calls, in seconds."""
    took = []
    for _ in range(20):
        began = time.process_time()
        work()
        took.append(time.process_time() - began)
    return took


def _parts(run: Run) -> None:
    """Where the time of one replication goes."""
    engine = run.opened(0)
    begin, readings = engine.now_us, Readings.of(run.line)
    before = engine.counters()
    figures = before.since(before)
    seed = run.seed if run.start is None else None
    first = lambda: Opening(run.line, run.engine, seed=seed, start=run.start)  # noqa: E731
    for name, work in (
        ("to begin at all, once", first),
        ("to open one replication", lambda: run.opened(1)),
        ("to read its counters", engine.counters),
        ("to work out its figures", lambda: readings.figures(figures, begin, begin + run.span_us)),
    ):
        show(f"  {name}", _ms(work), "ms", scale=1e-3)


def _measured(demand: Demand, turns: int) -> None:
    run = Run(demand.line, demand.start, 1, 0, demand.span_us, "kernel")
    for jobs in (1, 2):
        took = [_answered_s(demand, jobs) for _ in range(turns)]
        most = demand.wanted_s if jobs == 2 else None
        show(f"{demand.words}, {jobs} threads", took, "s", most=most)
    _parts(run)
    simpy = _one_s(replace(run, engine="simpy"), demand.simpy_replications)
    kernel = [_one_s(run, min(20, demand.replications)) for _ in range(turns)]
    show("  one replication, CPU", kernel, "ms", scale=1e-3)
    show("  SimPy / compiled engine, one replication", [simpy / one for one in kernel], "times")


def main() -> None:
    """Measure both lines."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--share", type=float, default=1.0, help="of the replications; 1: all")
    share = parser.parse_args().share
    storage, tube = load("storage_line"), load("tube_line")
    plant = open_engine(storage, seed=1)
    plant.advance(14 * DAY_US)
    print(machine())
    shifts = max(2, round(1000 * share))
    _measured(Demand(storage, plant.snapshot(), 8 * HOUR_US, shifts, 2.0, 3), turns=5)
    days = max(2, round(100 * share))
    _measured(Demand(tube, None, DAY_US, days, 60.0, 1), turns=1)


if __name__ == "__main__":
    main()
