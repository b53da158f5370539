"""Intervals: for a mean, for a quantile, for a difference of two means."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from twin.engine.results import Estimate

__all__ = ["QuantileEstimate", "difference", "quantile", "share_interval", "student"]

Floats = NDArray[np.float64]
TAIL = 0.025


@dataclass(frozen=True, slots=True)
class QuantileEstimate:
    """A quantile over replications and its 95 % interval.

    Args:
        share: which, 0 to 1.
        value: the estimate.
        low, high: the interval's ends; None: too few replications to give that end.
    """

    share: float
    value: float
    low: float | None
    high: float | None


def quantile(values: Floats, share: float) -> QuantileEstimate:
    """Estimate a quantile by an order statistic, whatever the distribution.

    The interval's ends are order statistics too: how many of n values lie below a quantile is
    binomial (David and Nagaraja, "Order Statistics", 3rd ed., 7.1). It covers at least 95 %.

    Args:
        values: independent replications, at least one.
        share: 0 to 1, exclusive.

    >>> estimate = quantile(np.arange(1.0, 101.0), 0.5)
    >>> estimate.value, estimate.low, estimate.high
    (50.0, 40.0, 61.0)
    """
    ordered = np.sort(values)
    n = len(ordered)
    ranks = np.arange(n + 1)
    at_most = special.bdtr(ranks, n, share)  # P(so many or fewer lie below the quantile)
    below = np.flatnonzero(at_most <= TAIL)
    above = np.flatnonzero(at_most[:n] >= 1 - TAIL)
    low = float(ordered[below[-1]]) if len(below) else None
    high = float(ordered[above[0]]) if len(above) else None
    return QuantileEstimate(share, float(ordered[max(0, math.ceil(n * share) - 1)]), low, high)


def difference(values: Floats, baseline: Floats) -> Estimate:
    """Estimate how much higher a mean is than the baseline's, replication by replication.

    The pairs share their random numbers, so most of the chance cancels out.

    >>> difference(np.array([2.0, 4.0]), np.array([1.0, 3.0]))
    Estimate(mean=1.0, half_width_95=0.0)
    """
    return Estimate.of(list(values - baseline))


def student(n: int) -> float:
    """Student's t for a 95 % interval of n values; n at least 2."""
    return float(special.stdtrit(n - 1, 1 - TAIL))


def share_interval(happened: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a probability of which so many of so many trials came true.

    Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the
    binomial", Biometrika 26, 1934: it covers at least 95 %, also near 0 and 1.

    >>> low, high = share_interval(0, 10)
    >>> low, round(high, 4)
    (0.0, 0.3085)
    """
    low = 0.0 if not happened else float(special.betaincinv(happened, of - happened + 1, TAIL))
    high = (
        1.0 if happened == of else float(special.betaincinv(happened + 1, of - happened, 1 - TAIL))
    )
    return low, high
