"""What people do to a running line: stop and release machines, set paces, limits, thresholds.

An intervention at an instant comes after everything else that happens at it, so a run is a function
of its draws and of the interventions with their instants (rule S32).
"""

from __future__ import annotations

from twin.engine.agenda import Agenda
from twin.engine.floor import Floor, Machine
from twin.engine.flow import Flow
from twin.engine.ledger import Ledger
from twin.engine.part_codes import MICRO
from twin.engine.stoppages import Stoppages
from twin.errors import EngineError
from twin.model.line import Line
from twin.model.status import Condition

__all__ = ["Interventions"]

LOWEST_PACE, HIGHEST_PACE = 0.01, 100.0
FURTHEST_SHIFT = 10.0


class Interventions:
    """The interventions of one running line; `SimpyEngine.interventions`.

    Args:
        line, floor: what runs.
        agenda: tells the time.
        ledger: where times are put down.
        flow, stoppages: how parts move and machines open.
    """

    def __init__(
        self,
        line: Line,
        floor: Floor,
        agenda: Agenda,
        ledger: Ledger,
        flow: Flow,
        stoppages: Stoppages,
    ) -> None:
        self._line = line
        self._floor = floor
        self._agenda = agenda
        self._ledger = ledger
        self._flow = flow
        self._stoppages = stoppages
        self._machines = {
            run.station.machine_id(machine.index): machine
            for run in floor.stations
            for machine in run.machines
        }
        self._limits: dict[str, int] = {}
        self._shifts: dict[str, float] = {}

    @property
    def in_force(self) -> bool:
        """Whether anything is other than the line file says."""
        return bool(
            self._limits
            or self._shifts
            or any(m.held_as >= 0 or m.pace_ppm != MICRO for m in self._machines.values())
        )

    def hold(self, unit: str, *, work: bool, books: Condition) -> None:
        """Stop a machine until `release` (rule S32); one that is held already is held anew.

        Args:
            unit: machine, as `STK03`.
            work: the work in hand stops too and nothing leaves; else the machine takes no new
                load, and what it works on it finishes and puts out.
            books: what the time of its places goes to that would otherwise wait.
        """
        machine = self._machine(unit)
        if machine.stands and not work:
            self._open(machine)
        machine.held_as = int(books)
        machine.stands = work
        for place in machine.places:
            if work:
                self._flow.withdraw(place)
                if place.loaded and place.timer is not None:
                    if not machine.by_time:
                        machine.worked_us += self._agenda.now_us - place.resumed_us
                    self._flow.interrupt(place)
            else:
                place.group.waiting.pop(place, None)
            self._ledger.restate(place)
        self._flow.settle()

    def release(self, unit: str) -> None:
        """Let a machine that was held go on: its work with what was left of it (rule S32)."""
        machine = self._machine(unit)
        machine.held_as = -1
        self._open(machine)
        self._flow.settle()

    def is_still(self, unit: str) -> bool:
        """Whether no work goes on in a machine."""
        return all(place.timer is None for place in self._machine(unit).places)

    def is_down(self, unit: str) -> bool:
        """Whether a failure of its own holds a machine."""
        down = self._machine(unit).down
        return down is not None and not down.is_setup

    def set_pace(self, unit: str, factor: float) -> None:
        """Make operations that begin from now on take `factor` times their drawn time (rule S33).

        Raises:
            EngineError: the factor is not between 0.01 and 100.
        """
        if not LOWEST_PACE <= factor <= HIGHEST_PACE:
            raise EngineError(f"{unit}: a pace must be between 0.01 and 100, got {factor}")
        self._machine(unit).pace_ppm = round(factor * MICRO)

    def limit_buffer(self, buffer: str, capacity: int | None) -> None:
        """Let a buffer's lanes hold no more than so many parts each (rule S35).

        Args:
            buffer: its id.
            capacity: at least 1 and at most the line file's; None: the line file's.

        Raises:
            EngineError: no such buffer, or a capacity that it can't have.
        """
        index = next((i for i, b in enumerate(self._line.buffers) if b.id == buffer), None)
        if index is None:
            raise EngineError(f"{buffer}: {self._line.id} has no such buffer")
        built = self._line.buffers[index].capacity
        if built == 0:
            raise EngineError(f"{buffer}: holds no parts, so its limit can't be set")
        if capacity is None or capacity == built:
            self._limits.pop(buffer, None)
        elif capacity < 1 or (built is not None and capacity > built):
            most = "" if built is None else f" and at most {built}"
            raise EngineError(f"{buffer}: a limit must be at least 1{most}, got {capacity}")
        else:
            self._limits[buffer] = capacity
        for lane in self._floor.buffer_lanes[index]:
            lane.capacity = lane.built if capacity is None else capacity
            self._flow.gained_room(lane)
        self._flow.settle()

    def shift_threshold(self, station: str, sigmas: float) -> None:
        """Move an inspection's threshold for the parts judged from now on (rule S34).

        Args:
            station: its id.
            sigmas: above the line file's, in standard deviations; -10 to 10.

        Raises:
            EngineError: the station inspects nothing, or the shift is too far.
        """
        if not -FURTHEST_SHIFT <= sigmas <= FURTHEST_SHIFT:
            raise EngineError(f"{station}: a threshold must be from -10 to 10, got {sigmas}")
        run = next((r for r in self._floor.stations if r.station.id == station), None)
        if run is None:
            raise EngineError(f"{station}: {self._line.id} has no such station")
        run.draws.shift_threshold(sigmas)
        self._shifts.pop(station, None)
        if sigmas:
            self._shifts[station] = sigmas

    def _machine(self, unit: str) -> Machine:
        machine = self._machines.get(unit)
        if machine is None:
            raise EngineError(f"{unit}: {self._line.id} has no such machine")
        return machine

    def _open(self, machine: Machine) -> None:
        stood, machine.stands = machine.stands, False
        stopped = machine.down is not None and not machine.down.stops_handling
        for place in machine.places:
            if stood and place.loaded and not stopped:
                self._flow.work(place)
            else:
                self._ledger.restate(place)
        self._stoppages.reopen(machine)
