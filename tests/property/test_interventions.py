"""Whatever people do to a line: its laws hold, and the same doings give the same events."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_lines import SECOND, lines
from test_engine_laws import check_state

from twin.engine.events import EventLog
from twin.engine.plant import SimulatedPlant
from twin.engine.simpy_engine import SimpyEngine
from twin.errors import CommandRefused
from twin.model import Line
from twin.model.packml import Mode
from twin.model.packml_table import Command
from twin.setpoints import setpoints

END = 90 * SECOND
Doing = tuple[int, str, int, float]
doings = st.lists(
    st.tuples(
        st.integers(0, END),
        st.sampled_from([*(c.name for c in Command), "MODE", "SET", "SET", "START", "RESET"]),
        st.integers(0, 1000),
        st.floats(0, 1),
    ),
    min_size=1,
    max_size=25,
).map(sorted)


def plant_with_log(line: Line) -> tuple[SimulatedPlant, EventLog]:
    plant, log = SimulatedPlant(line), EventLog()
    # The plant keeps no log; an engine with one takes the place of its own, before anything runs.
    engine = SimpyEngine(line, log=log)
    plant._engine = engine
    plant._operation._interventions = engine.interventions
    return plant, log


def do(plant: SimulatedPlant, what: str, which: int, how: float) -> bool:
    units = [s.machine_id(m) for s in plant.line.stations for m in range(s.machines)]
    unit = units[which % len(units)]
    try:
        if what == "SET":
            points = list(setpoints(plant.line))
            point = points[which % len(points)]
            value: Any = point.low + how * (min(point.high, 10) - point.low)
            plant.set(*point.key, int(value) if point.name == "capacity_limit" else value)
        elif what == "MODE":
            plant.set_mode(unit, list(Mode)[which % 4])
        else:
            plant.command(unit, Command[what], which % 3)
    except CommandRefused:
        return False
    return True


@settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(line=lines(), todo=doings)
def test_the_laws_hold_whatever_people_do(line: Line, todo: list[Doing]) -> None:
    plant = SimulatedPlant(line)
    for at_us, what, which, how in todo:
        plant.advance(at_us)
        do(plant, what, which, how)
        check_state(plant._engine)
    plant.advance(END)
    check_state(plant._engine)
    plant.status()


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(line=lines(), todo=doings, steps=st.lists(st.integers(0, END), max_size=20))
def test_the_same_doings_give_the_same_events_however_time_is_cut(
    line: Line, todo: list[Doing], steps: list[int]
) -> None:
    digests = []
    for stops in ([], steps):
        plant, log = plant_with_log(line)
        marks = sorted({0, END, *stops, *(at for at, *_ in todo)})
        for _, to in pairwise([0, *marks]):
            plant.advance(to)
            for at, what, which, how in todo:
                if at == to:
                    do(plant, what, which, how)
        digests.append((log.digest(), plant.status()))
    assert digests[0] == digests[1]


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(line=lines(), at_us=st.integers(0, END // 2))
def test_a_line_that_is_held_whole_stands_still_and_goes_on(line: Line, at_us: int) -> None:
    plant, log = plant_with_log(line)
    plant.advance(at_us)
    units = list(plant.status().machines)
    for unit in units:
        plant.command(unit, Command.ABORT, 7)
    made = plant._engine.counters().completed.copy()
    plant.advance(END)
    assert (plant._engine.counters().completed == made).all()
    for command in (Command.CLEAR, Command.RESET, Command.START):
        for unit in units:
            plant.command(unit, command)
        plant.advance(plant.now_us + 5 * SECOND)
    check_state(plant._engine)
    # All are on their own again: a snapshot can be taken, and nothing is held.
    plant._engine.snapshot()
    assert log.count > 0
