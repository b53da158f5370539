"""`twin search`: the best machines and buffers within a budget."""

from __future__ import annotations

import math
from typing import Annotated

import typer

from lines.loader import load
from twin.cli.answer_shown import check_files, show_answer
from twin.cli.experiment import Asked, origin_of, percentage, plan_of, race_and_tell
from twin.cli.experiment_options import (
    LineArgument,
    OutputOptions,
    PrecisionOptions,
    RaceOptions,
    RunOptions,
    StartOption,
)
from twin.cli.faults import Faults
from twin.cli.numbers import number, whole
from twin.cli.option_groups import with_groups
from twin.errors import UsageError
from twin.model.line import Line
from twin.model.nearest import did_you_mean
from twin.whatif.figures import FIGURES, figure_number
from twin.whatif.place import find_places
from twin.whatif.search import Choice, search
from twin.whatif.words import spoken_value
from twin.whatif.workers import open_workers

__all__ = ["EXAMPLES", "find"]

EXAMPLES = (
    "Examples:  twin search storage_line --over stations.STK.machines=5..7 "
    "--over stations.FOR.machines=14..16 --cost stations.STK.machines=9 "
    "--cost stations.FOR.machines=4 --budget 13   |   "
    "twin search my_line.yaml --over 'buffers.A.capacity=0..40/10'"
)
MOST_VALUES = 10_000


@with_groups
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
    budget: Annotated[
        float | None,
        typer.Option(
            parser=number("--budget", 0, 1e15),
            metavar="NUMBER",
            help="What may be spent in all.",
        ),
    ] = None,
    trials: Annotated[
        int,
        typer.Option(
            parser=whole("--trials", 20, 1_000_000),
            metavar="NUMBER",
            help="Choices that are tried where there are too many for all.",
        ),
    ] = 200,
    start: StartOption = None,
    race: RaceOptions = RaceOptions(),  # noqa: B008 - frozen
    run: RunOptions = RunOptions(),  # noqa: B008 - frozen
    wanted: PrecisionOptions = PrecisionOptions(),  # noqa: B008 - frozen
    output: OutputOptions = OutputOptions(),  # noqa: B008 - frozen
) -> None:
    """Find the best choice, then compare it with the line as it is, with fresh random numbers."""
    faults = Faults()
    with faults.noted():
        check_files(output.out, output.reports or [])
    with faults.needed():
        loaded = load(line)
    choices = _choices(loaded, over, cost or [], faults)
    indifference = 0.0
    with faults.noted():
        indifference = percentage("--indifference", race.indifference)
    plan, age_s = plan_of(
        loaded, run, faults, start=start, precision=wanted.precision, most=wanted.most
    )
    with open_workers(run.jobs, run.cluster, run.engine) as workers:
        races = search(
            loaded,
            choices,
            plan=plan,
            workers=workers,
            budget=budget,
            indifference=indifference,
            more_is_better=FIGURES[figure_number(run.figure)].more_is_better,
            probability=race.probability,
            trials=trials,
        )
        asked = Asked(loaded, (), plan, origin_of(line, start, age_s))
        kept = race_and_tell(races, asked, workers, silent=output.as_json)
    show_answer(kept, output.out, output.reports or [], output.as_json)


def _choices(line: Line, over: list[str], cost: list[str], faults: Faults) -> list[Choice]:
    """What may be chosen, and what is wrong with it."""
    prices: dict[str, float] = {}
    for text in cost:
        path, _, price = text.partition("=")
        with faults.noted():
            prices[path.strip()] = _price(text, price)
    choices = []
    for text in over:
        path, _, values = text.partition("=")
        path = path.strip()
        with faults.noted():
            found = _values(text, values)
            _must_lead_to_numbers(line, path)
            choices.append(Choice(path, found, prices.get(path, 0.0)))
    paths = [text.partition("=")[0].strip() for text in over]
    for path in prices:
        if path not in paths:
            with faults.noted():
                hint = did_you_mean(path, paths)
                raise UsageError(f"--cost must name a path of --over, got {path!r}; {hint}")
    return choices


def _price(text: str, price: str) -> float:
    try:
        found = float(price)
    except ValueError:
        found = math.nan
    if not 0 <= found < math.inf:
        raise UsageError(f"--cost must be PATH=NUMBER, a number of 0 or more, got {text!r}")
    return found


def _must_lead_to_numbers(line: Line, path: str) -> None:
    try:
        places = find_places(line, path)
    except LookupError as error:
        raise UsageError(f"--over {error.args[0]}") from None
    for place in places:
        whole_number = isinstance(place.value, int) and not isinstance(place.value, bool)
        if not whole_number or place.field.name.endswith("_us"):
            raise UsageError(
                f"--over {path}: must lead to whole numbers, as machines or capacities, got "
                f"{spoken_value(place, place.value)} at {place.label}"
            )


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
