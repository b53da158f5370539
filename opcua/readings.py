"""What a subscriber hands on; the types belong to the mirror that takes them."""

from twin.live.readings import ConnectionChanged, Message, Reading, TagMissing

__all__ = ["ConnectionChanged", "Message", "Reading", "TagMissing"]
