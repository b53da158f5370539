"""The distributions that a fit chooses from, by mean and shape; as scipy.stats has them.

The only place that knows how the line file's parameters (`twin.model.durations`) are scipy's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy import special, stats

from twin.calibration.times import Floats, Times
from twin.model import durations as d

__all__ = [
    "FAMILIES",
    "Family",
    "Point",
    "family_of",
    "log_likelihood",
    "mean_beyond",
    "share_below",
]

Point = tuple[float, ...]
"""Parameters: the mean in seconds, and the shape where the family has one."""
FAINT: Final = 1e-300


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of distribution.

    Args:
        name: as the line file says it.
        shape: what its shape is called there; empty for none.
        low, high: what the shape may be.
        start: a shape to begin a search with, from a coefficient of variation.
        scipy: scipy's distribution.
        arguments: what it is called with, and its scale, for a mean and a shape.
        beyond: E[(X - r)+], the mean of what is left after `r` of those that last longer.
    """

    name: str
    shape: str
    low: float
    high: float
    start: Callable[[float], float]
    scipy: Any
    arguments: Callable[[Point], tuple[tuple[float, ...], float]]
    beyond: Callable[[Point, Floats], Floats]

    @property
    def parameters(self) -> int:
        """How many parameters it has."""
        return 1 + bool(self.shape)


def _lognormal(point: Point) -> tuple[tuple[float, ...], float]:
    mean, sigma = point
    return (sigma, 0.0), float(mean * np.exp(-(sigma**2) / 2))


def _lognormal_beyond(point: Point, r: Floats) -> Floats:
    mean, sigma = point
    z = np.log(np.maximum(r, FAINT) / mean) / sigma
    upper, lower = special.ndtr(sigma / 2 - z), special.ndtr(-sigma / 2 - z)
    return np.asarray(mean * upper - r * lower)


def _gamma(point: Point) -> tuple[tuple[float, ...], float]:
    mean, cv = point
    return (cv**-2, 0.0), mean * cv**2


def _gamma_beyond(point: Point, r: Floats) -> Floats:
    mean, cv = point
    k, x = cv**-2, r / (mean * cv**2)
    return np.asarray(mean * special.gammaincc(k + 1, x) - r * special.gammaincc(k, x))


def _weibull_scale(point: Point) -> float:
    return float(point[0] / special.gamma(1 + 1 / point[1]))


def _weibull_beyond(point: Point, r: Floats) -> Floats:
    mean, shape = point
    hazard = (r / _weibull_scale(point)) ** shape
    return np.asarray(mean * special.gammaincc(1 + 1 / shape, hazard) - r * np.exp(-hazard))


def _normal_beyond(point: Point, r: Floats) -> Floats:
    mean, cv = point
    z = (r / mean - 1) / cv
    return np.asarray(cv * mean * (stats.norm.pdf(z) - z * special.ndtr(-z)))


def _weibull_start(cv: float) -> float:
    # Justus et al. 1978, J. Applied Meteorology 17: within a few percent, and only a start.
    return float(np.clip(cv**-1.086, 0.25, 18))


_EVERY: Final = (
    Family(
        "exponential", "", 0, 0, lambda cv: 1.0, stats.expon,
        lambda point: ((0.0,), point[0]), lambda point, r: point[0] * np.exp(-r / point[0]),
    ),
    Family("gamma", "cv", 0.0011, 9.9, lambda cv: cv, stats.gamma, _gamma, _gamma_beyond),
    Family(
        "lognormal", "sigma", 0.0011, 2.19, lambda cv: float(np.sqrt(np.log1p(cv**2))),
        stats.lognorm, _lognormal, _lognormal_beyond,
    ),
    Family(
        "weibull", "shape", 0.21, 19.9, _weibull_start, stats.weibull_min,
        lambda point: ((point[1], 0.0), _weibull_scale(point)), _weibull_beyond,
    ),
    Family(
        "normal", "cv", 1e-5, 0.329, lambda cv: min(cv, 0.3), stats.norm,
        lambda point: ((point[0],), point[0] * point[1]), _normal_beyond,
    ),
)  # fmt: skip
FAMILIES: Final = {family.name: family for family in _EVERY}
"""By name. Their limits lie just inside the line file's, so that rounding can't pass those."""


def family_of(duration: d.Duration) -> tuple[Family, Point] | None:
    """A distribution of a line file as a family and its parameters; None for any other.

    >>> family, point = family_of(d.Lognormal(distribution="lognormal", mean="60 s", sigma=0.7))
    >>> family.name, point
    ('lognormal', (60.0, 0.7))
    """
    match duration:
        case d.Exponential():
            return FAMILIES["exponential"], (duration.mean_us / 1e6,)
        case d.Erlang():
            return FAMILIES["gamma"], (duration.mean_us / 1e6, duration.stages**-0.5)
        case d.Gamma() | d.Normal():
            return FAMILIES[duration.distribution], (duration.mean_us / 1e6, duration.cv)
        case d.Weibull():
            return FAMILIES["weibull"], (duration.mean_us / 1e6, duration.shape)
        case d.Lognormal():
            sigma = duration.sigma or float(np.sqrt(np.log1p((duration.cv or 0) ** 2)))
            return FAMILIES["lognormal"], (duration.mean_us / 1e6, sigma)
        case _:
            return None


def mean_beyond(family: Family, point: Point, r: Floats) -> Floats:
    """E[(X - r)+] in seconds: the survivor function, summed from `r` on.

    >>> mean_beyond(FAMILIES["exponential"], (2.0,), np.array([0.0]))
    array([2.])
    """
    return np.maximum(family.beyond(point, r), FAINT)


def share_below(family: Family, point: Point, x: Floats) -> Floats:
    """The distribution function at times in seconds."""
    arguments, scale = family.arguments(point)
    return np.asarray(family.scipy.cdf(x, *arguments, scale))


def log_likelihood(family: Family, point: Point, times: Times) -> float:
    """How likely times are, as a natural logarithm.

    A rest of a time whose beginning nobody saw has the density S(r)/mean, S the survivor function:
    the forward recurrence time of a renewal process that has run for long (Cox 1962, Renewal
    Theory, ch. 5).

    Args:
        family, point: the distribution.
        times: what was seen.
    """
    of, (arguments, scale) = family.scipy, family.arguments(point)
    total = 0.0
    if len(times.exact_s):
        total += float(of.logpdf(times.exact_s, *arguments, scale).sum())
    if len(times.longer_s):
        total += float(of.logsf(times.longer_s, *arguments, scale).sum())
    if len(times.low_s):
        within = share_below(family, point, times.high_s) - share_below(family, point, times.low_s)
        total += float(np.log(np.maximum(within, FAINT)).sum())
    rests = len(times.rest_s) + len(times.longer_rest_s)
    if len(times.rest_s):
        total += float(of.logsf(times.rest_s, *arguments, scale).sum())
    if len(times.longer_rest_s):
        total += float(np.log(mean_beyond(family, point, times.longer_rest_s)).sum())
    return total - rests * float(np.log(point[0]))
