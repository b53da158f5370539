"""The way of the parts: a place becomes free, takes a load, works, judges its parts, puts them out.

It reads in the order of a place's life. Rule numbers are those of `docs/explanation/semantics.md`.
What stops a place is in `stoppages`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from twin.engine.agenda import Agenda, Timer
from twin.engine.causes import change_cause, look_for_cause
from twin.engine.events import EventKind
from twin.engine.floor import UNLIMITED, Group, Inlet, Lane, Machine, Outlet, Part, Place
from twin.engine.lanes import (
    has_room,
    is_contested,
    is_ready,
    lane_with_room,
    need,
    outlet_for,
    take_oldest,
    turn_of_head,
)
from twin.engine.ledger import BLOCKED, EXECUTE, Ledger
from twin.engine.part_codes import MICRO
from twin.engine.part_draws import PASS, REWORK, SCRAP
from twin.model.quantity import MILLI

__all__ = ["Flow"]

GAINED_PARTS, GAINED_ROOM, FREE = range(3)


def _no_service(_machine: Machine) -> bool:
    return False


class Flow:
    """The way of the parts through one running line.

    Every public method but `settle` only changes the floor and notes on the list of rule S26 what
    that sets off; whoever handles an event calls `settle` once, at its end.

    Args:
        agenda: where the ends of operations are put down.
        ledger: where times and events are put down.
    """

    def __init__(self, agenda: Agenda, ledger: Ledger) -> None:
        self._agenda = agenda
        self._ledger = ledger
        self._log = ledger.log
        self._list: deque[tuple[int, Any]] = deque()
        self._turns = 0
        self._when_completed = [self._completed]
        # `Stoppages` puts its own here: what to do when a failure strikes in a place, and before
        # an empty place takes a load.
        self.when_struck: Sequence[Callable[[Timer], None]] = ()
        self.begin_due_service: Callable[[Machine], bool] = _no_service

    def settle(self) -> None:
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

    def resume(self, places: Iterable[Place], waiting: Iterable[Place], turns: int) -> None:
        """Go on from the state of the floor.

        Args:
            places: all; those with work in hand work on.
            waiting: those that wait, the longest-waiting first: with parts to put out for room,
                without for a load.
            turns: the highest turn that a part in a lane has.
        """
        self._turns = turns
        for place in waiting:
            if place.out:
                self._queue(place, outlet_for(place.group, place.out[0]))
            else:
                self._join(place)
        for place in places:
            if place.loaded:
                self.work(place)

    def look_again(self, lanes: Sequence[Lane], places: Sequence[Place]) -> None:
        """Let go on what a change of the line allows to (rule S37).

        Args:
            lanes: all, by number.
            places: all, most downstream first.
        """
        for place in places:
            self._ledger.restate(place)
        for place in places:
            if not place.group.inlets:
                self.serve_waiting(place.group)
        for lane in lanes:
            self._gained_parts(lane)
        for lane in lanes:
            self.gained_room(lane)
        for place in places:
            self.set_free(place)
        self.settle()

    # -- a place becomes free and takes a load -----------------------------------------------------

    def set_free(self, place: Place) -> None:
        """Put a place on the list as free."""
        self._list.append((FREE, place))

    def _free(self, place: Place) -> None:
        machine, group = place.machine, place.group
        if place.loaded or place in group.waiting:
            return
        if place.out:
            if place.outlet is None:
                self._put_out(place)
            return
        if machine.services and self.begin_due_service(machine):
            return
        down = machine.down
        if (
            machine.station.closed
            or machine.held_as >= 0
            or machine.service is not None
            or (down is not None and down.stops_handling)
        ):
            self._ledger.restate(place)
        elif not group.waiting and is_ready(group) and not is_contested(group):
            self._take(place)
        else:
            self._wait(place)

    def _wait(self, place: Place) -> None:
        self._join(place)
        if place.group.tells_causes:
            look_for_cause(place.group, self._agenda.now_us)
        self._ledger.restate(place)
        for inlet in place.group.inlets:
            for lane in inlet.lanes:
                if lane.capacity == 0:
                    self.gained_room(lane)

    def _join(self, place: Place) -> None:
        self._turns += 1
        place.group.waiting[place] = self._turns

    def serve_waiting(self, group: Group) -> None:
        """Load the places of a group that wait, in turn, as far as they can be (rule S13)."""
        while group.waiting and is_ready(group):
            self._take(group.waiting.popitem(last=False)[0])
        if group.waiting and group.tells_causes:
            look_for_cause(group, self._agenda.now_us)

    def _take(self, place: Place) -> None:
        """Take everything an operation needs, and begin it (rules S5, S8, S13)."""
        group, machine = place.group, place.machine
        run = group.station
        operation = run.started
        run.started = operation + 1
        single = group.single
        if single is not None:
            parts = [single.parts.popleft()]
            single.level_us += self._agenda.now_us
            if single.givers:
                self.gained_room(single)
        else:
            parts = []
            for inlet in group.inlets:
                self._take_from(inlet, need(inlet, operation), parts)
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
        place.started_us = self._agenda.now_us
        self._begin(place)

    def _take_from(self, inlet: Inlet, count: int, parts: list[Part]) -> None:
        lanes = inlet.lanes
        if len(lanes) == 1:
            lane = lanes[0]
            lane.level_us += count * self._agenda.now_us
            parts.extend(lane.parts.popleft() for _ in range(count))
            if lane.givers:
                self.gained_room(lane)
            return
        for _ in range(count):
            part, lane = take_oldest(lanes)
            lane.level_us += self._agenda.now_us
            parts.append(part)
            if lane.givers:
                self.gained_room(lane)

    # -- work --------------------------------------------------------------------------------------

    def _begin(self, place: Place) -> None:
        """Begin the operation, or begin it again after a rework in place."""
        place.drawn_us = place.left_us = place.group.station.draws.service_us(
            place.lead, place.rework_pass
        )
        pace_ppm = place.machine.pace_ppm
        if pace_ppm != MICRO:
            place.drawn_us = place.left_us = max(1, place.drawn_us * pace_ppm // MICRO)
        if self._log is not None:
            self._ledger.record(EventKind.OPERATION_STARTED, place, place.lead, place.drawn_us)
        self.work(place)

    def work(self, place: Place) -> None:
        """Work on what a place holds, until it is done or a failure strikes (rule S17)."""
        machine = place.machine
        if machine.stands or (machine.down is not None and not machine.down.stops_handling):
            self._ledger.restate(place)
            return
        place.resumed_us = self._agenda.now_us
        ahead, then = place.left_us, self._when_completed
        if not machine.by_time:
            until_strike = machine.next_strike - machine.worked_us
            if until_strike < ahead:
                ahead, then = until_strike, self.when_struck  # type: ignore[assignment]
        place.timer = Timer(self._agenda, ahead, place.rank, then, place)
        if place.condition != EXECUTE:
            self._ledger.change(place, EXECUTE)

    def interrupt(self, place: Place) -> None:
        """Stop the work of a place; what was done counts."""
        place.left_us -= self._agenda.now_us - place.resumed_us
        place.timer.called_off = True
        place.timer = None

    def scrap_load(self, place: Place) -> None:
        """Scrap what a place works on (rule S18), and free it."""
        machine = place.machine
        parts = place.parts if machine.station.passes_on else self._new_parts(place)
        machine.defective += len(parts)
        if self._log is not None:
            for part in parts:
                self._ledger.record(EventKind.PART_SCRAPPED, place, part.number, part.defects)
        place.loaded = False
        place.parts = []
        place.left_us = 0
        machine.occupied -= 1
        self._list.append((FREE, place))

    def _completed(self, timer: Timer) -> None:
        place: Place = timer.subject
        machine = place.machine
        run = machine.station
        machine.worked_us += place.left_us
        place.timer = None
        place.left_us = 0
        machine.cycle_time_us = self._agenda.now_us - place.started_us
        run.completed += 1
        parts = place.parts if run.passes_on else self._new_parts(place)
        if self._log is not None:
            self._ledger.record(EventKind.OPERATION_COMPLETED, place, place.lead, len(parts))
        if not run.draws.plain:
            parts = [part for part in parts if self._judged_good(place, part)]
            if place.left_us:  # it is done again in place
                self.settle()
                return
        place.loaded = False
        place.parts = []
        place.out.extend(parts)
        self._put_out(place)
        self.settle()

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
        draws = run.draws
        verdict, part.defects = draws.verdict(part.number, part.rework_pass, part.defects)
        if machine.findings and (verdict != PASS or part.defects):
            for which in draws.findings(part.number, part.rework_pass, verdict, part.defects):
                machine.findings[which] += 1
        if verdict == PASS:
            return True
        if verdict == SCRAP:
            machine.defective += 1
            if self._log is not None:
                self._ledger.record(EventKind.PART_SCRAPPED, place, part.number, part.defects)
            return False
        machine.reworked += 1
        part.rework_pass += 1
        part.defects = 0
        if self._log is not None:
            self._ledger.record(EventKind.PART_REWORKED, place, part.number, part.rework_pass)
        lane = run.rework_lane if verdict == REWORK else run.reject_lane
        if lane is not None:
            self._enter(lane, part)
            return False
        # In place; what a new part is made of again must not bring its defects back.
        for taken in place.parts:
            taken.defects = 0
        place.rework_pass += 1
        place.redone += 1
        self._begin(place)
        return False

    # -- putting out -------------------------------------------------------------------------------

    def _put_out(self, place: Place) -> None:
        """Put parts out in their order while there is room (rules S7, S10)."""
        group, machine, out = place.group, place.machine, place.out
        down = machine.down
        shut = (
            machine.stands
            or (down is not None and down.stops_handling)
            or (machine.service is not None and len(machine.places) > 1)
        )
        if not group.outlets and not shut:
            machine.good += len(out)
            machine.station.left += len(out)
            if self._log is not None:
                for part in out:
                    self._ledger.record(EventKind.PART_PASSED, place, part.number, -1)
            out.clear()
        while out:
            outlet = None if shut else outlet_for(group, out[0])
            lane = None if outlet is None else lane_with_room(outlet)
            if lane is None:
                if outlet is not None:
                    self._queue(place, outlet)
                self._ledger.restate(place)
                return
            self._put(place, lane)
        self._emptied(place)

    def _queue(self, place: Place, outlet: Outlet) -> None:
        self._turns += 1
        outlet.waiting[place] = self._turns
        place.outlet = outlet
        if place.condition == BLOCKED and place.machine.tells_causes:
            change_cause(place, BLOCKED, self._agenda.now_us)

    def _emptied(self, place: Place) -> None:
        place.outlet = None
        place.machine.occupied -= 1
        self._list.append((FREE, place))

    def _put(self, place: Place, lane: Lane) -> None:
        part = place.out.popleft()
        place.machine.good += 1
        if self._log is not None:
            self._ledger.record(EventKind.PART_PASSED, place, part.number, lane.index)
        self._enter(lane, part)

    def _enter(self, lane: Lane, part: Part) -> None:
        self._turns += 1
        part.entered = self._turns
        lane.parts.append(part)
        lane.level_us -= self._agenda.now_us
        if not lane.gained_parts:
            self._gained_parts(lane)

    def _gained_parts(self, lane: Lane) -> None:
        for group in lane.takers:
            if group.waiting:
                lane.gained_parts = True
                self._list.append((GAINED_PARTS, lane))
                return

    @staticmethod
    def withdraw(place: Place) -> None:
        """Take a place out of the queues it waits in, since its machine has closed."""
        place.group.waiting.pop(place, None)
        if place.outlet is not None:
            del place.outlet.waiting[place]
            place.outlet = None

    # -- the two ends of a lane --------------------------------------------------------------------

    def gained_room(self, lane: Lane) -> None:
        """Put a lane on the list because it has room, if somebody waits for it."""
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
            ready = [group for group in takers if group.waiting and is_ready(group)]
            if not ready:
                if lane.tells_causes:
                    self._look_for_causes(lane)
                return
            group = min(ready, key=turn_of_head) if len(ready) > 1 else ready[0]
            self._take(group.waiting.popitem(last=False)[0])

    def _look_for_causes(self, lane: Lane) -> None:
        for group in lane.takers:
            if group.tells_causes and group.waiting:
                look_for_cause(group, self._agenda.now_us)

    def _admit(self, lane: Lane) -> None:
        """Let the places put out that wait for room in a lane, the longest-waiting first."""
        while has_room(lane):
            held = [outlet for outlet in lane.givers if outlet.waiting]
            if not held:
                return
            outlet = min(held, key=turn_of_head) if len(held) > 1 else held[0]
            place = next(iter(outlet.waiting))
            while place.out:
                wanted = outlet_for(place.group, place.out[0])
                to = lane_with_room(wanted)
                if to is None:
                    break
                self._put(place, to)
            if not place.out:
                del outlet.waiting[place]
                self._emptied(place)
            elif wanted is not outlet:
                del outlet.waiting[place]
                self._queue(place, wanted)
