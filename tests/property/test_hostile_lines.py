"""Lines at the edge of what passes validation: a right answer or a clear error, never a crash."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from equal_runs import Tally, compare

from lines.loader import load
from twin.engine.events import EventLog
from twin.engine.kernel import KernelEngine, kernel_library
from twin.engine.simpy_engine import SimpyEngine
from twin.engine.simulation import simulate
from twin.errors import EngineError
from twin.model import Line
from twin.model.checks import check_line
from twin.model.quantity import MAX_TIME_US
from twin.model.status import Condition

pytestmark = pytest.mark.skipif(
    kernel_library() is None, reason="the compiled engine is not installed: no C compiler"
)
S = 1_000_000
YEAR = 365 * 24 * 3600 * S


def series(stations: list[dict[str, Any]], capacity: int | None, **more: Any) -> Line:
    names = [f"S{i}X" for i in range(len(stations))]
    line = Line.model_validate(
        {
            "id": "HOSTILE",
            "stations": tuple({"id": n, **s} for n, s in zip(names, stations, strict=True)),
            "buffers": tuple(
                {"id": f"q{i}", "sources": (a,), "sinks": (b,), "capacity": capacity}
                for i, (a, b) in enumerate(pairwise(names))
            ),
            **more,
        },
        by_name=True,
    )
    assert not check_line(line)
    return line


def equal(line: Line, to_us: int, slices: int = 10, **seeds: int) -> Tally:
    logs = EventLog(), EventLog()
    engines = (
        SimpyEngine(line, log=logs[0], **seeds),  # type: ignore[arg-type]
        KernelEngine(line, on_events=logs[1].add_block, **seeds),  # type: ignore[arg-type]
    )
    return compare(*engines, logs, to_us, to_us // slices)


def exponential(mean_us: int) -> dict[str, Any]:
    return {"distribution": "exponential", "mean": mean_us}


def test_fifty_years_of_a_slow_line() -> None:
    failure = {"id": "f", "mtbf": exponential(YEAR), "mttr": exponential(YEAR // 50)}
    clock = {**failure, "id": "g", "depends_on": "time"}
    plan = {"every": YEAR // 4, "lasts": YEAR // 100}
    week = {"id": "week", "stops": ({"every": 7 * 24 * 3600 * S, "at": 0, "lasts": 3600 * S},)}
    slow = exponential(YEAR // 100)
    line = series(
        [
            {"cycle_time": slow, "failures": (failure,)},
            {"cycle_time": slow, "failures": (clock,), "maintenance": (plan,)},
            {"cycle_time": slow, "machines": 3, "calendar": "week"},
        ],
        2,
        calendars=(week,),
    )
    tally = equal(line, 50 * YEAR)
    assert tally.moves > 5_000
    assert tally.failures > 50


@pytest.mark.parametrize(("machines", "places"), [(10_000, 1), (1, 10_000), (50, 200)])
def test_fifty_years_of_a_big_line(machines: int, places: int) -> None:
    line = series(
        [
            {"cycle_time": 4 * YEAR // 1000},
            {"cycle_time": exponential(8 * YEAR), "machines": machines, "places": places},
        ],
        5,
    )
    assert equal(line, 50 * YEAR, 5).moves > 10_000


def test_times_as_long_as_the_model_allows() -> None:
    longest: Any = {"distribution": "lognormal", "mean": MAX_TIME_US, "cv": 10}
    failure = {"id": "f", "mtbf": longest, "mttr": longest}
    plan = {"every": MAX_TIME_US, "lasts": MAX_TIME_US - 1}
    line = series(
        [
            {"cycle_time": longest, "effectiveness": 1e-6, "failures": (failure,)},
            {"cycle_time": MAX_TIME_US, "places": 3, "maintenance": (plan,)},
        ],
        1,
    )
    equal(line, 50 * MAX_TIME_US)


def test_no_room_anywhere() -> None:
    """Rule S11: parts go from hand to hand through parallel machines, places and lanes."""
    crews = ({"id": "c", "size": 1},)
    failure = {"id": "f", "mtbf": exponential(30 * S), "mttr": 5 * S, "crew": "c"}
    line = series(
        [
            {"cycle_time": 2 * S, "machines": 3},
            {"cycle_time": exponential(3 * S), "machines": 2, "failures": (failure,)},
            {"cycle_time": 4 * S, "places": 4, "rework": {"rate": 0.2, "to": "S1X"}},
            {"cycle_time": 2 * S, "machines": 2, "scrap": 0.1},
        ],
        0,
        crews=crews,
    )
    assert equal(line, 20_000 * S).moves > 5_000


@pytest.mark.timeout(900)
def test_ten_thousand_stations_in_series() -> None:
    line = series([{"cycle_time": exponential(S)} for _ in range(10_000)], 1)
    logs = EventLog(), EventLog()
    simpy = SimpyEngine(line, log=logs[0])
    kernel = KernelEngine(line, on_events=logs[1].add_block)
    assert compare(simpy, kernel, logs, 150 * S, 50 * S).moves > 3_000
    # Full of parts, and forked and taken up again.
    kernel.advance(400 * S)
    fork = kernel.fork()
    again = KernelEngine.from_snapshot(line, kernel.snapshot())
    for each in (kernel, fork, again):
        each.advance(500 * S)
    assert np.array_equal(kernel.counters().good, again.counters().good)
    assert np.array_equal(kernel.counters().good, fork.counters().good)


@pytest.mark.parametrize(("machines", "places"), [(1, 20_000), (10_000, 2), (20, 1_000)])
def test_twenty_thousand_places(machines: int, places: int) -> None:
    rack = {"cycle_time": 30 * S, "machines": machines, "places": places}
    line = series([{"cycle_time": S // 500}, rack, {"cycle_time": S // 500}], 100)
    assert equal(line, 60 * S).moves > 20_000


@pytest.mark.parametrize("seed", [-(1 << 63), -1, 0, (1 << 64) - 1, 1 << 200])
def test_any_whole_number_is_a_seed(seed: int) -> None:
    line = series([{"cycle_time": exponential(S)}] * 2, 1)
    assert equal(line, 100 * S, seed=seed, replication=seed).moves > 50


def test_instants_that_are_none_are_refused() -> None:
    line = series([{"cycle_time": S}], None)
    engine = KernelEngine(line)
    engine.advance(S)
    for instant in (-1, 0, -(1 << 70), 1 << 62, 1 << 64, 1 << 70):
        with pytest.raises(EngineError, match="can't run"):
            engine.advance(instant)
    with pytest.raises(EngineError, match="at least one replication"):
        simulate(line, replications=0, until=S)
    assert engine.now_us == S
    assert int(engine.counters().good[0]) == 1


def test_a_span_too_long_to_be_counted_is_refused() -> None:
    with pytest.raises(EngineError, match=r"can't count .* of station DRY with 4 x 2550 places"):
        simulate(load("tube_line"), warmup=0, until=50 * YEAR)


def test_what_is_counted_of_fifty_years_of_many_places_is_right() -> None:
    line = series([{"cycle_time": YEAR}, {"cycle_time": YEAR // 2, "places": 5_000}], None)
    results = simulate(line, warmup=0, until=50 * YEAR)
    times = results.replications[0].time_us[1]
    assert times.sum() == 5_000 * 50 * YEAR
    assert times[Condition.EXECUTE] == 49 * YEAR // 2
    assert results.replications[0].completed.tolist() == [50, 49]
