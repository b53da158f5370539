"""The DuckDB store against real processes, kills, locks, full disks and files that are broken."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb
import numpy as np
import pytest

from twin.errors import LinetwinError, NotConnected
from twin.historian.duckdb_store import DuckDBHistorian
from twin.historian.port import AT_US_MAX, AT_US_MIN, Point, Quality, Query, Series, WriteReport

POWER = Series("LDES1", "STK03", "power_kw")
STATE = Series("储能一线", "电堆装配", "状态")
NOW = 1_700_000_000_000_000
BATCH = 200

# What every child process begins with.
PREAMBLE = f"""
import os, sys
import duckdb
from twin.errors import LinetwinError, NotConnected
from twin.historian.duckdb_store import DuckDBHistorian
from twin.historian.port import Point, Query, Series
POWER = Series("LDES1", "STK03", "power_kw")
def batch(n):
    return [Point(POWER, {NOW} + n * {BATCH} + i, n + i / 1000) for i in range({BATCH})]
def say(*words):
    print(*words, flush=True)
"""

WRITE_FOREVER = """
store = DuckDBHistorian(sys.argv[1])
n = int(sys.argv[2])
while True:
    say("begun", n)
    store.write(batch(n))
    say("done", n)
    n += 1
"""


def batch(n: int) -> list[Point]:
    """The same batches as the children write."""
    return [Point(POWER, NOW + n * BATCH + i, n + i / 1000) for i in range(BATCH)]


@contextmanager
def child(code: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Run code in a process of its own, and end it with the block."""
    command = [sys.executable, "-c", PREAMBLE + code, *map(str, arguments)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def hear(process: subprocess.Popen[str]) -> str:
    """Return the next line that a child says; empty when it has ended."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.duckdb"


def values(store: DuckDBHistorian) -> list[float]:
    return [float(value) for value in store.read(Query()).value]


# Killed


def test_survives_kill_9_up_to_the_last_returned_write(path: Path) -> None:
    done = -1
    for stage, ahead in (("begun", 3), ("done", 2), ("begun", 1), ("begun", 4)):
        start = done + 1
        with child(WRITE_FOREVER, path, start) as writer:
            said: list[str] = []
            while said[-1:] != [f"{stage} {start + ahead}"]:
                said.append(hear(writer))
                assert said[-1].startswith(("begun", "done")), said
            writer.kill()
            said += writer.stdout or ()  # what it still said before it died
        done = max(int(line.split()[1]) for line in said if line.startswith("done"))
        with closing(DuckDBHistorian(path, read_only=True)) as store:
            at_us = store.read(Query()).at_us
        assert len(at_us) % BATCH == 0, "a batch is there as a whole or not at all"
        assert len(at_us) >= (done + 1) * BATCH
        assert at_us.tolist() == list(range(NOW, NOW + len(at_us))), "every point once"
    with closing(DuckDBHistorian(path)) as store:
        stored = len(store.read(Query())) // BATCH
        report = store.write([point for n in range(stored + 1) for point in batch(n)])
        assert report == WriteReport(BATCH, stored * BATCH), "the retry fills the gap, no more"


def test_kill_while_the_file_is_created_leaves_none_or_a_good_one(path: Path) -> None:
    for _ in range(3):
        with child('say("begun")\n' + WRITE_FOREVER, path, 0) as writer:
            assert hear(writer) == "begun"
            writer.kill()
            writer.wait()
        with closing(DuckDBHistorian(path)) as store:
            assert len(store.read(Query())) % BATCH == 0
        path.unlink()


def test_history_outlives_the_store(path: Path) -> None:
    with closing(DuckDBHistorian(path)) as store:
        store.write([Point(STATE, NOW, 6, Quality.UNCERTAIN), Point(POWER, NOW, 1.5)])
    with closing(DuckDBHistorian(path)) as store:
        assert store.write([Point(POWER, NOW, 2.5), Point(POWER, NOW + 1, 3.5)]).written == 1
        assert store.read(Query()).series == (POWER, STATE)
        assert values(store) == [1.5, 3.5, 6.0]


# Other processes

READ_UNTIL_IT_GREW = """
import time
store = DuckDBHistorian(sys.argv[1], read_only=True, wait_s=60)
deadline = time.monotonic() + 60
seen = [0]
while len(seen) < 6 and time.monotonic() < deadline:
    count = len(store.read(Query()))
    assert count >= seen[-1], (count, seen)
    if count > seen[-1]:
        seen.append(count)
say(*seen)
"""


def test_another_process_reads_while_this_one_writes(path: Path) -> None:
    with (
        closing(DuckDBHistorian(path, wait_s=60)) as store,
        child(READ_UNTIL_IT_GREW, path) as reader,
        ThreadPoolExecutor(1) as pool,
    ):
        heard = pool.submit(hear, reader)
        written = 0
        while not heard.done():  # without a pause: far worse than one batch a second
            assert store.write(batch(written)) == WriteReport(BATCH, 0)
            written += 1
        counts = [int(word) for word in heard.result().split()]
    assert len(counts) == 6, "the reader saw the history grow"
    assert all(count % BATCH == 0 for count in counts), "and only whole batches"


HOLD = """
engine = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "reader")
say("held")
sys.stdin.readline()
engine.close()
say("free")
"""


@pytest.mark.parametrize("other", ["reader", "writer"])
def test_file_held_by_another_process_is_away_until_it_is_free(path: Path, other: str) -> None:
    with closing(DuckDBHistorian(path, wait_s=0.05)) as store, child(HOLD, path, other) as holder:
        store.write(batch(0))
        assert hear(holder) == "held"
        with pytest.raises(NotConnected, match="another process has held the file"):
            store.write(batch(1))
        with pytest.raises(NotConnected, match="another process"):
            DuckDBHistorian(path, wait_s=0).write(batch(1))
        if other == "writer":
            with pytest.raises(NotConnected, match="another process"):
                store.read(Query())
        else:
            assert len(store.read(Query())) == BATCH, "readers do not keep each other out"
        assert holder.stdin is not None
        print(file=holder.stdin, flush=True)
        assert hear(holder) == "free"
        assert store.write(batch(1)) == WriteReport(BATCH, 0), "the batch was lost nowhere"


def test_waits_for_its_turn(path: Path) -> None:
    with closing(DuckDBHistorian(path, wait_s=60)) as store, child(HOLD, path, "writer") as holder:
        assert hear(holder) == "held"
        with ThreadPoolExecutor(1) as pool:
            report = pool.submit(store.write, batch(0))
            assert holder.stdin is not None
            print(file=holder.stdin, flush=True)
            assert report.result() == WriteReport(BATCH, 0)


def test_stores_of_one_process_take_turns_whatever_they_call_the_file(path: Path) -> None:
    alias = path.with_name("alias.duckdb")
    alias.symlink_to(path)
    with closing(DuckDBHistorian(path)) as one, closing(DuckDBHistorian(alias)) as other:
        stores = [one, other] * 4
        with ThreadPoolExecutor(2) as pool:
            reports = [pool.submit(stores[n].write, batch(n // 2)) for n in range(8)]
        assert sum(report.result().written for report in reports) == 4 * BATCH
        assert len(other.read(Query())) == 4 * BATCH


def test_file_that_a_call_of_this_process_holds_is_away(path: Path) -> None:
    with closing(DuckDBHistorian(path)) as one, closing(DuckDBHistorian(path, wait_s=0)) as other:
        held = one._file.attached(read_only=True)
        with held, pytest.raises(NotConnected, match="in this process"):
            other.write(batch(0))
        assert other.write(batch(0)) == WriteReport(BATCH, 0)


# What is wrong with the file


def foreign(path: Path) -> None:
    with duckdb.connect(path) as engine:
        engine.execute("CREATE TABLE somebody_elses (a INTEGER)")


def of_version_99(path: Path) -> None:
    DuckDBHistorian(path).close()
    with duckdb.connect(path) as engine:
        engine.execute("UPDATE linetwin_schema SET version = 99")


def of_sqlite(path: Path) -> None:
    with closing(sqlite3.connect(path)) as engine:
        engine.execute("CREATE TABLE a (b)")


def with_a_damaged_header(path: Path) -> None:
    DuckDBHistorian(path).close()
    content = bytearray(path.read_bytes())
    content[4096:12288] = bytes(8192)
    path.write_bytes(content)


def cut_off(path: Path) -> None:
    with closing(DuckDBHistorian(path)) as store:
        store.write(batch(0))
    os.truncate(path, 12288)  # the headers stay


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_text("at,value\n" * 5000), "must be a DuckDB file, but is someth"),
        (Path.touch, "must be a DuckDB file, but is something else"),
        (Path.mkdir, "must be a DuckDB file, but is something else"),
        (of_sqlite, "must be a DuckDB file, but is something else"),
        (foreign, "must be a history of linetwin, but is a DuckDB file of something else"),
        (of_version_99, "must be a history of schema version 1, got 99; read it with the linetwin"),
        (with_a_damaged_header, "is damaged; move it away, with its .wal, and put a copy back"),
        (cut_off, "is damaged; move it away, with its .wal, and put a copy back"),
    ],
)
@pytest.mark.parametrize("read_only", [False, True])
def test_unusable_file_is_refused_at_once_and_left_alone(
    path: Path, make: Callable[[Path], object], message: str, read_only: bool
) -> None:
    make(path)
    before = None if path.is_dir() else path.read_bytes()
    with pytest.raises(LinetwinError, match=message) as raised:
        DuckDBHistorian(path, read_only=read_only)
    assert str(raised.value).startswith(f"{path}: ")
    assert not isinstance(raised.value, NotConnected), "waiting would not mend it"
    assert before is None or path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path], "nothing is left lying about"


def test_file_that_vanishes_is_away_and_never_begun_anew(path: Path) -> None:
    with closing(DuckDBHistorian(path)) as store:
        store.write(batch(0))
        moved = path.rename(path.with_name("moved"))
        for call in (lambda: store.write(batch(1)), lambda: store.read(Query())):
            with pytest.raises(NotConnected, match="the file is gone"):
                call()
        assert not path.exists()
        moved.rename(path)
        assert store.write(batch(1)) == WriteReport(BATCH, 0)
        assert len(store.read(Query())) == 2 * BATCH


def test_log_without_its_history_is_not_taken_for_a_new_one(path: Path) -> None:
    log = path.with_name(f"{path.name}.wal")
    log.write_bytes(b"what a killed twin wrote last")
    with pytest.raises(LinetwinError, match=r"but history\.duckdb is gone; bring that file back"):
        DuckDBHistorian(path)
    assert list(path.parent.iterdir()) == [log]


def test_missing_directory_and_missing_history_are_named(path: Path) -> None:
    nowhere = path.parent / "no" / "history.duckdb"
    with pytest.raises(LinetwinError, match="no: must be a directory; create it"):
        DuckDBHistorian(nowhere)
    for missing in (path, nowhere):
        with pytest.raises(LinetwinError, match="there is no such file; check the path"):
            DuckDBHistorian(missing, read_only=True)
        assert not missing.exists()


def test_reading_store_never_writes(path: Path) -> None:
    DuckDBHistorian(path).close()
    with closing(DuckDBHistorian(path, read_only=True)) as store:
        with pytest.raises(LinetwinError, match="opened for reading only"):
            store.write(batch(0))
        assert values(store) == []


AS_NOBODY = """
if os.getuid() == 0:  # root may write anywhere, so become somebody who may not
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
for read_only in (False, True):
    for name in ("new.duckdb", "history.duckdb"):
        try:
            store = DuckDBHistorian(os.path.join(sys.argv[1], name), read_only=read_only)
            say("read", len(store.read(Query())))
        except LinetwinError as error:
            say(type(error).__name__, str(error).split(": ", 1)[1])
"""


def test_directory_without_write_permission_can_be_read_and_not_written() -> None:
    # pytest's own directories can't be entered by another user.
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        with closing(DuckDBHistorian(directory / "history.duckdb")) as store:
            store.write(batch(0))
        directory.chmod(0o555)
        try:
            with child(AS_NOBODY, directory) as nobody:
                heard = nobody.communicate(timeout=60)[0].splitlines()
        finally:
            directory.chmod(0o755)
    assert len(heard) == 4, heard
    assert all("must be writable for the user that runs this" in line for line in heard[:2])
    assert "there is no such file" in heard[2]
    assert heard[3] == f"read {BATCH}"


# A full disk

FILL_UP = """
import resource
path = sys.argv[1]
store = DuckDBHistorian(path)
free = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, free[1]))
for n in range(1000):
    ten = [point for k in range(10) for point in batch(10 * n + k)]
    try:
        store.write(ten)
    except LinetwinError as error:
        say(n, type(error).__name__, error)
        break
try:
    store.write(ten)
    say("wrote on a full disk")
except LinetwinError as error:
    say(n, type(error).__name__, error)
resource.setrlimit(resource.RLIMIT_FSIZE, free)
report = store.write(ten)
say(report.written + report.known)
"""


def test_full_disk_is_said_and_nothing_is_lost(path: Path) -> None:
    pytest.importorskip("resource")
    with child(FILL_UP, path) as writer:
        heard = writer.communicate(timeout=120)[0].splitlines()
    assert len(heard) == 3, heard
    full_at = int(heard[0].split()[0])
    for line in heard[:2]:
        assert f"{full_at} LinetwinError {path}: the disk is full; make room and retry" in line
    assert heard[2] == str(10 * BATCH)
    with closing(DuckDBHistorian(path)) as store:
        at_us = store.read(Query()).at_us
    assert at_us.tolist() == list(range(NOW, NOW + (full_at + 1) * 10 * BATCH)), "every point once"


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    options = ["-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)]
    try:
        subprocess.run(["mount", *options], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting a tiny disk needs root")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


def test_disk_that_another_program_fills(tiny_disk: Path) -> None:
    path = tiny_disk / "history.duckdb"
    with closing(DuckDBHistorian(path)) as store:
        store.write(batch(0))
        ballast = tiny_disk / "ballast"
        fill(ballast)
        with pytest.raises(LinetwinError, match="the disk is full; make room and retry"):
            store.write(batch(1))
        assert len(store.read(Query(to_us=NOW + BATCH))) == BATCH, "what is there can be read"
        with pytest.raises(LinetwinError, match=r"other\.duckdb: the disk is full"):
            DuckDBHistorian(tiny_disk / "other.duckdb")
        with pytest.raises(LinetwinError, match=r"power\.csv: the disk is full"):
            store.export(Query(), tiny_disk / "power.csv")
        assert {entry.name for entry in tiny_disk.iterdir()} <= {
            "ballast",
            "history.duckdb",
            "history.duckdb.wal",
        }
        ballast.unlink()
        report = store.write(batch(1))
        assert report.written + report.known == BATCH
        assert len(store.read(Query())) == 2 * BATCH


# Exports


@pytest.fixture
def store(path: Path) -> Iterator[DuckDBHistorian]:
    with closing(DuckDBHistorian(path)) as store:
        store.write(
            [
                Point(POWER, NOW + 123_456, 0.1, Quality.UNCERTAIN),
                Point(POWER, AT_US_MIN, 1e22),
                Point(POWER, AT_US_MAX, 1 / 3, Quality.BAD),
                Point(Series("LDES1", "", 'a "b", c'), -1, -0.5),
                Point(STATE, NOW, 6),
            ]
        )
        yield store


def test_csv_holds_what_was_asked_for(store: DuckDBHistorian, tmp_path: Path) -> None:
    target = tmp_path / "history.csv"
    target.write_text("an older export")
    assert store.export(Query(), target) == 5
    assert target.read_text(encoding="utf-8").splitlines() == [
        "at,line,unit,signal,value,quality",
        '1969-12-31T23:59:59.999999Z,LDES1,"","a ""b"", c",-0.5,good',
        "0001-01-01T00:00:00.000000Z,LDES1,STK03,power_kw,1e+22,good",
        "2023-11-14T22:13:20.123456Z,LDES1,STK03,power_kw,0.1,uncertain",
        "9999-12-31T23:59:59.999999Z,LDES1,STK03,power_kw,0.3333333333333333,bad",
        "2023-11-14T22:13:20.000000Z,储能一线,电堆装配,状态,6.0,good",
    ]
    assert store.export(Query(signal="power_kw", from_us=0, limit=1), target) == 1
    assert target.read_text().splitlines()[1].startswith("2023-11-14T22:13:20.123456Z,")
    assert store.export(Query(line="none"), target) == 0
    assert target.read_text().splitlines() == ["at,line,unit,signal,value,quality"]


def test_parquet_holds_what_was_asked_for(store: DuckDBHistorian, tmp_path: Path) -> None:
    target = tmp_path / "O'Brien's 历史.PARQUET"
    assert store.export(Query(), target) == 5
    with duckdb.connect() as engine:
        parquet = engine.from_parquet(str(target))
        assert dict(zip(parquet.columns, map(str, parquet.types), strict=True)) == {
            "at": "TIMESTAMP WITH TIME ZONE",
            "line": "VARCHAR",
            "unit": "VARCHAR",
            "signal": "VARCHAR",
            "value": "DOUBLE",
            "quality": "VARCHAR",
        }
        found = parquet.project('epoch_us("at") AS at_us, line, value, quality').fetchall()
    history = store.read(Query())
    assert [row[0] for row in found] == history.at_us.tolist()
    assert [row[1] for row in found] == ["LDES1"] * 4 + ["储能一线"]
    assert np.array([row[2] for row in found]).tobytes() == history.value.tobytes()
    assert [row[3] for row in found] == ["good", "good", "uncertain", "bad", "good"]


@pytest.mark.parametrize("name", ["history.xlsx", "history", "history.csv.gz", ".csv"])
def test_unknown_suffix_is_refused_with_the_known_ones(
    store: DuckDBHistorian, tmp_path: Path, name: str
) -> None:
    with pytest.raises(LinetwinError, match=r"ends in \.csv or \.parquet, got"):
        store.export(Query(), tmp_path / name)
    assert not (tmp_path / name).exists()


def test_history_is_not_exported_onto_itself(tmp_path: Path) -> None:
    path = tmp_path / "history.parquet"
    with closing(DuckDBHistorian(path)) as store:
        store.write(batch(0))
        with pytest.raises(LinetwinError, match="must be a file of its own"):
            store.export(Query(), path)
        assert len(store.read(Query())) == BATCH


def test_export_that_fails_leaves_the_older_one(
    store: DuckDBHistorian, tmp_path: Path, path: Path
) -> None:
    with pytest.raises(LinetwinError, match="no: must be a directory"):
        store.export(Query(), tmp_path / "no" / "history.csv")
    target = tmp_path / "history.csv"
    target.mkdir()  # nothing can be put in its place
    with pytest.raises(LinetwinError, match=r"history\.csv: "):
        store.export(Query(), target)
    assert {entry.name for entry in tmp_path.iterdir()} == {path.name, target.name}


def test_any_allowed_duckdb_can_read_the_file(path: Path) -> None:
    DuckDBHistorian(path).close()
    with duckdb.connect(path, read_only=True) as engine:
        found = engine.execute("SELECT tags FROM duckdb_databases() WHERE path IS NOT NULL")
        ((tags,),) = found.fetchall()
    assert tags["storage_version"] == "v1.4.0+"
