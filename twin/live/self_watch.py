"""What the twin says of itself, as points for its own history."""

from __future__ import annotations

from collections.abc import Iterable

from twin.historian.port import Point, Series
from twin.model.spool_status import SpoolStatus
from twin.signals import TWIN_SIGNALS

__all__ = ["points_of_itself"]


def points_of_itself(status: SpoolStatus, line_ids: Iterable[str], at_us: int) -> tuple[Point, ...]:
    """Read the twin's own signals.

    Args:
        status: how the way to the database is.
        line_ids: the lines that the twin watches; each has the same.
        at_us: now, microseconds since 1970-01-01 UTC, by the twin's clock.

    >>> status = SpoolStatus(7, 1.5, 0.0, 0, 0, False, "no answer")
    >>> [(p.series.signal, p.value) for p in points_of_itself(status, ["LDES1"], 0)][:2]
    [('spool_points', 7.0), ('spool_age_s', 1.5)]
    """
    return tuple(
        Point(Series(line, "", signal.name), at_us, float(signal.read(status)))
        for line in line_ids
        for signal in TWIN_SIGNALS
    )
