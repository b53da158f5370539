"""The spool on a real disk: order, bounds, kills, a full disk, a broken file, clocks that jump."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.errors import LinetwinError
from twin.historian.line_protocol import Lines, Priority
from twin.historian.refused_lines import RefusedLine
from twin.historian.spool import Bounds, Spool


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def lines(first: int, count: int = 1, priority: int = Priority.EVENT) -> Lines:
    texts = tuple(f"machine,line=L x={n}i {n}000" for n in range(first, first + count))
    return Lines(priority, texts, frozenset({first // 60}))


def texts(spool: Spool) -> list[str]:
    return [line for parcel in spool.oldest(10**9) for line in parcel.text.split("\n")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.sqlite"


def test_parcels_come_out_in_order_and_stay_until_they_are_done(path) -> None:
    with closing(Spool(path)) as spool:
        for n in range(0, 100, 10):
            spool.put([lines(n, 10)])
        first = spool.oldest(25)
        assert [parcel.points for parcel in first] == [10, 10]
        assert spool.oldest(25) == first
        spool.done(first)
        assert spool.points == 80
        assert texts(spool)[0] == lines(20).lines[0]
        assert len(spool.oldest(1)) == 1, "one at least, however large"
    with closing(Spool(path)) as spool:
        assert spool.points == 80
        assert texts(spool) == [line for n in range(20, 100, 10) for line in lines(n, 10).lines]


def size_of(count: int) -> int:
    """About how much the spool reckons for so many parcels of ten points."""
    return count * 160


def test_the_lowest_priority_goes_first_and_of_it_the_oldest(path) -> None:
    values = [lines(n, 10, Priority.PROCESS_VALUE) for n in range(0, 50, 10)]
    events = [lines(n, 10, Priority.EVENT) for n in range(1000, 1050, 10)]
    with closing(Spool(path, Bounds(most_bytes=size_of(10)))) as spool:
        for value, event in zip(values, events, strict=True):
            spool.put([value, event])
        for n in range(2000, 2400, 10):
            spool.put([lines(n, 10, Priority.EVENT)])
            kept = texts(spool)
            spool.done([])
            if spool.tally()[f"dropped {Priority.EVENT}"]:
                assert not any(line in kept for value in values for line in value.lines)
        tally = spool.tally()
        kept = texts(spool)
        assert tally[f"dropped {Priority.PROCESS_VALUE}"] == 50
        gone = tally[f"dropped {Priority.EVENT}"]
        assert gone > 0
        assert len(kept) + gone == 50 + 400
        put = [line for part in events for line in part.lines]
        put += [line for n in range(2000, 2400, 10) for line in lines(n, 10).lines]
        assert kept == put[gone:], "the oldest events went, and nothing else"


def test_a_new_value_is_dropped_where_only_graver_ones_are_kept(path) -> None:
    with closing(Spool(path, Bounds(most_bytes=size_of(3)))) as spool:
        events = [lines(n, 10) for n in range(0, 30, 10)]
        for event in events:
            spool.put([event])
        before = spool.tally()
        kept = texts(spool)
        spool.done([])
        spool.put([lines(100, 10, Priority.PROCESS_VALUE)])
        spool.put([lines(110, 10, Priority.PROCESS_VALUE)])
        assert spool.tally()["dropped 0"] > before["dropped 0"]
        assert [line for line in texts(spool) if line in kept] == kept


def test_what_is_under_way_is_not_dropped(path) -> None:
    with closing(Spool(path, Bounds(most_bytes=size_of(2)))) as spool:
        spool.put([lines(0, 10, Priority.PROCESS_VALUE)])
        (parcel,) = spool.oldest(10)
        for n in range(100, 200, 10):
            spool.put([lines(n, 10)])
        spool.done([parcel])
        assert spool.tally()["dropped 0"] == 0


@given(
    st.lists(st.tuples(st.sampled_from([0, 1, 2]), st.integers(1, 20)), max_size=40),
    st.integers(200, 3000),
)
@settings(max_examples=30, deadline=None)
def test_what_is_put_in_is_kept_or_counted(tmp_path_factory, batches, most_bytes) -> None:
    path = tmp_path_factory.mktemp("spool") / "spool.sqlite"
    with closing(Spool(path, Bounds(most_bytes=most_bytes))) as spool:
        at = 0
        for priority, count in batches:
            spool.put([lines(at, count, priority)])
            at += count
        dropped = sum(points for name, points in spool.tally().items() if name != "refused")
        kept = texts(spool)
        assert len(kept) + dropped == at == spool.points + dropped
        stamps = [int(line.rpartition(" ")[2]) for line in kept]
        assert stamps == sorted(stamps)


def test_age_is_of_the_time_it_was_open_whatever_the_clocks_say(path) -> None:
    clock = Clock()
    with closing(Spool(path, Bounds(oldest_s=60), clock)) as spool:
        spool.put([lines(0)])
        clock.now_s += 59
        spool.put([lines(1)])
        assert spool.age_s() == 59
        assert spool.points == 2
    clock.now_s = 5.0  # another boot, and a year later for all that the wall's clock says
    with closing(Spool(path, Bounds(oldest_s=60), clock)) as spool:
        assert spool.age_s() == 59
        spool.put([lines(2)])
        assert spool.points == 3
        clock.now_s += 2
        spool.put([lines(3)])
        assert texts(spool) == [lines(n).lines[0] for n in (1, 2, 3)]
        assert spool.tally()["dropped 2"] == 1
        assert spool.dropped_at_s == clock.now_s


def test_refused_lines_are_kept_with_their_reason(path) -> None:
    with closing(Spool(path)) as spool:
        spool.put([lines(0, 3)])
        spool.done(spool.oldest(10), [RefusedLine(lines(1).lines[0], "type conflict")])
        spool.refuse([RefusedLine("a point", "no words for it")])
    with closing(Spool(path)) as spool:
        assert spool.points == 0
        assert [(line.text, line.reason) for line in spool.refused_lines()] == [
            (lines(1).lines[0], "type conflict"),
            ("a point", "no words for it"),
        ]
        assert spool.tally()["refused"] == 2


def test_minutes_are_kept_until_they_are_rolled_up(path) -> None:
    with closing(Spool(path)) as spool:
        for minute in (5, 3, 5, 9):
            spool.put([lines(minute * 60)])
        assert spool.minutes_to_roll(10) == []
        assert spool.newest_us() == 10 * 60_000_000
        spool.done(spool.oldest(100))
        spool.rolled([3])
    with closing(Spool(path)) as spool:
        assert spool.minutes_to_roll(10) == [5, 9]
        assert spool.newest_us() == 10 * 60_000_000


def test_one_spool_one_twin(path) -> None:
    with (
        closing(Spool(path)),
        pytest.raises(LinetwinError, match="another twin has this spool"),
    ):
        Spool(path)
    Spool(path).close()


def test_its_directory_must_be_there(tmp_path) -> None:
    with pytest.raises(LinetwinError, match="must be a file that can be written"):
        Spool(tmp_path / "no" / "spool.sqlite")


PUT_FOR_EVER = """
import sys
from pathlib import Path
from twin.historian.spool import Spool
from twin.historian.line_protocol import Lines
spool = Spool(Path(sys.argv[1]))
n = 0
while True:
    spool.put([Lines(2, (f"machine,line=L x={n}i {n}000",), frozenset({0}))])
    print(n, flush=True)
    n += 1
"""


def test_kill_9_loses_nothing_that_was_put_in(path) -> None:
    for _ in range(3):
        with closing(Spool(path)) as spool:
            before = spool.points
        process = subprocess.Popen(
            [sys.executable, "-c", PUT_FOR_EVER, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        put = [int(process.stdout.readline()) for _ in range(50)]
        os.kill(process.pid, signal.SIGKILL)
        put += [int(line) for line in process.stdout.read().split()]
        process.wait()
        process.stdout.close()
        with closing(Spool(path)) as spool:
            new = texts(spool)[before:]
            assert len(put) <= len(new) <= len(put) + 1
            assert new[: len(put)] == [f"machine,line=L x={n}i {n}000" for n in put]


def broken(path: Path, at: float) -> None:
    """Scribble over a part of a file."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(int(size * at) // 4096 * 4096)
        file.write(b"\xa5" * 4096)


@pytest.mark.parametrize("how", ["scribbled on", "cut short", "no database", "its head is gone"])
def test_a_broken_file_is_set_aside_and_what_can_be_read_carried_over(path, how) -> None:
    with closing(Spool(path)) as spool:
        for n in range(0, 60_000, 1000):
            spool.put([lines(n, 1000)])
    match how:
        case "scribbled on":
            broken(path, 0.5)
        case "cut short":
            os.truncate(path, path.stat().st_size // 2)
        case "no database":
            path.write_bytes(b"this is a text" * 1000)
        case _:
            broken(path, 0.0)
    spool = Spool(path)
    for attempt in range(3):  # what is broken may show only when it is read
        try:
            left = len(texts(spool))
            spool.put([lines(10**6)])
            break
        except LinetwinError as error:
            assert "was broken, a new one is begun" in str(error)  # noqa: PT017
            assert attempt < 2
    with closing(spool):
        assert spool.points == left + 1
        if how == "scribbled on":
            assert left > 0
        if spool.set_aside:
            assert [aside.exists() for aside in spool.set_aside] == [True]
        else:
            assert left + spool.tally()["dropped 2"] == 60_000


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of twelve megabytes, where this process may mount one."""
    place = tmp_path / "tiny"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(place)]
    if os.name != "posix" or os.geteuid() != 0 or subprocess.run(mount, check=False).returncode:
        pytest.skip("needs to be root and allowed to mount a file system")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_refuses_whole_batches_and_gives_everything_back(tiny_disk) -> None:
    with closing(Spool(tiny_disk / "spool.sqlite")) as spool:
        put: list[str] = []
        refused = None
        for n in range(10_000):
            noise = tuple(f"m x={os.urandom(40).hex()} {n}" for _ in range(50))
            batch = Lines(2, noise, frozenset())
            try:
                spool.put([batch])
            except LinetwinError as error:
                refused = str(error)
                break
            put += batch.lines
        assert refused is not None
        assert "the disk is full; make room" in refused
        assert texts(spool) == put
        while parcels := spool.oldest(5000):
            spool.done(parcels)
        spool.put([lines(1)])
        assert texts(spool) == [lines(1).lines[0]]
        spool.done(spool.oldest(1))
        used = sum(file.stat().st_size for file in tiny_disk.iterdir())
        assert used < 6 << 20, "what it no longer needs is given back, but for the reserve"
        assert len(put) > 10_000


def test_where_even_the_reserve_is_gone_what_was_sent_is_not_sent_again(tiny_disk) -> None:
    with closing(Spool(tiny_disk / "spool.sqlite")) as spool:
        for n in range(40):
            spool.put([lines(n * 1000, 1000)])
        (tiny_disk / "spool.sqlite.reserve").unlink()
        ballast = tiny_disk / "ballast"
        with suppress(OSError), ballast.open("wb") as file:
            while True:
                file.write(os.urandom(1 << 12))
                file.flush()
        parcels = spool.oldest(5000)
        said = []
        while parcels:
            try:
                spool.done(parcels)
            except LinetwinError as error:
                said.append(str(error))
            again = {parcel.number for parcel in spool.oldest(5000)}
            assert not again & {parcel.number for parcel in parcels}
            parcels = spool.oldest(5000)
        ballast.unlink()
        spool.done([])
        assert spool.points == 0
        assert texts(spool) == []
        assert all("the disk is full; make room" in text for text in said)


def test_a_spool_of_another_program_is_not_ours(path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE parcel (x)")
    with pytest.raises(LinetwinError, match="must be a file that can be written"):
        Spool(path)
