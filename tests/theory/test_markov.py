"""The solver of the theory gives the published tables, digit by digit."""

from __future__ import annotations

import numpy as np
import pytest
from exact_values import CASES, LOOK_AHEAD, VARIANCE_RATES, Case, LookAhead
from theory_lines import random_plans

from twin.whatif.markov import Chain, Machine, Plan


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_throughput(case: Case) -> None:
    assert round(Chain(case.plan).throughput, 6) == case.throughput


@pytest.mark.parametrize(("plan", "rate"), VARIANCE_RATES)
def test_variance_rate(plan: Plan, rate: float) -> None:
    assert round(Chain(plan).variance_rate, 6) == rate


@pytest.mark.parametrize("case", LOOK_AHEAD, ids=lambda case: case.name)
def test_look_ahead(case: LookAhead) -> None:
    chain = Chain(case.plan)
    for horizon, mean in case.means.items():
        found = chain.output_by(horizon, case.start)
        assert found.sum() == pytest.approx(1, abs=1e-9)
        assert round(float(found @ np.arange(len(found))), 5) == mean
    if case.variance is not None:
        parts = np.arange(len(found := chain.output_by(10, case.start)))
        mean = found @ parts
        assert round(float(found @ (parts - mean) ** 2), 3) == case.variance
        quantiles = np.searchsorted(found.cumsum(), (0.05, 0.5, 0.95))
        assert tuple(quantiles) == case.quantiles


def test_the_variance_rate_is_that_of_the_output_in_the_long_run() -> None:
    chain = Chain(Plan((Machine(1, 2), Machine(1.2, 1, 0.02, 0.3)), (3,)))
    spread = []
    for horizon in (400, 500):
        found = chain.output_by(horizon)
        parts = np.arange(len(found))
        spread.append(float(found @ parts**2 - (found @ parts) ** 2))
    assert (spread[1] - spread[0]) / 100 == pytest.approx(chain.variance_rate, rel=1e-6)


def test_a_line_in_reverse_has_the_same_throughput() -> None:
    for plan, chain in random_plans(5, 30):
        assert Chain(plan.reversed).throughput == pytest.approx(chain.throughput, rel=1e-9), plan


def test_a_bigger_buffer_raises_the_throughput_to_that_of_the_slowest() -> None:
    machines = (Machine(1.1), Machine(1, 2), Machine(1.3))
    found = [Chain(Plan(machines, (b, b))).throughput for b in (0, 1, 2, 4, 8, 16, 32, 64)]
    assert found == sorted(found)
    assert 0.9999 < found[-1] < 1


def test_failures_by_time_cost_more() -> None:
    for b in (0, 2, 5):
        by_work, by_time = (
            Chain(Plan((Machine(1, 1, 0.02, 0.1, clock),) * 3, (b, b))).throughput
            for clock in (False, True)
        )
        assert by_time < by_work
