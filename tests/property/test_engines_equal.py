"""The compiled engine and the SimPy engine: the same events, one by one, on any line."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from equal_runs import Tally, compare, first_difference
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_lines import lines

from lines.loader import load
from twin.engine.counters import Counters
from twin.engine.events import EventLog
from twin.engine.kernel import KernelEngine, kernel_library
from twin.engine.simpy_engine import SimpyEngine
from twin.engine.wait_causes import wait_causes
from twin.model import Line
from twin.model.status import Condition

pytestmark = pytest.mark.skipif(
    kernel_library() is None, reason="the compiled engine is not installed: no C compiler"
)
SECOND = 1_000_000


def _both(line: Line, stops: list[int], seed: int) -> tuple[EventLog, EventLog, Counters, Counters]:
    reference, compiled = EventLog(), EventLog()
    simpy = SimpyEngine(line, seed=seed, log=reference)
    kernel = KernelEngine(line, seed=seed, on_events=compiled.add_block)
    for stop in stops:
        simpy.advance(stop)
        kernel.advance(stop)
    return reference, compiled, simpy.counters(), kernel.counters()


def _assert_equal(line: Line, stops: list[int], seed: int = 1) -> int:
    reference, compiled, simpy, kernel = _both(line, stops, seed)
    if reference.digest() != compiled.digest():
        pytest.fail(first_difference(reference.table(), compiled.table()))
    for field in fields(Counters):
        assert np.array_equal(getattr(simpy, field.name), getattr(kernel, field.name)), field.name
    _assert_causes_add_up(line, kernel)
    return reference.count


def _assert_causes_add_up(line: Line, counted: Counters) -> None:
    causes = wait_causes(line)
    for i in range(len(line.stations)):
        starved_us = counted.starved_by_us[causes.starved_rows(i)]
        blocked_us = counted.blocked_by_us[causes.blocked_rows(i)]
        assert (starved_us >= 0).all()
        assert (blocked_us >= 0).all()
        assert starved_us.sum() == counted.time_us[i, Condition.STARVED]
        assert blocked_us.sum() == counted.time_us[i, Condition.BLOCKED]


slow = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
seeds = st.integers(0, 2**32)
instants = st.lists(st.integers(0, 90 * SECOND), min_size=1, max_size=3).map(sorted)


# In parts, so that they spread over the processors.
@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(4))
@settings(slow, max_examples=400)
@given(line=lines(), stops=instants, seed=seeds)
def test_random_lines_give_the_same_events(
    part: int, line: Line, stops: list[int], seed: int
) -> None:
    _assert_equal(line, stops, seed)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(2))
@settings(slow, max_examples=400)
@given(line=lines(constants_only=True), seed=seeds)
def test_lines_full_of_ties_give_the_same_events(part: int, line: Line, seed: int) -> None:
    _assert_equal(line, [120 * SECOND], seed)


@settings(slow, max_examples=150)
@given(line=lines(eventful=True, max_steps=2), seed=seeds)
def test_lines_where_much_stands_still_give_the_same_events(line: Line, seed: int) -> None:
    _assert_equal(line, [90 * SECOND], seed)


@pytest.mark.nightly
@settings(slow, max_examples=20_000)
@given(line=lines(), seed=seeds, span=st.integers(1, 600 * SECOND))
def test_many_random_lines_give_the_same_events(line: Line, seed: int, span: int) -> None:
    _assert_equal(line, [span], seed)


@pytest.mark.parametrize(("name", "hours"), [("storage_line", 12), ("tube_line", 5.5)])
def test_the_packaged_lines_give_the_same_events(name: str, hours: float) -> None:
    assert _assert_equal(load(name), [round(hours * 3600 * SECOND)]) > 1000


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("name", "hours", "slice_s"), [("storage_line", 30 * 24, 4 * 3600), ("tube_line", 36, 300)]
)
def test_whole_days_of_the_packaged_lines_give_the_same_events(
    name: str, hours: float, slice_s: int
) -> None:
    line, logs = load(name), (EventLog(), EventLog())
    engines = (SimpyEngine(line, log=logs[0]), KernelEngine(line, on_events=logs[1].add_block))
    told = {24 * 3600 * SECOND}

    def tell(at: int, tally: Tally) -> None:
        if at in told:
            print(f"{name}, the first day: {tally}")  # noqa: T201 - the report

    tally = compare(*engines, logs, round(hours * 3600 * SECOND), slice_s * SECOND, tell)
    print(f"{name}, {hours} h: {tally}; differences 0")  # noqa: T201 - the report
    assert tally.moves > 1_000_000
    assert tally.failures > 1_000
    assert tally.ties > 1_000
