"""The clocks of a line's PLCs beside one another, by when what they stamped came in.

A message is as old as its way here is long, and no younger: so of many the least delay is the one
that tells of the clock (Cristian, Distributed Computing 3, 1989, 146-158). It is taken over a
minute, so that a clock that drifts is followed. What one PLC's is ahead of the others' follows from
the least delays of all; no other clock has to be right for that.

A clock that was set back shows in all that comes later: values that are stamped earlier than those
before them, and no message any more with as little delay as there was. One that is merely late, or
comes twice, leaves the least delay as it is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["Clocks"]

WINDOW_US = 10_000_000
WINDOWS = 6
ENOUGH = 5
"""Messages that tell; the first after a connection is of values that are old."""
STEP_US = 200_000
"""By less than this no clock is taken to be set back: NTP slews it."""
WITHIN_US = 1_000_000
CORRECTED_US = 500_000


@dataclass(slots=True)
class _Clock:
    """One PLC's.

    Args:
        least: by window of arrival the least delay, the newest last.
    """

    least: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=WINDOWS))
    told: int = -1
    arrival_us: int = 0
    applied_us: int = 0
    suspected: int = 0
    suspected_us: int = 0
    suspect_least_us: int = 0

    def add(self, delay_us: int, arrival_us: int) -> None:
        if not self.least or arrival_us - self.least[-1][0] >= WINDOW_US:
            self.least.append((arrival_us, delay_us))
        elif delay_us < self.least[-1][1]:
            self.least[-1] = self.least[-1][0], delay_us

    @property
    def least_us(self) -> int:
        return min(delay_us for _, delay_us in self.least)


@dataclass(slots=True)
class Clocks:
    """What is known of them.

    Args:
        plcs: the line's PLCs.
        rate: the plant's clocks run so many times as fast as the twin's.

    >>> clocks = Clocks(("A", "B", "C"))
    >>> for at_us in range(0, 10_000_000, 1_000_000):
    ...     for plc, ahead_us in (("A", 0), ("B", 3_000_000), ("C", 0)):
    ...         _ = clocks.note(plc, at_us + ahead_us, at_us + 20_000, behind=False)
    >>> clocks.skew_us("A"), clocks.skew_us("B"), clocks.ahead_us("B")
    (0, 3000000, 3000000)
    """

    plcs: Sequence[str]
    rate: float = 1.0
    _clocks: dict[str, _Clock] = field(init=False)
    _origin_us: int = 0

    def __post_init__(self) -> None:
        self._clocks = {plc: _Clock() for plc in self.plcs}

    def note(self, plc: str, newest_us: int, arrival_us: int, *, behind: bool) -> int:
        """Take in that a message came.

        Args:
            plc: whose.
            newest_us: the newest timestamp in it, by the PLC's clock.
            arrival_us: when it came in, by the twin's clock.
            behind: something in it is stamped earlier than what came before.

        Returns:
            By how much its clock was set back, once that is sure; else 0.
        """
        clock = self._clocks[plc]
        if arrival_us < clock.arrival_us:
            return 0
        clock.arrival_us = arrival_us
        self._origin_us = self._origin_us or arrival_us
        delay_us = self._delay_us(newest_us, arrival_us)
        clock.told += 1
        if not clock.least or not (behind or clock.suspected):
            clock.add(delay_us, arrival_us)
            self._correct(plc, clock)
            return 0
        if not clock.suspected:
            clock.suspected_us, clock.suspect_least_us = arrival_us, delay_us
        clock.suspected += 1
        clock.suspect_least_us = min(clock.suspect_least_us, delay_us)
        step_us = clock.suspect_least_us - clock.least_us
        if step_us <= STEP_US * max(1.0, self.rate):
            clock.suspected = 0
            clock.add(delay_us, arrival_us)
            return 0
        if clock.suspected < ENOUGH or arrival_us - clock.suspected_us < WITHIN_US:
            return 0
        clock.suspected = 0
        clock.least.clear()
        clock.add(clock.suspect_least_us, arrival_us)
        return step_us

    def suspects(self, plc: str) -> bool:
        """Whether it may be that a PLC's clock was set back, and is not yet sure."""
        return self._clocks[plc].suspected > 0

    def suspected_us(self, plc: str) -> int:
        """When the last such suspicion began, by the twin's clock."""
        return self._clocks[plc].suspected_us

    def stamped_before(self, plc: str, source_us: int, arrival_us: int) -> bool:
        """Whether a clock stamped something before it was set back: later than it would now."""
        slack_us = STEP_US * max(1.0, self.rate) / 2
        return self._delay_us(source_us, arrival_us) < self._clocks[plc].least_us - slack_us

    def forget(self, plc: str) -> None:
        """Begin anew with a PLC, as after a connection; it may have another clock now."""
        clock = self._clocks[plc]
        clock.least.clear()
        clock.told, clock.suspected, clock.suspected_us = -1, 0, 0

    def skew_us(self, plc: str) -> int | None:
        """How far a PLC's clock is ahead of the line's others', of which the middle one counts.

        Returns:
            Microseconds, negative where it is behind; None before enough has come.
        """
        clock = self._clocks[plc]
        if clock.told < ENOUGH:
            return None
        return self._middle_us() - clock.least_us

    def ahead_us(self, plc: str) -> int:
        """By how much a PLC's timestamps are corrected where they are put beside others'.

        0 for less than half a second: so much the way here may differ, and the line's time is not
        to tremble.
        """
        return self._clocks[plc].applied_us

    def recall(self, plc: str, ahead_us: int) -> None:
        """Take over how a PLC's timestamps were corrected before."""
        self._clocks[plc].applied_us = ahead_us

    def _delay_us(self, source_us: int, arrival_us: int) -> int:
        return round((arrival_us - self._origin_us) * self.rate) + self._origin_us - source_us

    def _correct(self, plc: str, clock: _Clock) -> None:
        skew_us, least_us = self.skew_us(plc), CORRECTED_US * max(1.0, self.rate)
        if skew_us is not None and abs(skew_us - clock.applied_us) > least_us:
            clock.applied_us = skew_us if abs(skew_us) > least_us else 0

    def _middle_us(self) -> int:
        least = sorted(c.least_us for c in self._clocks.values() if c.told >= ENOUGH)
        low, high = least[(len(least) - 1) // 2], least[len(least) // 2]
        # Of two the one that is nearer to the twin's own clock, where that runs as fast.
        return high if self.rate == 1.0 and abs(high) < abs(low) else low
