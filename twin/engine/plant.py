"""The plant behind emulated PLCs: an engine, its process variables and its alarms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from twin.engine.operation import Operation
from twin.engine.planned_time import monday_before
from twin.engine.process_values import ProcessValues
from twin.engine.simpy_engine import SimpyEngine
from twin.engine.simulation import open_engine
from twin.engine.snapshot import Snapshot
from twin.errors import CommandRefused
from twin.model.line import Line
from twin.model.packml import Mode, State
from twin.model.packml_table import Command
from twin.model.plc import Alarm
from twin.model.station import Station
from twin.model.status import LineStatus, MachineStatus
from twin.setpoints import setpoints
from twin.signals import Value

__all__ = ["Plant", "SimulatedPlant", "warmed_plant"]

SLICES = 100


class Plant(Protocol):
    """A line that runs: it is told how far, and says how it is.

    `now_us` is engine time: microseconds since a Monday 00:00 in the line's time zone.
    """

    @property
    def line(self) -> Line:
        """What runs."""

    @property
    def now_us(self) -> int:
        """How far it has run."""

    def advance(self, to_us: int) -> None:
        """Run on to an instant; to one in the past is an error."""

    def status(self) -> LineStatus:
        """Say how the line is now."""

    def command(self, unit: str, command: Command, reason: int = 0) -> None:
        """Tell a machine something; `CommandRefused` where it does not take it."""

    def set_mode(self, unit: str, mode: Mode) -> None:
        """Change a machine's mode; `CommandRefused` where it can't be."""

    def release(self, unit: str) -> None:
        """Let a machine run on its own, whatever it has been told."""

    def set(self, unit: str, setpoint: str, value: Value) -> None:
        """Set something (`twin.setpoints`); `CommandRefused` where it can't be."""


class SimulatedPlant:
    """A plant that an engine drives.

    Args:
        line: a checked line.
        seed: of its draws and its process variables.
        start_us: engine time at which the empty line starts.
        start: a state of the line to go on from, of a run with this seed; None: empty.

    >>> from twin.model import Line, Station
    >>> plant = SimulatedPlant(Line(id="L", stations=(Station(id="A", cycle_time="2 s"),)))
    >>> plant.advance(9_000_000)
    >>> plant.status().machines["A01"].good
    4
    """

    def __init__(
        self, line: Line, *, seed: int = 1, start_us: int = 0, start: Snapshot | None = None
    ) -> None:
        self.line = line
        self._engine = (
            SimpyEngine(line, seed=seed, start_us=start_us)
            if start is None
            else SimpyEngine.from_snapshot(line, start)
        )
        self._operation = Operation(line, self._engine.interventions)
        self._setpoints = {point.key: point for point in setpoints(line)}
        self._values = {
            station.machine_id(machine): ProcessValues(station, machine, seed)
            for station in line.stations
            for machine in range(station.machines)
        }
        self._station_of = {
            station.machine_id(machine): station
            for station in line.stations
            for machine in range(station.machines)
        }

    @property
    def now_us(self) -> int:
        """How far it has run; engine time."""
        return self._engine.now_us

    def advance(self, to_us: int) -> None:
        """Run on to an instant.

        Raises:
            EngineError: the instant has passed.
        """
        # The states that pass by themselves do so at their own instants, however far a step goes.
        while (due_us := self._operation.due_us) is not None and due_us <= to_us:
            self._engine.advance(due_us)
            self._operation.look(due_us)
        self._engine.advance(to_us)

    def command(self, unit: str, command: Command, reason: int = 0) -> None:
        """Tell a machine something, now (rule S36).

        Args:
            unit: machine, as `STK03`.
            command: PackML's.
            reason: stop reason that it shows from now on; 0 for none.

        Raises:
            CommandRefused: no such machine, or not in its state.
        """
        self._operation.command(unit, command, self.now_us, reason)

    def set_mode(self, unit: str, mode: Mode) -> None:
        """Change a machine's mode, now (rule S36).

        Raises:
            CommandRefused: no such machine, or not in its state.
        """
        self._operation.set_mode(unit, mode)

    def release(self, unit: str) -> None:
        """Let a machine run on its own again, in EXECUTE and PRODUCE, whatever it has been told."""
        self._operation.release(unit)

    def set(self, unit: str, setpoint: str, value: Value) -> None:
        """Set something of a unit, now (rules S33 to S35).

        Args:
            unit: machine, station or buffer.
            setpoint: one of `twin.setpoints.setpoints`.
            value: within its limits.

        Raises:
            CommandRefused: no such setpoint, or out of its limits.
        """
        point = self._setpoints.get((unit, setpoint))
        if point is None:
            raise CommandRefused(f"{unit}: has no setpoint {setpoint}")
        if not point.low <= value <= point.high:
            raise CommandRefused(
                f"{unit}.{setpoint}: must be from {point.low:g} to {point.high:g}, got {value:g}"
            )
        interventions = self._engine.interventions
        match setpoint:
            case "cycle_time_factor":
                interventions.set_pace(unit, value)
            case "reject_threshold":
                interventions.shift_threshold(unit, value)
            case "capacity_limit":
                interventions.limit_buffer(unit, int(value))

    def status(self) -> LineStatus:
        """Say how the line is now, process variables and alarms included."""
        status, found = self._engine.status(), self._engine.findings()
        machines = {
            unit: self._complete(
                unit,
                replace(self._operation.shown(unit, machine), findings=found[unit])
                if unit in found
                else self._operation.shown(unit, machine),
                status.at_us,
            )
            for unit, machine in status.machines.items()
        }
        return LineStatus(status.at_us, machines, status.buffers)

    def _complete(self, unit: str, machine: MachineStatus, at_us: int) -> MachineStatus:
        station = self._station_of[unit]
        if not station.variables and not station.alarms:
            return machine
        values = self._values[unit].read(at_us, working=machine.state == State.EXECUTE)
        alarms = tuple(_stands(alarm, station, machine, values) for alarm in station.alarms)
        return replace(machine, variables=values, alarms=alarms)


def _stands(
    alarm: Alarm, station: Station, machine: MachineStatus, values: tuple[float, ...]
) -> bool:
    match alarm.when:
        case "fault":
            return machine.state == State.ABORTED
        case "starved":
            return machine.starved
        case "blocked":
            return machine.blocked
    index = next(i for i, v in enumerate(station.variables) if v.id == alarm.when)
    variable, value = station.variables[index], values[index]
    if machine.state != State.EXECUTE:
        # Limits of normal operation say nothing about a machine that stands.
        return False
    low, high = variable.alarm_low, variable.alarm_high
    return (low is not None and value < low) or (high is not None and value > high)


def warmed_plant(
    line: Line,
    *,
    seed: int,
    now_unix_us: int,
    lived_us: int = 0,
    progress: Callable[[float], None] | None = None,
) -> tuple[SimulatedPlant, int]:
    """A plant that has run for the line's warm-up up to an instant, and on from there.

    The compiled engine does it where it is installed; the plant goes on from its snapshot, as if it
    had run all the time itself.

    Args:
        line: a checked line.
        seed: of its draws.
        now_unix_us: end of the warm-up, microseconds since 1970-01-01 UTC.
        lived_us: engine time that has passed since then, not negative.
        progress: called now and then with the share that is done, 0 to 1.

    Returns:
        The plant, and the instant (microseconds since 1970-01-01 UTC) of its engine time 0.
    """
    epoch_us = monday_before(line.time_zone, now_unix_us - line.warm_up_us)
    end = now_unix_us - epoch_us + lived_us
    span = line.warm_up_us + lived_us
    engine = open_engine(line, seed=seed, start_us=end - span)
    for done in range(1, SLICES + 1):
        engine.advance(end - span + span * done // SLICES)
        if progress is not None:
            progress(done / SLICES)
    return SimulatedPlant(line, seed=seed, start=engine.snapshot()), epoch_us
