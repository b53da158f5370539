"""The engine's own intervals hold the exact values as often as they promise to."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from exact_values import (
    CASES,
    LOOK_AHEAD,
    LOOK_AHEAD_QUANTILES,
    LOOK_AHEAD_VARIANCE,
    VARIANCE_RATES,
    Case,
)
from scipy import stats

from twin.engine.simpy_engine import SimpyEngine
from twin.model import Buffer, Line, Station

S = 1_000_000


def line_of(case: Case) -> Line:
    names = [chr(ord("A") + i) for i in range(len(case.rates))]

    def station(name: str, rate: float) -> Station:
        mean = round(S / rate)
        service: Any = {"distribution": "exponential", "mean": mean}
        if case.stages > 1:
            service = {"distribution": "erlang", "mean": mean, "stages": case.stages}
        failures: Any = ()
        if case.clock:
            up = {"distribution": "exponential", "mean": round(S / case.failure_rate)}
            down = {"distribution": "exponential", "mean": round(S / case.repair_rate)}
            failures = ({"id": "f", "depends_on": case.clock, "mtbf": up, "mttr": down},)
        return Station(id=name, cycle_time=service, failures=failures)

    return Line(
        id="THEORY",
        stations=tuple(station(*pair) for pair in zip(names, case.rates, strict=True)),
        buffers=tuple(
            Buffer(id=f"q{i}", sources=a, sinks=b, capacity=size)  # type: ignore[arg-type]
            for i, ((a, b), size) in enumerate(zip(pairwise(names), case.buffers, strict=True))
        ),
    )


def throughputs(line: Line, seed: int, replications: int, warm_up: int, span: int) -> Any:
    """Parts in each unit of time, of each replication."""
    found = []
    for replication in range(replications):
        engine = SimpyEngine(line, seed=seed, replication=replication)
        engine.advance(warm_up * S)
        before = int(engine.counters().good[-1])
        engine.advance((warm_up + span) * S)
        found.append((int(engine.counters().good[-1]) - before) / span)
    return np.array(found)


def half_width(values: Any) -> float:
    n = len(values)
    return float(stats.t.ppf(0.975, n - 1) * values.std(ddof=1) / n**0.5)


def test_intervals_hold_the_exact_values() -> None:
    held, wide = [], []
    # A seed for each case: stations of one name would share their draws, and the cases' fates.
    for index, case in enumerate(CASES):
        found = throughputs(line_of(case), 100 + index, 8, 150, 600)
        half = half_width(found)
        held.append(abs(found.mean() - case.throughput) <= half)
        wide.append(half / case.throughput)
    missed = [case.name for case, ok in zip(CASES, held, strict=True) if not ok]
    # Of so many cases at 95 % each, fewer than this would miss but once in some hundred runs.
    assert len(missed) <= stats.binom.ppf(0.997, len(CASES), 0.05), missed
    assert np.median(wide) < 0.04


@pytest.mark.nightly
@pytest.mark.timeout(7200)
def test_intervals_hold_the_exact_values_as_often_as_they_promise() -> None:
    held = []
    for index, case in enumerate(CASES):
        line = line_of(case)
        runs = [throughputs(line, 1000 * (index + 1) + i, 8, 300, 3000) for i in range(20)]
        held += [abs(r.mean() - case.throughput) <= half_width(r) for r in runs]
        pooled = np.concatenate(runs)
        error = abs(pooled.mean() - case.throughput)
        assert error <= 4 * pooled.std(ddof=1) / len(pooled) ** 0.5, case.name
        assert half_width(pooled) < 0.006 * case.throughput, case.name
    assert 0.90 <= np.mean(held) <= 0.99


@pytest.mark.parametrize(("k", "b", "rate"), VARIANCE_RATES)
def test_the_spread_of_the_output_is_the_exact_one(k: int, b: int, rate: float) -> None:
    n, span = 40, 500
    line = line_of(Case("", (1,) * k, (b,) * (k - 1), 0))
    found = throughputs(line, 5, n, 60, span)
    ratio = found.var(ddof=1) * span / rate * (n - 1)
    assert stats.chi2.ppf(0.0005, n - 1) < ratio < stats.chi2.ppf(0.9995, n - 1)


def test_a_look_ahead_from_the_empty_line() -> None:
    line = line_of(Case("", (1, 1, 1), (2, 2), 0))
    runs: dict[int, list[int]] = {horizon: [] for horizon in LOOK_AHEAD}
    for replication in range(1500):
        engine = SimpyEngine(line, seed=3, replication=replication)
        for horizon, found in runs.items():
            engine.advance(horizon * S)
            found.append(int(engine._floor.stations[-1].machines[0].good))
    for horizon, exact in LOOK_AHEAD.items():
        found = np.array(runs[horizon])
        assert abs(found.mean() - exact) < 3.3 * found.std() / len(found) ** 0.5, horizon
    assert np.var(runs[10]) == pytest.approx(LOOK_AHEAD_VARIANCE, rel=0.12)
    quantiles = np.quantile(runs[10], [0.05, 0.5, 0.95])
    assert np.abs(quantiles - LOOK_AHEAD_QUANTILES).max() <= 1
