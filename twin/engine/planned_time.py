"""When a calendar is closed, as pure functions of engine time."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from twin.model.calendar import Calendar

__all__ = ["is_closed", "monday_before", "next_edge_us", "open_time_us"]

MOST_STEPS = 1_000_000
"""So many planned stops without a gap between are taken for no working time at all."""


def is_closed(calendar: Calendar, at_us: int) -> bool:
    """Whether a planned stop is on; a stop holds from its start, and no longer at its end."""
    return any((at_us - stop.at_us) % stop.every_us < stop.lasts_us for stop in calendar.stops)


def next_edge_us(calendar: Calendar, at_us: int) -> int:
    """The first instant after `at_us` at which the calendar opens or closes.

    Raises:
        ValueError: the calendar never opens again.
    """
    if not is_closed(calendar, at_us):
        return min(at_us + s.every_us - (at_us - s.at_us) % s.every_us for s in calendar.stops)
    # From the end of whatever stop lasts longest, so that short ones inside it cost no step.
    edge = at_us
    for _ in range(MOST_STEPS):
        left = [s.lasts_us - (edge - s.at_us) % s.every_us for s in calendar.stops]
        if max(left) <= 0:
            return edge
        edge += max(left)
    raise ValueError(f"calendar {calendar.id} never opens")


@lru_cache(maxsize=256)
def open_time_us(calendar: Calendar | None, from_us: int, to_us: int) -> int:
    """Planned busy time of one place between two instants (ISO 22400's PBT), microseconds."""
    if calendar is None:
        return to_us - from_us
    total, at = 0, from_us
    while at < to_us:
        edge = min(next_edge_us(calendar, at), to_us)
        if not is_closed(calendar, at):
            total += edge - at
        at = edge
    return total


def monday_before(time_zone: str, unix_us: int) -> int:
    """The last Monday 00:00 in a time zone; an engine time of 0 may stand for it.

    Args:
        time_zone: IANA name.
        unix_us: microseconds since 1970-01-01 UTC.

    Returns:
        Microseconds since 1970-01-01 UTC, at most `unix_us`.

    >>> monday_before("UTC", 1_700_000_000_000_000)
    1699833600000000
    """
    local = datetime.fromtimestamp(unix_us / 1e6, ZoneInfo(time_zone))
    monday = (local - timedelta(days=local.weekday())).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    return round(monday.timestamp()) * 1_000_000
