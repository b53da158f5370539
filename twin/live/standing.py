"""The alarms that stand, and the stations that hold the line up, as every view tells it."""

from __future__ import annotations

from dataclasses import dataclass

from twin.live.mirror import Mirror
from twin.model.plc import Alarm
from twin.model.station import Station

__all__ = ["StandingAlarm", "slowest_stations", "standing_alarms"]

WAITING = "MAT"
"""The category of alarms that only say that a machine starves or is blocked: states show that."""


@dataclass(frozen=True, slots=True)
class StandingAlarm:
    """An alarm that stands now.

    Args:
        unit: the machine.
        station: its station's id.
        alarm: which.
        since_us: when it came, microseconds since 1970-01-01 UTC, by the plant's clock.
    """

    unit: str
    station: str
    alarm: Alarm
    since_us: int


def standing_alarms(mirror: Mirror) -> list[StandingAlarm]:
    """The alarms that stand, the gravest and then the newest first; want of material is none."""
    standing = [
        StandingAlarm(tag.unit, tag.station, alarm, held.source_us)
        for tag, held in mirror.standing_alarms()
        for alarm in mirror.line.station_by_id[tag.station].alarms
        if f"alarm.{alarm.id}" == tag.signal.name and alarm.category != WAITING
    ]
    return sorted(standing, key=lambda one: (-one.alarm.severity, -one.since_us, one.unit))


def slowest_stations(mirror: Mirror) -> tuple[Station, ...]:
    """The station that waits least of all that are known, or those that do so alike.

    Empty before enough has been seen.
    """
    shares = [
        (share, station)
        for station in mirror.line.stations
        if mirror.unknown_since(station) is None
        and (share := mirror.waiting_share(station)) is not None
    ]
    least = min((share for share, _ in shares), default=0.0)
    return tuple(station for share, station in shares if share == least)
