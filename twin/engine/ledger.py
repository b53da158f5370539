"""Where the time of places goes, and the log of what happens."""

from __future__ import annotations

from twin.engine.agenda import Agenda
from twin.engine.causes import change_cause
from twin.engine.events import EventKind, EventLog
from twin.engine.floor import Machine, Place
from twin.model.status import Condition

__all__ = ["BLOCKED", "EXECUTE", "Ledger"]

EXECUTE, STARVED, BLOCKED, FAULT, SETUP, MAINTENANCE, PLANNED_STOP = (int(c) for c in Condition)


class Ledger:
    """The books of one run.

    Args:
        agenda: tells the time.
        log: where events go; None: nowhere. Callers look at it before they record, to save the
            call.
    """

    def __init__(self, agenda: Agenda, log: EventLog | None) -> None:
        self._agenda = agenda
        self.log = log

    def restate(self, place: Place) -> None:
        """Find out what a place's time goes to from now on (rule S28)."""
        machine = place.machine
        down = machine.down
        if place.loaded and place.timer is not None:
            condition = EXECUTE
        elif down is not None:
            condition = SETUP if down.is_setup else FAULT
        elif machine.service is not None:
            condition = MAINTENANCE
        elif machine.held_as >= 0:
            condition = machine.held_as
        elif machine.station.closed:
            condition = PLANNED_STOP
        elif place.out:
            condition = BLOCKED
        else:
            condition = STARVED
        if condition != place.condition:
            self.change(place, condition)

    def change(self, place: Place, condition: int) -> None:
        """Book a place's time up to now, and go on with another condition."""
        before = place.condition
        machine, now = place.machine, self._agenda.now_us
        machine.time_us[before] += now - place.since_us
        machine.counts[before] -= 1
        machine.counts[condition] += 1
        place.since_us = now
        if machine.tells_causes:
            change_cause(place, condition, now)
        place.condition = condition
        if self.log is not None:
            self.record(EventKind.STATE_CHANGED, place, 0, condition)

    def record(self, kind: EventKind, place: Place, number: int, value: int) -> None:
        """Log what happens at a place."""
        machine = place.machine
        assert self.log is not None  # noqa: S101 - callers look first
        self.log.add(
            self._agenda.now_us,
            int(kind),
            machine.station.index,
            machine.index,
            place.number,
            number,
            value,
        )

    def record_machine(self, kind: EventKind, machine: Machine, number: int, value: int) -> None:
        """Log what happens to a whole machine."""
        if self.log is not None:
            index, now = machine.station.index, self._agenda.now_us
            self.log.add(now, int(kind), index, machine.index, -1, number, value)

    def record_delivery(self, material: int) -> None:
        """Log that a material has come."""
        if self.log is not None:
            now = self._agenda.now_us
            self.log.add(now, EventKind.MATERIAL_DELIVERED, -1, -1, -1, 0, material)
