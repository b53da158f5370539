"""When a calendar is closed, as pure functions of engine time."""

from __future__ import annotations

from twin.model.calendar import Calendar

__all__ = ["is_closed", "next_edge_us", "open_time_us"]


def is_closed(calendar: Calendar, at_us: int) -> bool:
    """Whether a planned stop is on; a stop holds from its start, and no longer at its end."""
    return any((at_us - stop.at_us) % stop.every_us < stop.lasts_us for stop in calendar.stops)


def next_edge_us(calendar: Calendar, at_us: int) -> int:
    """The first instant after `at_us` at which the calendar opens or closes.

    Raises:
        ValueError: the calendar never changes.
    """
    now = is_closed(calendar, at_us)
    edge = at_us
    # Stops that touch or overlap make edges at which nothing changes; a few steps pass them.
    for _ in range(10_000):
        edge = min(
            edge + step
            for stop in calendar.stops
            for phase in [(edge - stop.at_us) % stop.every_us]
            for step in (stop.lasts_us - phase if phase < stop.lasts_us else stop.every_us - phase,)
        )
        if is_closed(calendar, edge) != now:
            return edge
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
