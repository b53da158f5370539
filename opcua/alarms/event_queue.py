"""The queue of an item that is for events, once it is full (OPC 10000-4, 5.13.1.5).

asyncua discards the oldest and says nothing; a client must be told that it has missed something.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from asyncua import ua

from opcua.alarms.events import ConditionEvent
from opcua.alarms.notifiers import SERVER
from opcua.structures import instant

__all__ = ["EventQueue", "overflow_event"]

_VT = ua.VariantType
_KINDS = {
    "EventId": _VT.ByteString,
    "EventType": _VT.NodeId,
    "SourceNode": _VT.NodeId,
    "SourceName": _VT.String,
    "Time": _VT.DateTime,
    "ReceiveTime": _VT.DateTime,
    "Message": _VT.LocalizedText,
    "Severity": _VT.UInt16,
}
_SEVERITY = 500


@dataclass(slots=True)
class EventQueue:
    """What becomes of an event when the queue of its item is full.

    Args:
        discard_oldest: whether the oldest event makes room; if not, the new one takes the place
            of the last.

    >>> full, queue = EventQueue(), [1, 2]
    >>> for event in (3, 4):
    ...     full.add(queue, event, 2, lambda: "overflow")
    >>> queue
    ['overflow', 3, 4]
    >>> full, queue = EventQueue(discard_oldest=False), [1, 2]
    >>> for event in (3, 4):
    ...     full.add(queue, event, 2, lambda: "overflow")
    >>> queue
    [1, 4, 'overflow']
    """

    discard_oldest: bool = True
    _told: Any = None

    def add(self, queue: list[Any], event: Any, most: int, overflow: Callable[[], Any]) -> None:
        """Queue an event, or discard one and say so.

        Args:
            queue: of the item, not empty.
            event: the new one.
            most: events that it holds, at least 1; that of the overflow comes on top.
            overflow: makes the event that says so; it is asked once a queue.
        """
        # A queue that was sent is another one, without it.
        told = self._told is not None and (queue[0] is self._told or queue[-1] is self._told)
        if len(queue) - told < most:
            queue.append(event)
            return
        if self.discard_oldest:
            del queue[1 if told else 0]
            queue.append(event)
        else:
            queue[-2 if told else -1] = event
        if not told:
            self._told = overflow()
            queue.insert(0 if self.discard_oldest else len(queue), self._told)


def overflow_event(at_unix_us: int, subscription: int, number: int) -> ConditionEvent:
    """Make the event that says that others were discarded (OPC 10000-5, 6.4.34).

    Args:
        at_unix_us: now, by the server's clock, microseconds since 1970-01-01 UTC.
        subscription: whose item it was.
        number: of the overflow in that subscription.
    """
    at = instant(at_unix_us)
    return ConditionEvent(
        {
            "EventId": struct.pack(">4sIQ", b"full", subscription, number),
            "EventType": ua.NodeId(ua.ObjectIds.EventQueueOverflowEventType),
            "SourceNode": SERVER,
            "SourceName": "Internal/EventQueueOverflow",
            "Time": at,
            "ReceiveTime": at,
            "Message": ua.LocalizedText("events were discarded: the item's queue was full", "en"),
            "Severity": _SEVERITY,
        },
        _KINDS,
    )
