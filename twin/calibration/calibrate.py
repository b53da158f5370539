"""Calibration of a line: every time and rate of its file, held against a history."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Final

from twin.calibration.finding import Finding, Path
from twin.calibration.judging import Figure, flat_s, judge
from twin.calibration.rate_counts import rate_findings
from twin.calibration.seen import Seen, Span, look_through
from twin.calibration.times import Times
from twin.calibration.together import judge_together
from twin.historian.port import Historian, Query
from twin.historian.shift_kpis import counters
from twin.model.durations import Duration
from twin.model.line import Line
from twin.model.product import parts_an_operation
from twin.model.station import Station

__all__ = ["HELD_BACK", "calibrate", "findings"]

HELD_BACK: Final = 1 / 3
"""The share of the history, at its end, that fits are tested on."""


def calibrate(
    store: Historian,
    line: Line,
    span: Span,
    unit_of: Callable[[Path, Duration], str],
    stations: Collection[str] = (),
    progress: Callable[[float], None] = lambda done: None,
) -> tuple[Seen, list[Finding]]:
    """Hold a line's times and rates against a history.

    Args:
        store: the history.
        line: as its file has it.
        span: which time; see `twin.calibration.seen.span_of`.
        unit_of: in which unit a time stands in the file.
        stations: only of these; none: of all.
        progress: called now and then with the share that is done, 0 to 1.

    Returns:
        What was seen, and a finding for each number, in the file's order.
    """
    seen = look_through(store, line, span, lambda done: progress(done / 2))
    found = []
    for one in findings(store, line, seen, unit_of, stations):
        found.append(one)
        index = one.path[1]
        progress((1 + int(index) / len(line.stations)) / 2)
    return seen, found


def findings(
    store: Historian,
    line: Line,
    seen: Seen,
    unit_of: Callable[[Path, Duration], str],
    stations: Collection[str] = (),
) -> Iterator[Finding]:
    """Judge each number; the arguments are those of `calibrate`."""
    made = {
        unit: counter.total
        for (unit, _), counter in counters(
            store,
            Query(line.id, None, "processed", seen.span.from_us, seen.span.to_us),
            known_before=False,
        ).items()
    }
    for index, station in enumerate(line.stations):
        if stations and station.id not in stations:
            continue
        where: Path = ("stations", index)
        units = [station.machine_id(machine) for machine in range(station.machines)]
        parts = sum(made.get(unit, 0.0) for unit in units)
        yield judge(
            _cycle(station, where, seen, unit_of, parts / parts_an_operation(line, station))
        )
        yield from rate_findings(store, line, station, where, seen.span)
        yield from _stops(station, where, seen, unit_of)


def _cycle(
    station: Station,
    where: Path,
    seen: Seen,
    unit_of: Callable[[Path, Duration], str],
    operations: float,
) -> Figure:
    path, factor = (*where, "cycle_time"), station.effectiveness
    # An operation that nobody saw begin may have had a stop. One time that all agree with is still
    # that; of times that scatter anyway nobody could tell.
    stops = station.changeovers or any(failure.stops == "work" for failure in station.failures)
    scatters = flat_s(seen.cycles(station.id, factor)) is None

    def times(early: bool | None) -> Times:
        return seen.cycles(station.id, factor, early=early, whole=bool(stops) and scatters)

    return Figure(
        path,
        station.id,
        "cycle time",
        "cycle",
        station.cycle_time,
        unit_of(path, station.cycle_time),
        times(None),
        times(True),
        times(False),
        int(operations),
    )


def _stops(
    station: Station, where: Path, seen: Seen, unit_of: Callable[[Path, Duration], str]
) -> Iterator[Finding]:
    for key, what, kind, spans in (
        ("mtbf", "time to failure of", "failure", seen.uptimes),
        ("mttr", "time to repair of", "repair", seen.repairs),
    ):
        figures = []
        for mode, failure in enumerate(station.failures):
            path = (*where, "failures", mode, key)
            present: Duration = getattr(failure, key)
            of = spans[station.id, failure.id]
            figures.append(
                Figure(
                    path,
                    station.id,
                    f"{what} {failure.id}",
                    kind,
                    present,
                    unit_of(path, present),
                    of.times(before=False),
                    of.times(before=True),
                )
            )
        yield from judge_together(figures, [judge(figure) for figure in figures])
