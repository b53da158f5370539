"""What a line puts out within T from a given state: both engines hold the exact distribution."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
import pytest
from exact_values import LOOK_AHEAD, LookAhead
from given_states import GivenState
from numpy.typing import NDArray
from scipy import stats
from theory_lines import S

from twin.engine.kernel import kernel_library
from twin.engine.results import Estimate
from twin.engine.simulation import EngineName, open_engine
from twin.whatif.markov import Chain, Machine, Plan

needs_kernel = pytest.mark.skipif(
    kernel_library() is None, reason="the compiled engine is not installed: no C compiler"
)
OTHERS = (
    LookAhead(
        "unequal, one buffer empty",
        Plan((Machine(1.2), Machine(0.9), Machine(1.1), Machine(1)), (2, 1, 3)),
        ((0, 0, -1, 0), (True,) * 4, (2, 0, 3)),
        {5: 0, 30: 0},
    ),
    LookAhead(
        "the middle one down before an empty buffer",
        Plan((Machine(), Machine(1.1, 1, 0.05, 0.2), Machine(1.2, 1, 0.02, 0.1)), (3, 3)),
        ((0, 0, -1), (True, False, True), (2, 0)),
        {10: 0, 40: 0},
    ),
)
"""States that no table has; their exact means come from the solver."""
ALL = (*LOOK_AHEAD, *OTHERS)


def exact(case: LookAhead) -> dict[int, NDArray[np.float64]]:
    chain = Chain(case.plan)
    return {horizon: chain.output_by(horizon, case.start) for horizon in case.means}


def outputs(
    case: LookAhead, engine: EngineName, replications: range, horizons: list[int]
) -> NDArray[np.int64]:
    """N(T) of each replication, at each horizon."""
    given = GivenState(case.plan, case.start)
    found = []
    for replication in replications:
        # One generator for each replication: any split of them gives the same.
        snapshot = given.snapshot(np.random.default_rng([7, replication]))
        running = open_engine(given.line, engine, start=snapshot, replication=replication)
        counted = []
        for horizon in horizons:
            running.advance(horizon * S)
            counted.append(int(running.counters().good[-1]))
        found.append(counted)
    return np.array(found)


def moments(pmf: NDArray[np.float64]) -> tuple[float, float]:
    parts = np.arange(len(pmf))
    mean = float(pmf @ parts)
    return mean, float(pmf @ (parts - mean) ** 2)


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_both_engines_go_on_alike(case: LookAhead) -> None:
    if kernel_library() is None:
        pytest.skip("the compiled engine is not installed: no C compiler")
    horizons = list(case.means)
    runs = [outputs(case, engine, range(20), horizons) for engine in ("simpy", "kernel")]
    assert np.array_equal(*runs)


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
@pytest.mark.parametrize(
    ("engine", "replications"), [pytest.param("kernel", 1000, marks=needs_kernel), ("simpy", 300)]
)
def test_look_ahead(case: LookAhead, engine: EngineName, replications: int) -> None:
    horizons = list(case.means)
    found = outputs(case, engine, range(1000, 1000 + replications), horizons)
    for values, (horizon, pmf) in zip(found.T, exact(case).items(), strict=True):
        mean, variance = moments(pmf)
        error = (values.mean() - mean) / (variance / replications) ** 0.5
        assert abs(error) < 3.5, horizon
        assert_drawn_from(values, pmf)


def assert_drawn_from(values: NDArray[np.int64], pmf: NDArray[np.float64]) -> None:
    """Chi-squared over bins with at least ten expected in each."""
    expected, bins = [0.0], np.zeros(len(pmf), dtype=np.int64)
    for parts, share in enumerate(pmf * len(values)):
        if expected[-1] >= 10:
            expected.append(0.0)
        expected[-1] += share
        bins[parts] = len(expected) - 1
    if expected[-1] < 10:
        last = expected.pop()
        expected[-1] += last
        bins[bins == len(expected)] -= 1
    observed = np.bincount(bins[values], minlength=len(expected))
    distance = float(((observed - expected) ** 2 / expected).sum())
    assert distance < stats.chi2.isf(1e-4, len(expected) - 1)


def _many(engine: EngineName, job: tuple[LookAhead, range, int]) -> NDArray[np.int64]:
    case, replications, horizon = job
    return outputs(case, engine, replications, [horizon])[:, 0]


@pytest.mark.nightly
@pytest.mark.timeout(14_400)
@pytest.mark.parametrize("engine", [pytest.param("kernel", marks=needs_kernel), "simpy"])
def test_look_ahead_to_a_five_hundredth(engine: EngineName) -> None:
    """So many replications that the 95 % interval is at most 0.2 % of the mean each way."""
    report, held, narrow = [], [], []
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for case in LOOK_AHEAD:
            for horizon, pmf in exact(case).items():
                mean, variance = moments(pmf)
                count = int((1.96 / (0.0019 * mean)) ** 2 * variance) + 1
                jobs = [
                    (case, range(start, min(count, start + 2000)), horizon)
                    for start in range(0, count, 2000)
                ]
                values = np.concatenate(list(pool.map(partial(_many, engine), jobs)))
                found = Estimate.of(values.tolist())
                assert found.half_width_95 is not None
                error, half = abs(found.mean - mean) / mean, found.half_width_95 / mean
                report.append(
                    f"{engine}, {case.name}, T = {horizon}: {count:,} replications, mean "
                    f"{found.mean:.4f}, exact {mean:.4f}, error {error:.3%}, half-width {half:.3%}"
                )
                held.append(error <= half)
                narrow.append(half <= 0.002)
                assert_drawn_from(values, pmf)
    print("\n".join(report))  # noqa: T201 - the report
    assert all(narrow)
    assert sum(held) >= stats.binom.ppf(0.01, len(held), 0.95)
