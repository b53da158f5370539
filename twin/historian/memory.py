"""The historian in memory: the reference of the port, and the ring behind the live page."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from threading import Lock

import numpy as np

from twin.errors import LinetwinError
from twin.historian.port import (
    History,
    Point,
    Query,
    Refused,
    Samples,
    Series,
    Track,
    WriteReport,
    joined,
    names_of,
    refusal,
)
from twin.historian.sampling import downsampled

__all__ = ["MemoryHistorian"]


class _Track:
    """The points of one series, as columns in order of time."""

    __slots__ = ("at_us", "quality", "value")

    def __init__(self) -> None:
        self.at_us: list[int] = []
        self.value: list[float] = []
        self.quality: list[int] = []

    def insert(self, point: Point) -> bool:
        """Put a point in its place; False where its instant is taken."""
        place = len(self.at_us)
        if place and point.at_us <= self.at_us[-1]:
            place = bisect_left(self.at_us, point.at_us)
            if self.at_us[place] == point.at_us:
                return False
        self.at_us.insert(place, int(point.at_us))
        self.value.insert(place, float(point.value))
        self.quality.insert(place, int(point.quality))
        return True

    def forget_before(self, at_us: int) -> None:
        """Drop the points before an instant."""
        count = bisect_left(self.at_us, at_us)
        del self.at_us[:count], self.value[:count], self.quality[:count]

    def within(self, query: Query) -> slice:
        """Return where the points of a query's interval are."""
        start = 0 if query.from_us is None else bisect_left(self.at_us, query.from_us)
        stop = len(self.at_us) if query.to_us is None else bisect_left(self.at_us, query.to_us)
        return slice(start, stop)


class MemoryHistorian:
    """A historian in memory; what it holds is gone when its process ends.

    Args:
        keep_us: how long to keep a point, in microseconds, greater than 0; None keeps all. The age
            is counted from the newest point *of the same series*. So a value that rarely changes
            stays known, and one signal with a clock that runs ahead can't empty the others. A
            point that comes in older than that is refused.

    Raises:
        LinetwinError: `keep_us` is not greater than 0.

    >>> from twin.historian.port import Quality
    >>> power = Series("LDES1", "STK03", "power_kw")
    >>> store = MemoryHistorian(keep_us=60_000_000)
    >>> store.write([Point(power, 0, 1.5), Point(power, 1_000_000, 2.5, Quality.UNCERTAIN)])
    WriteReport(written=2, known=0, refused=())
    >>> store.write([Point(power, 0, 1.5)])
    WriteReport(written=0, known=1, refused=())
    >>> history = store.read(Query(signal="power_kw", from_us=500_000))
    >>> history.series[0].unit, history.value.tolist()
    ('STK03', [2.5])
    """

    overwrites = False

    def __init__(self, keep_us: int | None = None) -> None:
        if keep_us is not None and keep_us <= 0:
            raise LinetwinError(f"keep_us: must be greater than 0, got {keep_us}")
        self._keep_us = keep_us
        self._tracks: dict[Series, _Track] = {}
        self._one_at_a_time = Lock()
        self._closed = False

    def write(self, batch: Sequence[Point]) -> WriteReport:
        """Store a batch; see `Historian.write`."""
        with self._one_at_a_time:
            self._check_open()
            written = known = 0
            refused: list[Refused] = []
            for point in batch:
                reason = refusal(point) or self._too_old(point)
                if reason:
                    refused.append(Refused(point, reason))
                elif self._tracks.setdefault(point.series, _Track()).insert(point):
                    written += 1
                else:
                    known += 1
            if self._keep_us is not None:
                for series in {point.series for point in batch} & self._tracks.keys():
                    track = self._tracks[series]
                    track.forget_before(track.at_us[-1] - self._keep_us)
            return WriteReport(written, known, tuple(refused))

    def read(self, query: Query) -> History:
        """Return the points that a query asks for; see `Historian.read`."""
        with self._one_at_a_time:
            self._check_open()
            found = self._matching(query)
            return joined(
                (_track(s, track, track.within(query)) for s, track in found), query.limit
            )

    def last(self, query: Query) -> History:
        """Return the newest point of each series that a query asks for; see `Historian.last`."""
        with self._one_at_a_time:
            self._check_open()
            found = []
            for series, track in self._matching(query):
                where = track.within(query)
                newest = slice(max(where.start, where.stop - 1), where.stop)
                found.append(_track(series, track, newest))
            return joined(found)

    def sampled(self, query: Query, every_us: int) -> Samples:
        """Return points brought down to a row an interval; see `Historian.sampled`."""
        return downsampled(self.read(replace(query, limit=None)), every_us)

    def close(self) -> None:
        """Forget everything; calling it twice is harmless."""
        with self._one_at_a_time:
            self._closed = True
            self._tracks.clear()

    def _check_open(self) -> None:
        if self._closed:
            raise LinetwinError("the historian in memory is closed; open another one")

    def _too_old(self, point: Point) -> str | None:
        """Say that a point is older than this store keeps, where it is."""
        track = self._tracks.get(point.series)
        if self._keep_us is None or track is None:
            return None
        age_us = track.at_us[-1] - point.at_us
        if age_us <= self._keep_us:
            return None
        return f"older than what is kept: {age_us} us before the series' newest, {self._keep_us} us"

    def _matching(self, query: Query) -> list[tuple[Series, _Track]]:
        """Return the series that a query names, sorted."""
        units, signals = names_of(query.unit), names_of(query.signal)
        return sorted(
            (
                (series, track)
                for series, track in self._tracks.items()
                if query.line in {None, series.line}
                and (units is None or series.unit in units)
                and (signals is None or series.signal in signals)
            ),
            key=lambda item: item[0],
        )


def _track(series: Series, track: _Track, where: slice) -> Track:
    """Return a part of a track as columns."""
    return (
        series,
        np.array(track.at_us[where], np.int64),
        np.array(track.value[where], np.float64),
        np.array(track.quality[where], np.uint8),
    )
