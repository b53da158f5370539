"""How well a distribution foretells times that it was not made from: CRPS and log score.

Both take any distribution that a line file can say, so that what the file says is held against a
fit by one measure. They are proper: nothing scores better than the truth (Gneiting and Raftery
2007, J. Amer. Statist. Assoc. 102).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from twin.calibration.times import Floats, Times
from twin.engine.quantiles import cumulative, mean_us, midpoints, quantile_table
from twin.model.durations import Duration

__all__ = ["crps_s", "log_score"]

GRAIN: Final = 0.01
"""A time is foretold when it is to within 1 %: so a constant has a log score too."""
LEAST: Final = 1e-9
"""What is impossible by a distribution gets so much: it loses, and yet can be added up."""
MOST: Final = 2_000


def crps_s(duration: Duration, times_s: Floats) -> float:
    """The mean continuous ranked probability score of a distribution, in seconds; less is better.

    Args:
        duration: the distribution.
        times_s: what came, at least one; of many, every so-many-th is scored.

    >>> from twin.model.durations import Constant
    >>> round(crps_s(Constant(mean="10 s"), np.array([10.0, 12.0])), 6)
    1.0
    """
    points, weights = midpoints(quantile_table(duration))
    order = np.argsort(points, kind="stable")
    points, weights = points[order] / 1e6, weights[order]
    came = times_s[:: -(-len(times_s) // MOST)]
    away = float(np.mean(np.abs(came[:, None] - points[None, :]) @ weights))
    below = np.cumsum(weights) - weights / 2
    spread = float(np.sum(weights * points * (2 * below - 1)))
    return away - spread


def log_score(duration: Duration, times: Times) -> float:
    """The natural logarithm of the probability that times came as they did; more is better.

    The score of those that came after an instant is that of all less that of what was known at the
    instant, times that went on then being cut off there: a time that had lasted for an hour is
    asked for the rest only.

    Args:
        duration: the distribution.
        times: what came.
    """
    mean_s = mean_us(duration) / 1e6

    def below(x: Floats) -> Floats:
        return np.asarray(cumulative(duration, x * 1e6))

    def sum_of_logs(probabilities: Floats) -> float:
        return float(np.log(np.maximum(probabilities, LEAST)).sum())

    points, weights = midpoints(quantile_table(duration))

    def beyond(r: Floats) -> Floats:
        left = np.maximum(points[None, :] / 1e6 - r[:, None], 0)
        return np.asarray(left @ weights / mean_s)

    within = below(times.exact_s * (1 + GRAIN)) - below(times.exact_s * (1 - GRAIN))
    return (
        sum_of_logs(within)
        + sum_of_logs(1 - below(times.longer_s))
        + sum_of_logs(below(times.high_s) - below(times.low_s))
        + sum_of_logs((1 - below(times.rest_s)) * np.minimum(1, 2 * GRAIN * times.rest_s / mean_s))
        + sum_of_logs(beyond(times.longer_rest_s))
    )
