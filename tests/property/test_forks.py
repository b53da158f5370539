"""Snapshots of the two lines at random instants: who goes on from one does what the line did."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from equal_runs import Tally, first_difference, taken

from lines.loader import load
from twin.engine.events import EventLog
from twin.engine.kernel import KernelEngine, kernel_library
from twin.engine.simulation import EngineName, open_engine
from twin.engine.snapshot import Snapshot

pytestmark = pytest.mark.skipif(
    kernel_library() is None, reason="the compiled engine is not installed: no C compiler"
)
HOUR = 3_600_000_000
ENGINES: tuple[EngineName, ...] = ("simpy", "kernel")


def go_on_from_snapshots(name: str, count: int, from_us: int, span_us: int) -> Tally:
    """Take snapshots of a run at random instants, and compare what comes after each, up to the
    next: the run itself, an engine that goes on from the snapshot as JSON (SimPy and the kernel
    in turn), and a fork of the kernel.
    """
    line, log = load(name), EventLog()
    rng = np.random.default_rng([count, span_us % 1000])
    inside = rng.integers(from_us, from_us + span_us, size=count)
    instants = np.unique([*inside, from_us + span_us]).tolist()
    running = KernelEngine(line, on_events=log.add_block)
    running.advance(instants[0])
    taken(log)
    total = Tally()
    for turn, (at, to) in enumerate(pairwise(instants)):
        text = running.snapshot().to_json()
        logs = EventLog(), EventLog()
        engine = ENGINES[turn % 2]
        restarted = open_engine(line, engine, start=Snapshot.from_json(text), log=logs[0])
        fork = running.fork(on_events=logs[1].add_block)
        for each in (running, restarted, fork):
            each.advance(to)
        rows = taken(log)
        for who, other in zip((f"{engine} from JSON", "fork"), logs, strict=True):
            found = other.table()
            if not np.array_equal(rows, found):
                pytest.fail(f"{name}, {who} at {at} us:\n{first_difference(rows, found)}")
        total += Tally.of(rows)
    return total


@pytest.mark.parametrize(
    ("name", "count", "hours"), [("storage_line", 60, 40), ("tube_line", 25, 0.25)]
)
def test_the_lines_go_on_from_snapshots_at_random_instants(
    name: str, count: int, hours: float
) -> None:
    tally = go_on_from_snapshots(name, count, 10 * HOUR, round(hours * HOUR))
    assert tally.moves > 10_000


@pytest.mark.nightly
@pytest.mark.parametrize(("name", "hours"), [("storage_line", 30 * 24), ("tube_line", 24)])
def test_the_lines_go_on_from_a_thousand_snapshots(name: str, hours: float) -> None:
    tally = go_on_from_snapshots(name, 1000, 10 * HOUR, round(hours * HOUR))
    print(f"{name}, 1,000 snapshots: {tally}; differences 0")  # noqa: T201 - the report
    assert tally.moves > 1_000_000
