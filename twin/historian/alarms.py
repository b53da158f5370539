"""When alarms stood, as any store of history tells it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from twin.historian.port import Historian, History, Quality, Query, Series
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


def alarm_spells(store: Historian, line: Line, from_us: int, to_us: int) -> list[AlarmSpell]:
    """Return the times in which a line's alarms stood, the earliest first.

    Args:
        store: any store of history.
        line: whose alarms.
        from_us, to_us: half-open interval of source time; a spell that reaches into it counts.

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
    found: list[AlarmSpell] = []
    for name in sorted({signal.name for signal in signals if signal.family is Family.ALARM}):
        before = store.last(Query(line=line.id, signal=name, to_us=from_us))
        inside = store.read(Query(line=line.id, signal=name, from_us=from_us, to_us=to_us))
        told: dict[Series, list[tuple[int, bool]]] = {}
        for history in (before, inside):
            for series, at_us, stands in _told(history):
                told.setdefault(series, []).append((at_us, stands))
        for series, changes in told.items():
            found += _spells(series, changes, from_us)
    return sorted(found, key=lambda spell: (spell.from_us, spell.unit, spell.alarm))


def _told(history: History) -> Iterator[tuple[Series, int, bool]]:
    rows = zip(history.series_index, history.at_us, history.value, history.quality, strict=True)
    for index, at_us, value, quality in rows:
        if quality != Quality.BAD:
            yield history.series[int(index)], int(at_us), bool(value)


def _spells(series: Series, changes: list[tuple[int, bool]], from_us: int) -> Iterator[AlarmSpell]:
    alarm = series.signal.partition(".")[2]
    began: int | None = None
    for at_us, stands in changes:
        if stands and began is None:
            began = at_us
        elif not stands and began is not None:
            if at_us > from_us:
                yield AlarmSpell(began, at_us, series.unit, alarm)
            began = None
    if began is not None:
        yield AlarmSpell(began, None, series.unit, alarm)
