"""How `twin calibrate` shows what it found."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from lines.edits import shown
from lines.place import written
from twin.calibration.finding import Finding, Outcome, Path
from twin.model.durations import Duration

__all__ = ["TITLES", "as_data", "row", "summary"]

TITLES = ("station", "what", "line file", "history", "95 % interval", "seen", "verdict")
_THINGS = {"cycle_time": "operations", "mtbf": "failures", "mttr": "repairs"}


def row(one: Finding, unit_of: Callable[[Path, Duration], str]) -> tuple[str, ...]:
    """A finding as a row of a table, with the titles `TITLES`."""
    unit = "s" if isinstance(one.present, float) else unit_of(one.path, one.present)
    size = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "min": 60.0, "h": 3600.0}.get(unit, 86_400.0)
    ends = ""
    if one.fitted is not None:
        ends = (
            f"{one.low:.4%} to {one.high:.4%}"
            if isinstance(one.present, float)
            else f"{one.low / size:.5g} to {one.high / size:.5g} {unit}"
        )
    return (
        one.station,
        one.what,
        _short(one.present, unit),
        "" if one.fitted is None else _short(one.fitted, unit),
        ends,
        f"{one.seen:,}" + (f", {one.cut_off:,} cut off" if one.cut_off else ""),
        verdict(one),
    )


def _short(value: Duration | float, unit: str) -> str:
    text = shown(value, unit) if isinstance(value, float) else _named(value, unit)
    return text.strip("{}").replace("distribution: ", "").replace("mean: ", "")


def _named(value: Duration, unit: str) -> str:
    if value.distribution in {"empirical", "triangular", "mix"}:
        return value.distribution
    return shown(value, unit)


def verdict(one: Finding) -> str:
    """What is to become of a number, and why, in words."""
    things = _THINGS.get(str(one.path[-1]), "parts")
    what = {
        Outcome.KEPT: "as the line file says",
        Outcome.TOO_FEW: f"left: takes {one.needed:,} {things}, has {one.seen:,}",
        Outcome.CHANGED: "changed: foretells better",
        Outcome.REFUSED: "refused: foretells worse",
    }[one.outcome]
    if one.outcome in {Outcome.CHANGED, Outcome.REFUSED}:
        what += (
            f" ({one.score} {one.fitted_score:.4g} against {one.present_score:.4g} "
            f"of {one.held_back:,} held back)"
        )
    if one.together:
        what += f"; by all {one.together:,} {things} of the station"
    if one.fits is False and one.outcome is Outcome.CHANGED:
        what += "; no family fits well"
    return what


def summary(found: Iterable[Finding]) -> str:
    """How many of each outcome, in words."""
    found = list(found)
    counts = {each: sum(one.outcome is each for one in found) for each in Outcome}
    return (
        f"{len(found):,} numbers: {counts[Outcome.CHANGED]:,} change, {counts[Outcome.KEPT]:,} are "
        f"as the line file says, {counts[Outcome.REFUSED]:,} are refused as they foretell worse, "
        f"of {counts[Outcome.TOO_FEW]:,} too few were seen"
    )


def as_data(one: Finding, unit_of: Callable[[Path, Duration], str]) -> dict[str, Any]:
    """A finding for a program; times in seconds, what is not known null."""
    unit = "s" if isinstance(one.present, float) else unit_of(one.path, one.present)
    return {
        "path": written(one.path),
        "station": one.station,
        "what": one.what,
        "outcome": one.outcome.value,
        "verdict": verdict(one),
        "line_file": shown(one.present, unit)
        if isinstance(one.present, float)
        else _named(one.present, unit),
        "history": None if one.fitted is None else shown(one.fitted, unit),
        "mean": one.mean,
        "low_95": one.low,
        "high_95": one.high,
        "shape": list(one.shape) or None,
        "seen": one.seen,
        "cut_off": one.cut_off,
        "seen_together": one.together or None,
        "left_out": one.odd,
        "needed": one.needed or None,
        "bic_worse_by": dict(one.worse_families),
        "fits": one.fits,
        "held_back": one.held_back,
        "score": one.score or None,
        "score_line_file": one.present_score,
        "score_history": one.fitted_score,
    }
