"""What a PLC's job orders may ask for: stations, machines, the product and how it is made."""

from __future__ import annotations

from dataclasses import dataclass

from twin.model.base import Text
from twin.model.line import Line
from twin.model.station import Station

__all__ = ["Offer", "offer_of"]

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Offer:
    """What can be ordered of a PLC, and by what its parts are counted.

    Args:
        work_master: id of the way in which the product is made; the line has one.
        product: id of what is made.
        name: what it is called.
        unit: what one is called.
        stations: ids of the PLC's stations.
        machines: ids of their machines.
        outlets: the machines whose good parts count: those of the stations that feed no other
            station of the PLC.
    """

    work_master: str
    product: str
    name: Text
    unit: str
    stations: tuple[str, ...]
    machines: tuple[str, ...]
    outlets: tuple[str, ...]


def offer_of(line: Line, plc: str) -> Offer:
    """Say what can be ordered of a PLC of a line.

    >>> line = Line.model_validate({"id": "L", "stations": (
    ...     {"id": "A", "cycle_time": "1 s"}, {"id": "B", "machines": 2, "cycle_time": "2 s"}),
    ...     "buffers": ({"id": "Q", "from": "A", "to": "B"},)})
    >>> offer_of(line, "PLC").stations, offer_of(line, "PLC").outlets
    (('A', 'B'), ('B01', 'B02'))
    """
    own = [station for station in line.stations if line.plc_of(station.id) == plc]
    ids = {station.id for station in own}
    feeding = {
        source for buffer in line.buffers if ids & {*buffer.sinks} for source in buffer.sources
    }
    # Stations in a ring all feed another: then the last one's parts count.
    last = [station for station in own if station.id not in feeding] or own[-1:]

    def machines(stations: list[Station]) -> tuple[str, ...]:
        return tuple(s.machine_id(number) for s in stations for number in range(s.machines))

    return Offer(
        line.id,
        line.product.name.en,
        line.product.name,
        line.product.unit,
        tuple(station.id for station in own),
        machines(own),
        machines(last),
    )
