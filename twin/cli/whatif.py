"""`twin whatif`: what would a line do if; and `twin whatif rerun`: make a result again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lines.loader import load
from twin.cli.answer_shown import check_files, show_answer
from twin.cli.changes import variant_asked
from twin.cli.experiment import Asked, origin_of, plan_of, run_and_tell
from twin.cli.experiment_options import (
    LimitOptions,
    OutputOptions,
    PrecisionOptions,
    RunOptions,
    StartOption,
)
from twin.cli.faults import Faults
from twin.cli.option_groups import with_groups
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


@with_groups
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
    start: StartOption = None,
    run: RunOptions = RunOptions(),  # noqa: B008 - frozen
    wanted: PrecisionOptions = PrecisionOptions(),  # noqa: B008 - frozen
    limit: LimitOptions = LimitOptions(),  # noqa: B008 - frozen
    output: OutputOptions = OutputOptions(),  # noqa: B008 - frozen
) -> None:
    """Ask what a line would do if something were different; the answer comes with an interval."""
    faults = Faults()
    with faults.noted():
        check_files(output.out, output.reports or [])
    if line == "rerun" and result is not None:
        faults.tell()
        _rerun(result, run, output)
        return
    with faults.noted():
        if result is not None:
            raise UsageError(f"one line at a time, got {line!r} and {str(result)!r}")
    with faults.needed():
        loaded = load(line)
    scenarios: tuple[Scenario, ...] = ()
    if changes:
        with faults.noted():
            scenarios = (variant_asked(loaded, "what if", changes)[0],)
    plan, age_s = plan_of(
        loaded, run, faults, start=start, precision=wanted.precision, limit=limit, most=wanted.most
    )
    asked = Asked(loaded, scenarios, plan, origin_of(line, start, age_s))
    with open_workers(run.jobs, run.cluster, run.engine) as workers:
        kept = run_and_tell(asked, workers)
    show_answer(kept, output.out, output.reports or [], output.as_json)


def _rerun(file: Path, run: RunOptions, output: OutputOptions) -> None:
    try:
        text = file.read_bytes()
    except OSError as error:
        raise UsageError(f"can't read the result {str(file)!r}: {error.strerror}") from None
    kept = SavedAnswer.from_json(text)
    before = kept.answer()
    with open_workers(run.jobs, run.cluster) as workers:
        now = rerun(kept, workers)
    unlike = differences_of(before, now)
    if unlike:
        shown = "\n".join(unlike[:SHOWN])
        raise LinetwinError(
            f"{len(unlike)} values are not what they were (linetwin {kept.linetwin}):\n{shown}"
        )
    show_answer(kept, output.out, output.reports or [], output.as_json)
    if not output.as_json:
        count = before.values.size
        STDOUT.print(f"made again: all {count:,} values are the same, bit for bit", style="bold")
