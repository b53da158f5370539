"""`twin energy` and `twin labour` as processes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

LINE = (
    "id: L\n"
    "facts: {unit_energy_reduction_percent: 20, staff_per_shift: 2}\n"
    "utilities: [{id: air, per_product: 0.1 kWh}]\n"
    "stations:\n"
    "  - {id: A, cycle_time: 36 s, energy: {execute: 10 kW, per_product: 0.2 kWh}}\n"
    "  - {id: B, cycle_time: 18 s, automation: semi, energy: {idle: 20 kW}}\n"
    "buffers: [{id: AB, from: A, to: B, capacity: 4}]\n"
)
ASKED = ["l.yaml", "--days", "0.1", "--replications", "2"]


def twin(*arguments: str, where: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "twin", *arguments]
    return subprocess.run(
        command, cwd=where, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "l.yaml").write_text(LINE)
    return tmp_path


def test_energy_by_station_and_state_and_what_is_known_of_a_saving(here: Path) -> None:
    before = ["--before", "stations.A.energy.per_product=0.3 kWh"]
    done = twin("energy", *ASKED, *before, "--json", where=here)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    parts = {one["name"]: one["kwh_by_state"] for one in found["parts"]}
    assert parts["A"]["per unit"] == pytest.approx(0.2, rel=0.01)
    assert parts["A"]["execute"] == pytest.approx(0.1, rel=0.01)
    assert parts["B"]["idle"] == pytest.approx(0.1, rel=0.01)
    assert parts["air"]["per unit"] == 0.1
    assert found["saving"]["percent"] == 20
    assert found["saving"]["known"]["mean"] == pytest.approx(0.1, rel=0.01)
    assert found["saving"]["rest"] == pytest.approx(0.5 / 0.8 - 0.6, rel=0.05)
    told = twin("energy", *ASKED, *before, where=here)
    assert "A energy per product: 0.3 kWh" in told.stdout or "0.2 kWh -> 0.3 kWh" in told.stdout
    assert "that is not a measurement" in told.stdout


def test_labour_tells_automation_and_hands(here: Path) -> None:
    done = twin("labour", *ASKED, "--json", where=here)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["automation"]["automatic"] == 0.5
    assert found["automation"]["by_hand"] == ["B"]
    assert found["facts"] == {"staff_per_shift": 2}
    told = twin("labour", *ASKED, "--set", "stations.B.automation=auto", where=here)
    assert "automatic   2 of 2 stations, 100.0%" in told.stdout
    assert "2 people a shift by the line file" in told.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["energy", "l.yaml", "--saving", "x"], ["--saving must be a share", "got 'x'"]),
        (["energy", "l.yaml", "--before", "y", "--before", "stations.C.machines=2"],
         ["--before: must be PATH=VALUE, got y", "must be the id of a station, got C"]),
        (["energy", "five_stations", "--before", "stations.M1.machines=2"], ["--saving, as 26%"]),
        (["labour", "l.yaml", "--set", "crew.X.size=2"], ["--set crew.X.size: must"]),
        (["energy", "l.yaml", "--days", "0"], ["--days must be a number from 0.01"]),
        (["whatif", "l.yaml", "--set", "a", "--set", "stations.C.machines=2"],
         ["must be PATH=VALUE, got a", "must be the id of a station, got C"]),
    ],
)  # fmt: skip
def test_a_wrong_call_says_all_that_is_wrong(
    here: Path, arguments: list[str], said: list[str]
) -> None:
    done = twin(*arguments, where=here)
    assert (done.returncode, done.stdout) == (2, "")
    for words in said:
        assert words in done.stderr
