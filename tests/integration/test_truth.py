"""The live twin's mirror is the plant's truth: every tag, at every instant, over the real wire."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

from opcua_line import Collector

from lines.loader import load, load_text
from opcua.clock import ManualClock
from opcua.emulated_plc import ServedLine, serve_line
from opcua.security import client_security, make_pki, server_security
from opcua.tag_map import tag_map
from twin.cli.watch import LiveLine
from twin.engine.plant import SimulatedPlant
from twin.historian.port import Quality
from twin.live.readings import Message
from twin.model.line import Line
from twin.model.product import product_units
from twin.signals import read_all, tags

EPOCH = 1_767_571_200_000_000  # Monday 2026-01-05 00:00 UTC
S = 1_000_000

ASSEMBLY = """
linetwin: 1
id: ASM
plcs: [{id: PLC-A}, {id: PLC-B}]
stations:
  - {id: BODY, plc: PLC-A, machines: 4, lanes: 2, cycle_time: 4 s, scrap: 0.1,
     failures: [{id: jam, mtbf: {distribution: exponential, mean: 40 s}, mttr: 9 s}],
     alarms: [{id: EQP001, category: EQP, severity: 700, when: fault}],
     variables: [{id: Force, unit: N, nominal: 50.0, low: 0.0, high: 100.0}]}
  - {id: LID, plc: PLC-A, cycle_time: {distribution: exponential, mean: 2 s}}
  - {id: JOIN, plc: PLC-B, machines: 2, lanes: 2, cycle_time: 3 s,
     takes: {BODIES: 1, LIDS: 2},
     failures: [{id: crash, mtbf: {distribution: exponential, mean: 60 s}, mttr: 20 s,
                 after: scrap}]}
  - {id: OVEN, plc: PLC-B, places: 6, cycle_time: 12 s}
buffers:
  - {id: BODIES, from: BODY, to: JOIN, capacity: 3, lanes: 2}
  - {id: LIDS, from: LID, to: JOIN, capacity: 7}
  - {id: JOINED, from: JOIN, to: OVEN, capacity: 5}
"""


class Watched(LiveLine):
    """A live line that can be waited for."""

    def __init__(self, line: Line) -> None:
        self.kept: list = []
        super().__init__(line, self.kept.extend)
        self.seen = Collector()

    def take(self, message: Message) -> None:
        super().take(message)
        self.mirror.validate()
        self.seen(message)


@asynccontextmanager
async def watched(served: ServedLine, pki):
    live = Watched(served.plant.line)
    security = client_security(pki)
    mapped_line = tag_map(live.line, served.endpoints)
    # The plant's clock stands still here while its plant is worked out: that is no fault of it.
    at_ease = tuple(replace(plc, live=None) for plc in mapped_line.plcs)
    run = asyncio.create_task(live.watch(replace(mapped_line, plcs=at_ease), security))
    try:
        mapped = sum(len(plc.nodes) for plc in tag_map(live.line, served.endpoints).plcs)
        await live.seen.until(lambda: len(live.seen.latest) == mapped)
        yield live
    finally:
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)


async def scanned(served: ServedLine, live: Watched, clock: ManualClock, by_us: int) -> None:
    """Move the plant on, and wait until the twin has heard of it from every PLC."""
    clock.move(by_us)
    scan = await served.scan()
    assert scan.plant_us == clock.now_us()
    await live.seen.until(
        lambda: all(live.seen.value(plc, "heartbeat") == scan.number for plc in served.endpoints)
    )


def assert_true(live: LiveLine, plant: SimulatedPlant) -> None:
    all_tags = tuple(tags(plant.line))
    truth = dict(
        zip((t.key for t in all_tags), map(float, read_all(all_tags, plant.status())), strict=True)
    )
    assert {key: live.mirror.value(*key) for key in truth} == truth
    assert {live.mirror.reported(*key).quality for key in truth} == {Quality.GOOD}
    assert live.mirror.newest_us == EPOCH + plant.now_us
    assert [live.mirror.unknown_since(station) for station in plant.line.stations] == [None] * len(
        plant.line.stations
    )


def made(plant: SimulatedPlant) -> float:
    """Good units that have left the line, by the plant's own books."""
    line, status = plant.line, plant.status()
    units = product_units(line)
    return sum(
        units[station.id] * status.machines[station.machine_id(m)].good
        for station in line.stations
        if not line.outputs[station.id]
        for m in range(station.machines)
    )


async def followed_through(line: Line, pki, moves_us) -> Watched:
    make_pki(pki)
    clock, plant = ManualClock(EPOCH), SimulatedPlant(line)
    async with (
        serve_line(
            plant, clock, server_security(pki), ports=dict.fromkeys(_plcs(line), 0)
        ) as served,
        watched(served, pki) as live,
    ):
        assert_true(live, plant)
        for by_us in moves_us:
            await scanned(served, live, clock, by_us)
            assert_true(live, plant)
        # The twin has seen the plant from its first part on.
        assert live.meter.good_units() == made(plant) > 0
        return live


def _plcs(line: Line) -> set[str]:
    return {line.plc_of(station.id) for station in line.stations}


async def test_a_line_with_assembly_failures_and_lanes(tmp_path) -> None:
    moves = (1, 59 * S, 333_333, 60 * S, 500_000, 600 * S)
    line = load_text(ASSEMBLY)
    live = await followed_through(line, tmp_path / "pki", moves)
    failures = {point.value for point in live.kept if point.series.signal == "failures"}
    assert max(failures) > 0
    assert any(p.series.unit == "BODIES-L02" and p.value > 0 for p in live.kept)
    # They came at one instant: that is one notice.
    (notice,) = live.notices
    assert sorted(notice.plc.split(", ")) == ["PLC-A", "PLC-B"]


async def test_the_packaged_tube_line(tmp_path) -> None:
    line = load("tube_line")
    await followed_through(line, tmp_path / "pki", (1, 60 * S, 500_000, 9 * 3600 * S))
