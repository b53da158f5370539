"""Laws that hold for every line, on random lines of the whole model."""

from __future__ import annotations

import os
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_lines import SECOND, lines

from twin.engine.events import EventKind, EventLog
from twin.engine.floor import Floor, Part
from twin.engine.lanes import is_ready
from twin.engine.simpy_engine import SimpyEngine
from twin.model import Buffer, Line, Station
from twin.model.packml import State
from twin.model.quantity import MILLI
from twin.model.status import Condition

EXAMPLES = int(os.environ.get("LINETWIN_EXAMPLES", "60"))
many = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
few = settings(many, max_examples=max(5, EXAMPLES // 4))
starts = st.sampled_from([0, SECOND // 2, 5 * SECOND, 20 * SECOND])


def parts_of(floor: Floor) -> list[Part]:
    inside = [part for lane in floor.lanes for part in lane.parts]
    for run in floor.stations:
        for machine in run.machines:
            for place in machine.places:
                inside += [*place.parts, *place.out]
    return inside


def check_state(engine: SimpyEngine) -> None:
    """What must hold between any two events."""
    floor = engine._floor
    numbers = [part.number for part in parts_of(floor)]
    assert len(numbers) == len(set(numbers)), "a part is in one place (S4)"
    for lane in floor.lanes:
        turns = [part.entered for part in lane.parts]
        assert turns == sorted(turns), "lanes are first in, first out"
        assert not lane.gained_parts
        assert not lane.gained_room
        if lane.built:
            assert len(lane.parts) <= lane.built
        else:  # rule S11: what was handed over lies at the machines that waited for it
            assert len(lane.parts) <= sum(
                len(m.places) for g in lane.takers for m in g.station.machines
            )
    check_stations(engine)
    check_nobody_waits_in_vain(floor)
    for store in floor.stores:
        assert store.level >= 0
    for shown in engine.status().machines.values():
        assert shown.starved + shown.blocked == (shown.state == State.SUSPENDED)


def check_stations(engine: SimpyEngine, *, from_empty: bool = True) -> None:
    """The books of the stations balance; from a changed line's state the times do not."""
    floor, counters = engine._floor, engine.counters()
    for run in floor.stations:
        taken = sum(m.consumed for m in run.machines)
        gone = sum(m.good + m.defective + m.reworked for m in run.machines)
        on = [place for m in run.machines for place in m.places]
        if run.passes_on:
            inside = sum(len(p.parts) + len(p.out) for p in on)
            in_place = sum(p.redone for p in on if p.loaded)
            if run.rework_lane is None and run.station.rework is not None:
                # A part reworked in place was counted as reworked and is still here.
                assert taken + sum(m.reworked for m in run.machines) >= gone + inside - in_place
            else:
                assert taken == gone + inside, "no part comes from or goes to nowhere (S30)"
        span = counters.span_us * len(on)
        if from_empty:
            assert counters.time_us[run.index].sum() == span, "no gap, no overlap (S28)"
        for machine in run.machines:
            seen = Counter(place.condition for place in machine.places)
            assert all(machine.counts[c] == seen[c] for c in range(len(Condition)))
            assert machine.occupied == sum(p.loaded or bool(p.out) for p in machine.places)


def check_nobody_waits_in_vain(floor: Floor) -> None:
    """Nobody waits for what is there."""
    for lane in floor.lanes:
        ready = [g for g in lane.takers if g.waiting and len(g.inlets) == 1 and g.single]
        assert not (ready and lane.parts), "nobody waits beside a part that would do"
        room = lane.capacity and len(lane.parts) < lane.capacity
        assert not (room and any(o.waiting for o in lane.givers)), "nor beside room"
    for run in floor.stations:
        for group in run.groups:
            # Nobody looks again when only the number that the next operation takes changes (S26).
            whole = all(inlet.milli % MILLI == 0 for inlet in group.inlets)
            assert not (whole and group.waiting and is_ready(group)), "nor with all it needs"
    for crew in floor.crews.values():
        assert not (crew.free > 0 and crew.waiting), "nobody waits for a crew that is free"


@many
@given(lines(), starts, st.lists(st.integers(0, 90 * SECOND), max_size=4))
def test_laws_hold_at_any_instant(line: Line, start: int, stops: list[int]) -> None:
    engine = SimpyEngine(line, start_us=start)
    check_state(engine)
    for stop in sorted(stops):
        engine.advance(start + stop)
        check_state(engine)


@few
@given(lines(max_steps=2))
def test_laws_hold_after_each_instant_with_events(line: Line) -> None:
    engine = SimpyEngine(line, seed=2)
    for _ in range(150):
        due = engine.next_event_us()
        if due is None:
            break
        assert due >= engine.now_us
        engine.advance(due)
        check_state(engine)


@many
@given(lines())
def test_the_log_tells_the_same_story_as_the_counters(line: Line) -> None:
    log = EventLog()
    engine = SimpyEngine(line, log=log)
    engine.advance(60 * SECOND)
    rows, counters, n = log.table(), engine.counters(), len(line.stations)
    assert log.count == len(rows)
    assert (np.diff(rows[:, 0]) >= 0).all()
    for kind, counted in (
        (EventKind.OPERATION_COMPLETED, counters.completed),
        (EventKind.PART_PASSED, counters.good),
        (EventKind.PART_SCRAPPED, counters.defective),
        (EventKind.PART_REWORKED, counters.reworked),
    ):
        of_kind = rows[rows[:, 1] == kind]
        assert (np.bincount(of_kind[:, 2], minlength=n) == counted).all(), kind
    entered = rows[(rows[:, 1] == EventKind.PART_PASSED) & (rows[:, 6] >= 0)]
    for lane in engine._floor.lanes:
        if lane.givers:
            number_in = int((entered[:, 6] == lane.index).sum())
            assert number_in >= len(lane.parts), "entered - taken = level"
    gone = rows[np.isin(rows[:, 1], [EventKind.PART_SCRAPPED]), 5]
    left = rows[(rows[:, 1] == EventKind.PART_PASSED) & (rows[:, 6] == -1), 5]
    ended = [*gone.tolist(), *left.tolist()]
    assert len(ended) == len(set(ended)), "a part ends once"
    assert not set(ended) & {part.number for part in parts_of(engine._floor)}


@many
@given(lines(), starts, st.lists(st.integers(0, 60 * SECOND), max_size=5))
def test_a_run_in_steps_is_the_run_in_one_go(line: Line, start: int, stops: list[int]) -> None:
    digests = []
    for steps in ([], sorted(stops)):
        log = EventLog(keep=False)
        engine = SimpyEngine(line, start_us=start, log=log)
        for stop in [*steps, 60 * SECOND]:
            engine.advance(start + stop)
            engine.next_event_us()
            engine.status()
        digests.append(log.digest())
    assert digests[0] == digests[1]


@many
@given(lines())
def test_a_log_changes_nothing(line: Line) -> None:
    engines = [SimpyEngine(line), SimpyEngine(line, log=EventLog())]
    for engine in engines:
        engine.advance(45 * SECOND)
    assert engines[0].status() == engines[1].status()


@many
@given(lines(live=True))
def test_a_line_without_loops_never_locks(line: Line) -> None:
    engine = SimpyEngine(line)
    ends = [i for i, s in enumerate(line.stations) if not line.outputs[s.id]]
    engine.advance(20 * 60 * SECOND)
    before = engine.counters()
    engine.advance(80 * 60 * SECOND)
    counted = engine.counters().since(before)
    assert (counted.good + counted.defective)[ends].sum() > 0


def scaled(value: object, c: int) -> object:
    """Multiply every time of a dumped line."""
    if isinstance(value, dict):
        return {
            k: v * c
            if k.endswith("_us") and isinstance(v, int)
            else [x * c for x in v]
            if k == "values_us"
            else scaled(v, c)
            for k, v in value.items()
        }
    if isinstance(value, list | tuple):
        return tuple(scaled(v, c) for v in value)
    return value


@few
@given(lines(constants_only=True), st.sampled_from([2, 3]))
def test_with_all_times_multiplied_nothing_else_changes(line: Line, c: int) -> None:
    data = scaled(line.model_dump(), c)
    assert isinstance(data, dict)
    for station in data["stations"]:
        station["takes_milli"] = {k: v / 1000 for k, v in station["takes_milli"].items()}
        if station["gives_milli"]:
            station["gives_milli"] /= 1000
    slow = Line.model_validate(data, by_name=True)
    tables = []
    for one, factor in ((line, 1), (slow, c)):
        log = EventLog()
        SimpyEngine(one, log=log).advance(60 * SECOND * factor)
        rows = log.table().copy()
        rows[:, 0] //= factor
        rows[rows[:, 1] == EventKind.OPERATION_STARTED, 6] //= factor
        tables.append(rows)
    assert np.array_equal(*tables)


def series(times: list[object], sizes: list[int | None], **more: object) -> Line:
    names = [f"S{chr(65 + i)}" for i in range(len(times))]
    return Line(
        id="SERIES",
        stations=tuple(
            Station(id=n, cycle_time=t, **more)  # type: ignore[arg-type]
            for n, t in zip(names, times, strict=True)
        ),
        buffers=tuple(
            Buffer(id=f"q{i}", sources=a, sinks=b, capacity=size)
            for i, ((a, b), size) in enumerate(zip(pairwise(names), sizes, strict=True))
        ),
    )


def out_of(line: Line, seed: int, span_us: int) -> int:
    engine = SimpyEngine(line, seed=seed)
    engine.advance(span_us)
    return int(engine.counters().good[-1])


def exponential(mean: int) -> dict[str, object]:
    return {"distribution": "exponential", "mean": mean}


@few
@given(
    st.lists(st.sampled_from([1, 2, 3]), min_size=2, max_size=4),
    st.data(),
    st.integers(0, 1000),
)
def test_a_bigger_buffer_never_lowers_the_output(
    means: list[int], data: st.DataObject, seed: int
) -> None:
    """Exact, without failures: with draws keyed by part the n-th departure is max-plus in sizes."""
    times = [exponential(m * SECOND) for m in means]
    sizes: list[int | None] = [data.draw(st.integers(0, 3)) for _ in means[1:]]
    bigger = [s + data.draw(st.integers(0, 2)) for s in sizes if s is not None]
    span = 400 * SECOND
    more = out_of(series(times, list(bigger)), seed, span)
    assert more >= out_of(series(times, sizes), seed, span)


@pytest.mark.parametrize("capacity", [0, 2])
def test_failures_that_depend_on_operation_cost_less_than_those_of_time(capacity: int) -> None:
    found = {}
    for clock in ("operation", "time"):
        failure = {
            "id": "f", "depends_on": clock, "mtbf": exponential(100 * SECOND),
            "mttr": exponential(10 * SECOND),
        }  # fmt: skip
        line = series([exponential(SECOND)] * 3, [capacity] * 2, failures=(failure,))
        found[clock] = [out_of(line, seed, 4000 * SECOND) for seed in range(6)]
    difference = np.subtract(found["operation"], found["time"])
    assert difference.mean() > -2 * difference.std(ddof=1) / 6**0.5


def test_a_reversed_line_has_the_same_throughput() -> None:
    times, sizes = [exponential(m * SECOND // 10) for m in (10, 8, 11)], [1, 2]
    span = 4000 * SECOND
    there = [out_of(series(list(times), list(sizes)), seed, span) for seed in range(8)]
    back = [out_of(series(times[::-1], sizes[::-1]), 100 + seed, span) for seed in range(8)]
    spread = (np.var(there, ddof=1) / 8 + np.var(back, ddof=1) / 8) ** 0.5
    assert abs(np.mean(there) - np.mean(back)) < 3.5 * spread
