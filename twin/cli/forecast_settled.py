"""Forecasts that a twin left behind when it ended, settled from what its history says."""

from __future__ import annotations

from collections.abc import Collection

from twin.historian.duckdb_store.forecasts import ForecastStore
from twin.historian.port import Historian
from twin.live.made_between import made_between
from twin.live.recollection import span_of
from twin.model.line import Line
from twin.whatif.forecast_scores import Kept

__all__ = ["settled_from"]


def settled_from(
    history: Historian,
    store: ForecastStore,
    line: Line,
    *,
    made_before_us: int | None = None,
    ends_by_us: int | None = None,
    without: Collection[Kept] = (),
) -> list[Kept]:
    """Say what came of forecasts whose time has come and of which nobody has said it.

    Args:
        history: of the line's twin.
        store: where forecasts are kept.
        line: which.
        made_before_us: only forecasts that were made before, by the wall's clock: what a twin has
            made itself it settles itself; None: all.
        ends_by_us: only those that end by then, by the plant's clock, as another plant has begun
            since; None: all. Both microseconds since 1970-01-01 UTC.
        without: not these, of which nobody can say it.

    Returns:
        Those whose time has come and of which the history can't tell either.

    Raises:
        LinetwinError: a store can't be read or written.
        NotConnected: it is away, or another process holds it.
    """
    if not store.path.exists():
        return []
    span = span_of(history, line)
    if span is None:
        return []
    unknown = []
    for row in store.rows(line.id):
        if row.outcome is not None or row.plant_us is None or row.ends_us is None:
            continue
        if row.ends_us > (span[1] if ends_by_us is None else min(span[1], ends_by_us)):
            continue
        if row in without or (made_before_us is not None and row.made_at_us >= made_before_us):
            continue
        made = made_between(history, line, row.plant_us, row.ends_us)
        if made is None:
            unknown.append(row)
        else:
            store.settle_one(row, made)
    return unknown
