"""A PLC under clients that mean ill or know no better: it stays up, and others notice nothing.

Its memory comes back: what is left of those clients is counted, object by object.
"""

from __future__ import annotations

import asyncio
import gc
import random
import struct
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from asyncua import Client, ua
from asyncua.server.binary_server_asyncio import OPCUAProtocol
from asyncua.server.internal_session import InternalSession
from asyncua.ua.ua_binary import uatcp_to_binary
from opcua_line import LINE

from opcua.address_space import namespace_uri
from opcua.clock import ManualClock
from opcua.connect import close, connect
from opcua.emulated_plc import ServedLine, serve_line
from opcua.security import client_security, server_security
from twin.engine.plant import SimulatedPlant

AT_ONCE = 25


class Watcher:
    """Somebody who works as one should, and waits for every scan's heartbeat."""

    def __init__(self, served: ServedLine, client: Client) -> None:
        self.served = served
        self.client = client
        self.beats: list[int] = []
        self.came = asyncio.Event()

    def datachange_notification(self, _: Any, value: int, __: Any) -> None:
        self.beats.append(value)
        self.came.set()

    async def sees_a_scan(self) -> None:
        """The next scan arrives, and none in between was lost."""
        self.served.clock.move(100_000)
        scan = await self.served.scan()
        async with asyncio.timeout(20):
            while not self.beats or self.beats[-1] < scan.number:
                self.came.clear()
                await self.came.wait()
        assert self.beats == list(range(self.beats[0], scan.number + 1))


@asynccontextmanager
async def watched(pki: Any = None):
    security = server_security(pki) if pki else None
    plant, clock = SimulatedPlant(LINE), ManualClock()
    async with serve_line(plant, clock, security, plcs=("PLC1",)) as served:
        url = served.endpoints["PLC1"]
        client = await connect(url, client_security(pki) if pki else None)
        watcher = Watcher(served, client)
        subscription = await client.create_subscription(10, watcher)
        index = await client.get_namespace_index(namespace_uri(LINE))
        await subscription.subscribe_data_change(
            client.get_node(ua.NodeId("plc:PLC1/Heartbeat", index))
        )
        try:
            await watcher.sees_a_scan()
            yield url, watcher
            await watcher.sees_a_scan()
        finally:
            await close(client)


def left(kind: type) -> int:
    gc.collect()
    return sum(isinstance(each, kind) for each in gc.get_objects())


async def until_left(counts: dict[type, int], tasks: int) -> None:
    """Wait until there is no more of anything than there was."""
    async with asyncio.timeout(40):
        while len(asyncio.all_tasks()) > tasks or any(  # noqa: ASYNC110 -- nobody says it
            left(kind) > count for kind, count in counts.items()
        ):
            await asyncio.sleep(0.2)


def counted() -> tuple[dict[type, int], int]:
    kinds = (OPCUAProtocol, InternalSession)
    return {kind: left(kind) for kind in kinds}, len(asyncio.all_tasks())


def hello(**more: int) -> bytes:
    sizes = {"ReceiveBufferSize": 65536, "SendBufferSize": 65536} | more
    return uatcp_to_binary(ua.MessageType.Hello, ua.Hello(EndpointUrl="opc.tcp://x", **sizes))


def garbage(rng: random.Random) -> bytes:
    """Something that no client should send."""
    junk = rng.randbytes(rng.randrange(1, 400))
    match rng.randrange(8):
        case 0:
            return junk
        case 1:
            return b"GET / HTTP/1.1\r\nHost: plc\r\n\r\n"
        case 2:
            return struct.pack("<3scI", b"HEL", b"F", rng.choice([0, 7, 8, 70_000, 2**32 - 1]))
        case 3:
            return hello() + struct.pack("<3scII", b"OPN", b"F", 12 + len(junk), 0) + junk
        case 4:
            return hello() + struct.pack("<3scII", b"MSG", b"C", 12 + len(junk), 9) + junk
        case 5:
            return hello(MaxMessageSize=1, MaxChunkCount=1)
        case 6:
            whole = hello()
            return whole[: rng.randrange(1, len(whole))]
    return struct.pack("<3scI", b"MSG", b"F", 60_000) + junk


async def throw(url: str, data: bytes, rng: random.Random) -> None:
    host, _, port = url.removeprefix("opc.tcp://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    with suppress(ConnectionError):
        writer.write(data)
        await writer.drain()
        if rng.random() < 0.5:
            # Some wait for an answer, or for the end.
            with suppress(TimeoutError):
                async with asyncio.timeout(0.05):
                    await reader.read(1000)
    if rng.random() < 0.3:
        writer.transport.abort()
    else:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def test_a_thousand_connections_of_garbage(caplog) -> None:
    rng = random.Random(4)
    async with watched() as (url, watcher):
        before = counted()
        for _ in range(1000 // AT_ONCE):
            await asyncio.gather(*(throw(url, garbage(rng), rng) for _ in range(AT_ONCE)))
            await watcher.sees_a_scan()
        await until_left(*before)
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_what_is_wrong_is_said_and_the_connection_ended() -> None:
    codes = ua.StatusCodes
    async with watched() as (url, _):
        host, _, port = url.removeprefix("opc.tcp://").partition(":")
        for data, code in (
            (b"GET / HTTP/1.1\r\n\r\n", codes.BadTcpMessageTypeInvalid),
            (struct.pack("<3scI", b"HEL", b"F", 2**31), codes.BadTcpMessageTooLarge),
            (struct.pack("<3scI", b"MSG", b"F", 4) + b"1234", codes.BadTcpMessageTooLarge),
        ):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(data)
            async with asyncio.timeout(20):
                answer = await reader.read()
            assert answer[:4] == b"ERRF"
            assert struct.unpack("<I", answer[8:12]) == (code,)
            writer.close()


async def test_a_request_of_too_many_chunks_is_refused_and_others_go_on() -> None:
    async with watched() as (url, watcher):
        client = await connect(url, None)
        too_long = ua.Variant(b"x" * (17 * 1024 * 1024), ua.VariantType.ByteString)
        client.uaclient.protocol._connection._limits.max_message_size = 0
        client.uaclient.protocol._connection._limits.max_chunk_count = 0
        with pytest.raises((ua.UaError, ConnectionError, TimeoutError, asyncio.CancelledError)):
            await client.get_node(ua.NodeId("plc:PLC1/Heartbeat", 2)).write_value(too_long)
        await close(client)
        await watcher.sees_a_scan()


async def dropped(url: str, security: Any = None) -> None:
    client = await connect(url, security)
    client.uaclient.protocol.transport.abort()
    await close(client)


@pytest.mark.parametrize("sessions", [300, pytest.param(10_000, marks=pytest.mark.nightly)])
async def test_sessions_opened_and_dropped(sessions) -> None:
    async with watched() as (url, watcher):
        await dropped(url)
        before = counted()
        for _ in range(sessions // AT_ONCE):
            await asyncio.gather(*(dropped(url) for _ in range(AT_ONCE)))
            await watcher.sees_a_scan()
        await until_left(*before)


async def test_encrypted_sessions_opened_and_dropped(tmp_path) -> None:
    async with watched(tmp_path / "pki") as (url, watcher):
        security = client_security(tmp_path / "pki")
        await dropped(url, security)
        before = counted()
        for _ in range(10):
            await asyncio.gather(*(dropped(url, security) for _ in range(3)))
            await watcher.sees_a_scan()
        await until_left(*before)


async def test_sessions_subscriptions_and_items_without_end_are_refused() -> None:
    async with watched() as (url, watcher):
        clients = []
        with pytest.raises(Exception, match="BadTooManySessions"):  # noqa: PT012
            for _ in range(200):
                clients += [await connect(url, None)]
        assert 50 < len(clients) < 200
        with pytest.raises(ua.uaerrors.BadTooManySubscriptions):  # noqa: PT012
            for _ in range(200):
                await clients[0].create_subscription(1000, watcher)
        await watcher.sees_a_scan()
        for client in clients:
            await close(client)


async def test_a_browse_of_everything_in_a_loop() -> None:
    async with watched() as (url, watcher):
        client = await connect(url, None)

        async def everything() -> int:
            seen, waiting = set(), [client.nodes.objects]
            while waiting:
                at = waiting.pop()
                if at.nodeid in seen:
                    continue
                seen.add(at.nodeid)
                kind = ua.ObjectIds.HierarchicalReferences
                below = await at.get_references(kind, ua.BrowseDirection.Forward)
                waiting += (client.get_node(found.NodeId) for found in below)
                if len(seen) % 500 == 0:
                    await watcher.sees_a_scan()
            return len(seen)

        first = await everything()
        space = watcher.served.plcs[0]._server.iserver.aspace._nodes
        kept = len(dict(space.items()))
        assert await everything() == first
        assert len(dict(space.items())) == kept
        await close(client, polite=True)
