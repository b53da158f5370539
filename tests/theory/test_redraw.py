"""What goes on is drawn anew given how long it has gone on: both engines, every kind of time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from exact_values import LOOK_AHEAD, LookAhead
from given_states import GivenState
from scipy import stats
from theory_lines import S

from twin import whatif
from twin.engine import Snapshot, open_engine
from twin.engine.redraw import redrawn
from twin.model import Line, Station
from twin.whatif.markov import Chain
from twin.whatif.run import Run

LOGNORMAL: dict[str, Any] = {"distribution": "lognormal", "mean": "100 s", "sigma": 0.6}


def left_of_work(line: Line, snapshot: Snapshot, count: int) -> np.ndarray:
    return np.array([redrawn(line, snapshot, k).places.left_us[0] for k in range(1, count)]) / S


def at_work(station: Station, elapsed: float) -> tuple[Line, Snapshot]:
    """A line that has worked on its part for so many seconds."""
    line = Line(id="L", stations=(station,))
    for seed in range(1000):
        engine = open_engine(line, "simpy", seed=seed)
        engine.advance(round(elapsed * S))
        snapshot = engine.snapshot()
        if snapshot.stations.completed[0] == 0:
            return line, snapshot
    raise AssertionError("no seed's first operation lasts so long")


@pytest.mark.parametrize("elapsed", [0.0, 60.0, 150.0, 300.0])
def test_work_in_hand_has_the_conditional_distribution(elapsed: float) -> None:
    line, snapshot = at_work(Station(id="A", cycle_time=LOGNORMAL), elapsed)  # type: ignore[arg-type]
    left = left_of_work(line, snapshot, 3000)
    whole = stats.lognorm(s=0.6, scale=100 * np.exp(-0.18))

    def conditional(x: np.ndarray) -> np.ndarray:
        before = whole.cdf(elapsed)
        return np.asarray((whole.cdf(elapsed + x) - before) / (1 - before))

    assert stats.kstest(left, conditional).pvalue > 0.001


def test_what_has_no_spread_stays() -> None:
    line, snapshot = at_work(Station(id="A", cycle_time="100 s"), 40.0)  # type: ignore[arg-type]
    assert redrawn(line, snapshot, 7).places == snapshot.places


def test_a_repair_ends_given_how_long_it_has_lasted() -> None:
    down: dict[str, Any] = {"distribution": "lognormal", "mean": "1 h", "sigma": 0.7}
    up: dict[str, Any] = {"distribution": "exponential", "mean": "1 h"}
    failure: Any = ({"id": "f", "mtbf": up, "mttr": down},)
    line = Line(id="L", stations=(Station(id="A", cycle_time="10 s", failures=failure),))  # type: ignore[arg-type]
    engine = open_engine(line, "simpy", seed=2)
    while True:
        engine.advance(engine.now_us + 60 * S)
        snapshot = engine.snapshot()
        since = snapshot.places.since_us[0]
        if snapshot.machines.down[0] == 0 and engine.now_us - since > 1800 * S:
            break
    elapsed = (engine.now_us - since) / S
    left = np.array([redrawn(line, snapshot, k).machines.ends_us[0] for k in range(1, 3000)])
    whole = stats.lognorm(s=0.7, scale=3600 * np.exp(-0.245))
    before = whole.cdf(elapsed)
    pvalue = stats.kstest(
        (left - engine.now_us) / S, lambda x: (whole.cdf(elapsed + x) - before) / (1 - before)
    ).pvalue
    assert pvalue > 0.001


def test_a_failure_clock_that_wears_out_knows_its_age() -> None:
    """Weibull of shape 4: who has run for long fails soon."""
    wears: dict[str, Any] = {"distribution": "weibull", "mean": "1000 s", "shape": 4}
    failure: Any = ({"id": "f", "mtbf": wears, "mttr": "100 s"},)
    line = Line(id="L", stations=(Station(id="A", cycle_time="10 s", failures=failure),))  # type: ignore[arg-type]
    engine = open_engine(line, "simpy", seed=5)
    engine.advance(20_000 * S)
    while True:
        engine.advance(engine.now_us + 10 * S)
        snapshot = engine.snapshot()
        repaired = snapshot.machines.failures[0]
        if snapshot.machines.down[0] == -1 and repaired > 2:
            break
    worked = snapshot.machines.worked_us[0]
    due = np.array([redrawn(line, snapshot, k).modes.strikes_at[0] for k in range(1, 2000)])
    ages = np.diff(sorted({*due.tolist()}))
    assert len(ages) > 1900
    # The age is told by where the clock began: the time drawn first less what is left of it.
    fresh = open_engine(line, "simpy", seed=5)
    renewals = [0]
    while fresh.now_us < engine.now_us:
        fresh.advance(fresh.now_us + 10 * S)
        now = fresh.snapshot()
        if now.modes.count[0] == len(renewals):
            renewals.append(now.machines.worked_us[0])
    age = (worked - renewals[-1]) / S
    shape, scale = 4.0, 1000 / 0.9064024771
    whole = stats.weibull_min(shape, scale=scale)
    before = whole.cdf(age)
    pvalue = stats.kstest(
        (due - worked) / S, lambda x: (whole.cdf(age + x) - before) / (1 - before)
    ).pvalue
    assert pvalue > 0.001, age


@pytest.mark.parametrize("case", LOOK_AHEAD, ids=lambda case: case.name)
@pytest.mark.parametrize(
    "errors", [0, pytest.param(2.5, marks=[pytest.mark.nightly, pytest.mark.timeout(3600)])]
)
def test_a_forecast_from_one_snapshot_has_the_exact_distribution(
    case: LookAhead, errors: float
) -> None:
    """Section 7 of the oracles: from one snapshot, whose times in hand are one draw of many.

    Args:
        case: a line, its state, and means.
        errors: so many standard errors of the mean are half a percent of it; 0: 300 replications.
    """
    given = GivenState(case.plan, case.start)
    snapshot = given.snapshot(np.random.default_rng(3))
    chain = Chain(case.plan)
    for horizon, mean in case.means.items():
        pmf = chain.output_by(horizon, case.start)
        parts = np.arange(len(pmf))
        spread = float(pmf @ (parts - pmf @ parts) ** 2) ** 0.5
        count = max(300, int((errors * spread / (0.005 * mean)) ** 2))
        plan = whatif.Plan(
            span_us=horizon * S, start=snapshot, figure="good", precision=None, most=count
        )
        answer = whatif.compare(given.line, plan=plan)
        found = answer.mean(0).mean
        if errors:
            assert abs(found / mean - 1) <= 0.005, horizon
        assert abs(found - mean) <= 3.5 * spread / count**0.5, horizon
        below = np.cumsum(pmf)
        for share in (0.05, 0.5, 0.95):
            exact = int(np.argmax(below >= share))
            seen = answer.quantile(0, share)
            near = abs(seen.value - exact) <= 1
            assert near or (seen.low or 0) <= exact <= (seen.high or exact), (horizon, share)


def test_copied_times_would_be_found_out() -> None:
    """The test above has teeth: with one snapshot's times in hand all variance is too small."""
    case = LOOK_AHEAD[-1]
    given = GivenState(case.plan, case.start)
    snapshot = given.snapshot(np.random.default_rng(3))
    run = Run(given.line, snapshot, 1, 0, 10 * S, "auto")
    copied, own = [], []
    for k in range(300):
        for found, start in ((copied, snapshot), (own, redrawn(given.line, snapshot, k + 1))):
            engine = open_engine(given.line, "auto", start=start, replication=k + 1)
            engine.advance(run.span_us)
            found.append(int(engine.counters().good[-1]))
    assert np.var(copied) < 0.9 * np.var(own)
