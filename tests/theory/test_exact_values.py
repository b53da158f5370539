"""The engines' own intervals hold the exact values as often as they promise to."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
import pytest
from exact_values import CASES, VARIANCE_RATES
from judged import interval, judge, span_for
from scipy import stats
from theory_lines import S, line_of, random_plans

from twin.engine.kernel import kernel_library
from twin.engine.results import Estimate
from twin.engine.simulation import EngineName, simulate
from twin.whatif.markov import Chain, Plan

needs_kernel = pytest.mark.skipif(
    kernel_library() is None, reason="the compiled engine is not installed: no C compiler"
)
PUBLISHED = [(case.name, case.plan, Chain(case.plan), case.throughput) for case in CASES]
Theory = list[tuple[str, Plan, Chain, float]]


def random_cases(seed: int, count: int, most_states: int) -> Theory:
    drawn = random_plans(seed, count, most_states)
    return [(str(plan), plan, chain, chain.throughput) for plan, chain in drawn]


def intervals(
    cases: Theory, engine: EngineName, half_width: float, replications: int, seed: int
) -> list[Estimate]:
    # A seed for each case: stations of one name would share their draws, and the cases' fates.
    return [
        interval(plan, span_for(chain, half_width, replications), replications, seed + i, engine)
        for i, (_, plan, chain, _) in enumerate(cases)
    ]


@needs_kernel
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("table", "cases"),
    [("published", PUBLISHED), ("random", random_cases(1, 16, 3000))],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_kernel_holds_the_exact_values(table: str, cases: Theory) -> None:
    found = intervals(cases, "kernel", 0.0015, 40, 100)
    verdict = judge([case[0] for case in cases], [case[3] for case in cases], found)
    print(f"kernel, {table} lines: {verdict}")  # noqa: T201 - the report
    assert verdict.as_promised, verdict.missed
    assert verdict.widest <= 0.002
    assert verdict.median_error <= 0.001


def test_simpy_holds_the_exact_values() -> None:
    cases = PUBLISHED + random_cases(2, 16, 3000)
    found = [interval(plan, 400, 8, 500 + i, "simpy") for i, (_, plan, _, _) in enumerate(cases)]
    verdict = judge([case[0] for case in cases], [case[3] for case in cases], found)
    print(f"SimPy, short runs: {verdict}")  # noqa: T201 - the report
    assert verdict.as_promised, verdict.missed
    assert verdict.median_error < 0.02


@needs_kernel
@pytest.mark.nightly
def test_the_kernel_holds_the_exact_values_of_many_lines() -> None:
    cases = PUBLISHED + random_cases(3, 400, 20_000)
    found = intervals(cases, "kernel", 0.0014, 40, 10_000)
    verdict = judge([case[0] for case in cases], [case[3] for case in cases], found)
    print(f"kernel, published and random lines: {verdict}")  # noqa: T201 - the report
    assert 0.90 <= verdict.coverage <= 0.99
    assert verdict.widest <= 0.002
    assert verdict.median_error <= 0.001


BATCHES, IN_A_BATCH = 10, 10


def _batch(half_width: float, job: tuple[Plan, int]) -> list[float]:
    """The throughputs of a case's replications."""
    plan, seed = job
    span = span_for(Chain(plan), half_width, BATCHES * IN_A_BATCH)
    results = simulate(
        line_of(plan),
        engine="simpy",
        seed=seed,
        replications=BATCHES * IN_A_BATCH,
        warmup=200 * S,
        until=span * S,
    )
    return [int(counters.good[-1]) / span for counters in results.replications]


@pytest.mark.nightly
def test_simpy_holds_the_exact_values_as_often_as_it_promises() -> None:
    """One narrow interval for each line; and ten of a tenth of its runs, to count the misses."""
    jobs = [(plan, 20_000 + i) for i, (_, plan, _, _) in enumerate(PUBLISHED)]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        runs = list(pool.map(partial(_batch, 0.0016), jobs))
    names, exact = [case[0] for case in PUBLISHED], [case[3] for case in PUBLISHED]
    narrow = judge(names, exact, [Estimate.of(values) for values in runs])
    batches = [Estimate.of(values[b::BATCHES]) for values in runs for b in range(BATCHES)]
    wide = judge(np.repeat(names, BATCHES).tolist(), np.repeat(exact, BATCHES).tolist(), batches)
    print(f"SimPy, published lines: {narrow}\nSimPy, a tenth of the runs each: {wide}")  # noqa: T201
    assert narrow.as_promised, narrow.missed
    assert narrow.widest <= 0.002
    assert narrow.median_error <= 0.001
    assert 0.90 <= wide.coverage <= 0.99


def _half_width_over_the_exact_one(
    plan: Plan, chain: Chain, engine: EngineName, replications: int, span: int, seed: int
) -> float:
    found = interval(plan, span, replications, seed, engine)
    assert found.half_width_95 is not None
    return found.half_width_95 / (1.96 * (chain.variance_rate / (replications * span)) ** 0.5)


@pytest.mark.parametrize(
    ("engine", "replications", "span"),
    [pytest.param("kernel", 300, 2000, marks=needs_kernel), ("simpy", 40, 500)],
)
def test_half_widths_are_those_of_the_exact_variance(
    engine: EngineName, replications: int, span: int
) -> None:
    plans = [(plan, Chain(plan)) for plan, _ in VARIANCE_RATES]
    if engine == "kernel":
        plans += random_plans(4, 3, 3000)
    spread = stats.chi2(replications - 1)
    student = stats.t.ppf(0.975, replications - 1) / 1.96
    for i, (plan, chain) in enumerate(plans):
        ratio = _half_width_over_the_exact_one(plan, chain, engine, replications, span, 900 + i)
        likely = [(spread.ppf(p) / (replications - 1)) ** 0.5 * student for p in (0.0005, 0.9995)]
        assert likely[0] < ratio < likely[1], plan
