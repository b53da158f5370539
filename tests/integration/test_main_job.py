"""The main job, `twin run`, as a process: what it prints, what it survives, what it leaves."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import time
from collections.abc import Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from twin.historian.duckdb_store import DuckDBHistorian
from twin.historian.port import Query

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/fd").exists(), reason="looks at processes through Linux's /proc"
)

MINI = """
linetwin: 1
id: MINI
warm_up: 1 min
plcs: [{id: PLC-M}]
product: {unit: box}
target: 1_800/h
stations:
  - {id: MAKE, machines: 2, cycle_time: 4 s, scrap: 0.02,
     failures: [{id: jam, mtbf: {distribution: exponential, mean: 5 min}, mttr: 20 s}]}
  - {id: PACK, cycle_time: 2 s}
buffers:
  - {id: MADE, from: MAKE, to: PACK, capacity: 9}
"""
DEADLINE_S = 120.0


class Job:
    """A `twin` process whose output can be waited for."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.out: list[str] = []
        self.err: list[str] = []
        self._more = asyncio.Event()
        self._reading = [
            asyncio.create_task(self._read(process.stdout, self.out)),
            asyncio.create_task(self._read(process.stderr, self.err)),
        ]

    async def _read(self, stream: asyncio.StreamReader, lines: list[str]) -> None:
        async for line in stream:
            lines.append(line.decode().rstrip("\n"))
            self._more.set()

    async def until(self, holds: Callable[[], object], deadline_s: float = DEADLINE_S) -> None:
        try:
            async with asyncio.timeout(deadline_s):
                while not holds():
                    self._more.clear()
                    await self._more.wait()
        except TimeoutError:
            pytest.fail(f"nothing came of it; stdout {self.out}, stderr {self.err}")

    async def ended(self, deadline_s: float = DEADLINE_S) -> int:
        async with asyncio.timeout(deadline_s):
            code = await self.process.wait()
            await asyncio.gather(*self._reading)
        return code

    def said(self, pattern: str) -> list[str]:
        return [line for line in self.err if re.search(pattern, line)]


@asynccontextmanager
async def twin(*args: str | Path):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "twin", *map(str, args)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    job = Job(process)
    children: set[int] = set()
    try:
        yield job
    finally:
        if process.returncode is None:
            children = set(children_of(process.pid))
            process.kill()
        await job.ended()
        for child in children:
            await gone(child)


@pytest.fixture
def mini(tmp_path: Path) -> Path:
    path = tmp_path / "mini.yaml"
    path.write_text(MINI, encoding="utf-8")
    return path


def run_args(mini: Path, tmp_path: Path, *more: str) -> tuple[str | Path, ...]:
    return ("run", mini, "--plain", "--data", tmp_path / "data", *more)


def children_of(parent: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            pid, rest = stat.parent.name, stat.read_text().rpartition(")")[2].split()
            if int(rest[1]) == parent and rest[0] != "Z":
                found.append(int(pid))
    return found


def plants_of(twin: int) -> list[int]:
    """The processes of a twin that are plants; a forecast has one, too, while it is made."""
    return [
        child
        for child in children_of(twin)
        if b"plc" in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
    ]


def listens_on(pid: int) -> set[int]:
    """The TCP ports that a process listens on."""
    sockets = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            sockets.add(str(entry.readlink()))
    rows = (line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:])
    return {
        int(row[1].rpartition(":")[2], 16)
        for row in rows
        if row[3] == "0A" and f"socket:[{row[9]}]" in sockets
    }


async def gone(pid: int, deadline_s: float = 15.0) -> None:
    """Wait until a process has ended, whosever child it is."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(handle, ended.set)
    try:
        async with asyncio.timeout(deadline_s):
            await ended.wait()
    finally:
        loop.remove_reader(handle)
        os.close(handle)


def newest_us(data: Path) -> tuple[int, int]:
    """How many points a history has, and the newest's time."""
    store = DuckDBHistorian(data / "history.duckdb")
    try:
        found = store.read(Query())
        return len(found), int(found.at_us.max())
    finally:
        store.close()


async def test_it_runs_for_its_time_prints_and_stores(mini, tmp_path) -> None:
    async with twin(*run_args(mini, tmp_path, "--for", "3 s")) as job:
        await job.until(lambda: job.out)
        assert await job.ended() == 0, job.err
    assert "Traceback" not in "\n".join(job.err)
    assert job.said(r"MINI: PLC-M connected: MAKE, PACK$")
    last = job.out[-1]
    assert re.match(
        r"MINI \w{3} \d\d:\d\d:\d\d: [\d,]+ of 1,800 good boxes/h, machines .*, "
        r"slowest (MAKE|PACK), alarms 0$",
        last,
    ), last
    points, _ = newest_us(tmp_path / "data")
    (told,) = job.said(r"points stored in")
    assert int(told.split(" points")[0].replace(",", "")) == points > 30


async def test_a_killed_plc_is_unknown_and_comes_back(mini, tmp_path) -> None:
    async with twin(*run_args(mini, tmp_path)) as job:
        await job.until(lambda: job.said("PLC-M connected"))
        (child,) = plants_of(job.process.pid)
        ports = listens_on(child)
        assert len(ports) == 1
        os.kill(child, signal.SIGKILL)
        await job.until(lambda: job.said("PLC-M is lost"))
        await job.until(lambda: job.said("PLC-M is back"))
        (again,) = plants_of(job.process.pid)
        assert again != child
        assert listens_on(again) == ports
        printed = len(job.out)
        await job.until(lambda: len(job.out) > printed)
        assert "unknown" not in job.out[-1]
        assert "?" not in job.out[-1]
        job.process.send_signal(signal.SIGINT)
        assert await job.ended() == 0, job.err
        await gone(again)
    (lost,) = job.said("is lost")
    assert re.search(
        r"MINI: PLC-M is lost: MAKE, PACK unknown since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S+ "
        r"by the plant's clock; .+",
        lost,
    ), lost
    (back,) = job.said("is back")
    assert re.search(r"PLC-M is back after \d+\.\d s; known again: MAKE, PACK$", back), back
    assert not job.said("Traceback")
    # Its counters went on where they stood.
    assert not job.said("set back")


async def test_interrupted_while_it_starts(mini, tmp_path) -> None:
    async with twin(*run_args(mini, tmp_path)) as job:
        await job.until(lambda: job.said("filling the line"))
        job.process.send_signal(signal.SIGINT)
        assert await job.ended() == 130
    assert re.fullmatch(
        r"twin: interrupted while filling the lines with work in process \(.*mini.yaml \d+%\)",
        job.err[-1],
    ), job.err
    assert not job.said("Traceback")
    assert children_of(job.process.pid) == []


async def test_killed_it_leaves_a_history_and_no_plc(mini, tmp_path) -> None:
    async with twin(*run_args(mini, tmp_path, "--speed", "1")) as job:
        await job.until(lambda: job.said("PLC-M connected"))
        await job.until(lambda: job.out)
        children = children_of(job.process.pid)
        assert len(plants_of(job.process.pid)) == 1
        job.process.kill()
        assert await job.ended() == -signal.SIGKILL
        # At real speed the plant's clock is as far behind the wall's as its start took.
        shown = re.search(r"MINI \w{3} (\d\d):(\d\d):(\d\d)", job.out[-1])
        for child in children:
            await gone(child)
    points, at_us = newest_us(tmp_path / "data")
    assert points > 30
    assert shown is not None
    seconds = sum(
        int(part) * 60**power for power, part in zip((2, 1, 0), shown.groups(), strict=True)
    )
    behind = (seconds - at_us // 1_000_000) % 86_400
    assert behind <= 3 or behind >= 86_400 - 60


async def test_a_reader_that_goes_is_no_traceback(mini, tmp_path) -> None:
    async with twin(*run_args(mini, tmp_path, "--for", "60 s")) as job:
        await job.until(lambda: job.said("PLC-M connected"))
        job.process._transport.get_pipe_transport(1).close()  # as `| head` does at last
        assert await job.ended() == 0, job.err
    assert not job.said("Traceback|Exception")
    assert children_of(job.process.pid) == []


async def test_a_wrong_file_names_every_fault(tmp_path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(MINI.replace("4 s", "-4 s").replace("capacity: 9", "capacity: -1"))
    async with twin(*run_args(wrong, tmp_path)) as job:
        assert await job.ended() == 1
    faults = job.said(rf"^{re.escape(str(wrong))}:\d+:\d+: ")
    assert len(faults) == 2
    assert "cycle_time" in faults[0]
    assert "capacity" in faults[1]
    assert job.err[-1] == "2 faults found"
    assert job.out == []
    assert not (tmp_path / "data").exists()


async def test_two_lines_of_one_id_are_refused(mini, tmp_path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(MINI)
    async with twin("run", mini, other, "--data", tmp_path / "data") as job:
        assert await job.ended() == 2
    assert job.err == ["twin: the lines must have different ids, got MINI, MINI"]


@pytest.mark.parametrize("command", ["run", "plc"])
async def test_ports_in_use_are_all_said_at_once(mini, tmp_path, command) -> None:
    holders = [
        await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0) for _ in range(2)
    ]
    first, second = (holder.sockets[0].getsockname()[1] for holder in holders)
    plcs = f"{{id: PLC-M, port: {first}}}, {{id: PLC-N, port: {second}}}, {{id: NO-STATION}}"
    text = MINI.replace("{id: PLC-M}", plcs).replace("{id: PACK,", "{id: PACK, plc: PLC-N,")
    mini.write_text(text)
    async with holders[0], holders[1]:
        async with twin(command, mini, "--data", tmp_path / "data") as job:
            assert await job.ended() == 1
        assert re.fullmatch(
            rf"twin: ports of 127\.0\.0\.1 must be free, got {first} \(PLC-M: .*\), {second} "
            r"\(PLC-N: .*\); end what uses them, or choose others with --ports-from "
            r"\(0: any free ones\)",
            "\n".join(job.err),
        ), job.err
        assert not (tmp_path / "data").exists()
        # The remedy is one.
        remedy = ("--ports-from", "0", "--data", tmp_path / "data")
        async with twin("run", mini, "--plain", *remedy) as job:
            await job.until(lambda: job.said("PLCs are connected: .*PLC-M"))
            (child,) = plants_of(job.process.pid)
            assert len(listens_on(child) - {first, second}) == 2
            job.process.send_signal(signal.SIGINT)
            assert await job.ended() == 0, job.err


async def test_two_lines_on_one_port_are_refused(mini, tmp_path) -> None:
    mini.write_text(MINI.replace("id: PLC-M", "id: PLC-M, port: 48999"))
    other = tmp_path / "other.yaml"
    other.write_text(MINI.replace("MINI", "OTHER").replace("id: PLC-M", "id: PLC-X, port: 48999"))
    async with twin("run", mini, other, "--data", tmp_path / "data") as job:
        assert await job.ended() == 1
    assert job.err == [
        (
            "twin: port of 127.0.0.1 must be free, got 48999 (PLC-X: it is PLC-M's); "
            "end what uses it, or choose others with --ports-from (0: any free ones)"
        )
    ]


async def test_a_short_look_loses_nothing(mini, tmp_path) -> None:
    async with twin(*run_args(mini, tmp_path, "--for", "0.2 s")) as job:
        assert await job.ended() == 0, job.err
    assert not job.said("is lost")
    assert job.said("points stored in")


async def test_a_second_run_goes_on_after_the_first_ones_points(mini, tmp_path) -> None:
    args = run_args(mini, tmp_path, "--speed", "600", "--for", "4 s")
    async with twin(*args) as job:
        assert await job.ended() == 0, job.err
    assert not job.said("clocks go on")
    _, end_us = newest_us(tmp_path / "data")
    points = points_of_the_plant(tmp_path / "data", Query(to_us=end_us + 1))
    assert end_us > time.time_ns() // 1000 + 600_000_000
    async with twin(*args) as job:
        assert await job.ended() == 0, job.err
    assert job.said("points up to .* the plants' clocks go on from there")
    assert points > 30
    assert points_of_the_plant(tmp_path / "data", Query(to_us=end_us + 1)) == points
    assert points_of_the_plant(tmp_path / "data", Query(from_us=end_us + 1)) > 30


def points_of_the_plant(data: Path, query: Query) -> int:
    """Points by the plant's clock; how a PLC is heard the twin says by its own."""
    store = DuckDBHistorian(data / "history.duckdb")
    try:
        found = store.read(query)
    finally:
        store.close()
    return sum(found.series[i].unit != "PLC-M" for i in found.series_index.tolist())
