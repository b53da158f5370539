"""What the page is given to show: watched lines, their history, the twin's own health."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from twin.historian.port import Historian
from twin.live.changes import Notice
from twin.live.inferred import Levels
from twin.live.mirror import Mirror
from twin.live.output import OutputMeter
from twin.model.line import Line
from twin.model.spool_status import SpoolStatus
from twin.whatif.forecast_scores import Kept

__all__ = ["StoreHealth", "Watched", "WatchedLine"]


class WatchedLine(Protocol):
    """A line that the twin watches."""

    @property
    def line(self) -> Line:
        """Which."""

    @property
    def mirror(self) -> Mirror:
        """What is known of it."""

    @property
    def meter(self) -> OutputMeter:
        """What comes off it."""

    @property
    def levels(self) -> Levels:
        """Its buffers' levels, where no signal tells them."""

    @property
    def notices(self) -> Sequence[Notice]:
        """What people were told, the latest last."""


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """How the twin gets rid of its points.

    Args:
        stored, refused, waiting, dropped: points, since the twin began.
        away: why the store does not take any; empty where it does.
        spool: how the spool before it is; None without one.
    """

    stored: int
    refused: int
    waiting: int
    dropped: int
    away: str
    spool: SpoolStatus | None


@dataclass(frozen=True, slots=True)
class Watched:
    """Everything that the page shows.

    Args:
        lines: in the order in which they are shown.
        historian: where the past is read from.
        store: tells how writing it goes.
        forecasts: tells those that were made of a line, by its id, the oldest first.
        speed: of the plants' clocks against the wall's.
    """

    lines: Sequence[WatchedLine]
    historian: Historian
    store: Callable[[], StoreHealth]
    forecasts: Callable[[str], Sequence[Kept]]
    speed: float = 1.0
