"""Which series a database has: the fields of each measurement, and whose series a line has.

A family of signals is a measurement. What the plant says is in `twin.signals`, what the twin works
out of it in `twin.twin_signals`; a store of history needs both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from twin.model.base import Text
from twin.model.line import Line
from twin.signals import (
    BUFFER_SIGNALS,
    MACHINE_SIGNALS,
    TWIN_SIGNALS,
    Family,
    Signal,
    ValueType,
    lane_signal,
    tags,
)
from twin.twin_signals import (
    FORECAST_SIGNALS,
    HEARING_SIGNALS,
    LINE_SIGNALS,
    PLC_SIGNALS,
    STATION_SIGNALS,
)

__all__ = ["KeptSeries", "fields", "kept_series"]

_OF_THE_TWIN: Final = (
    TWIN_SIGNALS,
    LINE_SIGNALS,
    FORECAST_SIGNALS,
    STATION_SIGNALS,
    PLC_SIGNALS,
    HEARING_SIGNALS,
)
_MEMBERS: Final = {
    Family.VARIABLE: ValueType.DOUBLE,
    Family.ALARM: ValueType.BOOLEAN,
    Family.DEFECT: ValueType.INT64,
}


@dataclass(frozen=True, slots=True)
class KeptSeries:
    """A series of a line that is kept.

    Args:
        unit: machine, buffer, lane, station or PLC; empty for the line itself.
        station: whose it is; empty where it is no station's.
        signal: its kind.
    """

    unit: str
    station: str
    signal: Signal


def kept_series(line: Line) -> Iterator[KeptSeries]:
    """Every series of a line: what its plant says, then what the twin says of it."""
    for tag in tags(line):
        yield KeptSeries(tag.unit, tag.station, tag.signal)
    for signal in (*TWIN_SIGNALS, *LINE_SIGNALS, *FORECAST_SIGNALS):
        yield KeptSeries("", "", signal)
    for station in line.stations:
        for signal in STATION_SIGNALS:
            yield KeptSeries(station.id, station.id, signal)
    for plc in dict.fromkeys(line.plc_of(station.id) for station in line.stations):
        for signal in (*PLC_SIGNALS, *HEARING_SIGNALS):
            yield KeptSeries(plc, "", signal)


def fields(family: Family) -> tuple[Signal, ...]:
    """The fields of a family's measurement, each as a signal that is kept in it.

    >>> [signal.field for signal in fields(Family.BUFFER)]
    ['level', 'rework_level']
    >>> [(signal.field, signal.value_type.name) for signal in fields(Family.VARIABLE)]
    [('value', 'DOUBLE')]
    """
    match family:
        case Family.MACHINE:
            return MACHINE_SIGNALS
        case Family.BUFFER:
            return BUFFER_SIGNALS
        case Family.LANE:
            return (lane_signal(0),)
        case Family.VARIABLE | Family.ALARM | Family.DEFECT:
            any_member = f"{family.measurement}.any"
            kind, counter = _MEMBERS[family], family is Family.DEFECT
            return (
                Signal(
                    any_member,
                    (),
                    Text.of(any_member),
                    "1",
                    kind,
                    int,
                    counter=counter,
                    family=family,
                ),
            )
    return tuple(signal for table in _OF_THE_TWIN for signal in table if signal.family is family)
