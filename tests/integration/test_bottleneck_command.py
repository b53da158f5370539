"""`twin bottleneck` as a process."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

LINE = (
    "id: L\n"
    "stations:\n"
    "  - {id: A, cycle_time: 1 s}\n"
    "  - id: B\n"
    "    cycle_time: 3 s\n"
    "    failures: [{id: f, mtbf: {distribution: exponential, mean: 5 min}, mttr: 20 s}]\n"
    "  - {id: C, cycle_time: 1 s}\n"
    "buffers:\n"
    "  - {id: AB, from: A, to: B, capacity: 4}\n"
    "  - {id: BC, from: B, to: C, capacity: 4}\n"
)
ASKED = ["l.yaml", "--span", "30 min", "--warmup", "2 min", "--replications", "6"]


def twin(*arguments: str, where: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "twin", *arguments]
    return subprocess.run(
        command, cwd=where, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "l.yaml").write_text(LINE)
    return tmp_path


def test_it_names_the_limit_what_waits_and_what_helps(here: Path) -> None:
    files = ["--report", "r.html", "--report", "r.md", "--out", "r.json", "--json"]
    done = twin("bottleneck", *ASKED, *files, where=here)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    shares = {one["station"]: one["share"]["mean"] for one in found["stations"]}
    assert shares == {"A": 0.0, "B": 1.0, "C": 0.0}
    assert [one["now"] for one in found["stations"]] == [None] * 3
    waits = {(one["station"], one["kind"], one["cause"]) for one in found["waits"]}
    assert waits == {("A", "blocked", "AB"), ("C", "starved", "BC")}
    gains = {name: f["good_per_h"]["difference"] for name, f in found["gains"].items()}
    assert gains["B: one more machine"]["mean"] > gains["B: 20 % shorter repair"]["mean"] > 0
    page = (here / "r.html").read_text()
    assert page.count('class="flow starved"') == page.count('class="flow blocked"') == 1
    assert 'class="limit"' in page
    assert not re.search(r"<script|https?://(?!www\.w3\.org/2000/svg)", page)
    assert "B: one more machine" in (here / "r.md").read_text()
    again = twin("whatif", "rerun", "r.json", where=here)
    assert "are the same, bit for bit" in again.stdout


def test_from_a_state_it_says_who_limits_now(here: Path) -> None:
    twin("snapshot", "l.yaml", "--at", "1 h", "--out", "s.json", where=here)
    asked = ["l.yaml", "--from", "s.json", "--span", "20 min", "--replications", "3", "--top", "0"]
    done = twin("bottleneck", *asked, where=here)
    assert done.returncode == 0, done.stderr
    assert "Now: B, in 100% of the first 60 s." in done.stdout
    assert "What would help" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--from", "none.json"], "none.json"),
        (["--from", "empty"], "--from must be the file of a state, got 'empty'"),
        (["--top", "-1"], "--top must be a whole number of at least 0, got '-1'"),
        (["--replications", "1"], "--replications must be a whole number of at least 2, got '1'"),
        (["--report", "r.pdf"], "must end in .html or .md"),
    ],
)
def test_a_call_that_makes_no_sense_is_refused(arguments: list[str], says: str, here: Path) -> None:
    done = twin("bottleneck", "l.yaml", *arguments, where=here)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
