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
    origin_of,
    percentage,
    plan_of,
    race_and_tell,
    run_and_tell,
)
from twin.cli.experiment_options import (
    LimitOptions,
    LineArgument,
    OutputOptions,
    PrecisionOptions,
    RaceOptions,
    RunOptions,
    StartOption,
)
from twin.cli.faults import Faults
from twin.cli.option_groups import with_groups
from twin.whatif.figures import FIGURES, figure_number
from twin.whatif.scenario import Scenario, applied
from twin.whatif.scenario_file import read_scenarios
from twin.whatif.search import pick
from twin.whatif.workers import open_workers

__all__ = ["EXAMPLES", "compare"]

EXAMPLES = (
    "Examples:  twin compare storage_line scenarios.yaml   |   "
    "twin compare my_line.yaml scenarios.yaml --precision 0.2% --report answer.html   |   "
    "twin compare my_line.yaml scenarios.yaml --best --indifference 0.3%"
)


@with_groups
def compare(
    line: LineArgument,
    scenarios: Annotated[
        Path,
        typer.Argument(help="A YAML file: names of scenarios, each with its changes."),
    ],
    best: Annotated[
        bool, typer.Option("--best", help="Find the best of all, and compare it alone.")
    ] = False,
    start: StartOption = None,
    race: RaceOptions = RaceOptions(),  # noqa: B008 - frozen
    run: RunOptions = RunOptions(),  # noqa: B008 - frozen
    wanted: PrecisionOptions = PrecisionOptions(),  # noqa: B008 - frozen
    limit: LimitOptions = LimitOptions(),  # noqa: B008 - frozen
    output: OutputOptions = OutputOptions(),  # noqa: B008 - frozen
) -> None:
    """Compare scenarios with a line as it is, all with the same random numbers."""
    faults = Faults()
    with faults.noted():
        check_files(output.out, output.reports or [])
    with faults.needed():
        loaded = load(line)
    asked_for: tuple[Scenario, ...] = ()
    with faults.noted():
        asked_for = read_scenarios(scenarios)
    for scenario in asked_for:
        with faults.noted():
            applied(loaded, scenario)
    indifference = 0.0
    with faults.noted():
        indifference = percentage("--indifference", race.indifference)
    plan, age_s = plan_of(
        loaded, run, faults, start=start, precision=wanted.precision, limit=limit, most=wanted.most
    )
    asked = Asked(loaded, asked_for, plan, origin_of(line, start, age_s))
    with open_workers(run.jobs, run.cluster, run.engine) as workers:
        if best:
            races = pick(
                loaded,
                asked_for,
                plan=plan,
                workers=workers,
                indifference=indifference,
                more_is_better=FIGURES[figure_number(run.figure)].more_is_better,
                probability=race.probability,
            )
            kept = race_and_tell(
                races, replace(asked, scenarios=()), workers, silent=output.as_json
            )
        else:
            kept = run_and_tell(asked, workers)
    show_answer(kept, output.out, output.reports or [], output.as_json)
