"""What must be remembered of a machine to say how long its work, its stop or its health has lasted.

All times are by the clock of the machine's own PLC, so that clocks that differ between PLCs change
no duration.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from twin.live.station_times import condition_of
from twin.model.line import Line
from twin.model.packml import Mode, State
from twin.model.quantity import MILLI
from twin.model.station import Station
from twin.model.status import Condition

__all__ = ["REMEMBERED", "Load", "MachineMemory", "memories"]

REMEMBERED = frozenset(
    {
        "state_current", "unit_mode_current", "starved", "blocked", "stop_reason",
        "consumed", "processed",
    }
)  # fmt: skip
"""The signals that it goes by."""

_STATES = frozenset(int(state) for state in State)
_MOST_LOADS_A_STEP = 100_000


@dataclass(frozen=True, slots=True)
class Load:
    """An operation that began.

    Args:
        at_us: when, by its PLC's clock.
        stood_us: how long the machine's work had stood still altogether by then.
        exact: it was seen; False: it began at some time in a gap, and this is spread over it.
    """

    at_us: int
    stood_us: int
    exact: bool = True


@dataclass(slots=True)
class MachineMemory:
    """One machine's.

    Args:
        station: its station.
        parts_taken: parts that an operation takes, over all its inputs; 0 for a source.

    >>> from twin.model import Station
    >>> memory = MachineMemory(Station(id="A", cycle_time="2 s"), 1.0)
    >>> memory.take("state_current", None, 6, 0)
    >>> memory.take("consumed", 4, 5, 1_000)
    >>> memory.take("state_current", 6, 9, 1_500)
    >>> memory.condition.name, memory.since_us, memory.worked_for_us(memory.loads[-1], 9_000)
    ('FAULT', 1500, 500)
    """

    station: Station
    parts_taken: float
    told: dict[str, float] = field(default_factory=dict)
    condition: Condition | None = None
    last: Condition | None = None
    """The last condition that was known, also while nobody looks."""
    before: Condition | None = None
    """What it was in before that."""
    since_us: int = 0
    loads: deque[Load] = field(init=False)
    strikes: dict[int, int] = field(default_factory=dict)
    """By stop reason: how much the machine had worked when it was last over."""
    worked_us: int = 0
    """In EXECUTE since it is watched, by the machine and not by its places."""
    watched_us: int = 0
    """Its condition was known for so long since it is watched."""
    _stood_us: int = 0
    _booked_us: int = 0
    _reason: int = 0
    _heard_us: int = 0

    def __post_init__(self) -> None:
        self.loads = deque(maxlen=self.station.places)

    def take(self, signal: str, before: float | None, value: float, at_us: int,
             *, afresh: bool = False) -> None:  # fmt: skip
        """Take in a value that holds from now on.

        Args:
            signal: one of `REMEMBERED`.
            before: the value that held until now; None: none was known.
            value: the new one.
            at_us: since when, by the PLC's clock.
            afresh: it is the first after a gap in which nobody looked.
        """
        self._heard_us, heard_us = max(self._heard_us, at_us), self._heard_us
        if signal in {"consumed", "processed"}:
            if before is not None and value > before:
                self._counted(signal, value - before, at_us, heard_us if afresh else at_us)
            return
        self.told[signal] = value
        self._settle(at_us)

    def forget(self) -> None:
        """Nobody looks any more: what it is in, it may not be in for long."""
        if self.condition is not None:
            self._book(self._heard_us)
        self.condition = None

    def set_back(self, step_us: int) -> None:
        """Its PLC's clock was set back: bring every instant to the new one."""
        self.since_us -= step_us
        self._booked_us -= step_us if self._booked_us else 0
        self._heard_us -= step_us
        loads = [Load(one.at_us - step_us, one.stood_us, one.exact) for one in self.loads]
        self.loads.clear()
        self.loads.extend(loads)

    @property
    def reason(self) -> int:
        """What holds it (`stop_reason`), if it is held and says so; else 0."""
        return self._reason

    def stood_for_us(self, at_us: int) -> int:
        """How long its work has stood still altogether, at an instant that is not in the past."""
        standing = self.condition is not None and self._stands(self.condition)
        return self._stood_us + (max(0, at_us - self._booked_us) if standing else 0)

    def worked_for_us(self, load: Load, at_us: int) -> int:
        """How long an operation has been worked on, stops left out."""
        return max(0, at_us - load.at_us - (self.stood_for_us(at_us) - load.stood_us))

    def age_us(self, reason: int, at_us: int, *, by_time: bool) -> int:
        """How long a failure's or changeover's clock has run since it was last over, or at least.

        Args:
            reason: which (`stop_reason`).
            at_us: now.
            by_time: the clock runs always, and not only while the machine works.
        """
        since = self.strikes.get(reason, 0)
        running = self.condition is not None
        more = max(0, at_us - self._booked_us) if running else 0
        if by_time:
            return max(0, self.watched_us + more - since)
        more = more if self.condition == Condition.EXECUTE else 0
        return max(0, self.worked_us + more - since)

    # -- within ----------------------------------------------------------------------------------

    def _stands(self, condition: Condition) -> bool:
        if condition == Condition.SETUP:
            return True
        if condition != Condition.FAULT:
            return False
        failures, reason = self.station.failures, int(self.told.get("stop_reason", 0))
        known = 1 <= reason <= len(failures)
        stops = failures[reason - 1].stops if known else failures[0].stops if failures else "work"
        return stops == "work"

    def _book(self, at_us: int) -> None:
        passed = max(0, at_us - self._booked_us)
        if self.condition is not None and self._booked_us:
            self.watched_us += passed
            if self.condition == Condition.EXECUTE:
                self.worked_us += passed
            elif self._stands(self.condition):
                self._stood_us += passed
        self._booked_us = max(self._booked_us, at_us)

    def _settle(self, at_us: int) -> None:
        state = self.told.get("state_current")
        if state is None or int(state) not in _STATES:
            return
        condition = condition_of(
            State(int(state)),
            starved=bool(self.told.get("starved")),
            blocked=bool(self.told.get("blocked")),
        )
        if (
            condition == Condition.PLANNED_STOP
            and self.told.get("unit_mode_current") == Mode.MAINTENANCE
        ):
            condition = Condition.MAINTENANCE
        if condition in {Condition.FAULT, Condition.SETUP, Condition.MAINTENANCE}:
            self._reason = int(self.told.get("stop_reason", 0)) or self._reason
        if condition == self.condition:
            return
        before = self.condition
        self._book(at_us)
        if condition != self.last:
            self.before, self.last, self.since_us = self.last, condition, at_us
        self.condition = condition
        if self._reason and before in {Condition.FAULT, Condition.SETUP}:
            by_time = self._by_time(self._reason)
            self.strikes[self._reason] = self.watched_us if by_time else self.worked_us
        if condition not in {Condition.FAULT, Condition.SETUP, Condition.MAINTENANCE}:
            self._reason = 0
        if not self.parts_taken and condition == Condition.EXECUTE and before not in {
            Condition.FAULT, Condition.SETUP,
        }:  # fmt: skip
            # A source takes nothing that could be counted: its work begins where it sets to it.
            self.loads.append(Load(at_us, self._stood_us))

    def _by_time(self, reason: int) -> bool:
        failures = self.station.failures
        return 1 <= reason <= len(failures) and failures[reason - 1].depends_on == "time"

    def _counted(self, signal: str, parts: float, at_us: int, since_us: int) -> None:
        if signal == "processed":
            if not self.parts_taken and self.condition == Condition.EXECUTE:
                self.loads.append(Load(at_us, self.stood_for_us(at_us)))
            return
        if not self.parts_taken:
            return
        count = min(max(1, round(parts / self.parts_taken)), _MOST_LOADS_A_STEP)
        stood_us = self.stood_for_us(at_us)
        exact = since_us == at_us
        # Only the last so many can still be inside.
        for k in range(max(0, count - self.station.places), count):
            when = at_us - (at_us - since_us) * (count - 1 - k) // count
            self.loads.append(Load(when, stood_us, exact))


def memories(line: Line) -> dict[str, MachineMemory]:
    """An empty memory for each machine of a line, by its id."""
    return {
        station.machine_id(machine): MachineMemory(station, _parts_taken(line, station))
        for station in line.stations
        for machine in range(station.machines)
    }


def _parts_taken(line: Line, station: Station) -> float:
    return sum(station.takes_from(buffer.id) for buffer in line.inputs[station.id]) / MILLI
