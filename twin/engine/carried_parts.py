"""Where the parts of a snapshot go when lanes or places of theirs are gone from the line.

A step of `carry_over`; the rules are those of `docs/explanation/snapshot.md`. No part is lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.engine.draws import Purpose, draw_index, key_for, threshold, word
from twin.engine.snapshot_rows import Key, keys_of_rows, lane_keys
from twin.model.buffer import Buffer
from twin.model.line import Line
from twin.model.quantity import MILLI
from twin.model.station import Station

__all__ = ["Moved", "Part", "carried_parts"]

IN_LANE, IN_LOAD, IN_OUT = range(3)
FIRST, AS_BEFORE, LAST = range(3)
Columns = dict[str, NDArray[np.int64]]


class Part(NamedTuple):
    """A row of the table `parts`."""

    held_in: int
    holder: int
    number: int
    rework_pass: int
    defects: int
    entered: int


class Moved(NamedTuple):
    """What has become of the parts.

    Args:
        parts: all that are inside the changed line, in the order of a snapshot.
        given_up, put_out: for each place of the old line the parts that went back from it, and
            those that went out of it, or out of the line.
        left: numbers of the parts that left the line.
        between_lanes: for each buffer the parts that went to another of its lanes.
    """

    parts: list[Part]
    given_up: Counter[int]
    put_out: Counter[int]
    left: list[int]
    between_lanes: Counter[str]


def _taken(station: Station, buffer: Buffer, operation: int) -> int:
    """How many parts an operation took from a buffer (rule S5)."""
    milli = station.takes_from(buffer.id)
    return (operation + 1) * milli // MILLI - operation * milli // MILLI


def _outputs(line: Line, station: Station, part: Part, seed: int, replication: int) -> list[Buffer]:
    """The buffers between whose lanes a part may choose (rule S10)."""
    buffers = list(line.outputs[station.id])
    shares = [b.share for b in buffers if b.share is not None]
    if not shares:
        return buffers
    key = key_for(seed, replication, Purpose.ROUTE, station.id)
    drawn = word(key, draw_index(part.number, part.rework_pass)) >> 1
    below = [threshold(min(sum(shares[: i + 1]), 1.0)) for i in range(len(shares))]
    chosen = next((i for i, limit in enumerate(below) if drawn < limit), len(buffers) - 1)
    return [buffers[chosen]]


class _Lanes:
    """The lanes of the changed line: who is in each, with the turn at which it entered."""

    def __init__(self, line: Line) -> None:
        keys = lane_keys(line)
        self.row = {key: row for row, key in enumerate(keys)}
        self.own = {b.id: [self.row[b.id, lane] for lane in range(b.lanes)] for b in line.buffers}
        self.inside: list[list[tuple[tuple[int, int], Part]]] = [[] for _ in keys]
        self._turn = 0

    def enter(self, lane: int, when: int, part: Part) -> None:
        """Put a part into a lane: before all others, as it entered before, or behind all."""
        self._turn += 1
        turn = part.entered if when == AS_BEFORE else self._turn
        self.inside[lane].append(((when, turn), part))

    def enter_emptiest(self, buffers: Iterable[Buffer], when: int, part: Part) -> None:
        """Put a part into the lane with the lowest level, the first in the file on a tie."""
        lanes = [lane for buffer in buffers for lane in self.own[buffer.id]]
        self.enter(min(lanes, key=lambda lane: len(self.inside[lane])), when, part)

    def parts(self) -> list[Part]:
        """All parts by lane, with their turns anew."""
        rows = [
            (turn, lane, part) for lane, parts in enumerate(self.inside) for turn, part in parts
        ]
        in_turn = sorted(range(len(rows)), key=lambda i: rows[i][0])
        entered = {row: turn for turn, row in enumerate(in_turn, 1)}
        placed = [
            part._replace(held_in=IN_LANE, holder=lane, entered=entered[row])
            for row, (_, lane, part) in enumerate(rows)
        ]
        return sorted(placed, key=lambda part: (part.holder, part.entered))


def carried_parts(
    old: Line, new: Line, parts: Iterable[Part], places: Columns, seed: int, replication: int
) -> Moved:
    """Give every part its place in the changed line.

    Args:
        old, new: the line before and after.
        parts: of the snapshot, in its order.
        places: its table of places, by column.
        seed, replication: of its draws.
    """
    before, lanes = lane_keys(old), _Lanes(new)
    old_places: list[Key] = keys_of_rows(old)["places"]
    place_row = {key: row for row, key in enumerate(keys_of_rows(new)["places"])}
    stations, buffers = new.station_by_id, {b.id: b for b in new.buffers}
    moved = Moved([], Counter(), Counter(), [], Counter())
    on_places: list[Part] = []
    homeless: list[Part] = []
    loads: dict[int, list[Part]] = {}
    finished: list[Part] = []
    for part in parts:
        if part.held_in == IN_LANE:
            row = lanes.row.get(before[part.holder])
            if row is None:
                homeless.append(part)
            else:
                lanes.enter(row, AS_BEFORE, part)
            continue
        place = place_row.get(old_places[part.holder])
        if place is not None:
            on_places.append(part._replace(holder=place))
        elif part.held_in == IN_LOAD:
            loads.setdefault(part.holder, []).append(part)
        else:
            finished.append(part)
    for part in sorted(homeless, key=lambda part: part.entered):
        buffer = buffers[str(before[part.holder][0])]
        lanes.enter_emptiest([buffer], AS_BEFORE, part)
        moved.between_lanes[buffer.id] += 1
    for place in sorted(loads, key=lambda place: (places["started_us"][place], place)):
        station, rest = stations[str(old_places[place][0])], iter(loads[place])
        inputs, operation = new.inputs[station.id], int(places["operation"][place])
        for buffer in inputs:
            # Whatever is beyond what it took can't be told apart, and goes to the last.
            count = _taken(station, buffer, operation)
            for part in rest if buffer is inputs[-1] else _first(rest, count):
                lanes.enter_emptiest([buffer], FIRST, part)
                moved.given_up[place] += 1
    for part in finished:
        station = stations[str(old_places[part.holder][0])]
        outputs = _outputs(new, station, part, seed, replication)
        moved.put_out[part.holder] += 1
        if outputs:
            lanes.enter_emptiest(outputs, LAST, part)
        else:
            moved.left.append(part.number)
    moved.parts.extend(lanes.parts())
    moved.parts.extend(sorted(on_places, key=lambda part: (part.held_in, part.holder)))
    return moved


def _first(parts: Iterable[Part], count: int) -> list[Part]:
    return [part for _, part in zip(range(count), parts, strict=False)]
