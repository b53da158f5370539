"""What a subscriber hands on: values, and what becomes of its connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from twin.historian.port import Quality

__all__ = ["ConnectionChanged", "Message", "Reading", "TagMissing"]


@dataclass(frozen=True, slots=True)
class Reading:
    """One value as a PLC published it.

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
    """

    plc: str
    connected: bool
    at_us: int
    reason: str


@dataclass(frozen=True, slots=True)
class TagMissing:
    """Nodes of the tag map that a PLC does not have; the others work.

    Args:
        plc: id of the PLC.
        keys: (unit, signal) of each.
        at_us: when, microseconds since 1970-01-01 UTC.
    """

    plc: str
    keys: tuple[tuple[str, str], ...]
    at_us: int


Message: TypeAlias = tuple[Reading, ...] | ConnectionChanged | TagMissing
"""A batch of readings in the order in which they were published, or one of the notices."""
