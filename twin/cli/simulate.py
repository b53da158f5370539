"""`twin simulate`: what a line would do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.table import Table

from lines.loader import load
from twin.cli.experiment import duration
from twin.cli.experiment_options import EngineOption
from twin.cli.faults import Faults
from twin.cli.interrupt import Interrupted, ended_in_order
from twin.cli.numbers import number, whole
from twin.cli.screen import STDOUT, plural, print_json, print_table, progress_bar
from twin.cli.snapshot import read_snapshot
from twin.cli.times import time_option
from twin.engine import simulation
from twin.engine.results import Estimate, Results
from twin.errors import EngineError, UsageError

__all__ = ["EXAMPLES", "simulate"]

EXAMPLES = (
    "Examples:  twin simulate storage_line --days 30   |   "
    "twin simulate my_line.yaml --days 0.5 --replications 10 --json   |   "
    "twin simulate storage_line --start monday.json --until '8 h'"
)
DAY_US = 86_400_000_000


def simulate(
    line: Annotated[str, typer.Argument(help="A line file, or the name of a packaged line.")],
    days: Annotated[
        float | None,
        typer.Option(
            parser=number("--days", 1e-6, 36_500),
            metavar="NUMBER",
            help="Days to simulate and count, at most 36,500. [1]",
        ),
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="The same as a time with its unit, as '8 h'.")
    ] = None,
    warmup: Annotated[
        str | None,
        typer.Option(help="Simulated and not counted. \\[the line's own; none with --start]"),
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
    start: Annotated[
        Path | None, typer.Option(help="Go on from this file of 'twin snapshot', not from empty.")
    ] = None,
    replications: Annotated[
        int,
        typer.Option(parser=whole("--replications", 1), metavar="NUMBER", help="Independent runs."),
    ] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
) -> None:
    """Simulate a line; print output, yield, OEE and where the time goes."""
    faults = Faults()
    span_us, warm_up_us, snapshot = DAY_US, None, None
    with faults.noted():
        if days is not None and until is not None:
            raise UsageError("give --days or --until, not both")
        if until is not None:
            span_us = duration("--until", until)
        elif days is not None:
            span_us = round(days * DAY_US)
    with faults.noted():
        warm_up_us = None if warmup is None else time_option("--warmup", warmup)
    with faults.noted():
        if start is not None and seed is not None:
            raise UsageError("a snapshot brings its own seed; give --start or --seed, not both")
    with faults.noted():
        snapshot = None if start is None else read_snapshot(start)
    with faults.needed():
        loaded = load(line)
    faults.tell()
    doing = f"simulating {loaded.id}"
    reached = 0.0
    with progress_bar(doing) as progress, ended_in_order() as halted:

        def show(done: float) -> None:
            nonlocal reached
            reached = done
            progress(done)

        try:
            results = simulation.simulate(
                loaded,
                engine=engine,
                seed=seed,
                replications=replications,
                warmup=warm_up_us,
                until=span_us,
                start=snapshot,
                progress=show,
                halted=halted,
            )
        except EngineError:
            if halted():
                raise Interrupted(f"interrupted while {doing}, {reached:.0%} done") from None
            raise
    if as_json:
        print_json(results.as_json())
        return
    if results.interrupted:
        STDOUT.print(
            "The answer so far: fewer days or replications than asked for.", style="bold yellow"
        )
    _print_table(results)


def _interval(value: Estimate, digits: int, scale: float = 1.0) -> str:
    text = f"{value.mean * scale:,.{digits}f}"
    if value.half_width_95 is None:
        return text
    return f"{text} ± {value.half_width_95 * scale:,.{digits}f}"


def _longest_wait(results: Results) -> str:
    """Which station waits most of its time, and what for."""
    waits = [
        (by.mean, station.id, what, cause)
        for station in results.line.stations
        for what, causes in (
            ("starved for", results.starved_by(station.id)),
            ("blocked by", results.blocked_by(station.id)),
        )
        for cause, by in causes.items()
    ]
    share, station_id, what, cause = max(waits, default=(0.0, "", "", ""))
    if not share:
        return "none"
    return f"longest at {station_id}: {share:.1%} of its time {what} {cause}"


COLUMNS = ["good", "scrap", "OEE", "exec", "starv", "block", "fault", "setup", "maint", "stop"]


def _print_table(results: Results) -> None:
    line, unit = results.line, results.line.product.unit
    slowest = results.slowest()
    count = len(results.replications)
    runs = f", parts of {count} replications together" if count > 1 else ""
    table = Table(
        title=f"{line.id}: {results.days:g} days "
        f"after {(results.from_us - results.start_us) / DAY_US:g} of warm-up, "
        f"seed {results.seed}, engine {results.engine}{runs}",
        caption=f"{slowest} waits least: it sets the pace. OEE and shares of time in %.",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column("station", no_wrap=True)
    for heading in COLUMNS:
        table.add_column(heading, justify="right", no_wrap=True)
    for station in line.stations:
        kpi = results.station(station.id)
        shares = (
            kpi.oee_index,
            kpi.execute_share,
            kpi.starved_share,
            kpi.blocked_share,
            kpi.fault_share,
            kpi.setup_share,
            kpi.maintenance_share,
            kpi.planned_stop_share,
        )
        table.add_row(
            station.id + (" ◀" if station.id == slowest else ""),
            f"{kpi.good:,}",
            f"{kpi.scrap:,}",
            *(f"{share * 100:.1f}" for share in shares),
            style="bold" if station.id == slowest else None,
        )
    print_table(table)
    hours = results.planned_busy_h
    good = sum(results.good_units(c) for c in results.replications) / len(results.replications)
    target = ""
    if line.target:
        target = (
            f" (target {line.target:,.0f}, {results.good_per_h().mean / line.target:.1%} of it)"
        )
    STDOUT.print(
        f"output   {_interval(results.good_per_h(), 1)} good {plural(unit)} an hour of planned "
        f"busy time{target}\n"
        f"         {good / results.days:,.0f} a day; {hours:,.1f} h of {results.days * 24:,.1f} h "
        f"are planned busy time\n"
        f"yield    {_interval(results.yield_ratio(), 3, 100)} %\n"
        f"energy   {_interval(results.kwh_per_unit(), 4)} kWh a good {unit}\n"
        f"waits    {_longest_wait(results)}",
        highlight=False,
        soft_wrap=True,
    )
