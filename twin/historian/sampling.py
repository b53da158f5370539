"""Points brought down to one row an interval, for a picture that has no room for all of them."""

from __future__ import annotations

import numpy as np

from twin.errors import LinetwinError
from twin.historian.port import History, Quality, Samples

__all__ = ["check_interval", "downsampled"]


def check_interval(every_us: int) -> None:
    """Check that an interval has a length.

    Raises:
        LinetwinError: it has none.
    """
    if every_us <= 0:
        raise LinetwinError(f"every_us: must be greater than 0, got {every_us}")


def downsampled(history: History, every_us: int) -> Samples:
    """Bring points down to a row a series and interval; see `Samples`.

    Args:
        history: the points.
        every_us: the intervals' length in microseconds, greater than 0.

    >>> from twin.historian.memory import MemoryHistorian
    >>> from twin.historian.port import Point, Query, Series
    >>> store, level = MemoryHistorian(), Series("LDES1", "STK-out", "level")
    >>> _ = store.write([Point(level, at_us, value) for at_us, value in ((1, 4), (5, 2), (12, 9))])
    >>> rows = downsampled(store.read(Query()), 10)
    >>> rows.at_us.tolist(), rows.mean.tolist(), rows.last.tolist()
    ([0, 10], [3.0, 9.0], [2.0, 9.0])
    """
    check_interval(every_us)
    kept = history.quality < Quality.BAD
    index, value = history.series_index[kept], history.value[kept]
    at_us = history.at_us[kept] // every_us * every_us
    changes = (np.diff(index) != 0) | (np.diff(at_us) != 0)
    begins = (
        np.flatnonzero(np.concatenate([[len(at_us) > 0], changes]))
        if len(at_us)
        else (np.array([], np.int64))
    )
    ends = np.append(begins[1:], len(at_us))[: len(begins)]
    count = ends - begins
    present, of = np.unique(index[begins], return_inverse=True)
    reduced = [
        how.reduceat(value, begins) if len(begins) else np.array([], np.float64)
        for how in (np.add, np.minimum, np.maximum)
    ]
    return Samples(
        every_us,
        tuple(history.series[i] for i in present),
        of.astype(np.int64),
        at_us[begins],
        count.astype(np.int64),
        reduced[0] / count,
        reduced[1],
        reduced[2],
        value[ends - 1],
    )
