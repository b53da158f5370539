"""`twin calibrate`: a line file's times and rates, fitted to what was recorded of the plant."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Annotated

import typer

from lines.edits import unit_at
from lines.loader import load_text, read_text, shown_path
from lines.spans import spans
from twin.calibration.calibrate import HELD_BACK, calibrate
from twin.calibration.finding import Finding
from twin.calibration.finding import Path as Place
from twin.calibration.proposal import Proposal, propose
from twin.calibration.seen import Span, span_of
from twin.cli.calibrate_shown import TITLES, as_data, row, summary
from twin.cli.history_gaps import why_nothing
from twin.cli.numbers import number
from twin.cli.places import DEFAULT_DATA, DataPlaces
from twin.cli.screen import STDERR, print_json, print_rows, progress_bar
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
from twin.cli.times import instant_option
from twin.errors import LinetwinError, UsageError
from twin.historian.duckdb_store import DuckDBHistorian
from twin.historian.memory import MemoryHistorian
from twin.historian.port import Historian, Point, Quality, Query
from twin.historian.recording import FORMS, read_recording
from twin.model.durations import Duration
from twin.model.line import Line
from twin.model.nearest import did_you_mean

__all__ = ["EXAMPLES", "calibrate_line"]

EXAMPLES = (
    "Examples:  twin calibrate tube_line   |   twin calibrate my_line.yaml --station CUT --diff   "
    "|   twin calibrate my_line.yaml --history plant.parquet --write my_line_fitted.yaml   |   "
    "twin calibrate my_line.yaml --from 2026-11-01 --to 2026-11-20 --json"
)


def calibrate_line(
    line: Annotated[str, typer.Argument(help="A line file, or the name of a packaged line.")],
    history: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A history.duckdb of 'twin run', or a recording in .csv or .parquet as 'twin "
            "history --out' writes it. Default: the one in --data.",
        ),
    ] = None,
    station: Annotated[
        list[str] | None, typer.Option(help="Only of this station; may be given several times.")
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="ISO instant; UTC where it names no zone.")
    ] = None,
    to: Annotated[str | None, typer.Option("--to", help="ISO instant, not included.")] = None,
    held_back: Annotated[
        float,
        typer.Option(
            "--held-back",
            parser=number("--held-back", 0.1, 0.5),
            metavar="SHARE",
            show_default="a third",
            help="The last part of the history, on which fits are tested; 0.1 to 0.5.",
        ),
    ] = HELD_BACK,
    diff: Annotated[bool, typer.Option("--diff", help="Print what changes as a diff.")] = False,
    write: Annotated[
        Path | None, typer.Option(metavar="OUT", help="Write the changed line file.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="--write may take the place of a file.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
    data: Annotated[Path, typer.Option(help="The data directory of 'twin run'.")] = DEFAULT_DATA,
    influx: InfluxUrl = None,
    database: Database = DATABASE,
    org: Org = ORG,
    token_file: TokenFile = None,
) -> None:
    """Fit a line file's times and rates to the history; say how sure each is; change nothing.

    Cycle times, times to failure and to repair (with those that were cut off counted as such),
    scrap, rework and what inspections find. What foretells the last third of the history worse than
    the line file does is refused. The result is a diff, or a new file, to be looked at.
    """
    path, text = read_text(line)
    name = shown_path(path)
    loaded = load_text(text, name)
    stations = _known(loaded, station or ())
    if as_json and diff:
        raise UsageError("give --json or --diff, not both; the JSON has the diff in it")
    if write is not None and write.exists() and not overwrite:
        raise UsageError(
            f"--write must be a file that is not there yet, got {write}; --overwrite lets it go"
        )
    address = influx_address(influx, database, org, token_file)
    if history is not None and address is not None:
        raise UsageError("give --history or --influx, not both")
    from_us, to_us = instant_option("--from", start), instant_option("--to", to)
    if history is None:
        store = open_reader(DataPlaces(data), address)
    else:
        store = _opened(history, loaded.id)
    root = spans(text)

    def unit_of(place: Place, duration: Duration) -> str:
        return unit_at(root, place, duration)

    try:
        span = _span(store, loaded, from_us, to_us, held_back)
        with progress_bar(f"calibrating {loaded.id}") as progress:
            _, found = calibrate(store, loaded, span, unit_of, stations, progress)
    finally:
        store.close()
    proposal = propose(text, name, found)
    _show(found, proposal, unit_of, span, as_json=as_json, diff=diff)
    if write is not None:
        _write(write, proposal)


def _known(line: Line, stations: Collection[str]) -> frozenset[str]:
    known = list(line.station_by_id)
    for name in stations:
        if name not in known:
            raise UsageError(
                f"--station must be a station of {line.id}, got {name!r}; "
                f"{did_you_mean(name, known)}"
            )
    return frozenset(stations)


def _opened(history: Path, line: str) -> Historian:
    if history.suffix.lower() in FORMS:
        found, store = read_recording(history, line), MemoryHistorian()
        columns = (found.series_index, found.at_us, found.value, found.quality)
        rows = zip(*(column.tolist() for column in columns), strict=True)
        store.write([
            Point(found.series[index], at_us, value, Quality(quality))
            for index, at_us, value, quality in rows
        ])  # fmt: skip
        return store
    file = history / "history.duckdb" if history.is_dir() else history
    if not file.is_file():
        raise UsageError(
            f"--history must be a history.duckdb of 'twin run', or a recording that ends in "
            f"{' or '.join(FORMS)}; there is no {file}"
        )
    return DuckDBHistorian(file, read_only=True)


def _span(
    store: Historian, line: Line, from_us: int | None, to_us: int | None, held_back: float
) -> Span:
    """The time that is looked through; an error where the history is not this line's."""
    span = span_of(store, line, from_us, to_us, held_back)
    if span is None:
        known = sorted({series.line for series in store.last(Query()).series})
        if known and line.id not in known:
            raise LinetwinError(
                f"the history has nothing of {line.id}; it has {', '.join(known)}; give the file "
                "of that line, or another --history"
            )
        why = why_nothing(store, Query(line.id, None, "state_current", from_us, to_us))
        raise LinetwinError(f"there is nothing of {line.id} to calibrate with: {why}")
    units = {s.machine_id(machine) for s in line.stations for machine in range(s.machines)}
    seen = {series.unit for series in store.last(Query(line.id, None, "state_current")).series}
    if seen - units:
        strange = sorted(seen - units)
        raise LinetwinError(
            f"the history is of another line that is called {line.id}, too: it has "
            f"{', '.join(strange[:5])}{' ...' if len(strange) > 5 else ''}, which this line file "
            "has not; give the file that the plant ran by, or --from since when it did"
        )
    return span


def _show(
    found: list[Finding],
    proposal: Proposal,
    unit_of: Callable[[Place, Duration], str],
    span: Span,
    *,
    as_json: bool,
    diff: bool,
) -> None:
    if as_json:
        print_json({
            "from_us": span.from_us,
            "to_us": span.to_us,
            "held_back_from_us": span.split_us,
            "numbers": [as_data(one, unit_of) for one in found],
            "by_hand": list(proposal.stuck),
            "diff": proposal.diff,
        })  # fmt: skip
    elif diff:
        typer.echo(proposal.diff, nl=False)
    else:
        print_rows(TITLES, [row(one, unit_of) for one in found])
    hours = (span.to_us - span.from_us) / 3.6e9
    STDERR.print(f"{hours:.4g} h of history; {summary(found)}", highlight=False, soft_wrap=True)
    if proposal.stuck:
        STDERR.print(
            f"to be changed by hand, as one place says several: {', '.join(proposal.stuck)}",
            highlight=False,
            soft_wrap=True,
            markup=False,
        )


def _write(out: Path, proposal: Proposal) -> None:
    if not proposal.diff:
        STDERR.print(f"nothing changes; {out} is not written", highlight=False, soft_wrap=True)
        return
    part = out.with_name(f".{out.name}.part")
    try:
        part.write_text(proposal.text, encoding="utf-8")
        part.replace(out)
    except OSError as error:
        raise UsageError(f"--write: {out} can't be written: {error.strerror or error}") from None
    finally:
        part.unlink(missing_ok=True)
    STDERR.print(f"wrote {out}", highlight=False, soft_wrap=True)
