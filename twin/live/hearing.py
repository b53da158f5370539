"""When each PLC of a line was heard, by its own clock, as points for the history.

Values alone don't tell whether nothing happened or nobody looked; these points do.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from twin.historian.port import Point
from twin.live.mirror import Mirror
from twin.live.reports import points_of
from twin.twin_signals import HEARING_SIGNALS, HearingReport

__all__ = ["Hearing"]


@dataclass(slots=True)
class Hearing:
    """Follows a mirror.

    Args:
        mirror: the line's.
    """

    mirror: Mirror
    _heard: set[str] = field(default_factory=set)

    def changed(self) -> tuple[Point, ...]:
        """Say which PLCs are heard since, or no longer; call it after every message."""
        found: list[Point] = []
        for plc in self.mirror.plcs:
            heard, heard_us = self._is_heard(plc), self.mirror.heard_us(plc)
            if heard and plc not in self._heard:
                self._heard.add(plc)
                found += self._said(plc, heard_us, watched=True)
            elif not heard and plc in self._heard and self.mirror.lost_since(plc) is not None:
                self._heard.discard(plc)
                found += self._said(plc, heard_us + 1, watched=False)
        return tuple(found)

    def points(self) -> tuple[Point, ...]:
        """Say how far every PLC is heard; call it now and then."""
        return tuple(
            point
            for plc in self.mirror.plcs
            if self._is_heard(plc)
            for point in self._said(plc, self.mirror.heard_us(plc), watched=True)
        )

    def _is_heard(self, plc: str) -> bool:
        return self.mirror.lost_since(plc) is None and self.mirror.heard_us(plc) > 0

    def _said(self, plc: str, at_us: int, *, watched: bool) -> tuple[Point, ...]:
        clocks = self.mirror.clocks
        skew_us = clocks.skew_us(plc)
        skew_s = None if skew_us is None else round(skew_us / 1e6, 3)
        # Whether it was corrected is told only where it is heard: the last word stands meanwhile.
        corrected_s = clocks.ahead_us(plc) / 1e6 if watched else None
        report = HearingReport(watched, skew_s, corrected_s)
        return tuple(points_of(self.mirror.line, plc, HEARING_SIGNALS, report, at_us))
