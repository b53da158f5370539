"""When a calendar is closed, as pure functions of engine time."""

from __future__ import annotations

from twin.model.calendar import Calendar

__all__ = ["is_closed", "next_edge_us", "open_time_us"]

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


def open_time_us(calendar: Calendar | None, from_us: int, to_us: int) -> int:
    """Planned busy time between two instants (ISO 22400's PBT), microseconds."""
    if calendar is None:
        return to_us - from_us
    total, at = 0, from_us
    while at < to_us:
        edge = min(next_edge_us(calendar, at), to_us)
        if not is_closed(calendar, at):
            total += edge - at
        at = edge
    return total
