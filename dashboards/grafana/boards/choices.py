"""What one chooses at the top of a board, and the signals by their names."""

from __future__ import annotations

from typing import Any, Final

from dashboards.grafana.panels import variable
from dashboards.grafana.queries import LINE, STATION
from twin.measurements import fields
from twin.signals import Family, Signal

__all__ = [
    "ALARM",
    "BUFFER",
    "DEFECT",
    "LINES",
    "MACHINE",
    "OF_PLC",
    "OF_STATION",
    "OF_TWIN",
    "VARIABLE",
]
__all__ += ["OF_LINE", "machines", "one_line", "several_lines", "stations", "variables"]


def _by_name(family: Family) -> dict[str, Signal]:
    return {signal.name: signal for signal in fields(family)}


OF_LINE: Final = _by_name(Family.LINE)
OF_STATION: Final = _by_name(Family.STATION)
OF_PLC: Final = _by_name(Family.PLC)
OF_TWIN: Final = _by_name(Family.TWIN)
MACHINE: Final = _by_name(Family.MACHINE)
BUFFER: Final = _by_name(Family.BUFFER)
(ALARM,) = fields(Family.ALARM)
(DEFECT,) = fields(Family.DEFECT)
(VARIABLE,) = fields(Family.VARIABLE)

LINES: Final = 'SHOW TAG VALUES FROM "line" WITH KEY = "line"'


def several_lines() -> dict[str, Any]:
    """Some lines, or all."""
    return variable("line", LINES, several=True)


def one_line() -> dict[str, Any]:
    """A line."""
    return variable("line", LINES, several=False)


def stations(*, several: bool) -> dict[str, Any]:
    """Stations of the line."""
    query = f'SHOW TAG VALUES FROM "machine" WITH KEY = "station" WHERE {LINE}'
    return variable("station", query, several=several)


def machines() -> dict[str, Any]:
    """Machines of the station."""
    query = f'SHOW TAG VALUES FROM "machine" WITH KEY = "machine" WHERE {LINE} AND {STATION}'
    return variable("machine", query, several=True)


def variables() -> dict[str, Any]:
    """Process variables of the station."""
    query = f'SHOW TAG VALUES FROM "variable" WITH KEY = "variable" WHERE {LINE} AND {STATION}'
    return variable("variable", query, several=True, label="Process variable")
