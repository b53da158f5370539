"""Where the time of machines goes, from what they say of their states.

A PLC publishes a state a few times a second, so what is shorter than that between two is not seen.
Of a machine with many places it is the machine's own state (rule S29), not each place's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from twin.historian.port import Point, Quality
from twin.model.line import Line
from twin.model.packml import State
from twin.model.status import Condition

__all__ = ["TOLD", "StationTimes", "condition_of"]

TOLD = ("state_current", "starved", "blocked")
"""The signals that it goes by."""

_STATES = frozenset(int(state) for state in State)
_PLANNED = {State.STOPPED, State.IDLE, State.COMPLETE, State.STOPPING, State.RESETTING}
_FAULT = {State.ABORTED, State.ABORTING, State.CLEARING}
_WAITS = {State.SUSPENDED, State.SUSPENDING, State.UNSUSPENDING}


def condition_of(state: State, *, starved: bool, blocked: bool) -> Condition:
    """What a machine's time goes to, by what it says (rule S28 read backwards).

    >>> condition_of(State.SUSPENDED, starved=False, blocked=True).name
    'BLOCKED'
    >>> condition_of(State.HELD, starved=False, blocked=False).name
    'SETUP'
    """
    if state in _WAITS:
        return Condition.BLOCKED if blocked and not starved else Condition.STARVED
    if state in _FAULT:
        return Condition.FAULT
    if state in _PLANNED:
        return Condition.PLANNED_STOP
    if state in {State.HELD, State.HOLDING, State.UNHOLDING}:
        return Condition.SETUP
    return Condition.EXECUTE


@dataclass(slots=True)
class _Machine:
    station: str
    told: dict[str, float] = field(default_factory=dict)
    condition: Condition | None = None
    since_us: int = 0
    """Since when it is in this condition."""
    booked_us: int = 0
    """Up to when its time is put down."""


@dataclass(slots=True)
class StationTimes:
    """Adds up the time of each station's machines by what it went to.

    Args:
        line: whose.

    >>> from lines.loader import load
    >>> from twin.historian.port import Series
    >>> times = StationTimes(load("five_stations"))
    >>> unit = next(iter(times.machines))
    >>> told = [("state_current", 0, 6), ("state_current", 40, 5), ("starved", 40, 1)]
    >>> for signal, at_us, value in told:
    ...     times.take([Point(Series("FIVE", unit, signal), at_us, value)])
    >>> times.book(100)
    >>> spent = times.spent_us[times.machines[unit].station]
    >>> spent[Condition.EXECUTE], spent[Condition.STARVED]
    (40, 60)
    """

    line: Line
    machines: dict[str, _Machine] = field(init=False)
    spent_us: dict[str, list[int]] = field(init=False)

    def __post_init__(self) -> None:
        self.machines = {
            station.machine_id(machine): _Machine(station.id)
            for station in self.line.stations
            for machine in range(station.machines)
        }
        self.spent_us = {station.id: [0] * len(Condition) for station in self.line.stations}

    def take(self, points: Iterable[Point]) -> None:
        """Take in points in order of time; those that tell no state are passed over."""
        for point in points:
            machine = self.machines.get(point.series.unit)
            if machine is None or point.series.signal not in TOLD:
                continue
            if point.quality == Quality.BAD:
                self._forget(machine, point.at_us)
                continue
            machine.told[point.series.signal] = point.value
            state = machine.told.get("state_current")
            if state is None or int(state) not in _STATES:
                continue
            condition = condition_of(
                State(int(state)),
                starved=bool(machine.told.get("starved")),
                blocked=bool(machine.told.get("blocked")),
            )
            if condition != machine.condition:
                self._book(machine, point.at_us)
                machine.condition, machine.since_us = condition, point.at_us
                machine.booked_us = max(machine.booked_us, point.at_us)

    def forget(self, stations: Iterable[str], at_us: int) -> None:
        """Put down the time of stations up to an instant; from then on nothing is known of them."""
        named = set(stations)
        for machine in self.machines.values():
            if machine.station in named:
                self._forget(machine, at_us)

    def set_back(self, stations: Iterable[str], at_us: int) -> None:
        """The clock of stations was set back to an instant: go on from there."""
        named = set(stations)
        for machine in self.machines.values():
            if machine.station in named:
                machine.booked_us = min(machine.booked_us, at_us)
                machine.since_us = min(machine.since_us, at_us)

    def book(self, at_us: int) -> None:
        """Put down all time up to an instant, of the machines whose state is known."""
        for machine in self.machines.values():
            self._book(machine, at_us)

    def down_s(self, station: str, at_us: int) -> float:
        """How long a station's machine has been down that has been so the longest, seconds."""
        since = [
            machine.since_us
            for machine in self.machines.values()
            if machine.station == station and machine.condition == Condition.FAULT
        ]
        return max(0, at_us - min(since)) / 1e6 if since else 0.0

    def _forget(self, machine: _Machine, at_us: int) -> None:
        self._book(machine, at_us)
        machine.condition = None
        machine.told.clear()
        machine.booked_us = 0

    def _book(self, machine: _Machine, at_us: int) -> None:
        if machine.condition is None:
            return
        spent = self.spent_us[machine.station]
        spent[machine.condition] += max(0, at_us - machine.booked_us)
        machine.booked_us = max(machine.booked_us, at_us)
