"""The chart that drift is found by gives as many false alarms as it is made for."""

from __future__ import annotations

import math
import random
from statistics import fmean

import pytest

from twin.live.cusum import Cusum, decision_limit


def run_length(chart: Cusum, shift: float, rng: random.Random) -> int:
    count = 0
    while chart.share < 1:
        chart.take(rng.gauss(shift, 1))
        count += 1
    return count


@pytest.mark.parametrize("reference", [0.2, 0.5, 1.0])
def test_false_alarms_come_as_rarely_as_asked_for(reference: float) -> None:
    rng, asked, runs = random.Random(11), 400, 500
    limit = decision_limit(reference, asked)
    mean = fmean(run_length(Cusum(reference, limit), 0, rng) for _ in range(runs))
    # Run lengths are near to exponential: a mean's standard error is its 1/sqrt(runs), 4.5 %;
    # 3 of those, and the 5 % by which Siegmund's approximation may be off.
    assert mean == pytest.approx(asked, rel=3 / runs**0.5 + 0.05)


def test_a_shift_is_found_as_soon_as_siegmund_says() -> None:
    rng, reference, shift = random.Random(11), 0.25, 0.5
    limit = decision_limit(reference, 1e6)
    mean = fmean(run_length(Cusum(reference, limit), shift, rng) for _ in range(300))
    gain, ends = shift - reference, limit + 1.166
    due = (math.exp(-2 * gain * ends) + 2 * gain * ends - 1) / (2 * gain**2)
    assert mean == pytest.approx(due, rel=0.1)
