"""What a history tells of a line: times and counts, up to an instant and in all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from twin.calibration.times import Times, seconds
from twin.historian.port import Historian, History, Point, Quality, Query
from twin.model.line import Line
from twin.observations import Operation, Repair, Uptime
from twin.observed import SIGNALS, Observed

__all__ = ["Key", "Seen", "Span", "gaps", "look_through", "span_of"]

MINUTE_US: Final = 60_000_000
WINDOW_US: Final = 6 * 3_600_000_000
SILENT_US: Final = 10 * MINUTE_US
"""A recording in which nothing at all changed for so long has a hole there."""

Key = tuple[str, str]
"""A station, and one of its failures."""


@dataclass(frozen=True, slots=True)
class Span:
    """The time that is looked through, microseconds since 1970-01-01 UTC.

    Args:
        from_us, to_us: its ends.
        split_us: what comes from here on is held back, to test what was made from the rest.
    """

    from_us: int
    to_us: int
    split_us: int


@dataclass(slots=True)
class _Spans:
    """Times of one kind of failure: what was known at the split, and what came in all."""

    before: list[tuple[int, bool, bool]] = field(default_factory=list)
    every: list[tuple[int, bool, bool]] = field(default_factory=list)

    def times(self, *, before: bool) -> Times:
        found = self.before if before else self.every

        def of(*, ended: bool, whole: bool) -> list[int]:
            return [us for us, has_ended, is_whole in found
                    if has_ended == ended and is_whole == whole and us > 0]  # fmt: skip

        return Times(
            exact_s=seconds(of(ended=True, whole=True)),
            longer_s=seconds(of(ended=False, whole=True)),
            rest_s=seconds(of(ended=True, whole=False)),
            longer_rest_s=seconds(of(ended=False, whole=False)),
        )


@dataclass(slots=True)
class Seen:
    """What was seen of a line's machines.

    Args:
        span: in which time.
        grain_us: time from scan to scan, as the points show it: how fine an instant is.
        operations: by station, in order of time.
        uptimes, repairs: by station and failure.
    """

    span: Span
    grain_us: int = 0
    operations: dict[str, list[Operation]] = field(default_factory=lambda: defaultdict(list))
    uptimes: dict[Key, _Spans] = field(default_factory=lambda: defaultdict(_Spans))
    repairs: dict[Key, _Spans] = field(default_factory=lambda: defaultdict(_Spans))

    def take(self, one: Operation | Uptime | Repair) -> None:
        """Take in what has ended or was lost sight of."""
        early = one.at_us < self.span.split_us
        if isinstance(one, Operation):
            self.operations[one.station].append(one)
            return
        spans, value = self._spans(one)
        spans.every.append(value)
        if early:
            spans.before.append(value)

    def cut(self, going_on: Iterable[Uptime | Repair]) -> None:
        """Note what goes on at the split."""
        for one in going_on:
            spans, value = self._spans(one)
            spans.before.append(value)

    def _spans(self, one: Uptime | Repair) -> tuple[_Spans, tuple[int, bool, bool]]:
        key = one.station, one.mode
        if isinstance(one, Uptime):
            return self.uptimes[key], (one.ran_us, one.failed, one.whole)
        return self.repairs[key], (one.lasted_us, one.ended, True)

    def cycles(
        self, station: str, factor: float, *, early: bool | None = None, whole: bool = False
    ) -> Times:
        """A station's operations; a time with a stop in it is only as good as the scan.

        Args:
            station: whose.
            factor: what each is multiplied by: the station's effectiveness, for planned times.
            early: those before the split, those after it; None: all.
            whole: only those that were watched from their start on.
        """
        found = [
            one
            for one in self.operations[station]
            if (early is None or (one.at_us < self.span.split_us) == early)
            and (one.whole or not whole)
        ]
        plain = seconds([one.worked_us for one in found if not one.stopped]) * factor
        odd = [one.worked_us for one in found if one.stopped]
        return Times(
            exact_s=plain,
            low_s=seconds([us - self.grain_us for us in odd]) * factor,
            high_s=seconds([us + self.grain_us for us in odd]) * factor,
        )


def span_of(
    store: Historian, line: Line, from_us: int | None, to_us: int | None, held_back: float
) -> Span | None:
    """Say which time is looked through; None where the history has no states of the line in it.

    Args:
        store: the history.
        line: whose.
        from_us, to_us: limits; None for none.
        held_back: the share of the time at its end that is held back.
    """
    asked = Query(line.id, None, "state_current", from_us, to_us)
    first = store.read(Query(line.id, None, "state_current", from_us, to_us, limit=1))
    if not len(first):
        return None
    newest = [store.last(asked)]
    newest += [
        store.last(Query(line.id, None, signal, from_us, to_us))
        for signal in ("cycle_time_s", "processed")
    ]
    begin = int(first.at_us.min())
    end = max(int(found.at_us.max()) for found in newest if len(found))
    return Span(begin, end + 1, end - round((end - begin) * held_back))


def gaps(store: Historian, line: Line, span: Span) -> list[tuple[int, int]]:
    """Stretches in which nobody watched the line, longer than a minute or two.

    Where a twin watched it, it has said every few seconds what the line made; in a recording that
    somebody else made, a hole is where nothing at all changed for ten minutes.
    """
    twins = store.sampled(
        Query(line.id, "", "good_units", span.from_us, span.to_us), every_us=MINUTE_US
    )
    minutes, least_us = np.unique(twins.at_us), 2 * MINUTE_US
    if len(minutes) < 2:
        every = store.sampled(Query(line.id, None, None, span.from_us, span.to_us), MINUTE_US)
        minutes, least_us = np.unique(every.at_us), SILENT_US
    steps = np.diff(minutes)
    return [
        (int(minutes[i]) + MINUTE_US, int(minutes[i + 1]))
        for i in np.flatnonzero(steps >= least_us)
    ]


def look_through(
    store: Historian,
    line: Line,
    span: Span,
    progress: Callable[[float], None] = lambda done: None,
) -> Seen:
    """Read a history of a line, a few hours at a time.

    Args:
        store: the history.
        line: whose; what its file says tells which failure a stop reason is.
        span: which time.
        progress: called now and then with the share that is done, 0 to 1.
    """
    observed, seen = Observed(line), Seen(span, _grain_us(store, line, span))
    # At each of these nothing more is known of some machines; of none at the split.
    marks = sorted([(span.split_us, ()), *_losses(store, line, span)])
    for points in _batches(store, line, span):
        start, at = 0, [point.at_us for point in points]
        while marks and at and marks[0][0] <= at[-1]:
            at_us, lost = marks.pop(0)
            stop = int(np.searchsorted(at, at_us))
            for one in observed.take(points[start:stop]):
                seen.take(one)
            start = stop
            _mark(observed, seen, at_us, lost)
        for one in observed.take(points[start:]):
            seen.take(one)
        if at:
            progress((at[-1] - span.from_us) / (span.to_us - span.from_us))
    for at_us, lost in marks:
        _mark(observed, seen, at_us, lost)
    for one in observed.end(span.to_us):
        seen.take(one)
    return seen


def _mark(observed: Observed, seen: Seen, at_us: int, lost: tuple[str, ...]) -> None:
    if lost:
        for one in observed.lose(lost, at_us):
            seen.take(one)
    else:
        seen.cut(observed.going_on(at_us))


def _losses(store: Historian, line: Line, span: Span) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Since when which machines were not heard of: connections that broke, and gaps."""
    by_plc: dict[str, tuple[str, ...]] = {}
    for station in line.stations:
        units = tuple(station.machine_id(machine) for machine in range(station.machines))
        plc = line.plc_of(station.id)
        by_plc[plc] = by_plc.get(plc, ()) + units
    everyone = tuple(unit for units in by_plc.values() for unit in units)
    yield from ((at_us, everyone) for at_us, _ in gaps(store, line, span))
    heard = store.read(Query(line.id, None, "connected", span.from_us, span.to_us))
    for index, at_us, value in zip(
        heard.series_index.tolist(), heard.at_us.tolist(), heard.value.tolist(), strict=True
    ):
        plc = heard.series[index].unit
        if not value and plc in by_plc:
            yield at_us, by_plc[plc]


def _batches(store: Historian, line: Line, span: Span) -> Iterator[list[Point]]:
    for from_us in range(span.from_us, span.to_us, WINDOW_US):
        to_us = min(span.to_us, from_us + WINDOW_US)
        points = [
            point
            for signal in SIGNALS
            for point in _points(store.read(Query(line.id, None, signal, from_us, to_us)))
        ]
        points.sort(key=lambda point: point.at_us)
        yield points


def _points(history: History) -> Iterator[Point]:
    rows = zip(
        history.series_index.tolist(),
        history.at_us.tolist(),
        history.value.tolist(),
        history.quality.tolist(),
        strict=True,
    )
    for index, at_us, value, quality in rows:
        yield Point(history.series[index], at_us, value, Quality(quality))


def _grain_us(store: Historian, line: Line, span: Span) -> int:
    """How far apart the states of one machine are at the least, but for a few odd ones."""
    found = store.read(
        Query(line.id, None, "state_current", span.from_us, span.to_us, limit=20_000)
    )
    steps = np.diff(found.at_us)[np.diff(found.series_index) == 0]
    return int(np.quantile(steps, 0.01)) if len(steps) else 0
