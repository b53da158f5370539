"""Values a second into the twin, and what each costs it; beside it, asyncua's own handler.

    python benchmarks/opcua_receive.py [--tags 6000] [--runs 3] [--seconds 5] [--only ours|node]

Every tag changes every 100 ms and is published every 100 ms. Servers: the emulator's fast path
(Basic256Sha256, signed and encrypted) and node-opcua's (`make tests/interop/node_modules`;
unencrypted). Server and client are two processes on one machine. The subscriber's figure includes
decoding, translation to readings and a sink that looks at each batch. asyncua's handler counts.
The ratio is of processor time a value, taken in turns in one run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from asyncua import ua
from figures import show

from opcua.connect import close, connect
from opcua.readings import Message
from opcua.security import ClientSecurity, client_security, make_pki
from opcua.subscriber import Options, Subscriber
from opcua.tag_map import Address, MappedNode, PlcMap

HERE = Path(__file__).parent
INTEROP = HERE.parent / "tests" / "interop"
PERIOD_S = 0.1
URI = "urn:linetwin:bench"
CONTENT = tuple[float, float, float, float]


@contextmanager
def served(kind: str, tags: int, pki: Path) -> Iterator[str]:
    """A server's process; yields its URL."""
    if kind == "node":
        command = [shutil.which("node") or "node", "fast_plc.mjs", str(tags), "100"]
        where = INTEROP
    else:
        command = [sys.executable, str(HERE / "opcua_bulk.py"), "--serve", str(tags), str(pki), "5"]
        where = HERE
    process = subprocess.Popen(
        command, cwd=where, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        line = ""
        while not line.startswith("{"):
            line = process.stdout.readline()
            assert line, f"{kind}: the server has ended"
        yield json.loads(line)["url"]
    finally:
        process.kill()
        process.wait()


def ids(kind: str, tags: int) -> list[str]:
    """The string ids of a server's tags."""
    return [f"V{i}" if kind == "node" else f"T/{i // 100}/{i}" for i in range(tags)]


async def by_subscriber(
    url: str, names: list[str], security: ClientSecurity | None, seconds: float
) -> CONTENT:
    """The twin's: values a second, share of a core, latency p50 and p99 in ms."""
    counted = 0
    latencies: list[float] = []
    warm = asyncio.Event()

    def take(message: Message) -> None:
        nonlocal counted
        if isinstance(message, tuple) and message:
            counted += len(message)
            latencies.append((message[0].arrival_us - message[0].source_us) / 1000)
            if counted >= 3 * len(names):
                warm.set()

    nodes = tuple(
        MappedNode(f"U{i // 20}", f"s{i % 20}", (Address(URI, f"s={name}"),))
        for i, name in enumerate(names)
    )
    plc = PlcMap("P", (url,), nodes)
    options = Options(publishing_s=PERIOD_S, queue_size=2)
    run = asyncio.ensure_future(Subscriber(plc, security, take, options).run())
    try:
        await warm.wait()
        latencies.clear()
        before, cpu, began = counted, time.process_time(), time.perf_counter()
        await asyncio.sleep(seconds)
        cpu, took = time.process_time() - cpu, time.perf_counter() - began
        found = counted - before
    finally:
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
    cuts = statistics.quantiles(latencies, n=100)
    return found / took, cpu / took, cuts[49], cuts[98]


class Counter:
    """asyncua's way: a method that is called for each value."""

    def __init__(self) -> None:
        self.counted = 0

    def datachange_notification(self, _node: Any, _value: Any, _data: Any) -> None:
        self.counted += 1


async def by_asyncua(
    url: str, names: list[str], security: ClientSecurity | None, seconds: float
) -> CONTENT:
    """asyncua's handler: values a second, share of a core."""
    client = await connect(url, security, 20.0)
    try:
        index = await client.get_namespace_index(URI)
        handler = Counter()
        subscription = await client.create_subscription(PERIOD_S * 1000, handler)
        nodes = [client.get_node(ua.NodeId(name, index)) for name in names]
        for first in range(0, len(nodes), 1000):
            await subscription.subscribe_data_change(nodes[first : first + 1000], queuesize=2)
        await asyncio.sleep(1)
        before, cpu, began = handler.counted, time.process_time(), time.perf_counter()
        await asyncio.sleep(seconds)
        cpu, took = time.process_time() - cpu, time.perf_counter() - began
        return (handler.counted - before) / took, cpu / took, 0.0, 0.0
    finally:
        await close(client)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tags", type=int, default=6000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--only", choices=("ours", "node"))
    given = parser.parse_args()
    kinds = (given.only,) if given.only else ("ours", "node")
    for kind in kinds:
        if kind == "node" and not (INTEROP / "node_modules" / "node-opcua-server").is_dir():
            print("node-opcua's server is not installed (make tests/interop/node_modules): skipped")
            continue
        measure(kind, given)


def measure(kind: str, given: argparse.Namespace) -> None:
    """One server, both clients in turns."""
    name = "emulator's fast path" if kind == "ours" else "node-opcua"
    own: list[CONTENT] = []
    theirs: list[CONTENT] = []
    with tempfile.TemporaryDirectory() as folder:
        pki = Path(folder) / "pki"
        make_pki(pki)
        security = client_security(pki) if kind == "ours" else None
        names = ids(kind, given.tags)
        for _ in range(given.runs):
            with served(kind, given.tags, pki) as url:
                own.append(asyncio.run(by_subscriber(url, names, security, given.seconds)))
            with served(kind, given.tags, pki) as url:
                theirs.append(asyncio.run(by_asyncua(url, names, security, given.seconds)))
    due = given.tags / PERIOD_S
    what = f"taking in from {name}"
    show(f"{what}, values a second of {due:,.0f} due", [one[0] for one in own], "1/s", least=50_000)
    show(f"{what}, share of a core", [100 * one[1] for one in own], "%", most=100 / 3)
    show(f"{what}, a value", [1e6 * one[1] / one[0] for one in own], "us")
    show(f"{what}, latency p50", [one[2] for one in own], "ms")
    show(f"{what}, latency p99", [one[3] for one in own], "ms")
    show(f"{what} by asyncua's handler", [one[0] for one in theirs], "1/s")
    show(f"{what} by asyncua's handler, a value", [1e6 * o[1] / o[0] for o in theirs], "us")
    ratios = [(t[1] / t[0]) / (o[1] / o[0]) for o, t in zip(own, theirs, strict=True)]
    show(f"{what}, times cheaper than asyncua's handler", ratios, "")


if __name__ == "__main__":
    main()
