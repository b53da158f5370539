"""The reference engine: a line on SimPy's event calendar, following the rules to the letter.

It reads in the order of a place's life: it becomes free, takes a load, works (and fails, and is
repaired), completes, judges its parts, puts them out. Rule numbers are those of
`docs/explanation/semantics.md`.

Places are kept as explicit state and not as SimPy processes, since a generator's frame can't be
read, stored or begun in the middle, and the state of a line must be a value at any instant.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

import simpy
from simpy.events import Event

from twin.engine.counters import Counters
from twin.engine.draws import draw_index, word
from twin.engine.events import EventKind, EventLog
from twin.engine.floor import (
    FOREVER,
    UNLIMITED,
    Group,
    Inlet,
    Lane,
    Machine,
    Outlet,
    Part,
    Place,
    Service,
    StopMode,
)
from twin.engine.floor_from_line import MICRO, floor_from_line
from twin.engine.floor_reading import read_counters, read_status
from twin.engine.part_draws import PASS, REWORK, SCRAP
from twin.engine.planned_time import is_closed, next_edge_us
from twin.engine.quantiles import variate
from twin.errors import EngineError
from twin.model.line import Line
from twin.model.quantity import MILLI
from twin.model.status import Condition, LineStatus

__all__ = ["SimpyEngine"]

EXECUTE, STARVED, BLOCKED, FAULT, SETUP, MAINTENANCE, PLANNED_STOP = (int(c) for c in Condition)
GAINED_PARTS, GAINED_ROOM, FREE = range(3)

turn_of_head: Callable[[Any], int] = lambda waiters: next(iter(waiters.waiting.values()))  # noqa: E731


class Timer(Event):
    """A SimPy event at a known delay; its priority is its subject's rank (rule S25)."""

    def __init__(
        self,
        env: simpy.Environment,
        delay: int,
        rank: int,
        callbacks: Sequence[Callable[[Timer], None]],
        subject: Any,
    ) -> None:
        self.env = env
        self.callbacks = callbacks  # type: ignore[assignment]  # SimPy's own type is wider
        self._value = None
        self._ok = True
        self.subject = subject
        env.schedule(self, rank, delay)  # type: ignore[arg-type]  # any int is a priority


class SimpyEngine:
    """A line that runs on SimPy.

    Args:
        line: a checked line.
        seed, replication: with them every draw is fixed.
        start_us: engine time at which the empty line starts; from a Monday 00:00.
        log: where events go; None: nowhere, which is faster.

    >>> from twin.model import Buffer, Line, Station
    >>> line = Line(id="L", stations=(Station(id="A", cycle_time="2 s"),
    ...                               Station(id="B", cycle_time="3 s")),
    ...             buffers=(Buffer(id="AB", sources="A", sinks="B", capacity=4),))
    >>> engine = SimpyEngine(line)
    >>> engine.advance(60_000_000)
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
    ) -> None:
        self.line = line
        self.seed = seed
        self.replication = replication
        self.now_us = start_us
        self.start_us = start_us
        self.log = log
        # SimPy types its clock as int | float; here it is always int.
        self._env: Any = simpy.Environment(initial_time=start_us)
        self._floor = floor_from_line(line, seed, replication)
        self._list: deque[tuple[int, Any]] = deque()
        self._turns = 0
        self._when_completed = [self._completed]
        self._when_struck = [self._struck]
        self._when_repaired = [self._repaired]
        self._places = sorted(
            (p for s in self._floor.stations for m in s.machines for p in m.places),
            key=attrgetter("rank"),
        )
        self._start()

    # -- running -----------------------------------------------------------------------------------

    def advance(self, to_us: int) -> None:
        """Run on until everything up to and at an instant has happened.

        Args:
            to_us: engine time, not before now.

        Raises:
            EngineError: the instant has passed.
        """
        if to_us < self.now_us:
            raise EngineError(f"can't run back from {self.now_us} us to {to_us} us")
        env, step = self._env, self._env.step
        while env.peek() <= to_us:
            step()
        self.now_us = to_us

    def next_event_us(self) -> int | None:
        """When the next event is due; None if nothing will ever happen again."""
        at = self._env.peek()
        return None if at == float("inf") else int(at)

    def _start(self) -> None:
        for run in self._floor.stations:
            run.closed = run.calendar is not None and is_closed(run.calendar, self.now_us)
            for machine in run.machines:
                for mode in machine.modes:
                    mode.strikes_at = self._draw_due(mode, 0)
                machine.next_strike = min((m.strikes_at for m in machine.modes), default=FOREVER)
                if machine.by_time:
                    self._run_clock(machine)
                for service in machine.services:
                    self._schedule_service(service, machine)
        for index, calendar in enumerate(self.line.calendars):
            edge = next_edge_us(calendar, self.now_us)
            Timer(self._env, edge - self.now_us, index, [self._calendar_turned], index)
        for index, material in enumerate(self.line.materials):
            if material.delivery:
                delivery = material.delivery
                passed = max(0, self.now_us - delivery.first_us)
                ahead = -(-passed // delivery.every_us) * delivery.every_us + delivery.first_us
                rank = len(self.line.calendars) + index
                Timer(self._env, ahead - self.now_us, rank, [self._delivered], index)
        for place in self._places:
            place.since_us = self.now_us
            self._list.append((FREE, place))
        self._settle()

    def _settle(self) -> None:
        """Work off the list of rule S26, in turn, until nothing moves any more."""
        todo = self._list
        while todo:
            kind, subject = todo.popleft()
            if kind == FREE:
                self._free(subject)
            elif kind == GAINED_PARTS:
                subject.gained_parts = False
                self._serve(subject)
            else:
                subject.gained_room = False
                self._admit(subject)

    # -- a place becomes free and takes a load -----------------------------------------------------

    def _free(self, place: Place) -> None:
        machine, group = place.machine, place.group
        if place.loaded or place in group.waiting:
            return
        if place.out:
            if place.outlet is None or place not in place.outlet.waiting:
                self._put_out(place)
            return
        if machine.services and self._begin_due_service(machine):
            return
        if self._is_closed(machine):
            self._restate(place)
        elif not group.waiting and self._is_ready(group) and not self._is_contested(group):
            self._take(place)
        else:
            self._wait(place)

    @staticmethod
    def _is_closed(machine: Machine) -> bool:
        down = machine.down
        return (
            machine.station.closed
            or machine.service is not None
            or (down is not None and (down.stops_handling or not machine.by_time))
        )

    @staticmethod
    def _is_contested(group: Group) -> bool:
        """Whether parts that came in at this instant are still to be dealt out (rule S26)."""
        single = group.single
        if single is not None:
            return single.gained_parts
        return any(lane.gained_parts for inlet in group.inlets for lane in inlet.lanes)

    def _is_ready(self, group: Group) -> bool:
        single = group.single
        if single is not None:
            return bool(single.parts)
        run = group.station
        for inlet in group.inlets:
            need = self._need(inlet, run.started)
            if sum(len(lane.parts) for lane in inlet.lanes) < need:
                return False
        return all(store.level >= amount for store, amount in run.uses)

    @staticmethod
    def _need(inlet: Inlet, operation: int) -> int:
        milli = inlet.milli
        return (operation + 1) * milli // MILLI - operation * milli // MILLI

    def _wait(self, place: Place) -> None:
        group = place.group
        self._turns += 1
        group.waiting[place] = self._turns
        self._restate(place)
        for inlet in group.inlets:
            for lane in inlet.lanes:
                if lane.capacity == 0:
                    self._gained_room(lane)

    def _take(self, place: Place) -> None:
        """Take everything an operation needs, and begin it (rules S5, S8, S13)."""
        group, machine = place.group, place.machine
        run = group.station
        operation = run.started
        run.started = operation + 1
        single = group.single
        if single is not None:
            parts = [single.parts.popleft()]
            if single.givers:
                self._gained_room(single)
        else:
            parts = []
            for inlet in group.inlets:
                self._take_from(inlet, self._need(inlet, operation), parts)
            for store, amount in run.uses:
                store.used += amount
                if store.level < UNLIMITED:
                    store.level -= amount
        machine.consumed += len(parts)
        place.parts = parts
        place.loaded = True
        place.operation = operation
        place.redone = 0
        if parts:
            place.lead, place.rework_pass = parts[0].number, parts[0].rework_pass
        else:
            place.lead, place.rework_pass = run.code + operation * run.gives_milli // MILLI, 0
        machine.occupied += 1
        place.started_us = self._env.now
        self._begin(place)

    def _take_from(self, inlet: Inlet, need: int, parts: list[Part]) -> None:
        lanes = inlet.lanes
        if len(lanes) == 1:
            lane = lanes[0]
            parts.extend(lane.parts.popleft() for _ in range(need))
            if lane.givers:
                self._gained_room(lane)
            return
        for _ in range(need):
            oldest = min(
                (lane for lane in lanes if lane.parts), key=lambda lane: lane.parts[0].entered
            )
            parts.append(oldest.parts.popleft())
            if oldest.givers:
                self._gained_room(oldest)

    # -- work --------------------------------------------------------------------------------------

    def _begin(self, place: Place) -> None:
        """Begin the operation, or begin it again after a rework in place."""
        place.drawn_us = place.left_us = place.group.station.draws.service_us(
            place.lead, place.rework_pass
        )
        if self.log is not None:
            self._record(EventKind.OPERATION_STARTED, place, place.lead, place.drawn_us)
        self._work(place)

    def _work(self, place: Place) -> None:
        machine = place.machine
        if machine.down is not None and not machine.down.stops_handling:
            self._restate(place)
            return
        now = self._env.now
        place.resumed_us = now
        if not machine.by_time:
            ahead = machine.next_strike - machine.worked_us
            if ahead < place.left_us:
                place.timer = Timer(self._env, ahead, place.rank, self._when_struck, place)
                self._set(place, EXECUTE)
                return
        place.timer = Timer(self._env, place.left_us, place.rank, self._when_completed, place)
        if place.condition != EXECUTE:
            self._set(place, EXECUTE)

    def _completed(self, timer: Timer) -> None:
        place: Place = timer.subject
        if place.timer is not timer:
            return
        machine = place.machine
        run = machine.station
        machine.worked_us += place.left_us
        place.timer = None
        place.left_us = 0
        machine.cycle_time_us = self._env.now - place.started_us
        run.completed += 1
        parts = place.parts if run.passes_on else self._new_parts(place)
        if self.log is not None:
            self._record(EventKind.OPERATION_COMPLETED, place, place.lead, len(parts))
        if run.draws.plain:
            out = parts
        else:
            out = [part for part in parts if self._judged_good(place, part)]
            if place.loaded and place.left_us:
                self._settle()
                return
        place.loaded = False
        place.parts = []
        place.out.extend(out)
        self._put_out(place)
        self._settle()

    @staticmethod
    def _new_parts(place: Place) -> list[Part]:
        """The parts that an operation makes, with the defects of all it took (rules S5, S6)."""
        run, k = place.machine.station, place.operation
        first = k * run.gives_milli // MILLI
        last = (k + 1) * run.gives_milli // MILLI
        defects = 0
        for part in place.parts:
            defects |= part.defects
        return [Part(run.code + i, place.redone, defects) for i in range(first, last)]

    def _judged_good(self, place: Place, part: Part) -> bool:
        """Draw what becomes of a part; see to it, unless it goes on (rules S14 to S16)."""
        machine = place.machine
        run = machine.station
        verdict, part.defects = run.draws.verdict(part.number, part.rework_pass, part.defects)
        if verdict == PASS:
            return True
        if verdict == SCRAP:
            machine.defective += 1
            if self.log is not None:
                self._record(EventKind.PART_SCRAPPED, place, part.number, part.defects)
            return False
        machine.reworked += 1
        part.rework_pass += 1
        part.defects = 0
        if self.log is not None:
            self._record(EventKind.PART_REWORKED, place, part.number, part.rework_pass)
        lane = run.rework_lane if verdict == REWORK else run.reject_lane
        if lane is not None:
            self._enter(lane, part)
        else:
            place.rework_pass += 1
            place.redone += 1
            self._begin(place)
        return False

    # -- putting out -------------------------------------------------------------------------------

    def _put_out(self, place: Place) -> None:
        """Put parts out in their order while there is room (rules S7, S10)."""
        group, machine, out = place.group, place.machine, place.out
        down = machine.down
        shut = (down is not None and down.stops_handling) or (
            machine.service is not None and len(machine.places) > 1
        )
        if not group.outlets and not shut:
            machine.good += len(out)
            if self.log is not None:
                for part in out:
                    self._record(EventKind.PART_PASSED, place, part.number, -1)
            out.clear()
        while out:
            outlet = None if shut else self._outlet(group, out[0])
            lane = None if outlet is None else self._room(outlet)
            if lane is None:
                if outlet is not None:
                    self._queue(place, outlet)
                self._restate(place)
                return
            self._put(place, lane)
        self._emptied(place)

    def _queue(self, place: Place, outlet: Outlet) -> None:
        self._turns += 1
        outlet.waiting[place] = self._turns
        place.outlet = outlet

    def _emptied(self, place: Place) -> None:
        place.outlet = None
        place.machine.occupied -= 1
        self._list.append((FREE, place))

    def _put(self, place: Place, lane: Lane) -> None:
        part = place.out.popleft()
        place.machine.good += 1
        if self.log is not None:
            self._record(EventKind.PART_PASSED, place, part.number, lane.index)
        self._enter(lane, part)

    def _enter(self, lane: Lane, part: Part) -> None:
        self._turns += 1
        part.entered = self._turns
        lane.parts.append(part)
        if not lane.gained_parts:
            for group in lane.takers:
                if group.waiting:
                    lane.gained_parts = True
                    self._list.append((GAINED_PARTS, lane))
                    return

    @staticmethod
    def _outlet(group: Group, part: Part) -> Outlet:
        outlets = group.outlets
        if len(outlets) == 1:
            return outlets[0]
        run = group.station
        assert run.share_key is not None  # noqa: S101 - several outlets only come from shares
        drawn = word(run.share_key, draw_index(part.number, part.rework_pass)) >> 1
        for outlet, below in zip(outlets, run.share_below, strict=True):
            if drawn < below:
                return outlet
        return outlets[-1]

    @staticmethod
    def _has_room(lane: Lane) -> bool:
        if lane.capacity:
            return len(lane.parts) < lane.capacity
        # Rule S11: with no place of its own, a lane holds as many parts as places wait for one.
        return len(lane.parts) < sum(len(group.waiting) for group in lane.takers)

    def _room(self, outlet: Outlet) -> Lane | None:
        lanes = outlet.lanes
        if len(lanes) == 1:
            return lanes[0] if self._has_room(lanes[0]) else None
        with_room = [lane for lane in lanes if self._has_room(lane)]
        return min(with_room, key=lambda lane: len(lane.parts)) if with_room else None

    # -- the two ends of a lane --------------------------------------------------------------------

    def _gained_room(self, lane: Lane) -> None:
        if lane.gained_room:
            return
        for outlet in lane.givers:
            if outlet.waiting:
                lane.gained_room = True
                self._list.append((GAINED_ROOM, lane))
                return

    def _serve(self, lane: Lane) -> None:
        """Load the places that wait for parts of a lane, the longest-waiting first (rule S9)."""
        takers = lane.takers
        while True:
            ready = [group for group in takers if group.waiting and self._is_ready(group)]
            if not ready:
                return
            group = min(ready, key=turn_of_head) if len(ready) > 1 else ready[0]
            self._take(group.waiting.popitem(last=False)[0])

    def _admit(self, lane: Lane) -> None:
        """Let the places put out that wait for room in a lane, the longest-waiting first."""
        while self._has_room(lane):
            held = [outlet for outlet in lane.givers if outlet.waiting]
            if not held:
                return
            outlet = min(held, key=turn_of_head) if len(held) > 1 else held[0]
            place = next(iter(outlet.waiting))
            while place.out:
                wanted = self._outlet(place.group, place.out[0])
                to = self._room(wanted)
                if to is None:
                    break
                self._put(place, to)
            if not place.out:
                del outlet.waiting[place]
                self._emptied(place)
            elif wanted is not outlet:
                del outlet.waiting[place]
                self._queue(place, wanted)

    # -- failures ----------------------------------------------------------------------------------

    @staticmethod
    def _draw_due(mode: StopMode, from_us: int) -> int:
        return from_us + variate(mode.due, word(mode.due_key, mode.count))

    def _struck(self, timer: Timer) -> None:
        """An operation-dependent failure or a changeover strikes in a place (rule S17)."""
        place: Place = timer.subject
        machine = place.machine
        place.timer = None
        place.left_us -= self._env.now - place.resumed_us
        machine.worked_us = machine.next_strike
        mode = min(machine.modes, key=attrgetter("strikes_at"))
        self._go_down(machine, mode)
        if mode.after == "scrap":
            self._scrap_load(place)
        self._restate(place)
        self._call_crew(machine, mode)
        self._settle()

    def _go_down(self, machine: Machine, mode: StopMode) -> None:
        machine.down = mode
        if not mode.is_setup:
            machine.failures += 1
        if self.log is not None:
            self._record_machine(EventKind.MACHINE_FAILED, machine, mode.count, mode.index)

    def _scrap_load(self, place: Place) -> None:
        run = place.machine.station
        parts = place.parts if run.passes_on else self._new_parts(place)
        place.machine.defective += len(parts)
        if self.log is not None:
            for part in parts:
                self._record(EventKind.PART_SCRAPPED, place, part.number, part.defects)
        place.loaded = False
        place.parts = []
        place.left_us = 0
        place.machine.occupied -= 1

    def _call_crew(self, machine: Machine, mode: StopMode) -> None:
        crew = mode.crew
        if crew is not None:
            if crew.free == 0:
                crew.waiting.append(machine)
                return
            crew.free -= 1
        self._begin_repair(machine, mode)

    def _begin_repair(self, machine: Machine, mode: StopMode) -> None:
        machine.under_repair = True
        lasts = variate(mode.lasts, word(mode.lasts_key, mode.count))
        rank = machine.clock_rank if machine.by_time else machine.places[0].rank
        Timer(self._env, lasts, rank, self._when_repaired, machine)

    def _release(self, crew: Any) -> None:
        """Send the crew to who has waited longest (rule S20)."""
        if not crew.waiting:
            crew.free += 1
            return
        machine: Machine = crew.waiting.popleft()
        if machine.service is not None:
            self._begin_service_work(machine, machine.service)
        else:
            assert machine.down is not None  # noqa: S101 - only held machines wait for a crew
            self._begin_repair(machine, machine.down)

    def _repaired(self, timer: Timer) -> None:
        machine: Machine = timer.subject
        mode = machine.down
        assert mode is not None  # noqa: S101 - a repair ends only what is down
        if self.log is not None:
            self._record_machine(EventKind.MACHINE_REPAIRED, machine, mode.count, mode.index)
        machine.down = None
        machine.under_repair = False
        mode.count += 1
        if machine.by_time:
            mode.strikes_at = self._draw_due(mode, machine.clock_us)
        else:
            mode.strikes_at = self._draw_due(mode, machine.worked_us)
            machine.next_strike = min(m.strikes_at for m in machine.modes)
        if mode.crew is not None:
            self._release(mode.crew)
        if machine.by_time:
            self._run_clock(machine)
        for place in machine.places:
            if place.loaded and not mode.stops_handling:
                if mode.after == "restart":
                    place.left_us = place.drawn_us
                self._work(place)
            else:
                self._restate(place)
        if not self._begin_due_service(machine):
            self._reopen(machine)
        self._settle()

    def _run_clock(self, machine: Machine) -> None:
        """Let a machine's time-dependent failure clocks run."""
        machine.clock_since = self._env.now
        ahead = min(mode.strikes_at for mode in machine.modes) - machine.clock_us
        machine.clock_timer = Timer(
            self._env, ahead, machine.clock_rank, [self._clock_struck], machine
        )

    def _stop_clock(self, machine: Machine) -> None:
        machine.clock_us += self._env.now - machine.clock_since
        machine.clock_since = -1
        machine.clock_timer = None

    def _clock_struck(self, timer: Timer) -> None:
        """A time-dependent failure strikes a machine (rules S17 to S19)."""
        machine: Machine = timer.subject
        if machine.clock_timer is not timer:
            return
        self._stop_clock(machine)
        mode = min(machine.modes, key=attrgetter("strikes_at"))
        self._go_down(machine, mode)
        now = self._env.now
        for place in machine.places:
            if place.loaded and not mode.stops_handling:
                place.left_us -= now - place.resumed_us
                place.timer = None
                if mode.after == "scrap":
                    self._scrap_load(place)
                    self._list.append((FREE, place))
            elif mode.stops_handling:
                self._withdraw(place)
            self._restate(place)
        self._call_crew(machine, mode)
        self._settle()

    @staticmethod
    def _withdraw(place: Place) -> None:
        """Take a place out of the queues it waits in, since its machine has closed."""
        place.group.waiting.pop(place, None)
        if place.outlet is not None:
            place.outlet.waiting.pop(place, None)
            place.outlet = None

    def _reopen(self, machine: Machine) -> None:
        """Let places that the machine's closing had withdrawn begin anew (rule S24)."""
        for place in machine.places:
            if not place.loaded and place not in place.group.waiting and place.outlet is None:
                self._list.append((FREE, place))

    # -- preventive maintenance --------------------------------------------------------------------

    def _schedule_service(self, service: Service, machine: Machine) -> None:
        """Set the next due time, strictly after now."""
        now, every, first = self._env.now, service.every_us, service.first_us
        ahead = first - now if now < first else every - (now - first) % every
        Timer(self._env, ahead, service.rank, [self._service_due], (machine, service))

    def _service_due(self, timer: Timer) -> None:
        machine, service = timer.subject
        self._schedule_service(service, machine)
        if machine.service is not service:
            service.due = True
            self._begin_due_service(machine)
        self._settle()

    def _begin_due_service(self, machine: Machine) -> bool:
        """Begin the first maintenance that is due, if the machine can be had (rule S22)."""
        if machine.service is not None or machine.down is not None:
            return False
        service = next((s for s in machine.services if s.due), None)
        if service is None:
            return False
        if len(machine.places) == 1 and (machine.places[0].loaded or machine.places[0].out):
            return False
        service.due = False
        machine.service = service
        if machine.by_time:
            self._stop_clock(machine)
        for place in machine.places:
            self._withdraw(place)
            self._restate(place)
        crew = service.crew
        if crew is not None:
            if crew.free == 0:
                crew.waiting.append(machine)
                return True
            crew.free -= 1
        self._begin_service_work(machine, service)
        return True

    def _begin_service_work(self, machine: Machine, service: Service) -> None:
        Timer(self._env, service.lasts_us, service.rank, [self._service_done], machine)

    def _service_done(self, timer: Timer) -> None:
        machine: Machine = timer.subject
        service = machine.service
        assert service is not None  # noqa: S101 - only a service that goes on can end
        machine.service = None
        if service.crew is not None:
            self._release(service.crew)
        if machine.by_time:
            self._run_clock(machine)
        for place in machine.places:
            self._restate(place)
        if not self._begin_due_service(machine):
            self._reopen(machine)
        self._settle()

    # -- planned stops and deliveries --------------------------------------------------------------

    def _calendar_turned(self, timer: Timer) -> None:
        index: int = timer.subject
        calendar, now = self.line.calendars[index], self._env.now
        Timer(self._env, next_edge_us(calendar, now) - now, index, [self._calendar_turned], index)
        closed = is_closed(calendar, now)
        for run in sorted(self._floor.stations, key=attrgetter("downstream_rank")):
            if run.calendar is not calendar:
                continue
            run.closed = closed
            for machine in run.machines:
                for place in machine.places:
                    if closed:
                        place.group.waiting.pop(place, None)
                    self._restate(place)
                if not closed:
                    self._reopen(machine)
        self._settle()

    def _delivered(self, timer: Timer) -> None:
        index: int = timer.subject
        material, store = self.line.materials[index], self._floor.stores[index]
        delivery = material.delivery
        assert delivery is not None  # noqa: S101 - only materials with one get a timer
        rank = len(self.line.calendars) + index
        Timer(self._env, delivery.every_us, rank, [self._delivered], index)
        store.level += round(delivery.amount * MICRO)
        if self.log is not None:
            self.log.add(self._env.now, EventKind.MATERIAL_DELIVERED, -1, -1, -1, 0, index)
        for run in sorted(self._floor.stations, key=attrgetter("downstream_rank")):
            if any(used is store for used, _ in run.uses):
                for group in run.groups:
                    while group.waiting and self._is_ready(group):
                        self._take(group.waiting.popitem(last=False)[0])
        self._settle()

    # -- what is counted ---------------------------------------------------------------------------

    def _restate(self, place: Place) -> None:
        """Find out what a place's time goes to from now on (rule S28)."""
        machine = place.machine
        down = machine.down
        if place.loaded and place.timer is not None:
            condition = EXECUTE
        elif down is not None:
            condition = SETUP if down.is_setup else FAULT
        elif machine.service is not None:
            condition = MAINTENANCE
        elif machine.station.closed and not place.loaded:
            condition = PLANNED_STOP
        elif place.out:
            condition = BLOCKED
        else:
            condition = STARVED
        if condition != place.condition:
            self._set(place, condition)

    def _set(self, place: Place, condition: int) -> None:
        before = place.condition
        if before == condition:
            return
        machine, now = place.machine, self._env.now
        machine.time_us[before] += now - place.since_us
        machine.counts[before] -= 1
        machine.counts[condition] += 1
        place.since_us = now
        place.condition = condition
        if self.log is not None:
            self._record(EventKind.STATE_CHANGED, place, 0, condition)

    def _record(self, kind: EventKind, place: Place, number: int, value: int) -> None:
        machine = place.machine
        assert self.log is not None  # noqa: S101 - callers look first, to save the call
        self.log.add(
            self._env.now,
            int(kind),
            machine.station.index,
            machine.index,
            place.number,
            number,
            value,
        )

    def _record_machine(self, kind: EventKind, machine: Machine, number: int, value: int) -> None:
        assert self.log is not None  # noqa: S101 - callers look first, to save the call
        self.log.add(
            self._env.now, int(kind), machine.station.index, machine.index, -1, number, value
        )

    def counters(self) -> Counters:
        """What has been counted since the start, up to now."""
        return read_counters(self._floor, self.now_us, self.now_us - self.start_us)

    def material_used(self) -> dict[str, float]:
        """How much of each material has been used since the start, in its unit."""
        stores = zip(self.line.materials, self._floor.stores, strict=True)
        return {material.id: store.used / MICRO for material, store in stores}

    def status(self) -> LineStatus:
        """What the line shows of itself now (rule S29)."""
        return read_status(self.line, self._floor, self.now_us)

    def parts_inside(self) -> int:
        """Parts in lanes and on places now."""
        on_places = sum(len(place.parts) + len(place.out) for place in self._places)
        return on_places + sum(len(lane.parts) for lane in self._floor.lanes)
