"""How many units of the product one part stands for, at each place of a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twin.model.quantity import MILLI
from twin.model.topology import upstream_first

if TYPE_CHECKING:
    from twin.model.line import Line
    from twin.model.station import Station

__all__ = ["parts_an_operation", "product_units", "same_units"]

TOLERANCE = 0.005
"""Parts whose units differ by no more than this, relatively, are taken for the same kind."""


def product_units(line: Line) -> dict[str, float]:
    """Work out the units of product that one outgoing part of each station stands for.

    In this order: what the station's `product_units` says; for a station with one input buffer
    the units of a part in it, times takes over gives where it makes new parts; 1 for a source or
    an assembly. A part in a buffer stands for what the buffer's first source puts in (a source
    that lies behind the buffer, in a loop, is left out).

    Args:
        line: any line; one with loops too.

    Returns:
        Units by station id, greater than 0.

    >>> from twin.model import Buffer, Line, Station
    >>> line = Line(id="L", stations=(Station(id="A", cycle_time="1 s"),
    ...                               Station(id="PAL", takes=12, gives=1, cycle_time="1 s")),
    ...             buffers=(Buffer(id="AB", sources="A", sinks="PAL"),))
    >>> product_units(line)
    {'A': 1.0, 'PAL': 12.0}
    """
    units: dict[str, float] = {}
    for name in upstream_first(line):
        station = line.station_by_id[name]
        inputs = line.inputs[name]
        if station.product_units is not None:
            units[name] = station.product_units
        elif len(inputs) == 1:
            (buffer,) = inputs
            incoming = next((units[s] for s in buffer.sources if s in units), 1.0)
            if station.gives_milli is not None:
                incoming *= station.takes_from(buffer.id) / station.gives_milli
            units[name] = incoming
        else:
            units[name] = 1.0
    return {station.id: units[station.id] for station in line.stations}


def parts_an_operation(line: Line, station: Station) -> float:
    """How many parts a station's operation puts out, by the line file.

    >>> from twin.model import Line, Station
    >>> line = Line(id="L", stations=(Station(id="A", cycle_time="1 s", gives=12),))
    >>> parts_an_operation(line, line.stations[0])
    12.0
    """
    if station.gives_milli is not None:
        return station.gives_milli / MILLI
    inputs = line.inputs[station.id]
    return station.takes_from(inputs[0].id) / MILLI if len(inputs) == 1 else 1.0


def same_units(one: float, other: float) -> bool:
    """Tell whether two parts stand for the same units of product, within half a percent.

    Where either is not a number (a station whose units are unknown) they are taken for the same.

    >>> same_units(12.0, 12.01), same_units(12.0, 13.0)
    (True, False)
    """
    return not abs(one - other) > TOLERANCE * max(abs(one), abs(other))
