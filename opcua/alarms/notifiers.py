"""The nodes that notify of conditions: the server, and the equipment above the machines.

Server -HasNotifier-> enterprise -> site -> area -> line -> station -HasEventSource-> machine
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from asyncua import ua
from asyncua.server.address_space import AddressSpace, AttributeValue

from opcua.alarms.condition import Condition
from opcua.companion_space import described
from opcua.naming import Naming

__all__ = ["SERVER", "bind_notifiers"]

SERVER = ua.NodeId(ua.ObjectIds.Server)
_HAS_NOTIFIER = ua.NodeId(ua.ObjectIds.HasNotifier)
_HAS_EVENT_SOURCE = ua.NodeId(ua.ObjectIds.HasEventSource)
_NOTIFIES = 1
"""Of EventNotifier: events can be subscribed to."""


def bind_notifiers(
    space: AddressSpace, naming: Naming, conditions: Iterable[Condition]
) -> dict[str, tuple[ua.NodeId, ...]]:
    """Let the equipment of conditions notify.

    Returns:
        By the node that a condition is about whose subscribers hear of it.
    """
    found: dict[str, tuple[ua.NodeId, ...]] = {}
    linked: set[tuple[ua.NodeId, ua.NodeId]] = set()
    for condition in conditions:
        if condition.source in found:
            continue
        paths = (condition.source, *condition.above)
        above = [naming.node_id(path) for path in paths]
        # A make of PLC need not have all of the equipment above a machine.
        chain = (*(node for node in above if node in space), SERVER)
        found[condition.source] = chain
        for below, upper in pairwise(chain):
            node = space[below]
            notifies = ua.Variant(_NOTIFIES, ua.VariantType.Byte)
            node.attributes[ua.AttributeIds.EventNotifier] = AttributeValue(ua.DataValue(notifies))
            if (upper, below) in linked:
                continue
            linked.add((upper, below))
            kind = _HAS_EVENT_SOURCE if below == chain[0] else _HAS_NOTIFIER
            notifier = space[upper]
            notifier.references.append(described(node, kind, space, is_forward=True))
            node.references.append(described(notifier, kind, space, is_forward=False))
    return found
