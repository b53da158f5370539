"""What a subscriber hands on; the types belong to the mirror that takes them."""

from twin.live.readings import (
    ConnectionChanged,
    Message,
    NotificationsLost,
    Reading,
    StaleChanged,
    TagMissing,
    TagsPolled,
)

__all__ = [
    "ConnectionChanged",
    "Message",
    "NotificationsLost",
    "Reading",
    "StaleChanged",
    "TagMissing",
    "TagsPolled",
]
