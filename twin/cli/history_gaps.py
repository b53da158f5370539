"""Why a query of the history finds nothing, and what is there instead."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from twin.errors import UsageError
from twin.historian.port import Historian, Query
from twin.model.nearest import did_you_mean

__all__ = ["why_nothing"]


def why_nothing(store: Historian, query: Query) -> str:
    """Say why a query that found nothing did.

    Args:
        store: what was asked.
        query: what found nothing.

    Returns:
        Between when there are points of what the query names; or that nothing is stored at all.

    Raises:
        UsageError: a name is none that the history has, beside those before it.
    """
    series = store.last(Query()).series
    if not series:
        return "the history is empty"
    so_far = ""
    for field in ("line", "unit", "signal"):
        name = getattr(query, field)
        if name is None:
            continue
        known = sorted({getattr(one, field) for one in series})
        if name not in known:
            raise UsageError(
                f"--{field} must be a {field} that the history has{so_far}, got {name!r}; "
                f"{did_you_mean(name, known)}"
            )
        series = tuple(one for one in series if getattr(one, field) == name)
        so_far += f"{' for' if not so_far else ','} {field} {name}"
    named = Query(query.line, query.unit, query.signal)
    first = store.read(replace(named, limit=1)).at_us.min()
    newest = store.last(named).at_us.max()
    return (
        f"no points in that time; the history{so_far} has them from {_utc(first)} to {_utc(newest)}"
    )


def _utc(at_us: int) -> str:
    return datetime.fromtimestamp(int(at_us) / 1e6, UTC).isoformat(timespec="seconds")
