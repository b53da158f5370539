"""The conditions that a PLC of a line has: one for each alarm of each of its machines.

A machine whose station has no alarm for faults has one all the same, `Fault`: a fault is an alarm
whether or not somebody gave it a code.
"""

from __future__ import annotations

from collections.abc import Iterator

from opcua.alarms.condition import Condition, Kind
from opcua.node_spec import NodeKind, NodeSpec
from twin.model.base import Text
from twin.model.line import Line
from twin.model.packml import State
from twin.model.plc import Alarm
from twin.model.station import Station

__all__ = ["FOLDER", "condition_folders", "conditions_of_line"]

FOLDER = "Conditions"
_FAULT = Text.of("machine is down", "设备故障")
_FAULT_SEVERITY = 700


def conditions_of_line(line: Line, plc: str) -> tuple[Condition, ...]:
    """List the conditions of a PLC, in the order of its stations, machines and alarms.

    >>> line = Line.model_validate({"id": "L1", "stations": ({"id": "A", "cycle_time": "1 s"},)})
    >>> [condition.node for condition in conditions_of_line(line, line.plc_of("A"))]
    ['L1/A/A01/Conditions/Fault']
    """
    found: list[Condition] = []
    for station, unit in _machines(line, plc):
        source = f"{line.id}/{station.id}/{unit}"
        equipment = (line.enterprise, line.site, station.area, line.id)
        levels = ("/".join(equipment[: level + 1]) for level in reversed(range(len(equipment))))
        above = (f"{line.id}/{station.id}", *(f"isa95:{level}" for level in levels))
        found += (_of_alarm(alarm, station, unit, source, above) for alarm in station.alarms)
        if all(alarm.when != "fault" for alarm in station.alarms):
            found.append(
                Condition(
                    f"{source}/{FOLDER}/Fault",
                    source,
                    "Fault",
                    _FAULT,
                    Kind.OFF_NORMAL,
                    "EQP",
                    _FAULT_SEVERITY,
                    (unit, "state_current"),
                    State.ABORTED,
                    above=above,
                )
            )
    return tuple(found)


def condition_folders(line: Line, plc: str) -> Iterator[NodeSpec]:
    """Plan the folder of each machine in which its conditions are listed."""
    for station, unit in _machines(line, plc):
        source = f"{line.id}/{station.id}/{unit}"
        yield NodeSpec(f"{source}/{FOLDER}", source, FOLDER, NodeKind.FOLDER)


def _machines(line: Line, plc: str) -> Iterator[tuple[Station, str]]:
    for station in line.stations:
        if line.plc_of(station.id) == plc:
            for machine in range(station.machines):
                yield station, station.machine_id(machine)


def _of_alarm(
    alarm: Alarm, station: Station, unit: str, source: str, above: tuple[str, ...]
) -> Condition:
    variable = next((v for v in station.variables if v.id == alarm.when), None)
    return Condition(
        f"{source}/{FOLDER}/{alarm.id}",
        source,
        alarm.id,
        alarm.name or Text.of(alarm.id),
        Kind.OFF_NORMAL if variable is None else Kind.LEVEL,
        alarm.category,
        alarm.severity,
        (unit, f"alarm.{alarm.id}"),
        variable=None if variable is None else (unit, f"variable.{variable.id}"),
        low=None if variable is None else variable.alarm_low,
        high=None if variable is None else variable.alarm_high,
        above=above,
    )
