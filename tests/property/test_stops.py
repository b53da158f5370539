"""Stopping at a condition: both engines stop at the very same event, and can go on from there."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_lines import lines

from lines.loader import load
from twin.engine import (
    BufferEmpty,
    BufferFull,
    EngineName,
    EventLog,
    GoodParts,
    MachineIn,
    Operations,
    Stop,
    open_engine,
    simulate,
)
from twin.engine.kernel import kernel_library
from twin.engine.simpy_engine import SimpyEngine
from twin.engine.stops import machine_at
from twin.errors import EngineError
from twin.model import Buffer, Line, Station
from twin.model.status import Condition

pytestmark = pytest.mark.skipif(
    kernel_library() is None, reason="the compiled engine is not installed: no C compiler"
)
SECOND = 1_000_000
END_US = 90 * SECOND


@st.composite
def lines_and_stops(draw: st.DrawFn) -> tuple[Line, Stop]:
    line = draw(lines())
    station = draw(st.sampled_from(line.stations))
    machine = station.machine_id(draw(st.integers(0, station.machines - 1)))
    count = draw(st.integers(1, 30))
    ways: list[Stop] = [
        Operations(count),
        Operations(count, station.id),
        GoodParts(station.id, count),
        MachineIn(machine, draw(st.sampled_from(Condition))),
    ]
    if line.buffers:
        buffer = draw(st.sampled_from(line.buffers))
        ways.append(BufferEmpty(buffer.id))
        if buffer.capacity:
            ways.append(BufferFull(buffer.id))
    return line, draw(st.sampled_from(ways))


def _holds(line: Line, engine: SimpyEngine, stop: Stop) -> bool:
    """Whether it does, from what the SimPy engine shows and not from how it is looked up there."""
    counted, status = engine.counters(), engine.status()
    stations = [station.id for station in line.stations]
    match stop:
        case Operations(count, None):
            return bool(counted.completed.sum() >= count)
        case Operations(count, station):
            return bool(counted.completed[stations.index(station)] >= count)
        case GoodParts(station, count):
            return bool(counted.good[stations.index(station)] >= count)
        case BufferEmpty(buffer):
            shown = status.buffers[buffer]
            return shown.level + shown.rework_level == 0
        case BufferFull(buffer):
            room = next(b for b in line.buffers if b.id == buffer)
            return status.buffers[buffer].level == room.capacity * room.lanes
    snapshot, (index, number) = engine.snapshot(), machine_at(line, stop.machine)
    before = sum(s.machines * s.places for s in line.stations[:index])
    places = line.stations[index].places
    first = before + number * places
    return stop.condition in snapshot.places.condition[first : first + places]


@settings(max_examples=250, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(drawn=lines_and_stops(), seed=st.integers(0, 2**32), from_us=st.integers(0, 20 * SECOND))
def test_both_engines_stop_at_the_same_event(
    drawn: tuple[Line, Stop], seed: int, from_us: int
) -> None:
    line, stop = drawn
    found = []
    names: tuple[EngineName, ...] = ("simpy", "kernel")
    for name in names:
        log = EventLog()
        engine = open_engine(line, name, seed=seed, log=log)
        engine.advance(from_us)
        stopped = engine.advance(END_US, stop)
        at = (stopped, engine.now_us, log.digest(), log.count)
        counted = engine.counters()
        if not stopped:
            assert engine.now_us == END_US
        engine.advance(END_US)
        found.append((*at, counted.good.tolist(), counted.time_us.tolist(), log.digest()))
    assert found[0] == found[1]


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(drawn=lines_and_stops())
def test_it_stops_when_it_first_holds(drawn: tuple[Line, Stop]) -> None:
    line, stop = drawn
    stopped = SimpyEngine(line)
    holds = stopped.advance(END_US, stop)
    if not isinstance(stop, MachineIn):
        # A snapshot tells of the end of an instant, and what holds may have passed by then.
        assert _holds(line, stopped, stop) == holds
    reference = SimpyEngine(line)
    while (at := reference.next_event_us()) is not None and at < stopped.now_us:
        reference.advance(at)
        assert not _holds(line, reference, stop)


def test_the_storage_line_stops() -> None:
    line = load("storage_line")
    last = len(line.stations) - 1
    end = 30 * 24 * 3_600 * SECOND
    engine = open_engine(line, "kernel")
    assert engine.advance(end, GoodParts(line.stations[last].id, 3))
    assert engine.counters().good[last] == 3
    before = engine.now_us
    down = MachineIn(line.stations[0].machine_id(0), Condition.PLANNED_STOP)
    assert engine.advance(2 * end, down)
    assert before < engine.now_us < 2 * end
    assert not engine.advance(engine.now_us + SECOND, GoodParts(line.stations[last].id, 10**9))


@pytest.mark.parametrize("name", ["simpy", "kernel"])
@pytest.mark.parametrize(
    ("stop", "says"),
    [
        (GoodParts("STKK", 1), "no station STKK"),
        (GoodParts("A", 0), "at least 1, got 0"),
        (BufferFull("AB"), "buffer AB is full: it has no limit"),
        (BufferEmpty("BA"), "no buffer BA"),
        (MachineIn("A02", Condition.FAULT), "no machine A02"),
    ],
)
def test_what_can_not_come_about_is_refused(name: EngineName, stop: Stop, says: str) -> None:
    line = Line(
        id="L",
        stations=(Station(id="A", cycle_time="1 s"), Station(id="B", cycle_time="1 s")),  # type: ignore[arg-type]
        buffers=(Buffer(id="AB", sources="A", sinks="B"),),  # type: ignore[arg-type]
    )
    with pytest.raises(EngineError, match=says):
        open_engine(line, name).advance(SECOND, stop)
    with pytest.raises(EngineError, match=says):
        simulate(line, engine=name, until="1 s", stop=stop)
