"""The parts of a state that is put together from signals: where they are, what they carry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.engine.draws import Key
from twin.engine.snapshot import SAVED
from twin.engine.snapshot_rows import REWORK, lane_keys
from twin.live.guesses import Guesses
from twin.live.inferred import Basis, Levels
from twin.live.part_guesses import PartNumbers, defects_of, drawn_defects, maker_of, passes_on
from twin.model.line import Line
from twin.model.quantity import MILLI
from twin.model.station import Station
from twin.model.topology import downstream_rank
from twin.signals import lane_id

__all__ = ["IN_LANE", "IN_LOAD", "IN_OUT", "Holding", "finished", "in_lanes", "load", "part_rows"]

IN_LANE, IN_LOAD, IN_OUT = range(3)
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Holding:
    """Parts that are somewhere.

    Args:
        held_in, holder: as in a snapshot's `parts`.
        maker: the station that made them.
        count: how many.
        source: the station that put them out last.
        rework_pass: of all of them.
    """

    held_in: int
    holder: int
    maker: str
    count: int
    source: str
    rework_pass: int = 0


def load(line: Line, station: Station, place: int) -> list[Holding]:
    """What a place at work has taken."""
    return [
        Holding(
            IN_LOAD,
            place,
            maker_of(line, line.station_by_id[buffer.sources[0]]).id,
            max(1, station.takes_from(buffer.id) // MILLI),
            buffer.sources[0],
        )
        for buffer in line.inputs[station.id]
    ]


def finished(line: Line, station: Station, place: int, made: int) -> Holding:
    """What a place has yet to put out.

    Args:
        line, station, place: whose.
        made: what the machine has put out so far; with it goes how far it is with this load.
    """
    if passes_on(line, station):
        whole = station.takes_from(line.inputs[station.id][0].id) / MILLI
    else:
        whole = (station.gives_milli or MILLI) / MILLI
    gone = int(made % whole) if whole > 1 else 0
    maker = maker_of(line, station).id
    return Holding(IN_OUT, place, maker, max(1, int(whole) - gone), station.id)


def in_lanes(line: Line, levels: Levels, guesses: Guesses) -> list[Holding]:
    """What lies in the lanes of all buffers; of a level that nobody reports, what can be."""
    found, mirror = [], levels.mirror
    buffers = {buffer.id: buffer for buffer in line.buffers}
    for lane, (buffer_id, number) in enumerate(lane_keys(line)):
        buffer = buffers[str(buffer_id)]
        source = line.station_by_id[buffer.sources[0]]
        if number == REWORK:
            held = mirror.reported(buffer.id, "rework_level")
        elif buffer.lanes > 1:
            held = mirror.reported(lane_id(buffer, int(number)), "level")
        else:
            held = mirror.reported(buffer.id, "level")
        if held is None:
            least, most = 0, 0 if number == REWORK else buffer.capacity or 0
            known = levels.level(buffer)
            if number != REWORK and buffer.lanes == 1 and known.basis is Basis.INFERRED:
                least = int(known.low)
                most = int(min(known.high, max(least, most)))
            if least < most or known.basis is Basis.UNKNOWN:
                guesses.named.append(f"{buffer.id}: how many parts are in it")
            level = least + int(guesses.uniform(f"{buffer.id}/{number}/level") * (most - least + 1))
        else:
            level = max(0, int(held.value))
        maker, back = maker_of(line, source).id, int(number == REWORK)
        found.append(Holding(IN_LANE, lane, maker, level, source.id, back))
    return found


def part_rows(
    line: Line, holdings: Sequence[Holding], numbers: PartNumbers, key: Key
) -> dict[str, Ints]:
    """Give every part its number and its defects.

    Args:
        line: theirs.
        holdings: all parts that are inside; `numbers` expects them.
        numbers: hands out their numbers.
        key: whose draws decide on defects.

    Returns:
        The columns of a snapshot's `parts`, each int64, in their order.
    """
    ranks = downstream_rank(line)
    # The furthest down the line is the oldest.
    order = sorted(holdings, key=lambda h: (ranks[h.source], h.held_in == IN_LANE))
    count = np.array([h.count for h in order], dtype=np.int64)

    def each(values: list[int]) -> Ints:
        return np.repeat(np.array(values, dtype=np.int64), count)

    held_in, holder = each([h.held_in for h in order]), each([h.holder for h in order])
    rework_pass = each([h.rework_pass for h in order])
    taken = [numbers.take(h.maker, h.count) for h in order]
    number = np.concatenate([*taken, np.empty(0, dtype=np.int64)])
    defects = np.zeros(len(number), dtype=np.int64)
    source = each([ranks[h.source] for h in order])
    shares, names = defects_of(line), {rank: name for name, rank in ranks.items()}
    for rank in np.unique(source).tolist():
        rows = np.flatnonzero((source == rank) & (rework_pass == 0))
        if len(rows):
            bits = drawn_defects(line, shares[names[rank]], len(rows), key, int(rows[0]))
            defects[rows] = bits
    # In a lane the first is the oldest; over all lanes they take turns from their ends.
    ends = np.cumsum(count)
    from_end = np.arange(len(number)) - np.repeat(ends, count)
    entered = np.zeros(len(number), dtype=np.int64)
    in_lane = np.flatnonzero(held_in == IN_LANE)
    turns = in_lane[np.lexsort((holder[in_lane], from_end[in_lane]))]
    entered[turns] = np.arange(1, len(turns) + 1)
    rows = np.lexsort((entered, holder, held_in))
    columns = {
        "held_in": held_in, "holder": holder, "number": number, "rework_pass": rework_pass,
        "defects": defects, "entered": entered,
    }  # fmt: skip
    return {name: columns[name][rows] for name in SAVED["parts"]}
