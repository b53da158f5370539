"""A line as it was at an instant, put together from its history: every reading is stored in it.

What is stored has three gaps, and each is dealt with. When nobody looked, `watched` says. How long
things had gone on by then follows from the readings before the instant: of quick stations all of a
few minutes, of slow ones one a short interval, back over an operation. Counters of notifications
that never came are not there, nor were they ever known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from twin.engine.quantiles import quantile_table
from twin.historian.port import Historian, History, Quality, Query, Samples
from twin.live.machine_memory import REMEMBERED
from twin.live.mirror import Mirror
from twin.live.readings import ConnectionChanged, Reading, Recalled
from twin.model.line import Line
from twin.model.station import Station
from twin.signals import Tag, tags

__all__ = ["Recollection", "mirror_then", "recollected", "span_of"]

SECOND_US = 1_000_000
EXACT_US = 360 * SECOND_US
SLOW_US = 4 * 3600 * SECOND_US
ROWS = 480
SEARCHED_US = 3600 * SECOND_US
SLACK = 1.1
SILENT_US = 60 * SECOND_US
"""Before histories said when a PLC was watched: silent for so long, it was not."""


Row: TypeAlias = tuple[int, float, int]
"""When, value, quality."""


@dataclass(frozen=True, slots=True)
class Recollection:
    """What a history says of a line at an instant.

    Args:
        line: its.
        at_us: the instant, by the plant's clock, microseconds since 1970-01-01 UTC.
        readings: what was known then, and what tells how long things had gone on; in order of time.
        heard_us: by PLC how far it had been heard, by its own clock; without an entry nothing was.
        ahead_us: by PLC by how much its clock was ahead of the line's.
        spoke_us: by PLC the last that it said before, by its own clock.
        watched: the PLCs that were heard at the instant.
        connected_us: by PLC when it was connected last, by the twin's clock.
    """

    line: Line
    at_us: int
    readings: tuple[Reading, ...]
    heard_us: dict[str, int]
    ahead_us: dict[str, int]
    spoke_us: dict[str, int]
    watched: frozenset[str]
    connected_us: dict[str, int]


def span_of(store: Historian, line: Line) -> tuple[int, int] | None:
    """From when to when a history has values of a line's plant; None where it has none.

    Args:
        store: the history.
        line: which.

    Returns:
        Microseconds since 1970-01-01 UTC by the plant's clock, both included.

    Raises:
        LinetwinError: the store is away, or needs mending.
    """
    known = {tag.key for tag in tags(line)}
    last = store.last(Query(line.id))
    newest = [
        at_us
        for index, at_us in zip(last.series_index.tolist(), last.at_us.tolist(), strict=True)
        if (last.series[index].unit, last.series[index].signal) in known
    ]
    if not newest:
        return None
    first = store.read(Query(line.id, signal="state_current", limit=1))
    if not len(first):
        first = store.read(Query(line.id, limit=1))
    return int(first.at_us[0]), max(newest)


def recollected(store: Historian, line: Line, at_us: int) -> Recollection | None:
    """Ask a history what was known of a line at an instant.

    Args:
        store: the history.
        line: which.
        at_us: when, by the plant's clock, microseconds since 1970-01-01 UTC.

    Returns:
        None where it has nothing of the line up to then.

    Raises:
        LinetwinError: the store is away, or needs mending.
    """
    known = {tag.key: tag for tag in tags(line)}
    plcs = dict.fromkeys(tag.plc for tag in known.values())
    said = _last(store, line, at_us)
    ahead_us = dict.fromkeys(plcs, 0) | _ahead_us(store, line, at_us)
    # Of a PLC whose clock was ahead, what it said by then is stamped later.
    of_plc = {
        by_us: _last(store, line, at_us + by_us) if by_us else said
        for by_us in dict.fromkeys(ahead_us.values())
    }
    newest = [
        _reading(tag, *of_plc[ahead_us[tag.plc]][key])
        for key, tag in known.items()
        if key in of_plc[ahead_us[tag.plc]]
    ]
    if not newest:
        return None
    last_us: dict[str, int] = {}
    for reading in newest:
        last_us[reading.plc] = max(last_us.get(reading.plc, 0), reading.source_us)
    heard_us, spoke_us, watched, connected_us = {}, {}, set(), {}
    for plc, by_us in ahead_us.items():
        told, last = of_plc[by_us], last_us.get(plc, 0)
        watched_us, on, _ = told.get((plc, "watched"), (0, 0.0, 0))
        if last or watched_us:
            spoke_us[plc] = max(last, watched_us)
        if on or (not watched_us and at_us + by_us - last <= SILENT_US):
            watched.add(plc)
            heard_us[plc] = at_us + by_us
        elif last:
            # What says that it is not watched any more says so a microsecond later.
            heard_us[plc] = max(last, watched_us - 1)
        if (plc, "connected") in said:
            connected_us[plc] = said[plc, "connected"][0]
    before = _before(store, line, known, at_us, ahead_us)
    readings = sorted((*before, *newest), key=lambda reading: reading.source_us)
    return Recollection(
        line, at_us, tuple(readings), heard_us, ahead_us, spoke_us, frozenset(watched), connected_us
    )


def _ahead_us(store: Historian, line: Line, at_us: int) -> dict[str, int]:
    """By how much clocks were ahead of the line's: each says it by itself, so it is looked for.

    A clock that was off by more than an hour is known of only if it still is.
    """
    asked = Query(line.id, signal="clock_corrected_s")
    near = Query(line.id, None, asked.signal, at_us - SEARCHED_US, at_us + SEARCHED_US)
    found: dict[str, int] = {}
    for history in (store.last(asked), store.read(near)):
        for index, when, seconds, _ in _rows(history):
            by_us = round(seconds * 1e6)
            if when - by_us <= at_us:
                found[history.series[index].unit] = by_us
    return found


def _last(store: Historian, line: Line, at_us: int) -> dict[tuple[str, str], Row]:
    """The newest row of every series up to an instant."""
    found = store.last(Query(line.id, to_us=at_us + 1))
    return {
        (found.series[index].unit, found.series[index].signal): (when, value, quality)
        for index, when, value, quality in _rows(found)
    }


def mirror_then(found: Recollection) -> Mirror:
    """Make the mirror that knows what was known then.

    Of a PLC that was not heard at the instant it has the last values, none of them trusted.
    """
    mirror = Mirror(found.line)
    for plc in found.watched:
        mirror.handle(ConnectionChanged(plc, connected=True, at_us=found.at_us, reason=""))
    lost_us = {plc: us for plc, us in found.heard_us.items() if plc not in found.watched}
    mirror.handle(Recalled(found.readings, found.heard_us, found.ahead_us, lost_us))
    return mirror


def _before(
    store: Historian,
    line: Line,
    known: dict[tuple[str, str], Tag],
    at_us: int,
    ahead_us: dict[str, int],
) -> Iterator[Reading]:
    """What says how long things had gone on."""
    bands: dict[int, set[str]] = {}
    longest = {station.id: _longest_us(station) for station in line.stations}
    for station in line.stations:
        us = longest[station.id]
        upper_us = EXACT_US if us <= EXACT_US else SLOW_US if us <= SLOW_US else 0
        bands.setdefault(upper_us, set()).add(station.id)
    to_us = at_us + max(0, *ahead_us.values()) + 1
    for upper_us, stations in bands.items():
        span_us = int(SLACK * (upper_us or max(longest[name] for name in stations)))
        for signal in sorted(REMEMBERED):
            asked = Query(line.id, signal=signal, from_us=at_us - span_us, to_us=to_us)
            if upper_us == EXACT_US:
                found: History | Samples = store.read(asked)
            else:
                found = store.sampled(asked, max(SECOND_US, span_us // ROWS))
            for index, when, value, quality in _rows(found):
                tag = known.get((found.series[index].unit, signal))
                if tag is None or tag.station not in stations:
                    continue
                if when <= at_us + ahead_us[tag.plc]:
                    yield _reading(tag, when, value, quality)


def _rows(found: History | Samples) -> Iterator[tuple[int, int, float, int]]:
    """Rows of (series, at_us, value, quality)."""
    index, at_us = found.series_index.tolist(), found.at_us.tolist()
    if isinstance(found, History):
        yield from zip(index, at_us, found.value.tolist(), found.quality.tolist(), strict=True)
        return
    # An interval's last value is told at its beginning; a series' very last is known exactly.
    rows = list(zip(index, at_us, found.last.tolist(), strict=True))
    yield from (
        (of, when, value, Quality.GOOD)
        for (of, when, value), (of_next, _, _) in pairwise(rows)
        if of == of_next
    )


def _longest_us(station: Station) -> int:
    table = quantile_table(station.cycle_time, 1 / station.effectiveness)
    return int(table.constant_us or table.main[-1])


def _reading(tag: Tag, at_us: int, value: float, quality: int) -> Reading:
    return Reading(tag.plc, tag.unit, tag.signal.name, value, at_us, at_us, Quality(int(quality)))
