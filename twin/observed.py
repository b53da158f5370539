"""What machines did, out of what they said: operations, working times between failures, repairs.

The one place that reads times out of points. What is not known whole is said to be so: a time that
goes on when the points end is censored, and one whose beginning nobody saw is a rest of an unknown
whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from twin.historian.port import Point, Quality
from twin.model.failures import Failure
from twin.model.line import Line
from twin.model.packml import Mode, State
from twin.model.station import Station
from twin.observations import Observation, Operation, Repair, Uptime

__all__ = ["SIGNALS", "Observed"]

SIGNALS: Final = ("unit_mode_current", "state_current", "stop_reason", "reworked", "cycle_time_s")
"""The signals that it goes by, in the order in which those of one instant are taken."""

_ORDER: Final = {signal: index for index, signal in enumerate(SIGNALS)}
_DOWN: Final = {State.ABORTED, State.ABORTING, State.CLEARING, State.HELD, State.HOLDING}
_SET_UP: Final = {State.HELD, State.HOLDING}
_SOME_CHANGEOVER, _MAINTENANCE, _SOME_FAULT = 101, 201, -1


@dataclass(slots=True)
class _Machine:
    station: Station
    now_us: int | None = None
    since_us: int = 0
    """Since when it is known without a break."""
    working: bool = False
    known: bool = False
    maintained: bool = False
    reason: int = 0
    """What holds it: 0 nothing, -1 some fault, else its stop reason."""
    guessed: bool = False
    """Whether the reason was told by the state only."""
    down_us: int = 0
    """Since when; 0: since before it was seen."""
    waited: bool = False
    """Whether the repair had to wait for its crew, so that its time can't be told."""
    worked_us: int = 0
    up_us: int = 0
    began: dict[str, int] = field(default_factory=dict)
    """By mode: what its clock showed when it began anew."""
    whole: set[str] = field(default_factory=set)
    stops: list[tuple[int, int, bool]] = field(default_factory=list)
    """Recent stops of work: from, to, and whether the operation went on where it was."""
    reworked: bool = False

    def failure(self, reason: int) -> Failure | None:
        """The mode that a stop reason means."""
        failures = self.station.failures
        if reason == _SOME_FAULT and len(failures) == 1:
            return failures[0]
        return failures[reason - 1] if 0 < reason <= len(failures) else None

    def clocks(self, at_us: int) -> tuple[int, int]:
        """What its clocks show at an instant: working time, and all time but stops."""
        gone_us = 0 if self.now_us is None or not self.known else max(0, at_us - self.now_us)
        return (
            self.worked_us + gone_us * (self.working and not _stops_work(self)),
            self.up_us + gone_us * (not self.reason and not self.maintained),
        )

    def clock(self, failure: Failure, at_us: int) -> int:
        """What the clock that a failure goes by shows."""
        return self.clocks(at_us)[failure.depends_on == "time"]

    def ran(self, failure: Failure, at_us: int) -> int:
        """How long a failure's clock has run up to an instant."""
        clock = self.clock(failure, at_us)
        return clock - self.began.get(failure.id, clock)


@dataclass(slots=True)
class Observed:
    """Turns points into observations.

    Args:
        line: whose.

    >>> from lines.loader import load_text
    >>> from twin.historian.port import Series
    >>> line = load_text('''
    ... id: L
    ... stations: [{id: A, cycle_time: 10 s, failures: [{id: jam, mtbf: 1 h, mttr: 60 s}]}]
    ... ''')
    >>> told = [("state_current", 0, 6), ("state_current", 30, 9), ("stop_reason", 30, 1),
    ...     ("state_current", 90, 6), ("stop_reason", 90, 0), ("cycle_time_s", 95, 70.0)]
    >>> observed = Observed(line)
    >>> points = [Point(Series("L", "A01", s), at * 1_000_000, v) for s, at, v in told]
    >>> for one in observed.take(points):
    ...     print(one)
    Uptime(station='A', unit='A01', mode='jam', at_us=30000000, ran_us=30000000, failed=True, \
whole=False)
    Repair(station='A', unit='A01', mode='jam', at_us=90000000, lasted_us=60000000, ended=True)
    Operation(station='A', unit='A01', at_us=95000000, worked_us=10000000, stopped=True, \
whole=True)
    """

    line: Line
    _machines: dict[str, _Machine] = field(init=False)
    _crews: dict[str, int] = field(init=False)
    _asked: dict[str, set[str]] = field(init=False)
    """By crew: the machines that it is at work on, or that wait for it."""

    def __post_init__(self) -> None:
        self._machines = {
            station.machine_id(machine): _Machine(station)
            for station in self.line.stations
            for machine in range(station.machines)
        }
        self._crews = {crew.id: crew.size for crew in self.line.crews}
        self._asked = {crew: set() for crew in self._crews}

    def take(self, points: Iterable[Point]) -> Iterator[Observation]:
        """Take in points and yield what they end.

        Args:
            points: of one batch in any order; batches in the order of time. A point that is older
                than what its machine has said is passed over.
        """
        wanted = [p for p in points if p.series.signal in _ORDER]
        for point in sorted(wanted, key=lambda p: (p.at_us, _ORDER[p.series.signal])):
            machine = self._machines.get(point.series.unit)
            if machine is not None and point.at_us >= (machine.now_us or 0):
                yield from self._point(machine, point)

    def lose(self, units: Iterable[str], at_us: int) -> Iterator[Observation]:
        """Say that nothing is known of machines from an instant on; yield what is cut off there."""
        for unit in units:
            machine = self._machines[unit]
            if machine.known:
                _run_on(machine, max(at_us, machine.now_us or 0))
                yield from self._lost(machine, unit, max(at_us, machine.now_us or 0))

    def end(self, at_us: int) -> Iterator[Observation]:
        """End all that goes on, as at the end of a history."""
        yield from self.lose(self._machines, at_us)

    def running(self, station: str, at_us: int) -> Iterator[Uptime]:
        """Yield how long the failures' clocks of a station's machines have run up to an instant.

        Nothing ends by it. A failure that stands has no clock.
        """
        for unit, machine in self._machines.items():
            if machine.station.id == station and machine.known:
                yield from _clocks_on(machine, unit, at_us)

    def going_on(self, at_us: int) -> Iterator[Uptime | Repair]:
        """Yield all that goes on at an instant, cut off there; nothing ends by it."""
        for unit, machine in self._machines.items():
            if machine.known:
                yield from _going_on(machine, unit, at_us)

    # -- one point -------------------------------------------------------------------------------

    def _point(self, machine: _Machine, point: Point) -> Iterator[Observation]:
        unit, signal, at_us = point.series.unit, point.series.signal, point.at_us
        _run_on(machine, at_us)
        if point.quality == Quality.BAD:
            if signal in {"state_current", "stop_reason"}:
                yield from self._lost(machine, unit, at_us)
            return
        match signal:
            case "state_current":
                yield from self._state(machine, unit, at_us, int(point.value))
            case "stop_reason":
                yield from self._stop(machine, unit, at_us, int(point.value))
            case "unit_mode_current":
                machine.maintained = int(point.value) == Mode.MAINTENANCE
            case "reworked":
                machine.reworked = True
            case "cycle_time_s":
                found = _operation(machine, unit, at_us, round(point.value * 1e6))
                if found is not None:
                    yield found

    def _state(self, machine: _Machine, unit: str, at_us: int, state: int) -> Iterator[Observation]:
        # Where the reason's own point got lost a state still tells a fault from a set-up.
        guess = 0 if state not in _DOWN else _SOME_CHANGEOVER if state in _SET_UP else _SOME_FAULT
        if not machine.known:
            machine.known, machine.since_us = True, at_us
            machine.began = {f.id: machine.clock(f, at_us) for f in machine.station.failures}
            machine.whole = set()
            if not machine.reason:
                machine.reason, machine.guessed, machine.down_us = guess, bool(guess), 0
        machine.working = state == State.EXECUTE
        if guess and not machine.reason:
            yield from self._strike(machine, unit, at_us, guess, guessed=True)
        elif not guess and _stops_work(machine) and machine.down_us < at_us:
            yield from self._restore(machine, unit, at_us)

    def _stop(self, machine: _Machine, unit: str, at_us: int, reason: int) -> Iterator[Observation]:
        if not machine.known or (machine.guessed and not machine.down_us):
            # It may have stood so for long.
            machine.reason, machine.guessed, machine.down_us = reason, False, 0
        elif machine.guessed and reason:
            yield from self._strike(machine, unit, machine.down_us, reason)
        elif reason != machine.reason:
            if machine.reason:
                yield from self._restore(machine, unit, at_us)
            if reason:
                yield from self._strike(machine, unit, at_us, reason)

    def _strike(
        self, machine: _Machine, unit: str, at_us: int, reason: int, *, guessed: bool = False
    ) -> Iterator[Observation]:
        self._release(machine, unit)
        machine.reason, machine.guessed, machine.down_us = reason, guessed, at_us
        crew = _crew(machine)
        machine.waited = crew is not None and len(self._asked[crew]) >= self._crews[crew]
        if crew is not None:
            self._asked[crew].add(unit)
        failure = None if guessed else machine.failure(reason)
        if failure is not None:
            yield _uptime(machine, unit, failure, at_us, failed=True)

    def _restore(self, machine: _Machine, unit: str, at_us: int) -> Iterator[Observation]:
        failure, began_us = machine.failure(machine.reason), machine.down_us
        if machine.guessed and failure is not None and began_us:
            yield _uptime(machine, unit, failure, began_us, failed=True)
        if _stops_work(machine):
            resumes = failure is None or failure.after == "resume"
            machine.stops = [*machine.stops[-15:], (began_us, at_us, resumes)]
        struck: tuple[Failure, ...] = (failure,) if failure is not None else ()
        if machine.reason == _SOME_FAULT and not struck:
            # One of its modes: nobody knows which.
            struck = machine.station.failures
            for each in struck:
                yield _uptime(machine, unit, each, at_us, failed=False)
        elif failure is not None and not machine.waited and began_us:
            yield Repair(machine.station.id, unit, failure.id, at_us, at_us - began_us, ended=True)
        self._release(machine, unit)
        machine.reason, machine.guessed = 0, False
        for each in struck:
            machine.began[each.id] = machine.clock(each, at_us)
            machine.whole.discard(each.id)
            if failure is not None:
                machine.whole.add(each.id)

    def _lost(self, machine: _Machine, unit: str, at_us: int) -> Iterator[Observation]:
        if not machine.known:
            return
        yield from _going_on(machine, unit, at_us)
        self._release(machine, unit)
        machine.known = machine.working = machine.guessed = False
        machine.reason = 0
        machine.began, machine.whole, machine.stops = {}, set(), []

    def _release(self, machine: _Machine, unit: str) -> None:
        crew = _crew(machine)
        if crew is not None:
            self._asked[crew].discard(unit)


def _run_on(machine: _Machine, at_us: int) -> None:
    """Let a machine's clocks run up to an instant."""
    machine.worked_us, machine.up_us = machine.clocks(at_us)
    machine.now_us = at_us


def _stops_work(machine: _Machine) -> bool:
    """Whether what holds the machine stops its work, and not only its handling."""
    if machine.reason >= _MAINTENANCE or not machine.reason:
        return False
    failure = machine.failure(machine.reason)
    return failure is None or failure.stops == "work"


def _crew(machine: _Machine) -> str | None:
    failure = machine.failure(machine.reason)
    if failure is not None:
        return failure.crew
    plan = machine.reason - _MAINTENANCE
    plans = machine.station.maintenance
    return plans[plan].crew if 0 <= plan < len(plans) else None


def _uptime(machine: _Machine, unit: str, failure: Failure, at_us: int, *, failed: bool) -> Uptime:
    ran_us, whole = machine.ran(failure, at_us), failure.id in machine.whole
    return Uptime(machine.station.id, unit, failure.id, at_us, ran_us, failed, whole)


def _clocks_on(machine: _Machine, unit: str, at_us: int) -> Iterator[Uptime]:
    for failure in machine.station.failures:
        # The clock of what has struck stands until the repair.
        if machine.failure(machine.reason) is not failure:
            yield _uptime(machine, unit, failure, at_us, failed=False)


def _going_on(machine: _Machine, unit: str, at_us: int) -> Iterator[Uptime | Repair]:
    yield from _clocks_on(machine, unit, at_us)
    held = machine.failure(machine.reason)
    if held is not None and not machine.waited and machine.down_us:
        lasted_us = at_us - machine.down_us
        yield Repair(machine.station.id, unit, held.id, at_us, lasted_us, ended=False)


def _operation(machine: _Machine, unit: str, at_us: int, lasted_us: int) -> Operation | None:
    """An operation without the stops in it; None where that can't be told."""
    rework = machine.station.rework
    again = machine.reworked and rework is not None and rework.to is None
    machine.reworked = False
    # One that is done again in place is told with all its passes together.
    if lasted_us <= 0 or again or not machine.known:
        return None
    began_us = at_us - lasted_us
    inside = [
        (min(to_us, at_us) - max(from_us, began_us), resumes)
        for from_us, to_us, resumes in machine.stops
        if to_us > began_us
    ]
    stopped_us = sum(stop_us for stop_us, _ in inside)
    # Of a stop whose beginning nobody saw it can't be told how much of it lies in the operation.
    known = all(from_us for from_us, to_us, _ in machine.stops if to_us > began_us)
    simple = known and machine.station.places == 1 and all(resumes for _, resumes in inside)
    if _stops_work(machine) or (inside and (not simple or stopped_us >= lasted_us)):
        return None
    whole = began_us >= machine.since_us
    return Operation(machine.station.id, unit, at_us, lasted_us - stopped_us, bool(inside), whole)
