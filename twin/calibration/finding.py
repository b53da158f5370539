"""What calibration found of one number of a line file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from twin.model.durations import Duration

__all__ = ["Finding", "Outcome", "Path", "Value"]

Path: TypeAlias = tuple[str | int, ...]
"""Where a number stands in a line file, as `("stations", 3, "cycle_time")`."""
Value: TypeAlias = Duration | float


class Outcome(Enum):
    """What is to become of a number."""

    CHANGED = "changed"
    KEPT = "kept"
    REFUSED = "refused"
    TOO_FEW = "too few"


@dataclass(frozen=True, slots=True)
class Finding:
    """One number of a line file, and what the history says of it.

    Args:
        path: where it stands.
        station: whose.
        what: what it is, as `time to repair of jam`.
        outcome: what is to become of it.
        present: as the line file has it.
        seen: how many were seen, ended: operations, failures, repairs, parts.
        cut_off: how many more were lost sight of before they ended.
        needed: TOO_FEW: how many it takes.
        fitted: what the history says; None where it was too little.
        mean: its mean in seconds, or the rate; nan where nothing was fitted.
        low, high: between what the mean, or the rate, lies with 95 % confidence.
        shape: its shape, where it has one, with its interval; empty for none.
        worse_families: how much worse the other families are, by BIC.
        fits: whether a test of the fit leaves it; None: not tested.
        held_back: how many were held back.
        present_score, fitted_score: what each made of those, in all; less is better.
        score: which score it is: `CRPS` or `log score`.
        together: how many were seen of all failures of the station with which it was fitted, as
            there were too few of it alone; 0: it was fitted alone.
        odd: times that were left out, as nothing but a mistake makes them.
    """

    path: Path
    station: str
    what: str
    outcome: Outcome
    present: Value
    seen: int
    cut_off: int = 0
    needed: int = 0
    fitted: Value | None = None
    mean: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    shape: tuple[float, ...] = ()
    worse_families: tuple[tuple[str, float], ...] = ()
    fits: bool | None = None
    held_back: int = 0
    present_score: float = float("nan")
    fitted_score: float = float("nan")
    score: str = ""
    odd: int = 0
    together: int = 0
