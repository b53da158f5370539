"""What the machines of a running line have been told, carried out on an engine (rule S36)."""

from __future__ import annotations

from twin.engine.interventions import Interventions
from twin.engine.unit_control import UnitControl, books, commanded, moved_on, shown, with_mode
from twin.errors import CommandRefused
from twin.model.line import Line
from twin.model.packml import Mode, State
from twin.model.packml_table import Command
from twin.model.status import Condition, MachineStatus

__all__ = ["Operation"]

_ON_ITS_OWN = UnitControl()


class Operation:
    """The commands of one running line.

    Args:
        line: what runs.
        interventions: of the engine that runs it.
    """

    def __init__(self, line: Line, interventions: Interventions) -> None:
        self._interventions = interventions
        self._controls: dict[str, UnitControl] = {}
        self._held: dict[str, tuple[bool, Condition]] = {}
        self._units = {
            station.machine_id(machine)
            for station in line.stations
            for machine in range(station.machines)
        }

    @property
    def due_us(self) -> int | None:
        """When the next acting state is to be looked at; None if there is none."""
        return min(
            (c.due_us for c in self._controls.values() if c.due_us is not None), default=None
        )

    def command(self, unit: str, command: Command, at_us: int, reason: int = 0) -> None:
        """Tell a machine something.

        Raises:
            CommandRefused: no such machine, or not in its state.
        """
        self._become(unit, commanded(unit, self.control(unit), command, at_us, reason))

    def set_mode(self, unit: str, mode: Mode) -> None:
        """Change a machine's mode.

        Raises:
            CommandRefused: no such machine, or not in its state.
        """
        self._become(unit, with_mode(unit, self.control(unit), mode))

    def release(self, unit: str) -> None:
        """Forget what a machine has been told.

        Raises:
            CommandRefused: no such machine.
        """
        if self.control(unit) != _ON_ITS_OWN:
            self._become(unit, _ON_ITS_OWN)

    def control(self, unit: str) -> UnitControl:
        """What a machine has been told.

        Raises:
            CommandRefused: no such machine.
        """
        if unit not in self._units:
            raise CommandRefused(f"{unit}: the line has no such machine")
        return self._controls.get(unit, _ON_ITS_OWN)

    def look(self, at_us: int) -> None:
        """Move on every acting state that is due at an instant, in the order of the units' ids."""
        due = (u for u, c in self._controls.items() if c.due_us is not None and c.due_us <= at_us)
        for unit in sorted(due):
            still = self._interventions.is_still(unit)
            self._become(unit, moved_on(self._controls[unit], at_us, still=still))

    def shown(self, unit: str, machine: MachineStatus) -> MachineStatus:
        """What a machine shows, its commands taken into account."""
        control = self._controls.get(unit)
        if control is None:
            return machine
        return shown(control, machine, down=self._interventions.is_down(unit))

    def _become(self, unit: str, control: UnitControl) -> None:
        if control == _ON_ITS_OWN:
            self._controls.pop(unit, None)
        else:
            self._controls[unit] = control
        if control.state is State.EXECUTE:
            if self._held.pop(unit, None):
                self._interventions.release(unit)
            return
        hold = (control.stands, books(control))
        if self._held.get(unit) != hold:
            self._held[unit] = hold
            self._interventions.hold(unit, work=hold[0], books=hold[1])
