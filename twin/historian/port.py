"""The historian's port: what a store of history must do, whichever store it is.

The contract, which `tests/contract/check_historian.py` holds every store to:

- `write` takes a batch in any order and returns once it is durable, all of it or, where it raises,
  such that the whole batch may be retried. A point's identity is its series and its timestamp. A
  point that is written again changes nothing and is counted as `known`, so a retry is always safe.
- Of points of one identity that differ, one is kept whole, value and quality, and never two. Within
  a batch it is the first. From batch to batch it is the first too, except in a store that
  `overwrites`, as InfluxDB does: there it is the last, and what was known counts as written.
- A point that the store cannot take (see `refusal`) is set aside with its reason and never blocks
  or drops its neighbours. Every point of a batch is written, known or refused.
- A store that is away raises `NotConnected`; nothing of the batch is lost, the caller retries.
  Whatever the caller has to mend first (a full disk, a file that is none of ours) raises another
  `LinetwinError`, and the batch is still the caller's to retry.
- `read` and `last` return what was written and nothing else, in order of series and time.
- A call may come from any thread. A store takes one call at a time and blocks meanwhile, so code
  that must not wait calls it in a thread of its own.
- `close` may be called twice; any other call after it raises `LinetwinError`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from twin.errors import LinetwinError

__all__ = [
    "AT_US_MAX",
    "AT_US_MIN",
    "Historian",
    "History",
    "Names",
    "Point",
    "Quality",
    "Query",
    "Refused",
    "Samples",
    "Series",
    "Track",
    "WriteReport",
    "joined",
    "names_of",
    "refusal",
]

AT_US_MIN = -62_135_596_800_000_000
"""The first instant of the year 1, in microseconds since 1970-01-01 UTC."""

AT_US_MAX = 253_402_300_799_999_999
"""The last microsecond of the year 9999: beyond it a timestamp has no ISO-8601 form."""


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
        at_us: the source's timestamp, microseconds since 1970-01-01 UTC, from `AT_US_MIN` to
            `AT_US_MAX`.
        value: the value in its signal's unit, finite; states and counters are whole numbers.
        quality: how far to trust it.

    >>> Point(Series("LDES1", "STK03", "state_current"), 1_700_000_000_000_000, 6).quality.name
    'GOOD'
    """

    series: Series
    at_us: int
    value: float
    quality: Quality = Quality.GOOD


def refusal(point: Point) -> str | None:
    """Say why no store can take a point; a store may have further reasons of its own.

    Args:
        point: the point to judge.

    Returns:
        The reason as one line, or None where there is nothing against the point.

    >>> refusal(Point(Series("LDES1", "STK03", "power_kw"), 0, float("nan")))
    'value must be finite, got nan'
    >>> refusal(Point(Series("LDES1", "STK03", "power_kw"), 0, 1.5)) is None
    True
    """
    try:
        finite = math.isfinite(point.value)
    except OverflowError:  # a whole number beyond any float
        return "value must fit a 64-bit float"
    if not finite:
        return f"value must be finite, got {point.value}"
    if not AT_US_MIN <= point.at_us <= AT_US_MAX:
        return f"at_us must be in the years 1 to 9999, got {point.at_us}"
    series = point.series
    if not _is_text(series.line + series.unit + series.signal):
        return f"names must be text that UTF-8 can carry, got {series!r}"
    return None


def _is_text(name: str) -> bool:
    """Whether UTF-8 can carry a name: not with half a surrogate pair, left over from bad bytes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Refused:
    """A point that was set aside, and why."""

    point: Point
    reason: str


@dataclass(frozen=True, slots=True)
class WriteReport:
    """What became of a batch; the three numbers add up to its length.

    Args:
        written: points that are new in the store.
        known: points whose identity was there already, also earlier in the same batch.
        refused: points that were set aside, in the batch's order.
    """

    written: int
    known: int
    refused: tuple[Refused, ...] = ()


Names: TypeAlias = str | tuple[str, ...] | None
"""One name, several (none of them: nothing), or None for all."""


def names_of(asked: Names) -> tuple[str, ...] | None:
    """Return the names that are asked for; None for all.

    >>> names_of("STK03"), names_of(("STK01", "STK02")), names_of(None)
    (('STK03',), ('STK01', 'STK02'), None)
    """
    return (asked,) if isinstance(asked, str) else asked


@dataclass(frozen=True, slots=True)
class Query:
    """Which points to read.

    Args:
        line: its exact name, or None for all.
        unit, signal: exact names, one or several, or None for all.
        from_us, to_us: half-open interval of source time, microseconds since 1970-01-01 UTC;
            None leaves that side open.
        limit: 0 or more; `read` returns at most this many points, the earliest in time, and of
            points at one instant those of the first series. None for all. `last` ignores it.

    Raises:
        LinetwinError: `limit` is negative, or a name is no text that UTF-8 can carry.

    >>> Query(line="LDES1", from_us=1_700_000_000_000_000, limit=100).unit is None
    True
    """

    line: str | None = None
    unit: Names = None
    signal: Names = None
    from_us: int | None = None
    to_us: int | None = None
    limit: int | None = None

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 0:
            raise LinetwinError(f"limit: must be 0 or more, got {self.limit}")
        for name in (n for of in (self.line, self.unit, self.signal) for n in names_of(of) or ()):
            if not _is_text(name):
                raise LinetwinError(f"names must be text that UTF-8 can carry, got {name!r}")


@dataclass(frozen=True, slots=True)
class History:
    """Points as columns of one length, ordered by series and then time.

    Args:
        series: the distinct series that have a point here, sorted.
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


@dataclass(frozen=True, slots=True)
class Samples:
    """Points brought down to one row a series and interval, ordered by series and then time.

    Points of bad quality count for nothing; an interval without any other has no row.

    Args:
        every_us: the intervals' length; they begin at whole multiples of it since 1970.
        series: the distinct series that have a row here, sorted.
        series_index: int64, which of `series` each row belongs to.
        at_us: int64, where its interval begins.
        count: int64, how many points are in it.
        mean, low, high, last: float64, of their values; `last` by time.
    """

    every_us: int
    series: tuple[Series, ...]
    series_index: NDArray[np.int64] = field(repr=False)
    at_us: NDArray[np.int64] = field(repr=False)
    count: NDArray[np.int64] = field(repr=False)
    mean: NDArray[np.float64] = field(repr=False)
    low: NDArray[np.float64] = field(repr=False)
    high: NDArray[np.float64] = field(repr=False)
    last: NDArray[np.float64] = field(repr=False)

    def __len__(self) -> int:
        return len(self.at_us)


Track: TypeAlias = tuple[Series, NDArray[np.int64], NDArray[np.float64], NDArray[np.uint8]]
"""A series with its points' instants, values and qualities, in order of time."""


def joined(tracks: Iterable[Track], limit: int | None = None) -> History:
    """Join the points of several series into one history.

    Args:
        tracks: each series once, in any order; one without a point is left out.
        limit: at most so many points, the earliest; None for all. See `Query`.

    >>> one = np.array([1])
    >>> joined([(Series("L", "B", "level"), one, one, one), (Series("L", "A", "level"), one, one,
    ...     one)], limit=1).series
    (Series(line='L', unit='A', signal='level'),)
    """
    found = sorted((track for track in tracks if len(track[1])), key=lambda track: track[0])
    series = tuple(track[0] for track in found)
    index = np.repeat(np.arange(len(found), dtype=np.int64), [len(track[1]) for track in found])
    at_us = np.concatenate([track[1] for track in found] or [np.array([], np.int64)])
    value = np.concatenate([track[2] for track in found] or [np.array([], np.float64)])
    quality = np.concatenate([track[3] for track in found] or [np.array([], np.uint8)])
    if limit is not None and limit < len(at_us):
        earliest = np.sort(np.lexsort((index, at_us))[:limit])
        at_us, value, quality = at_us[earliest], value[earliest], quality[earliest]
        present, index = np.unique(index[earliest], return_inverse=True)
        series = tuple(series[i] for i in present)
    return History(series, index, at_us, value, quality)


class Historian(Protocol):
    """A store of history. See the module's docstring for the contract."""

    @property
    def overwrites(self) -> bool:
        """Whether a point takes the place of an earlier one of its identity.

        Such a store can't tell whether a point is new: all that it took count as `written`, but
        for those whose identity came earlier in the same batch.
        """

    def write(self, batch: Sequence[Point]) -> WriteReport:
        """Store a batch durably.

        Args:
            batch: points in any order; an empty one is allowed and changes nothing.

        Returns:
            How many points were new, known and refused.

        Raises:
            NotConnected: the store is away; retry the whole batch later.
            LinetwinError: the store needs mending, or is closed.
        """

    def read(self, query: Query) -> History:
        """Return the points that a query asks for, ordered by series and time.

        Args:
            query: which points, and at most how many.

        Raises:
            NotConnected: the store is away.
            LinetwinError: the store needs mending, or is closed.
        """

    def last(self, query: Query) -> History:
        """Return the newest point of each series within what a query asks for.

        Args:
            query: which points; its `limit` is ignored.

        Raises:
            NotConnected: the store is away.
            LinetwinError: the store needs mending, or is closed.
        """

    def sampled(self, query: Query, every_us: int) -> Samples:
        """Return the points that a query asks for, brought down to a row an interval.

        Args:
            query: which points; its `limit` is ignored.
            every_us: the intervals' length in microseconds, greater than 0.

        Raises:
            NotConnected: the store is away.
            LinetwinError: the store needs mending or is closed, or `every_us` is not above 0.
        """

    def close(self) -> None:
        """Release the store; calling it twice is harmless."""
