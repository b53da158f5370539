"""Serve the small line from a process of its own: `served_in_a_child.py PKI PORT START_US`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from opcua_line import LINE, FakePlant

from opcua.clock import WallClock
from opcua.emulated_plc import serve_line
from opcua.security import server_security


async def main(pki: Path, port: int, start_us: int) -> None:
    plant = FakePlant(LINE, start_us)
    clock = WallClock(1_767_571_200_000_000, start_us, speed=20)
    async with serve_line(
        plant, clock, server_security(pki), plcs=("PLC1",), ports={"PLC1": port}, scan_s=0.05
    ) as served:
        print(served.endpoints["PLC1"], flush=True)  # noqa: T201 -- tells the test that it is up
        await served.run()


asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
