"""The compiled engine and the SimPy engine: the same events, one by one, on any line."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_lines import lines

from lines.loader import load
from twin.engine.counters import Counters
from twin.engine.events import COLUMNS, EventKind, EventLog
from twin.engine.kernel import KernelEngine, kernel_library
from twin.engine.simpy_engine import SimpyEngine
from twin.model import Line

pytestmark = pytest.mark.skipif(
    kernel_library() is None, reason="the compiled engine is not installed: no C compiler"
)
SECOND = 1_000_000
COUNTED = (
    "started",
    "completed",
    "consumed",
    "good",
    "defective",
    "reworked",
    "failures",
    "time_us",
)


def _both(line: Line, stops: list[int], seed: int) -> tuple[EventLog, EventLog, Counters, Counters]:
    reference, compiled = EventLog(), EventLog()
    simpy = SimpyEngine(line, seed=seed, log=reference)
    kernel = KernelEngine(line, seed=seed, on_events=compiled.add_block)
    for stop in stops:
        simpy.advance(stop)
        kernel.advance(stop)
    return reference, compiled, simpy.counters(), kernel.counters()


def _first_difference(a: np.ndarray, b: np.ndarray) -> str:
    n = min(len(a), len(b))
    unequal = np.nonzero((a[:n] != b[:n]).any(axis=1))[0]
    at = int(unequal[0]) if len(unequal) else n
    story = [f"event {at} of {len(a)} (SimPy) and {len(b)} (kernel); {', '.join(COLUMNS)}"]
    for name, table in (("SimPy ", a), ("kernel", b)):
        near = table[max(0, at - 5) : at + 1]
        story += [f"{name} {EventKind(row[1]).name:20} {row.tolist()}" for row in near]
    return "\n".join(story)


def _assert_equal(line: Line, stops: list[int], seed: int = 1) -> int:
    reference, compiled, simpy, kernel = _both(line, stops, seed)
    if reference.digest() != compiled.digest():
        pytest.fail(_first_difference(reference.table(), compiled.table()))
    for name in COUNTED:
        assert (getattr(simpy, name) == getattr(kernel, name)).all(), name
    assert simpy.span_us == kernel.span_us
    return reference.count


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    line=lines(),
    stops=st.lists(st.integers(0, 90 * SECOND), min_size=1, max_size=3).map(sorted),
    seed=st.integers(0, 2**32),
)
def test_random_lines_give_the_same_events(line: Line, stops: list[int], seed: int) -> None:
    _assert_equal(line, stops, seed)


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(line=lines(constants_only=True), seed=st.integers(0, 2**32))
def test_lines_full_of_ties_give_the_same_events(line: Line, seed: int) -> None:
    _assert_equal(line, [120 * SECOND], seed)


@pytest.mark.parametrize(("name", "hours"), [("storage_line", 12), ("tube_line", 5.5)])
def test_the_packaged_lines_give_the_same_events(name: str, hours: float) -> None:
    assert _assert_equal(load(name), [round(hours * 3600 * SECOND)]) > 1000


@pytest.mark.nightly
@pytest.mark.parametrize(("name", "hours"), [("storage_line", 30 * 24), ("tube_line", 36)])
def test_whole_days_of_the_packaged_lines_give_the_same_events(name: str, hours: float) -> None:
    line = load(name)
    reference, compiled = EventLog(keep=False), EventLog(keep=False)
    simpy = SimpyEngine(line, log=reference)
    kernel = KernelEngine(line, on_events=compiled.add_block)
    end = round(hours * 3600 * SECOND)
    while simpy.now_us < end:
        simpy.advance(min(end, simpy.now_us + 3600 * SECOND))
        kernel.advance(simpy.now_us)
        assert reference.digest() == compiled.digest(), f"before hour {simpy.now_us / 3.6e9:.0f}"
    assert reference.count > 1_000_000
