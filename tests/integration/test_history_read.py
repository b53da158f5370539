"""The last hour of a signal, read over the wire: forwards, backwards, in parts; and refusals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from asyncua import ua
from asyncua.server.address_space import AddressSpace
from opcua_line import LINE, FakePlant, serve

from opcua.address_space import namespace_uri
from opcua.clock import ManualClock
from opcua.connect import close, connect
from opcua.history import History
from opcua.tag_table import TagTable

SECONDS = 90
BEGAN = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.fixture
async def reading():
    """A client of a PLC whose plant has run for 90 s, and the node of a level."""
    clock, plant = ManualClock(BASE_US), FakePlant()
    async with serve(None, clock, plant, plcs=("PLC1",)) as served:
        for _ in range(SECONDS):
            clock.move(1_000_000)
            await served.scan()
        client = await connect(served.endpoints["PLC1"], None)
        index = await client.get_namespace_index(namespace_uri(LINE))
        try:
            yield client, client.get_node(ua.NodeId("L1/CUT/CUT-out/Level", index))
        finally:
            await close(client, polite=True)


BASE_US = 1_767_571_200_000_000
BASE = BEGAN + timedelta(microseconds=BASE_US)


def at(seconds: float) -> datetime:
    return BASE + timedelta(seconds=seconds)


def truth(second: int) -> int:
    return second % 19


async def ask(client, node, start, end, count=0, **more):
    details = ua.ReadRawModifiedDetails(
        IsReadModified=more.pop("modified", False),
        StartTime=start or ua.get_win_epoch(),
        EndTime=end or ua.get_win_epoch(),
        NumValuesPerNode=count,
        ReturnBounds=more.pop("bounds", False),
    )
    value = ua.HistoryReadValueId(node.nodeid)
    value.ContinuationPoint = more.pop("after", b"") or None
    params = ua.HistoryReadParameters(
        more.pop("details", details), ua.TimestampsToReturn.Source, False, [value]
    )
    (result,) = await client.uaclient.history_read(params)
    return result


def values(result) -> list[int]:
    held = result.HistoryData
    if isinstance(held, ua.ExtensionObject):
        held = ua.ua_binary.struct_from_binary(ua.HistoryData, ua.ua_binary.Buffer(held.Body))
    return [value.Value.Value for value in held.DataValues]


async def test_asyncuas_own_client_reads_what_was(reading) -> None:
    _, node = reading
    found = await node.read_raw_history(at(10), at(20), return_bounds=False)
    assert [value.Value.Value for value in found] == [truth(s) for s in range(10, 20)]
    assert [value.SourceTimestamp for value in found] == [at(s) for s in range(10, 20)]


async def test_forwards_backwards_open_and_at_one_time(reading) -> None:
    client, node = reading
    for start, end, count, seconds in (
        (10, 13, 0, [10, 11, 12]),
        (13, 10, 0, [13, 12, 11]),
        (10, None, 3, [10, 11, 12]),
        (None, 13, 3, [13, 12, 11]),
        (10.5, 12.5, 0, [11, 12]),
        (10, 10, 0, [10]),
        (10, 80, 2, [10, 11]),
        (500, 600, 0, []),
    ):
        result = await ask(
            client,
            node,
            None if start is None else at(start),
            None if end is None else at(end),
            count,
        )
        assert values(result) == [truth(s) for s in seconds], (start, end, count)
    assert result.StatusCode.value == ua.StatusCodes.GoodNoData
    bounded = await ask(client, node, at(10.5), at(12.5), bounds=True)
    assert values(bounded) == [truth(s) for s in (10, 11, 12, 13)]


async def test_what_has_no_room_in_one_answer_comes_in_parts(reading) -> None:
    client, node = reading
    for start, end, due in (
        (5, 60, list(range(5, 60))),
        (60, 5, list(range(60, 5, -1))),
    ):
        got, after = [], b""
        for _ in range(10):
            result = await ask(client, node, at(start), at(end), 10, after=after)
            got += values(result)
            after = result.ContinuationPoint
            if not after:
                break
        assert got == [truth(s) for s in due]
    refused = await ask(client, node, at(5), at(60), 10, after=b"forged")
    assert refused.StatusCode.value == ua.StatusCodes.BadContinuationPointInvalid


async def test_what_is_not_kept_is_refused_by_name(reading) -> None:
    client, node = reading
    codes = ua.StatusCodes
    modified = await ask(client, node, at(1), at(2), modified=True)
    assert modified.StatusCode.value == codes.BadHistoryOperationUnsupported
    processed = await ask(
        client, node, None, None, details=ua.ReadProcessedDetails(at(1), at(2), 1000.0)
    )
    assert processed.StatusCode.value == codes.BadHistoryOperationUnsupported
    alone = await ask(client, node, at(1), None)
    assert alone.StatusCode.value == codes.BadHistoryOperationInvalid
    machine = client.get_node(ua.NodeId("L1/CUT/CUT01", node.nodeid.NamespaceIndex))
    nothing = await ask(client, machine, at(1), at(2))
    assert nothing.StatusCode.value == codes.BadHistoryOperationUnsupported
    absent = client.get_node(ua.NodeId("L1/none", node.nodeid.NamespaceIndex))
    unknown = await ask(client, absent, at(1), at(2))
    assert unknown.StatusCode.value == codes.BadNodeIdUnknown


async def test_a_signal_says_that_it_has_a_history(reading) -> None:
    client, node = reading
    level = (await node.read_attribute(ua.AttributeIds.AccessLevel)).Value.Value
    assert ua.ua_binary.test_bit(level, ua.AccessLevel.HistoryRead)
    assert (await node.read_attribute(ua.AttributeIds.Historizing)).Value.Value is True
    can = client.get_node(ua.ObjectIds.HistoryServerCapabilities_AccessHistoryDataCapability)
    assert await can.read_value() is True


def test_what_is_kept_is_bounded_by_time_and_by_number() -> None:
    table = TagTable(AddressSpace())
    history = History(table, seconds=3600, points=50_000)
    tags = np.arange(100)
    for second in range(5000):
        ticks = np.full(100, second * 10_000_000 + 1, np.int64)
        history.take(tags, np.full(100, second, np.uint64), np.zeros(100, np.uint32), ticks)
        assert len(history) <= 50_000 + 2 * 4096
    last = history.read(7, 0, 5000 * 10_000_000, 3)
    assert last.raw.tolist() == [4999, 4998, 4997]
    slow = History(TagTable(AddressSpace()), seconds=10, points=10**9)
    for second in range(5000):
        ticks = np.full(100, second * 10_000_000 + 1, np.int64)
        slow.take(tags, np.full(100, second, np.uint64), np.zeros(100, np.uint32), ticks)
    assert len(slow) <= 10 * 100 + 2 * 4096
