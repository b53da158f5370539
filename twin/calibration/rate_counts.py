"""What a history's counters say of a station's rates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from twin.calibration.finding import Finding, Path
from twin.calibration.rates import Counts, judge_rate
from twin.calibration.seen import Span
from twin.calibration.written import rounded
from twin.historian.port import Historian, Query
from twin.historian.shift_kpis import counters
from twin.model.line import Line
from twin.model.station import Station
from twin.signals import FALSE_REJECTS, MISSED

__all__ = ["rate_findings"]


@dataclass(frozen=True, slots=True)
class _Grown:
    """By how much a station's counters grew; None where there is no such counter."""

    processed: float
    defective: float
    reworked: float
    found: dict[str, float]
    wrong: float | None
    missed: float | None

    @property
    def rejected(self) -> float:
        """Parts that its inspection took out."""
        return sum(self.found.values()) + (self.wrong or 0.0)


def rate_findings(
    store: Historian, line: Line, station: Station, where: Path, span: Span
) -> Iterator[Finding]:
    """Judge a station's rates.

    Args:
        store: the history.
        line, station: whose.
        where: the station's place in its file.
        span: which time.
    """
    every = _grown(store, line, station, span.from_us, span.to_us)
    early = _grown(store, line, station, span.from_us, span.split_us)
    inspection = station.inspection
    sends_back = inspection is not None and inspection.rejects_to is not None
    scraps = any(failure.after == "scrap" for failure in station.failures)

    def counts(grown: _Grown, events: float, *, rejects: bool) -> Counts:
        # What the inspection took out is drawn for neither scrap nor rework (rule S14).
        rejected = grown.rejected
        return Counts(max(0.0, events - rejected * rejects), max(0.0, grown.processed - rejected))

    takes_out = inspection is not None and not sends_back
    scrapped = counts(every, every.defective, rejects=takes_out)
    # Where failures scrap parts too, nobody can tell the one from the other. Where the inspection
    # takes them out, a part with two kinds of defects is counted twice: too coarse to find scrap
    # by that the file has not.
    if not scraps and (station.scrap or (scrapped.events and not takes_out)):
        yield judge_rate(
            (*where, "scrap"),
            station.id,
            "scrap",
            station.scrap,
            scrapped,
            counts(early, early.defective, rejects=takes_out),
        )
    if station.rework is not None:
        yield judge_rate(
            (*where, "rework", "rate"),
            station.id,
            "rework",
            station.rework.rate,
            counts(every, every.reworked, rejects=sends_back),
            counts(early, early.reworked, rejects=sends_back),
        )
    if inspection is not None:
        yield from _inspected(station, where, every, early)


def _inspected(station: Station, where: Path, every: _Grown, early: _Grown) -> Iterator[Finding]:
    inspection = station.inspection
    if inspection is None or every.missed is None:
        return
    # Of what it missed nobody knows the kind: the odds of missing are raised or lowered for all.
    odds = {kind: (1 - rate) / rate if rate else 0.0 for kind, rate in inspection.detects.items()}
    due = sum(every.found[kind] * odds[kind] for kind in odds)
    found = sum(every.found.values())
    if found and due:
        present = due / (found + due)
        one = judge_rate(
            (*where, "inspection", "detects"),
            station.id,
            "share missed",
            present,
            Counts(every.missed, found + every.missed),
            Counts(early.missed or 0.0, sum(early.found.values()) + (early.missed or 0.0)),
        )

        def detected(kind: str, missed: float) -> float:
            factor = missed / (1 - missed) / (present / (1 - present))
            return 1 / (1 + factor * odds[kind])

        for kind, rate in inspection.detects.items():
            if not 0 < rate < 1:
                continue
            named = replace(
                one,
                path=(*one.path, kind),
                what=f"detection of {kind}",
                present=rate,
            )
            if one.fitted is not None:
                fitted = 1 - rounded(max(1e-9, 1 - detected(kind, one.mean)), 3)
                named = replace(
                    named,
                    fitted=fitted,
                    mean=detected(kind, one.mean),
                    low=detected(kind, one.high),
                    high=detected(kind, one.low),
                )
            yield named
    if every.wrong is not None and early.wrong is not None:
        yield judge_rate(
            (*where, "inspection", "false_reject"),
            station.id,
            "false rejects",
            inspection.false_reject,
            Counts(every.wrong, max(0.0, every.processed - found - every.missed)),
            Counts(
                early.wrong,
                max(0.0, early.processed - sum(early.found.values()) - (early.missed or 0.0)),
            ),
        )


def _grown(store: Historian, line: Line, station: Station, from_us: int, to_us: int) -> _Grown:
    units = tuple(station.machine_id(machine) for machine in range(station.machines))

    def total(signal: str) -> float | None:
        found = counters(store, Query(line.id, units, signal, from_us, to_us), known_before=False)
        own = [counter.total for counter in found.values()]
        return sum(own) if own else None

    kinds = station.inspection.detects if station.inspection is not None else ()
    inspects = station.inspection is not None
    return _Grown(
        total("processed") or 0.0,
        total("defective") or 0.0,
        total("reworked") or 0.0,
        {kind: total(f"defect.{kind}") or 0.0 for kind in kinds},
        total(f"defect.{FALSE_REJECTS}") if inspects else None,
        total(f"defect.{MISSED}") if inspects else None,
    )
