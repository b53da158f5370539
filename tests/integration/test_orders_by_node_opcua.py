"""node-opcua's client, which nobody here wrote, orders parts of a PLC and asks what a post found.

It knows the structures only by what the server says of their types.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
from pathlib import Path

import pytest

from opcua.clock import WallClock
from opcua.emulated_plc import serve_line
from opcua.security import server_security
from twin.engine.plant import SimulatedPlant
from twin.model import Buffer, Line, Station

FOLDER = Path(__file__).parents[1] / "interop"
NODE = shutil.which("node")
LINE = Line(
    id="L1",
    defects=({"id": "dent"},),
    stations=(
        Station(id="A", cycle_time="1 s", defects={"dent": 0.5}),
        Station(id="V", cycle_time="1 s", inspection={"detects": {"dent": 0.9}}),
    ),
    buffers=(Buffer(id="AV", sources="A", sinks="V", capacity=3),),
)

pytestmark = pytest.mark.skipif(
    NODE is None or not (FOLDER / "node_modules" / "node-opcua-client").is_dir(),
    reason="node-opcua's client is not installed: make tests/interop/node_modules, where npm is",
)


async def test_node_opcua_orders_parts_and_asks_for_results(tmp_path) -> None:
    clock = WallClock(1_700_000_000_000_000, speed=10.0)
    security = server_security(tmp_path / "pki")
    async with serve_line(SimulatedPlant(LINE), clock, security, scan_s=0.1) as served:
        (url,) = served.endpoints.values()
        running = asyncio.create_task(served.run())
        client = await asyncio.create_subprocess_exec(
            NODE, "orders.mjs", url, str(tmp_path / "pki"), LINE.id, "PLC", "V", "V01",
            cwd=FOLDER, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(90):
                out, err = await client.communicate()
        finally:
            if client.returncode is None:
                client.kill()
                await client.wait()
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
    assert client.returncode == 0, err.decode()
    seen = json.loads(out)
    # ReturnStatus: no error; and, of the same id again, not accepted.
    assert seen["stored"] == ["Good", 1]
    assert seen["again"] == ["Uncertain", 16]
    assert (seen["state"], seen["produced"]) == ("Ended", "3")
    assert seen["data"]["Produced"] == seen["data"]["Wanted"] == 3
    assert seen["list"] == [["J1", "Ended"]]
    assert seen["result"] == ["Good", 0, True]
    content = seen["content"]
    assert content["Inspected"] == content["Passed"] + content["Scrapped"] + content["Reworked"] > 0
    assert content.get("dent", 0) == content["Scrapped"] + content["Reworked"]
    assert seen["released"] == 0
    assert seen["event"] == [True, "V01", 1]
