"""A server that nobody here wrote (node-opcua), named as nobody here would, read by a tag map."""

from __future__ import annotations

import asyncio
import json
import shutil
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from opcua_line import Collector

from opcua.audit import Audit
from opcua.commanding import Order, give, point_of
from opcua.connect import close, connect
from opcua.subscriber import Options, Subscriber
from opcua.tagmap.browse import browse
from opcua.tagmap.checking import check_plc
from opcua.tagmap.file import tag_map_from_text
from twin.errors import CommandRefused
from twin.historian.port import Quality
from twin.model.line import Line
from twin.model.packml import State

FOLDER = Path(__file__).parents[1] / "interop"
NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(
    NODE is None or not (FOLDER / "node_modules" / "node-opcua-server").is_dir(),
    reason="node-opcua's server is not installed: make tests/interop/node_modules, where npm is",
)

LINE = Line.model_validate(
    {
        "id": "FREMD",
        "plcs": ({"id": "P1"}, {"id": "P2"}),
        "stations": (
            {
                "id": "SGE",
                "machines": 2,
                "plc": "P1",
                "cycle_time": "2 s",
                "variables": (
                    {"id": "Temp", "unit": "degC", "nominal": 80.0, "low": 0.0, "high": 200.0},
                    {"id": "Weg", "unit": "mm", "nominal": 1.0, "low": 0.0, "high": 200.0},
                    {"id": "Hub", "unit": "1", "nominal": 100.0, "low": 0.0, "high": 999.0},
                ),
                "alarms": (
                    {"id": "EQP001", "category": "EQP", "severity": 700, "when": "fault"},
                    {"id": "PRC002", "category": "PRC", "severity": 300, "when": "Temp"},
                ),
            },
            {"id": "PACK", "plc": "P2", "cycle_time": "1 s"},
        ),
        "buffers": ({"id": "SGE-out", "from": "SGE", "to": "PACK", "capacity": 9, "lanes": 2},),
    }
)
MAP = """
line: FREMD
plcs:
  - plc: P1
    endpoint: URL
    security: {policy: none}
    namespace: urn:fremd:anlage
    live: {path: Halle 7/Lebenszeichen}
    publishing: 100 ms
    units:
      - match: SGE0*
        prefix: 'SGE.{n}.'
        signals:
          state:
            {node: wZustand, type: UInt16, values: {20: IDLE, 40: EXECUTE, 50: ABORTED}}
          good: {node: wStueckGut, type: UInt16, width: 16}
          scrap: {node: wAusschuss, type: UInt16, width: 16}
          cycle_time: {node: tTakt_ms, unit: ms}
          variable.Temp: {node: iTemp10F, scale: 0.1, unit: degF, deadband: 0}
          variable.Weg:
            node: 'nsu=urn:fremd:anlage;s=PRS'
            pick: '[{i}].Achsen[1].fPosition'
            deadband: 0
          variable.Hub:
            inputs:
              strokes: {node: 'nsu=urn:fremd:anlage;s=PRS.{n}', pick: nHuebe}
              runs: {node: 'nsu=urn:fremd:anlage;s=PRS.{n}', pick: bLäuft}
            expression: strokes if runs else 0
            deadband: 0
          alarm_word: {node: wStoerwort, bits: {2: EQP001, 5: PRC002}}
          starved: {node: bBereit, inverted: true}
          blocked:
            inputs: {ready: bBereit, word: wZustand}
            expression: word == 50 and not ready
        commands:
          order: {node: wBefehl, low: 1, high: 9, role: operator, when: {state: [IDLE]},
                  every: 60 s}
      - match: SGE-out-L*
        signals:
          level: {path: Halle 7/Füllstände, pick: '[{i}]'}
"""
OPTIONS = Options(watchdog_s=3.0, back_off_s=(0.1, 0.5))


def shown(step: int) -> dict[tuple[str, str], object]:
    """What the plant of `foreign_plc.mjs` shows at a step, in the line's words."""
    expected: dict[tuple[str, str], object] = {}
    for number in (1, 2):
        unit, word = f"SGE0{number}", [20, 40, 50][(step + number) % 3]
        ready = step % 2 == 0
        states = {20: State.IDLE, 40: State.EXECUTE, 50: State.ABORTED}
        expected |= {
            (unit, "state_current"): int(states[word]),
            # Good ones go on over 65,535; scrap is counted beside them.
            (unit, "processed"): 65_500 + 10 * step + number + 7 * step,
            (unit, "defective"): 7 * step,
            (unit, "cycle_time_s"): pytest.approx((1500 + step) / 1000),
            (unit, "variable.Temp"): pytest.approx(((1400 + step) / 10 - 32) * 5 / 9),
            # Of structures of the supplier's own: in an array, and two members of one.
            (unit, "variable.Weg"): pytest.approx(number + step / 4),
            (unit, "variable.Hub"): 100 * number + step if step % 3 == 0 else 0,
            (unit, "alarm.EQP001"): bool(step & 4),
            (unit, "alarm.PRC002"): bool(step & 32),
            (unit, "starved"): not ready,
            (unit, "blocked"): word == 50 and not ready,
        }
    expected["SGE-out-L01", "level"] = step % 5
    expected["SGE-out-L02", "level"] = (step + 2) % 5
    return expected


class Foreign:
    """The server's process."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self._process = process
        self.url = url

    async def step(self, number: int) -> dict:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{number}\n".encode())
        await self._process.stdin.drain()
        return await _answer(self._process)


async def _answer(process: asyncio.subprocess.Process) -> dict:
    assert process.stdout is not None
    async with asyncio.timeout(60):
        while True:
            line = await process.stdout.readline()
            assert line, "the server has ended"
            if line.startswith(b"{"):
                return json.loads(line)


@asynccontextmanager
async def foreign():
    process = await asyncio.create_subprocess_exec(
        NODE, "foreign_plc.mjs", cwd=FOLDER,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield Foreign(process, (await _answer(process))["url"])
    finally:
        process.kill()
        await process.communicate()


async def test_a_foreign_plc_says_what_it_means(tmp_path) -> None:
    async with foreign() as server:
        (plc,) = tag_map_from_text(MAP.replace("URL", server.url), LINE).map.plcs
        seen = Collector()
        run = asyncio.create_task(Subscriber(plc, None, seen, OPTIONS).run())

        def latest() -> dict[tuple[str, str], object]:
            return {key: reading.value for key, reading in seen.latest.items()}

        try:
            # Its limits are tiny: requests go in twos, threes and fours.
            await seen.until(lambda: latest() == shown(0))
            for step in (1, 2, 3, 4, 5, 40, 41, 300):
                await server.step(step)
                await seen.until(lambda s=step: latest() == shown(s), 15)
            assert {r.quality for r in seen.latest.values()} == {Quality.GOOD}
            assert [change.connected for change in seen.changes] == [True]
            assert seen.missing == []
        finally:
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)
        checked = {
            (one.unit, one.signal): one for one in await check_plc(LINE, plc, lambda: None, 0.5)
        }
        assert [one for one in checked.values() if one.wrong] == []
        assert checked["SGE01", "state_current"].data_type == "UInt16"
        client = await connect(server.url, None)
        try:
            variables = {v.names: v for v in await browse(client)}
        finally:
            await close(client, polite=True)
        levels = variables["Halle 7", "Füllstände"]
        assert (levels.data_type, levels.shape) == ("Int32", "[2]")
        assert variables["Halle 7", "Säge_2", "wZustand"].full == (
            "nsu=urn:fremd:anlage;s=SGE.2.wZustand"
        )
        await _command(server, plc, Audit(tmp_path / "commands.sqlite"))


async def _command(server: Foreign, plc, audit: Audit) -> None:
    _, point = point_of([plc], "SGE02", "order")
    await server.step(1)

    async def order(value: float, role: str = "operator", at_us: int = 0, *, really: bool = False):
        asked = Order("FREMD", value, "somebody", role, at_us, really)
        return await give(plc, point, asked, lambda: None, audit)

    # SGE02 is at (1 + 2) % 3 = 0: IDLE.
    dry = await order(5)
    assert (dry.before, dry.after) == (0, None)
    assert (await server.step(1))["commanded"] == {"1": 0, "2": 0}
    with pytest.raises(CommandRefused, match="must be given in the role operator, got guest"):
        await order(5, "guest")
    with pytest.raises(CommandRefused, match="must be from 1 to 9, got 10"):
        await order(10, really=True)
    done = await order(5, really=True)
    assert (done.before, done.after, done.state) == (0, 5, {"state_current": State.IDLE})
    assert (await server.step(1))["commanded"] == {"1": 0, "2": 5}
    with pytest.raises(CommandRefused, match="must be 60 s after the last one"):
        await order(6, at_us=1_000_000, really=True)
    await server.step(2)
    with pytest.raises(CommandRefused, match="state_current must be 4, it is 6"):
        await order(6, at_us=100_000_000, really=True)
    assert (await server.step(2))["commanded"] == {"1": 0, "2": 5}
    assert [entry.outcome.partition(":")[0] for entry in audit.entries()] == [
        "dry run", "SGE02 order", "SGE02 order", "done", "SGE02 order", "SGE02 order",
    ]  # fmt: skip
    with pytest.raises(CommandRefused, match="did you mean 'SGE02 order'"):
        point_of([plc], "SGE02", "ordr")
