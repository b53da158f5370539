"""Snapshots carried over to changed lines: random lines, random small changes, random instants."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, note, settings
from hypothesis import strategies as st
from random_changes import changed_lines
from random_lines import SECOND, lines
from test_engine_laws import check_nobody_waits_in_vain, check_stations

from twin.engine.carry_over import carried_over
from twin.engine.counters import Counters
from twin.engine.events import EventLog
from twin.engine.kernel import kernel_library
from twin.engine.line_mark import differences, line_mark
from twin.engine.simpy_engine import SimpyEngine
from twin.engine.simulation import EngineName, open_engine
from twin.engine.snapshot import Snapshot
from twin.engine.snapshot_check import checked_tables
from twin.model import Line

pytestmark = pytest.mark.skipif(
    kernel_library() is None, reason="the compiled engine is not installed: no C compiler"
)
ENGINES: tuple[EngineName, ...] = ("simpy", "kernel")
many = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
instants = st.one_of(st.integers(0, 90).map(lambda s: s * SECOND), st.integers(0, 90 * SECOND))
some_lines = st.one_of(lines(), lines(eventful=True), lines(constants_only=True))


def taken(line: Line, at_us: int, seed: int) -> Snapshot:
    engine = open_engine(line, "kernel", seed=seed)
    engine.advance(at_us)
    return engine.snapshot()


def changed(data: st.DataObject, line: Line) -> Line:
    other: Line = data.draw(changed_lines(line))
    text = "; ".join(differences(line_mark(other), line_mark(line)))
    note(f"changed: {text}")
    return other


def parts_of(snapshot: Snapshot) -> Counter[int]:
    return Counter(snapshot.parts.number)


def assert_same_counters(a: Counters, b: Counters) -> None:
    for field in fields(Counters):
        assert np.array_equal(getattr(a, field.name), getattr(b, field.name)), field.name


@many
@given(some_lines, st.data(), instants, st.integers(0, 99))
def test_both_engines_go_on_alike_from_a_carried_snapshot(
    line: Line, data: st.DataObject, at: int, seed: int
) -> None:
    other = changed(data, line)
    carried, notes = carried_over(taken(line, at, seed), line, other)
    for text in notes:
        event(text.split(".", 1)[-1].split(":")[0].split("[")[0])
    checked_tables(other, line_mark(other), carried)
    assert Snapshot.from_json(carried.to_json()) == carried
    logs = [EventLog(), EventLog()]
    engines = [
        open_engine(other, name, start=carried, log=log)
        for name, log in zip(ENGINES, logs, strict=True)
    ]
    for to in (at, at + 7 * SECOND, at + 60 * SECOND):
        for engine in engines:
            engine.advance(to)
        assert logs[0].table().tolist() == logs[1].table().tolist()
        first, second = (engine.snapshot() for engine in engines)
        assert first.settled
        assert first == second
        assert_same_counters(engines[0].counters(), engines[1].counters())
        reference = engines[0]
        assert isinstance(reference, SimpyEngine)
        check_nobody_waits_in_vain(reference._floor)
        check_stations(reference, from_empty=False)


@many
@given(some_lines, st.data(), instants, st.integers(0, 99))
def test_no_part_is_lost_and_what_was_counted_stays_counted(
    line: Line, data: st.DataObject, at: int, seed: int
) -> None:
    other = changed(data, line)
    before = taken(line, at, seed)
    after, notes = carried_over(before, line, other)
    missing = parts_of(before) - parts_of(after)
    assert not parts_of(after) - parts_of(before)
    assert bool(missing) == any("leave the line" in text for text in notes)
    leavers = {
        number
        for held_in, number in zip(before.parts.held_in, before.parts.number, strict=True)
        if held_in == 2
    }
    assert set(missing) <= leavers, "only finished parts leave, and from the last stations"
    for name in ("defective", "reworked", "failures"):
        assert sum(getattr(after.machines, name)) == sum(getattr(before.machines, name))
    if after.machines.good != before.machines.good:
        assert any("fewer" in text or " to " in text for text in notes)
    assert after.began_us == before.began_us


@many
@given(some_lines, instants, st.integers(0, 99))
def test_a_change_that_changes_nothing_is_the_same_snapshot(
    line: Line, at: int, seed: int
) -> None:
    before = taken(line, at, seed)
    named = tuple(s.model_copy(update={"area": "ELSEWHERE"}) for s in line.stations)
    after, notes = carried_over(before, line, line.model_copy(update={"stations": named}))
    assert after.to_bytes() == before.to_bytes()
    assert notes == ()


@many
@given(some_lines, st.data(), instants, st.integers(0, 99))
def test_a_change_that_touches_no_state_lets_nothing_happen_at_once(
    line: Line, data: st.DataObject, at: int, seed: int
) -> None:
    """With whole takes everybody has looked before; one more crew that nobody calls is a change."""
    other = line.model_copy(
        update={"crews": (*line.crews, line.crews[0].model_copy(update={"id": "idle"}))}
    )
    before = taken(line, at, seed)
    carried, _ = carried_over(before, line, other)
    whole = all(n % 1000 == 0 for s in line.stations for n in s.takes_milli.values())
    for name in ENGINES:
        log = EventLog()
        engine = open_engine(other, name, start=carried, log=log)
        engine.advance(at)
        if whole:
            assert log.table().tolist() == []
            update = {"line": before.line, "crews": before.crews}
            assert engine.snapshot().model_copy(update=update) == before


@settings(many, max_examples=60)
@given(some_lines, st.data(), instants, st.integers(0, 99))
def test_what_was_carried_over_can_be_carried_on_and_back(
    line: Line, data: st.DataObject, at: int, seed: int
) -> None:
    second = changed(data, line)
    there, _ = carried_over(taken(line, at, seed), line, second)
    back, _ = carried_over(there, second, line)
    checked_tables(line, line_mark(line), back)
    logs = [EventLog(), EventLog()]
    for name, log in zip(ENGINES, logs, strict=True):
        open_engine(line, name, start=back, log=log).advance(at + 30 * SECOND)
    assert logs[0].digest() == logs[1].digest()
