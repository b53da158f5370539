"""Times that were seen, each with how much of it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["Floats", "Times"]

Floats = NDArray[np.float64]
MOST = 20_000
"""So many of a kind tell all that can be told; of more, each so-many-th is taken."""


def _none() -> Floats:
    return np.array([], dtype=float)


@dataclass(frozen=True, slots=True)
class Times:
    """Times of one kind, in seconds, each greater than 0.

    Args:
        exact_s: seen from beginning to end.
        longer_s: still going on after so long, and then lost sight of (right-censored).
        low_s, high_s: of one length; somewhere between the two.
        rest_s: nobody saw them begin; what was seen until they ended.
        longer_rest_s: nobody saw them begin or end; what was seen.
    """

    exact_s: Floats = field(default_factory=_none)
    longer_s: Floats = field(default_factory=_none)
    low_s: Floats = field(default_factory=_none)
    high_s: Floats = field(default_factory=_none)
    rest_s: Floats = field(default_factory=_none)
    longer_rest_s: Floats = field(default_factory=_none)

    @property
    def ended(self) -> int:
        """How many ended while they were watched."""
        return len(self.exact_s) + len(self.low_s) + len(self.rest_s)

    @property
    def cut_off(self) -> int:
        """How many were lost sight of before they ended."""
        return len(self.longer_s) + len(self.longer_rest_s)

    @property
    def watched_s(self) -> float:
        """How much of them was seen, all together."""
        middle_s = (self.low_s + self.high_s) / 2
        columns = (self.exact_s, self.longer_s, middle_s, self.rest_s, self.longer_rest_s)
        return float(sum(column.sum() for column in columns))

    @property
    def mean_s(self) -> float:
        """The mean, as if they had no memory: what was seen over how many ended.

        >>> Times(exact_s=np.array([10.0, 30.0]), longer_s=np.array([20.0])).mean_s
        30.0
        """
        return self.watched_s / max(1, self.ended)

    def thinned(self) -> Times:
        """The same, with at most `MOST` of a kind, taken evenly over time."""
        taken = {name: getattr(self, name) for name in self.__slots__}
        return Times(**{k: column[:: -(-len(column) // MOST) or 1] for k, column in taken.items()})


def seconds(values_us: Sequence[int]) -> Floats:
    """Microseconds as an array of seconds, none of them below one microsecond."""
    return np.asarray(np.maximum(np.asarray(values_us, dtype=float), 1.0) / 1e6)
