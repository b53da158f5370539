"""What nobody says of parts: which numbers they have, and which defects they may carry.

A plant counts parts and does not name them. In a state that is put together from its signals they
get numbers that are theirs alone, in the order of their age, and defects with the probabilities
that the line file gives them up to there.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from twin.engine.draws import Key, words_at
from twin.engine.part_codes import NUMBER_BITS, part_codes
from twin.model.line import Line
from twin.model.quantity import MILLI
from twin.model.station import Station
from twin.model.topology import upstream_first

__all__ = ["PartNumbers", "Shares", "defects_of", "drawn_defects", "maker_of", "passes_on"]

Shares = dict[str, float]
"""For each class of defects the probability that a part carries it."""


def passes_on(line: Line, station: Station) -> bool:
    """Whether a station puts out the very parts that it took (rule S6)."""
    return len(line.inputs[station.id]) == 1 and station.gives_milli is None


def maker_of(line: Line, station: Station) -> Station:
    """The station that made the parts that a station puts out.

    >>> from lines.loader import load
    >>> line = load("tube_line")
    >>> maker_of(line, line.station_by_id["AVI"]).id
    'CUT'
    """
    seen: set[str] = set()
    while passes_on(line, station) and station.id not in seen:
        seen.add(station.id)
        station = line.station_by_id[line.inputs[station.id][0].sources[0]]
    return station


def defects_of(line: Line) -> dict[str, Shares]:
    """For each station what the parts that it puts out may carry; loops are left out."""
    found: dict[str, Shares] = {}
    for name in upstream_first(line):
        station = line.station_by_id[name]
        clean = dict.fromkeys((defect.id for defect in line.defects), 1.0)
        for buffer in line.inputs[name]:
            taken = 1.0 if passes_on(line, station) else station.takes_from(buffer.id) / MILLI
            for defect, share in found.get(buffer.sources[0], {}).items():
                clean[defect] *= (1 - share) ** taken
        shares = {d: 1 - p * (1 - station.defects.get(d, 0.0)) for d, p in clean.items()}
        if station.inspection is not None:
            for defect, finds in station.inspection.detects.items():
                shares[defect] *= 1 - finds
        found[name] = shares
    return found


def drawn_defects(
    line: Line, shares: Shares, count: int, key: Key, first: int
) -> NDArray[np.int64]:
    """Draw the defects of some parts.

    Args:
        line: theirs.
        shares: how probable each is.
        count: how many parts.
        key, first: whose draws, and the first of their indexes.

    Returns:
        Defects as bits; int64, (count,).
    """
    bits = np.zeros(count, dtype=np.int64)
    for number, defect in enumerate(line.defects):
        share = shares.get(defect.id, 0.0)
        if share > 0:
            index = np.arange(first, first + count, dtype=np.uint64) + np.uint64(number << 40)
            uniform = (words_at(key, index) >> np.uint64(11)).astype(np.float64) * 2.0**-53
            bits |= (uniform < share).astype(np.int64) << number
    return bits


@dataclass(slots=True)
class PartNumbers:
    """Hands out the numbers of parts that are inside, the oldest part first (rule S4).

    Args:
        line: theirs.
        next_made: for each station that makes parts how many it has made by now.
    """

    line: Line
    next_made: dict[str, int]
    _inside: dict[str, int] = field(default_factory=dict)
    _given: dict[str, int] = field(default_factory=dict)
    _codes: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self._codes = part_codes(self.line)

    def expect(self, maker: str, count: int) -> None:
        """Say that so many more parts of a maker are inside; all that are, before `take`."""
        self._inside[maker] = self._inside.get(maker, 0) + count

    def inside(self, maker: str) -> int:
        """How many parts of a maker are inside."""
        return self._inside.get(maker, 0)

    def code(self, maker: str) -> int:
        """What the numbers of a maker's parts begin at."""
        return self._codes[maker] << NUMBER_BITS

    def take(self, maker: str, count: int) -> NDArray[np.int64]:
        """The numbers of the next parts; int64."""
        given = self._given.get(maker, 0)
        self._given[maker] = given + count
        first = self.next_made[maker] - self._inside.get(maker, 0) + given
        return np.arange(first, first + count, dtype=np.int64) + self.code(maker)
