"""Values a second from a server to a client that nobody here wrote; beside it, asyncua as it is.

    python benchmarks/opcua_bulk.py [--tags 1000 5000 20000] [--seconds 10] [--client gopcua]

Every tag is written every 100 ms, publishing every 100 ms, Basic256Sha256, signed and encrypted,
user and password. Server and client are two processes on one machine. Lost: gaps in each tag's own
count, as the client sees them. Clients: gopcua (needs go), or node-opcua
(`make tests/interop/node_modules`). The ratio is of values for a second of a core, in one run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
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

INTEROP = Path(__file__).parents[1] / "tests" / "interop"
REPEATS = 3
PERIOD_S = 0.1


def specs(tags: int) -> Iterator[NodeSpec]:
    """A flat load: folders of a hundred Doubles."""
    for tag in range(tags):
        folder = f"T/{tag // 100}"
        if tag % 100 == 0:
            yield NodeSpec(folder, "", folder, NodeKind.FOLDER)
        key = ("T", str(tag))
        yield NodeSpec(
            f"{folder}/{tag}",
            folder,
            str(tag),
            NodeKind.VARIABLE,
            key=key,
            value_type=ValueType.DOUBLE,
        )


async def serve(tags: int, pki: Path, seconds: float, *, bulk: bool) -> None:
    """The server's process: a line of JSON when it listens, and one when it is told to end."""
    began = time.perf_counter()
    uri = "urn:linetwin:bench"
    namespaces = namespace_table(uri)
    security = server_security(pki)
    server = await guarded_server("bench", "opc.tcp://127.0.0.1:0", security, namespaces)
    with no_collection():
        values = {("T", str(tag)): 0.0 for tag in range(tags)}
        applied = apply(server.iserver.aspace, uri, namespaces, specs(tags), values, 0)
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


def client_command(name: str) -> list[str]:
    """Build a client's program, and say how it is run."""
    if name == "gopcua":
        program = INTEROP / "built" / "gopcua-client"
        program.parent.mkdir(exist_ok=True)
        go = shutil.which("go") or sys.exit("go is not installed; --client node-opcua")
        subprocess.run([go, "build", "-o", str(program), "."], cwd=INTEROP / "go", check=True)
        return [str(program), "rates"]
    if not (INTEROP / "node_modules").is_dir():
        sys.exit("node-opcua's client is not installed (make tests/interop/node_modules)")
    return [shutil.which("node") or "node", str(INTEROP / "rates.mjs")]


def measure(client: list[str], tags: int, seconds: float, *, bulk: bool) -> dict[str, float]:
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
            ran = subprocess.run(
                [*client, up["url"], str(pki), str(tags), str(seconds)],
                capture_output=True,
                text=True,
                check=False,
                timeout=120 + seconds,
                cwd=INTEROP,
            )
            if ran.returncode:
                sys.exit(f"the client failed: {ran.stderr[-2000:]}")
            found = json.loads(ran.stdout.strip().splitlines()[-1])
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
    parser.add_argument("--client", choices=("gopcua", "node-opcua"), default="gopcua")
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--asyncua", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--serve", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        tags, pki, seconds = given.serve
        asyncio.run(serve(int(tags), Path(pki), float(seconds), bulk=not given.asyncua))
        return
    client = client_command(given.client)
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, "
        f"Python {platform.python_version()}, client {given.client}"
    )
    for tags in given.tags:
        runs = [measure(client, tags, given.seconds, bulk=True) for _ in range(given.repeats)]
        show(f"{tags} tags, in bulk", runs)
        plain = measure(client, tags, given.seconds, bulk=False)
        show(f"{tags} tags, as asyncua does it", [plain])
        ours = statistics.median(run["values/s"] / run["server cores"] for run in runs)
        print(f"  ratio{ours * plain['server cores'] / plain['values/s']:20.0f}")


def show(title: str, runs: list[dict[str, float]]) -> None:
    """Print the median of each figure, and the lowest and highest."""
    print(f"{title}:")
    for name in runs[0]:
        found = sorted(run[name] for run in runs)
        spread = f"   {found[0]:.2f} to {found[-1]:.2f}" if len(found) > 1 else ""
        print(f"  {name:18}{statistics.median(found):12.2f}{spread}")


if __name__ == "__main__":
    main()
