"""`twin supply` as a process."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs/how-to/supply.md"


def twin(*arguments: str, where: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "twin", "supply", *arguments]
    return subprocess.run(
        command, cwd=where, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture
def here(tmp_path: Path) -> Path:
    line, supply = re.findall(r"```yaml\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL)
    (tmp_path / "bread.yaml").write_text(line)
    (tmp_path / "bread.supply.yaml").write_text(supply)
    return tmp_path


def test_scenarios_beside_the_supply_as_it_is(here: Path) -> None:
    asked = ["bread.yaml", "--scenario", "mill-stops", "--set", "customer.demand=x2"]
    done = twin(*asked, "--days", "4", "--json", where=here)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    as_it_is, stopped, more = found["cases"]
    assert as_it_is["lost_per_d"] == {"mean": 0.0, "half_width_95": 0.0}
    assert stopped["lost_per_d"]["mean"] > 0
    assert stopped["materials"][0]["starved_h"]["mean"] > 0
    assert more["good_per_d"] == as_it_is["good_per_d"]
    assert more["unmet_ratio"]["mean"] > 0.1
    again = twin(*asked, "--days", "4", "--json", "--jobs", "1", where=here)
    assert again.stdout == done.stdout


def test_it_is_told_to_people(here: Path) -> None:
    done = twin("bread.yaml", "--scenario", "stricter", "--days", "2", where=here)
    assert done.returncode == 0, done.stderr
    assert "customer limit ppm: 20,000 -> 10,000" in done.stdout
    assert "± is a 95 % interval" in done.stdout
    listed = twin("bread.yaml", "--list", where=here)
    assert "mill-stops" in listed.stdout
    assert "nothing arrives" in listed.stdout
    names = [one["name"] for one in json.loads(twin("bread.yaml", "--list", "--json", where=here)
                                               .stdout)]  # fmt: skip
    assert names == ["mill-stops", "truck-late", "from-afar", "stricter"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["bread.yaml", "--scenario", "mil-stops", "--scenario", "x", "--set", "y"], 2,
         ["did you mean 'mill-stops'?", "got x; known:", "must be PATH=VALUE, got y"]),
        (["bread.yaml", "--days", "0"], 2, ["--days must be a whole number of at least 1"]),
        (["bread.yaml", "--replications", "1"], 2, ["--replications must be a whole number"]),
        (["five_stations"], 2, ["FIVE has no supply file", "--supply FILE"]),
        (["bread.yaml", "--list", "--set", "safety=3"], 2, ["--list runs nothing"]),
        (["storage_line", "--supply", "bread.supply.yaml"], 1,
         ["bread.supply.yaml:1:7: line: must be the line's id, LDES1, got BREAD", "faults found"]),
    ],
)  # fmt: skip
def test_a_wrong_call_says_what_is_wrong(
    here: Path, arguments: list[str], code: int, said: list[str]
) -> None:
    done = twin(*arguments, where=here)
    assert (done.returncode, done.stdout) == (code, "")
    for words in said:
        assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_check_looks_at_the_supply_beside_the_line_and_its_scenarios(here: Path) -> None:
    def check() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "twin", "check", "bread.yaml"]
        return subprocess.run(
            command, cwd=here, capture_output=True, text=True, timeout=120, check=False
        )

    done = check()
    assert done.returncode == 0, done.stderr
    assert "the supply is right: 2 materials, 2 tiers, 4 scenarios" in done.stdout
    path = here / "bread.supply.yaml"
    text = path.read_text()
    path.write_text(text.replace("flour.from.mill", "flower.from.mill").replace("ppm: 1", "pm: 1"))
    done = check()
    assert done.returncode == 1
    assert "scenario 'from-afar' materials.flower.from.mill" in done.stderr
    assert "scenario 'stricter' customer.limit_pm" in done.stderr
    assert "2 faults found" in done.stderr
