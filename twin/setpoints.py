"""The one table of setpoints: what can be set on a machine, a station or a buffer, and how far.

The writable OPC UA nodes and the reference page are made from this table, like those of
`twin.signals`. What a setpoint does is in rules S33 to S35 of `docs/explanation/semantics.md`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from twin.model.base import Text
from twin.model.line import Line
from twin.signals import Value, ValueType

__all__ = ["Setpoint", "setpoints"]

_WIDEST = 100.0
_FURTHEST = 10.0


@dataclass(frozen=True, slots=True)
class Setpoint:
    """Something of one unit that can be set.

    Args:
        plc: id of the PLC that has it.
        station: its station's id; for a buffer the station that feeds it.
        unit: machine, station or buffer.
        name: `cycle_time_factor`, `reject_threshold` or `capacity_limit`.
        path: browse names below its unit's node, the last one the variable's own.
        text: what it means.
        value_type: type on the wire.
        default: what the line file says.
        low, high: the values that it takes, both included.
    """

    plc: str
    station: str
    unit: str
    name: str
    path: tuple[str, ...]
    text: Text
    value_type: ValueType
    default: Value
    low: float
    high: float

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from every other setpoint of the line: (unit, name)."""
        return self.unit, self.name


def setpoints(line: Line) -> Iterator[Setpoint]:
    """List every setpoint of a line: by station in the file's order, then buffers.

    >>> from twin.model import Station
    >>> line = Line(id="L", stations=(Station(id="A", cycle_time="2 s"),))
    >>> [s.key for s in setpoints(line)]
    [('A01', 'cycle_time_factor')]
    """
    for station in line.stations:
        plc = line.plc_of(station.id)
        for machine in range(station.machines):
            yield Setpoint(
                plc,
                station.id,
                station.machine_id(machine),
                "cycle_time_factor",
                ("Setpoints", "CycleTimeFactor"),
                Text.of("cycle time, times the line file's", "节拍系数"),
                ValueType.DOUBLE,
                1.0,
                1 / _WIDEST,
                _WIDEST,
            )
        if station.inspection:
            yield Setpoint(
                plc,
                station.id,
                station.id,
                "reject_threshold",
                ("Setpoints", "RejectThreshold"),
                Text.of("how much more lenient, in standard deviations", "判废阈值（标准差）"),
                ValueType.DOUBLE,
                0.0,
                -_FURTHEST,
                _FURTHEST,
            )
    for buffer in line.buffers:
        if buffer.capacity:
            station = line.station_by_id[buffer.sources[0]]
            yield Setpoint(
                line.plc_of(station.id),
                station.id,
                buffer.id,
                "capacity_limit",
                ("Setpoints", "CapacityLimit"),
                Text.of("most parts in each lane", "每通道容量上限"),
                ValueType.INT64,
                buffer.capacity,
                1,
                buffer.capacity,
            )
