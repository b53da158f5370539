"""`twin whatif`: what would a line do if; and `twin whatif rerun`: make a result again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lines.loader import load
from twin.cli.answer_shown import check_files, show_answer
from twin.cli.changes import variant_asked
from twin.cli.experiment import (
    Asked,
    Cluster,
    EngineOption,
    FigureOption,
    Jobs,
    Most,
    OutFile,
    Precision,
    Replications,
    Reports,
    Seconds,
    Seed,
    Span,
    StartOption,
    WarmUpOption,
    origin_of,
    plan_of,
    run_and_tell,
)
from twin.cli.screen import STDOUT
from twin.errors import LinetwinError, UsageError
from twin.whatif.result import SavedAnswer, differences_of, rerun
from twin.whatif.scenario import Scenario
from twin.whatif.workers import open_workers

__all__ = ["EXAMPLES", "whatif"]

EXAMPLES = (
    "Examples:  twin whatif storage_line --set stations.STK.machines=6   |   "
    "twin whatif tube_line --set 'buffers.*.capacity=x3' --span '1 d' --report answer.html   |   "
    "twin whatif storage_line --start monday.json --span '8 h'   |   "
    "twin whatif rerun result.json"
)
SHOWN = 10


def whatif(
    line: Annotated[
        str,
        typer.Argument(help="A line file, or the name of a packaged line; or the word 'rerun'."),
    ],
    result: Annotated[
        Path | None, typer.Argument(help="After 'rerun': the result to make again, bit for bit.")
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="PATH=VALUE, as stations.STK.machines=6, 'buffers.*.capacity=x1.5', "
            "stations.FNS.failure.mttr=-20%; repeat it for more. None: the line as it is.",
        ),
    ] = None,
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
    """Ask what a line would do if something were different; the answer comes with an interval."""
    check_files(out, reports or [])
    if line == "rerun" and result is not None:
        _rerun(result, jobs, cluster, out, reports or [], as_json)
        return
    if result is not None:
        raise UsageError(f"one line at a time, got {line!r} and {str(result)!r}")
    loaded = load(line)
    scenarios: tuple[Scenario, ...] = ()
    if changes:
        scenarios = (variant_asked(loaded, "what if", changes)[0],)
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
    asked = Asked(loaded, scenarios, plan, origin_of(line, start, age_s))
    with open_workers(jobs, cluster, engine) as workers:
        kept = run_and_tell(asked, workers)
    show_answer(kept, out, reports or [], as_json)


def _rerun(
    file: Path, jobs: int | None, cluster: str | None, out: Path | None, reports: list[Path],
    as_json: bool,
) -> None:  # fmt: skip
    try:
        text = file.read_bytes()
    except OSError as error:
        raise UsageError(f"can't read the result {str(file)!r}: {error.strerror}") from None
    kept = SavedAnswer.from_json(text)
    before = kept.answer()
    with open_workers(jobs, cluster) as workers:
        now = rerun(kept, workers)
    unlike = differences_of(before, now)
    if unlike:
        shown = "\n".join(unlike[:SHOWN])
        raise LinetwinError(
            f"{len(unlike)} values are not what they were (linetwin {kept.linetwin}):\n{shown}"
        )
    show_answer(kept, out, reports, as_json)
    if not as_json:
        count = before.values.size
        STDOUT.print(f"made again: all {count:,} values are the same, bit for bit", style="bold")
