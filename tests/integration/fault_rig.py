"""A small line served in virtual time, with a plain client that writes down what it sees."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asyncua import Client, ua

from opcua.address_space import namespace_uri
from opcua.connect import close, connect
from opcua.emulated_plc import ServedLine, serve_line
from opcua.faults.stand import FaultOrder
from opcua.security import client_security, server_security
from opcua.virtual_time import loop_clock
from twin.engine.plant import SimulatedPlant
from twin.model import Buffer, Line, Station

LINE = Line(
    id="L1",
    stations=(
        Station(
            id="A",
            cycle_time="2 s",
            variables=({"id": "T", "unit": "degC", "nominal": 80.0, "low": 0.0, "high": 200.0},),
            alarms=({"id": "EQP1", "category": "EQP", "severity": 700, "when": "fault"},),
        ),
        Station(id="B", cycle_time="1 s"),
    ),
    buffers=(Buffer(id="AB", sources="A", sinks="B", capacity=3),),
)
NODES = {
    "made": "A/A01/Admin/ProdProcessedCount",
    "state": "A/A01/Status/StateCurrent",
    "T": "A/A01/ProcessVariables/T",
    "alarm": "A/A01/Alarms/EQP1",
}


@dataclass
class Watcher:
    """An asyncua client's handler: (loop time, name, value as it came)."""

    names: dict[Any, str]
    seen: list[tuple[float, str, ua.DataValue]] = field(default_factory=list)

    def datachange_notification(self, node: Any, _: Any, data: Any) -> None:
        at_s = asyncio.get_running_loop().time()
        self.seen.append((at_s, self.names[node.nodeid], data.monitored_item.Value))

    def status_change_notification(self, status: Any) -> None:
        self.seen.append((asyncio.get_running_loop().time(), "status", status))


@dataclass
class Rig:
    """What a test of a fault has to hand."""

    served: ServedLine
    client: Client
    watcher: Watcher
    security: Any = None

    @property
    def url(self) -> str:
        return next(iter(self.served.endpoints.values()))

    async def fault(self, kind: str, **more: Any) -> int:
        order = {
            k: more.pop(k) for k in ("after_s", "lasts_s", "when", "units", "signals") if k in more
        }
        return await self.served.faults.begin(FaultOrder(kind, **order, settings=more))

    async def end(self, number: int) -> None:
        await self.served.faults.end(number)

    async def run(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def node(self, name: str, client: Client | None = None) -> Any:
        client = client or self.client
        index = await client.get_namespace_index(namespace_uri(LINE))
        return client.get_node(ua.NodeId(f"L1/{NODES.get(name, name)}", index))

    async def read(self, name: str, client: Client | None = None) -> Any:
        return await (await self.node(name, client)).read_value()

    def told(self, name: str, since_s: float = 0.0) -> list[ua.DataValue]:
        """What was notified of a node."""
        return [
            value for at_s, which, value in self.watcher.seen if which == name and at_s >= since_s
        ]

    @asynccontextmanager
    async def another(self) -> AsyncIterator[Client]:
        """A second client, made now."""
        client = await connect(self.url, self.security)
        try:
            yield client
        finally:
            await close(client)


@asynccontextmanager
async def rig(pki: Path | None = None, *, watch: bool = True, scan_s: float = 0.5, seed: int = 1):
    """Serve the line in virtual time, and watch it."""
    loop = asyncio.get_running_loop()
    security = client_security(pki) if pki else None
    async with serve_line(
        SimulatedPlant(LINE),
        loop_clock(),
        server_security(pki) if pki else None,
        scan_s=scan_s,
        monotonic=loop.time,
        seed=seed,
    ) as served:
        scans = asyncio.create_task(served.run())
        (url,) = served.endpoints.values()
        client = await connect(url, security)
        one = Rig(served, client, Watcher({}), security)
        try:
            if watch:
                await subscribed(one, client)
            await one.run(1)
            yield one
        finally:
            scans.cancel()
            with suppress(asyncio.CancelledError):
                await scans
            await close(client)


async def subscribed(one: Rig, client: Client) -> Any:
    """Subscribe a client to all that is watched."""
    nodes = {name: await one.node(name, client) for name in NODES}
    one.watcher.names |= {node.nodeid: name for name, node in nodes.items()}
    subscription = await client.create_subscription(100, one.watcher)
    timestamps = ua.DataChangeTrigger.StatusValueTimestamp
    for node in nodes.values():
        await subscription._subscribe(
            node, mfilter=ua.DataChangeFilter(timestamps), queuesize=100, sampling_interval=0.0
        )
    return subscription


async def until(holds: Callable[[], bool], within_s: float = 30.0) -> float:
    """Wait until something holds; how long that took."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    while not holds():
        if loop.time() - began_s > within_s:
            raise AssertionError(f"did not come to hold within {within_s} s")
        await asyncio.sleep(0.05)
    return loop.time() - began_s
