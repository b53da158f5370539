"""`twin bottleneck`: what limits a line, and what would help."""

from __future__ import annotations

from typing import Annotated

import typer

from lines.loader import load
from twin.cli.answer_shown import check_files, write_files
from twin.cli.experiment import Asked, origin_of, plan_of, run_and_tell
from twin.cli.experiment_options import (
    LimitOptions,
    LineArgument,
    OutputOptions,
    RunOptions,
    Seconds,
)
from twin.cli.faults import Faults
from twin.cli.numbers import whole
from twin.cli.option_groups import with_groups
from twin.cli.screen import STDERR, STDOUT, print_columns, print_json
from twin.errors import UsageError
from twin.whatif.bottleneck import Bottleneck, remedies
from twin.whatif.bottleneck import bottleneck as find_bottleneck
from twin.whatif.bottleneck_report import (
    GAIN_HEADINGS,
    KNOWN_HEADINGS,
    WAIT_HEADINGS,
    bottleneck_html,
    bottleneck_markdown,
    gain_rows,
    known_rows,
    limit_table,
    said,
    unit_of,
    wait_rows,
)
from twin.whatif.experiment import Answer
from twin.whatif.result import SavedAnswer
from twin.whatif.workers import open_workers

__all__ = ["EXAMPLES", "bottleneck"]

EXAMPLES = (
    "Examples:  twin bottleneck storage_line   |   "
    "twin bottleneck tube_line --from monday.json --span '8 h' --report limits.html   |   "
    "twin bottleneck my_line.yaml --top 1 --replications 40"
)
SHOWN = 8


@with_groups
def bottleneck(
    line: LineArgument,
    start: Annotated[
        str | None,
        typer.Option(
            "--from", help="Begin in a state: a file of 'twin snapshot'. \\[steady state]"
        ),
    ] = None,
    top: Annotated[
        int,
        typer.Option(
            parser=whole("--top", 0),
            metavar="NUMBER",
            help="At so many stations, those that limit most, changes are tried.",
        ),
    ] = 3,
    replications: Annotated[
        int,
        typer.Option(parser=whole("--replications", 2), metavar="NUMBER", help="Of each line."),
    ] = 20,
    seconds: Seconds = None,
    run: RunOptions = RunOptions(),  # noqa: B008 - frozen
    output: OutputOptions = OutputOptions(),  # noqa: B008 - frozen
) -> None:
    """Find which station limits a line, who waits for what, and what would help most."""
    faults = Faults()
    reports = output.reports or []
    with faults.noted():
        check_files(output.out, reports)
    with faults.needed():
        loaded = load(line)
    if start == "empty":
        with faults.noted():
            raise UsageError("--from must be the file of a state, got 'empty'; leave it out")
    limit = LimitOptions(replications, seconds)
    plan, age_s = plan_of(
        loaded, run, faults, start=start, start_option="--from", limit=limit, most=replications
    )
    with open_workers(run.jobs, run.cluster, run.engine) as workers:
        with STDERR.status(f"{replications} replications of {loaded.id}, watched"):
            found = find_bottleneck(loaded, plan=plan, workers=workers)
        scenarios = remedies(loaded, [one.station for one in found.ranked[:top]])
        kept: SavedAnswer | None = None
        if scenarios:
            asked = Asked(loaded, scenarios, plan, origin_of(line, start, age_s))
            kept = run_and_tell(asked, workers)
    gains = None if kept is None else kept.answer()
    texts = {
        report: (bottleneck_html if report.suffix == ".html" else bottleneck_markdown)(found, gains)
        for report in reports
    }
    if output.out is not None and kept is not None:
        texts[output.out] = kept.to_json()
    write_files(texts)
    if output.as_json:
        print_json(_as_json(found, kept))
    else:
        _print(found, gains)


def _print(found: Bottleneck, gains: Answer | None) -> None:
    if gains is not None and gains.stopped_by in ("interrupted", "time"):
        STDOUT.print("The answer so far: less precise than asked for.", style="bold yellow")
    for sentence in said(found, gains):
        STDOUT.print(sentence, highlight=False, soft_wrap=True, markup=False)
    print_columns("Who limits the line", *limit_table(found))
    print_columns("The longest waits", WAIT_HEADINGS, wait_rows(found)[:SHOWN])
    if gains is not None:
        print_columns(f"What would help: {unit_of(gains)}", GAIN_HEADINGS, gain_rows(gains))
    print_columns("What theory says of stretches by themselves", KNOWN_HEADINGS, known_rows(found))


def _as_json(found: Bottleneck, kept: SavedAnswer | None) -> dict[str, object]:
    def estimate(value: object) -> object:
        mean, half = getattr(value, "mean", None), getattr(value, "half_width_95", None)
        return None if mean is None else {"mean": mean, "half_width_95": half}

    return {
        "line": found.line.id,
        "replications": found.replications,
        "span_us": found.plan.span_us,
        "warm_up_us": found.warm_up_us,
        "seed": found.plan.seed,
        "stations": [
            {
                "station": one.station,
                "now": estimate(one.now),
                "share": estimate(one.share),
                "shifting": estimate(one.shifting),
                "waiting": estimate(one.waiting),
            }
            for one in found.stations
        ],
        "waits": [
            {
                "station": wait.station,
                "kind": wait.kind,
                "cause": wait.cause,
                "others": list(wait.others),
                "share": estimate(wait.share),
            }
            for wait in found.waits
        ],
        "known": [
            {"stations": list(one.stations), "per_h": one.per_h, "how": one.how,
             "source": one.source}
            for one in found.known
        ],
        "gains": None if kept is None else kept.summary,
    }  # fmt: skip
