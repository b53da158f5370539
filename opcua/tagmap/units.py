"""The units of a line as a tag map speaks of them, and the signals that each has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from twin.model.line import Line
from twin.model.packml import Mode, State
from twin.signals import Signal, tags

__all__ = ["CANONICAL", "NAMED_VALUES", "PLC_SIGNALS", "Unit", "units_of"]

CANONICAL: Mapping[str, str] = MappingProxyType(
    {
        "state": "state_current",
        "mode": "unit_mode_current",
        "in": "consumed",
        "out": "processed",
        "scrap": "defective",
        "rework": "reworked",
        "cycle_time": "cycle_time_s",
        "waiting_time": "waiting_time_s",
    }
)
"""What people call signals, and what the twin does."""

PLC_SIGNALS = ("heartbeat", "scan_time_s", "scan_overruns", "plant_lag_s")
"""What a PLC may say of itself."""

NAMED_VALUES: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        "state_current": {state.name: int(state) for state in State},
        "unit_mode_current": {mode.name: int(mode) for mode in Mode},
    }
)
"""The names that values of these signals have."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of a line, or a PLC itself.

    Args:
        id: machine, buffer or lane, or the PLC's id.
        station: its station's id; empty for a PLC.
        number: the machine's number in its station, or the lane's in its buffer, from 1.
        signals: by name what it may say; a PLC's own signals have no table.
    """

    id: str
    station: str
    number: int
    signals: Mapping[str, Signal | None]


def units_of(line: Line, plc: str) -> dict[str, Unit]:
    """List the units that a PLC of a line speaks for, and the PLC, by their ids.

    >>> line = Line.model_validate({"id": "L", "stations": ({"id": "A", "cycle_time": "1 s"},)})
    >>> {name: unit.number for name, unit in units_of(line, "PLC").items()}
    {'A01': 1, 'PLC': 1}
    """
    signals: dict[str, dict[str, Signal | None]] = {}
    stations: dict[str, str] = {}
    for tag in tags(line):
        if tag.plc == plc:
            signals.setdefault(tag.unit, {})[tag.signal.name] = tag.signal
            stations[tag.unit] = tag.station
    numbers = {
        station.machine_id(machine): machine + 1
        for station in line.stations
        for machine in range(station.machines)
    }
    units = {
        unit: Unit(unit, stations[unit], numbers.get(unit) or _lane(unit), own)
        for unit, own in signals.items()
    }
    units[plc] = Unit(plc, "", 1, dict.fromkeys(PLC_SIGNALS))
    return units


def _lane(unit: str) -> int:
    """The number of a lane, `CUT-out-L03`; of a buffer 1."""
    number = unit.rpartition("-L")[2]
    return int(number) if number.isdecimal() and "-L" in unit else 1
