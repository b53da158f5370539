"""A PLC that is killed, or falls silent: said once, noticed soon, and recovered from alone."""

from __future__ import annotations

import asyncio
import logging
import sys
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from opcua_line import LINE, QUICK, Collector, FakePlant, serve

from opcua.clock import ManualClock
from opcua.security import client_security
from opcua.subscriber import Subscriber
from opcua.tag_map import tag_map
from twin.signals import read_all, tags

EPOCH = 1_767_571_200_000_000
HOUR_US = 3_600_000_000
TAGS = tuple(tag for tag in tags(LINE) if tag.plc == "PLC1")


async def start_child(
    pki: Path, port: int, start_us: int
) -> tuple[asyncio.subprocess.Process, str]:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("served_in_a_child.py")),
        str(pki),
        str(port),
        str(start_us),
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert child.stdout is not None
    async with asyncio.timeout(60):
        url = (await child.stdout.readline()).decode().strip()
    assert url
    return child, url


async def kill(child: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        child.kill()
    await child.communicate()


@asynccontextmanager
async def followed(url: str, pki: Path, options=QUICK):
    collector = Collector()
    plc = tag_map(LINE, {"PLC1": url}).plcs[0]
    run = asyncio.create_task(Subscriber(plc, client_security(pki), collector, options).run())
    try:
        yield collector
    finally:
        run.cancel()
        with suppress(asyncio.CancelledError):
            await run


def assert_true_to_the_plant(seen: Collector) -> None:
    """Every value is what the plant showed at the instant of its source's timestamp."""
    plant, shown = FakePlant(), {}
    for tag in TAGS:
        reading = seen.latest[tag.key]
        at_us = reading.source_us - EPOCH
        if at_us not in shown:
            shown[at_us] = plant.status_at(at_us)
        assert reading.value == read_all((tag,), shown[at_us])[0], reading


async def test_killed_and_started_again(tmp_path, caplog) -> None:
    pki = tmp_path / "pki"
    child, url = await start_child(pki, 0, 0)
    port = int(url.rsplit(":", 1)[1])
    try:
        with caplog.at_level(logging.INFO):
            async with followed(url, pki) as seen:
                await seen.until(lambda: (seen.value("PLC1", "heartbeat") or 0) > 3)
                assert_true_to_the_plant(seen)
                await kill(child)
                await seen.until(lambda: len(seen.changes) == 2, deadline_s=10)
                assert not seen.changes[1].connected
                child, _ = await start_child(pki, port, HOUR_US)
                await seen.until(lambda: len(seen.changes) == 3)
                assert seen.changes[2].connected
                messages = len(seen.messages)
                beat = seen.value("PLC1", "heartbeat")
                await seen.until(
                    lambda: (
                        len(seen.messages) > messages + 3
                        and seen.value("PLC1", "heartbeat") != beat
                    )
                )
                assert_true_to_the_plant(seen)
                # Every value is of the plant's new life, also those that had not changed.
                assert min(seen.latest[t.key].source_us for t in TAGS) >= EPOCH + HOUR_US
        assert [change.connected for change in seen.changes] == [True, False, True]
        said = [r for r in caplog.records if not r.name.startswith("asyncio")]
        assert [(r.name, r.levelname) for r in said] == [
            ("opcua.subscriber", "INFO"),
            ("opcua.subscriber", "WARNING"),
            ("opcua.subscriber", "INFO"),
        ], [r.getMessage() for r in said]
    finally:
        await kill(child)


async def test_not_there_at_first(tmp_path, caplog) -> None:
    pki = tmp_path / "pki"
    async with serve(pki, ManualClock(EPOCH), plcs=("PLC1",)) as served:
        port = int(served.endpoints["PLC1"].rsplit(":", 1)[1])
    attempts: list[float] = []
    tried_enough, is_there = asyncio.Event(), asyncio.Event()

    async def sleep(pause_s: float) -> None:
        attempts.append(pause_s)
        if len(attempts) == 7:
            tried_enough.set()
            await is_there.wait()

    options = replace(QUICK, sleep=sleep, back_off_s=(0.5, 10.0), jitter=lambda: 1.0)
    with caplog.at_level(logging.INFO):
        async with followed(f"opc.tcp://127.0.0.1:{port}", pki, options) as seen:
            async with asyncio.timeout(10):
                await tried_enough.wait()
            assert [change.connected for change in seen.changes] == [False]
            async with serve(pki, ManualClock(EPOCH), plcs=("PLC1",), ports={"PLC1": port}):
                is_there.set()
                await seen.until(lambda: len(seen.changes) == 2)
    assert attempts[:7] == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    said = [r.levelname for r in caplog.records if r.name == "opcua.subscriber"]
    assert said[:2] == ["WARNING", "INFO"]


class Wire:
    """A TCP relay that can be cut in the nastiest way: everything stays open, nothing passes."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.passes = asyncio.Event()
        self.passes.set()
        self._tasks: set[asyncio.Task] = set()
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> str:
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        return f"opc.tcp://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers += [writer, far_writer]
        for source, target in ((reader, far_writer), (far_reader, writer)):
            self._tasks.add(asyncio.create_task(self._pump(source, target)))

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65_536):
                await self.passes.wait()
                target.write(data)
                await target.drain()
            target.close()


async def test_a_silent_network_is_noticed_within_the_watchdogs_time(tmp_path, caplog) -> None:
    pki, clock = tmp_path / "pki", ManualClock(EPOCH)
    options = replace(QUICK, watchdog_s=1.0, timeout_s=1.0)
    async with serve(pki, clock, plcs=("PLC1",)) as served:
        wire = Wire(int(served.endpoints["PLC1"].rsplit(":", 1)[1]))
        async with wire as url:
            with caplog.at_level(logging.INFO):
                async with followed(url, pki, options) as seen:
                    await seen.until(lambda: bool(seen.latest))
                    await served.scan()
                    await seen.until(lambda: seen.value("PLC1", "heartbeat") == 1)
                    # Nothing changes any more: only keep-alives hold the connection up.
                    loop = asyncio.get_running_loop()
                    cut_s = loop.time()
                    wire.passes.clear()
                    await seen.until(lambda: len(seen.changes) == 2, deadline_s=5)
                    assert loop.time() - cut_s < 5
                    assert "silent for too long" in seen.changes[1].reason
                    clock.move(7_000_000)
                    await served.scan()
                    wire.passes.set()
                    await seen.until(lambda: len(seen.changes) == 3)
                    await seen.until(lambda: seen.value("PLC1", "heartbeat") == 2)
                    assert_true_to_the_plant(seen)
    assert [change.connected for change in seen.changes] == [True, False, True]


async def test_keep_alives_alone_keep_the_connection(tmp_path) -> None:
    options = replace(QUICK, watchdog_s=0.6)
    async with (
        serve(tmp_path / "pki", ManualClock(EPOCH), plcs=("PLC1",)) as served,
        followed(served.endpoints["PLC1"], tmp_path / "pki", options) as seen,
    ):
        await seen.until(lambda: bool(seen.latest))
        with pytest.raises(TimeoutError):
            await seen.until(lambda: len(seen.changes) > 1, deadline_s=2.5)
    assert [change.connected for change in seen.changes] == [True]
