"""The historian's port: what a store of history must do, whichever store it is.

The contract, which `tests/contract/check_historian.py` holds every store to:

- `write` takes a batch in order and returns once it is durable. A point's identity is its series
  and its timestamp: writing it again changes nothing and is no error, so a retry is always safe.
- A point that the store cannot take (a value that is not finite) is set aside with its reason and
  never blocks or drops its neighbours.
- A store that is away raises `NotConnected`; nothing of the batch is lost, the caller retries.
- `read` and `last` return what was written and nothing else, in order of series and time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Historian", "History", "Point", "Quality", "Query", "Refused", "Series", "WriteReport"]


class Quality(IntEnum):
    """How far a value can be trusted, after OPC UA's three severities of a status code."""

    GOOD = 0
    UNCERTAIN = 1
    BAD = 2


@dataclass(frozen=True, slots=True, order=True)
class Series:
    """What a value belongs to.

    Args:
        line: the line's id, as `LDES1`.
        unit: the work unit or buffer, as `STK03` or `STK-out`; empty for the line itself.
        signal: the signal's name in the table of signals, as `state_current`.
    """

    line: str
    unit: str
    signal: str


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a series at one instant.

    Args:
        series: what it belongs to.
        at_us: the source's timestamp, microseconds since 1970-01-01 UTC.
        value: the value; states and counters are whole numbers.
        quality: how far to trust it.
    """

    series: Series
    at_us: int
    value: float
    quality: Quality = Quality.GOOD


@dataclass(frozen=True, slots=True)
class Refused:
    """A point that was set aside, and why."""

    point: Point
    reason: str


@dataclass(frozen=True, slots=True)
class WriteReport:
    """What became of a batch: `written` new points, `known` that were there already, `refused`."""

    written: int
    known: int
    refused: tuple[Refused, ...] = ()


@dataclass(frozen=True, slots=True)
class Query:
    """Which points to read.

    Args:
        line, unit, signal: exact names, or None for all.
        from_us, to_us: half-open interval of source time, microseconds since 1970-01-01 UTC;
            None leaves that side open.
        limit: at most this many points, the earliest first; None for all.
    """

    line: str | None = None
    unit: str | None = None
    signal: str | None = None
    from_us: int | None = None
    to_us: int | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class History:
    """Points as columns of one length, ordered by series and then time.

    Args:
        series: the distinct series, sorted.
        series_index: int64, which of `series` each point belongs to.
        at_us: int64, source time.
        value: float64.
        quality: uint8, see `Quality`.
    """

    series: tuple[Series, ...]
    series_index: NDArray[np.int64] = field(repr=False)
    at_us: NDArray[np.int64] = field(repr=False)
    value: NDArray[np.float64] = field(repr=False)
    quality: NDArray[np.uint8] = field(repr=False)

    def __len__(self) -> int:
        return len(self.at_us)


class Historian(Protocol):
    """A store of history. See the module's docstring for the contract."""

    def write(self, batch: Sequence[Point]) -> WriteReport:
        """Store a batch durably; raise `NotConnected` where the store is away."""

    def read(self, query: Query) -> History:
        """Return the points that a query asks for."""

    def last(self, query: Query) -> History:
        """Return the newest point of each series that a query asks for."""

    def close(self) -> None:
        """Release the store; calling it twice is harmless."""
