"""PackML's table, state by command, as the standard draws it."""

from __future__ import annotations

import pytest

from twin.model.packml import State
from twin.model.packml_table import (
    AFTER,
    BY_COMMAND,
    CLEARED_STATES,
    RUNNING_STATES,
    Command,
    allowed,
    next_state,
)

# Rows: states; columns: Reset Start Stop Hold Unhold Suspend Unsuspend Abort Clear Complete; then
# where the state goes by itself. A number is the state that the command leads to, a dot a refusal.
PICTURE = """
CLEARING       .  .  .  .  .  .  .  8  .  .   2
STOPPED       15  .  .  .  .  .  .  8  .  .   .
STARTING       .  .  7 10  .  .  .  8  .  .   6
IDLE           .  3  7  .  .  .  .  8  .  .   .
SUSPENDED      .  .  7 10  .  . 14  8  .  .   .
EXECUTE        .  .  7 10  . 13  .  8  . 16   .
STOPPING       .  .  .  .  .  .  .  8  .  .   2
ABORTING       .  .  .  .  .  .  .  .  .  .   9
ABORTED        .  .  .  .  .  .  .  .  1  .   .
HOLDING        .  .  7  .  .  .  .  8  .  .  11
HELD           .  .  7  . 12  .  .  8  .  .   .
UNHOLDING      .  .  7 10  .  .  .  8  .  .   6
SUSPENDING     .  .  7 10  .  .  .  8  .  .   5
UNSUSPENDING   .  .  7 10  .  .  .  8  .  .   6
RESETTING      .  .  7  .  .  .  .  8  .  .   4
COMPLETING     .  .  7  .  .  .  .  8  .  .  17
COMPLETE      15  .  7  .  .  .  .  8  .  .   .
"""


def rows() -> dict[State, list[State | None]]:
    return {
        State[words[0]]: [None if w == "." else State(int(w)) for w in words[1:]]
        for words in (row.split() for row in PICTURE.strip().splitlines())
    }


@pytest.mark.parametrize("state", State)
def test_each_state_takes_the_commands_of_the_picture_and_refuses_the_rest(state: State) -> None:
    *by_command, by_itself = rows()[state]
    assert [next_state(state, command) for command in Command] == by_command
    assert AFTER.get(state) == by_itself
    assert allowed(state) == tuple(
        command for command, to in zip(Command, by_command, strict=True) if to is not None
    )


def test_the_picture_has_every_state_and_the_machines_hold_them_all() -> None:
    assert set(rows()) == set(State)
    assert len(BY_COMMAND) == sum(to is not None for row in rows().values() for to in row[:-1])
    assert set(RUNNING_STATES) < set(CLEARED_STATES)
    assert set(State) - set(CLEARED_STATES) == {State.ABORTING, State.ABORTED}


def test_every_state_can_be_reached_from_every_other() -> None:
    for start in State:
        reached, left = {start}, [start]
        while left:
            state = left.pop()
            onward = [next_state(state, command) for command in Command] + [AFTER.get(state)]
            new = {to for to in onward if to is not None} - reached
            reached |= new
            left += new
        assert reached == set(State)
