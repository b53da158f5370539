"""`twin forecast --live`: from what a twin's history knows; and scores that outlive the twin."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from test_watched_line_ahead import HOUR_S, Watched, line, needs_kernel

from twin.historian.duckdb_store import DuckDBHistorian


def twin(*arguments: str, where: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "twin", "forecast", *arguments]
    return subprocess.run(
        command, cwd=where, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture
def here(tmp_path: Path) -> Path:
    described = {
        "id": "L",
        "time_zone": "UTC",
        "target": "500 /h",
        "shifts": {"start": "0 h", "length": "2 h"},
        "stations": [
            {
                "id": "A",
                "cycle_time": {"distribution": "lognormal", "mean": "6 s", "cv": 0.3},
                "failures": [
                    {
                        "id": "jam",
                        "mtbf": {"distribution": "exponential", "mean": "10 min"},
                        "mttr": "1 min",
                    }
                ],
            },
            {"id": "B", "cycle_time": "5 s"},
        ],
        "buffers": [{"id": "A-B", "from": "A", "to": "B", "capacity": 5}],
    }
    (tmp_path / "l.yaml").write_text(json.dumps(described))
    (tmp_path / "linetwin-data").mkdir()
    return tmp_path


def test_it_begins_in_the_newest_state_of_the_history(here: Path) -> None:
    seen = Watched(here)
    seen.pass_to(HOUR_S)
    history = DuckDBHistorian(here / "linetwin-data" / "history.duckdb")
    history.write(seen.points)
    asked = ["l.yaml", "--live", "--until", "30 min", "--replications", "39", "--json"]
    # Both at once: the twin that writes may run meanwhile.
    done = twin(*asked, where=here)
    history.close()
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["state"]["at_us"] == HOUR_S * 1_000_000
    assert found["state"]["unknown_us"] == {}
    assert "01:00:00 UTC" in found["state"]["name"]
    (outlook,) = found["outlooks"]
    before = seen.twin.meter.good_units()
    seen.pass_to(HOUR_S + 1800)
    made = seen.twin.meter.good_units() - before
    # 39 futures: what came lies a little beyond them once in twenty times, here it doesn't.
    assert outlook["quantiles"]["0.05"] - 20 < made < outlook["quantiles"]["0.95"] + 20


@needs_kernel
async def test_scores_are_read_after_the_twin_has_ended(here: Path) -> None:
    seen = Watched(here / "linetwin-data")
    seen.pass_to(HOUR_S)
    await seen.ahead.forecast(seed=1)
    waiting = twin("scores", "l.yaml", where=here)
    assert waiting.returncode == 1
    assert "of 1 forecasts nobody has said yet what came" in waiting.stderr
    seen.pass_to(2 * HOUR_S - 10)
    seen.ahead.look()
    seen.pass_to(2 * HOUR_S + 10)
    for due, made in seen.ahead.look():
        assert await seen.ahead.settle(due, made)
    await seen.ahead.forecast(seed=2)
    done = twin("scores", "l.yaml", "--json", where=here)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["count"], found["waiting"]) == (1, 1)
    assert found["crps"] >= 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["l.yaml", "--live"], "there is no history at linetwin-data"),
        (["l.yaml", "--live", "--from", "s.json", "--keep"],
         "give --from or --live, not both\n--keep is for --from: "),
        (["l.yaml"], "give --from FILE, as 'twin snapshot' writes it, or --live"),
    ],
)  # fmt: skip
def test_a_wrong_call_says_what_is_wrong(here: Path, arguments: list[str], said: str) -> None:
    done = twin(*arguments, where=here)
    assert done.returncode == 2
    assert said in done.stderr


def test_the_line_of_this_file_is_the_watched_one(here: Path) -> None:
    from lines.loader import load

    assert load(here / "l.yaml") == line()
