"""A line: the whole description, with no clock and no behaviour."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Literal

from pydantic import Field

from twin.model.base import FileText, Frozen, Id, Text
from twin.model.buffer import Buffer
from twin.model.calendar import Calendar, Shifts
from twin.model.failures import Crew
from twin.model.materials import Material
from twin.model.plc import Plc
from twin.model.quality import DefectClass
from twin.model.quantity import Energy, Micros, Rate
from twin.model.station import Station

__all__ = ["Line", "Product", "Provenance", "Source", "Utility"]


class Source(Frozen):
    """Where numbers come from.

    Args:
        kind: `seed`, the data that the line was begun with; `cited`, a document; `assumption`.
        title: what the document is called.
        url: where it is.
        status: how far it was read.
        facts: what it says.
    """

    kind: Literal["seed", "cited", "assumption"]
    title: str = Field(min_length=1)
    url: str | None = None
    status: str | None = None
    facts: str | None = None


class Provenance(Frozen):
    """What the file says about one number or group of numbers.

    Args:
        source: `seed`, `assumption`, `history` (fitted to what was recorded) or keys of the
            line's `sources`, joined with ` + `; empty where only a note stands.
        note: what else there is to say.
    """

    source: str
    note: str | None = None


class Product(Frozen):
    """What the line makes.

    Args:
        name: what it is called.
        unit: what one is called, as `cell`.
        energy: energy content of one, where it is a cell.
    """

    name: FileText = Text.of("part")
    unit: str = "part"
    energy: Energy | None = None


class Utility(Frozen):
    """Energy that belongs to no station: dry rooms, compressed air.

    Args:
        per_product: for each good unit of product.
    """

    id: Id
    name: FileText | None = None
    per_product: Energy


class Line(Frozen):
    """A production line, whole and checked.

    `lines.load` makes one from a file; it refuses a wrong one with every fault.

    Args:
        linetwin: version of the format.
        id: as `LDES1`.
        enterprise, site: ISA-95 levels above.
        time_zone: IANA name; calendars and shifts are in it.
        product: what it makes.
        target: good units of product an hour of planned busy time.
        warm_up_us: simulated before anything is counted, from an empty line.
        yield_from: the station from which on scrap counts against the yield; absent: all.
        calendar: the calendar of every station that has none of its own.
        shifts: what reports are split by.
        calendars: planned stops.
        crews: who repairs.
        materials: what operations use up, and its stores.
        defects: the kinds of defects.
        plcs: the controllers; absent: one, called `PLC`.
        utilities: energy that belongs to no station.
        sources: documents that numbers come from, by the key that a `source` names.
        facts: other numbers worth keeping, by name; nothing is worked out from them.
        stations: in the order of the process, as people tell it.
        buffers: where parts wait between stations.
        provenance: what the file says of each number's source, by path (`stations[10].cycle_time`).
    """

    linetwin: Literal[1] = 1
    id: Id
    name: FileText | None = None
    enterprise: Id = "ENTERPRISE"
    site: Id = "SITE"
    time_zone: str = "UTC"
    product: Product = Product()
    target: Rate | None = None
    warm_up_us: Micros = Field(alias="warm_up", default=0)
    yield_from: Id | None = None
    calendar: Id | None = None
    shifts: Shifts | None = None
    calendars: tuple[Calendar, ...] = ()
    crews: tuple[Crew, ...] = ()
    materials: tuple[Material, ...] = ()
    defects: tuple[DefectClass, ...] = Field(default=(), max_length=32)
    plcs: tuple[Plc, ...] = ()
    utilities: tuple[Utility, ...] = ()
    sources: dict[str, Source] = Field(default_factory=dict)
    facts: dict[str, str | int | float | bool] = Field(default_factory=dict)
    stations: tuple[Station, ...] = Field(min_length=1, max_length=10_000)
    buffers: tuple[Buffer, ...] = Field(default=(), max_length=100_000)
    provenance: dict[str, Provenance] = Field(default_factory=dict, exclude=True)

    @cached_property
    def station_by_id(self) -> dict[str, Station]:
        """The stations by their ids."""
        return {station.id: station for station in self.stations}

    def calendar_of(self, station: str | None = None) -> Calendar | None:
        """The calendar that a station follows, or the line's own; None: it is always open."""
        named = self.calendar
        if station is not None:
            named = self.station_by_id[station].calendar or named
        return next((calendar for calendar in self.calendars if calendar.id == named), None)

    @cached_property
    def inputs(self) -> dict[str, tuple[Buffer, ...]]:
        """For each station the buffers it takes from, in the file's order."""
        return self._buffers_by_station(lambda buffer: buffer.sinks)

    @cached_property
    def outputs(self) -> dict[str, tuple[Buffer, ...]]:
        """For each station the buffers it puts into, in the file's order."""
        return self._buffers_by_station(lambda buffer: buffer.sources)

    def _buffers_by_station(
        self, side: Callable[[Buffer], tuple[str, ...]]
    ) -> dict[str, tuple[Buffer, ...]]:
        found: dict[str, list[Buffer]] = {station.id: [] for station in self.stations}
        for buffer in self.buffers:
            for name in dict.fromkeys(side(buffer)):
                if name in found:
                    found[name].append(buffer)
        return {name: tuple(buffers) for name, buffers in found.items()}

    @cached_property
    def yield_stations(self) -> frozenset[str]:
        """The stations whose scrap counts against the yield: `yield_from` and all behind it."""
        if self.yield_from is None:
            return frozenset(self.station_by_id)
        reached, todo = {self.yield_from}, [self.yield_from]
        while todo:
            for buffer in self.outputs[todo.pop()]:
                todo += [sink for sink in buffer.sinks if sink not in reached]
                reached |= set(buffer.sinks)
        return frozenset(reached)

    def source_of(self, path: str) -> Provenance | None:
        """Return what the file says about a value's source, there or on what the value is part of.

        Args:
            path: as in `provenance`, `stations[10].cycle_time`.

        Returns:
            The nearest record that names a source; None where none does.
        """
        while True:
            found = self.provenance.get(path)
            if found is not None and found.source:
                return found
            if not path:
                return None
            path = path[: max(path.rfind("."), path.rfind("["), 0)]

    def plc_of(self, station: str) -> str:
        """The id of the PLC that controls a station; `PLC` where the file names none."""
        named = self.station_by_id[station].plc
        return named or (self.plcs[0].id if self.plcs else "PLC")
