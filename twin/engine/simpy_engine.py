"""The reference engine: a line on SimPy's event calendar, following the rules to the letter.

This is its public face. `flow` has the way of the parts, `stoppages` what stops them, `ledger`
what is put down about it, `agenda` the calendar itself. Rule numbers are those of
`docs/explanation/semantics.md`.

Places are kept as explicit state and not as SimPy processes, since a generator's frame can't be
read, stored or begun in the middle, and the state of a line must be a value at any instant.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter

from twin.engine.agenda import Agenda
from twin.engine.causes import begin_sums
from twin.engine.counters import Counters
from twin.engine.deliveries import delivered_micros
from twin.engine.events import EventLog
from twin.engine.floor_from_line import floor_from_line
from twin.engine.floor_reading import read_counters, read_status, read_times
from twin.engine.floor_snapshot import floor_as_tables, restore_floor
from twin.engine.floor_stop import stop_test
from twin.engine.flow import Flow
from twin.engine.hourly import HourlyOutput
from twin.engine.interventions import Interventions
from twin.engine.ledger import Ledger
from twin.engine.line_mark import line_mark
from twin.engine.part_codes import MICRO
from twin.engine.snapshot import Snapshot, snapshot_of
from twin.engine.snapshot_check import checked_tables
from twin.engine.stoppages import Stoppages
from twin.engine.stops import Stop
from twin.errors import EngineError
from twin.model.line import Line
from twin.model.status import LineStatus

__all__ = ["SimpyEngine"]


class SimpyEngine:
    """A line that runs on SimPy.

    Args:
        line: a checked line.
        seed, replication: with them every draw is fixed.
        start_us: engine time at which the empty line starts; from a Monday 00:00.
        log: where events go; None: nowhere, which is faster.
        start: the state at the start, in place of an empty line; rather call `from_snapshot`.

    >>> from twin.model import Buffer, Line, Station
    >>> line = Line(id="L", stations=(Station(id="A", cycle_time="2 s"),
    ...                               Station(id="B", cycle_time="3 s")),
    ...             buffers=(Buffer(id="AB", sources="A", sinks="B", capacity=4),))
    >>> engine = SimpyEngine(line)
    >>> _ = engine.advance(60_000_000)
    >>> int(engine.counters().good[1])
    19
    """

    def __init__(
        self,
        line: Line,
        *,
        seed: int = 1,
        replication: int = 0,
        start_us: int = 0,
        log: EventLog | None = None,
        start: Snapshot | None = None,
    ) -> None:
        tables = None if start is None else checked_tables(line, line_mark(line), start)
        self.line = line
        self.seed = seed
        self.replication = replication
        self.now_us = start_us if start is None else start.at_us
        self.start_us = start_us
        self.log = log
        self._floor = floor_from_line(line, seed, replication)
        self._agenda = Agenda(self.now_us)
        ledger = Ledger(self._agenda, log)
        flow = Flow(self._agenda, ledger)
        self._stoppages = stoppages = Stoppages(line, self._floor, self._agenda, ledger, flow)
        self.interventions = Interventions(line, self._floor, self._agenda, ledger, flow, stoppages)
        self._places = sorted(
            (p for s in self._floor.stations for m in s.machines for p in m.places),
            key=attrgetter("rank"),
        )
        self._hourly = HourlyOutput(self._floor.stations, self.now_us)
        self._began = None
        if tables is not None:
            waiting, turns = restore_floor(self._floor, tables)
            begin_sums(self._floor.lanes, self._places, self.now_us)
            self._began = read_times(self._floor, self.now_us)
            stoppages.resume()
            flow.resume(self._places, waiting, turns)
            if start is not None and not start.settled:
                stoppages.look_again(self._places)
                flow.look_again(self._floor.lanes, self._places)
            return
        stoppages.start()
        for place in self._places:
            place.since_us = start_us
            flow.set_free(place)
        begin_sums(self._floor.lanes, self._places, start_us)
        flow.settle()

    @classmethod
    def from_snapshot(
        cls,
        line: Line,
        snapshot: Snapshot,
        *,
        replication: int | None = None,
        log: EventLog | None = None,
    ) -> SimpyEngine:
        """An engine that goes on from a snapshot, whichever engine took it.

        Args:
            line: the line that the snapshot is of.
            snapshot: from where.
            replication: of the draws from here on; None: the snapshot's, and then the events are
                those of the run that it was taken from. What was drawn before stays drawn.
            log: where events go; None: nowhere.

        Raises:
            EngineError: the snapshot is of another line or version, or contradicts itself.
        """
        return cls(
            line,
            seed=snapshot.seed,
            replication=snapshot.replication if replication is None else replication,
            start_us=snapshot.began_us,
            log=log,
            start=snapshot,
        )

    def snapshot(self) -> Snapshot:
        """The state of the line now, once everything up to and at now has happened.

        Raises:
            EngineError: somebody holds a machine or has set something: a snapshot has no room for
                it, and an engine that went on from it would do something else.
        """
        if self.interventions.in_force:
            raise EngineError("can't take a snapshot while interventions are in force; undo them")
        self.advance(self.now_us)
        return snapshot_of(
            line_mark(self.line),
            self.seed,
            self.replication,
            self.start_us,
            self.now_us,
            floor_as_tables(self._floor, self.now_us),
        )

    def advance(self, to_us: int, stop: Stop | None = None) -> bool:
        """Run on until everything up to and at an instant has happened, or right up to the event
        that brings a condition about.

        Args:
            to_us: engine time, not before now.
            stop: what to stop at; where it holds already, nothing happens. None: nothing.

        Returns:
            Whether the condition holds.

        Raises:
            EngineError: the instant has passed, or the line has nothing such to stop at.

        >>> from twin.engine.stops import GoodParts
        >>> from twin.model import Line, Station
        >>> engine = SimpyEngine(Line(id="L", stations=(Station(id="A", cycle_time="2 s"),)))
        >>> engine.advance(3_600_000_000, GoodParts("A", 10)), engine.now_us
        (True, 20000000)
        """
        if to_us < self.now_us:
            raise EngineError(f"can't run back from {self.now_us} us to {to_us} us")
        holds = None if stop is None else stop_test(self.line, self._floor, stop)
        while (hour_us := self._hourly.next_us) is not None and hour_us <= to_us:
            if self._run_on(hour_us, holds):
                return True
            self._hourly.note()
        if self._run_on(to_us, holds):
            return True
        self.now_us = to_us
        return False

    def _run_on(self, to_us: int, holds: Callable[[], bool] | None) -> bool:
        if holds is None:
            self._agenda.run_to(to_us)
            return False
        stopped = self._agenda.run_until(to_us, holds)
        if stopped:
            self.now_us = max(self.now_us, self._agenda.now_us)
        return stopped

    def next_event_us(self) -> int | None:
        """When the next event is due; None if nothing will ever happen again."""
        return self._agenda.next_us()

    def counters(self) -> Counters:
        """What has been counted since the start, up to now."""
        span_us = self.now_us - self.start_us
        return read_counters(self._floor, self._hourly, self._began, span_us, self.now_us)

    def deliver(self, material: str, amount: float) -> None:
        """Bring material to its store now, after everything else at this instant (rule S42).

        Args:
            material: its id.
            amount: in its unit, greater than 0 and at most 10^9; kept in millionths.

        Raises:
            EngineError: no such material, its store never runs out, or no such amount.
        """
        row, micros = delivered_micros(self.line, material, amount)
        self.advance(self.now_us)
        self._stoppages.store(row, micros)

    def material_used(self) -> dict[str, float]:
        """How much of each material has been used since the start, in its unit."""
        stores = zip(self.line.materials, self._floor.stores, strict=True)
        return {material.id: store.used / MICRO for material, store in stores}

    def status(self) -> LineStatus:
        """What the line shows of itself now (rule S29)."""
        return read_status(self.line, self._floor, self.now_us)

    def findings(self) -> dict[str, tuple[int, ...]]:
        """What the machines that inspect have found since this engine started, by machine id."""
        return {
            run.station.machine_id(machine.index): tuple(machine.findings)
            for run in self._floor.stations
            for machine in run.machines
            if machine.findings
        }

    def parts_inside(self) -> int:
        """Parts in lanes and on places now."""
        on_places = sum(len(place.parts) + len(place.out) for place in self._places)
        return on_places + sum(len(lane.parts) for lane in self._floor.lanes)
