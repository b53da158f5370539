"""`twin whatif`, `compare` and `search` as processes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TWIN = [sys.executable, "-m", "twin"]
FIVE = ["five_stations", "--span", "10 min", "--warmup", "2 min"]
BIGGER = ["--set", "buffers.*.capacity=x2"]


def twin(*arguments: str, where: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*TWIN, *arguments], cwd=where, capture_output=True, text=True, timeout=120, check=False
    )


def test_an_answer_is_kept_reported_and_made_again(tmp_path: Path) -> None:
    files = ["--out", "r.json", "--report", "r.html", "--report", "r.md"]
    done = twin("whatif", *FIVE, *BIGGER, "--replications", "6", *files, where=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "buffer B1 capacity: 2 -> 4" in done.stdout
    assert "6 of each scenario" in done.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"r.json", "r.html", "r.md"}
    again = twin("whatif", "rerun", "r.json", where=tmp_path)
    assert again.returncode == 0, again.stderr
    assert "all 48 values are the same, bit for bit" in again.stdout


def test_a_result_that_was_tampered_with_is_found_out(tmp_path: Path) -> None:
    twin("whatif", *FIVE, "--replications", "3", "--out", "r.json", where=tmp_path)
    kept: dict[str, Any] = json.loads((tmp_path / "r.json").read_text())
    kept["scenarios"][0]["values"]["good"][1] += 1
    (tmp_path / "r.json").write_text(json.dumps(kept))
    again = twin("whatif", "rerun", "r.json", where=tmp_path)
    assert again.returncode == 1
    assert "1 values are not what they were" in again.stderr
    assert "as it is, replication 1, good: " in again.stderr


def test_compare_takes_a_file(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(
        "bigger: {buffers.*.capacity: x2}\nslower: {stations.M3.cycle_time: +20%}\n"
    )
    done = twin("compare", FIVE[0], "s.yaml", *FIVE[1:], "--json", where=tmp_path)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert list(answer["summary"]) == ["as it is", "bigger", "slower"]
    assert answer["summary"]["bigger"]["good_per_h"]["difference"]["mean"] > 0
    assert answer["summary"]["slower"]["good_per_h"]["difference"]["mean"] < 0
    assert "line" not in answer


def test_search_finds_the_buffer_that_matters(tmp_path: Path) -> None:
    (tmp_path / "l.yaml").write_text(
        "id: L\n"
        "stations:\n"
        "  - {id: A, cycle_time: 1 s}\n"
        "  - {id: B, cycle_time: 3 s}\n"
        "  - {id: C, cycle_time: 1 s}\n"
        "buffers:\n"
        "  - {id: AB, from: A, to: B, capacity: 1}\n"
        "  - {id: BC, from: B, to: C, capacity: 1}\n"
    )
    over = [f"--over=stations.{name}.machines=1..3" for name in "ABC"]
    cost = [f"--cost=stations.{name}.machines=1" for name in "ABC"]
    asked = [*over, *cost, "--budget", "2", "--span", "10 min", "--warmup", "1 min"]
    done = twin("search", "l.yaml", *asked, where=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "A.machines 1, B.machines 3, C.machines 1: more, surely" in done.stdout
    assert "With probability 0.95 or more it is the best" in done.stdout


def test_the_best_of_a_file_is_found_and_compared_alone(tmp_path: Path) -> None:
    names = [f"b{n}: {{buffers.B2.capacity: {n}}}" for n in (3, 4, 12)]
    (tmp_path / "s.yaml").write_text("\n".join(names))
    done = twin("compare", FIVE[0], "s.yaml", "--best", *FIVE[1:], "--most", "40", where=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "The best choices" in done.stdout
    assert "b12: more, surely" in done.stdout


def test_from_a_snapshot_and_from_empty(tmp_path: Path) -> None:
    twin("snapshot", "five_stations", "--at", "1 h", "--out", "s.json", where=tmp_path)
    asked = ["--span", "10 min", "--figure", "good", "--replications", "5"]
    for start, said in (("s.json", "s.json, engine time 60 min"), ("empty", "an empty line")):
        done = twin("whatif", "five_stations", "--start", start, *asked, where=tmp_path)
        assert done.returncode == 0, done.stderr
        assert said in done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["whatif", *FIVE, "--set", "stations.M9.machines=2"], "known: M1, M2"),
        (["whatif", *FIVE, "--set", "nonsense"], "must be PATH=VALUE"),
        (["whatif", *FIVE, "--precision", "much"], "--precision must be a share"),
        (["whatif", *FIVE, "--figure", "wealth"], "--figure must be one of good_per_h"),
        (["whatif", *FIVE, "--start", "empty"], "give --start or --warmup, not both"),
        (["whatif", "five_stations", "--start", "none.json"], "none.json"),
        (["whatif", *FIVE, "--report", "r.pdf"], "must end in .html or .md"),
        (["whatif", *FIVE, "--out", "nowhere/r.json"], "there is no folder"),
        (["whatif", "five_stations", "tube_line"], "one line at a time"),
        (["whatif", "rerun", "none.json"], "can't read the result"),
        (["search", *FIVE, "--over", "stations.M1.machines=a..b"], "--over must be PATH=5..7"),
        (["whatif", *FIVE, "--replications", "1"], "--replications must be a whole number of at"),
        (["search", *FIVE, "--over", "stations.M1.cycle_time=1..2"], "must lead to whole numbers"),
        (["bottleneck", *FIVE, "--from", "empty"], "--from must be the file of a state"),
        (
            ["search", *FIVE, "--over", "stations.M1.machines=1..2", "--cost", "x=1"],
            "must name a path of --over, got 'x'",
        ),
    ],
)
def test_a_call_that_makes_no_sense_is_refused(
    arguments: list[str], says: str, tmp_path: Path
) -> None:
    done = twin(*arguments, where=tmp_path)
    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["whatif", "compare", "search", "bottleneck"])
def test_all_that_is_wrong_with_a_call_is_said_at_once(command: str, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("more: {stations.M9.machines: 2}\nodd: {bufers: 1}\n")
    own, said = {
        "whatif": (["--set", "a", "--set", "stations.M9.machines=2"],
                   ["--set: must be PATH=VALUE, got a", "--set stations.M9.machines: must be"]),
        "compare": (["s.yaml", "--indifference", "x"],
                    ["s.yaml:1:8: stations.M9.machines", "s.yaml:2:7: bufers", "--indifference"]),
        "search": (["--over", "stations.M1.machines=a", "--cost", "y=1"],
                   ["--over must be PATH=5..7", "--cost must name a path of --over, got 'y'"]),
        "bottleneck": (["--from", "empty", "--warmup", "1 h"], ["--from must be the file"]),
    }[command]  # fmt: skip
    wrong = ["--span", "0 h", "--figure", "wealth", "--report", "r.pdf", "--out", "no/r.json"]
    done = twin(command, "five_stations", *own, *wrong, where=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    count = int(done.stderr.removeprefix("twin: ").split()[0])
    assert count == len(done.stderr.splitlines()) - 1
    for words in (*said, "--span must be greater than 0", "--figure must be one of", "r.pdf",
                  "there is no folder"):  # fmt: skip
        assert words in done.stderr


@pytest.mark.parametrize("command", ["whatif", "compare", "search", "bottleneck", "supply"])
def test_help_shows_what_stands_in_brackets_and_examples(command: str, tmp_path: Path) -> None:
    """Rich takes `[text]` for a mark-up of its own unless it is told not to."""
    shown = " ".join(twin(command, "--help", where=tmp_path).stdout.replace("│", " ").split())
    assert "[processors]" in shown
    assert f"Examples: twin {command} " in shown


def test_ctrl_c_gives_the_answer_so_far(tmp_path: Path) -> None:
    command = [*TWIN, "whatif", *FIVE, "--replications", "1000000", "--out", "r.json"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert "Ctrl-C" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "The answer so far: less precise than asked for." in output
    assert "interrupted: the answer so far" in output
    assert json.loads((tmp_path / "r.json").read_text())["stopped_by"] == "interrupted"
