"""Experiments: scenarios beside the baseline, with the same random numbers, until the answer is
as precise as asked.

An experiment is an iterator of ever better answers: each is whole, so that whoever stops early,
by Ctrl-C or a budget, still has one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from twin.engine.carry_over import carried_over
from twin.engine.results import Estimate
from twin.engine.simulation import EngineName, resolved_engine
from twin.engine.snapshot import Snapshot
from twin.errors import EngineError
from twin.model.line import Line
from twin.model.nearest import did_you_mean
from twin.whatif.estimates import QuantileEstimate, difference, quantile
from twin.whatif.figures import FIGURES, figure_number
from twin.whatif.run import Run, replicate
from twin.whatif.scenario import BASELINE, Scenario, Variant, applied
from twin.whatif.warm_up import WarmUp, find_warm_up
from twin.whatif.workers import Workers, open_workers

__all__ = ["Answer", "Plan", "StoppedBy", "answers", "compare", "runs_of"]

Floats = NDArray[np.float64]
StoppedBy = Literal["", "precision", "replications", "time", "interrupted"]
LEAST_GROWTH, MOST_GROWTH, SPARE = 1.2, 4.0, 1.1
"""How the next stage follows from the last. Few looks, each well after the last: every look at
which an experiment may end by luck costs its interval some coverage.
"""
LONGEST_STAGE = 500
"""Replications that are handed out at once where their number is given."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How an experiment is made.

    Args:
        span_us: counted in each replication, microseconds.
        start: the state that every replication begins from; None: an empty line.
        warm_up_us: simulated first and not counted; None: found, see `find_warm_up`.
        seed: every draw follows from it.
        figure: the one whose precision is asked for; one of `FIGURES`.
        precision: half-width of the 95 % interval of the difference from the baseline, as a share
            of the baseline's mean, at which an experiment ends; without scenarios that of the
            mean itself. None: exactly `most` replications.
        least, most: replications of each scenario; `least` at least 10.
        budget_s: seconds after which no more is begun; None: no limit.
        engine: which engine runs.
    """

    span_us: int
    start: Snapshot | None = None
    warm_up_us: int | None = 0
    seed: int = 1
    figure: str = "good_per_h"
    precision: float | None = 0.005
    least: int = 30
    most: int = 400
    budget_s: float | None = None
    engine: EngineName = "auto"


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What an experiment has found so far.

    Args:
        plan: how it was made.
        engine: which engine ran.
        warm_up: how long it was and how it came about.
        variants: the baseline and the scenarios, in their order.
        notes: what became of the start state in the changed lines, in words.
        values: float64, (variants, replications, figures); one row of replications shares its
            random numbers over all variants.
        stopped_by: why it ended; empty: it goes on.
    """

    plan: Plan
    engine: str
    warm_up: WarmUp
    variants: tuple[Variant, ...]
    notes: tuple[str, ...]
    values: Floats
    stopped_by: StoppedBy = ""

    @property
    def replications(self) -> int:
        """Replications of each variant."""
        return int(self.values.shape[1])

    def of(self, variant: int, figure: str | None = None) -> Floats:
        """A figure of each replication of a variant; None: the plan's figure."""
        column: Floats = self.values[variant, :, figure_number(figure or self.plan.figure)]
        return column

    def mean(self, variant: int, figure: str | None = None) -> Estimate:
        """A figure's mean."""
        return Estimate.of(list(self.of(variant, figure)))

    def quantile(self, variant: int, share: float, figure: str | None = None) -> QuantileEstimate:
        """A figure's quantile over replications."""
        return quantile(self.of(variant, figure), share)

    def gain(self, variant: int, figure: str | None = None) -> Estimate:
        """How much higher a figure's mean is than the baseline's."""
        return difference(self.of(variant, figure), self.of(0, figure))

    @property
    def precision(self) -> float:
        """The widest half-width that the plan's precision is about, as the plan gives it."""
        halves = [self.gain(i).half_width_95 for i in range(1, len(self.variants))]
        if len(self.variants) == 1:
            halves = [self.mean(0).half_width_95]
        base = abs(self.mean(0).mean)
        widest = max(math.inf if half is None else half for half in halves)
        return widest / base if base else (0.0 if widest == 0 else math.inf)


def compare(
    line: Line, scenarios: Sequence[Scenario] = (), *, plan: Plan, workers: Workers | None = None
) -> Answer:
    """Compare scenarios with the line as it is.

    Args:
        line: a checked line.
        scenarios: what to compare with it; none: the line alone.
        plan: how.
        workers: who runs; None: all processors of this machine.

    Returns:
        The whole answer.

    Raises:
        ScenarioError: a scenario does not fit the line.
        EngineError: the plan can't be carried out.

    >>> from twin.model import Line, Station
    >>> line = Line(id="L", stations=(Station(id="A", cycle_time="2 s"),))
    >>> faster = Scenario.of("faster", {"stations.A.cycle_time": "-20%"})
    >>> answer = compare(line, [faster], plan=Plan(span_us=3_600_000_000))
    >>> answer.gain(1).mean, answer.stopped_by
    (450.0, 'precision')
    """
    if workers is None:
        with open_workers(engine=plan.engine) as found:
            return compare(line, scenarios, plan=plan, workers=found)
    *_, last = answers(line, scenarios, plan=plan, workers=workers)
    return last


def answers(
    line: Line, scenarios: Sequence[Scenario], *, plan: Plan, workers: Workers
) -> Iterator[Answer]:
    """Make an experiment and give an answer each time that there is a better one.

    Stages are decided on by what was found and by nothing else, so the same experiment has the
    same end whoever works and however many they are, unless a budget of time ends it.

    Yields:
        Answers of two and more replications; only the last says what stopped it.

    Raises:
        As `compare`.
    """
    _check(plan, scenarios)
    variants = (Variant(BASELINE, line, ()), *(applied(line, one) for one in scenarios))
    engine = resolved_engine(plan.engine)
    runs, notes = runs_of(variants, plan)
    if plan.warm_up_us is None:
        warm_up = find_warm_up(runs, workers)
    else:
        of_line = plan.warm_up_us == line.warm_up_us
        warm_up = WarmUp(plan.warm_up_us, "as the line file says" if of_line else "given")
    runs = [replace(run, warm_up_us=warm_up.us) for run in runs]
    ends_at = math.inf if plan.budget_s is None else time.monotonic() + plan.budget_s
    nothing = np.empty((len(runs), 0, len(FIGURES)))
    answer = Answer(plan, engine, warm_up, variants, notes, nothing)
    upto = min(plan.most, LONGEST_STAGE) if plan.precision is None else plan.least
    while True:
        for values in _stage(runs, answer.values, upto, workers):
            answer = replace(answer, values=values)
            if answer.replications < upto and answer.replications > 1:
                if time.monotonic() > ends_at:
                    yield replace(answer, stopped_by="time")
                    return
                yield answer
        if plan.precision is not None and answer.precision <= plan.precision:
            yield replace(answer, stopped_by="precision")
            return
        if upto >= plan.most:
            yield replace(answer, stopped_by="replications")
            return
        yield answer
        upto = _next_stage(upto, answer.precision, plan)


def runs_of(variants: Sequence[Variant], plan: Plan) -> tuple[list[Run], tuple[str, ...]]:
    """What is run for each variant, the first being the line as it is.

    Returns:
        The runs, whose warm-up is yet to be filled in, and what became of the start state where a
        variant is another line than the one that the state is of.

    Raises:
        EngineError: the state is not of the line, or a variant can't go on from it.
    """
    engine = resolved_engine(plan.engine)
    runs, notes = [], []
    for variant in variants:
        start = plan.start
        if start is not None:
            start, said = carried_over(start, variants[0].line, variant.line)
            notes += [f"{variant.name}: {note}" for note in said]
        runs.append(Run(variant.line, start, plan.seed, 0, plan.span_us, engine))
    return runs, tuple(notes)


def _check(plan: Plan, scenarios: Sequence[Scenario]) -> None:
    names = [BASELINE, *(scenario.name for scenario in scenarios)]
    twice = sorted({name for name in names if names.count(name) > 1})
    known = [figure.name for figure in FIGURES]
    faults = []
    if twice:
        faults.append(f"each scenario must have a name of its own, got twice: {', '.join(twice)}")
    if plan.span_us < 1:
        faults.append(f"the span must be greater than 0, got {plan.span_us} us")
    if plan.figure not in known:
        remedy = did_you_mean(plan.figure, known)
        faults.append(f"the figure must be one of {', '.join(known)}, got {plan.figure}; {remedy}")
    if plan.precision is None and plan.most < 2:
        faults.append(f"there must be at least 2 replications, got {plan.most}")
    if plan.precision is not None and not plan.precision > 0:
        faults.append(f"the precision must be greater than 0, got {plan.precision:g}")
    if plan.precision is not None and not 10 <= plan.least <= plan.most:
        bounds = f"least {plan.least} and most {plan.most}"
        faults.append(f"replications must be 10 <= least <= most, got {bounds}")
    if faults:
        raise EngineError("\n".join(faults))


def _stage(runs: Sequence[Run], so_far: Floats, upto: int, workers: Workers) -> Iterator[Floats]:
    """Make replications up to a number; give all values each time that more belong together."""
    count = so_far.shape[1]
    values = np.full((len(runs), upto, len(FIGURES)), np.nan)
    values[:, :count] = so_far
    size = max(1, math.ceil((upto - count) * len(runs) / (workers.size * workers.tasks_each)))
    chunks = [range(n, min(n + size, upto)) for n in range(count, upto, size)]
    tasks = [(run, chunk) for chunk in chunks for run in runs]
    missing = [len(runs)] * len(chunks)
    whole = 0
    for number, rows in workers.results(replicate, tasks):
        chunk, run = divmod(number, len(runs))
        values[run, chunks[chunk].start : chunks[chunk].stop] = rows
        missing[chunk] -= 1
        if missing[whole] == 0:
            while whole < len(chunks) and missing[whole] == 0:
                whole += 1
            yield values[:, : chunks[whole - 1].stop]


def _next_stage(upto: int, precision: float, plan: Plan) -> int:
    """How many replications the precision will probably take."""
    if plan.precision is None:
        return min(plan.most, upto + LONGEST_STAGE)
    needed = SPARE * upto * min(MOST_GROWTH, (precision / plan.precision) ** 2)
    return min(plan.most, math.ceil(max(upto * LEAST_GROWTH, min(needed, upto * MOST_GROWTH))))
