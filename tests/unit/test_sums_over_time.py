"""What is counted over time, by cause and by hour (rules S38 to S41): lines worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from twin.engine import EngineName, GoodParts, open_engine, simulate
from twin.engine.kernel import KernelEngine, kernel_library
from twin.engine.wait_causes import wait_causes
from twin.model import Buffer, Line, Station
from twin.model.materials import Delivery, Material, Use

SECOND = 1_000_000
HOUR = 3600 * SECOND
ENGINES = [
    "simpy",
    pytest.param("kernel", marks=pytest.mark.skipif(kernel_library() is None, reason="no kernel")),
]


def station(name: str, seconds: float, **more: Any) -> Station:
    return Station(id=name, cycle_time=f"{seconds} s", **more)


def buffer(name: str, source: str, sink: str, capacity: int | None = None, **more: Any) -> Buffer:
    return Buffer(id=name, sources=source, sinks=sink, capacity=capacity, **more)  # type: ignore[arg-type]


def assembly() -> Line:
    """C takes a part of A, made each 2 s, and one of B, made each 10 s, and works 1 s."""
    return Line(
        id="L",
        stations=(station("A", 2), station("B", 10), station("C", 1)),
        buffers=(buffer("AC", "A", "C", 3), buffer("BC", "B", "C", 3)),
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_levels_starving_and_blocking_of_an_assembly(engine: EngineName) -> None:
    running = open_engine(assembly(), engine)
    running.advance(10 * SECOND)
    counted = running.counters()
    # Parts of A come at 2, 4, 6 s and stay; the fourth, of 8 s, has no room until C takes at 10 s.
    assert counted.level_us.tolist() == [(8 + 6 + 4) * SECOND, 0]
    # Empty inputs: the first in the file is to blame until 2 s, then the other one.
    assert counted.starved_by_us.tolist() == [2 * SECOND, 8 * SECOND]
    assert counted.blocked_by_us.tolist() == [2 * SECOND, 0]
    running.advance(110 * SECOND)
    later = running.counters().since(counted)
    # From then on each 10 s: C works 1 s and waits 9 s for B; A works 2 s and is blocked 8 s.
    assert later.starved_by_us.tolist() == [0, 90 * SECOND]
    assert later.blocked_by_us.tolist() == [80 * SECOND, 0]
    assert later.level_us.tolist() == [3 * 100 * SECOND, 0]


@pytest.mark.parametrize("engine", ENGINES)
def test_starved_for_material(engine: EngineName) -> None:
    glue = Material(id="glue", unit="kg", stock=0, delivery=Delivery(every="20 s", amount=2))  # type: ignore[arg-type]
    line = Line(
        id="L",
        stations=(
            station("A", 3),
            station("B", 1, uses=(Use(material="glue", amount=1),)),
        ),
        buffers=(buffer("AB", "A", "B"),),
        materials=(glue,),
    )
    running = open_engine(line, engine)
    running.advance(40 * SECOND - 1)
    counted = running.counters()
    level = open_engine(line, engine)
    level.advance(20 * SECOND - 1)
    first = level.counters()
    names = wait_causes(line)
    assert names.starved == ((), ("AB", "glue"))
    # Two kg come at 0 and 20 s. B works at 3, 6, 20, 21 s; it waits for parts to 3, 4 to 6, 7 to 9,
    # and for glue from 9 s, when a part is there, and from 22 s.
    assert first.starved_by_us.tolist() == [7 * SECOND, 11 * SECOND - 1]
    assert counted.starved_by_us.tolist() == [7 * SECOND, 29 * SECOND - 1]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_lane_that_gets_nothing_has_no_turn(engine: EngineName) -> None:
    line = Line(
        id="L",
        stations=(
            station("A", 4),
            station("B", 9.5, scrap=1.0),
            station("C", 1, uses=(Use(material="glue", amount=1),)),
            station("D", 5),
        ),
        buffers=(Buffer(id="Q", sources=("A", "B"), sinks=("C", "D"), capacity=4),),
        materials=(Material(id="glue", unit="kg", stock=0, delivery=None),),
    )
    running = open_engine(line, engine)
    running.advance(12 * SECOND)
    # Parts of A lie down at 4 s, when D takes the one, and at 8 s, when D is at work: from then on
    # C is short of glue. That D takes this one at 9 s is no turn for parts (S39), and what B
    # scraps at 9.5 s is none either.
    assert running.counters().starved_by_us[:2].tolist() == [8 * SECOND, 4 * SECOND]


@pytest.mark.parametrize("engine", ENGINES)
def test_blocked_by_the_buffer_that_the_part_wants(engine: EngineName) -> None:
    line = Line(
        id="L",
        stations=(station("A", 1), station("B", 30), station("C", 70)),
        buffers=(
            buffer("AB", "A", "B", 1, share=0.5),
            buffer("AC", "A", "C", 1, share=0.5),
        ),
    )
    running = open_engine(line, engine)
    running.advance(HOUR)
    counted = running.counters()
    assert wait_causes(line).blocked == (("AB", "AC"), (), ())
    assert counted.blocked_by_us.sum() == counted.time_us[0, 2] > 0
    # C takes 70 s where B takes 30 s: the wait for room before C is the longer one.
    assert 0 < counted.blocked_by_us[0] < counted.blocked_by_us[1]


@pytest.mark.parametrize("engine", ENGINES)
def test_what_has_no_shares_is_blocked_by_the_first(engine: EngineName) -> None:
    line = Line(
        id="L",
        stations=(station("A", 1), station("B", 30), station("C", 70)),
        buffers=(buffer("AB", "A", "B", 1), buffer("AC", "A", "C", 1)),
    )
    results = simulate(line, engine=engine, until=HOUR)
    assert list(results.blocked_by("A")) == ["AB"]
    assert results.blocked_by("A")["AB"].mean == results.station("A").blocked_share > 0


@pytest.mark.parametrize("engine", ENGINES)
def test_littles_law(engine: EngineName) -> None:
    """Parts that come each 4 s and are worked on from a buffer lie in it for the wait they have."""
    line = Line(
        id="L",
        stations=(station("A", 4), station("PAL", 2, takes=3, gives=1)),  # type: ignore[arg-type]
        buffers=(buffer("AP", "A", "PAL"),),
    )
    results = simulate(line, engine=engine, warmup=12 * SECOND, until=1200 * SECOND)
    # Of three parts the first waits 8 s, the second 4 s, the third not at all: 4 s on the mean.
    assert results.mean_levels()["AP"].mean == 4 / 4


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("warmup_us", [0, HOUR, HOUR // 2])
def test_hours_add_up(engine: EngineName, warmup_us: int) -> None:
    line = Line(
        id="L",
        stations=(station("A", 7), station("PAL", 20, takes=12, gives=1)),  # type: ignore[arg-type]
        buffers=(buffer("AP", "A", "PAL"),),
    )
    results = simulate(line, engine=engine, warmup=warmup_us, until=5 * HOUR, replications=2)
    (counted, _) = results.replications
    hours = results.good_by_hour()
    assert results.first_hour_us == HOUR * (warmup_us > 0)
    if warmup_us == HOUR // 2:
        assert len(hours) == 4
    else:
        assert len(hours) == 5
        assert sum(hour.mean for hour in hours) == results.good_units(counted)
    assert all(500 < hour.mean < 520 and hour.half_width_95 == 0 for hour in hours)
    assert simulate(line, engine=engine, warmup=1, until=HOUR).good_by_hour() == ()


@pytest.mark.parametrize("engine", ENGINES)
def test_an_hour_is_noted_once_however_it_is_run_through(engine: EngineName) -> None:
    line = assembly()
    whole, steps = open_engine(line, engine), open_engine(line, engine)
    whole.advance(3 * HOUR)
    for stop in (0, HOUR - 1, HOUR, HOUR, 2 * HOUR + 1, 3 * HOUR - 1):
        steps.advance(stop)
    # The event that stops it is at a full hour, and not the last at it.
    made = int(whole.counters().good_by_hour[2, 0])
    stopped = steps.advance(4 * HOUR, GoodParts("C", made))
    assert stopped
    assert len(steps.counters().good_by_hour) == 2
    steps.advance(3 * HOUR)
    assert np.array_equal(whole.counters().good_by_hour, steps.counters().good_by_hour)


@pytest.mark.parametrize("engine", ENGINES)
def test_what_goes_on_from_a_snapshot_counts_from_there(engine: EngineName) -> None:
    whole = open_engine(assembly(), engine)
    whole.advance(HOUR + 5 * SECOND)
    at = whole.counters()
    rest = open_engine(assembly(), engine, start=whole.snapshot())
    began = rest.counters()
    assert not began.level_us.any()
    assert not began.starved_by_us.any()
    assert not began.blocked_by_us.any()
    assert began.good_by_hour.shape == (0, 1)
    for running in (whole, rest):
        running.advance(3 * HOUR)
    apart, later = whole.counters().since(at), rest.counters()
    assert np.array_equal(later.level_us, apart.level_us)
    assert np.array_equal(later.starved_by_us, apart.starved_by_us)
    assert np.array_equal(later.blocked_by_us, apart.blocked_by_us)
    assert np.array_equal(later.since(began).good_by_hour, apart.good_by_hour)


@pytest.mark.skipif(kernel_library() is None, reason="no kernel")
def test_a_fork_goes_on_counting() -> None:
    origin = KernelEngine(assembly())
    origin.advance(2 * HOUR + 3 * SECOND)
    fork = origin.fork()
    for running in (origin, fork):
        running.advance(700 * HOUR)
    a, b = origin.counters(), fork.counters()
    for name in ("level_us", "starved_by_us", "blocked_by_us", "good_by_hour"):
        assert np.array_equal(getattr(a, name), getattr(b, name)), name
    assert len(a.good_by_hour) == 700
