"""Forecasts hold what comes as often as they say, and widen with what is not known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from exact_values import LOOK_AHEAD, LookAhead
from given_states import GivenState
from test_look_ahead import exact

from twin import whatif
from twin.engine import open_engine
from twin.engine.kernel import kernel_library
from twin.model import Buffer, Line, Station
from twin.whatif.forecast import Chance, State, forecast
from twin.whatif.forecast_scores import crps, kept, made_by, scores_of
from twin.whatif.gaps import blurred, down_share
from twin.whatif.horizons import Horizon

S = 1_000_000
MINUTE, HOUR = 60 * S, 3600 * S
pytestmark = pytest.mark.skipif(
    kernel_library() is None, reason="the compiled engine is not installed: no C compiler"
)


def three_stations() -> Line:
    """Lognormal times, repairs that last, a changeover: nothing without memory but the failures."""

    def station(name: str, mean: str, mttr: str) -> Station:
        time: Any = {"distribution": "lognormal", "mean": mean, "cv": 0.4}
        up: Any = {"distribution": "exponential", "mean": "25 min"}
        down: Any = {"distribution": "lognormal", "mean": mttr, "sigma": 0.7}
        failures: Any = ({"id": "f", "mtbf": up, "mttr": down},)
        return Station(id=name, cycle_time=time, failures=failures)

    return Line(
        id="THREE",
        stations=(
            station("A", "9 s", "3 min"),
            station("B", "10 s", "5 min"),
            station("C", "9 s", "4 min"),
        ),
        buffers=(
            Buffer(id="AB", sources="A", sinks="B", capacity=12),  # type: ignore[arg-type]
            Buffer(id="BC", sources="B", sinks="C", capacity=12),  # type: ignore[arg-type]
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("count", "futures", "low", "high"),
    [
        (40, 39, 0.72, 1.0),  # a forecast that is right falls outside once in a thousand
        pytest.param(540, 39, 0.87, 0.93, marks=[pytest.mark.nightly, pytest.mark.timeout(3600)]),
    ],
)
def test_an_identical_twin_is_covered_as_often_as_promised(
    count: int, futures: int, low: float, high: float
) -> None:
    """A plant runs on its own draws; at every half hour its next hour is forecast, then comes."""
    line = three_stations()
    plant = open_engine(line, "kernel", seed=77)
    plant.advance(HOUR)
    rows, waiting = [], []
    with whatif.open_workers() as workers:
        for k in range(count):
            state = plant.snapshot()
            end = Horizon("hour", state.at_us + HOUR)
            made = forecast(
                line, State(state), horizons=[end], targets={"hour": 240},
                replications=futures, seed=k, workers=workers,
            )  # fmt: skip
            waiting += [(row, end.at_us) for row in kept(made, 0)]
            plant.advance(plant.now_us + HOUR // 2)
            now = plant.snapshot()
            come = [pair for pair in waiting if pair[1] == now.at_us]
            waiting = [pair for pair in waiting if pair[1] > now.at_us]
            rows += [replace(row, outcome=made_by(line, now) - row.made_before) for row, _ in come]
    scores = scores_of(rows)
    print(scores)  # noqa: T201 - nightly's report
    assert scores.count >= count - 2
    assert low <= scores.coverage[0] <= high
    assert scores.rate_crps is not None
    assert scores.crps < scores.rate_crps
    if count > 500:
        assert scores.reached == pytest.approx(scores.promised, abs=0.05)


@pytest.mark.parametrize(
    ("futures", "mean_within", "within"),
    [
        (2_000, 0.05, 8),
        pytest.param(60_000, 0.005, 1, marks=[pytest.mark.nightly, pytest.mark.timeout(1800)]),
    ],
)
@pytest.mark.parametrize("case", LOOK_AHEAD, ids=lambda case: case.name)
def test_forecasts_hold_the_exact_look_ahead(
    case: LookAhead, futures: int, mean_within: float, within: int
) -> None:
    """Means, quantiles and the chance of reaching a target, against the Markov chain of the line.

    What is left of every time in hand is drawn anew, so one snapshot of the state stands for all.
    """
    given = GivenState(case.plan, case.start)
    start = given.snapshot(np.random.default_rng(5))
    ends = [Horizon(str(T), start.at_us + T * S) for T in case.means]
    targets = {str(T): round(mean) for T, mean in case.means.items()}
    made = forecast(
        given.line, State(start), horizons=ends, targets=targets, replications=futures, seed=11
    )
    for outlook, (horizon, pmf) in zip(made.outlooks, exact(case).items(), strict=True):
        parts = np.arange(len(pmf))
        mean = float(outlook.values.mean())
        print(f"{case.name}, T = {horizon}: {mean:.4f}, exact {pmf @ parts:.4f}, "  # noqa: T201 - report
              f"error {mean / (pmf @ parts) - 1:+.3%}")  # fmt: skip
        assert mean == pytest.approx(pmf @ parts, rel=mean_within)
        assert mean == pytest.approx(case.means[horizon], rel=mean_within + 1e-5)
        below = np.cumsum(pmf)
        for share in (0.05, 0.5, 0.95):
            right = int(np.searchsorted(below, share))
            assert abs(outlook.quantile(share) - right) <= within, (horizon, share)
        reached = float(pmf[parts >= targets[str(horizon)]].sum())
        assert outlook.reaches is not None
        assert outlook.reaches.share == pytest.approx(reached, abs=3.5 * (0.25 / futures) ** 0.5)


def width(made: Any) -> float:
    outlook = made.outlooks[0]
    return float(outlook.quantile(0.95) - outlook.quantile(0.05))


def test_a_forecast_widens_with_the_age_of_its_state_and_with_its_gaps() -> None:
    line = three_stations()
    plant = open_engine(line, "kernel", seed=3)
    widths = []
    for back in (0, 60, 240):
        running = open_engine(line, "kernel", seed=3)
        running.advance(6 * HOUR - back * MINUTE)
        end = Horizon("end", 6 * HOUR + 30 * MINUTE)
        state = State(running.snapshot(), age_us=back * MINUTE)
        assert state.now_us == 6 * HOUR
        widths.append(width(forecast(line, state, horizons=[end], replications=199)))
    assert widths[0] < widths[1] < widths[2]

    plant.advance(6 * HOUR)
    state = State(plant.snapshot())
    end = Horizon("end", 6 * HOUR + 15 * MINUTE)
    gaps = []
    for unknown in ({}, dict.fromkeys("ABC", HOUR)):
        silent = replace(state, unknown=unknown)
        gaps.append(width(forecast(line, silent, horizons=[end], replications=399)))
    assert gaps[0] < gaps[1]


def test_a_station_not_heard_of_is_down_as_often_as_its_chain_says() -> None:
    line = three_stations()
    plant = open_engine(line, "kernel", seed=3)
    while True:
        plant.advance(plant.now_us + MINUTE)
        state = plant.snapshot()
        if state.machines.down[1] == -1:
            break
    for minutes in (1, 10, 200):
        unknown = {"B": minutes * MINUTE}
        down = [blurred(line, state, unknown, k).machines.down[1] == 0 for k in range(1500)]
        share = down_share(25 * MINUTE, 5 * MINUTE, False, minutes * MINUTE)
        assert np.mean(down) == pytest.approx(share, abs=4 * (share * (1 - share) / 1500) ** 0.5)
    after = blurred(line, state, {"B": HOUR}, 1)
    for k in range(20):
        running = open_engine(line, "kernel", start=blurred(line, state, {"B": HOUR}, k))
        running.advance(state.at_us + HOUR)
    assert after.machines.down[0] == state.machines.down[0]


def test_a_chance_near_certainty_does_not_claim_to_be_certain() -> None:
    chance = Chance.of(np.ones(199, dtype=bool))
    assert (chance.share, chance.high) == (1.0, 1.0)
    assert 0.97 < chance.low < 0.99


def test_crps_of_a_normal_is_the_known_one() -> None:
    """E[CRPS] of a perfect normal forecast is 1 / sqrt(pi); of its mean alone, E|x|."""
    rng = np.random.default_rng(5)
    outcomes = rng.normal(size=4000)
    fair = [crps(rng.normal(size=40), y) for y in outcomes]
    assert np.mean(fair) == pytest.approx(np.pi**-0.5, rel=0.05)
    assert np.mean([crps(np.zeros(1), y) for y in outcomes]) == pytest.approx(0.798, rel=0.05)
