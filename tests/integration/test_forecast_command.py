"""`twin forecast` as a process: made, kept, and scored when its time has come."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

FIVE = ["forecast", "five_stations", "--from", "s.json", "--replications", "39"]


def twin(*arguments: str, where: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "twin", *arguments]
    return subprocess.run(
        command, cwd=where, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("forecast")
    done = twin("snapshot", "five_stations", "--at", "1 h", "--out", "s.json", where=where)
    assert done.returncode == 0, done.stderr
    return where


def test_a_forecast_is_kept_and_scored_by_what_came(here: Path) -> None:
    made = twin(*FIVE, "--until", "30 min", "--target", "1200", "--keep", "--json", where=here)
    assert made.returncode == 0, made.stderr
    found = json.loads(made.stdout)
    (outlook,) = found["outlooks"]
    low, high = outlook["quantiles"]["0.05"], outlook["quantiles"]["0.95"]
    assert low < outlook["quantiles"]["0.5"] < high
    chance = outlook["probability"]
    assert chance["low_95"] < chance["share"] < chance["high_95"]
    assert twin("forecast", "scores", where=here).returncode == 1  # nothing has come yet

    early = twin("forecast", "scores", "five_stations", "--came", "s.json", where=here)
    assert early.returncode == 2
    assert "no forecast ends there; forecasts that wait end at 90 min" in early.stderr

    twin(
        "snapshot", "five_stations", "--start", "s.json", "--at", "90 min", "--out", "l.json",
        where=here,
    )  # fmt: skip
    scored = twin("forecast", "scores", "five_stations", "--came", "l.json", "--json", where=here)
    assert scored.returncode == 0, scored.stderr
    scores = json.loads(scored.stdout)
    assert scores["count"] == 1
    assert scores["coverage"][0] in (0.0, 1.0)
    assert scores["crps"] > 0
    assert scores["promised"] == chance["share"]


def test_orders_age_and_gaps(here: Path) -> None:
    asked = ["--until", "20 min", "--order", "500", "--age", "10 min", "--unknown", "M3=5 min"]
    done = twin(*FIVE, *asked, where=here)
    assert done.returncode == 0, done.stderr
    assert "order of" in done.stdout
    assert "10 min old" in done.stdout
    assert "nothing heard of M3 for 5 min: drawn" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["forecast", "five_stations"], "needs a state to begin in; give --from FILE"),
        (["forecast", "five_stations", "--from", "none.json"], "none.json"),
        ([*FIVE, "--unknown", "M9=5 min"], "--unknown must name a station of FIVE, got 'M9'"),
        ([*FIVE, "--unknown", "M3"], "--unknown must be STATION=TIME"),
        ([*FIVE, "--until", "0 s"], "--until must be greater than 0"),
        ([*FIVE, "--target", "many"], "--target must be a number from 0"),
        ([*FIVE, "--replications", "1"], "--replications must be a whole number of at least 2"),
        ([*FIVE, "--came", "s.json"], "use it as 'twin forecast scores LINE'"),
        (["forecast", "scores", "--came", "s.json"], "--came needs the line"),
        (["forecast", "tube_line", "--from", "s.json"], "another line than TUBE1"),
    ],
)
def test_a_call_that_makes_no_sense_is_refused(arguments: list[str], says: str, here: Path) -> None:
    done = twin(*arguments, where=here)
    assert done.returncode in (1, 2)
    assert says in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr
