"""Snapshots carried over to changed lines: random lines, random small changes, random instants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, note, settings
from hypothesis import strategies as st
from random_changes import changed_lines
from random_lines import SECOND, lines
from test_engine_laws import check_nobody_waits_in_vain, check_stations

from lines.loader import load
from twin.engine.carry_over import carried_over
from twin.engine.counters import Counters
from twin.engine.events import EventKind, EventLog
from twin.engine.kernel import kernel_library
from twin.engine.line_mark import differences, line_mark
from twin.engine.simpy_engine import SimpyEngine
from twin.engine.simulation import EngineName, open_engine
from twin.engine.snapshot import Snapshot
from twin.engine.snapshot_check import checked_tables
from twin.model import Buffer, Line
from twin.model.checks import check_line
from twin.model.durations import Constant
from twin.model.quantity import MILLI

pytestmark = pytest.mark.skipif(
    kernel_library() is None, reason="the compiled engine is not installed: no C compiler"
)
ENGINES: tuple[EngineName, ...] = ("simpy", "kernel")
many = settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow], deadline=None)
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
    put_out = sum(after.machines.good) - sum(before.machines.good)
    assert put_out >= len(list(missing.elements()))
    assert bool(put_out) == any("finished part" in text for text in notes)
    assert after.began_us == before.began_us


@many
@given(some_lines, instants, st.integers(0, 99))
def test_a_change_that_changes_nothing_is_the_same_snapshot(line: Line, at: int, seed: int) -> None:
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


# -- laws -----------------------------------------------------------------------------------------

shapes = st.sampled_from(
    [
        {"distribution": "exponential", "mean": 3 * SECOND},
        {"distribution": "empirical", "values": (SECOND, 2 * SECOND, 9 * SECOND)},
        2 * SECOND,
    ]
)


@settings(many, max_examples=60)
@given(
    times=st.lists(shapes, min_size=3, max_size=4),
    mtbf=st.lists(st.sampled_from([None, 20, 60]), min_size=4, max_size=4),
    capacity=st.lists(st.integers(1, 3), min_size=3, max_size=3),
    more=st.lists(st.integers(0, 4), min_size=3, max_size=3),
    at=instants,
    seed=st.integers(0, 999),
)
def test_more_room_never_makes_a_series_line_later(
    times: list[object],
    mtbf: list[int | None],
    capacity: list[int],
    more: list[int],
    at: int,
    seed: int,
) -> None:
    """Single machines in series: every part leaves as early or earlier, draw for draw."""

    def series(room: list[int]) -> Line:
        names = "ABCD"[: len(times)]
        return Line.model_validate(
            {
                "id": "SERIES",
                "stations": tuple(
                    {
                        "id": name,
                        "cycle_time": time,
                        "failures": ({"id": "f", "mtbf": f * SECOND, "mttr": 7 * SECOND},)
                        if f
                        else (),
                    }
                    for name, time, f in zip(names, times, mtbf, strict=False)
                ),
                "buffers": tuple(
                    {"id": a + b, "sources": (a,), "sinks": (b,), "capacity": c}
                    for a, b, c in zip(names, names[1:], room, strict=False)
                ),
            },
            by_name=True,
        )

    small, big = series(capacity), series([c + m for c, m in zip(capacity, more, strict=True)])
    today = taken(small, at, seed)
    carried, _ = carried_over(today, small, big)
    left = []
    for line, start in ((small, today), (big, carried)):
        log = EventLog()
        open_engine(line, "kernel", start=start, log=log).advance(at + 120 * SECOND)
        rows = log.table()
        passed = rows[(rows[:, 1] == EventKind.PART_PASSED) & (rows[:, 6] == -1)]
        left.append(passed[:, 0])
    assert len(left[1]) >= len(left[0])
    assert (left[1][: len(left[0])] <= left[0]).all()


@settings(many, max_examples=40)
@given(
    shape=st.sampled_from([0.7, 1.0, 3.0]),
    factor=st.sampled_from([0.25, 0.8, 3.0]),
    seed=st.integers(0, 10**6),
)
def test_a_scaled_failure_clock_is_that_of_a_line_that_was_always_so(
    shape: float, factor: float, seed: int
) -> None:
    """The carried clock is, draw for draw, the one that the other line would have drawn itself."""

    def alone(mtbf_us: int) -> Line:
        law = {"distribution": "weibull", "mean": mtbf_us, "shape": shape}
        failure = {"id": "f", "mtbf": law, "mttr": SECOND}
        return Line.model_validate(
            {"id": "ONE", "stations": ({"id": "A", "cycle_time": SECOND, "failures": (failure,)},)}
        )

    old, new = alone(100 * SECOND), alone(round(factor * 100 * SECOND))
    at = 5 * SECOND
    before = taken(old, at, seed)
    if before.machines.failures[0]:
        return
    carried, _ = carried_over(before, old, new)
    own = SimpyEngine(new, seed=seed).snapshot()
    used = before.machines.worked_us[0]
    left = carried.modes.strikes_at[0] - used
    assert left == pytest.approx(own.modes.strikes_at[0] - factor * used, abs=9)


# -- the packaged lines ---------------------------------------------------------------------------


def with_station(line: Line, name: str, **update: object) -> Line:
    stations = tuple(s.model_copy(update=update) if s.id == name else s for s in line.stations)
    return line.model_copy(update={"stations": stations})


def with_buffers(line: Line, factor: float) -> Line:
    """Every capacity scaled, but no smaller than a load of the stations behind."""

    def scaled(buffer: Buffer) -> Buffer:
        if not buffer.capacity:
            return buffer
        takes = max(line.station_by_id[sink].takes_from(buffer.id) for sink in buffer.sinks)
        return buffer.model_copy(
            update={"capacity": max(-(-takes // MILLI), round(buffer.capacity * factor))}
        )

    return line.model_copy(update={"buffers": tuple(map(scaled, line.buffers))})


def with_mttr(line: Line, name: str, hours: float) -> Line:
    """The repairs of a station, scaled to a mean."""
    station = line.station_by_id[name]
    mean = np.mean([failure.mttr.mean_us for failure in station.failures])  # type: ignore[union-attr]
    factor = hours * 3600 * SECOND / mean
    failures = tuple(
        f.model_copy(
            update={"mttr": f.mttr.model_copy(update={"mean_us": round(f.mttr.mean_us * factor)})}  # type: ignore[union-attr]
        )
        for f in station.failures
    )
    return with_station(line, name, failures=failures)


SCENARIOS: dict[str, tuple[str, float, Callable[[Line], Line]]] = {
    "4 of 5 stackers": ("storage_line", 200, lambda x: with_station(x, "STK", machines=4)),
    "6 stackers": ("storage_line", 200, lambda x: with_station(x, "STK", machines=6)),
    "13 of 14 formation cabinets": (
        "storage_line",
        200,
        lambda x: with_station(x, "FOR", machines=13),
    ),
    "8.5 h baking": (
        "storage_line",
        200,
        lambda x: with_station(x, "BAK", cycle_time=Constant(mean_us=round(8.5 * 3600) * SECOND)),
    ),
    "stacker MTTR 0.40 h": ("storage_line", 200, lambda x: with_mttr(x, "STK", 0.40)),
    "storage line, buffers at 30 %": ("storage_line", 200, lambda x: with_buffers(x, 0.3)),
    "buffers at 30 %": ("tube_line", 6, lambda x: with_buffers(x, 0.3)),
    "buffers at 300 %": ("tube_line", 6, lambda x: with_buffers(x, 3)),
}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenarios_of_the_packaged_lines_start_from_today(scenario: str) -> None:
    name, hours, change = SCENARIOS[scenario]
    line = load(name)
    other = change(line)
    assert other != line
    assert check_line(other) == []
    at = round(hours * 3600) * SECOND
    before = taken(line, at, 1)
    carried, notes = carried_over(before, line, other)
    assert parts_of(carried) == parts_of(before)
    assert all(text.startswith(("stations[", "buffers[")) for text in notes)
    logs = [EventLog(keep=False), EventLog(keep=False)]
    engines = [
        open_engine(other, which, start=carried, log=log)
        for which, log in zip(ENGINES, logs, strict=True)
    ]
    for engine in engines:
        engine.advance(at + 20 * 60 * SECOND)
    assert logs[0].digest() == logs[1].digest()
    assert logs[0].count > 100
    assert engines[0].snapshot() == engines[1].snapshot()
