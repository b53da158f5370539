"""The PackML side of a machine: what it has been told, and what it shows of that (rule S36)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from twin.errors import CommandRefused
from twin.model.packml import Mode, State
from twin.model.packml_table import AFTER, Command, allowed, next_state
from twin.model.status import Condition, MachineStatus

__all__ = [
    "ACTING_US",
    "LOOK_US",
    "UnitControl",
    "books",
    "commanded",
    "moved_on",
    "shown",
    "with_mode",
]

ACTING_US = 500_000
LOOK_US = 100_000
_UNTIL_STILL = frozenset({State.STOPPING, State.SUSPENDING, State.COMPLETING})
_WITH_WORK = frozenset({State.HOLDING, State.HELD, State.UNHOLDING})
_ABORTED = frozenset({State.ABORTING, State.ABORTED, State.CLEARING})
_SUSPENDED = frozenset({State.SUSPENDING, State.SUSPENDED, State.UNSUSPENDING})
_MODE_CAN_CHANGE = frozenset({State.STOPPED, State.IDLE, State.ABORTED})


@dataclass(frozen=True, slots=True)
class UnitControl:
    """What a unit has been told.

    Args:
        state, mode: PackML's; EXECUTE is the machine on its own.
        due_us: engine time at which an acting state is looked at; None for a state that waits.
        stands: the work in hand stands still.
        reason: stop reason that it shows, 0 for none.
    """

    state: State = State.EXECUTE
    mode: Mode = Mode.PRODUCE
    due_us: int | None = None
    stands: bool = False
    reason: int = 0


def commanded(
    unit: str, control: UnitControl, command: Command, at_us: int, reason: int = 0
) -> UnitControl:
    """Take a command.

    Raises:
        CommandRefused: not in this state or mode.

    >>> held = commanded("A01", UnitControl(), Command.HOLD, 0)
    >>> held.state.name, held.stands, moved_on(held, 500_000, still=True).state.name
    ('HOLDING', True, 'HELD')
    """
    to = next_state(control.state, command)
    if to is None:
        names = ", ".join(c.name.title() for c in allowed(control.state))
        raise CommandRefused(
            f"{unit}: in {control.state.name} it takes {names or 'no command'}, "
            f"got {command.name.title()}"
        )
    if command is Command.START and control.mode is not Mode.PRODUCE:
        raise CommandRefused(f"{unit}: in mode {control.mode.name} it is not started; set PRODUCE")
    return _in_state(replace(control, reason=reason), to, at_us)


def with_mode(unit: str, control: UnitControl, mode: Mode) -> UnitControl:
    """Change the mode.

    Raises:
        CommandRefused: not in this state, or to no mode.
    """
    if mode is Mode.INVALID or control.state not in _MODE_CAN_CHANGE:
        raise CommandRefused(
            f"{unit}: the mode can be set to PRODUCE, MAINTENANCE or MANUAL in STOPPED, IDLE and "
            f"ABORTED, got {mode.name} in {control.state.name}"
        )
    return replace(control, mode=mode)


def moved_on(control: UnitControl, at_us: int, *, still: bool) -> UnitControl:
    """Look at an acting state when it is due.

    Args:
        control: with a `due_us` that has come.
        at_us: engine time.
        still: no work goes on in the machine.
    """
    if control.state in _UNTIL_STILL and not still:
        return replace(control, due_us=at_us + LOOK_US)
    return _in_state(control, AFTER[control.state], at_us)


def _in_state(control: UnitControl, state: State, at_us: int) -> UnitControl:
    stands = state is not State.EXECUTE and (
        control.stands or state in _WITH_WORK or state in _ABORTED
    )
    due_us = at_us + ACTING_US if state in AFTER else None
    reason = control.reason if state is not State.EXECUTE else 0
    return replace(control, state=state, due_us=due_us, stands=stands, reason=reason)


def books(control: UnitControl) -> Condition:
    """What the waiting time of a unit that is held goes to."""
    if control.mode is Mode.MAINTENANCE:
        return Condition.MAINTENANCE
    if control.state in _ABORTED:
        return Condition.FAULT
    if control.state in _WITH_WORK:
        return Condition.SETUP
    return Condition.STARVED if control.state in _SUSPENDED else Condition.PLANNED_STOP


def shown(control: UnitControl, machine: MachineStatus, *, down: bool) -> MachineStatus:
    """What a unit shows.

    Args:
        control: what it has been told.
        machine: what the machine shows on its own.
        down: a failure of the machine itself holds it.
    """
    if control.state is State.EXECUTE:
        return machine
    if down and control.state not in _ABORTED:
        return replace(machine, mode=control.mode)
    mode = machine.mode if machine.mode is Mode.MAINTENANCE else control.mode
    return replace(
        machine,
        state=control.state,
        mode=mode,
        starved=False,
        blocked=False,
        stop_reason=control.reason or machine.stop_reason,
    )
