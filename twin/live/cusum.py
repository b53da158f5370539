"""A two-sided CUSUM chart over standard normal scores, made for a stated false-alarm rate.

Page (1954), Continuous inspection schemes; Siegmund (1985), Sequential Analysis, for the average
run length.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache

__all__ = ["Cusum", "decision_limit"]

OVERSHOOT = 1.166
"""By how much a sum of normal steps oversteps the two ends, taken together (Siegmund)."""
MOST = 4.0
"""A score counts for at most so much, so that one odd value is no alarm by itself."""
KEPT = 2.0
"""A sum is cut off at so many times its limit, so that it comes down soon when all is well."""


def _run_length(reference: float, limit: float) -> float:
    """How many scores pass before a one-sided chart raises an alarm though nothing has moved."""
    twice = 2 * reference * (limit + OVERSHOOT)
    return (math.exp(twice) - twice - 1) / (2 * reference**2)


@lru_cache(maxsize=4096)
def decision_limit(reference: float, scores_a_false_alarm: float) -> float:
    """Return the limit of a two-sided chart that gives one false alarm in so many scores.

    Args:
        reference: allowance k, half of the shift that is to be found soonest, in standard
            deviations; greater than 0.
        scores_a_false_alarm: average run length while nothing has moved; greater than 1.

    Returns:
        The limit h, in standard deviations, 0 or more, by Siegmund's approximation, which is within
        a few per cent of the exact run length. Each side gives half of the alarms.

    >>> round(decision_limit(0.5, 465), 1)  # Montgomery: k = 1/2, h = 5 has 465
    5.0
    """
    low, high = 0.0, 1.0
    while _run_length(reference, high) < 2 * scores_a_false_alarm:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        enough = _run_length(reference, middle) >= 2 * scores_a_false_alarm
        low, high = (low, middle) if enough else (middle, high)
    return high


@dataclass(slots=True)
class Cusum:
    """A chart.

    Args:
        reference: allowance k, in standard deviations.
        limit: decision limit h.

    >>> chart = Cusum(reference=0.5, limit=5.0)
    >>> for _ in range(10):
    ...     chart.take(1.0)
    >>> chart.share, chart.rises
    (1.0, True)
    """

    reference: float
    limit: float
    up: float = field(init=False, default=0.0)
    """What the scores sum up to above the allowance."""
    down: float = field(init=False, default=0.0)
    """What they sum up to below it."""

    def take(self, score: float) -> None:
        """Add a score: how far a value is from what was expected, in standard deviations."""
        score = min(MOST, max(-MOST, score))
        most = KEPT * self.limit
        self.up = min(most, max(0.0, self.up + score - self.reference))
        self.down = min(most, max(0.0, self.down - score - self.reference))

    @property
    def share(self) -> float:
        """The larger sum over the limit; an alarm stands from 1 on."""
        return max(self.up, self.down) / self.limit

    @property
    def rises(self) -> bool:
        """Whether the values are above what was expected, rather than below."""
        return self.up >= self.down
