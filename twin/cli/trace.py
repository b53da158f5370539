"""`twin trace`: every event of a run, hashed and written; `twin trace diff`: two such files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from lines.loader import load
from twin.cli.experiment_options import EngineOption
from twin.cli.faults import Faults, GatheredCommand
from twin.cli.numbers import whole
from twin.cli.screen import STDERR, STDOUT, progress_bar
from twin.cli.snapshot import read_snapshot
from twin.cli.times import time_option
from twin.engine import trace
from twin.errors import TraceError, UsageError

__all__ = ["app"]

EXAMPLES = (
    "Examples:  twin trace tube_line --until '1 h' --hash   |   "
    "twin trace tube_line --until '1 h' --engine simpy --out a.parquet   |   "
    "twin trace diff a.parquet b.csv"
)
DIFFERENT = 1


class _RecordUnlessNamed(TyperGroup):
    """`twin trace LINE` is `twin trace record LINE`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, "--help"}:
            args = ["record", *args]
        return list(super().parse_args(ctx, args))


app = typer.Typer(
    cls=_RecordUnlessNamed,
    no_args_is_help=True,
    epilog=EXAMPLES,
    help="Hash or write every event of a run ('twin trace LINE' is 'twin trace record LINE'); "
    "find where two such files differ.",
)


@app.command(epilog=EXAMPLES, cls=GatheredCommand)
def record(
    line: Annotated[str, typer.Argument(help="A line file, or the name of a packaged line.")],
    until: Annotated[str, typer.Option(help="How long it runs, as '8 h'.")],
    as_hash: Annotated[
        bool, typer.Option("--hash", help="Print the hash of all events. \\[done without --out]")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write all events to this .parquet or .csv file.")
    ] = None,
    engine: EngineOption = "auto",
    seed: Annotated[
        int | None,
        typer.Option(
            parser=whole("--seed"),
            metavar="NUMBER",
            help="The same seed gives the same run. [1, or the snapshot's]",
        ),
    ] = None,
    replication: Annotated[
        int | None,
        typer.Option(
            parser=whole("--replication", 0),
            metavar="NUMBER",
            help="Which of the seed's runs. [0, or the snapshot's]",
        ),
    ] = None,
    start: Annotated[
        Path | None, typer.Option(help="Go on from this file of 'twin snapshot', not from empty.")
    ] = None,
) -> None:
    """Run a line; print the hash of its events, write them to a file, or both."""
    faults = Faults()
    until_us, before = 0, None
    with faults.noted():
        until_us = time_option("--until", until)
    with faults.noted():
        if start is not None and seed is not None:
            raise UsageError("a snapshot brings its own seed; give --start or --seed, not both")
    with faults.noted():
        before = None if start is None else read_snapshot(start)
    with faults.needed():
        loaded = load(line)
    faults.tell()
    with progress_bar(f"tracing {loaded.id}") as progress:
        header = trace.record_trace(
            loaded,
            until_us=until_us,
            engine=engine,
            seed=seed,
            replication=replication,
            start=before,
            out=out,
            progress=progress,
        )
    if out is not None:
        STDERR.print(f"{header.events:,} events written to {out}", highlight=False, soft_wrap=True)
    if as_hash or out is None:
        STDOUT.print(header.digest, highlight=False)


@app.command(epilog=EXAMPLES)
def diff(
    a: Annotated[Path, typer.Argument(help="A file of 'twin trace'.")],
    b: Annotated[Path, typer.Argument(help="Another of the same run, CSV or Parquet.")],
) -> None:
    """Compare two traces; show the first difference and what led to it.

    Exit codes: 0 they are the same; 1 they differ; 2 they can't be compared.
    """
    try:
        one, other = trace.open_trace(a), trace.open_trace(b)
        with progress_bar("comparing") as progress:
            found = trace.compare_traces(one, other, progress)
    except TraceError as error:
        raise UsageError(str(error)) from error
    if found is None:
        STDOUT.print(
            f"the same {one.header.events:,} events, hash {one.header.digest}", highlight=False
        )
        return
    STDOUT.print(
        trace.tell(found, one.header, other.header), highlight=False, markup=False, soft_wrap=True
    )
    raise typer.Exit(DIFFERENT)
