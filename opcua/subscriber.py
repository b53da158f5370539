"""One endpoint's subscriber: keeps connected, and hands on every value and every change of state.

The contract of what it hands on, for each endpoint:

- `ConnectionChanged(True)`, then every value afresh (and `TagMissing`, once, where nodes of the map
  are not there), then values as they are published, in that order.
- `ConnectionChanged(False)` once when the connection is lost, or could not be made at first; then
  nothing until it is back. Nothing is invented: what was missed while it was away stays missed,
  except that the fresh values say how things stand.
- A value is handed on once: the same value with the same source timestamp does not come twice in
  one connection.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from asyncua import Client, ua
from asyncua.ua.ua_binary import struct_from_binary

from opcua.clock import unix_us
from opcua.connect import close, connect
from opcua.readings import ConnectionChanged, Message, Reading, TagMissing
from opcua.security import ClientSecurity
from opcua.tag_map import MappedNode, PlcMap
from twin.errors import NotConnected
from twin.historian.port import Quality

__all__ = ["Options", "Sink", "Subscriber"]

_log = logging.getLogger(__name__)

Sink = Callable[[Message], None]
"""Takes a message at once and never blocks: `queue.put_nowait`, or a mirror's own method."""

_BAD_NODE = (ua.StatusCodes.BadNodeIdUnknown, ua.StatusCodes.BadNodeIdInvalid)
_QUALITY = (Quality.GOOD, Quality.UNCERTAIN, Quality.BAD, Quality.BAD)
_REQUESTS_AHEAD = 2
_NOTHING = (object(), None)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Options:
    """How a subscriber goes about it.

    Args:
        publishing_s: time from one batch to the next, greater than 0.
        queue_size: values that the server keeps of one tag between two batches, at least 1.
        watchdog_s: silence after which the server is taken for lost; it is asked to say something
            at least every third of this.
        timeout_s: longest wait for an answer.
        nodes_per_request: nodes in one request, at least 1; an S7-1200 takes 1,000.
        back_off_s: first and longest pause between two attempts to connect; each is twice the
            last, times a random factor between a half and one.
        jitter: draws that factor's place, 0 to 1.
        sleep: waits so many seconds.
        now_us: when things arrive, microseconds since 1970-01-01 UTC.
    """

    publishing_s: float = 0.5
    queue_size: int = 10
    watchdog_s: float = 3.0
    timeout_s: float = 4.0
    nodes_per_request: int = 1000
    back_off_s: tuple[float, float] = (0.5, 10.0)
    jitter: Callable[[], float] = random.random
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    now_us: Callable[[], int] = lambda: time.time_ns() // 1000

    @property
    def keep_alive_count(self) -> int:
        """Publishing intervals without a change after which the server says that it is alive."""
        return max(1, int(self.watchdog_s / 3 / self.publishing_s))


class Subscriber:
    """Reads one endpoint of a tag map for as long as `run` runs.

    Args:
        plc: the endpoint and its tags.
        security: who we are; None: anonymous, unencrypted.
        sink: takes what comes, in order.
        options: how to go about it.

    Example:
        async with asyncio.TaskGroup() as group:
            for plc in tag_map.plcs:
                group.create_task(Subscriber(plc, security, mirror.take).run())
    """

    def __init__(
        self,
        plc: PlcMap,
        security: ClientSecurity | None,
        sink: Sink,
        options: Options | None = None,
    ) -> None:
        self._plc = plc
        self._security = security
        self._sink = sink
        self._options = options or Options()
        self._connected: bool | None = None
        self._attempts = 0

    async def run(self) -> None:
        """Stay connected until cancelled; then say goodbye, and leave nothing behind."""
        while True:
            try:
                await self._serve_once()
            except NotConnected as error:
                self._say(connected=False, reason=str(error))
            _stop_if_asked()
            await self._options.sleep(self._pause_s())

    async def _serve_once(self) -> None:
        options = self._options
        client = await connect(self._plc.url, self._security, options.timeout_s)
        polite = False
        try:
            _stop_if_asked()
            await self._read_and_follow(client)
        except asyncio.CancelledError:
            polite = True
            raise
        except TimeoutError as error:
            raise NotConnected(f"{self._plc.url}: silent for too long") from error
        except (ConnectionError, OSError, ua.UaError) as error:
            raise NotConnected(f"{self._plc.url}: {error}") from error
        finally:
            await close(client, polite=polite)

    async def _read_and_follow(self, client: Client) -> None:
        plc = self._plc
        table = await client.get_namespace_array()
        if plc.namespace_uri not in table:
            raise NotConnected(
                f"{plc.url}: the server must have the namespace {plc.namespace_uri}, "
                f"it has {', '.join(table[1:])}; is it this line's PLC?"
            )
        index = table.index(plc.namespace_uri)
        node_ids = [ua.NodeId(node.node, index) for node in plc.nodes]
        values = await self._read(client, node_ids)
        self._say(connected=True)
        found = [i for i, value in enumerate(values) if not _is_missing(value)]
        self._hand_on_missing(set(range(len(values))) - set(found))
        session = _Session(client, plc, self._options, self._sink)
        session.hand_on_read([(i, values[i]) for i in found])
        await session.subscribe([(i, node_ids[i]) for i in found])
        self._attempts = 0
        _stop_if_asked()
        await session.follow()

    async def _read(self, client: Client, node_ids: Sequence[ua.NodeId]) -> list[ua.DataValue]:
        values: list[ua.DataValue] = []
        for chunk in _chunks(node_ids, self._options.nodes_per_request):
            values += await client.uaclient.read_attributes(list(chunk), ua.AttributeIds.Value)
        return values

    def _hand_on_missing(self, indices: set[int]) -> None:
        if not indices:
            return
        nodes = [self._plc.nodes[i] for i in sorted(indices)]
        _log.warning(
            "%s: the server has no node %s%s",
            self._plc.plc,
            nodes[0].node,
            f" and {len(nodes) - 1} more of the tag map" if len(nodes) > 1 else "",
        )
        keys = tuple((node.unit, node.signal) for node in nodes)
        self._sink(TagMissing(self._plc.plc, keys, self._options.now_us()))

    def _say(self, *, connected: bool, reason: str = "") -> None:
        """Hand on and log a change of the connection; say nothing where there is none."""
        if connected == self._connected:
            return
        self._connected = connected
        if connected:
            _log.info("%s: connected to %s", self._plc.plc, self._plc.url)
        else:
            _log.warning("%s: not connected: %s", self._plc.plc, reason)
        self._sink(ConnectionChanged(self._plc.plc, connected, self._options.now_us(), reason))

    def _pause_s(self) -> float:
        first, longest = self._options.back_off_s
        pause = min(longest, first * 2.0 ** min(self._attempts, 30))
        self._attempts += 1
        # Many subscribers that lost one network must not all come back at the same instant.
        return pause * (0.5 + self._options.jitter() / 2)


class _Session:
    """What one connection knows: its subscription, and what it has handed on already."""

    def __init__(self, client: Client, plc: PlcMap, options: Options, sink: Sink) -> None:
        self._client = client
        self._plc = plc
        self._options = options
        self._sink = sink
        # By index: what was read and not yet seen in a notification, which repeats it.
        self._read_already: dict[int, tuple[object, datetime | None]] = {}
        self._subscription = 0

    async def subscribe(self, nodes: Sequence[tuple[int, ua.NodeId]]) -> None:
        """Subscribe to nodes, each under its index."""
        options = self._options
        request = ua.CreateSubscriptionRequest()
        request.Parameters = ua.CreateSubscriptionParameters(
            RequestedPublishingInterval=options.publishing_s * 1000,
            RequestedLifetimeCount=100,
            RequestedMaxKeepAliveCount=options.keep_alive_count,
            MaxNotificationsPerPublish=0,
            PublishingEnabled=True,
        )
        response = await self._send(request, ua.CreateSubscriptionResponse)
        self._subscription = response.Parameters.SubscriptionId
        changes = ua.DataChangeFilter(ua.DataChangeTrigger.StatusValueTimestamp)
        for chunk in _chunks(nodes, options.nodes_per_request):
            items = ua.CreateMonitoredItemsRequest()
            items.Parameters.SubscriptionId = self._subscription
            items.Parameters.TimestampsToReturn = ua.TimestampsToReturn.Source
            items.Parameters.ItemsToCreate = [
                ua.MonitoredItemCreateRequest(
                    ua.ReadValueId(node_id, ua.AttributeIds.Value),
                    ua.MonitoringMode.Reporting,
                    ua.MonitoringParameters(
                        ClientHandle=i,
                        SamplingInterval=options.publishing_s * 1000,
                        Filter=changes,
                        QueueSize=options.queue_size,
                        DiscardOldest=True,
                    ),
                )
                for i, node_id in chunk
            ]
            made = await self._send(items, ua.CreateMonitoredItemsResponse)
            for (i, _), result in zip(chunk, made.Results, strict=True):
                if not result.StatusCode.is_good():
                    node = self._plc.nodes[i].node
                    raise NotConnected(
                        f"{self._plc.url}: {node} can't be subscribed to: {result.StatusCode.name}"
                    )

    async def follow(self) -> None:
        """Hand on what is published, until silence or an error ends it.

        asyncua's own loop is not used: it asks for one batch at a time, makes a task for each
        value, and logs a traceback each second while a server is away.
        """
        acknowledged: list[ua.SubscriptionAcknowledgement] = []
        waiting: deque[asyncio.Task[ua.PublishResponse]] = deque()
        try:
            while True:
                while len(waiting) < _REQUESTS_AHEAD:
                    waiting.append(asyncio.create_task(self._publish(acknowledged)))
                    acknowledged = []
                async with asyncio.timeout(self._options.watchdog_s):
                    response = await waiting[0]
                waiting.popleft()
                message = response.Parameters.NotificationMessage
                if message.NotificationData:
                    acknowledged.append(
                        ua.SubscriptionAcknowledgement(
                            response.Parameters.SubscriptionId, message.SequenceNumber
                        )
                    )
                    for notification in message.NotificationData:
                        self._take(notification)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    async def _publish(self, done: list[ua.SubscriptionAcknowledgement]) -> ua.PublishResponse:
        request = ua.PublishRequest()
        request.Parameters.SubscriptionAcknowledgements = done
        response: ua.PublishResponse = await self._send(request, ua.PublishResponse, timeout_s=0)
        return response

    async def _send(self, request: object, kind: type, timeout_s: float | None = None) -> Any:
        protocol = self._client.uaclient.protocol
        if protocol is None:
            raise ConnectionError("connection is closed")
        data = await protocol.send_request(request, timeout_s)
        response = struct_from_binary(kind, data)
        response.ResponseHeader.ServiceResult.check()
        return response

    def _take(self, notification: object) -> None:
        if isinstance(notification, ua.DataChangeNotification):
            self.hand_on((item.ClientHandle, item.Value) for item in notification.MonitoredItems)
        elif isinstance(notification, ua.StatusChangeNotification):
            raise NotConnected(f"{self._plc.url}: subscription ended: {notification.Status.name}")

    def hand_on_read(self, values: Sequence[tuple[int, ua.DataValue]]) -> None:
        """Hand on what was read, by index, and keep it in mind."""
        self.hand_on(values)
        self._read_already = {
            i: (data.Value.Value if data.Value is not None else None, data.SourceTimestamp)
            for i, data in values
        }

    def hand_on(self, values: Iterable[tuple[int, ua.DataValue]]) -> None:
        """Hand on a batch of values, by index, but for a first one that repeats what was read."""
        now_us = self._options.now_us()
        plc, nodes = self._plc.plc, self._plc.nodes
        repeats = self._read_already
        batch: list[Reading] = []
        at: datetime | None = None
        at_us = now_us
        for i, data in values:
            value = data.Value.Value if data.Value is not None else None
            source = data.SourceTimestamp
            if repeats and repeats.pop(i, _NOTHING) == (value, source):
                continue
            if source is not at:
                at = source
                at_us = now_us if source is None else unix_us(source)
            node: MappedNode = nodes[i]
            quality = _QUALITY[data.StatusCode.value >> 30] if data.StatusCode else Quality.GOOD
            batch.append(Reading(plc, node.unit, node.signal, value, at_us, now_us, quality))
        if batch:
            self._sink(tuple(batch))


def _stop_if_asked() -> None:
    """Stop where a request to stop has been swallowed: asyncua and Python 3.11's wait_for do so."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _is_missing(value: ua.DataValue) -> bool:
    return value.StatusCode is not None and value.StatusCode.value in _BAD_NODE


def _chunks(items: Sequence[_T], size: int) -> Iterable[Sequence[_T]]:
    return (items[start : start + size] for start in range(0, len(items), size))
