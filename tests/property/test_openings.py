"""Where runs begin: the kernel makes Python's keys, and one line at rest begins many runs."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_lines import lines

from twin.engine.draws import Key, Purpose, key_for
from twin.engine.events import EventLog
from twin.engine.kernel import KernelEngine, kernel_library
from twin.engine.kernel_start import KernelStart
from twin.engine.opening import Opening, open_engine
from twin.engine.program import streams_of
from twin.engine.redraw import redrawn
from twin.errors import EngineError
from twin.model import Line, Station
from twin.model.failures import Failure

pytestmark = pytest.mark.skipif(
    kernel_library() is None, reason="the compiled engine is not installed: no C compiler"
)
slow = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
numbers = st.integers(-(2**63), 2**64)
SECOND = 1_000_000


def keys_in_the_kernel(line: Line, seed: int, replication: int) -> list[Key]:
    start = KernelStart.empty(line)
    engine = start.begin(seed, replication, anew=False, logging=False)
    keys = []
    for stream in range(len(list(streams_of(line)))):
        key = (ctypes.c_uint64 * 2)()
        start.library.linetwin_key(engine, stream, ctypes.byref(key))
        keys.append(Key(key[0], key[1]))
    start.library.linetwin_close(engine)
    return keys


def keys_in_python(line: Line, seed: int, replication: int) -> Iterator[Key]:
    """By what each stream is for, in the kernel's order."""
    for station in line.stations:
        for purpose in ("service", "route", "arise", "false_reject", "outcome"):
            yield key_for(seed, replication, Purpose(purpose), station.id)
    for station in line.stations:
        stops = [(failure.id, Purpose.FAIL, Purpose.REPAIR) for failure in station.failures]
        stops += [
            (changeover.id, Purpose.CHANGEOVER_DUE, Purpose.CHANGEOVER)
            for changeover in station.changeovers
        ]
        for machine in range(station.machines):
            for stop, due, lasts in stops:
                yield key_for(seed, replication, due, station.id, machine, stop)
                yield key_for(seed, replication, lasts, station.id, machine, stop)
    for station in line.stations:
        for defect in station.inspection.detects if station.inspection else ():
            yield key_for(seed, replication, Purpose.DETECT, station.id, detail=defect)


@settings(slow, max_examples=100)
@given(line=lines(), seed=numbers, replication=numbers)
def test_the_kernel_makes_the_keys_that_python_makes(
    line: Line, seed: int, replication: int
) -> None:
    wanted = list(keys_in_python(line, seed, replication))
    assert keys_in_the_kernel(line, seed, replication) == wanted


def test_texts_of_any_length_give_the_same_keys() -> None:
    """The hash takes 128 bytes at a time: texts that end before, at and after each edge."""
    failures = (Failure(id="F" * 32, mtbf="1 h", mttr="1 min"),)
    line = Line(id="L", stations=(Station(id="S" * 32, cycle_time="2 s", failures=failures),))
    for digits in range(1, 120):
        seed = 10**digits - 1
        assert keys_in_the_kernel(line, seed, 0) == list(keys_in_python(line, seed, 0))


def test_a_number_that_the_kernel_has_no_room_for_is_refused() -> None:
    line = Line(id="L", stations=(Station(id="S", cycle_time="2 s"),))
    with pytest.raises(EngineError, match="seed or replication is too long"):
        KernelEngine(line, seed=10**200)


@settings(slow, max_examples=60)
@given(
    line=lines(),
    seed=st.integers(0, 2**32),
    at=st.integers(0, 60 * SECOND),
    replications=st.lists(st.integers(0, 2**40), min_size=1, max_size=3),
)
def test_one_opening_begins_as_many_runs_as_it_is_asked_for(
    line: Line, seed: int, at: int, replications: list[int]
) -> None:
    plant = open_engine(line, "kernel", seed=seed)
    plant.advance(at)
    state = plant.snapshot()
    opening = Opening(line, "kernel", start=state)
    for replication in [*replications, *replications]:
        logs = EventLog(), EventLog()
        run = opening.opened(replication, anew=True, log=logs[0])
        run.advance(at + 30 * SECOND)
        own = redrawn(line, state, replication)
        reference = open_engine(line, "simpy", start=own, replication=replication, log=logs[1])
        reference.advance(at + 30 * SECOND)
        assert logs[0].digest() == logs[1].digest()
        assert run.snapshot() == reference.snapshot()
    as_it_was = opening.opened()
    plant.advance(at + 30 * SECOND)
    as_it_was.advance(at + 30 * SECOND)
    assert as_it_was.snapshot() == plant.snapshot()
