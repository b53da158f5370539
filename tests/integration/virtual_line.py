"""A line, its PLCs and a subscriber in virtual time: `MINUTES SEED [PKI]`; prints what came."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
import time
from dataclasses import replace
from pathlib import Path

from lines.loader import load
from opcua.emulated_plc import serve_line
from opcua.readings import ConnectionChanged, Message
from opcua.security import client_security, server_security
from opcua.subscriber import Options, Subscriber
from opcua.tag_map import tag_map
from opcua.virtual_time import loop_clock, run_virtual
from twin.engine.plant import SimulatedPlant

LINE = Path(__file__).parents[2] / "lines" / "examples" / "five_stations.yaml"


async def watched(minutes: float, seed: int, pki: Path | None) -> dict[str, object]:
    line, loop = load(str(LINE)), asyncio.get_running_loop()
    digest, count = hashlib.sha256(), 0

    def take(message: Message) -> None:
        nonlocal count
        rows = message if isinstance(message, tuple) else (message,)
        for row in rows:
            count += isinstance(message, tuple)
            # The port is whichever was free.
            same = replace(row, url="") if isinstance(row, ConnectionChanged) else row
            digest.update(repr((loop.time(), same)).encode())

    plant = SimulatedPlant(line, seed=seed)
    security = server_security(pki) if pki else None
    options = Options(publishing_s=0.5, jitter=lambda: 0.5)
    async with serve_line(
        plant, loop_clock(), security, ports={p.id: 0 for p in line.plcs}, monotonic=loop.time
    ) as served:
        runs = [
            asyncio.create_task(
                Subscriber(plc, client_security(pki) if pki else None, take, options).run()
            )
            for plc in tag_map(line, served.endpoints).plcs
        ]
        scans = asyncio.create_task(served.run())
        began_s = time.process_time()
        await asyncio.sleep(minutes * 60)
        cpu_s = time.process_time() - began_s
        for task in (*runs, scans):
            task.cancel()
        await asyncio.gather(*runs, scans, return_exceptions=True)
    return {
        "sha256": digest.hexdigest(),
        "notifications": count,
        "plant_s": plant.now_us / 1e6,
        "cpu_s": cpu_s,
    }


def main() -> None:
    minutes, seed = float(sys.argv[1]), int(sys.argv[2])
    pki = Path(sys.argv[3]) if len(sys.argv) > 3 else None
    sys.stdout.write(json.dumps(run_virtual(watched(minutes, seed, pki))) + "\n")


if __name__ == "__main__":
    main()
