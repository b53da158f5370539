"""A bottleneck that moves (after Roser's reference line): the average hides it.

Three stations, constant times, buffers of one. Station 1 takes 10 min and then, from half time, 5;
station 3 takes 5 and then 10; station 2 always takes 8.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from twin.engine.counters import Counters
from twin.engine.kernel import kernel_library
from twin.engine.line_mark import line_mark
from twin.engine.simulation import Engine, EngineName, open_engine
from twin.model import Buffer, Line, Station
from twin.model.status import Condition
from twin.whatif.active_periods import Limits, limits_of

MINUTE = 60_000_000
HALF = 10_000 * MINUTE


def line(*minutes: int) -> Line:
    return Line(
        id="ROSER",
        stations=tuple(
            Station(id=name, cycle_time=f"{m} min")  # type: ignore[arg-type]
            for name, m in zip(("M1", "M2", "M3"), minutes, strict=True)
        ),
        buffers=(
            Buffer(id="q1", sources="M1", sinks="M2", capacity=1),  # type: ignore[arg-type]
            Buffer(id="q2", sources="M2", sinks="M3", capacity=1),  # type: ignore[arg-type]
        ),
    )


def busy(counters: Counters) -> list[float]:
    return [float(share) for share in counters.time_us[:, Condition.EXECUTE] / counters.span_us]


@pytest.mark.parametrize("engine", ["simpy", "kernel"])
def test_the_busiest_station_is_never_the_bottleneck(engine: EngineName) -> None:
    if engine == "kernel" and kernel_library() is None:
        pytest.skip("the compiled engine is not installed: no C compiler")
    before, after = line(10, 8, 5), line(5, 8, 10)
    running = open_engine(before, engine)
    running.advance(HALF)
    first = running.counters()
    # Everybody goes on with the work in hand; what comes after it takes its new time.
    then = running.snapshot().model_copy(update={"line": line_mark(after)})
    running = open_engine(after, engine, start=then)
    running.advance(2 * HALF)
    whole = running.counters()
    second = whole.since(first)
    for half in (first, second):
        assert half.good[-1] * MINUTE / half.span_us == pytest.approx(0.1, rel=3e-3)
    assert busy(first) == pytest.approx([1, 0.8, 0.5], abs=3e-3)
    assert busy(second) == pytest.approx([0.5, 0.8, 1], abs=3e-3)
    assert busy(whole) == pytest.approx([0.75, 0.8, 0.75], abs=3e-3)


READINGS = 200


def readings(running: Engine, to_us: int, so_far: list[Counters]) -> list[Counters]:
    """Counters at equal distances; what begins anew with an engine goes on from the last."""
    before = so_far[-1] if so_far else None
    found = [] if so_far else [running.counters()]
    began = running.now_us
    for k in range(1, READINGS + 1):
        running.advance(began + (to_us - began) * k // READINGS)
        one = running.counters()
        if before is not None:
            one = replace(one, starved_by_us=one.starved_by_us + before.starved_by_us)
        found.append(one)
    return [*so_far, *found]


def judged(first: Line, second: Line, engine: EngineName) -> Limits:
    """Who limits a line that is another one from half time on."""
    running = open_engine(first, engine)
    seen = readings(running, HALF, [])
    then = running.snapshot().model_copy(update={"line": line_mark(second)})
    seen = readings(open_engine(second, engine, start=then), 2 * HALF, seen)
    return limits_of(first, seen, 0)


@pytest.mark.parametrize("engine", ["simpy", "kernel"])
@pytest.mark.parametrize(
    ("first", "second", "right"),
    [((10, 8, 5), (5, 8, 10), (0, 2)), ((5, 8, 10), (10, 8, 5), (2, 0)),
     ((4, 9, 6), (9, 4, 6), (1, 0)), ((9, 8, 5), (5, 8, 9), (0, 2))],
)  # fmt: skip
def test_the_moving_bottleneck_is_judged_right(
    engine: EngineName, first: tuple[int, ...], second: tuple[int, ...], right: tuple[int, int]
) -> None:
    """At least 95 % of the time, and the busiest station over all hardly ever."""
    if engine == "kernel" and kernel_library() is None:
        pytest.skip("the compiled engine is not installed: no C compiler")
    limits = judged(line(*first), line(*second), engine)
    truth = np.repeat(right, READINGS)
    assert np.mean(limits.station == truth) >= 0.95
    shares = limits.shares(3)
    assert shares.sum() == pytest.approx(1)
    assert shares[:, 3 - sum(right)].sum() <= 0.05
