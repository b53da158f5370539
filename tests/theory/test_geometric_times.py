"""Two stations with geometric times (Gershwin and Buzacott), as far as a line file can say them.

Their line moves in cycles. In each, a machine that works fails with p, and then does nothing in
that cycle; one that is down is repaired with r, and then works in that cycle; the buffers move
last. So an operation takes one cycle, or one and as many as the repair takes; and N parts between
the two, one of them at the second machine and one blocked at the first, are a buffer of N - 2.

A line file has no geometric distribution, but it has whole microseconds: with a cycle of 1 us every
time is a whole number of cycles, and `empirical` can have all but the exact probabilities.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from exact_values import GEOMETRIC
from numpy.typing import NDArray
from scipy.optimize import brentq

from twin.engine.draws import Key, words
from twin.engine.kernel import kernel_library
from twin.engine.quantiles import quantile_table, variates
from twin.engine.results import Estimate
from twin.engine.simulation import EngineName, simulate
from twin.model import Buffer, Line, Station
from twin.model.durations import Empirical

INTERVALS, WITHIN = 1024, 97
Rates = tuple[float, float]
"""Of one machine: the probabilities of a failure and of the end of a repair in a cycle."""
PUBLISHED: Rates = (0.01, 0.1)
OTHERS: tuple[tuple[int, Rates, Rates], ...] = (
    (5, (0.02, 0.2), (0.01, 0.1)),
    (2, (0.05, 0.3), (0.02, 0.2)),
)


def two_machines(n: int, first: Rates, second: Rates) -> float:
    """The throughput, from the chain as the book has it: by cycles."""
    states = [(level, a, b) for level in range(n + 1) for a in (0, 1) for b in (0, 1)]
    number = {state: i for i, state in enumerate(states)}
    step, output = np.zeros((len(states), len(states))), np.zeros(len(states))

    def turns(up: int, works: bool, rates: Rates) -> list[tuple[int, float]]:
        fails, repaired = rates
        if not up:
            return [(1, repaired), (0, 1 - repaired)]
        return [(0, fails), (1, 1 - fails)] if works else [(1, 1.0)]

    for (level, a, b), i in number.items():
        for a_then, x in turns(a, level < n, first):
            for b_then, y in turns(b, level > 0, second):
                leaves = b_then and level > 0
                after = level + (a_then and level < n) - leaves
                step[i, number[after, a_then, b_then]] += x * y
                output[i] += x * y * leaves
    system = np.vstack([step.T - np.eye(len(states)), np.ones(len(states))])
    right = np.append(np.zeros(len(states)), 1)
    stationary: NDArray[np.float64] = np.linalg.lstsq(system, right, rcond=None)[0]
    return float(stationary @ output)


def mean_drawn(duration: Empirical) -> float:
    """The mean of what the engines draw: whole microseconds, rounded down between the nodes."""
    table = quantile_table(duration)

    def means(nodes: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.asarray(nodes[:-1] + np.maximum(np.diff(nodes) - 1, 0) / 2)

    main, tail = means(table.main), means(table.tail)
    return float((main[:-1].sum() + tail.mean()) / INTERVALS)


@lru_cache
def geometric(probability: float) -> Empirical:
    """Whole numbers from 1, with the distribution's mean exact and its shape to a thousandth."""
    u = np.arange(INTERVALS * WITHIN + 1) / (INTERVALS * WITHIN)

    def shifted(by: float) -> Empirical:
        inside = np.clip(u + by / INTERVALS, 0, 1 - 1e-6)
        values = np.floor(np.log1p(-inside) / np.log1p(-probability)).astype(int) + 1
        return Empirical(distribution="empirical", values=tuple(values.tolist()))  # type: ignore[call-arg]

    return shifted(brentq(lambda by: mean_drawn(shifted(by)) - 1 / probability, -1, 2, xtol=1e-3))


def line_of(n: int, *machines: Rates) -> Line:
    stations = tuple(
        Station(
            id=name,
            cycle_time=1,  # type: ignore[arg-type]
            failures=({"id": "f", "mtbf": geometric(fails), "mttr": geometric(repaired)},),  # type: ignore[arg-type]
        )
        for name, (fails, repaired) in zip("AB", machines, strict=True)
    )
    buffer = Buffer(id="q", sources="A", sinks="B", capacity=n - 2)  # type: ignore[arg-type]
    return Line(id="CYCLES", stations=stations, buffers=(buffer,))


def throughput(line: Line, engine: EngineName, replications: int, cycles: int) -> Estimate:
    results = simulate(
        line, engine=engine, seed=3, replications=replications, warmup=5_000, until=cycles
    )
    return Estimate.of([int(counters.good[-1]) / cycles for counters in results.replications])


@pytest.mark.parametrize(("n", "value"), GEOMETRIC.items())
def test_the_chain_gives_the_published_values(n: int, value: float) -> None:
    assert round(two_machines(n, PUBLISHED, PUBLISHED), 6) == value


@pytest.mark.parametrize("probability", [0.01, 0.1, 0.3])
def test_times_are_all_but_geometric(probability: float) -> None:
    table = quantile_table(geometric(probability))
    drawn = np.sort(variates(table, words(Key(1, 2), 0, 200_000)))
    assert mean_drawn(geometric(probability)) == pytest.approx(1 / probability, rel=1e-4)
    assert drawn[0] == 1
    for k in (1, 2, 5, 20):
        share = np.searchsorted(drawn, k, side="right") / len(drawn)
        assert share == pytest.approx(1 - (1 - probability) ** k, abs=0.004)


@pytest.mark.parametrize(
    ("n", "first", "second"), [*((n, PUBLISHED, PUBLISHED) for n in GEOMETRIC), *OTHERS]
)
def test_the_engines_hold_the_exact_values(n: int, first: Rates, second: Rates) -> None:
    exact, line = two_machines(n, first, second), line_of(n, first, second)
    runs: dict[EngineName, tuple[int, int, float]] = {"simpy": (8, 3_000, 0.05)}
    if kernel_library() is not None:
        runs["kernel"] = (40, 120_000, 0.002)
    for engine, (replications, cycles, widest) in runs.items():
        found = throughput(line, engine, replications, cycles)
        assert found.half_width_95 is not None
        # 3.5 standard errors, and what the table's thousandths are worth.
        assert abs(found.mean - exact) < 1.75 * found.half_width_95 + 0.0005 * exact, engine
        assert found.half_width_95 < widest * exact, engine
