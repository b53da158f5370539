"""What comes in from the plant: values, and what becomes of the connections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from twin.historian.port import Quality

__all__ = [
    "ConnectionChanged",
    "Message",
    "NotificationsLost",
    "Reading",
    "Recalled",
    "StaleChanged",
    "TagMissing",
    "TagsPolled",
]


class Reading(NamedTuple):
    """One value as a PLC published it; a named tuple, since there are 100,000 a second.

    Args:
        plc: id of the PLC.
        unit: machine, buffer or lane; for what a PLC says of itself the PLC's id.
        signal: the signal's name, as `state_current`.
        value: the value; None where the PLC has none to give (its quality is bad then).
        source_us: the source's timestamp, microseconds since 1970-01-01 UTC.
        arrival_us: when it came in, microseconds since 1970-01-01 UTC, by the subscriber's clock.
        quality: how far to trust it.
    """

    plc: str
    unit: str
    signal: str
    value: bool | int | float | None
    source_us: int
    arrival_us: int
    quality: Quality


@dataclass(frozen=True, slots=True)
class ConnectionChanged:
    """A connection to a PLC came or went; said once each time.

    Args:
        plc: id of the PLC.
        connected: whether it is up now. After True every value follows afresh.
        at_us: when, microseconds since 1970-01-01 UTC.
        reason: why it went; empty where it came.
        url: the endpoint; it changes where one of several takes over.
    """

    plc: str
    connected: bool
    at_us: int
    reason: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class TagMissing:
    """Nodes of the tag map that a PLC does not have or won't have watched; the others work.

    Args:
        plc: id of the PLC.
        keys: (unit, signal) of each.
        at_us: when, microseconds since 1970-01-01 UTC.
    """

    plc: str
    keys: tuple[tuple[str, str], ...]
    at_us: int


@dataclass(frozen=True, slots=True)
class TagsPolled:
    """Tags that a PLC has no room to watch: they are read at an interval. Said at each connect.

    Args:
        plc: id of the PLC.
        keys: (unit, signal) of each.
        every_s: the interval, seconds; what changes twice within it is seen once.
        at_us: when, microseconds since 1970-01-01 UTC.
    """

    plc: str
    keys: tuple[tuple[str, str], ...]
    every_s: float
    at_us: int


@dataclass(frozen=True, slots=True)
class NotificationsLost:
    """Notifications were published that never came, by their sequence numbers.

    Args:
        plc: id of the PLC.
        count: how many.
        since_us: when the last one before them came, microseconds since 1970-01-01 UTC.
        at_us: when that was seen, by the same clock.
        repaired: True: they were asked for again and have been handed on, late but whole. False:
            the server no longer has them; every value follows afresh, and what lay between is
            lost for good.
    """

    plc: str
    count: int
    since_us: int
    at_us: int
    repaired: bool


@dataclass(frozen=True, slots=True)
class StaleChanged:
    """Values of a PLC can't be believed though it is connected, or can again.

    Each key's last value has been handed on again with bad quality before `stale` is said, and
    each value is handed on afresh after `stale` is over.

    Args:
        plc: id of the PLC.
        keys: (unit, signal) of each.
        stale: whether it is so now.
        at_us: when that was seen, microseconds since 1970-01-01 UTC.
        reason: how it shows, as `its value stands still while heartbeat runs on`.
    """

    plc: str
    keys: tuple[tuple[str, str], ...]
    stale: bool
    at_us: int
    reason: str


@dataclass(frozen=True, slots=True)
class Recalled:
    """What a history says of a time at which nobody looked, to begin with.

    It is no news: nothing of it is stored, and nothing counts as gained.

    Args:
        readings: in order of time.
        heard_us: by PLC how far it was heard by its own clock, microseconds since 1970-01-01 UTC.
        ahead_us: by PLC by how much its clock was ahead of the line's; without an entry not at all.
        lost_us: by PLC since when it is away, by the twin's clock; without an entry as it is.
    """

    readings: tuple[Reading, ...]
    heard_us: Mapping[str, int]
    ahead_us: Mapping[str, int] = field(default_factory=dict)
    lost_us: Mapping[str, int] = field(default_factory=dict)


Message: TypeAlias = (
    tuple[Reading, ...]
    | ConnectionChanged
    | TagMissing
    | TagsPolled
    | NotificationsLost
    | StaleChanged
    | Recalled
)
"""A batch of readings in the order in which they were published, or one of the notices."""
