"""How much a counter can have counted in a time: what tells a restart at 0 from an older value."""

from __future__ import annotations

from twin.engine.quantiles import mean_us
from twin.model.quantity import MILLI
from twin.model.station import Station

__all__ = ["WAITING", "most_counted"]

WAITING = "waiting_time_s"
MARGIN = 2.0


def most_counted(station: Station, signal: str, passed_us: int) -> float:
    """The most that a machine's counter can have gained, with room to spare.

    Args:
        station: the machine's.
        signal: the counter.
        passed_us: in how long, microseconds.

    Returns:
        Seconds for a time that is counted; else parts: twice what the mean cycle time lets every
        place make, and two operations more.

    >>> from twin.model import Station
    >>> most_counted(Station(id="A", cycle_time="2 s", places=3), "processed", 10_000_000)
    36.0
    >>> most_counted(Station(id="A", cycle_time="2 s"), "waiting_time_s", 10_000_000)
    10.0
    """
    if signal == WAITING:
        return passed_us / 1e6
    moved = max(MILLI, station.gives_milli or 0, sum(station.takes_milli.values())) / MILLI
    each_us = mean_us(station.cycle_time) / station.effectiveness
    return MARGIN * station.places * moved * (passed_us / each_us + 1)
