"""Failures that are too rare one by one, judged together: by how much all of a station's differ.

Their means keep the proportions that the line file gives them, their shapes too; one factor is
fitted to all. So a station with five rare failures is told from its file by all of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from scipy import optimize, stats

from twin.calibration.families import Family, Point, family_of, log_likelihood
from twin.calibration.finding import Finding, Outcome
from twin.calibration.judging import NEEDED, NEEDED_EARLY, SURE, Figure, score_of
from twin.calibration.written import as_written, digits_for
from twin.model.durations import Duration

__all__ = ["judge_together"]

REACH: Final = math.log(30)
"""A factor beyond 30 is no calibration."""


def judge_together(figures: Sequence[Figure], alone: Sequence[Finding]) -> list[Finding]:
    """Judge the times of a station of which too few were seen one by one.

    Args:
        figures: its times to failure, or its times to repair.
        alone: what was found of each by itself.

    Returns:
        The findings, in the same order; those that could be judged alone as they were.
    """
    rare = {
        index: (figure, *known)
        for index, (figure, found) in enumerate(zip(figures, alone, strict=True))
        if found.outcome is Outcome.TOO_FEW and (known := family_of(figure.present)) is not None
    }
    group = list(rare.values())
    ended = sum(figure.every.ended for figure, *_ in group)
    early_ended = sum(figure.early.ended for figure, *_ in group)
    if len(group) < 2 or ended < NEEDED[figures[0].kind] or early_ended < NEEDED_EARLY:
        return list(alone)
    factor, early = _best(group, early=False), _best(group, early=True)
    top = _likelihood(group, factor, early=False)
    low, high = _ends(group, factor, top)
    digits = digits_for(factor, low, high)
    trials = [_scaled(figure, family, point, early, digits) for figure, family, point in group]
    present_score = sum(score_of(figure, figure.present) for figure, *_ in group)
    fitted_score = sum(
        score_of(figure, trial) for (figure, *_), trial in zip(group, trials, strict=True)
    )
    if stats.chi2.sf(2 * (top - _likelihood(group, 1.0, early=False)), 1) >= SURE:
        outcome = Outcome.KEPT
    else:
        outcome = Outcome.CHANGED if fitted_score < present_score else Outcome.REFUSED
    found = list(alone)
    for index, (figure, family, point) in rare.items():
        found[index] = replace(
            alone[index],
            outcome=outcome,
            needed=0,
            fitted=_scaled(figure, family, point, factor, digits),
            mean=point[0] * factor,
            low=point[0] * low,
            high=point[0] * high,
            held_back=ended - early_ended,
            present_score=present_score,
            fitted_score=fitted_score,
            score="log score",
            together=ended,
        )
    return found


_Rare = tuple[Figure, Family, Point]


def _likelihood(group: Sequence[_Rare], factor: float, *, early: bool) -> float:
    return sum(
        log_likelihood(
            family, (point[0] * factor, *point[1:]), figure.early if early else figure.every
        )
        for figure, family, point in group
    )


def _best(group: Sequence[_Rare], *, early: bool) -> float:
    found = optimize.minimize_scalar(
        lambda at: -_likelihood(group, math.exp(at), early=early),
        bounds=(-REACH, REACH),
        method="bounded",
        options={"xatol": 1e-4},
    )
    return math.exp(float(found.x))


def _ends(group: Sequence[_Rare], factor: float, top: float) -> tuple[float, float]:
    """The profile-likelihood interval of the factor, 95 %."""
    limit = stats.chi2.ppf(0.95, 1) / 2

    def beyond(at: float) -> float:
        return float(top - _likelihood(group, math.exp(at), early=False) - limit)

    best = math.log(factor)
    ends = [
        optimize.brentq(beyond, best, best + way * REACH, xtol=1e-4)
        if beyond(best + way * REACH) > 0
        else best + way * REACH
        for way in (-1, 1)
    ]
    return math.exp(ends[0]), math.exp(ends[1])


def _scaled(figure: Figure, family: Family, point: Point, factor: float, digits: int) -> Duration:
    return as_written(family, (point[0] * factor, *point[1:]), digits, figure.unit, figure.present)
