"""`twin history`: what was stored."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from lines.loader import load
from twin.cli.history_gaps import why_nothing
from twin.cli.history_shown import show
from twin.cli.interrupt import interruptible
from twin.cli.numbers import whole
from twin.cli.places import DEFAULT_DATA, DataPlaces
from twin.cli.screen import STDERR
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
from twin.cli.times import instant_option, time_option
from twin.errors import UsageError
from twin.historian.alarms import AlarmSpell, alarm_spells
from twin.historian.duckdb_store import DuckDBHistorian
from twin.historian.port import Historian, History, Query, Samples
from twin.historian.rows import (
    ALARM,
    KPI,
    POINT,
    SAMPLE,
    Row,
    alarm_rows,
    kpi_rows,
    point_rows,
    sample_rows,
)
from twin.historian.shift_kpis import ShiftKpi, shift_kpi
from twin.model.line import Line

__all__ = ["EXAMPLES", "history"]

Alarms: TypeAlias = tuple[str, list[AlarmSpell]]
Answer: TypeAlias = ShiftKpi | Samples | History | Alarms | int
"""What was asked for; a number where so many points were written to a file already."""

EXAMPLES = (
    "Examples:  twin history   |   twin history --line TUBE1 --unit FNS03 --signal state_current "
    "--from 2026-11-20T06:00   |   twin history --signal level --out levels.parquet   |   "
    "twin history --signal level --every '1 min' --last '8 h'   |   twin history --kpis tube_line"
    "   |   twin history --alarms tube_line --last '8 h'"
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
    every: Annotated[
        str | None,
        typer.Option(help="A row for so much time, as '1 min': points, mean, low, high, last."),
    ] = None,
    kpis: Annotated[
        str | None,
        typer.Option(
            metavar="LINE",
            help="What a line and its stations did in a shift (ISO 22400): the one of --from, else "
            "the newest; a packaged line's name or a line file.",
        ),
    ] = None,
    alarms: Annotated[
        str | None,
        typer.Option(
            metavar="LINE",
            help="When the alarms of a line stood; a packaged line's name or a line file.",
        ),
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
    from_us, to_us = instant_option("--from", start), instant_option("--to", to)
    query = Query(line, unit, signal, from_us, to_us, limit)
    if start is not None and last is not None:
        raise UsageError("give --from or --last, not both")
    if query.from_us is not None and query.to_us is not None and query.from_us >= query.to_us:
        raise UsageError(f"--from must be before --to, got {start} and {to}")
    timed = start is not None or to is not None or limit is not None or last is not None
    span_us = None if last is None else time_option("--last", last)
    every_us = None if every is None else time_option("--every", every)
    if every_us == 0:
        raise UsageError(f"--every must be greater than 0, got {every!r}")
    if limit is not None and (every or kpis or alarms):
        raise UsageError("--limit is for points; leave it out with --every, --kpis and --alarms")
    for option, named in (("--kpis", kpis), ("--alarms", alarms)):
        others = every or line or unit or signal or (kpis and alarms)
        if named is not None and others:
            raise UsageError(
                f"{option} names its line and is of all its stations; leave out "
                f"--every, --line, --unit, --signal and {'--alarms' if kpis else '--kpis'}"
            )
    named = kpis or alarms
    watched = None if named is None else load(named)
    if watched is not None:
        query = replace(query, line=watched.id)
    store = open_reader(DataPlaces(data), address)
    job = "reading the history" if out is None else f"writing {out}; nothing is written"
    answer: Answer
    try:
        with interruptible(lambda: job):
            if span_us is not None:
                query = _recent(store, query, span_us)
            some = len(store.read(replace(query, limit=1)))
            nothing = "" if some else why_nothing(store, query)
            if watched is not None and kpis is not None:
                answer = _shift(store, watched, query)
            elif watched is not None:
                answer = _spells(store, watched, query)
            elif every_us is not None:
                answer = store.sampled(query, every_us)
            elif out is not None and isinstance(store, DuckDBHistorian):
                answer = store.export(query, out)
            else:
                answer = store.read(query) if timed or out else store.last(query)
    finally:
        store.close()
    if nothing:
        STDERR.print(nothing, highlight=False, soft_wrap=True, markup=False)
    if out is None:
        show(*_rows(answer), as_json=as_json)
        return
    count = answer if isinstance(answer, int) else _written(answer, out)
    what = "points" if isinstance(answer, int | History) else "rows"
    STDERR.print(f"{count:,} {what} written to {out}", highlight=False, soft_wrap=True)


def _shift(store: Historian, line: Line, query: Query) -> ShiftKpi:
    """The shift in which the time asked for begins; without one the newest that is stored."""
    at_us = query.from_us
    if at_us is None:
        known = store.last(Query(line.id, "", "good_units", to_us=query.to_us))
        at_us = int(known.at_us.max()) if len(known) else 0
    found = shift_kpi(store, line, at_us)
    if found is None:
        raise UsageError(
            f"--kpis needs a shift that the twin watched; the history has nothing that {line.id} "
            "made in the one asked for; 'twin history' says what there is"
        )
    return found


def _spells(store: Historian, line: Line, query: Query) -> Alarms:
    newest = store.last(Query(line.id))
    end_us = int(newest.at_us.max()) + 1 if len(newest) else 0
    to_us = end_us if query.to_us is None else query.to_us
    return line.id, alarm_spells(store, line, query.from_us or 0, to_us)


def _rows(answer: Answer) -> tuple[tuple[str, ...], list[Row]]:
    match answer:
        case ShiftKpi():
            return KPI, kpi_rows(answer)
        case Samples():
            return SAMPLE, sample_rows(answer)
        case History():
            return POINT, point_rows(answer)
        case int():
            return (), []
        case line, spells:
            return ALARM, alarm_rows(line, spells)


def _written(answer: ShiftKpi | Samples | History | Alarms, out: Path) -> int:
    try:
        from twin.historian import tables  # noqa: PLC0415 - needs the extra
    except ModuleNotFoundError as error:
        raise UsageError(
            f"--out of this needs {error.name}; pip install 'linetwin[arrow]'"
        ) from None
    match answer:
        case ShiftKpi():
            table = tables.kpi_table(answer)
        case Samples():
            table = tables.sample_table(answer)
        case History():
            table = tables.arrow_table(answer)
        case line, spells:
            table = tables.alarm_table(line, spells)
    return tables.write_table(table, out)


def _recent(store: Historian, query: Query, span_us: int) -> Query:
    newest = store.last(query)
    if len(newest) == 0:
        return query
    return replace(query, from_us=int(newest.at_us.max()) - span_us)
