"""`twin history`: what was stored."""

from __future__ import annotations

import csv
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from twin.cli.places import DEFAULT_DATA, DataPlaces
from twin.cli.screen import STDERR, print_json
from twin.errors import QuantityError, UsageError
from twin.historian.duckdb_store import DuckDBHistorian
from twin.historian.port import History, Quality, Query
from twin.model.quantity import parse_duration

__all__ = ["EXAMPLES", "history"]

EXAMPLES = (
    "Examples:  twin history   |   twin history --line TUBE1 --unit FNS03 --signal state_current "
    "--from 2026-11-20T06:00   |   twin history --signal level --out levels.parquet"
)


def history(
    line: Annotated[str | None, typer.Option(help="Line id, as TUBE1.")] = None,
    unit: Annotated[str | None, typer.Option(help="Machine or buffer, as FNS03.")] = None,
    signal: Annotated[str | None, typer.Option(help="Signal, as state_current.")] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="ISO instant; UTC where it names no zone.")
    ] = None,
    to: Annotated[str | None, typer.Option("--to", help="ISO instant, not included.")] = None,
    last: Annotated[
        str | None, typer.Option(help="So much time before the newest point, as '15 min'.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many points.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write all that fits to this .csv or .parquet file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
    data: Annotated[Path, typer.Option(help="The data directory of 'twin run'.")] = DEFAULT_DATA,
) -> None:
    """Query the history: the newest value of each series, or all points where a time is given."""
    path = DataPlaces(data).history
    if not path.exists():
        raise UsageError(
            f"there is no history at {path}; 'twin run' makes it, --data names another"
        )
    store = DuckDBHistorian(path)
    try:
        query = Query(line, unit, signal, _instant("--from", start), _instant("--to", to), limit)
        timed = start is not None or to is not None or limit is not None or last is not None
        if last is not None:
            query = _recent(store, query, last)
        if out is not None:
            written = store.export(query, out)
            STDERR.print(f"{written:,} points written to {out}", highlight=False, soft_wrap=True)
            return
        found = store.read(query) if timed else store.last(query)
    finally:
        store.close()
    if as_json:
        print_json([dict(zip(COLUMNS, row, strict=True)) for row in _rows(found)])
        return
    writer = csv.writer(sys.stdout)
    writer.writerow(COLUMNS)
    writer.writerows(_rows(found))


COLUMNS = ("at", "line", "unit", "signal", "value", "quality")


def _rows(found: History) -> list[tuple[str, str, str, str, float, str]]:
    rows = []
    for index, at_us, value, quality in zip(
        found.series_index, found.at_us, found.value, found.quality, strict=True
    ):
        series = found.series[int(index)]
        at = datetime.fromtimestamp(int(at_us) / 1e6, UTC).isoformat(timespec="microseconds")
        rows.append(
            (
                at,
                series.line,
                series.unit,
                series.signal,
                float(value),
                Quality(int(quality)).name.lower(),
            )
        )
    return rows


def _instant(option: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{option} must be an ISO instant, as 2026-11-20T06:00, got {text!r}"
        ) from None
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1e6)


def _recent(store: DuckDBHistorian, query: Query, last: str) -> Query:
    try:
        span = parse_duration(last)
    except QuantityError as error:
        raise UsageError(f"--last {error}, got {last!r}") from None
    newest = store.last(Query(query.line, query.unit, query.signal))
    if len(newest) == 0:
        return query
    from_us = int(newest.at_us.max()) - span
    return Query(query.line, query.unit, query.signal, from_us, query.to_us, query.limit)
