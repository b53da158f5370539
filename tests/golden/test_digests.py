"""The same seed gives the same events: in another process, in another year.

A digest changes only with a rule of `docs/explanation/semantics.md`. Renew them with
`LINETWIN_RENEW_GOLDEN=1 pytest tests/golden`, and say in the changelog why.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from golden_lines import LINES, line, series

from twin.engine.events import EventKind, EventLog
from twin.engine.simpy_engine import SimpyEngine
from twin.model import Line

HERE = Path(__file__).parent
GOLDEN = HERE / "digests.json"
SPAN_US = 600_000_000


def run(line: Line, seed: int = 1, replication: int = 0) -> EventLog:
    log = EventLog()
    SimpyEngine(line, seed=seed, replication=replication, log=log).advance(SPAN_US)
    return log


def digests() -> dict[str, dict[str, object]]:
    found = {}
    for name, make in LINES.items():
        log = run(make())
        found[name] = {"events": log.count, "digest": log.digest()}
    return found


def test_digests_are_those_held_fast() -> None:
    found = digests()
    if os.environ.get("LINETWIN_RENEW_GOLDEN"):
        GOLDEN.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    assert found == json.loads(GOLDEN.read_text(encoding="utf-8"))


@pytest.mark.parametrize("hash_seed", ["0", "1", "4711"])
def test_another_process_sees_the_same_events(hash_seed: str) -> None:
    code = "import json, test_digests; print(json.dumps(test_digests.digests()))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=HERE,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == digests()


def test_seeds_and_replications_differ() -> None:
    line = LINES["quality"]()
    found = {run(line, seed, replication).digest() for seed in (1, 2) for replication in (0, 1)}
    assert len(found) == 4


def rows_of_first_stations(made: Line) -> np.ndarray:
    rows = run(made).table()
    # A part of the last station leaves the line in one and enters a buffer in the other.
    return rows[(rows[:, 2] < 3) & (rows[:, 1] != EventKind.PART_PASSED)]


def test_another_branch_changes_nothing_for_the_first() -> None:
    before = series()
    branch = line(
        "X", [{"id": "M", "cycle_time": 1_000_000}, {"id": "N", "cycle_time": 3_000_000}],
        [("M", "N", {})],
    )  # fmt: skip
    extra = branch.buffers[0].model_copy(update={"id": "q9"})
    both = before.model_copy(
        update={
            "stations": before.stations + branch.stations,
            "buffers": (*before.buffers, extra),
        }
    )
    assert np.array_equal(rows_of_first_stations(before), rows_of_first_stations(both))


def test_a_station_at_the_end_leaves_the_draws_alone() -> None:
    before = series()
    more = line(
        "X", [{"id": "C", "cycle_time": 1_000_000}, {"id": "N", "cycle_time": 3_000_000}],
        [("C", "N", {})],
    )  # fmt: skip
    longer = before.model_copy(
        update={
            "stations": (*before.stations, more.stations[1]),
            "buffers": (*before.buffers, more.buffers[0].model_copy(update={"id": "q9"})),
        }
    )
    # It never blocks the others, so they do the very same at the same time.
    assert np.array_equal(rows_of_first_stations(before), rows_of_first_stations(longer))
