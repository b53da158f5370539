"""Subscribing to nodes, as far as a server allows: what is refused is polled, or said."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from asyncua import Client, ua

from opcua.plc_requests import Portions, ask
from opcua.subscribing import Options

__all__ = ["Monitored", "code_name", "monitor"]

_log = logging.getLogger(__name__)
_CODES = ua.StatusCodes
_NO_FILTERS = {
    _CODES.BadFilterNotAllowed,
    _CODES.BadMonitoredItemFilterInvalid,
    _CODES.BadMonitoredItemFilterUnsupported,
}
_NO_ROOM = {
    _CODES.BadTooManyMonitoredItems,
    _CODES.BadTooManySubscriptions,
    _CODES.BadServiceUnsupported,
    _CODES.BadNotSupported,
    _CODES.BadNotImplemented,
    _CODES.BadOutOfMemory,
}
"""What is answered so can still be read."""


@dataclass(slots=True)
class Monitored:
    """What became of nodes that were to be subscribed to.

    Args:
        subscriptions: their ids; several where one has no room for all.
        watchdog_s: silence after which one is dead: three keep-alives as the server sends them.
        watched: handles that they tell of.
        polled: handles that there is no room for.
        refused: by handle the status code of those that can't be had.
    """

    watchdog_s: float
    subscriptions: list[int] = field(default_factory=list)
    watched: list[int] = field(default_factory=list)
    polled: list[int] = field(default_factory=list)
    refused: dict[int, int] = field(default_factory=dict)


async def monitor(
    client: Client,
    plc: str,
    nodes: Mapping[int, ua.NodeId | None],
    deadband: Callable[[int], float],
    options: Options,
    portions: Portions,
) -> Monitored:
    """Subscribe to nodes, with a further subscription for what one has no room for.

    Args:
        client: connected.
        plc: whose they are, for the log.
        nodes: their ids, by handle.
        deadband: by handle the change that is not worth telling.
        options: how to go about it.
        portions: how much the server takes at once.

    Raises:
        UaError: the server refuses, and not for want of room.
    """
    found = Monitored(options.watchdog_s)
    left = list(nodes)
    while left:
        made = await _subscribe(client, plc, options)
        if made is None:
            break
        number, watchdog_s = made
        codes = await _fill(client, number, nodes, left, deadband, options, portions)
        watched = [handle for handle, code in codes.items() if not code]
        left = [handle for handle, code in codes.items() if code in _NO_ROOM]
        found.refused.update((h, c) for h, c in codes.items() if c and c not in _NO_ROOM)
        if not watched:
            # An empty one has no room either: it is the server that is full, not the other one.
            await _delete(client, number)
            break
        found.subscriptions.append(number)
        found.watched.extend(watched)
        found.watchdog_s = max(found.watchdog_s, watchdog_s)
    found.polled.extend(left)
    if len(found.subscriptions) > 1:
        _log.info(
            "%s: %d nodes take %d subscriptions", plc, len(found.watched), len(found.subscriptions)
        )
    return found


async def _subscribe(client: Client, plc: str, options: Options) -> tuple[int, float] | None:
    """Make a subscription: its id, and after how long a silence it is dead; None: no room."""
    request = ua.CreateSubscriptionRequest()
    request.Parameters = ua.CreateSubscriptionParameters(
        RequestedPublishingInterval=options.publishing_s * 1000,
        RequestedLifetimeCount=100,
        RequestedMaxKeepAliveCount=options.keep_alive_count,
        MaxNotificationsPerPublish=0,
        PublishingEnabled=True,
    )
    try:
        response = await ask(client, request, ua.CreateSubscriptionResponse)
    except ua.UaStatusCodeError as error:
        if error.code not in _NO_ROOM:
            raise
        _log.info("%s: no further subscription to be had (%s)", plc, code_name(error.code))
        return None
    made = response.Parameters
    keep_alive_s = made.RevisedPublishingInterval / 1000 * made.RevisedMaxKeepAliveCount
    # A server that speaks less often than asked is not dead for that.
    return made.SubscriptionId, max(options.watchdog_s, 3 * keep_alive_s)


async def _delete(client: Client, subscription: int) -> None:
    request = ua.DeleteSubscriptionsRequest()
    request.Parameters.SubscriptionIds = [subscription]
    await ask(client, request, ua.DeleteSubscriptionsResponse)


async def _fill(
    client: Client,
    subscription: int,
    nodes: Mapping[int, ua.NodeId | None],
    handles: Sequence[int],
    deadband: Callable[[int], float],
    options: Options,
    portions: Portions,
) -> dict[int, int]:
    """Put nodes into a subscription; by handle the status code, 0 where it is there."""

    async def create(chosen: Sequence[int], *, filtered: bool) -> list[int]:
        items = ua.CreateMonitoredItemsRequest()
        items.Parameters.SubscriptionId = subscription
        items.Parameters.TimestampsToReturn = ua.TimestampsToReturn.Source
        items.Parameters.ItemsToCreate = [
            _item(handle, nodes[handle], options, _filter(deadband(handle)) if filtered else None)
            for handle in chosen
        ]
        try:
            answer = await ask(client, items, ua.CreateMonitoredItemsResponse)
        except ua.UaStatusCodeError as error:
            if error.code not in _NO_ROOM:
                raise
            # Some servers refuse the request as a whole.
            return [error.code] * len(chosen)
        return [0 if r.StatusCode.is_good() else r.StatusCode.value for r in answer.Results]

    async def with_filter(chosen: Sequence[int]) -> list[int]:
        return await create(chosen, filtered=True)

    async def without(chosen: Sequence[int]) -> list[int]:
        return await create(chosen, filtered=False)

    answers = await portions.each("items", handles, with_filter)
    codes = dict(zip(handles, answers, strict=True))
    # What it has no filter for may do without one.
    plain = [handle for handle, code in codes.items() if code in _NO_FILTERS]
    codes |= zip(plain, await portions.each("items", plain, without), strict=True)
    return codes


def _item(
    handle: int, node_id: ua.NodeId | None, options: Options, changes: ua.DataChangeFilter | None
) -> ua.MonitoredItemCreateRequest:
    sampling_s = options.publishing_s if options.sampling_s is None else options.sampling_s
    return ua.MonitoredItemCreateRequest(
        ua.ReadValueId(node_id, ua.AttributeIds.Value),
        ua.MonitoringMode.Reporting,
        ua.MonitoringParameters(
            ClientHandle=handle,
            SamplingInterval=sampling_s * 1000,
            Filter=changes,
            QueueSize=options.queue_size,
            DiscardOldest=True,
        ),
    )


def _filter(deadband: float) -> ua.DataChangeFilter:
    if deadband:
        return ua.DataChangeFilter(
            ua.DataChangeTrigger.StatusValue, ua.DeadbandType.Absolute, deadband
        )
    return ua.DataChangeFilter(ua.DataChangeTrigger.StatusValueTimestamp)


def code_name(code: int) -> str:
    """Name a status code.

    >>> code_name(0x80340000)
    'BadNodeIdUnknown'
    """
    return str(ua.StatusCode(code).name)
