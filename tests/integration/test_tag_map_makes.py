"""The packaged tag maps against PLCs of their makes: every tag as the plant shows it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from opcua_line import QUICK, Collector, FakePlant

from lines.loader import load
from opcua.audit import Audit
from opcua.clock import ManualClock
from opcua.commanding import Order, give, point_of
from opcua.connect import close, connect
from opcua.emulated_plc import serve_line
from opcua.personality import personality
from opcua.subscriber import Subscriber
from opcua.tagmap.browse import browse
from opcua.tagmap.checking import check_plc
from opcua.tagmap.file import EXAMPLES, load_tag_map, tag_map_from_text
from opcua.tagmap.suggest import suggest
from twin.engine.plant import SimulatedPlant
from twin.errors import CommandRefused
from twin.model.packml import State
from twin.signals import read_all, tags

MAKES = ("s7-1500", "twincat", "codesys")
LINE = load("five_stations")
TAGS = tuple(tags(LINE))


@asynccontextmanager
async def served(make: str, plant=None):
    plant = plant or FakePlant(LINE, 5_000_000)
    clock = ManualClock(0, plant.now_us)
    async with serve_line(plant, clock, None, personality=personality(make)) as line:
        yield line, next(iter(line.endpoints.values()))


@pytest.mark.parametrize("make", MAKES)
async def test_the_packaged_map_reads_every_tag(make: str) -> None:
    (plc,) = load_tag_map(EXAMPLES / f"{make}.yaml", LINE).map.plcs
    async with served(make) as (line, url):
        seen = Collector()
        options = replace(QUICK, nodes_per_request=1000)
        run = asyncio.create_task(Subscriber(replace(plc, urls=(url,)), None, seen, options).run())
        try:
            for by_us in (0, 1_000_000, 60_000_000):
                line.clock.move(by_us)
                await line.scan()
                values = read_all(TAGS, line.plant.status())
                expected = {tag.key: value for tag, value in zip(TAGS, values, strict=True)}
                await seen.until(
                    lambda: {k: r.value for k, r in seen.latest.items()} == expected  # noqa: B023
                )
            assert seen.missing == []
        finally:
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)


@pytest.mark.parametrize("make", MAKES)
async def test_a_draft_finds_what_the_packaged_map_names(make: str) -> None:
    (plc,) = load_tag_map(EXAMPLES / f"{make}.yaml", LINE).map.plcs
    async with served(make) as (_, url):
        client = await connect(url, None)
        try:
            variables = await browse(client)
        finally:
            await close(client, polite=True)
    draft = suggest(LINE, url, variables, "PLC", "{policy: none}")
    assert draft.lacking == ()
    (drafted,) = tag_map_from_text(draft.text, LINE).map.plcs
    nodes = {(n.unit, n.signal): n.inputs for n in plc.nodes}
    assert {(n.unit, n.signal): n.inputs for n in drafted.nodes} == nodes
    assert drafted.live == plc.live
    # Patterns, and not an entry for each of the nine units.
    assert draft.text.count("match:") == 2


async def test_a_check_tells_right_from_wrong() -> None:
    text = (EXAMPLES / "s7-1500.yaml").read_text(encoding="utf-8")
    text = text.replace('"Admin"."FailureCount"\'', '"Admin"."Failures"\'')
    text = text.replace('state: \'"Status"."StateCurrent"\'', 'state: \'"Admin"."StopReason"\'')
    text = text.replace('in: \'"Admin"', 'in: {type: Double, node: \'"Admin"', 1)
    text = text.replace('"ProdConsumedCount"\'', '"ProdConsumedCount"\'}', 1)
    async with served("s7-1500") as (_, url):
        (plc,) = tag_map_from_text(text.replace("opc.tcp://127.0.0.1:4841", url), LINE).map.plcs
        checked = {
            (one.unit, one.signal): one.wrong for one in await check_plc(LINE, plc, _nobody, 0.2)
        }
    wrong = {signal: why for (unit, signal), why in checked.items() if unit == "M101" and why}
    assert wrong["failures"] == ("the server has no such node",)
    assert "must be of type Double, the server sends Int64" in wrong["consumed"]
    assert any("must be one of" in why for why in wrong["state_current"])
    assert set(wrong) == {"failures", "consumed", "state_current"}


def _nobody() -> None:
    return None


async def test_commands_call_methods_and_write_setpoints(tmp_path) -> None:
    text = (EXAMPLES / "twincat.yaml").read_text(encoding="utf-8")
    commands = """        commands:
          stop: {node: Commands.Stop, object: Commands, low: 1, high: 99, role: lead, type: Int32,
                 when: {state: [EXECUTE, SUSPENDED]}, every: 1 s, read_back: Status.StateCurrent}
          pace: {node: Setpoints.CycleTimeFactor, low: 0.5, high: 2, role: lead}
      - match: B*"""
    text = text.replace("      - match: B*", commands, 1)
    async with served("twincat", SimulatedPlant(LINE)) as (line, url):
        line.clock.move(10_000_000)
        await line.scan()
        (plc,) = tag_map_from_text(text.replace("opc.tcp://127.0.0.1:4841", url), LINE).map.plcs
        audit = Audit(tmp_path / "commands.sqlite")

        async def order(name: str, value: float, *, really: bool = True):
            _, point = point_of([plc], "M301", name)
            asked = Order("FIVE", value, "somebody", "lead", 0, really)
            return await give(plc, point, asked, _nobody, audit)

        assert (await order("pace", 1.5)).after == 1.5
        assert line.requests.values["M301", "cycle_time_factor"] == 1.5
        dry = await order("stop", 3, really=False)
        assert dry.before in (State.EXECUTE, State.SUSPENDED)
        await order("stop", 3)
        line.clock.move(20_000_000)
        await line.scan()
        assert line.plant.status().machines["M301"].state is State.STOPPED
        with pytest.raises(CommandRefused, match="state_current must be 6 or 5, it is 2"):
            await order("stop", 3)
        assert [entry.outcome for entry in audit.entries()][:3] == ["done", "dry run", "done"]
