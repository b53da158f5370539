"""SimPy's event calendar as this engine uses it: whole microseconds, ranks, events called off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heappop
from typing import Any

import simpy
from simpy.events import Event

__all__ = ["Agenda", "Timer"]


class Timer(Event):
    """A SimPy event at a known delay; its priority is its subject's rank (rule S25).

    Set `called_off` to have it pass unnoticed.
    """

    # Of the class, since most timers never have others: an operation makes one.
    _value = None
    _ok = True
    called_off = False

    def __init__(
        self,
        agenda: Agenda,
        delay: int,
        rank: int,
        callbacks: Sequence[Callable[[Timer], None]],
        subject: Any,
    ) -> None:
        self.env = agenda
        self.callbacks = callbacks  # type: ignore[assignment]  # SimPy's own type is wider
        self.subject = subject
        agenda.schedule(self, rank, delay)  # type: ignore[arg-type]  # any int is a priority


class Agenda(simpy.Environment):
    """SimPy's environment, stepped by whoever owns the engine.

    Args:
        start_us: engine time of its beginning.
    """

    def __init__(self, start_us: int) -> None:
        super().__init__(start_us)
        # SimPy types its clock as int | float and its queue by `Event`; here it is int and `Timer`.
        self._timers: list[tuple[int, int, int, Timer]] = self._queue  # type: ignore[assignment]
        self.now_us = start_us
        """When the event that is being seen to is, or how far it has run; a plain field, since it
        is read all the time."""

    def run_to(self, to_us: int) -> None:
        """See to every event up to and at an instant."""
        queue, step = self._timers, self.step
        while queue and queue[0][0] <= to_us:
            if queue[0][3].called_off:
                heappop(queue)
                continue
            self.now_us = queue[0][0]
            step()
        # So that what people do next happens now, and not at the last event.
        self.now_us = self._now = to_us

    def run_until(self, to_us: int, holds: Callable[[], bool]) -> bool:
        """See to events up to and at an instant, or until something holds; whether it does."""
        while not holds():
            next_us = self.next_us()
            if next_us is None or next_us > to_us:
                self.now_us = self._now = to_us
                return False
            self.now_us = next_us
            self.step()
        return True

    def next_us(self) -> int | None:
        """When the next event is due; None if there is none."""
        queue = self._timers
        while queue and queue[0][3].called_off:
            heappop(queue)
        return queue[0][0] if queue else None
