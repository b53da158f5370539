"""`twin search`: the best machines and buffers within a budget."""

from __future__ import annotations

import math
from typing import Annotated

import typer

from lines.loader import load
from twin.cli.answer_shown import check_files, show_answer
from twin.cli.experiment import (
    Asked,
    Cluster,
    EngineOption,
    FigureOption,
    Indifference,
    Jobs,
    LineArgument,
    Most,
    OutFile,
    Precision,
    Probability,
    Reports,
    Seed,
    Span,
    StartOption,
    WarmUpOption,
    origin_of,
    percentage,
    plan_of,
    race_and_tell,
)
from twin.errors import UsageError
from twin.whatif.figures import FIGURES, figure_number
from twin.whatif.search import Choice, search
from twin.whatif.workers import open_workers

__all__ = ["EXAMPLES", "find"]

EXAMPLES = (
    "Examples:  twin search storage_line --over stations.STK.machines=5..7 "
    "--over stations.FOR.machines=14..16 --cost stations.STK.machines=9 "
    "--cost stations.FOR.machines=4 --budget 13   |   "
    "twin search my_line.yaml --over 'buffers.A.capacity=0..40/10'"
)
MOST_VALUES = 10_000


def find(
    line: LineArgument,
    over: Annotated[
        list[str],
        typer.Option(
            help="What may be chosen: PATH=5..7, PATH=10..60/10 in steps of 10, or PATH=5,6,9; "
            "repeat it."
        ),
    ],
    cost: Annotated[
        list[str] | None,
        typer.Option(help="What one more costs: PATH=9, for a path of --over; in money or places."),
    ] = None,
    budget: Annotated[float | None, typer.Option(min=0, help="What may be spent in all.")] = None,
    indifference: Indifference = "0.5%",
    probability: Probability = 0.95,
    trials: Annotated[
        int, typer.Option(min=20, help="Choices that are tried where there are too many for all.")
    ] = 200,
    span: Span = None,
    warmup: WarmUpOption = None,
    start: StartOption = None,
    figure: FigureOption = "good_per_h",
    precision: Precision = "0.5%",
    most: Most = 400,
    seed: Seed = 1,
    engine: EngineOption = "auto",
    jobs: Jobs = None,
    cluster: Cluster = None,
    out: OutFile = None,
    reports: Reports = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
) -> None:
    """Find the best choice, then compare it with the line as it is, with fresh random numbers."""
    check_files(out, reports or [])
    loaded = load(line)
    choices = _choices(over, cost or [])
    plan, age_s = plan_of(
        loaded,
        span=span,
        warmup=warmup,
        start=start,
        figure=figure,
        precision=precision,
        replications=None,
        most=most,
        seconds=None,
        seed=seed,
        engine=engine,
    )
    with open_workers(jobs, cluster, engine) as workers:
        races = search(
            loaded,
            choices,
            plan=plan,
            workers=workers,
            budget=budget,
            indifference=percentage("--indifference", indifference),
            more_is_better=FIGURES[figure_number(figure)].more_is_better,
            probability=probability,
            trials=trials,
        )
        asked = Asked(loaded, (), plan, origin_of(line, start, age_s))
        kept = race_and_tell(races, asked, workers, silent=as_json)
    show_answer(kept, out, reports or [], as_json)


def _choices(over: list[str], cost: list[str]) -> list[Choice]:
    prices: dict[str, float] = {}
    for text in cost:
        path, _, price = text.partition("=")
        try:
            prices[path.strip()] = float(price)
        except ValueError:
            raise UsageError(f"--cost must be PATH=NUMBER, got {text!r}") from None
    choices = []
    for text in over:
        path, _, values = text.partition("=")
        path = path.strip()
        choices.append(Choice(path, _values(text, values), prices.pop(path, 0.0)))
    if prices:
        raise UsageError(f"--cost {next(iter(prices))} is no path of --over")
    if any(not math.isfinite(choice.unit_cost) or choice.unit_cost < 0 for choice in choices):
        raise UsageError("--cost must be a number of 0 or more")
    return choices


def _values(text: str, values: str) -> tuple[int, ...]:
    try:
        if ".." not in values:
            return tuple(dict.fromkeys(int(value) for value in values.split(",")))
        ends, _, step = values.partition("/")
        low, high = (int(end) for end in ends.split(".."))
        found = range(low, high + 1, int(step or 1))
    except ValueError:
        raise UsageError(f"--over must be PATH=5..7, 10..60/10 or 5,6,9, got {text!r}") from None
    if not 0 < len(found) <= MOST_VALUES:
        raise UsageError(f"--over must give 1 to {MOST_VALUES:,} values, got {text!r}")
    return tuple(found)
