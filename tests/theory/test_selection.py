"""Selection: the best of 24 alternatives, found as often as promised and at half the cost."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from twin.whatif.selection import Race, race

Floats = NDArray[np.float64]
COUNT, EXPERIMENTS, LONGEST = 24, 400, 3_000
PROBABILITY, DELTA = 0.95, 0.15

SLIPPAGE = np.array([DELTA] + [0.0] * (COUNT - 1))
"""The hardest case: all others just as far behind the best as is worth telling apart."""
SPREAD = -DELTA * np.arange(COUNT)
"""Each as far behind the one before: buffers or machines one by one."""


def _race(means: Floats, seed: int, correlation: float) -> Race:
    rng = np.random.default_rng(seed)
    common = rng.normal(size=LONGEST)
    own = rng.normal(size=(COUNT, LONGEST))
    noise = correlation**0.5 * common + (1 - correlation) ** 0.5 * own

    def sample(alive: Sequence[int], wanted: range) -> Floats:
        picked: Floats = means[list(alive), None] + noise[alive, wanted.start : wanted.stop]
        return picked

    *_, last = race(sample, COUNT, indifference=DELTA, probability=PROBABILITY, most=LONGEST)
    assert last.proved
    return last


def _equal_allocation(means: Floats, correlation: float) -> int:
    """Replications in all with which equal allocation is right as often, by experiment."""
    rng = np.random.default_rng(99)
    n = 20
    while True:
        own = rng.normal(size=(2000, COUNT)) * ((1 - correlation) / n) ** 0.5
        if np.mean(np.argmax(means + own, axis=1) == 0) >= PROBABILITY:
            return n * COUNT
        n = round(n * 1.05) + 1


@pytest.mark.parametrize("correlation", [0.0, 0.5])
@pytest.mark.parametrize("means", [SLIPPAGE, SPREAD], ids=["slippage", "spread"])
def test_the_best_is_found_as_often_as_promised(means: Floats, correlation: float) -> None:
    found = [_race(means, seed, correlation).best == 0 for seed in range(EXPERIMENTS)]
    assert np.mean(found) >= PROBABILITY


@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_it_takes_at_most_half_of_equal_allocation(correlation: float) -> None:
    """Even of the least equal allocation that is right as often, which nobody can know before."""
    took = [sum(_race(SPREAD, seed, correlation).replications) for seed in range(100)]
    assert np.mean(took) <= 0.5 * _equal_allocation(SPREAD, correlation)
