"""What comes off a line, as the mirror sees it: units so far, and the rate over a window."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from twin.engine.planned_time import monday_before, open_time_us
from twin.live.mirror import Mirror
from twin.model.product import product_units

__all__ = ["OutputMeter"]

MINUTE_US = 60_000_000


@dataclass(slots=True)
class OutputMeter:
    """Follows the good output of a mirrored line, in units of product.

    Args:
        mirror: the line's.
        window_us: the rate is over at most so much of the plant's time.
    """

    mirror: Mirror
    window_us: int = 60 * MINUTE_US
    _samples: deque[tuple[int, float]] = field(default_factory=deque)
    _units: dict[str, float] = field(init=False)

    def __post_init__(self) -> None:
        self._units = product_units(self.mirror.line)

    def good_units(self) -> float:
        """Good units off the line since the twin began to watch."""
        line = self.mirror.line
        return sum(
            self._units[s.id]
            * max(
                0.0,
                self.mirror.gained(s, "processed")
                - self.mirror.gained(s, "defective")
                - self.mirror.gained(s, "reworked"),
            )
            for s in line.stations
            if not line.outputs[s.id]
        )

    def scrap_units(self) -> float:
        """Units scrapped that count against the yield, since the twin began to watch."""
        line = self.mirror.line
        counted = line.yield_stations
        return sum(
            self._units[s.id] * self.mirror.gained(s, "defective")
            for s in line.stations
            if s.id in counted
        )

    def sample(self) -> None:
        """Note the output now; call it now and then."""
        at = self.mirror.newest_us
        if self._samples and at < self._samples[-1][0]:
            # The plant's clock was set back: what was noted by the old one gives no rate.
            self._samples.clear()
        if not at or (self._samples and at - self._samples[-1][0] < MINUTE_US // 4):
            return
        self._samples.append((at, self.good_units()))
        while self._samples[0][0] < at - self.window_us:
            self._samples.popleft()

    @property
    def watched_us(self) -> int:
        """The plant's time that the rate is over, at most the window."""
        return self._samples[-1][0] - self._samples[0][0] if self._samples else 0

    @property
    def planned_busy_us(self) -> int:
        """Planned busy time in what the rate is over, by the line's calendar and time zone."""
        if not self._samples:
            return 0
        line, start_us, end_us = self.mirror.line, self._samples[0][0], self._samples[-1][0]
        epoch_us = monday_before(line.time_zone, start_us)
        return open_time_us(line.calendar_of(), start_us - epoch_us, end_us - epoch_us)

    def per_h(self) -> float | None:
        """Good units an hour of planned busy time over the window; None before a minute of it."""
        busy_us = self.planned_busy_us
        if busy_us < MINUTE_US:
            return None
        return max(0.0, self._samples[-1][1] - self._samples[0][1]) * 3_600_000_000 / busy_us
