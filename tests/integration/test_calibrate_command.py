"""`twin calibrate` on a day of a plant whose line file is a little wrong."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from hidden_plant import SMALL, hidden_line, record, truth_of

from lines.loader import load_text
from twin.cli.main import run
from twin.historian.duckdb_store import DuckDBHistorian
from twin.historian.port import Point, Series

SEED = 4


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def twin(monkeypatch, capsys):
    """Run the command as its entry point does, in a directory."""

    def call(*arguments: str, where: Path) -> Done:
        monkeypatch.chdir(where)
        monkeypatch.setattr(sys, "argv", ["twin", *arguments])
        with pytest.raises(SystemExit) as ended:
            run()
        code = ended.value.code
        out, err = capsys.readouterr()
        return Done(code if isinstance(code, int) else 0, out, err)

    return call


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the line file and the history of a day, of which 2 % got lost."""
    where = tmp_path_factory.mktemp("calibrate")
    (where / "l.yaml").write_text(SMALL, encoding="utf-8")
    (where / "linetwin-data").mkdir()
    store = DuckDBHistorian(where / "linetwin-data" / "history.duckdb")
    published = record(store, hidden_line(load_text(SMALL), SEED), seed=SEED, hours=24)
    assert 0.015 < published.lost / published.points < 0.025
    store.close()
    return where


def test_numbers_are_found_with_what_they_are_worth(here: Path, twin) -> None:
    done = twin("calibrate", "l.yaml", "--json", where=here)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    found = {(one["station"], one["what"]): one for one in told["numbers"]}
    really = hidden_line(load_text(SMALL), SEED)
    for index, station in enumerate(("A", "B", "C")):
        cycle = found[station, "cycle time"]
        assert cycle["outcome"] == "changed"
        truth = truth_of(really, ("stations", index, "cycle_time"))
        assert cycle["mean"] == pytest.approx(truth, rel=0.01)
    scrap = found["A", "scrap"]
    assert scrap["low_95"] < truth_of(really, ("stations", 0, "scrap")) < scrap["high_95"]
    slip = found["A", "time to failure of slip"]
    assert slip["history"].startswith("{distribution: weibull, mean: ")
    assert slip["low_95"] < truth_of(really, ("stations", 0, "failures", 1, "mtbf"))
    assert slip["score_history"] < slip["score_line_file"]
    assert slip["cut_off"] > 0
    rare = found["A", "time to failure of rare"]
    assert rare["outcome"] == "too few"
    assert rare["history"] is None
    assert rare["verdict"] == f"left: takes 20 failures, has {rare['seen']}"
    assert told["by_hand"] == []
    assert f" h of history; {len(found)} numbers: " in done.stderr


def test_a_diff_and_a_new_file_with_the_same_comments(here: Path, twin) -> None:
    shown = twin("calibrate", "l.yaml", "--diff", "--write", "new.yaml", where=here)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith("--- a/l.yaml\n+++ b/l.yaml\n@@ ")
    before, after = (
        [line for line in shown.stdout.splitlines() if line.startswith(sign) and line[1] == " "]
        for sign in "-+"
    )
    assert len(before) == len(after) > 3
    assert any(line.endswith("source: history}  # by stopwatch") for line in after)

    assert twin("check", "new.yaml", where=here).returncode == 0
    assert (here / "l.yaml").read_text(encoding="utf-8") == SMALL
    text = (here / "new.yaml").read_text(encoding="utf-8")
    assert text.startswith("# A small line, with a comment that has to stay.\n")

    again = twin("calibrate", "new.yaml", "--diff", "--station", "A", where=here)
    assert again.returncode == 0
    assert again.stdout == ""  # what was fitted is as the history says


def test_a_recording_tells_the_same_and_stations_can_be_chosen(here: Path, twin) -> None:
    out = ("history", "--line", "L", "--out", "plant.parquet")
    assert twin(*out, where=here).returncode == 0
    asked = ("calibrate", "l.yaml", "--station", "B")
    done = twin(*asked, "--history", "plant.parquet", where=here)
    assert done.returncode == 0, done.stderr
    head, *rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert head == ["station", "what", "line file", "history", "95 % interval", "seen", "verdict"]
    assert [row[1] for row in rows] == [
        "cycle time",
        "time to failure of halt",
        "time to repair of halt",
    ]
    assert {row[0] for row in rows} == {"B"}
    assert done.stdout == twin(*asked, where=here).stdout


def test_what_is_wrong_is_said(here: Path, twin) -> None:
    for arguments, code, said in (
        (("l.yaml", "--data", "elsewhere"), 2, "there is no history at elsewhere/history.duckdb"),
        (("l.yaml", "--history", "none.csv"), 2, "none.csv: must be a file, there is none"),
        (("l.yaml", "--history", "nowhere"), 2, "there is no nowhere"),
        (("five_stations",), 1, "the history has nothing of FIVE; it has L; give the file"),
        (("l.yaml", "--from", "2030-01-01"), 1, "no points in that time; the history for line L"),
        (("l.yaml", "--station", "X"), 2, "--station must be a station of L, got 'X'; known: A"),
        (("l.yaml", "--write", "l.yaml"), 2, "not there yet, got l.yaml; --overwrite lets it go"),
        (("l.yaml", "--held-back", "0.9"), 2, "--held-back must be a number from 0.1 to 0.5"),
        (("l.yaml", "--json", "--diff"), 2, "give --json or --diff, not both"),
        (("none.yaml",), 1, "must be a line file, or the name of a packaged one"),
    ):
        done = twin("calibrate", *arguments, where=here)
        assert (done.returncode, said in done.stderr) == (code, True), done.stderr
        assert "Traceback" not in done.stderr


def test_a_history_of_another_line_of_that_name_is_refused(tmp_path: Path, twin) -> None:
    (tmp_path / "l.yaml").write_text(SMALL, encoding="utf-8")
    store = DuckDBHistorian(tmp_path / "h.duckdb")
    store.write([Point(Series("L", unit, "state_current"), 1, 6.0) for unit in ("A01", "A04")])
    store.close()
    done = twin("calibrate", "l.yaml", "--history", "h.duckdb", where=tmp_path)
    assert done.returncode == 1
    assert "the history is of another line that is called L, too: it has A04, which" in done.stderr


def test_too_little_history_changes_nothing(tmp_path: Path, twin) -> None:
    (tmp_path / "l.yaml").write_text(SMALL, encoding="utf-8")
    store = DuckDBHistorian(tmp_path / "h.duckdb")
    record(store, hidden_line(load_text(SMALL), SEED), seed=SEED, hours=0.05, warm_h=1)
    store.close()
    asked = ("calibrate", "l.yaml", "--history", "h.duckdb", "--write", "new.yaml")
    done = twin(*asked, where=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "nothing changes; new.yaml is not written" in done.stderr
    assert not (tmp_path / "new.yaml").exists()
    assert "left: takes 30 operations, has 2" in done.stdout
