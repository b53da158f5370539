"""Fits as distributions of a line file, in round numbers."""

from __future__ import annotations

import math

import numpy as np

from twin.calibration.families import Family, Point
from twin.calibration.times import Floats
from twin.model import durations as d
from twin.model.quantity import TIME_US

__all__ = ["as_constant", "as_empirical", "as_written", "rounded"]

LEVELS = 41


def rounded(value: float, digits: int) -> float:
    """Round to so many significant digits.

    >>> rounded(0.0123456, 3)
    0.0123
    """
    return float(f"{value:.{digits - 1}e}")


def digits_for(value: float, low: float, high: float) -> int:
    """Significant digits that say no more and no less than an interval does, and one for safety.

    >>> digits_for(75.53, 75.5, 75.56), digits_for(45_000, 30_000, 80_000)
    (5, 3)
    """
    half = max((high - low) / 2, abs(value) * 1e-7)
    return int(np.clip(math.ceil(math.log10(abs(value) / half)) + 1, 3, 7))


def _us(mean_s: float, digits: int, unit: str) -> int:
    """A time in seconds as whole microseconds, round in its unit."""
    size = TIME_US[unit]
    return max(1, round(rounded(mean_s * 1e6 / size, digits) * size))


def as_constant(mean_s: float, unit: str, digits: int = 6) -> d.Constant:
    """A time without any spread."""
    return d.Constant(mean_us=_us(mean_s, digits, unit))


def as_written(
    family: Family, point: Point, digits: int, unit: str, like: d.Duration
) -> d.Duration:
    """A fit as a distribution.

    Args:
        family, point: the fit.
        digits: significant ones of the mean.
        unit: of the mean, as the line file has it.
        like: what the line file has: where it is lognormal by its cv, or an Erlang distribution,
            the fit is so, too.

    >>> from twin.calibration.families import FAMILIES
    >>> like = d.Constant(mean="1 h")
    >>> as_written(FAMILIES["weibull"], (45123.4, 1.5071), 3, "h", like).mean_us / 3.6e9
    12.5
    """
    mean_us = _us(point[0], digits, unit)
    shape = rounded(point[1], 3) if len(point) > 1 else 0.0
    match family.name:
        case "gamma":
            stages = round(point[1] ** -2)
            if isinstance(like, d.Erlang) and 1 <= stages <= 1000:
                return d.Erlang(distribution="erlang", mean_us=mean_us, stages=stages)
            return d.Gamma(distribution="gamma", mean_us=mean_us, cv=shape)
        case "lognormal":
            if isinstance(like, d.Lognormal) and like.sigma is not None:
                return d.Lognormal(distribution="lognormal", mean_us=mean_us, sigma=shape)
            cv = rounded(math.sqrt(math.expm1(point[1] ** 2)), 3)
            if cv <= 10:
                return d.Lognormal(distribution="lognormal", mean_us=mean_us, cv=cv)
            return d.Lognormal(distribution="lognormal", mean_us=mean_us, sigma=shape)
        case "weibull":
            return d.Weibull(distribution="weibull", mean_us=mean_us, shape=shape)
        case "normal":
            return d.Normal(distribution="normal", mean_us=mean_us, cv=shape)
        case _:
            return d.Exponential(distribution="exponential", mean_us=mean_us)


def as_empirical(times_s: Floats, unit: str) -> d.Empirical:
    """The measured times themselves, by 41 of their quantiles, for what no family fits."""
    levels = np.quantile(times_s, np.linspace(0, 1, LEVELS))
    return d.Empirical(
        distribution="empirical",
        values_us=tuple(_us(float(level), 5, unit) for level in levels),
    )
