"""What `twin whatif`, `compare` and `search` share: options, the plan they make, progress."""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from lines.loader import packaged
from twin.cli.answer_shown import show_race
from twin.cli.screen import STDERR
from twin.cli.snapshot import read_snapshot
from twin.cli.times import time_option
from twin.engine.simulation import EngineName
from twin.engine.snapshot import Snapshot
from twin.errors import EngineError, UsageError
from twin.model.line import Line
from twin.whatif.experiment import Answer, Plan, answers
from twin.whatif.figures import FIGURES
from twin.whatif.result import Origin, SavedAnswer, saved
from twin.whatif.scenario import Scenario
from twin.whatif.search import Found
from twin.whatif.workers import Workers

__all__ = [
    "Asked",
    "Cluster",
    "EngineOption",
    "FigureOption",
    "Indifference",
    "Jobs",
    "LineArgument",
    "Most",
    "OutFile",
    "Precision",
    "Probability",
    "Replications",
    "Reports",
    "Seconds",
    "Seed",
    "Span",
    "StartOption",
    "WarmUpOption",
    "origin_of",
    "percentage",
    "plan_of",
    "race_and_tell",
    "run_and_tell",
]

LineArgument = Annotated[str, typer.Argument(help="A line file, or the name of a packaged line.")]
Span = Annotated[
    str | None,
    typer.Option(help="Time that each replication counts. [7 d; with --start 8 h]"),
]
WarmUpOption = Annotated[
    str | None,
    typer.Option(
        "--warmup",
        help="Not counted at first: a time, or 'found'. [as the line file says, else found]",
    ),
]
StartOption = Annotated[
    str | None,
    typer.Option(
        "--start", help="Begin in a state: 'empty', or a snapshot's file. [none: steady state]"
    ),
]
FigureOption = Annotated[
    str, typer.Option(help=f"What is compared: {', '.join(f.name for f in FIGURES)}.")
]
Precision = Annotated[
    str,
    typer.Option(
        help="Go on until the 95 % interval of each difference is ± this share of the baseline."
    ),
]
Replications = Annotated[
    int | None, typer.Option(min=2, max=1_000_000, help="Exactly so many, whatever the precision.")
]
Most = Annotated[int, typer.Option(min=20, max=1_000_000, help="No more replications than this.")]
Seconds = Annotated[
    str | None,
    typer.Option("--time", help="After so much time, as '60 s', the answer so far."),
]
Seed = Annotated[int, typer.Option(min=0, max=2**31 - 1, help="The same one, the same answer.")]
EngineOption = Annotated[
    EngineName, typer.Option(help="auto: the compiled one where it is installed.")
]
Jobs = Annotated[
    int | None, typer.Option(min=1, max=4096, help="Replications at the same time. [processors]")
]
Cluster = Annotated[str | None, typer.Option(help="A Dask scheduler, as tcp://10.0.0.5:8786.")]
Indifference = Annotated[
    str, typer.Option(help="A difference that is not worth telling apart, of the baseline.")
]
Probability = Annotated[
    float, typer.Option(min=0.51, max=0.999, help="Of a right choice of the best.")
]
OutFile = Annotated[
    Path | None, typer.Option(help="Keep the result, for 'twin whatif rerun'; a .json file.")
]
Reports = Annotated[
    list[Path] | None,
    typer.Option("--report", help="Write a report, .html or .md; repeatable."),
]


@dataclass(frozen=True, slots=True)
class Asked:
    """An experiment as the command line asks for it."""

    line: Line
    scenarios: tuple[Scenario, ...]
    plan: Plan
    origin: Origin


def percentage(option: str, text: str) -> float:
    """Read `0.5%` or `0.005` as a share.

    Raises:
        UsageError: it is none, or not greater than 0.
    """
    bare = text.strip().removesuffix("%").strip()
    try:
        share = float(bare) / (100 if "%" in text else 1)
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        raise UsageError(f"{option} must be a share greater than 0, as '0.5%', got {text!r}")
    return share


def duration(option: str, text: str) -> int:
    """Read a time greater than 0.

    Raises:
        UsageError: it is none.
    """
    micros = time_option(option, text)
    if micros <= 0:
        raise UsageError(f"{option} must be greater than 0, got {text!r}")
    return micros


def plan_of(
    line: Line,
    *,
    span: str | None,
    warmup: str | None,
    start: str | None,
    figure: str,
    precision: str,
    replications: int | None,
    most: int,
    seconds: str | None,
    seed: int,
    engine: EngineName,
) -> tuple[Plan, float | None]:
    """Make a plan of the command line's words.

    Returns:
        The plan, and the age of its start state in seconds, if it has one.

    Raises:
        UsageError: a word makes no sense.
    """
    names = [f.name for f in FIGURES]
    if figure not in names:
        raise UsageError(f"--figure must be one of {', '.join(names)}, got {figure!r}")
    state, age_s = _state(start)
    warm_up_us: int | None
    if start is not None:
        if warmup is not None:
            raise UsageError("give --start or --warmup, not both: from a state all is counted")
        warm_up_us = 0
    elif warmup is None:
        warm_up_us = line.warm_up_us or None
    else:
        warm_up_us = None if warmup == "found" else time_option("--warmup", warmup)
    plan = Plan(
        span_us=duration("--span", span or ("8 h" if start is not None else "7 d")),
        start=state,
        warm_up_us=warm_up_us,
        seed=seed,
        figure=figure,
        precision=None if replications else percentage("--precision", precision),
        most=replications or most,
        budget_s=None if seconds is None else duration("--time", seconds) / 1e6,
        engine=engine,
    )
    return plan, age_s


def _state(start: str | None) -> tuple[Snapshot | None, float | None]:
    if start is None or start == "empty":
        return None, None
    path = Path(start)
    snapshot = read_snapshot(path)
    return snapshot, max(0.0, time.time() - path.stat().st_mtime)


def origin_of(name: str, start: str | None, age_s: float | None) -> Origin:
    """Say where the parts of an experiment come from."""
    path = Path(name)
    if not path.is_file():
        path = packaged()[name]
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    command = " ".join(["twin", *sys.argv[1:]])
    named = "" if start in (None, "empty") else str(start)
    return Origin(name, sha256, named, age_s, command)


def run_and_tell(asked: Asked, workers: Workers) -> SavedAnswer:
    """Make an experiment with its progress on show; Ctrl-C ends it with the answer so far.

    Raises:
        KeyboardInterrupt: there is no answer yet.
    """
    last: Answer | None = None
    with _progress(asked.plan) as show:
        try:
            for answer in answers(asked.line, asked.scenarios, plan=asked.plan, workers=workers):
                last = answer
                show(answer)
        except KeyboardInterrupt:
            if last is None:
                raise
            last = replace(last, stopped_by="interrupted")
    if last is None:
        raise EngineError("the experiment gave no answer")
    return saved(last, asked.scenarios, asked.origin, workers.name)


@contextmanager
def _progress(plan: Plan) -> Iterator[Callable[[Answer], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=STDERR, transient=True, disable=not STDERR.is_terminal) as bar:
        task = bar.add_task("warm-up and first replications", total=1.0)
        said = 0

        def show(answer: Answer) -> None:
            n, now = answer.replications, answer.precision
            if plan.precision is None:
                text, done = f"{n} of {plan.most} replications, ± {now:.2%}", n / plan.most
            else:
                text = f"{n} replications, ± {now:.2%} of ± {plan.precision:.2%}"
                done = max(n / plan.most, min(1.0, (plan.precision / now) ** 2 if now else 1.0))
            bar.update(task, description=text, completed=done)
            nonlocal said
            if bar.disable and not answer.stopped_by and n >= 2 * said:
                said = n
                STDERR.print(f"{text}; Ctrl-C gives the answer so far", highlight=False)

        yield show


def race_and_tell(
    races: Iterator[Found], asked: Asked, workers: Workers, *, silent: bool
) -> SavedAnswer:
    """Find the best, show how it was found, and compare it with the line as it is.

    Args:
        races: what is found after each look.
        asked: the plan of the comparison; its scenarios are the race's to say.
        workers: who runs.
        silent: nothing is printed to stdout.

    Raises:
        KeyboardInterrupt: there is no answer yet.
    """
    found: Found | None = None
    with STDERR.status("first replications of every alternative") as status:
        for found in races:
            left = len(found.race.alive)
            status.update(f"{left} of {len(found.variants)} may still be the best")
    if found is None:
        raise EngineError("the search gave no answer")
    if not silent:
        show_race(found, asked.plan.figure)
    scenarios = () if found.best is None else (found.best,)
    # Fresh draws: those of the race have picked the winner, and would flatter it.
    fresh = replace(asked.plan, seed=asked.plan.seed + 1)
    return run_and_tell(replace(asked, scenarios=scenarios, plan=fresh), workers)
