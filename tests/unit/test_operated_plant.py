"""Rules S32 to S36: what people do to a machine, on lines so small that the day can be told."""

from __future__ import annotations

from typing import Any

import pytest

from twin.engine.plant import SimulatedPlant
from twin.errors import CommandRefused, EngineError
from twin.model import Buffer, Line, Station
from twin.model.packml import Mode, State
from twin.model.packml_table import BY_COMMAND, Command
from twin.setpoints import setpoints

S = 1_000_000


def two(**first: Any) -> SimulatedPlant:
    """A makes a part every 2 s, B takes 1 s, three fit between them."""
    return SimulatedPlant(
        Line(
            id="L",
            stations=(
                Station(**{"id": "A", "cycle_time": "2 s", **first}),
                Station(id="B", cycle_time="1 s"),
            ),
            buffers=(Buffer(id="AB", sources="A", sinks="B", capacity=3),),
        )
    )


def good(plant: SimulatedPlant, unit: str) -> int:
    return plant.status().machines[unit].good


def state(plant: SimulatedPlant, unit: str) -> State:
    return plant.status().machines[unit].state


def told(plant: SimulatedPlant, *commands: Command, unit: str = "A01") -> None:
    for command in commands:
        plant.command(unit, command)
        plant.advance(plant.now_us + S // 2)


def test_s36_stop_finishes_the_part_in_hand_and_takes_no_other() -> None:
    plant = two()
    plant.advance(5 * S)
    plant.command("A01", Command.STOP)
    assert state(plant, "A01") is State.STOPPING
    plant.advance(6 * S - 1)
    assert state(plant, "A01") is State.STOPPING
    plant.advance(6 * S + 100_000)
    assert (state(plant, "A01"), good(plant, "A01")) == (State.STOPPED, 3)
    plant.advance(60 * S)
    assert good(plant, "A01") == 3
    assert state(plant, "B01") is State.SUSPENDED
    told(plant, Command.RESET, Command.START)
    assert state(plant, "A01") is State.EXECUTE
    plant.advance(63 * S)
    assert good(plant, "A01") == 4


@pytest.mark.parametrize(
    ("first", "back", "held"),
    [
        (Command.HOLD, (Command.UNHOLD,), State.HELD),
        (Command.ABORT, (Command.CLEAR, Command.RESET, Command.START), State.ABORTED),
    ],
)
def test_s36_hold_and_abort_stop_the_work_at_once_and_it_goes_on(first, back, held) -> None:
    plant = two()
    plant.advance(5 * S)  # the third part is half done
    plant.command("A01", first, 17)
    plant.advance(60 * S)
    shown = plant.status().machines["A01"]
    assert (shown.state, shown.good, shown.stop_reason, shown.occupied) == (held, 2, 17, 1)
    told(plant, *back)
    began = plant.now_us
    assert state(plant, "A01") is State.EXECUTE
    plant.advance(began + S - 1)
    assert good(plant, "A01") == 2
    plant.advance(began + S)
    assert good(plant, "A01") == 3


def test_s36_suspend_lets_the_part_out_and_unsuspend_takes_the_next() -> None:
    plant = two()
    plant.advance(5 * S)
    plant.command("A01", Command.SUSPEND)
    plant.advance(20 * S)
    assert (state(plant, "A01"), good(plant, "A01")) == (State.SUSPENDED, 3)
    told(plant, Command.UNSUSPEND)
    plant.advance(23 * S)
    assert (state(plant, "A01"), good(plant, "A01")) == (State.EXECUTE, 4)


def test_s36_a_machine_with_a_fault_shows_it_whatever_it_was_told() -> None:
    failure = {"id": "f", "mtbf": "3 s", "mttr": "20 s"}
    plant = two(failures=(failure,))
    plant.advance(4 * S)
    assert state(plant, "A01") is State.ABORTED
    plant.command("A01", Command.STOP)
    plant.advance(10 * S)
    assert (state(plant, "A01"), plant.status().machines["A01"].stop_reason) == (State.ABORTED, 1)
    plant.advance(60 * S)  # repaired, and its part was finished
    assert (state(plant, "A01"), good(plant, "A01")) == (State.STOPPED, 2)


def test_s36_time_stopped_is_planned_stop_and_held_is_set_up() -> None:
    plant = two()
    plant.advance(5 * S)
    plant.command("A01", Command.HOLD)
    plant.advance(15 * S)
    told(plant, Command.STOP)
    plant.advance(35 * S)
    times = dict(enumerate(plant._engine.counters().time_us[0].tolist()))
    # EXECUTE 5 s, set-up 10 s, planned stop 20 s; see `Condition`.
    assert {k: v for k, v in times.items() if v} == {0: 5 * S, 4: 10 * S, 6: 20 * S}


def test_s36_modes_change_only_in_states_that_wait_and_only_produce_starts() -> None:
    plant = two()
    with pytest.raises(CommandRefused, match="STOPPED, IDLE and ABORTED, got MANUAL in EXECUTE"):
        plant.set_mode("A01", Mode.MANUAL)
    plant.command("A01", Command.STOP)
    plant.advance(10 * S)
    plant.set_mode("A01", Mode.MAINTENANCE)
    assert plant.status().machines["A01"].mode is Mode.MAINTENANCE
    told(plant, Command.RESET)
    with pytest.raises(CommandRefused, match="in mode MAINTENANCE it is not started"):
        plant.command("A01", Command.START)
    plant.set_mode("A01", Mode.PRODUCE)
    told(plant, Command.START)
    assert state(plant, "A01") is State.EXECUTE


# How a unit is brought into each state that a machine can be told to be in.
WAYS = {
    State.EXECUTE: (),
    State.HOLDING: (Command.HOLD,),
    State.HELD: (Command.HOLD, None),
    State.UNHOLDING: (Command.HOLD, None, Command.UNHOLD),
    State.SUSPENDING: (Command.SUSPEND,),
    State.SUSPENDED: (Command.SUSPEND, None),
    State.UNSUSPENDING: (Command.SUSPEND, None, Command.UNSUSPEND),
    State.COMPLETING: (Command.COMPLETE,),
    State.COMPLETE: (Command.COMPLETE, None),
    State.STOPPING: (Command.STOP,),
    State.STOPPED: (Command.STOP, None),
    State.RESETTING: (Command.STOP, None, Command.RESET),
    State.IDLE: (Command.STOP, None, Command.RESET, None),
    State.STARTING: (Command.STOP, None, Command.RESET, None, Command.START),
    State.ABORTING: (Command.ABORT,),
    State.ABORTED: (Command.ABORT, None),
    State.CLEARING: (Command.ABORT, None, Command.CLEAR),
}


@pytest.mark.parametrize("begin", State)
@pytest.mark.parametrize("command", Command)
def test_the_whole_packml_table_on_a_running_machine(begin: State, command: Command) -> None:
    plant = two()
    plant.advance(5 * S)
    for step in WAYS[begin]:
        if step is None:
            plant.advance(plant.now_us + 3 * S)
        else:
            plant.command("A01", step)
    assert state(plant, "A01") is begin
    to = BY_COMMAND.get((begin, command))
    if to is None:
        with pytest.raises(CommandRefused, match=f"in {begin.name} it takes"):
            plant.command("A01", command)
        assert state(plant, "A01") is begin
    else:
        plant.command("A01", command)
        assert state(plant, "A01") is to


def test_s33_a_pace_counts_from_the_next_operation_on() -> None:
    plant = two()
    plant.advance(S)
    plant.set("A01", "cycle_time_factor", 0.5)
    plant.advance(6 * S)
    assert good(plant, "A01") == 5  # one of 2 s, four of 1 s


def test_s35_a_limit_holds_and_gives_room_when_it_is_raised() -> None:
    plant = two()
    plant.command("B01", Command.HOLD)
    plant.set("AB", "capacity_limit", 1)
    plant.advance(20 * S)
    assert plant.status().buffers["AB"].level == 1
    assert plant.status().machines["A01"].blocked
    plant.set("AB", "capacity_limit", 2)
    assert plant.status().buffers["AB"].level == 2
    assert not plant.status().machines["A01"].blocked


@pytest.mark.parametrize("shift", [-1.0, 1.0])
def test_s34_a_stricter_threshold_rejects_what_a_looser_one_does_and_more(shift: float) -> None:
    def rejected(sigmas: float) -> int:
        line = Line(
            id="L",
            defects=({"id": "d"},),
            stations=(
                Station(
                    id="A",
                    cycle_time="1 s",
                    defects={"d": 0.2},
                    inspection={"detects": {"d": 0.7}, "false_reject": 0.05},
                ),
            ),
        )
        plant = SimulatedPlant(line)
        plant.set("A", "reject_threshold", sigmas)
        plant.advance(4000 * S)
        return plant.status().machines["A01"].defective

    # Stricter rejects more, more lenient less.
    assert (rejected(0.0) - rejected(shift)) * shift > 100


@pytest.mark.parametrize(
    ("unit", "name", "value", "says"),
    [
        ("A01", "cycle_time_factor", 0.0, "A01.cycle_time_factor: must be from 0.01 to 100, got 0"),
        ("A01", "cycle_time_factor", float("nan"), "got nan"),
        ("AB", "capacity_limit", 4, "AB.capacity_limit: must be from 1 to 3, got 4"),
        ("A", "reject_threshold", 1.0, "A: has no setpoint reject_threshold"),
    ],
)
def test_what_cannot_be_set_is_refused_with_its_limits(unit, name, value, says) -> None:
    with pytest.raises(CommandRefused, match=says):
        two().set(unit, name, value)


def test_a_snapshot_is_refused_while_somebody_has_a_hand_on_the_line() -> None:
    plant = two()
    plant.set("AB", "capacity_limit", 2)
    with pytest.raises(EngineError, match="interventions are in force"):
        plant._engine.snapshot()
    plant.set("AB", "capacity_limit", 3)
    plant._engine.snapshot()


def test_every_setpoint_takes_its_default_and_both_ends() -> None:
    plant = two()
    for point in setpoints(plant.line):
        for value in (point.low, point.high, point.default):
            plant.set(*point.key, value)
    plant._engine.snapshot()
