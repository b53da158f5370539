"""What a server allows: nodes a request, sessions, subscriptions, items, and the least intervals.

A request for more nodes than are allowed is refused as a whole, with BadTooManyOperations
(OPC 10000-4, 7.38); of monitored items those that fit are made. Least intervals are no refusals:
the server answers with the interval that it keeps.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.server.address_space import AddressSpace, AttributeValue, NodeData

from twin.errors import UsageError

__all__ = ["DEFAULT_LIMITS", "NO_LIMITS", "TOLD", "Limits", "at_most", "limited", "show_limits"]

_IDS = ua.ObjectIds


@dataclass(frozen=True, slots=True)
class Limits:
    """What one make of server allows; 0 is no limit of its own.

    Args:
        sessions: open at a time.
        subscriptions: of one session.
        monitored_items: of the whole server.
        items_a_subscription: monitored items of one subscription.
        items_a_call: monitored items that one request makes or changes.
        nodes_a_read, nodes_a_write, nodes_a_browse, nodes_a_call, paths_a_translate: of a request.
        least_sampling_ms, least_publishing_ms: shortest intervals that are kept, milliseconds.
        filter_refused: status code that an item with a filter gets; 0: filters are taken.
        message_bytes: of one request.
        connections: open at a time, sessions or not.
        history_points: changes of signals that are kept, 24 bytes each; at least some thousands.
    """

    sessions: int = 0
    subscriptions: int = 0
    monitored_items: int = 0
    items_a_subscription: int = 0
    items_a_call: int = 0
    nodes_a_read: int = 0
    nodes_a_write: int = 0
    nodes_a_browse: int = 0
    nodes_a_call: int = 0
    paths_a_translate: int = 0
    least_sampling_ms: float = 0.0
    least_publishing_ms: float = 0.0
    filter_refused: int = 0
    message_bytes: int = 16 * 1024 * 1024
    connections: int = 1000
    history_points: int = 500_000


NO_LIMITS = Limits()
DEFAULT_LIMITS = Limits(sessions=100, subscriptions=100, monitored_items=200_000)
"""What a PLC allows that is like no make: far more than clients need, and not without end."""

_LEAST_MESSAGE = 8192
"""Bytes that every stack takes (OPC 10000-6, 7.1.2.3): less, and nobody could log on."""
_MOST = 2**31 - 1
TOLD = (
    "sessions",
    "subscriptions",
    "monitored-items",
    "items-a-subscription",
    "items-a-call",
    "nodes-a-read",
    "nodes-a-write",
    "nodes-a-browse",
    "nodes-a-call",
    "paths-a-translate",
    "message-bytes",
    "connections",
)
"""The limits that a user can set, as they are called there."""


def limited(base: Limits, told: Iterable[str], where: str = "--limit") -> Limits:
    """Set limits as a user tells them.

    Args:
        base: what is not told stays as it is there.
        told: NAME=NUMBER each, with a name of `TOLD`.
        where: what the user wrote them to.

    Raises:
        UsageError: what is no limit, by a line each.

    >>> limited(NO_LIMITS, ["sessions=3"]).sessions
    3
    >>> limited(NO_LIMITS, ["message-bytes=10"])
    Traceback (most recent call last):
    twin.errors.UsageError: --limit: message-bytes must be 8,192 to 2,147,483,647, got '10'
    """
    found: dict[str, int] = {}
    wrong = []
    for text in told:
        name, _, number = text.partition("=")
        name = name.strip().replace("_", "-")
        least = _LEAST_MESSAGE if name == "message-bytes" else 1
        if name not in TOLD:
            allowed = ", ".join(TOLD)
            wrong.append(f"{where} must be NAME=NUMBER with a name of {allowed}, got {text!r}")
        elif name.replace("-", "_") in found:
            wrong.append(f"{where}: {name} is told twice; leave one of them out")
        elif not (number.strip().isdecimal() and least <= int(number) <= _MOST):
            bounds = f"{least:,} to {_MOST:,}"
            wrong.append(f"{where}: {name} must be {bounds}, got {number!r}")
        else:
            found[name.replace("-", "_")] = int(number)
    if wrong:
        raise UsageError("\n".join(wrong))
    return replace(base, **found)


_SHOWN = {
    _IDS.Server_ServerCapabilities_MaxSessions: "sessions",
    _IDS.Server_ServerCapabilities_MaxSubscriptionsPerSession: "subscriptions",
    _IDS.Server_ServerCapabilities_MaxMonitoredItems: "monitored_items",
    _IDS.Server_ServerCapabilities_MaxMonitoredItemsPerSubscription: "items_a_subscription",
    _IDS.Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall: "items_a_call",
    _IDS.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead: "nodes_a_read",
    _IDS.Server_ServerCapabilities_OperationLimits_MaxNodesPerWrite: "nodes_a_write",
    _IDS.Server_ServerCapabilities_OperationLimits_MaxNodesPerBrowse: "nodes_a_browse",
    _IDS.Server_ServerCapabilities_OperationLimits_MaxNodesPerMethodCall: "nodes_a_call",
    _IDS.Server_ServerCapabilities_OperationLimits_MaxNodesPerTranslateBrowsePathsToNodeIds: (
        "paths_a_translate"
    ),
}


def at_most(allowed: int, asked: int) -> None:
    """Refuse a request that asks for too much.

    Raises:
        ServiceError: BadTooManyOperations.
    """
    if allowed and asked > allowed:
        raise ServiceError(ua.StatusCodes.BadTooManyOperations)


def show_limits(space: AddressSpace, limits: Limits) -> None:
    """Write limits to the nodes in which clients look for them (OPC 10000-5, 6.3.2, 6.3.11)."""
    for number, name in _SHOWN.items():
        _show(space, number, ua.Variant(getattr(limits, name), ua.VariantType.UInt32))
    rate = ua.Variant(limits.least_sampling_ms, ua.VariantType.Double)
    _show(space, _IDS.Server_ServerCapabilities_MinSupportedSampleRate, rate)


def _show(space: AddressSpace, number: int, value: ua.Variant) -> None:
    node_id = ua.NodeId(number)
    # The standard nodes that asyncua has are those of one release.
    if node_id in space:
        node: NodeData = space[node_id]
        node.attributes[ua.AttributeIds.Value] = AttributeValue(ua.DataValue(value))
