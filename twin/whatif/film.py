"""A run of a line that lacks nothing, put down at the instants at which its stores are looked at.

With a supply that never lets a store run empty the line does the same, event for event: such a
supply is followed along the film, and nothing is run again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.errors import EngineError

__all__ = ["Film", "Ranout", "Showing"]

Floats = NDArray[np.float64]
SLACK = 1e-5
"""A store must hold so much more than is used, in its unit: the engine counts in millionths."""


class Ranout(EngineError):
    """A store may have run empty: the film does not say what the line did then."""


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """What was counted up to each of some instants.

    Args:
        at_us: engine time, rising; the first is the run's start.
        started: int64, (instants, stations): operations begun.
        good, wasted: float64, (instants,): good units that left, and what the last stations have
            scrapped or sent back of theirs.
    """

    at_us: tuple[int, ...]
    started: NDArray[np.int64]
    good: Floats
    wasted: Floats


class Showing:
    """A film in an engine's place, for stores that are filled and emptied beside it.

    What arrives between two instants is not counted on before the second: a store that holds at the
    first what is used up to the second can't have been empty between.

    Args:
        film: of the line with endless stores.
        amounts: float64, (stations, materials): what an operation takes.
        stock: of each material, at the start.

    >>> film = Film((0, 10, 20), np.array([[0], [2], [4]]), np.array([0.0, 1.0, 3.0]),
    ...             np.zeros(3))
    >>> showing = Showing(film, np.array([[5.0]]), [15.0])
    >>> showing.advance(10)
    >>> showing.good, showing.started.tolist()
    (1.0, [2])
    >>> showing.advance(20)
    Traceback (most recent call last):
    twin.whatif.film.Ranout: material 0 may have run out before 20
    """

    def __init__(self, film: Film, amounts: Floats, stock: Sequence[float]) -> None:
        self._film, self._amounts = film, amounts
        self._have = np.array(stock, dtype=np.float64)
        self._held = self._have.copy()
        self._place, self._left = -1, True
        self.advance(film.at_us[0])

    def advance(self, to_us: int) -> None:
        """Go on to an instant.

        Raises:
            Ranout: a store may have been empty on the way.
        """
        times = self._film.at_us
        if self._place >= 0 and to_us <= times[self._place]:
            return
        if not self._left:
            self._held, self._left = self._have.copy(), True
        while self._place + 1 < len(times) and times[self._place + 1] <= to_us:
            self._place += 1
            self._left = False
            used = self.started @ self._amounts
            lacks = np.flatnonzero((used > 0) & (used * (1 + 1e-9) + SLACK > self._held))
            if len(lacks):
                raise Ranout(f"material {lacks[0]} may have run out before {times[self._place]}")

    def deliver(self, material: int, amount: float) -> None:
        """Fill a store."""
        self._have[material] += amount

    @property
    def started(self) -> NDArray[np.int64]:
        """Operations of each station that have begun."""
        found: NDArray[np.int64] = self._film.started[self._place]
        return found

    @property
    def good(self) -> float:
        """Good units that have left."""
        return float(self._film.good[self._place])

    @property
    def wasted(self) -> float:
        """Units that the last stations have scrapped or sent back."""
        return float(self._film.wasted[self._place])

    def mark(self) -> None:
        """Begin to count waits: there are none."""

    def starved_h(self) -> Floats:
        """Hours of machines that have waited for each material."""
        return np.zeros(len(self._have))
