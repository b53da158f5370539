"""Whether a number of a line file is to change: enough seen, different, and better at foretelling.

A fit has to pass four gates. Enough was seen to say anything. What was seen can't be told from what
the line file says: then that stays. The fit that is made of the first part of the history alone
foretells the part that was held back better than the line file does: else it is refused. Where no
family passes a test of the fit, the measured times themselves are taken, if they foretell better.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from scipy import stats

from twin.calibration.families import FAMILIES, family_of, log_likelihood
from twin.calibration.finding import Finding, Outcome, Path
from twin.calibration.fitting import Fit, best_fit, fit_family, fits_well, interval
from twin.calibration.scores import crps_s, log_score
from twin.calibration.times import Floats, Times
from twin.calibration.written import as_constant, as_empirical, as_written, digits_for
from twin.engine.quantiles import mean_us
from twin.model import durations as d

__all__ = ["NEEDED", "NEEDED_EARLY", "SURE", "Figure", "flat_s", "judge", "score_of"]

NEEDED: Final = {"cycle": 30, "failure": 20, "repair": 20}
"""How many must have been seen."""
NEEDED_EARLY: Final = 10
"""How many of them before the part that is held back."""
NEEDED_EMPIRICAL: Final = 200
SURE: Final = 0.05
"""The chance that a number is changed that was right."""
FLAT: Final = 5e-4
"""Times that differ by no more than this, relatively, are one time."""
MOSTLY: Final = 0.9
ODD: Final = 8.0
"""Robust standard deviations of the logarithm: further away lies nothing but a mistake."""
_EVERYTHING: Final = tuple(FAMILIES)
_CLOCKS: Final = ("exponential", "gamma", "lognormal", "weibull")


@dataclass(frozen=True, slots=True)
class Figure:
    """A time of the line file, with what was seen of it.

    Args:
        path, station, what: see `Finding`.
        kind: `cycle`, `failure` or `repair`.
        present: as the line file has it.
        unit: in which it stands there.
        every: all that was seen.
        early: what was known when the part began that is held back.
        late: what came then; for a cycle time only, as others go on across the split.
        count: how many operations a cycle time was seen of: one that stays the same is said once.
    """

    path: Path
    station: str
    what: str
    kind: str
    present: d.Duration
    unit: str
    every: Times
    early: Times
    late: Times = field(default_factory=Times)
    count: int = 0


def judge(figure: Figure) -> Finding:
    """Say what is to become of a time.

    >>> rng = np.random.default_rng(7)
    >>> seen = Times(exact_s=rng.exponential(60, 300))
    >>> early = Times(exact_s=seen.exact_s[:200])
    >>> present = d.Exponential(distribution="exponential", mean="45 s")
    >>> path = "stations", 0, "failures", 0, "mtbf"
    >>> found = judge(Figure(path, "A", "time to failure of jam", "failure", present, "s", seen,
    ...     early))
    >>> found.outcome.value, round(found.mean), found.fitted.distribution
    ('changed', 61, 'exponential')
    """
    every, odd = _without_odd(figure.every)
    early, _ = _without_odd(figure.early)
    late, _ = _without_odd(figure.late)
    figure = replace(figure, every=every, early=early, late=late)
    flat = flat_s(every) if figure.kind != "failure" else None
    seen = max(every.ended, figure.count if flat else 0)
    found = Finding(
        figure.path,
        figure.station,
        figure.what,
        Outcome.TOO_FEW,
        figure.present,
        seen,
        every.cut_off,
        odd=odd,
    )
    needed = NEEDED[figure.kind]
    early_flat = flat_s(early) if flat else None
    if flat and early_flat and seen >= needed:
        return _judge_flat(figure, found, flat, early_flat)
    if every.ended < needed or early.ended < NEEDED_EARLY:
        return replace(found, needed=needed)
    return _judge_spread(figure, found)


def flat_s(times: Times) -> float | None:
    """The one time that nearly all agree with, in seconds; None where there is none.

    One that stays the same is said once. So those that had a stop in them, which are told more
    often than others, are asked too.
    """
    middles = (times.low_s + times.high_s) / 2
    every = np.concatenate([times.exact_s, middles])
    if not len(every):
        return None
    value = float(np.median(every))
    near = np.abs(times.exact_s / value - 1) <= FLAT
    reach = (times.high_s - times.low_s) / 2 + FLAT * value
    agreed = int(near.sum()) + int((np.abs(middles - value) <= reach).sum())
    if agreed < MOSTLY * len(every):
        return None
    # Where one was told without a stop it is exact.
    return float(np.median(times.exact_s[near])) if near.any() else value


def _without_odd(times: Times) -> tuple[Times, int]:
    """Leave out times that something else got into, as a stop of which no word came."""
    if len(times.exact_s) < NEEDED_EARLY:
        return times, 0
    logs = np.log(times.exact_s)
    low, middle, high = np.quantile(logs, (0.25, 0.5, 0.75))
    spread = max((high - low) / 1.349, FLAT)
    stays = np.abs(logs - middle) <= ODD * spread
    if stays.all():
        return times, 0
    return replace(times, exact_s=times.exact_s[stays]), int((~stays).sum())


def _judge_flat(figure: Figure, found: Finding, mean_s: float, early_s: float) -> Finding:
    values = figure.every.exact_s
    values = values[np.abs(values / mean_s - 1) <= FLAT]
    if not len(values):
        values = (figure.every.low_s + figure.every.high_s) / 2
    low, high = np.quantile(values, (0.025, 0.975))
    fitted = as_constant(mean_s, figure.unit)
    # What is not said again has stayed the same.
    late_s = flat_s(figure.late)
    late = np.array([early_s if late_s is None else late_s])
    found = replace(
        found,
        fitted=fitted,
        mean=mean_s,
        low=float(low),
        high=float(high),
        held_back=max(1, figure.late.ended),
        present_score=crps_s(figure.present, late),
        fitted_score=crps_s(as_constant(early_s, figure.unit), late),
        score="CRPS",
    )
    same = isinstance(figure.present, d.Constant) and (
        abs(mean_s * 1e6 / figure.present.mean_us - 1) <= FLAT
    )
    return replace(found, outcome=Outcome.KEPT if same else _outcome(found))


def _judge_spread(figure: Figure, found: Finding) -> Finding:
    names = _CLOCKS if figure.kind == "failure" else _EVERYTHING
    known = family_of(figure.present)
    every, early = figure.every, figure.early
    if figure.kind == "cycle":
        every, early = every.thinned(), early.thinned()
    present = known[0].name if known is not None else None
    fit, worse = best_fit(every, names, present)
    low, high = interval(fit, every)
    good, _ = fits_well(fit, every)
    digits = digits_for(fit.point[0], low, high)

    def written(one: Fit) -> d.Duration:
        return as_written(one.family, one.point, digits, figure.unit, figure.present)

    trial = written(fit_family(fit.family, early))
    fitted = written(fit)
    if not good and figure.kind != "failure" and len(early.exact_s) >= NEEDED_EMPIRICAL:
        measured = as_empirical(early.exact_s, figure.unit)
        if score_of(figure, measured) < score_of(figure, trial):
            trial, fitted = measured, as_empirical(every.exact_s, figure.unit)
            low, high = _mean_interval(every.exact_s)
    is_family = not isinstance(fitted, d.Empirical)
    found = replace(
        found,
        fitted=fitted,
        mean=fit.point[0] if is_family else mean_us(fitted) / 1e6,
        low=low,
        high=high,
        shape=(fit.point[1], *interval(fit, every, 1)) if fit.family.shape and is_family else (),
        worse_families=tuple(sorted(worse.items(), key=lambda item: item[1])),
        fits=good,
        held_back=_held_back(figure),
        present_score=score_of(figure, figure.present),
        fitted_score=score_of(figure, trial),
        score="CRPS" if figure.kind == "cycle" else "log score",
    )
    if known is not None and fit.family.name == present:
        # Wilks 1938: twice the gain in log-likelihood is chi-squared.
        gain = 2 * (fit.log_likelihood - log_likelihood(known[0], known[1], every))
        if stats.chi2.sf(gain, fit.family.parameters) >= SURE:
            return replace(found, outcome=Outcome.KEPT)
    return replace(found, outcome=_outcome(found))


def _outcome(found: Finding) -> Outcome:
    return Outcome.CHANGED if found.fitted_score < found.present_score else Outcome.REFUSED


def _held_back(figure: Figure) -> int:
    if figure.kind == "cycle":
        return figure.late.ended
    return figure.every.ended - figure.early.ended


def score_of(figure: Figure, duration: d.Duration) -> float:
    """What a distribution makes of what was held back; less is better."""
    if figure.kind == "cycle":
        return crps_s(duration, figure.late.exact_s) if len(figure.late.exact_s) else 0.0
    return log_score(duration, figure.early) - log_score(duration, figure.every)


def _mean_interval(times_s: Floats) -> tuple[float, float]:
    """Of a mean of whatever distribution, by the central limit theorem."""
    reach = 1.96 * float(times_s.std(ddof=1)) / float(np.sqrt(len(times_s)))
    return float(times_s.mean()) - reach, float(times_s.mean()) + reach
