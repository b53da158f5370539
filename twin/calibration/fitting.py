"""Maximum likelihood, the choice of a family, how well it fits, and how sure it is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import optimize, stats

from twin.calibration.families import (
    FAMILIES,
    Family,
    Point,
    log_likelihood,
    mean_beyond,
    share_below,
)
from twin.calibration.times import Floats, Times

__all__ = ["Fit", "best_fit", "fit_family", "fits_well", "interval", "uniforms"]

WORTH_A_MENTION: Final = 2.0
"""BIC: less of a difference is not worth more than a bare mention (Kass and Raftery 1995)."""
WORST: Final = 1e15
COVERAGE: Final = 0.95


@dataclass(frozen=True, slots=True)
class Fit:
    """A family with the parameters that make what was seen the most likely.

    Args:
        family: which.
        point: its parameters; see `Point`.
        log_likelihood: of what was seen.
        bic: Schwarz's criterion; the smaller the better.
    """

    family: Family
    point: Point
    log_likelihood: float
    bic: float


def fit_family(family: Family, times: Times) -> Fit:
    """Fit a family's parameters by maximum likelihood.

    Args:
        family: which.
        times: of which at least one has ended.

    >>> times = Times(exact_s=np.array([10.0, 30.0]), longer_s=np.array([20.0]))
    >>> round(fit_family(FAMILIES["exponential"], times).point[0], 3)
    30.0
    """
    mean, cv = times.mean_s, _variation(times)
    if not family.shape:
        # Without memory a rest is as good as a whole, and the mean has a closed form.
        point: Point = (mean,)
    else:
        shape = float(np.clip(family.start(cv), family.low * 1.01, family.high * 0.99))
        step = max(1e-6, 3 * min(cv, 1) / math.sqrt(max(1, times.ended)))
        point = _search(family, times, (mean, shape), step)
    value = log_likelihood(family, point, times)
    bic = family.parameters * math.log(max(1, times.ended)) - 2 * value
    return Fit(family, point, value, bic)


def _variation(times: Times) -> float:
    """A coefficient of variation to begin with."""
    seen = np.concatenate([times.exact_s, (times.low_s + times.high_s) / 2])
    if len(seen) < 3 or not seen.std():
        return 1.0
    return float(np.clip(seen.std() / seen.mean(), 1e-4, 5))


def _loss(family: Family, times: Times) -> Callable[[Sequence[float]], float]:
    def loss(at: Sequence[float]) -> float:
        point = tuple(math.exp(value) for value in at)
        if not family.low <= point[1] <= family.high:
            return WORST
        with np.errstate(all="ignore"):
            value = -log_likelihood(family, point, times)
        return value if math.isfinite(value) else WORST

    return loss


def _search(family: Family, times: Times, start: Point, step: float) -> Point:
    first = [math.log(value) for value in start]
    turn = 0.2 if math.log(start[1]) + 0.2 < math.log(family.high) else -0.2
    simplex = np.array([first, [first[0] + step, first[1]], [first[0], first[1] + turn]])
    found = optimize.minimize(
        _loss(family, times),
        first,
        method="Nelder-Mead",
        options={
            "initial_simplex": simplex,
            "xatol": step / 300,
            "fatol": 1e-5,
            "maxiter": 400,
        },
    )
    return tuple(math.exp(value) for value in found.x)


def best_fit(
    times: Times, names: Iterable[str] = FAMILIES, present: str | None = None
) -> tuple[Fit, dict[str, float]]:
    """Choose the family by BIC.

    Args:
        times: what was seen.
        names: of the families to choose from.
        present: the one that the line file has. It is kept unless another is better by more than a
            bare mention: which of two that hardly differ is right can't be told from so few.

    Returns:
        The fit, and by family how much worse its BIC is than the best one's.

    >>> rng = np.random.default_rng(7)
    >>> fit, worse = best_fit(Times(exact_s=rng.exponential(60, 300)))
    >>> fit.family.name, round(worse["exponential"])
    ('exponential', 0)
    """
    fits = {name: fit_family(FAMILIES[name], times) for name in names}
    best = min(fits.values(), key=lambda fit: fit.bic)
    worse = {name: fit.bic - best.bic for name, fit in fits.items()}
    if present in fits and worse[present] < WORTH_A_MENTION:
        best = fits[present]
    return best, worse


def interval(fit: Fit, times: Times, which: int = 0) -> tuple[float, float]:
    """The profile-likelihood interval of a parameter.

    Args:
        fit: the fit.
        times: what it was made from.
        which: 0 the mean, 1 the shape.

    Returns:
        Between what limits the parameter lies, with 95 % confidence.

    >>> times = Times(exact_s=np.full(100, 60.0))
    >>> fit = fit_family(FAMILIES["exponential"], times)
    >>> tuple(round(end, 1) for end in interval(fit, times))
    (49.6, 73.5)
    """
    family, best = fit.family, math.log(fit.point[which])
    limit = stats.chi2.ppf(COVERAGE, 1) / 2
    loss = _loss(family, times)

    def fall(at: float) -> float:
        """How much less likely the best is when the parameter is held there."""
        if not family.shape:
            return fit.log_likelihood - log_likelihood(family, (math.exp(at),), times)
        other = math.log(fit.point[1 - which])

        def held(free: float) -> float:
            return loss((at, free) if which == 0 else (free, at))

        reach = 0.5
        found = optimize.minimize_scalar(
            held,
            bounds=(other - reach, other + reach),
            method="bounded",
            options={"xatol": 1e-4 * max(1e-3, min(1.0, _variation(times)))},
        )
        return float(fit.log_likelihood + found.fun)

    spread = _variation(times) if which == 0 else 1.0
    step = max(1e-6, 2 * spread / math.sqrt(max(1, times.ended)))
    ends = []
    for way in (-1, 1):
        far = step
        while fall(best + way * far) < limit and far < 8:
            far *= 2
        if far >= 8:
            ends.append(best + way * far)
            continue
        ends.append(
            optimize.brentq(
                lambda at, way=way: fall(best + way * at) - limit, 0, far, xtol=step / 50
            )
            * way
            + best
        )
    return math.exp(ends[0]), math.exp(ends[1])


def uniforms(fit: Fit, times: Times) -> Floats:
    """What is uniform between 0 and 1 if the fit is right: each time's own probability.

    For a time that is known between limits only, one in between is drawn (Dunn and Smyth 1996,
    Randomized Quantile Residuals), always the same.
    """
    rng = np.random.default_rng(0)

    def below(x: Floats) -> Floats:
        return share_below(fit.family, fit.point, x)

    def between(low: Floats, high: Floats | float) -> Floats:
        return np.asarray(low + (high - low) * rng.random(len(low)))

    def rest(r: Floats) -> Floats:
        return np.asarray(1 - mean_beyond(fit.family, fit.point, r) / fit.point[0])

    columns = (
        below(times.exact_s),
        between(below(times.longer_s), 1.0),
        between(below(times.low_s), below(times.high_s)),
        rest(times.rest_s),
        between(rest(times.longer_rest_s), 1.0),
    )
    return np.concatenate(columns)


CRITICAL: Final = {
    "exponential": 1.959,
    "gamma": 1.092,
    "lognormal": 1.035,
    "weibull": 1.038,
    "normal": 1.035,
}
"""Of the Anderson-Darling statistic with parameters that were fitted, at 1 % (D'Agostino and
Stephens 1986, Goodness-of-Fit Techniques, ch. 4; the gamma's for the shape 1, and less beyond)."""


KNOWN: Final = 3.857
"""The same where nothing was fitted."""


def fits_well(fit: Fit, times: Times) -> tuple[bool, float]:
    """Test whether times can come from their fit.

    Returns:
        Whether an Anderson-Darling test at 1 % leaves it, and the statistic over its limit.

    >>> rng = np.random.default_rng(7)
    >>> times = Times(exact_s=rng.exponential(60, 300))
    >>> fits_well(fit_family(FAMILIES["exponential"], times), times)[0]
    True
    >>> fits_well(fit_family(FAMILIES["normal"], times), times)[0]
    False
    """
    sorted_u = np.clip(np.sort(uniforms(fit, times)), 1e-15, 1 - 1e-15)
    n = len(sorted_u)
    odd = 2 * np.arange(1, n + 1) - 1
    statistic = -n - float((odd * (np.log(sorted_u) + np.log1p(-sorted_u[::-1]))).mean())
    if fit.family.name in {"lognormal", "normal"}:
        statistic *= 1 + 0.75 / n + 2.25 / n**2
    elif fit.family.name == "exponential":
        statistic *= 1 + 0.6 / n
    elif fit.family.name == "weibull":
        statistic *= 1 + 0.2 / math.sqrt(n)
    # What is drawn in between owes nothing to the fit, and so strays further from it.
    fitted = len(times.exact_s) / n
    share = statistic / (fitted * CRITICAL[fit.family.name] + (1 - fitted) * KNOWN)
    return share < 1, share
