"""Which station limits a line, and when: the active period method on moving windows.

Whoever has been active longest without waiting at an instant limits the line then; where two such
periods overlap, the limit shifts from one to the other (Roser, Nakano, Tanaka, "Shifting bottleneck
detection", WSC 2002). Two things are added, since lines have rolls, ovens and parallel machines:

- A station counts as active in a window if it loses about as little of its time to waiting as the
  one that loses least there. One short wait of one machine of five then ends no period, and a mixer
  with a batch of three hours in hand does not win for being slow.
- Only those are looked at whose parts somebody lacks: the line's end, the sources of the buffers
  for which it starves, their sources, and so on. It is the side on which arrows of blocked and
  starved time meet (Kuo, Lim, Meerkov, "Bottlenecks in serial production lines", 1996).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.engine.counters import Counters
from twin.engine.wait_causes import wait_causes
from twin.model.line import Line
from twin.model.status import Condition

__all__ = ["NEAR", "WINDOWS", "Limits", "limits_of"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
NEAR = 0.01
"""Of a station's time: losses that differ by less are equal; a lack of less is none."""
WINDOWS = 10
"""A window is so many-th of the time that is looked at."""
WAITING = [Condition.STARVED, Condition.BLOCKED]


@dataclass(frozen=True, slots=True, eq=False)
class Limits:
    """Who limited a line.

    Args:
        at_us: engine time at which each of the stretches ends; int64.
        station: of each stretch the station that limited the line, by number; int64.
        shifting: of each stretch whether another limit's active period overlapped.
    """

    at_us: Ints
    station: Ints
    shifting: NDArray[np.bool_]

    def shares(self, stations: int) -> Floats:
        """Shares of the time, sole and shifting; float64, (2, stations).

        >>> Limits(np.array([1, 2]), np.array([0, 1]), np.array([False, True])).shares(2).tolist()
        [[0.5, 0.0], [0.0, 0.5]]
        """
        found = np.zeros((2, stations))
        np.add.at(found, (self.shifting.astype(int), self.station), 1)
        return found / len(self.station)


def limits_of(line: Line, readings: Sequence[Counters], from_us: int) -> Limits:
    """Work out who limited a line in each stretch between readings of its counters.

    Args:
        line: which line.
        readings: of one engine at equal distances, the first at `from_us`; at least 2, better
            hundreds.
        from_us: engine time of the first.
    """
    time_us = np.array([one.time_us for one in readings])
    starved_us = np.array([one.starved_by_us for one in readings])
    count = len(readings) - 1
    half = max(1, round(count / WINDOWS / 2))
    middle = np.arange(count)
    low, high = np.maximum(middle - half, 0), np.minimum(middle + 1 + half, count)
    spent = time_us[high] - time_us[low]
    open_us = spent.sum(axis=2) - spent[:, :, Condition.PLANNED_STOP]
    waited = spent[:, :, WAITING].sum(axis=2)
    lost = np.where(open_us > 0, waited / np.maximum(open_us, 1), 1.0)
    wanted = _wanted(line, starved_us[high] - starved_us[low], open_us)
    lost = np.where(wanted, lost, np.inf)
    active = lost <= lost.min(axis=1, keepdims=True) + NEAR
    station, shifting = _walk(active)
    span_us = readings[-1].span_us - readings[0].span_us
    at_us = from_us + np.arange(1, count + 1) * span_us // count
    return Limits(at_us, station, shifting)


def _wanted(line: Line, starved_us: Ints, open_us: Ints) -> NDArray[np.bool_]:
    """Whose parts somebody lacks, in each stretch; bool, (stretches, stations)."""
    causes = wait_causes(line)
    number = {station.id: i for i, station in enumerate(line.stations)}
    wanted = np.zeros(open_us.shape, dtype=bool)
    for i, station in enumerate(line.stations):
        wanted[:, i] = not line.outputs[station.id]
    lacks: list[tuple[int, int, NDArray[np.bool_]]] = []
    for i, station in enumerate(line.stations):
        first = causes.starved_rows(i).start
        for k, buffer in enumerate(line.inputs[station.id]):
            lack = starved_us[:, first + k] > NEAR * open_us[:, i]
            lacks += [(i, number[source], lack) for source in buffer.sources]
    for _ in line.stations:
        before = wanted.sum()
        for taker, source, lack in lacks:
            wanted[:, source] |= wanted[:, taker] & lack
        if wanted.sum() == before:
            break
    return wanted


def _walk(active: NDArray[np.bool_]) -> tuple[Ints, NDArray[np.bool_]]:
    """In each stretch the station whose active period is longest, and whether periods overlap."""
    count, stations = active.shape
    begins, ends = np.zeros((count, stations), int), np.zeros((count, stations), int)
    since = np.zeros(stations, dtype=int)
    for k in range(count):
        since = np.where(active[k], since, k + 1)
        begins[k] = since
    until = np.full(stations, count)
    for k in reversed(range(count)):
        until = np.where(active[k], until, k)
        ends[k] = until
    station = np.argmax(np.where(active, ends - begins, -1), axis=1)
    at = np.arange(count)
    begin, end = begins[at, station], ends[at, station]
    shifting = np.zeros(count, dtype=bool)
    changes = np.flatnonzero((station[1:] != station[:-1]) | (begin[1:] != begin[:-1])) + 1
    for k in changes.tolist():
        # The period before may last on, the one after may have begun before.
        after, before = slice(k, max(k, int(end[k - 1]))), slice(min(k, int(begin[k])), k)
        shifting[after] |= station[after] == station[k]
        shifting[before] |= station[before] == station[k - 1]
    return station, shifting
