"""`twin forecast`: what will a line have made by the end of the shift; and how forecasts did."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from lines.loader import load
from twin.cli.experiment import duration
from twin.cli.experiment_options import Cluster, EngineOption, Jobs, Seed
from twin.cli.faults import Faults
from twin.cli.forecast_scored import show_scores
from twin.cli.live_state import live_state
from twin.cli.numbers import number, whole
from twin.cli.places import DEFAULT_DATA, DataPlaces
from twin.cli.screen import STDERR, STDOUT, print_columns, print_json
from twin.cli.snapshot import read_snapshot
from twin.cli.stores import (
    DATABASE,
    ORG,
    Database,
    InfluxUrl,
    Org,
    TokenFile,
    influx_address,
)
from twin.cli.times import time_option
from twin.engine.planned_time import open_time_us
from twin.engine.simulation import EngineName
from twin.errors import UsageError
from twin.historian.duckdb_store.forecasts import ForecastStore
from twin.model.line import Line
from twin.model.nearest import did_you_mean
from twin.whatif.forecast import Forecast, State, forecasts
from twin.whatif.forecast_scores import kept
from twin.whatif.forecast_telling import (
    COMING_HEADINGS,
    HEADINGS,
    as_json,
    coming_rows,
    facts,
    rows,
)
from twin.whatif.horizons import Horizon, horizons_of
from twin.whatif.words import spoken_time
from twin.whatif.workers import Workers, open_workers

__all__ = ["EXAMPLES", "forecast"]

EXAMPLES = (
    "Examples:  twin forecast storage_line --from monday.json   |   "
    "twin forecast tube_line --from now.json --order 500000 --target 640000   |   "
    "twin forecast tube_line --from now.json --keep   |   "
    "twin forecast tube_line --live --until '2 h'   |   "
    "twin forecast scores tube_line --came later.json"
)
HOUR_US = 3_600_000_000


def forecast(
    line: Annotated[
        str,
        typer.Argument(help="A line file, or the name of a packaged line; or the word 'scores'."),
    ],
    of: Annotated[
        str | None, typer.Argument(help="After 'scores': the line whose forecasts are scored.")
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option("--from", help="The state to begin in: a file of 'twin snapshot'."),
    ] = None,
    live: Annotated[
        bool,
        typer.Option(
            "--live",
            help="Begin in what the live twin knows: the newest state of the history in --data, or "
            "of --influx. The twin may run meanwhile.",
        ),
    ] = False,
    age: Annotated[
        str | None, typer.Option(help="How old that state is by the plant's clock. [0]")
    ] = None,
    unknown: Annotated[
        list[str] | None,
        typer.Option(help="STATION=TIME: nothing has been heard of it for so long; repeatable."),
    ] = None,
    until: Annotated[
        list[str] | None,
        typer.Option(
            help="From now on, as '2 h'; repeatable. \\[the end of the shift and of the day]"
        ),
    ] = None,
    target: Annotated[
        float | None,
        typer.Option(
            parser=number("--target", 0, 1e12),
            metavar="NUMBER",
            help="Units that should be made by the first of these ends. \\[the line's target]",
        ),
    ] = None,
    made: Annotated[
        float,
        typer.Option(
            parser=number("--made", 0, 1e12),
            metavar="NUMBER",
            help="So many of the target were made before the state.",
        ),
    ] = 0.0,
    order: Annotated[
        float | None,
        typer.Option(
            parser=number("--order", 1e-6, 1e12),
            metavar="NUMBER",
            help="When will so many more units be made?",
        ),
    ] = None,
    replications: Annotated[
        int,
        typer.Option(
            parser=whole("--replications", 2), metavar="NUMBER", help="Futures that are looked at."
        ),
    ] = 199,
    seed: Seed = 1,
    engine: EngineOption = "auto",
    jobs: Jobs = None,
    cluster: Cluster = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Store it, to be scored when its time has come.")
    ] = False,
    came: Annotated[
        list[Path] | None,
        typer.Option(help="After 'scores': a later state of the same run, at a forecast's end."),
    ] = None,
    data: Annotated[
        Path, typer.Option(help="Where forecasts are stored, and the history of --live.")
    ] = DEFAULT_DATA,
    influx: InfluxUrl = None,
    database: Database = DATABASE,
    org: Org = ORG,
    token_file: TokenFile = None,
    as_json_: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
) -> None:
    """Say what a line will have made by the end of the shift and the day, and how sure that is."""
    faults = Faults()
    store = ForecastStore(DataPlaces(data).forecasts)
    if line == "scores":
        faults.tell()
        show_scores(store, None if of is None else load(of), came or [], as_json_)
        return
    with faults.noted():
        if of is not None:
            raise UsageError(f"one line at a time, got {line!r} and {of!r}")
    with faults.noted():
        if came:
            raise UsageError(
                "--came says what came of forecasts: use it as 'twin forecast scores LINE'"
            )
    with faults.needed():
        loaded = load(line)
    silent = _unknown(loaded, unknown or [], faults)
    age_us, snapshot, ahead = 0, None, []
    with faults.noted():
        age_us = 0 if age is None else time_option("--age", age)
    for text in until or []:
        with faults.noted():
            ahead.append((text, duration("--until", text)))
    _one_state(start, faults, live=live, keep=keep)
    if start is not None:
        with faults.noted():
            snapshot = read_snapshot(start)
    faults.tell()
    if snapshot is None:
        address = influx_address(influx, database, org, token_file)
        state = live_state(DataPlaces(data), address, loaded, seed)
        state = replace(state, age_us=age_us, unknown={**state.unknown, **silent})
    else:
        state = State(snapshot, age_us=age_us, unknown=silent, name=str(start))
    ends = [Horizon(text, state.now_us + after_us) for text, after_us in ahead]
    found = tuple(ends) or horizons_of(loaded, state.now_us)
    targets = {} if target is None else {found[0].name: target - made}
    if target is None and made:
        loaded_target = loaded.target or 0.0
        hours = open_time_us(loaded.calendar_of(), state.snapshot.at_us, found[0].at_us) / HOUR_US
        targets = {found[0].name: loaded_target * hours - made}
    if keep:
        data.mkdir(parents=True, exist_ok=True)
    with open_workers(jobs, cluster, engine) as workers:
        last = _made(loaded, state, found, targets, order, replications, seed, engine, workers)
    if keep:
        store.add(kept(last, round(time.time() * 1e6)))
        STDERR.print(f"kept: {store.path}", highlight=False, soft_wrap=True, markup=False)
    if as_json_:
        print_json(as_json(last))
    else:
        _print(last)


def _one_state(start: Path | None, faults: Faults, *, live: bool, keep: bool) -> None:
    """Note what is wrong with where the forecast is to begin."""
    with faults.noted():
        if start is None and not live:
            raise UsageError(
                "needs a state to begin in; give --from FILE, as 'twin snapshot' writes it, or "
                "--live"
            )
    with faults.noted():
        if start is not None and live:
            raise UsageError("give --from or --live, not both")
    with faults.noted():
        if live and keep:
            raise UsageError(
                "--keep is for --from: 'twin run' keeps and settles forecasts of what it watches"
            )


def _unknown(line: Line, texts: list[str], faults: Faults) -> Mapping[str, int]:
    found = {}
    for text in texts:
        name, sign, given = text.partition("=")
        with faults.noted():
            if not sign:
                raise UsageError(f"--unknown must be STATION=TIME, as 'STK=10 min', got {text!r}")
            if name not in line.station_by_id:
                hint = did_you_mean(name, line.station_by_id)
                raise UsageError(
                    f"--unknown must name a station of {line.id}, got {name!r}; {hint}"
                )
            found[name] = time_option("--unknown", given)
    return found


def _made(
    line: Line, state: State, horizons: tuple[Horizon, ...], targets: Mapping[str, float],
    order: float | None, replications: int, seed: int, engine: EngineName, workers: Workers,
) -> Forecast:  # fmt: skip
    """Make it with its progress on show; Ctrl-C ends it with the futures so far."""
    last: Forecast | None = None
    with STDERR.status(f"{replications} futures of {line.id}") as status:
        try:
            for last in forecasts(
                line, state, horizons=horizons, targets=targets, order=order, until_us=None,
                replications=replications, seed=seed, engine=engine, workers=workers,
            ):  # fmt: skip
                first = last.outlooks[0]
                low, high = first.quantile(0.05), first.quantile(0.95)
                status.update(
                    f"{last.replications} of {replications} futures; {first.horizon.name}: "
                    f"{low:,.0f} to {high:,.0f}; Ctrl-C gives the answer so far"
                )
        except KeyboardInterrupt:
            if last is None:
                raise
    if last is None:
        raise UsageError("the forecast gave no answer")
    return last


def _print(made: Forecast) -> None:
    if not made.whole:
        STDOUT.print("The answer so far: fewer futures than asked for.", style="bold yellow")
    unit = made.line.product.unit
    begin = spoken_time(made.state.snapshot.at_us)
    print_columns(f"{made.line.id}: good {unit}s made from {begin} on", HEADINGS, rows(made))
    coming = coming_rows(made)
    if coming:
        print_columns("What comes first", COMING_HEADINGS, coming)
    for name, text in facts(made):
        STDOUT.print(f"{name:<14}{text}", highlight=False, soft_wrap=True, markup=False)
