"""When alarms stood, as any store of history tells it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from twin.historian.port import Historian, History, Names, Quality, Query, Series
from twin.model.line import Line
from twin.signals import TWIN_SIGNALS, Family, tags

__all__ = ["AlarmSpell", "alarm_spells"]


@dataclass(frozen=True, slots=True, order=True)
class AlarmSpell:
    """A time in which an alarm stood.

    Args:
        from_us: when it came, microseconds since 1970-01-01 UTC, by the plant's clock; for one that
            stood before what was asked for, the last time before it that it was said to stand.
        to_us: when it went; None where it still stood at the end of what was asked for.
        unit: whose it is; empty for one of the twin itself.
        alarm: its id in the line file.
    """

    from_us: int
    to_us: int | None
    unit: str
    alarm: str


def alarm_spells(
    store: Historian, line: Line, from_us: int, to_us: int, unit: Names = None
) -> list[AlarmSpell]:
    """Return the times in which a line's alarms stood, the earliest first.

    Args:
        store: any store of history.
        line: whose alarms.
        from_us, to_us: half-open interval of source time; a spell that reaches into it counts.
        unit: whose, as in `Query`; None for all.

    What is of bad quality is no news: the alarm is taken to be as it was.

    Raises:
        NotConnected: the store is away.
        LinetwinError: the store needs mending, or is closed.

    >>> from lines.loader import load
    >>> from twin.historian.memory import MemoryHistorian
    >>> from twin.historian.port import Point
    >>> line = load("tube_line")
    >>> tag = next(tag for tag in tags(line) if tag.signal.family is Family.ALARM)
    >>> store, series = MemoryHistorian(), Series(line.id, *tag.key)
    >>> _ = store.write([Point(series, at_us, up) for at_us, up in ((0, 0), (5, 1), (9, 0))])
    >>> [(spell.from_us, spell.to_us) for spell in alarm_spells(store, line, 0, 100)]
    [(5, 9)]
    """
    signals = [*(tag.signal for tag in tags(line)), *TWIN_SIGNALS]
    names = tuple(sorted({signal.name for signal in signals if signal.family is Family.ALARM}))
    before = _told(store.last(Query(line.id, unit, names, to_us=from_us)))
    inside = _told(store.read(Query(line.id, unit, names, from_us=from_us, to_us=to_us)))
    nothing = np.array([], np.int64), np.array([], np.bool_)
    found: list[AlarmSpell] = []
    for series in before.keys() | inside.keys():
        earlier, later = before.get(series, nothing), inside.get(series, nothing)
        at_us = np.concatenate([earlier[0], later[0]])
        stands = np.concatenate([earlier[1], later[1]])
        found += _spells(series, at_us, stands, from_us)
    return sorted(found, key=lambda spell: (spell.from_us, spell.unit, spell.alarm))


Told: TypeAlias = tuple[NDArray[np.int64], NDArray[np.bool_]]
"""Instants, and whether an alarm stood from then on."""


def _told(history: History) -> dict[Series, Told]:
    edges = np.searchsorted(history.series_index, np.arange(len(history.series) + 1))
    told = {}
    for number, series in enumerate(history.series):
        rows = slice(edges[number], edges[number + 1])
        known = history.quality[rows] != Quality.BAD
        told[series] = history.at_us[rows][known], history.value[rows][known] != 0
    return told


def _spells(
    series: Series, at_us: NDArray[np.int64], stands: NDArray[np.bool_], from_us: int
) -> Iterator[AlarmSpell]:
    alarm = series.signal.partition(".")[2]
    changes = np.flatnonzero(np.diff(stands, prepend=False))
    instants: list[int | None] = at_us[changes].tolist()
    # It comes and goes in turn, so every other change is a coming.
    for began, ended in zip_longest(instants[::2], instants[1::2]):
        if began is not None and (ended is None or ended > from_us):
            yield AlarmSpell(began, ended, series.unit, alarm)
