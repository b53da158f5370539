"""The intervals of what-if tell the truth: 500 experiments on lines with exact values."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from twin import whatif
from twin.model import Buffer, Line, Station

SECOND_US = 1_000_000
EXACT = {1: 0.75, 2: 0.8}
"""Two stations, exponential with mean 1, B places between: (B + 2) / (B + 3)."""


def _line(stations: int, places: int) -> Line:
    time = {"distribution": "exponential", "mean": "1 s"}
    names = [f"S{i}" for i in range(stations)]
    return Line(
        id="EXACT",
        stations=tuple(Station(id=name, cycle_time=time) for name in names),  # type: ignore[arg-type]
        buffers=tuple(
            Buffer(id=f"B{i}", sources=a, sinks=b, capacity=places)  # type: ignore[arg-type]
            for i, (a, b) in enumerate(itertools.pairwise(names))
        ),
    )


@pytest.mark.parametrize(
    ("experiments", "least", "most"),
    [
        (100, 0.88, 1.0),  # a coin that covers 95 % falls outside once in 1,000
        pytest.param(500, 0.93, 0.97, marks=[pytest.mark.nightly, pytest.mark.timeout(1800)]),
    ],
)
def test_intervals_cover_the_exact_values_of_two_lines_and_of_their_difference(
    experiments: int, least: float, most: float
) -> None:
    """Sequential stopping included: each experiment ends when it is precise enough for itself."""
    bigger = whatif.Scenario.of("bigger", {"buffers.B0.capacity": 2})
    truths = (EXACT[1], EXACT[2] - EXACT[1])
    covered, sizes = np.zeros(2), []
    with whatif.open_workers() as workers:
        for seed in range(experiments):
            plan = whatif.Plan(
                span_us=1000 * SECOND_US, warm_up_us=100 * SECOND_US, seed=seed, precision=0.003
            )
            answer = whatif.compare(_line(2, 1), [bigger], plan=plan, workers=workers)
            assert answer.stopped_by == "precision"
            sizes.append(answer.replications)
            for i, found in enumerate((answer.mean(0), answer.gain(1))):
                assert found.half_width_95 is not None
                covered[i] += abs(found.mean - truths[i] * 3600) <= found.half_width_95
    shares = (covered / experiments).tolist()
    print(f"covered: mean {shares[0]:.1%}, difference {shares[1]:.1%}; "  # noqa: T201 - nightly
          f"{min(sizes)} to {max(sizes)} replications")  # fmt: skip
    assert min(sizes) < max(sizes), "the stop rule was never put to work"
    assert [least <= share <= most for share in shares] == [True, True], shares


def test_look_ahead_from_an_empty_line() -> None:
    """Output within 10, 20 and 50 from an empty line: exact means, variance and quantiles."""
    exact = {10: 5.10261, 20: 12.27291, 50: 34.27529}
    line = _line(3, 2)
    for span, mean in exact.items():
        plan = whatif.Plan(
            span_us=span * SECOND_US, figure="good", precision=None, most=2000, seed=span
        )
        answer = whatif.compare(line, plan=plan)
        found = answer.mean(0, "good")
        assert found.half_width_95 is not None
        assert abs(found.mean - mean) <= 1.5 * found.half_width_95  # three standard errors
        if span == 10:
            assert abs(found.mean / mean - 1) <= 0.02
            assert np.var(answer.of(0), ddof=1) == pytest.approx(3.701, rel=0.1)
            shares = [answer.quantile(0, share).value for share in (0.05, 0.5, 0.95)]
            assert [abs(a - b) <= 1 for a, b in zip(shares, (2, 5, 8), strict=True)] == [True] * 3


def test_common_random_numbers_save_at_least_four_fifths() -> None:
    """A buffer comparison: paired against independent replications."""
    line = _line(5, 2)
    bigger = whatif.Scenario.of("bigger", {"buffers.*.capacity": "+1"})
    plan = whatif.Plan(
        span_us=8 * 3600 * SECOND_US, warm_up_us=600 * SECOND_US, precision=None, most=60
    )
    answer = whatif.compare(line, [bigger], plan=plan)
    paired = np.var(answer.of(1) - answer.of(0), ddof=1)
    independent = np.var(answer.of(1), ddof=1) + np.var(answer.of(0), ddof=1)
    assert independent / paired >= 5
