"""A line as far as it is well formed: what the checks look at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from twin.errors import Fault
from twin.model.buffer import Buffer
from twin.model.line import Line

__all__ = ["Draft"]


@dataclass(frozen=True)
class Draft:
    """A line in which stand-ins hold the places of elements that are not well formed.

    So one look at a file finds everything: the stand-in for a broken station carries the id that
    the file gives it, and nobody who names that station is told that it does not exist.

    Args:
        line: the line; a stand-in whose id can't be read has the id ``""``, a stand-in for a
            buffer has no sources (or sinks) where these can't be read, and a stand-in for a
            station has NaN as its product units.
        broken: the paths of the stand-ins, as `stations[3]`.
    """

    line: Line
    broken: frozenset[str] = frozenset()

    @cached_property
    def station_ids(self) -> frozenset[str]:
        """The ids of all stations, the broken ones' too."""
        return frozenset(station.id for station in self.line.stations)

    def strays(self, buffer: Buffer) -> bool:
        """Tell whether a buffer may lead from or to stations that can't be told."""
        names = (*buffer.sources, *buffer.sinks)
        known = self.station_ids
        return not buffer.sources or not buffer.sinks or any(n not in known for n in names)

    @cached_property
    def stray_buffers(self) -> frozenset[str]:
        """The ids of the buffers that may lead from or to stations that can't be told."""
        return frozenset(buffer.id for buffer in self.line.buffers if self.strays(buffer))

    @property
    def all_ways_known(self) -> bool:
        """Whether every buffer's ends are known, so that what seems missing is missing."""
        return not self.stray_buffers

    def about_the_file(self, fault: Fault) -> bool:
        """Tell whether a fault is about what the file says and not about a stand-in."""
        element, _, field = fault.path.partition(".")
        if element not in self.broken:
            return True
        # These three of a broken element are what the file says, where it could be read.
        return field == "id" or field.startswith(("from", "to"))
