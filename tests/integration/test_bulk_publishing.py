"""One body over both ways to publish: a subscriber can't tell the bulk one from asyncua's own."""

from __future__ import annotations

import math
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from asyncua import Client, ua
from asyncua.ua.ua_binary import struct_from_binary

from opcua.connect import close, connect
from opcua.fast_items import FastItems
from opcua.guarded_server import guarded_server, namespace_table

V = ua.VariantType
AT = datetime(2026, 1, 5, tzinfo=UTC)
FIRST = {
    V.Boolean: False, V.SByte: -1, V.Byte: 1, V.Int16: -300, V.UInt16: 300, V.Int32: -70000,
    V.UInt32: 70000, V.Int64: -(2**40), V.UInt64: 2**63 + 1, V.Float: 0.5, V.Double: -0.1,
}  # fmt: skip
NEXT = {
    V.Boolean: True, V.SByte: 127, V.Byte: 255, V.Int16: 32767, V.UInt16: 65535, V.Int32: 2**31 - 1,
    V.UInt32: 2**32 - 1, V.Int64: 2**63 - 1, V.UInt64: 2**64 - 1, V.Float: -2.25,
    V.Double: math.inf,
}  # fmt: skip
KINDS = tuple(FIRST)


class Stand:
    """A server with a variable of every scalar type, and a client of asyncua beside it."""

    def __init__(self, server, client: Client) -> None:
        self.server = server
        self.client = client
        self.subscription = 0

    async def send(self, request, kind):
        data = await self.client.uaclient.protocol.send_request(request, 10)
        response = struct_from_binary(kind, data)
        response.ResponseHeader.ServiceResult.check()
        return response

    async def subscribe(self, kinds=KINDS, *, times=ua.TimestampsToReturn.Source, **asked):
        request = ua.CreateSubscriptionRequest()
        request.Parameters = ua.CreateSubscriptionParameters(
            RequestedPublishingInterval=20,
            RequestedLifetimeCount=1000,
            RequestedMaxKeepAliveCount=1,
            PublishingEnabled=True,
        )
        made = await self.send(request, ua.CreateSubscriptionResponse)
        self.subscription = made.Parameters.SubscriptionId
        return await self.add(kinds, times=times, **asked)

    async def add(self, kinds=KINDS, *, times=ua.TimestampsToReturn.Source, **asked):
        mode = asked.pop("mode", ua.MonitoringMode.Reporting)
        request = ua.CreateMonitoredItemsRequest()
        request.Parameters.SubscriptionId = self.subscription
        request.Parameters.TimestampsToReturn = times
        request.Parameters.ItemsToCreate = [
            ua.MonitoredItemCreateRequest(
                ua.ReadValueId(node_of(kind), ua.AttributeIds.Value),
                mode,
                ua.MonitoringParameters(
                    ClientHandle=kind.value, **{"QueueSize": 10, "DiscardOldest": True, **asked}
                ),
            )
            for kind in kinds
        ]
        results = (await self.send(request, ua.CreateMonitoredItemsResponse)).Results
        assert all(r.StatusCode.is_good() for r in results)
        return {kind: r.MonitoredItemId for kind, r in zip(kinds, results, strict=True)}

    async def published(self) -> list[tuple[V, object, int, datetime | None]]:
        """Everything up to the first notification without a change: (tag, value, status, time)."""
        seen, acks = [], []
        while True:
            request = ua.PublishRequest()
            request.Parameters.SubscriptionAcknowledgements = acks
            response = await self.send(request, ua.PublishResponse)
            message = response.Parameters.NotificationMessage
            if not message.NotificationData:
                return seen
            acks = [
                ua.SubscriptionAcknowledgement(
                    response.Parameters.SubscriptionId, message.SequenceNumber
                )
            ]
            for change in message.NotificationData:
                seen += [
                    (
                        V(item.ClientHandle),
                        item.Value.Value.Value if item.Value.Value else None,
                        item.Value.StatusCode.value if item.Value.StatusCode else 0,
                        item.Value.SourceTimestamp,
                    )
                    for item in change.MonitoredItems
                ]

    async def write(self, kind: V, value: object, *, status: int = 0, after_s: float = 0) -> None:
        held = ua.DataValue(
            ua.Variant(value, kind), ua.StatusCode(status), AT + timedelta(seconds=after_s)
        )
        (await self.server.iserver.aspace.write_attribute_value(
            node_of(kind), ua.AttributeIds.Value, held
        )).check()  # fmt: skip


def node_of(kind: V) -> ua.NodeId:
    return ua.NodeId(kind.name, 2)


@asynccontextmanager
async def stand(*, bulk: bool):
    namespaces = namespace_table("urn:test")
    server = await guarded_server("test", "opc.tcp://127.0.0.1:0", None, namespaces)
    for kind, value in FIRST.items():
        node = await server.nodes.objects.add_variable(
            node_of(kind), kind.name, ua.Variant(value, kind)
        )
        held = ua.DataValue(ua.Variant(value, kind), ua.StatusCode(0), AT)
        await server.iserver.aspace.write_attribute_value(node.nodeid, ua.AttributeIds.Value, held)
    if bulk:
        server.iserver.table.adopt(node_of(kind) for kind in KINDS)
    await server.start()
    client = await connect(f"opc.tcp://127.0.0.1:{server.bserver.port}", None)
    try:
        yield Stand(server, client)
    finally:
        await close(client, polite=True)
        await server.stop()


BOTH = pytest.mark.parametrize("bulk", [True, False], ids=["bulk", "asyncua"])


@BOTH
async def test_every_scalar_type_comes_with_value_status_and_time(bulk) -> None:
    async with stand(bulk=bulk) as at:
        await at.subscribe()
        assert sorted(await at.published(), key=lambda c: c[0].value) == [
            (kind, FIRST[kind], 0, AT) for kind in KINDS
        ]
        for i, kind in enumerate(KINDS):
            await at.write(kind, NEXT[kind], after_s=i)
        later = [(k, NEXT[k], 0, AT + timedelta(seconds=i)) for i, k in enumerate(KINDS)]
        assert sorted(await at.published(), key=lambda c: c[0].value) == later
        for i, kind in enumerate(KINDS):
            read = await at.client.get_node(node_of(kind)).read_data_value()
            assert (read.Value.Value, read.Value.VariantType) == (NEXT[kind], kind)
            assert type(read.Value.Value) is type(NEXT[kind])
            assert read.SourceTimestamp == AT + timedelta(seconds=i)


@BOTH
async def test_an_items_values_keep_their_order_and_what_is_the_same_does_not_come(bulk) -> None:
    async with stand(bulk=bulk) as at:
        await at.subscribe()
        await at.published()
        for number in (1, 2, 2, 3):
            await at.write(V.Int32, number)
            await at.write(V.Double, number / 2)
        seen = await at.published()
        assert [v for k, v, *_ in seen if k is V.Int32] == [1, 2, 3]
        assert [v for k, v, *_ in seen if k is V.Double] == [0.5, 1.0, 1.5]
        assert len(seen) == 6


@BOTH
async def test_bad_values_have_no_value_and_stand_in_order(bulk) -> None:
    bad, uncertain = ua.StatusCodes.BadSensorFailure, ua.StatusCodes.UncertainInitialValue
    async with stand(bulk=bulk) as at:
        await at.subscribe((V.Double, V.Int32))
        await at.published()
        await at.write(V.Double, 1.0)
        await at.write(V.Double, 2.0, status=bad)
        await at.write(V.Int32, 7)
        await at.write(V.Double, 3.0, status=uncertain)
        seen = await at.published()
        assert [c[:3] for c in seen if c[0] is V.Double] == [
            (V.Double, 1.0, 0), (V.Double, None, bad), (V.Double, 3.0, uncertain)
        ]  # fmt: skip
        assert [c[:3] for c in seen if c[0] is V.Int32] == [(V.Int32, 7, 0)]
        await at.write(V.Double, 4.0, status=bad)
        read = await at.client.get_node(node_of(V.Double)).read_data_value(
            raise_on_bad_status=False
        )
        assert read.StatusCode.value == bad


@BOTH
async def test_a_filter_says_what_a_change_is(bulk) -> None:
    trigger = ua.DataChangeTrigger
    expected = {
        trigger.Status: [4],
        trigger.StatusValue: [2, 4],
        trigger.StatusValueTimestamp: [2, 2, 4],
    }
    for wanted, values in expected.items():
        async with stand(bulk=bulk) as at:
            await at.subscribe((V.Int64,), Filter=ua.DataChangeFilter(wanted))
            await at.published()
            await at.write(V.Int64, 2, after_s=1)
            await at.write(V.Int64, 2, after_s=2)
            await at.write(V.Int64, 4, status=ua.StatusCodes.UncertainInitialValue, after_s=2)
            assert [c[1] for c in await at.published()] == values


@BOTH
async def test_a_deadband_leaves_small_steps_out(bulk) -> None:
    band = ua.DataChangeFilter(
        ua.DataChangeTrigger.StatusValue, ua.DeadbandType.Absolute.value, 1.0
    )
    async with stand(bulk=bulk) as at:
        await at.subscribe((V.Double, V.Int16), Filter=band)
        await at.published()
        for value in (10.0, 10.5, 20.0, 20.9):
            await at.write(V.Double, value)
            await at.write(V.Int16, int(value))
        seen = await at.published()
        assert [v for k, v, *_ in seen if k is V.Double] == [10.0, 20.0]
        assert [v for k, v, *_ in seen if k is V.Int16] == [10, 20]


@BOTH
async def test_items_can_be_silenced_changed_and_removed(bulk) -> None:
    async with stand(bulk=bulk) as at:
        items = await at.subscribe((V.Int32, V.Double))
        await at.published()
        request = ua.SetMonitoringModeRequest()
        request.Parameters.SubscriptionId = at.subscription
        request.Parameters.MonitoringMode = ua.MonitoringMode.Disabled
        request.Parameters.MonitoredItemIds = [items[V.Int32]]
        await at.send(request, ua.SetMonitoringModeResponse)
        await at.write(V.Int32, 1)
        await at.write(V.Double, 1.0)
        assert [c[0] for c in await at.published()] == [V.Double]
        request.Parameters.MonitoringMode = ua.MonitoringMode.Reporting
        await at.send(request, ua.SetMonitoringModeResponse)
        assert [c[:2] for c in await at.published()] == [(V.Int32, 1)]
        delete = ua.DeleteMonitoredItemsRequest()
        delete.Parameters.SubscriptionId = at.subscription
        delete.Parameters.MonitoredItemIds = [items[V.Double]]
        response = await at.send(delete, ua.DeleteMonitoredItemsResponse)
        assert [r.value for r in response.Results] == [0]
        await at.write(V.Int32, 2)
        await at.write(V.Double, 2.0)
        assert [c[:2] for c in await at.published()] == [(V.Int32, 2)]


@BOTH
async def test_a_queue_keeps_the_newest(bulk) -> None:
    async with stand(bulk=bulk) as at:
        await at.subscribe((V.Int32,), QueueSize=3)
        await at.published()
        for number in range(1, 8):
            await at.write(V.Int32, number)
        assert [c[1] for c in await at.published()] == [5, 6, 7]


# -- what asyncua's own way does not do -----------------------------------------------------------

OVERFLOW = 0x480


async def test_what_is_discarded_leaves_a_mark() -> None:
    async with stand(bulk=True) as at:
        await at.subscribe((V.Int32,), QueueSize=3)
        await at.add((V.Int64,), QueueSize=3, DiscardOldest=False)
        await at.add((V.Int16,), QueueSize=1)
        await at.published()
        for number in range(1, 6):
            for kind in (V.Int32, V.Int64, V.Int16):
                await at.write(kind, number)
        seen = await at.published()
        by_kind = {k: [c[1:3] for c in seen if c[0] is k] for k in (V.Int32, V.Int64, V.Int16)}
        assert by_kind[V.Int32] == [(3, OVERFLOW), (4, 0), (5, 0)]
        assert by_kind[V.Int64] == [(1, 0), (2, 0), (5, OVERFLOW)]
        # With room for one value there is no queue that could overflow.
        assert by_kind[V.Int16] == [(5, 0)]


async def test_timestamps_are_those_that_were_asked_for() -> None:
    wanted = ua.TimestampsToReturn
    for times, source in (
        (wanted.Neither, None), (wanted.Server, None), (wanted.Both, AT), (wanted.Source, AT)
    ):  # fmt: skip
        async with stand(bulk=True) as at:
            await at.subscribe((V.Int32,), times=times)
            assert [c[3] for c in await at.published()] == [source]


async def test_a_deadband_counts_from_what_was_reported_last() -> None:
    band = ua.DataChangeFilter(
        ua.DataChangeTrigger.StatusValue, ua.DeadbandType.Absolute.value, 1.0
    )
    async with stand(bulk=True) as at:
        await at.subscribe((V.Double,), Filter=band)
        await at.published()
        for tenth in range(25):
            await at.write(V.Double, tenth / 10)
        values = [c[1] for c in await at.published()]
        assert values == pytest.approx([1.0, 2.1])


def fast_items(at) -> list[FastItems]:
    """The items that are published in bulk; the history takes what is written too."""
    return [each for each in at.server.iserver.table.takers if isinstance(each, FastItems)]


async def test_what_nobody_fetches_does_not_pile_up() -> None:
    async with stand(bulk=True) as at:
        await at.subscribe((V.Int32,), QueueSize=5)
        (fast,) = fast_items(at)
        for number in range(20_000):
            await at.write(V.Int32, number)
        assert fast._waiting < 2_000
        assert [c[1] for c in await at.published()] == [19_995, 19_996, 19_997, 19_998, 19_999]


async def test_a_second_item_on_a_tag_is_served_too() -> None:
    async with stand(bulk=True) as at:
        await at.subscribe((V.Int32,))
        await at.add((V.Int32,))
        await at.published()
        await at.write(V.Int32, 5)
        assert [c[:2] for c in await at.published()] == [(V.Int32, 5), (V.Int32, 5)]


async def test_a_subscription_that_ends_leaves_nothing_behind() -> None:
    async with stand(bulk=True) as at:
        await at.subscribe()
        assert len(fast_items(at)) == 1
        await at.client.uaclient.delete_subscriptions([at.subscription])
        assert fast_items(at) == []
