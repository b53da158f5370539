"""Scrap, rework and inspection: rates from counters, judged as times are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from scipy import stats

from twin.calibration.finding import Finding, Outcome, Path
from twin.calibration.written import digits_for, rounded

__all__ = ["Counts", "judge_rate"]

NEEDED: Final = 1_000
"""Parts that must have been seen, where the rate is not so high that fewer tell as much."""
NEEDED_EVENTS: Final = 20
SURE: Final = 0.05
LEAST: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Counts:
    """How often something happened out of how many times it might have."""

    events: float
    of: float

    def likelihood(self, rate: float) -> float:
        """The natural logarithm of the probability of these counts, but for a constant."""
        rate = min(1 - LEAST, max(LEAST, rate))
        return self.events * math.log(rate) + (self.of - self.events) * math.log1p(-rate)


def judge_rate(
    path: Path, station: str, what: str, present: float, every: Counts, early: Counts
) -> Finding:
    """Say what is to become of a rate.

    Args:
        path, station, what: see `Finding`.
        present: as the line file has it, 0 to 1.
        every: counted in all.
        early: counted before the part that is held back.

    >>> found = judge_rate(("stations", 0, "scrap"), "A", "scrap", 0.01, Counts(300, 15_000),
    ...     Counts(190, 10_000))
    >>> found.outcome.value, found.fitted, round(found.low, 4)
    ('changed', 0.02, 0.0179)
    """
    if every.of < 1 or (
        min(every.events, every.of - every.events) < NEEDED_EVENTS
        and (every.of < NEEDED or _expected(present, every) < NEEDED_EVENTS)
    ):
        return Finding(
            path, station, what, Outcome.TOO_FEW, present, round(every.of),
            needed=_needed(present, every),
        )  # fmt: skip
    events, of = round(min(every.events, every.of)), round(every.of)
    ends = stats.binomtest(events, of).proportion_ci(0.95, "wilson")
    rate = every.events / every.of
    low, high = float(ends.low), float(ends.high)
    fitted = rounded(rate, digits_for(rate, low, high)) if rate else 0.0
    late = Counts(every.events - early.events, every.of - early.of)
    # Half an event more and less (Jeffreys): nothing that was not seen yet is impossible.
    trial = (early.events + 0.5) / (early.of + 1)
    scores = -late.likelihood(present), -late.likelihood(trial)
    gain = 2 * (every.likelihood(rate) - every.likelihood(present))
    if stats.chi2.sf(max(0.0, gain), 1) >= SURE:
        outcome = Outcome.KEPT
    else:
        outcome = Outcome.CHANGED if scores[1] < scores[0] else Outcome.REFUSED
    return Finding(
        path, station, what, outcome, present, of,
        fitted=fitted, mean=rate, low=low, high=high, held_back=round(late.of),
        present_score=scores[0], fitted_score=scores[1], score="log score",
    )  # fmt: skip


def _expected(present: float, every: Counts) -> float:
    return min(present, 1 - present) * every.of


def _needed(present: float, every: Counts) -> int:
    """Parts that it takes to see enough events, at the rate that is more likely."""
    rate = max(min(present, 1 - present), every.events / every.of if every.of else 0, 1e-6)
    return max(NEEDED, round(rounded(NEEDED_EVENTS / rate, 2)))
