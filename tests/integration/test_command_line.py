"""The command line: what each command prints, refuses, and tells other programs."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet
import pytest

from twin.cli.main import run
from twin.historian.duckdb_store import DuckDBHistorian
from twin.historian.port import Point, Quality, Series

COMMANDS = ("check", "lines", "simulate", "snapshot", "trace", "plc", "run", "history")
LINE = """
linetwin: 1
id: MINI
warm_up: 1 min
stations:
  - {id: MAKE, machines: 2, cycle_time: {distribution: exponential, mean: 4 s}, scrap: 0.02}
  - {id: PACK, cycle_time: 2 s}
buffers:
  - {id: MADE, from: MAKE, to: PACK, capacity: 9}
"""
T0 = 1_767_571_200_000_000


@pytest.fixture
def mini(tmp_path: Path) -> str:
    path = tmp_path / "mini.yaml"
    path.write_text(LINE, encoding="utf-8")
    return str(path)


@pytest.fixture
def twin(monkeypatch, capsys):
    """Run the command as its entry point does: (exit code, stdout, stderr)."""

    def call(*args: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["twin", *map(str, args)])
        with pytest.raises(SystemExit) as ended:
            run()
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        code = ended.value.code
        return (code if isinstance(code, int) else 0), out, err

    return call


def process(*args: str | Path, **more) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "twin", *map(str, args)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **more,
    )


def plain(text: str) -> str:
    """What a message says, without the frame that is drawn around it."""
    return " ".join(re.sub(r"\x1b\[[0-9;]*m|[│╭╮╰╯─]", " ", text).split())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_commands_help_has_an_example(twin, command) -> None:
    code, out, _ = twin(command, "--help")
    assert code == 0
    assert re.search(rf"Examples:\s+twin {command}", plain(out))


def test_the_help_names_every_command_and_the_exit_codes(twin) -> None:
    code, out, _ = twin("--help")
    assert code == 0
    assert all(f" {command} " in plain(out) for command in COMMANDS)
    assert "Exit codes: 0 done; 1 it failed" in plain(out)


def test_check_of_a_right_file(twin, mini) -> None:
    code, out, err = twin("check", mini)
    assert (code, err) == (0, "")
    assert out == f"{mini}: line MINI is right: 2 stations, 3 machines, 1 buffer, 1 PLC\n"


def test_check_of_a_wrong_file(twin, tmp_path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(LINE.replace("cycle_time: 2 s", "cycle_time: -2 s").replace("9", "-9"))
    code, out, err = twin("check", wrong)
    assert (code, out) == (1, "")
    first, second, count = err.splitlines()
    assert re.match(rf"{re.escape(str(wrong))}:\d+:\d+: stations\[1\]\.cycle_time: must", first)
    assert re.match(rf"{re.escape(str(wrong))}:\d+:\d+: buffers\[0\]\.capacity: must", second)
    assert count == "2 faults found"


@pytest.mark.parametrize("command", ["check", "simulate", "plc", "run"])
def test_a_missing_file(twin, tmp_path, command) -> None:
    code, out, err = twin(command, tmp_path / "tube_lin.yaml")
    assert (code, out) == (1, "")
    assert "no such file" in err
    assert "tube_line" in err
    assert err.endswith("1 fault found\n")


def test_lines(twin) -> None:
    code, out, _ = twin("lines")
    assert code == 0
    for name in ("five_stations", "storage_line", "tube_line"):
        assert f"{name} " in out


def test_lines_and_results_fit_eighty_columns(twin, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    _, out, _ = twin("lines")
    assert re.search("Hithium Chongqing, long-duration storage cells *\n", out)
    assert "11 stations, 66 machines, 88,889 tubes/h   XLF/CQ-FL/TUBE1" in out
    _, table, _ = twin("simulate", "tube_line", "--days", "1")
    assert "…" not in out + table
    assert max(map(len, out.splitlines())) <= 80
    assert re.search("setup +maint +stop", table)


def test_without_a_screen_nothing_is_cut_off(twin, monkeypatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    _, table, _ = twin("simulate", "tube_line", "--days", "1")
    assert "…" not in table


def test_lines_as_json(twin) -> None:
    code, out, _ = twin("lines", "--json")
    assert code == 0
    listed = {line["name"]: line for line in json.loads(out)}
    assert {"storage_line", "tube_line"} <= set(listed)
    assert listed["tube_line"]["id"] == "TUBE1"
    assert listed["tube_line"]["stations"] == 11
    assert listed["tube_line"]["product"] == "tube"


def test_simulate_as_json_has_exactly_these_keys(twin, mini) -> None:
    code, out, err = twin("simulate", mini, "--until", "1 h", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert list(found) == [
        "line",
        "engine",
        "seed",
        "days",
        "replications",
        "interrupted",
        "planned_busy_h",
        "good_per_h",
        "yield_ratio",
        "good_by_hour",
        "stations",
        "buffers",
    ]
    assert (found["line"], found["seed"], found["replications"]) == ("MINI", 1, 1)
    assert found["days"] == pytest.approx(1 / 24)
    for name in ("good_per_h", "yield_ratio"):
        assert list(found[name]) == ["mean", "half_width_95"]
        assert found[name]["half_width_95"] is None
    assert list(found["stations"]) == ["MAKE", "PACK"]
    for station in found["stations"].values():
        figures = [
            "good",
            "scrap",
            "availability",
            "execute_share",
            "starved_share",
            "blocked_share",
            "fault_share",
            "setup_share",
            "maintenance_share",
            "planned_stop_share",
            "oee_index",
            "planned_busy_h",
        ]
        assert list(station) == [*figures, "starved_by", "blocked_by", "half_width_95"]
        causes = {by: dict.fromkeys(station[by]) for by in ("starved_by", "blocked_by")}
        assert station["half_width_95"] == dict.fromkeys(figures) | causes
        for state in ("starved", "blocked"):
            by_cause = sum(station[f"{state}_by"].values())
            assert by_cause == pytest.approx(station[f"{state}_share"])
    assert 0.9 < found["yield_ratio"]["mean"] < 1
    assert found["good_per_h"]["mean"] == found["stations"]["PACK"]["good"]
    assert list(found["good_by_hour"]) == ["from_h", "mean", "half_width_95"]
    for buffer in found["buffers"].values():
        assert list(buffer) == ["mean_level", "half_width_95"]
        assert buffer["mean_level"] > 0
        assert buffer["half_width_95"] == {"mean_level": None}


def test_replications_give_an_interval(twin, mini) -> None:
    code, out, _ = twin("simulate", mini, "--until", "1 h", "--replications", "3", "--json")
    assert code == 0
    found = json.loads(out)
    assert found["replications"] == 3
    assert found["good_per_h"]["half_width_95"] > 0
    # Of one hour: what the last station made is what left the line.
    last = found["stations"]["PACK"]
    assert last["good"] == pytest.approx(found["good_per_h"]["mean"])
    assert last["half_width_95"]["good"] == pytest.approx(found["good_per_h"]["half_width_95"])


def test_simulate_goes_on_from_a_snapshot(twin, mini, tmp_path) -> None:
    at = tmp_path / "at.json"
    code, out, err = twin("snapshot", mini, "--at", "30 min", "--out", at)
    assert (code, out) == (0, "")
    assert "MINI after 30 min" in err
    rest = ("--until", "30 min", "--json")
    # The warm-up of the first run ends where the snapshot is: the same half hour is counted.
    assert twin("simulate", mini, "--start", at, *rest) == twin(
        "simulate", mini, "--warmup", "30 min", *rest
    )
    _, out, _ = twin("simulate", mini, "--start", at, *rest, "--replications", "3")
    assert json.loads(out)["good_per_h"]["half_width_95"] > 0


def test_a_file_that_is_no_snapshot_is_refused(twin, mini, tmp_path) -> None:
    other = tmp_path / "other.json"
    for text, says in (("", "no snapshot"), ("hello", "does not begin as one"), ("{}", "line")):
        other.write_text(text, encoding="utf-8")
        code, _, err = twin("simulate", mini, "--start", other)
        assert code == 2
        assert str(other) in err
        assert says in err
    code, _, err = twin("simulate", mini, "--start", tmp_path / "none.json")
    assert code == 2
    assert "No such file" in err


def test_days_and_until_are_the_same_span(twin, mini) -> None:
    assert twin("simulate", mini, "--days", "0.25", "--json") == twin(
        "simulate", mini, "--until", "6 h", "--json"
    )


def test_the_warm_up_does_not_count(twin, mini) -> None:
    def made(warm_up: str) -> float:
        _, out, _ = twin("simulate", mini, "--until", "10 s", "--warmup", warm_up, "--json")
        return json.loads(out)["stations"]["PACK"]["good"]

    assert made("0 s") < made("10 min") <= 5


def test_trace_prints_the_same_hash_for_both_engines(twin, mini) -> None:
    hashes = {
        twin("trace", mini, "--until", "1 h", "--engine", engine, "--hash")
        for engine in ("simpy", "kernel")
    }
    ((code, out, err),) = hashes
    assert (code, err) == (0, "")
    assert re.fullmatch(r"[0-9a-f]{32}\n", out)
    _, other, _ = twin("trace", "--seed", "2", "--until", "1 h", mini)
    assert other != out


def test_trace_diff_tells_by_its_exit_code(twin, mini, tmp_path) -> None:
    a, b = tmp_path / "a.parquet", tmp_path / "b.csv"
    for path in (a, b):
        code, out, err = twin("trace", "record", mini, "--until", "10 min", "--out", path)
        assert (code, out) == (0, "")
        assert re.fullmatch(rf"[0-9,]+ events written to {path}\n", err)
    code, out, _ = twin("trace", "diff", a, b)
    assert code == 0
    assert out.startswith("the same ")
    rows = b.read_text(encoding="utf-8").splitlines(keepends=True)
    # The head, the names, and 200 events.
    rows[202] = "9" + rows[202]
    b.write_text("".join(rows), encoding="utf-8")
    code, out, _ = twin("trace", "diff", a, b)
    assert code == 1
    assert "The first 200 events are the same; number 201 differs" in out
    b.write_text("".join(rows[:-1]), encoding="utf-8")
    code, _, err = twin("trace", "diff", a, b)
    assert code == 2
    assert str(b) in err
    assert "cut short" in err
    code, _, err = twin("trace", "diff", a)
    assert code == 2


def test_trace_goes_on_from_a_snapshot(twin, mini, tmp_path) -> None:
    at = tmp_path / "at.json"
    assert twin("snapshot", mini, "--at", "30 min", "--out", at)[0] == 0
    found = {
        twin("trace", mini, "--start", at, "--until", "1 h", "--engine", engine)
        for engine in ("simpy", "kernel")
    }
    assert [code for code, _, _ in found] == [0]
    code, _, err = twin("trace", mini, "--start", at, "--until", "1 h", "--seed", "4")
    assert code == 2
    assert "--start or --seed" in err


def test_simulate_for_people(twin, mini) -> None:
    code, out, _ = twin("simulate", mini, "--until", "1 h")
    assert code == 0
    for text in ("MINI", "MAKE ◀", "PACK", "output", "yield", "energy"):
        assert text in out
    assert "…" not in out


@pytest.mark.parametrize(
    ("args", "allowed"),
    [
        (("simulate", "MINI", "--days", "1", "--until", "8 h"), "give --days or --until, not both"),
        *(
            (
                ("simulate", "MINI", "--days", days),
                f"^twin: --days must be a number from 0.000001 to 36,500, got '{days}'$",
            )
            for days in ("0", "inf", "nan", "soon", "36500.1")
        ),
        (("simulate", "MINI", "--until", "soon"), "--until must"),
        (("simulate", "MINI", "--until", "-8 h"), "--until must"),
        (("simulate", "MINI", "--until", "0 h"), "--until must"),
        (("simulate", "MINI", "--until", ""), "--until must"),
        (("simulate", "MINI", "--warmup", "3 apples"), "--warmup must"),
        (
            ("simulate", "MINI", "--replications", "0"),
            "^twin: --replications must be a whole number of at least 1, got '0'$",
        ),
        (
            ("simulate", "MINI", "--seed", "one"),
            "^twin: --seed must be a whole number, got 'one'$",
        ),
        (("simulate",), "(?i)missing argument 'line'"),
        (("simulate", "MINI", "--day", "3"), "No such option: --day"),
        (("run", "MINI", "--for", "soon"), "--for must"),
        (("run", "MINI", "--for", "0 s"), "^twin: --for must be greater than 0, got '0 s'$"),
        (("run", "MINI", "--speed", "0"), "--speed must be a number from 0.001 to 1,000, got '0'"),
        (("run", "MINI", "--speed", "nan"), "--speed must be a number from .*, got 'nan'"),
        (("run", "MINI", "--ports-from", "65536"), "--ports-from must leave room for 1 port"),
        (
            ("plc", "MINI", "--ports-from", "-1"),
            "--ports-from must be a whole number of at least 0",
        ),
        (("plc", "MINI", "--scan", "nan"), "--scan must be a number from 0.01 to 60, got 'nan'"),
        (("plc", "MINI", "--port", "NO=4840"), "with a PLC of the line"),
        (("plc", "MINI", "--port", "PLC1=70000"), "--port must be PLC=PORT"),
        (
            ("plc", "MINI", "--limit", "sesions=3"),
            "^twin: --limit must be NAME=NUMBER with a name of sessions, .*, got 'sesions=3'$",
        ),
        (
            ("plc", "MINI", "--limit", "sessions=0", "--anonymous", "boss", "--as", "s5"),
            (
                "^twin: 3 things are wrong: --as: must be one of .* "
                "--limit: sessions must be 1 to 2,147,483,647, got '0' "
                "--anonymous must be one of observe, operate, engineer, got 'boss'$"
            ),
        ),
        (
            ("plc", "MINI", "--limit", "sessions=2", "--limit", "sessions=3"),
            "^twin: --limit: sessions is told twice",
        ),
        (
            ("plc", "MINI", "--no-security", "--anonymous", "observe"),
            "with --no-security it does not: leave one of the two out",
        ),
        (("history", "--limit", "0"), "--limit must be a whole number of at least 1, got '0'"),
        (("no-such-command",), "No such command 'no-such-command'"),
    ],
)
def test_a_bad_value_is_a_usage_error_that_says_what_is_allowed(
    twin, mini, monkeypatch, tmp_path, args, allowed
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = twin(*(mini if arg == "MINI" else arg for arg in args))
    assert (code, out) == (2, "")
    assert re.search(allowed, plain(err))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    store = DuckDBHistorian(folder / "history.duckdb")
    series = [Series("MINI", "MAKE01", "processed"), Series("MINI", "MADE", "level")]
    store.write(
        [Point(s, T0 + n * 1_000_000, float(n), Quality.GOOD) for s in series for n in range(2000)]
    )
    store.close()
    return folder


def test_history_shows_the_newest_of_each_series(twin, data) -> None:
    code, out, _ = twin("history", "--data", data)
    assert code == 0
    assert list(csv.reader(out.splitlines())) == [
        ["at", "line", "unit", "signal", "value", "quality"],
        ["2026-01-05T00:33:19.000000+00:00", "MINI", "MADE", "level", "1999.0", "good"],
        ["2026-01-05T00:33:19.000000+00:00", "MINI", "MAKE01", "processed", "1999.0", "good"],
    ]


def test_history_as_a_row_an_interval(twin, data) -> None:
    asked = ("--unit", "MADE", "--every", "1 min", "--last", "2 min", "--json")
    code, out, _ = twin("history", "--data", data, *asked)
    assert code == 0
    rows = json.loads(out)
    assert sum(row["points"] for row in rows) == 121
    whole = rows[1]
    assert (whole["points"], whole["high"] - whole["low"]) == (60, 59)
    assert whole["mean"] == (whole["low"] + whole["high"]) / 2


def test_kpis_of_a_shift(twin, mini, data) -> None:
    store = DuckDBHistorian(data / "history.duckdb")
    counted = (("", "good_units", 2), ("", "scrap_units", 1), ("", "energy_kwh", 6))
    counted += (("MAKE", "execute_s", 30),)
    store.write(
        [
            Point(Series("MINI", unit, signal), T0 + n * 60_000_000, float(n * rate))
            for unit, signal, rate in counted
            for n in range(11)
        ]
    )
    store.close()
    code, out, _ = twin("history", "--data", data, "--kpis", mini, "--json")
    assert code == 0
    line, station = json.loads(out)
    assert (line["good"], line["scrap"], line["energy_kwh_per_unit"]) == (20, 10, 3)
    assert (line["station"], station["station"]) == ("", "MAKE")
    assert station["availability"] == pytest.approx(300 / (2 * 660))  # of two machines
    early = ("--from", "2020-01-01")
    code, out, err = twin("history", "--data", data, "--kpis", mini, *early)
    assert (code, out) == (2, "")
    assert "--kpis needs a shift that the twin watched" in plain(err)
    code, out, err = twin("history", "--data", data, "--kpis", mini, "--every", "1 min")
    assert (code, out) == (2, "")
    assert "leave out --every" in plain(err)
    code, _, err = twin("history", "--data", data, "--kpis", mini, "--out", data / "kpi.csv")
    assert (code, "2 rows written to" in plain(err)) == (0, True)
    written = list(csv.DictReader((data / "kpi.csv").read_text().splitlines()))
    assert [(row["station"], row["good"]) for row in written] == [("", "20"), ("MAKE", "1999")]


def test_when_the_alarms_of_a_line_stood(twin, mini, data) -> None:
    store = DuckDBHistorian(data / "history.duckdb")
    drops = Series("MINI", "", "alarm.spool_drops")
    changes = ((60, 1), (120, 0), (1900, 1))
    store.write([Point(drops, T0 + at_s * 1_000_000, float(up)) for at_s, up in changes])
    store.close()
    asked = ("history", "--data", data, "--alarms", mini)
    code, out, err = twin(*asked)
    assert (code, err) == (0, "")
    assert list(csv.reader(out.splitlines())) == [
        ["from", "to", "line", "unit", "alarm"],
        ["2026-01-05T00:01:00+00:00", "2026-01-05T00:02:00+00:00", "MINI", "", "spool_drops"],
        ["2026-01-05T00:31:40+00:00", "", "MINI", "", "spool_drops"],
    ]
    code, out, _ = twin(*asked, "--last", "5 min", "--json")
    assert (code, [row["to"] for row in json.loads(out)]) == (0, [None])
    for more, said in (
        (("--limit", "3"), "--limit is for points"),
        (("--unit", "MAKE01"), "--alarms names its line"),
        (("--kpis", mini), "leave out --every, --line, --unit, --signal and --alarms"),
    ):
        code, out, err = twin(*asked, *more)
        assert (code, out) == (2, "")
        assert said in plain(err)


def test_rows_an_interval_go_into_a_file(twin, data) -> None:
    out = data / "levels.parquet"
    asked = ("--signal", "level", "--every", "10 min", "--out", out)
    code, _, err = twin("history", "--data", data, *asked)
    assert (code, "4 rows written to" in plain(err)) == (0, True)
    assert pyarrow.parquet.read_table(out)["points"].to_pylist() == [600, 600, 600, 200]


def test_history_of_a_time(twin, data) -> None:
    span = ("--from", "2026-01-05T00:00:10", "--to", "2026-01-05T08:00:12+08:00")
    code, out, _ = twin("history", "--data", data, "--unit", "MADE", *span, "--json")
    assert code == 0
    assert [(row["at"][11:19], row["value"]) for row in json.loads(out)] == [
        ("00:00:10", 10.0),
        ("00:00:11", 11.0),
    ]
    _, out, _ = twin("history", "--data", data, "--last", "5 s", "--signal", "level", "--json")
    assert [row["value"] for row in json.loads(out)] == [1994, 1995, 1996, 1997, 1998, 1999]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (
            ("--line", "MIN1"),
            "--line must be a line that the history has, got 'MIN1'; did you mean 'MINI'?",
        ),
        (
            ("--line", "MINI", "--unit", "MAKE1", "--last", "1 h"),
            (
                "--unit must be a unit that the history has for line MINI, got 'MAKE1'; "
                "did you mean 'MAKE01'?"
            ),
        ),
        (
            ("--unit", "MADE", "--signal", "processed", "--out", "x.csv"),
            (
                "--signal must be a signal that the history has for unit MADE, got 'processed'; "
                "known: level"
            ),
        ),
        (
            ("--from", "2026-01-05", "--to", "2026-01-05T00:00"),
            "--from must be before --to, got 2026-01-05 and 2026-01-05T00:00",
        ),
        (("--from", "2026-01-05", "--last", "1 h"), "give --from or --last, not both"),
    ],
)
def test_history_of_a_name_or_time_that_is_none(twin, data, monkeypatch, args, said) -> None:
    monkeypatch.chdir(data)
    assert twin("history", "--data", data, *args) == (2, "", f"twin: {said}\n")
    assert not Path("x.csv").exists()


def test_history_of_a_time_without_points(twin, data) -> None:
    code, out, err = twin("history", "--data", data, "--unit", "MADE", "--from", "2026-01-06")
    assert (code, out.strip()) == (0, "at,line,unit,signal,value,quality")
    assert err == (
        "no points in that time; the history for unit MADE has them from "
        "2026-01-05T00:00:00+00:00 to 2026-01-05T00:33:19+00:00\n"
    )


def test_the_last_of_a_history_counts_from_its_end_or_from_to(twin, data) -> None:
    until = ("--to", "2026-01-05T00:00:10", "--last", "3 s")
    _, out, _ = twin("history", "--data", data, *until, "--signal", "level", "--json")
    assert [row["value"] for row in json.loads(out)] == [6, 7, 8, 9]


def test_an_empty_history_is_said_to_be_empty(twin, tmp_path) -> None:
    DuckDBHistorian(tmp_path / "history.duckdb").close()
    code, out, err = twin("history", "--data", tmp_path, "--line", "MINI", "--json")
    assert (code, json.loads(out), err) == (0, [], "the history is empty\n")


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_history_to_a_file(twin, data, tmp_path, ending) -> None:
    path = tmp_path / f"out.{ending}"
    code, out, err = twin("history", "--data", data, "--out", path, "--signal", "level")
    assert (code, out) == (0, "")
    assert err == f"2,000 points written to {path}\n"
    if ending == "csv":
        assert len(path.read_text().splitlines()) == 2001
    else:
        assert path.read_bytes()[:4] == b"PAR1"


def test_history_to_an_unknown_kind_of_file(twin, data, tmp_path) -> None:
    code, _, err = twin("history", "--data", data, "--out", tmp_path / "out.xlsx")
    assert code in {1, 2}
    assert ".parquet" in err


def test_history_that_is_not_there(twin, tmp_path) -> None:
    code, out, err = twin("history", "--data", tmp_path / "nowhere")
    assert (code, out) == (2, "")
    assert "there is no history at" in err
    assert "--data names another" in err
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("option", ["--from", "--to", "--last"])
def test_history_at_a_time_that_is_none(twin, data, option) -> None:
    code, _, err = twin("history", "--data", data, option, "yesterday")
    assert code == 2
    assert err.startswith(f"twin: {option} must be")
    assert "'yesterday'" in err


def test_a_reader_that_has_enough_is_no_traceback(data) -> None:
    with process("history", "--data", data, "--limit", "4000") as twin:
        assert twin.stdout.readline().startswith(b"at,line,")
        twin.stdout.close()
        assert twin.stderr.read() == b""
        assert twin.wait(30) in {0, 1}


def test_the_same_output_whatever_the_hash_seed(mini) -> None:
    outs = []
    for seed in ("1", "2"):
        env = os.environ | {"PYTHONHASHSEED": seed}
        with process("simulate", mini, "--until", "2 h", "--json", env=env) as twin:
            out, err = twin.communicate(timeout=60)
            assert (twin.returncode, err) == (0, b"")
            outs.append(out)
    assert outs[0] == outs[1]
