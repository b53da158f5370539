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


@dataclass(frozen=True, slots=True)
class Monitored:
    """What became of nodes that were to be subscribed to.

    Args:
        subscription: its id; 0: there is none.
        watchdog_s: silence after which it is dead: three keep-alives as the server sends them.
        watched: handles that it tells of.
        polled: handles that there is no room for.
        refused: by handle the status code of those that can't be had.
    """

    subscription: int
    watchdog_s: float
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
    """Subscribe to nodes.

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
    handles = list(nodes)
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
        _log.info("%s: no subscription to be had (%s): polling", plc, code_name(error.code))
        return Monitored(0, options.watchdog_s, polled=handles)
    made = response.Parameters
    keep_alive_s = made.RevisedPublishingInterval / 1000 * made.RevisedMaxKeepAliveCount
    # A server that speaks less often than asked is not dead for that.
    found = Monitored(made.SubscriptionId, max(options.watchdog_s, 3 * keep_alive_s))

    async def create(chosen: Sequence[int], *, filtered: bool) -> list[int]:
        items = ua.CreateMonitoredItemsRequest()
        items.Parameters.SubscriptionId = found.subscription
        items.Parameters.TimestampsToReturn = ua.TimestampsToReturn.Source
        items.Parameters.ItemsToCreate = [
            _item(handle, nodes[handle], options, _filter(deadband(handle)) if filtered else None)
            for handle in chosen
        ]
        answer = await ask(client, items, ua.CreateMonitoredItemsResponse)
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
    for handle, code in codes.items():
        if not code:
            found.watched.append(handle)
        elif code in _NO_ROOM:
            found.polled.append(handle)
        else:
            found.refused[handle] = code
    if found.polled:
        _log.info("%s: %d nodes are polled", plc, len(found.polled))
    return found


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
