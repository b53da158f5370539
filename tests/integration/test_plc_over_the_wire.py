"""What the subscriber reports is what the plant shows: every tag, every instant, encrypted."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from opcua_line import LINE, QUICK, Collector, FakePlant, serve

from lines.loader import load, packaged
from opcua.address_space import namespace_uri
from opcua.clock import ManualClock
from opcua.emulated_plc import ServedLine
from opcua.security import client_security
from opcua.subscriber import Subscriber
from opcua.tag_map import Address, MappedNode, tag_map
from twin.engine.plant import SimulatedPlant
from twin.errors import UsageError
from twin.historian.port import Quality
from twin.signals import read_all, tags

EPOCH = 1_767_571_200_000_000  # Monday 2026-01-05 00:00 UTC
TAGS = tuple(tags(LINE))


@asynccontextmanager
async def followed(served: ServedLine, pki, mapped=None, options=QUICK):
    """Subscribers to every endpoint of a line, for as long as the context lasts."""
    collector = Collector()
    mapped = mapped or tag_map(LINE, served.endpoints)
    security = client_security(pki)
    runs = [
        asyncio.create_task(Subscriber(plc, security, collector, options).run())
        for plc in mapped.plcs
    ]
    try:
        yield collector
    finally:
        for run in runs:
            run.cancel()
        ended = await asyncio.gather(*runs, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in ended), ended


def heartbeats(collector: Collector, number: int) -> bool:
    return all(collector.value(plc, "heartbeat") == number for plc in ("PLC1", "PLC2"))


async def test_every_tag_is_reported_as_the_plant_shows_it(tmp_path) -> None:
    clock, plant = ManualClock(EPOCH, 5_000_000), FakePlant(now_us=5_000_000)
    async with (
        serve(tmp_path / "pki", clock, plant) as served,
        followed(served, tmp_path / "pki") as seen,
    ):
        values = read_all(TAGS, plant.status())
        expected = {
            tag.key: (value, EPOCH + 5_000_000) for tag, value in zip(TAGS, values, strict=True)
        }
        await seen.until(lambda: len(seen.latest) == len(TAGS) + 8)
        for number, by_us in enumerate((1_000_000, 0, 1, 333_333, 60_000_000, 10**9 + 7), start=1):
            clock.move(by_us)
            scan = await served.scan()
            assert scan.number == number
            assert scan.lag_us == 0
            assert plant.now_us == clock.now_us()
            for tag, value in zip(TAGS, read_all(TAGS, plant.status()), strict=True):
                if value != expected[tag.key][0]:
                    expected[tag.key] = (value, EPOCH + plant.now_us)
            await seen.until(lambda n=number: heartbeats(seen, n))
            reported = {
                key: (reading.value, reading.source_us)
                for key, reading in seen.latest.items()
                if not key[0].startswith("PLC")
            }
            assert reported == expected
            types = {key: type(value) for key, (value, _) in expected.items()}
            assert {key: type(value) for key, (value, _) in reported.items()} == types
        assert {reading.quality for reading in seen.latest.values()} == {Quality.GOOD}


@pytest.mark.parametrize("name", packaged())
async def test_a_packaged_lines_plant_is_reported_tag_by_tag(tmp_path, name) -> None:
    line = load(name)
    clock, plant = ManualClock(EPOCH), SimulatedPlant(line)
    all_tags = tuple(tags(line))
    free_ports = {plc.id: 0 for plc in line.plcs}
    async with serve(tmp_path / "pki", clock, plant, ports=free_ports) as served:
        mapped = tag_map(line, served.endpoints)
        async with followed(served, tmp_path / "pki", mapped) as seen:
            await seen.until(lambda: len(seen.latest) == sum(len(p.nodes) for p in mapped.plcs))
            expected: dict[tuple[str, str], tuple[object, int]] = {}
            for number, by_us in enumerate((1, 3_600_000_000, 500_000, 30_000_000), start=1):
                clock.move(by_us)
                await served.scan()
                for tag, value in zip(all_tags, read_all(all_tags, plant.status()), strict=True):
                    if tag.key not in expected or value != expected[tag.key][0]:
                        expected[tag.key] = (value, EPOCH + plant.now_us)
                await seen.until(
                    lambda n=number: all(
                        seen.value(plc, "heartbeat") == n for plc in served.endpoints
                    )
                )
                if number == 1:
                    # What had not changed since the start is still of the start.
                    expected = {
                        key: (value, seen.latest[key].source_us)
                        for key, (value, _) in expected.items()
                    }
                    assert {at for _, at in expected.values()} <= {EPOCH, EPOCH + 1}
                reported = {
                    key: (reading.value, reading.source_us)
                    for key, reading in seen.latest.items()
                    if key[0] not in served.endpoints
                }
                assert reported == expected


async def test_first_comes_the_connection_then_every_value_once(tmp_path) -> None:
    clock = ManualClock(EPOCH)
    async with (
        serve(tmp_path / "pki", clock, plcs=("PLC2",)) as served,
        followed(served, tmp_path / "pki") as seen,
    ):
        await seen.until(lambda: bool(seen.latest))
        await served.scan()
        await seen.until(lambda: seen.value("PLC2", "heartbeat") == 1)
        first, batch = seen.messages[0], seen.messages[1]
        assert first == seen.changes[0]
        assert first.connected
        mapped = [(n.unit, n.signal) for n in tag_map(LINE, served.endpoints).plcs[0].nodes]
        assert [(r.unit, r.signal) for r in batch] == mapped
        # Nothing but what the scan changed comes again, though the server repeats it all.
        again = [(r.unit, r.signal) for m in seen.messages[2:] for r in m]
        assert again == [("PLC2", "heartbeat")]


async def test_values_between_two_batches_all_arrive_in_order(tmp_path) -> None:
    clock = ManualClock(EPOCH)
    slow = replace(QUICK, publishing_s=0.5)
    async with (
        serve(tmp_path / "pki", clock, plcs=("PLC1",)) as served,
        followed(served, tmp_path / "pki", options=slow) as seen,
    ):
        await seen.until(lambda: bool(seen.latest))
        await served.scan()
        # What comes after the first read comes by subscription.
        await seen.until(lambda: seen.value("PLC1", "heartbeat") == 1)
        for _ in range(5):
            clock.move(1_000_000)
            await served.scan()
        await seen.until(lambda: seen.value("PLC1", "heartbeat") == 6)
        beats = [
            r.value
            for m in seen.messages
            if isinstance(m, tuple)
            for r in m
            if r.signal == "heartbeat"
        ]
        assert beats == [0, 1, 2, 3, 4, 5, 6]


async def test_a_node_that_is_not_there_is_reported_and_the_rest_works(tmp_path, caplog) -> None:
    clock = ManualClock(EPOCH)
    async with serve(tmp_path / "pki", clock, plcs=("PLC1",)) as served:
        mapped = tag_map(LINE, served.endpoints)
        plc = mapped.plcs[0]
        at = Address(namespace_uri(LINE), "s=L1/CUT/CUT99/Status")
        ghost = MappedNode("CUT99", "state_current", (at,))
        wrong = replace(mapped, plcs=(replace(plc, nodes=(ghost, *plc.nodes)),))
        with caplog.at_level(logging.INFO):
            async with followed(served, tmp_path / "pki", wrong) as seen:
                await served.scan()
                await seen.until(lambda: seen.value("PLC1", "heartbeat") == 1)
    assert [m.keys for m in seen.missing] == [(("CUT99", "state_current"),)]
    assert len(seen.latest) == len(plc.nodes)
    said = [r.getMessage() for r in caplog.records if r.name.startswith("opcua.")]
    assert len(said) == 2
    assert "CUT99" in said[1]


async def test_another_lines_server_is_told_from_ours(tmp_path) -> None:
    async with serve(tmp_path / "pki", ManualClock(EPOCH), plcs=("PLC1",)) as served:
        mapped = tag_map(LINE, served.endpoints)
        plc = mapped.plcs[0]
        nodes = tuple(
            replace(n, inputs=(replace(n.inputs[0], uri="urn:linetwin:ACME:NORTH:L2"),))
            for n in plc.nodes
        )
        plc = replace(plc, nodes=nodes, live=None)
        other = replace(mapped, plcs=(plc,))
        async with followed(served, tmp_path / "pki", other) as seen:
            await seen.until(lambda: bool(seen.changes))
    assert not seen.changes[0].connected
    assert "must have the namespace urn:linetwin:ACME:NORTH:L2" in seen.changes[0].reason


async def test_nothing_is_left_behind(tmp_path) -> None:
    before = asyncio.all_tasks()
    async with (
        serve(tmp_path / "pki", ManualClock(EPOCH)) as served,
        followed(served, tmp_path / "pki") as seen,
    ):
        await seen.until(lambda: len(seen.changes) == 2)
    if left := asyncio.all_tasks() - before:
        _, pending = await asyncio.wait(left, timeout=10)
        assert not pending


class Wall:
    """A wall clock that moves only while somebody sleeps or a scan is told to take long."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now_s

    async def sleep(self, for_s: float) -> None:
        self.slept.append(for_s)
        self.now_s += for_s
        if len(self.slept) == 4:
            raise asyncio.CancelledError
        await asyncio.sleep(0)


class SlowPlant(FakePlant):
    """A plant whose slices take wall time, each its own."""

    def __init__(self, wall: Wall, takes_s: list[float]) -> None:
        super().__init__()
        self.wall, self.takes_s = wall, takes_s

    def advance(self, to_us: int) -> None:
        super().advance(to_us)
        self.wall.now_s += self.takes_s.pop(0) if self.takes_s else 0.0


class EverySecond:
    """A clock that is a second further each time it is asked."""

    epoch_unix_us = EPOCH

    def __init__(self) -> None:
        self.now = 0

    def now_us(self) -> int:
        self.now += 1_000_000
        return self.now


async def test_missed_scans_are_left_out_and_counted() -> None:
    wall = Wall()
    plant = SlowPlant(wall, [0.0, 1.2, 0.0, 0.0])
    served = ServedLine(plant, EverySecond(), (), 0.5, wall.monotonic, wall.sleep)
    with pytest.raises(asyncio.CancelledError):
        await served.run()
    # The second scan ends 1.2 s after it was due: two scans are left out, the beat is kept.
    assert wall.slept == pytest.approx([0.5, 0.3, 0.5, 0.5])
    assert served.overruns == 2


async def test_a_plant_that_cannot_keep_up_lags_and_says_so(caplog) -> None:
    wall = Wall()
    plant = SlowPlant(wall, [0.3, 0.3, 0.0])
    clock = ManualClock(EPOCH)
    served = ServedLine(plant, clock, (), 0.5, wall.monotonic, wall.sleep)
    clock.move(10_000_000)
    scan = await served.scan(within_s=0.5)
    assert (scan.plant_us, scan.lag_us) == (1_500_000, 8_500_000)
    scan = await served.scan(within_s=0.5)
    assert (scan.plant_us, scan.lag_us) == (10_000_000, 0)
    # A plant that catches up with a late start is no news; one that lags on is, once.
    assert not caplog.records
    with caplog.at_level(logging.INFO):
        for _ in range(30):
            clock.move(10**12)
            plant.takes_s[:] = [1.0]
            assert (await served.scan(within_s=0.5)).lag_us > 0
        await served.scan()
    said = [(r.levelname, "can't keep up" in r.getMessage()) for r in caplog.records]
    assert said == [("WARNING", True), ("INFO", False)]


async def test_a_port_in_use_is_named(tmp_path) -> None:
    async with serve(tmp_path / "pki", ManualClock(EPOCH), plcs=("PLC1",)) as served:
        port = int(served.endpoints["PLC1"].rsplit(":", 1)[1])
        with pytest.raises(UsageError, match=f"must be able to listen on 127.0.0.1:{port}"):
            async with serve(
                tmp_path / "pki", ManualClock(EPOCH), plcs=("PLC1",), ports={"PLC1": port}
            ):
                pass


async def test_an_unknown_plc_is_refused() -> None:
    with pytest.raises(UsageError, match="must be of PLC1, PLC2, got PLC9"):
        async with serve(None, ManualClock(EPOCH), plcs=("PLC9",)):
            pass
