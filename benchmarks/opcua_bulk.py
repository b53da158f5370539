"""Values a second from a server to node-opcua's client: published in bulk, and as asyncua does it.

    python benchmarks/opcua_bulk.py [--tags 1000 5000 20000] [--seconds 10] [--asyncua]

Every tag is written every 100 ms, publishing every 100 ms, Basic256Sha256, signed and encrypted,
user and password. Server and client are two processes on one machine. Lost: gaps in each tag's own
count, as the client sees them. Needs npm's packages (`make tests/interop/node_modules`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from asyncua import ua

from opcua.apply import apply
from opcua.collection import no_collection
from opcua.guarded_server import guarded_server, namespace_table
from opcua.node_spec import NodeKind, NodeSpec
from opcua.security import make_pki, server_security
from opcua.tag_table import ticks_of
from twin.signals import ValueType

CLIENT = Path(__file__).parents[1] / "tests" / "interop" / "rates.mjs"
PERIOD_S = 0.1


def specs(tags: int) -> list[NodeSpec]:
    """A flat load: folders of a hundred Doubles."""
    made = []
    for tag in range(tags):
        folder = f"T/{tag // 100}"
        if tag % 100 == 0:
            made.append(NodeSpec(folder, "", folder, NodeKind.FOLDER))
        key = ("T", str(tag))
        made.append(
            NodeSpec(
                f"{folder}/{tag}",
                folder,
                str(tag),
                NodeKind.VARIABLE,
                key=key,
                value_type=ValueType.DOUBLE,
            )
        )
    return made


async def serve(tags: int, pki: Path, seconds: float, *, bulk: bool) -> None:
    """The server's process: a line of JSON when it listens, and one when it is told to end."""
    began = time.perf_counter()
    uri = "urn:linetwin:bench"
    namespaces = namespace_table(uri)
    security = server_security(pki)
    server = await guarded_server("bench", "opc.tcp://127.0.0.1:0", security, namespaces)
    planned = specs(tags)
    with no_collection():
        values = {s.key: 0.0 for s in planned if s.key}
        applied = apply(server.iserver.aspace, uri, namespaces, planned, values, 0)
        ids = [node_id for node_id, _ in applied.variables.values()]
        table = server.iserver.table
        places = np.array(table.adopt(ids)) if bulk else None
    await server.start()
    up_s = time.perf_counter() - began
    url = f"opc.tcp://127.0.0.1:{server.bserver.port}"
    say({"url": url, "up_s": up_s, "up_cpu_s": time.process_time(), "rss_mb": rss_mb()})
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(0, ended.set)
    number, due = 0, time.perf_counter()
    spent: list[tuple[float, float]] = []
    while not ended.is_set():
        number += 1
        now_us = time.time_ns() // 1000
        if places is not None:
            bits = np.full(tags, number, np.float64).view(np.uint64)
            table.write(places, bits, ticks_of(now_us))
        else:
            at = datetime.now(UTC)
            value = ua.DataValue(ua.Variant(float(number), ua.VariantType.Double), None, at)
            for i, node_id in enumerate(ids):
                await server.iserver.aspace.write_attribute_value(
                    node_id, ua.AttributeIds.Value, value
                )
                if i % 500 == 0:
                    await asyncio.sleep(0)
        spent.append((time.perf_counter(), time.process_time()))
        due = max(due + PERIOD_S, time.perf_counter())
        await asyncio.sleep(due - time.perf_counter())
    # The client has counted until about a second ago.
    until = spent[-1][0] - 1
    window = [s for s in spent if until - seconds < s[0] < until]
    share = (window[-1][1] - window[0][1]) / (window[-1][0] - window[0][0])
    say({"cores": share, "rss_mb": rss_mb()})
    await server.stop()


def rss_mb() -> float:
    """Greatest resident memory so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def say(what: dict[str, object]) -> None:
    print(json.dumps(what), flush=True)


def measure(tags: int, seconds: float, *, bulk: bool) -> dict[str, float]:
    """One run: the client's figures and the server's."""
    with tempfile.TemporaryDirectory() as directory:
        pki = Path(directory) / "pki"
        make_pki(pki)
        command = [sys.executable, __file__, "--serve", str(tags), str(pki), str(seconds)]
        server = subprocess.Popen(
            command + ([] if bulk else ["--asyncua"]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            up = json.loads(server.stdout.readline())
            client = subprocess.run(
                [
                    shutil.which("node") or "node",
                    str(CLIENT),
                    up["url"],
                    str(pki),
                    str(tags),
                    str(seconds),
                ],
                capture_output=True,
                text=True,
                check=False,
                timeout=120 + seconds,
                cwd=CLIENT.parent,
            )
            if client.returncode:
                sys.exit(f"the client failed: {client.stderr[-2000:]}")
            found = json.loads(client.stdout.strip().splitlines()[-1])
            server.stdin.write("end\n")
            server.stdin.flush()
            ended = json.loads(server.stdout.readline())
        finally:
            server.kill()
            server.wait()
    return {
        "values/s": found["rate"],
        "lost": found["lost"],
        "p50 ms": found["p50_ms"],
        "p99 ms": found["p99_ms"],
        "server cores": ended["cores"],
        "server us/value": 1e6 * ended["cores"] / max(1, found["rate"]),
        "client cores": found["cpu_s"] / found["took_s"],
        "up s": up["up_s"],
        "up CPU s": up["up_cpu_s"],
        "RSS MB at start": up["rss_mb"],
        "RSS MB at end": ended["rss_mb"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tags", type=int, nargs="+", default=[1000, 5000, 20000])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--asyncua", action="store_true", help="asyncua's own way only")
    parser.add_argument("--serve", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        tags, pki, seconds = given.serve
        asyncio.run(serve(int(tags), Path(pki), float(seconds), bulk=not given.asyncua))
        return
    if not (CLIENT.parent / "node_modules").is_dir():
        print("skipped: node-opcua's client is not installed (make tests/interop/node_modules)")
        return
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, "
        f"Python {platform.python_version()}"
    )
    for tags in given.tags:
        ways = (False,) if given.asyncua else (True,)
        for bulk in ways:
            found = measure(tags, given.seconds, bulk=bulk)
            print(f"{tags} tags, {'in bulk' if bulk else 'as asyncua does it'}:")
            for name, value in found.items():
                print(f"  {name:18}{value:12.2f}")


if __name__ == "__main__":
    main()
