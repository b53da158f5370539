"""What `twin whatif`, `compare` and `search` share: options, the plan they make, progress."""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from lines.loader import packaged
from twin.cli.answer_shown import show_race
from twin.cli.experiment_options import LimitOptions, RunOptions
from twin.cli.faults import Faults
from twin.cli.screen import STDERR
from twin.cli.snapshot import read_snapshot
from twin.cli.times import time_option
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
    "duration",
    "origin_of",
    "percentage",
    "plan_of",
    "race_and_tell",
    "run_and_tell",
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
        UsageError: it is none, or not between 0 and 1.
    """
    bare = text.strip().removesuffix("%").strip()
    try:
        share = float(bare) / (100 if "%" in text else 1)
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        raise UsageError(f"{option} must be a share between 0 and 100%, as '0.5%', got {text!r}")
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
    run: RunOptions,
    faults: Faults,
    *,
    start: str | None,
    start_option: str = "--start",
    precision: str | None = None,
    limit: LimitOptions | None = None,
    most: int = 400,
) -> tuple[Plan, float | None]:
    """Make a plan of the command line's words.

    Args:
        line: what is run.
        run, limit, most: as they were given.
        faults: what was wrong with the call so far; what is wrong here is told with it.
        start: a state's file, or `empty`; None: an empty line, warmed up.
        start_option: how that option is called.
        precision: as it was given; None: it is not asked for.

    Returns:
        The plan, and the age of its start state in seconds, if it has one.

    Raises:
        UsageError: names every word of the call that makes no sense.
    """
    limit = limit or LimitOptions()
    names = [f.name for f in FIGURES]
    state, age_s = None, None
    warm_up_us: int | None = 0
    span_us, share, budget_s = 0, None, None
    with faults.noted():
        if run.figure not in names:
            raise UsageError(f"--figure must be one of {', '.join(names)}, got {run.figure!r}")
    with faults.noted():
        state, age_s = _state(start)
    with faults.noted():
        warm_up_us = _warm_up(line, run.warmup, start, start_option)
    with faults.noted():
        span_us = duration("--span", run.span or ("8 h" if start is not None else "7 d"))
    if precision is not None and not limit.replications:
        with faults.noted():
            share = percentage("--precision", precision)
    if limit.seconds is not None:
        with faults.noted():
            budget_s = duration("--time", limit.seconds) / 1e6
    faults.tell()
    plan = Plan(
        span_us=span_us,
        start=state,
        warm_up_us=warm_up_us,
        seed=run.seed,
        figure=run.figure,
        precision=share,
        most=limit.replications or most,
        budget_s=budget_s,
        engine=run.engine,
    )
    return plan, age_s


def _warm_up(line: Line, warmup: str | None, start: str | None, start_option: str) -> int | None:
    if start is not None:
        if warmup is not None:
            raise UsageError(
                f"give {start_option} or --warmup, not both: from a state all is counted"
            )
        return 0
    if warmup is None:
        return line.warm_up_us or None
    return None if warmup == "found" else time_option("--warmup", warmup)


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
