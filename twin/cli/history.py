"""`twin history`: what was stored."""

from __future__ import annotations

import csv
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from twin.cli.history_gaps import why_nothing
from twin.cli.interrupt import interruptible
from twin.cli.numbers import whole
from twin.cli.places import DEFAULT_DATA, DataPlaces
from twin.cli.screen import STDERR, print_json
from twin.cli.stores import (
    DATABASE,
    ORG,
    Database,
    InfluxUrl,
    Org,
    TokenFile,
    influx_address,
    open_reader,
)
from twin.errors import QuantityError, UsageError
from twin.historian.duckdb_store import DuckDBHistorian
from twin.historian.port import Historian, History, Quality, Query
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
    limit: Annotated[
        int | None,
        typer.Option(parser=whole("--limit", 1), metavar="NUMBER", help="At most so many points."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write all that fits to this .csv or .parquet file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
    data: Annotated[Path, typer.Option(help="The data directory of 'twin run'.")] = DEFAULT_DATA,
    influx: InfluxUrl = None,
    database: Database = DATABASE,
    org: Org = ORG,
    token_file: TokenFile = None,
) -> None:
    """Query the history: the newest value of each series, or all points where a time is given."""
    address = influx_address(influx, database, org, token_file)
    query = Query(line, unit, signal, _instant("--from", start), _instant("--to", to), limit)
    if start is not None and last is not None:
        raise UsageError("give --from or --last, not both")
    if query.from_us is not None and query.to_us is not None and query.from_us >= query.to_us:
        raise UsageError(f"--from must be before --to, got {start} and {to}")
    timed = start is not None or to is not None or limit is not None or last is not None
    span_us = None if last is None else _span_us(last)
    store = open_reader(DataPlaces(data), address)
    job = "reading the history" if out is None else f"writing {out}; nothing is written"
    try:
        with interruptible(lambda: job):
            if span_us is not None:
                query = _recent(store, query, span_us)
            some = len(store.read(replace(query, limit=1)))
            nothing = "" if some else why_nothing(store, query)
            if out is not None:
                count = _export(store, query, out)
            else:
                found = store.read(query) if timed else store.last(query)
    finally:
        store.close()
    if nothing:
        STDERR.print(nothing, highlight=False, soft_wrap=True, markup=False)
    if out is not None:
        STDERR.print(f"{count:,} points written to {out}", highlight=False, soft_wrap=True)
        return
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


def _export(store: Historian, query: Query, out: Path) -> int:
    if isinstance(store, DuckDBHistorian):
        return store.export(query, out)
    try:
        from twin.historian.tables import write_table  # noqa: PLC0415 - needs the extra
    except ModuleNotFoundError as error:
        raise UsageError(
            f"--out from InfluxDB needs {error.name}; pip install 'linetwin[arrow]'"
        ) from None
    return write_table(store.read(query), out)


def _span_us(last: str) -> int:
    try:
        return parse_duration(last)
    except QuantityError as error:
        raise UsageError(f"--last {error}, got {last!r}") from None


def _recent(store: Historian, query: Query, span_us: int) -> Query:
    newest = store.last(query)
    if len(newest) == 0:
        return query
    return replace(query, from_us=int(newest.at_us.max()) - span_us)
