"""node-opcua's client, which nobody here wrote, does with a PLC what a client does."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from opcua.clock import WallClock
from opcua.emulated_plc import serve_line
from opcua.security import server_security
from twin.engine.plant import SimulatedPlant
from twin.model import Line, Station
from twin.model.packml import State

FOLDER = Path(__file__).parents[1] / "interop"
NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(
    NODE is None or not (FOLDER / "node_modules" / "node-opcua-client").is_dir(),
    reason="node-opcua's client is not installed: make tests/interop/node_modules, where npm is",
)

LINE = Line(id="L1", stations=(Station(id="A", cycle_time="100 ms"),))


async def test_node_opcua_browses_subscribes_calls_and_writes(tmp_path) -> None:
    pki = tmp_path / "pki"
    plant = SimulatedPlant(LINE)
    async with serve_line(plant, WallClock(0), server_security(pki), scan_s=0.05) as served:
        scanning = asyncio.create_task(served.run())
        (url,) = served.endpoints.values()
        client = await asyncio.create_subprocess_exec(
            NODE, "plc.mjs", url, str(pki), "L1", "A", "A01",
            cwd=FOLDER, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(120):
                out, err = await client.communicate()
        finally:
            if client.returncode is None:
                client.kill()
            scanning.cancel()
            await asyncio.gather(scanning, return_exceptions=True)
    assert client.returncode == 0, err.decode()[-2000:]
    seen = json.loads(out.decode().strip().splitlines()[-1])
    packml = seen["namespaces"].index("http://opcfoundation.org/UA/PackML/")
    assert "BadUserAccessDenied" in seen["wrongPassword"]
    assert seen["type"] == f"{packml}:PackMLBaseObjectType"
    assert {f"{packml}:{name}" for name in ("Admin", "BaseStateMachine", "Status")} <= set(
        seen["below"]
    )
    assert seen["state"] == State.EXECUTE
    assert seen["machineState"] == "Running"
    assert seen["processed"] > 0
    assert seen["countsStatus"] == "Good"
    assert seen["stop"] == "Good"
    assert seen["states"][0] == State.EXECUTE
    assert seen["states"][-1] == State.STOPPED
    assert seen["start"] == "BadInvalidState"
    assert (seen["write"], seen["written"]) == ("Good", 1.5)
    assert seen["writeOutOfRange"] == "BadOutOfRange"
    assert seen["writeReadOnly"] == "BadUserAccessDenied"
