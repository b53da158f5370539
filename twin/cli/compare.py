"""`twin compare`: scenarios from a file, beside the line as it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
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
    Replications,
    Reports,
    Seconds,
    Seed,
    Span,
    StartOption,
    WarmUpOption,
    origin_of,
    percentage,
    plan_of,
    race_and_tell,
    run_and_tell,
)
from twin.whatif.figures import FIGURES, figure_number
from twin.whatif.scenario_file import read_scenarios
from twin.whatif.search import pick
from twin.whatif.workers import open_workers

__all__ = ["EXAMPLES", "compare"]

EXAMPLES = (
    "Examples:  twin compare storage_line scenarios.yaml   |   "
    "twin compare my_line.yaml scenarios.yaml --precision 0.2% --report answer.html   |   "
    "twin compare my_line.yaml scenarios.yaml --best --indifference 0.3%"
)


def compare(
    line: LineArgument,
    scenarios: Annotated[
        Path,
        typer.Argument(help="A YAML file: names of scenarios, each with its changes."),
    ],
    best: Annotated[
        bool, typer.Option("--best", help="Find the best of all, and compare it alone.")
    ] = False,
    indifference: Indifference = "0.5%",
    probability: Probability = 0.95,
    span: Span = None,
    warmup: WarmUpOption = None,
    start: StartOption = None,
    figure: FigureOption = "good_per_h",
    precision: Precision = "0.5%",
    replications: Replications = None,
    most: Most = 400,
    seconds: Seconds = None,
    seed: Seed = 1,
    engine: EngineOption = "auto",
    jobs: Jobs = None,
    cluster: Cluster = None,
    out: OutFile = None,
    reports: Reports = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
) -> None:
    """Compare scenarios with a line as it is, all with the same random numbers."""
    check_files(out, reports or [])
    loaded = load(line)
    asked_for = read_scenarios(scenarios)
    plan, age_s = plan_of(
        loaded,
        span=span,
        warmup=warmup,
        start=start,
        figure=figure,
        precision=precision,
        replications=replications,
        most=most,
        seconds=seconds,
        seed=seed,
        engine=engine,
    )
    asked = Asked(loaded, asked_for, plan, origin_of(line, start, age_s))
    with open_workers(jobs, cluster, engine) as workers:
        if best:
            races = pick(
                loaded,
                asked_for,
                plan=plan,
                workers=workers,
                indifference=percentage("--indifference", indifference),
                more_is_better=FIGURES[figure_number(figure)].more_is_better,
                probability=probability,
            )
            kept = race_and_tell(races, replace(asked, scenarios=()), workers, silent=as_json)
        else:
            kept = run_and_tell(asked, workers)
    show_answer(kept, out, reports or [], as_json)
