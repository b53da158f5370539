"""PackML's state machine as data: which command leads where, and where a state goes by itself.

The table is that of OPC 30050 (PackML 1.01), whose three machines stand inside each other: the base
one (Abort, Clear), in its Cleared state the machine one (Stop, Reset), in its Running state the
execute one. Flattened, a state of an inner machine has the commands of those around it too.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType

from twin.model.packml import State

__all__ = [
    "AFTER",
    "BY_COMMAND",
    "CLEARED_STATES",
    "RUNNING_STATES",
    "Command",
    "allowed",
    "next_state",
]


class Command(IntEnum):
    """What a unit can be told, numbered as PackTag `Command.CntrlCmd`."""

    RESET = 1
    START = 2
    STOP = 3
    HOLD = 4
    UNHOLD = 5
    SUSPEND = 6
    UNSUSPEND = 7
    ABORT = 8
    CLEAR = 9
    COMPLETE = 10

    @property
    def method(self) -> str:
        """Browse name of its method in OPC 30050.

        >>> Command.START.method, Command.COMPLETE.method
        ('Start', 'ToComplete')
        """
        return "ToComplete" if self is Command.COMPLETE else self.name.title()


RUNNING_STATES: tuple[State, ...] = (
    State.RESETTING,
    State.IDLE,
    State.STARTING,
    State.SUSPENDING,
    State.SUSPENDED,
    State.UNSUSPENDING,
    State.HOLDING,
    State.HELD,
    State.UNHOLDING,
    State.EXECUTE,
    State.COMPLETING,
    State.COMPLETE,
)
"""The states of the execute machine: a unit in one of them can be stopped."""

CLEARED_STATES: tuple[State, ...] = (
    *RUNNING_STATES,
    State.STOPPING,
    State.STOPPED,
    State.CLEARING,
)
"""The states of the machine and execute machines: a unit in one of them can be aborted."""

AFTER: Mapping[State, State] = MappingProxyType(
    {
        State.ABORTING: State.ABORTED,
        State.CLEARING: State.STOPPED,
        State.COMPLETING: State.COMPLETE,
        State.HOLDING: State.HELD,
        State.RESETTING: State.IDLE,
        State.STARTING: State.EXECUTE,
        State.STOPPING: State.STOPPED,
        State.SUSPENDING: State.SUSPENDED,
        State.UNHOLDING: State.EXECUTE,
        State.UNSUSPENDING: State.EXECUTE,
    }
)
"""Where an acting state goes when its work is done; a state that waits is not in it.

EXECUTE goes to COMPLETING by itself too, where a unit has a batch to finish.
"""

BY_COMMAND: Mapping[tuple[State, Command], State] = MappingProxyType(
    {
        (State.COMPLETE, Command.RESET): State.RESETTING,
        (State.STOPPED, Command.RESET): State.RESETTING,
        (State.IDLE, Command.START): State.STARTING,
        **{(state, Command.STOP): State.STOPPING for state in RUNNING_STATES},
        **{
            (state, Command.HOLD): State.HOLDING
            for state in (
                State.EXECUTE,
                State.STARTING,
                State.SUSPENDED,
                State.SUSPENDING,
                State.UNHOLDING,
                State.UNSUSPENDING,
            )
        },
        (State.HELD, Command.UNHOLD): State.UNHOLDING,
        (State.EXECUTE, Command.SUSPEND): State.SUSPENDING,
        (State.SUSPENDED, Command.UNSUSPEND): State.UNSUSPENDING,
        **{(state, Command.ABORT): State.ABORTING for state in CLEARED_STATES},
        (State.ABORTED, Command.CLEAR): State.CLEARING,
        (State.EXECUTE, Command.COMPLETE): State.COMPLETING,
    }
)
"""Where a command leads, by (state, command); a pair that is not in it is refused."""


def next_state(state: State, command: Command) -> State | None:
    """Find where a command leads.

    Args:
        state: what the unit is in.
        command: what it is told.

    Returns:
        The state that it goes to at once, which `AFTER` may lead on from; None where the command
        is not allowed, which an OPC UA method answers with `BadInvalidState`.

    >>> next_state(State.IDLE, Command.START), next_state(State.HELD, Command.START)
    (<State.STARTING: 3>, None)
    """
    return BY_COMMAND.get((state, command))


def allowed(state: State) -> tuple[Command, ...]:
    """List the commands that a unit in a state takes.

    >>> [command.name for command in allowed(State.ABORTED)]
    ['CLEAR']
    """
    return tuple(command for command in Command if (state, command) in BY_COMMAND)
