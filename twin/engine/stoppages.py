"""What stops places, and what sets them going again.

Failures and changeovers, the crews that see to them, maintenance, planned stops and deliveries.
Rule numbers are those of `docs/explanation/semantics.md`.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter

from twin.engine.agenda import Agenda, Timer
from twin.engine.draws import word
from twin.engine.events import EventKind
from twin.engine.floor import FOREVER, Crew, Floor, Machine, Place, Service, StopMode
from twin.engine.flow import Flow
from twin.engine.ledger import Ledger
from twin.engine.part_codes import MICRO
from twin.engine.planned_time import is_closed, next_edge_us
from twin.engine.quantiles import variate
from twin.engine.snapshot import NONE
from twin.model.line import Line

__all__ = ["Stoppages"]


class Stoppages:
    """The stoppages of one running line.

    Args:
        line, floor: what runs.
        agenda: where ends and beginnings of stops are put down.
        ledger: where times and events are put down.
        flow: what is stopped.
    """

    def __init__(
        self, line: Line, floor: Floor, agenda: Agenda, ledger: Ledger, flow: Flow
    ) -> None:
        self._line = line
        self._agenda = agenda
        self._ledger = ledger
        self._flow = flow
        self._stores = floor.stores
        self._stations = floor.stations
        self._crews = floor.crews.values()
        self._downstream_first = sorted(floor.stations, key=attrgetter("downstream_rank"))
        self._when_repaired = [self._repaired]
        flow.when_struck = [self._struck]
        flow.begin_due_service = self._begin_due_service

    def start(self) -> None:
        """Set every clock going, at the start of a run."""
        for run in self._stations:
            for machine in run.machines:
                for mode in machine.modes:
                    mode.strikes_at = self._draw_due(mode, 0)
        self._set_going(self._agenda.now_us)

    def resume(self) -> None:
        """Set every clock going again as the floor's state says; all due by now has happened."""
        for run in self._stations:
            for machine in run.machines:
                for mode in machine.modes:
                    if mode.strikes_at == NONE:
                        reading = machine.clock_us if machine.by_time else machine.worked_us
                        mode.strikes_at = self._draw_due(mode, reading)
        self._set_going(self._agenda.now_us + 1)

    def look_again(self, places: Iterable[Place]) -> None:
        """Begin the repairs and maintenance that a change of the line lets begin (rule S37).

        Args:
            places: all, most downstream first.
        """
        for crew in self._crews:
            while crew.free > 0 and crew.waiting:
                crew.free -= 1
                self._release(crew)
        for machine in (place.machine for place in places if place.number == 0):
            held = machine.service or machine.down
            if held is None or held.crew is not None or machine.ends_us >= 0:
                self._begin_due_service(machine)
            elif machine.service is not None:
                self._begin_service_work(machine, machine.service)
            elif machine.down is not None:
                self._begin_repair(machine, machine.down)

    def _set_going(self, deliveries_from_us: int) -> None:
        now = self._agenda.now_us
        for run in self._stations:
            run.closed = run.calendar is not None and is_closed(run.calendar, now)
            for machine in run.machines:
                machine.next_strike = min((m.strikes_at for m in machine.modes), default=FOREVER)
                self._set_machine_going(machine)
        for index, calendar in enumerate(self._line.calendars):
            edge = next_edge_us(calendar, now)
            Timer(self._agenda, edge - now, index, [self._calendar_turned], index)
        for index, material in enumerate(self._line.materials):
            if material.delivery:
                delivery = material.delivery
                periods = -(-max(0, deliveries_from_us - delivery.first_us) // delivery.every_us)
                ahead = delivery.first_us + periods * delivery.every_us - now
                Timer(self._agenda, ahead, self._delivery_rank(index), [self._delivered], index)

    def _set_machine_going(self, machine: Machine) -> None:
        for service in machine.services:
            self._schedule_service(service, machine)
        if machine.down is not None:
            if machine.ends_us >= 0:
                self._schedule_repair(machine)
        elif machine.service is not None:
            if machine.ends_us >= 0:
                self._schedule_service_end(machine, machine.service)
        elif machine.by_time:
            self._run_clock(machine)

    # -- failures and changeovers ------------------------------------------------------------------

    @staticmethod
    def _draw_due(mode: StopMode, from_us: int) -> int:
        return from_us + variate(mode.due, word(mode.due_key, mode.count))

    def _struck(self, timer: Timer) -> None:
        """An operation-dependent failure or a changeover strikes in a place (rule S17)."""
        place: Place = timer.subject
        machine = place.machine
        self._flow.interrupt(place)
        machine.worked_us = machine.next_strike
        mode = min(machine.modes, key=attrgetter("strikes_at"))
        self._go_down(machine, mode)
        if mode.after == "scrap":
            self._flow.scrap_load(place)
        self._ledger.restate(place)
        self._call_crew(machine, mode)
        self._flow.settle()

    def _clock_struck(self, timer: Timer) -> None:
        """A time-dependent failure strikes a machine (rules S17 to S19)."""
        machine: Machine = timer.subject
        self._stop_clock(machine)
        mode = min(machine.modes, key=attrgetter("strikes_at"))
        self._go_down(machine, mode)
        for place in machine.places:
            if mode.stops_handling:
                self._flow.withdraw(place)
            elif place.loaded:
                if place.timer is not None:
                    self._flow.interrupt(place)
                if mode.after == "scrap":
                    self._flow.scrap_load(place)
            self._ledger.restate(place)
        self._call_crew(machine, mode)
        self._flow.settle()

    def _run_clock(self, machine: Machine) -> None:
        """Let a machine's time-dependent failure clocks run."""
        machine.clock_since = self._agenda.now_us
        ahead = min(mode.strikes_at for mode in machine.modes) - machine.clock_us
        machine.clock_timer = Timer(
            self._agenda, ahead, machine.clock_rank, [self._clock_struck], machine
        )

    def _stop_clock(self, machine: Machine) -> None:
        machine.clock_us += self._agenda.now_us - machine.clock_since
        machine.clock_since = -1
        machine.clock_timer.called_off = True
        machine.clock_timer = None

    def _go_down(self, machine: Machine, mode: StopMode) -> None:
        machine.down = mode
        if not mode.is_setup:
            machine.failures += 1
        self._ledger.record_machine(EventKind.MACHINE_FAILED, machine, mode.count, mode.index)

    def _call_crew(self, machine: Machine, mode: StopMode) -> None:
        if self._has_come(mode.crew, machine):
            self._begin_repair(machine, mode)

    def _begin_repair(self, machine: Machine, mode: StopMode) -> None:
        lasts = variate(mode.lasts, word(mode.lasts_key, mode.count))
        machine.ends_us = self._agenda.now_us + lasts
        self._schedule_repair(machine)

    def _schedule_repair(self, machine: Machine) -> None:
        ahead = machine.ends_us - self._agenda.now_us
        rank = machine.clock_rank if machine.by_time else machine.places[0].rank
        Timer(self._agenda, ahead, rank, self._when_repaired, machine)

    def _repaired(self, timer: Timer) -> None:
        machine: Machine = timer.subject
        mode = machine.down
        assert mode is not None  # noqa: S101 - a repair ends only what is down
        self._ledger.record_machine(EventKind.MACHINE_REPAIRED, machine, mode.count, mode.index)
        machine.down = None
        machine.ends_us = -1
        mode.count += 1
        if machine.by_time:
            mode.strikes_at = self._draw_due(mode, machine.clock_us)
            self._run_clock(machine)
        else:
            mode.strikes_at = self._draw_due(mode, machine.worked_us)
            machine.next_strike = min(m.strikes_at for m in machine.modes)
        if mode.crew is not None:
            self._release(mode.crew)
        for place in machine.places:
            if place.loaded and not mode.stops_handling:
                if mode.after == "restart":
                    place.left_us = place.drawn_us
                self._flow.work(place)
            else:
                self._ledger.restate(place)
        self._go_on(machine)
        self._flow.settle()

    # -- crews -------------------------------------------------------------------------------------

    @staticmethod
    def _has_come(crew: Crew | None, machine: Machine) -> bool:
        """Call a crew, if one is needed; a machine that it can't come to at once waits."""
        if crew is None:
            return True
        if crew.free <= 0:
            crew.waiting.append(machine)
            return False
        crew.free -= 1
        return True

    def _release(self, crew: Crew) -> None:
        """Send the crew to who has waited longest (rule S20)."""
        if crew.free < 0 or not crew.waiting:
            crew.free += 1
            return
        machine = crew.waiting.popleft()
        if machine.service is not None:
            self._begin_service_work(machine, machine.service)
        else:
            assert machine.down is not None  # noqa: S101 - only held machines wait for a crew
            self._begin_repair(machine, machine.down)

    # -- preventive maintenance --------------------------------------------------------------------

    def _schedule_service(self, service: Service, machine: Machine) -> None:
        """Set the next due time, strictly after now."""
        now, every, first = self._agenda.now_us, service.every_us, service.first_us
        ahead = first - now if now < first else every - (now - first) % every
        Timer(self._agenda, ahead, service.due_rank, [self._service_due], (machine, service))

    def _service_due(self, timer: Timer) -> None:
        machine, service = timer.subject
        self._schedule_service(service, machine)
        if machine.service is not service:
            service.due = True
            self._begin_due_service(machine)
        self._flow.settle()

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
            self._flow.withdraw(place)
            self._ledger.restate(place)
        if self._has_come(service.crew, machine):
            self._begin_service_work(machine, service)
        return True

    def _begin_service_work(self, machine: Machine, service: Service) -> None:
        machine.ends_us = self._agenda.now_us + service.lasts_us
        self._schedule_service_end(machine, service)

    def _schedule_service_end(self, machine: Machine, service: Service) -> None:
        ahead = machine.ends_us - self._agenda.now_us
        Timer(self._agenda, ahead, service.end_rank, [self._service_done], machine)

    def _service_done(self, timer: Timer) -> None:
        machine: Machine = timer.subject
        service = machine.service
        assert service is not None  # noqa: S101 - only a service that goes on can end
        machine.service = None
        machine.ends_us = -1
        if machine.by_time:
            self._run_clock(machine)
        if service.crew is not None:
            self._release(service.crew)
        for place in machine.places:
            self._ledger.restate(place)
        self._go_on(machine)
        self._flow.settle()

    def _go_on(self, machine: Machine) -> None:
        """After a repair or maintenance: the next maintenance that is due, or work."""
        if not self._begin_due_service(machine):
            self.reopen(machine)

    def reopen(self, machine: Machine) -> None:
        """Let places that the machine's closing had withdrawn begin anew (rule S24)."""
        for place in machine.places:
            if not place.loaded and place not in place.group.waiting and place.outlet is None:
                self._flow.set_free(place)

    # -- planned stops and deliveries --------------------------------------------------------------

    def _calendar_turned(self, timer: Timer) -> None:
        index: int = timer.subject
        calendar, now = self._line.calendars[index], self._agenda.now_us
        ahead = next_edge_us(calendar, now) - now
        Timer(self._agenda, ahead, index, [self._calendar_turned], index)
        closed = is_closed(calendar, now)
        for run in self._downstream_first:
            if run.calendar is not calendar:
                continue
            run.closed = closed
            for machine in run.machines:
                for place in machine.places:
                    if closed:
                        place.group.waiting.pop(place, None)
                    self._ledger.restate(place)
                if not closed:
                    self.reopen(machine)
        self._flow.settle()

    def _delivery_rank(self, material: int) -> int:
        return len(self._line.calendars) + material

    def _delivered(self, timer: Timer) -> None:
        index: int = timer.subject
        delivery = self._line.materials[index].delivery
        assert delivery is not None  # noqa: S101 - only materials with one get a timer
        rank = self._delivery_rank(index)
        Timer(self._agenda, delivery.every_us, rank, [self._delivered], index)
        self.store(index, round(delivery.amount * MICRO))

    def store(self, index: int, micros: int) -> None:
        """Bring material to its store, in millionths of its unit, and serve who waits for it."""
        store = self._stores[index]
        store.level += micros
        self._ledger.record_delivery(index)
        for run in self._downstream_first:
            if any(used is store for used, _ in run.uses):
                for group in run.groups:
                    self._flow.serve_waiting(group)
        self._flow.settle()
