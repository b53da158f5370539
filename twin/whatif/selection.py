"""The best of many, with a stated probability of being right: the procedure KN.

Kim and Nelson, "A fully sequential procedure for indifference-zone selection in simulation", ACM
TOMACS 11 (2001) 251-273. For normal replications, with common random numbers or without, it picks
an alternative that is within the indifference of the best with at least the probability asked for.
What is clearly worse is dropped early, so that most replications go to the few that are close.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twin.errors import EngineError
from twin.whatif.experiment import Plan, runs_of
from twin.whatif.figures import FIGURES, figure_number
from twin.whatif.run import replicate
from twin.whatif.scenario import Variant
from twin.whatif.workers import Workers

__all__ = ["Race", "race", "sampler"]

Floats = NDArray[np.float64]
Sample = Callable[[Sequence[int], range], Floats]
"""Gives the replications of a range for some of the alternatives; float64, (them, range)."""
FIRST = 20
GROWTH = 1.1
"""Looks are so far apart, fixed beforehand: fewer looks than KN's take nothing from its promise."""


@dataclass(frozen=True, slots=True, eq=False)
class Race:
    """How far a selection has come.

    Args:
        alive: the alternatives that may still be the best; one when it is over.
        replications: of each alternative.
        means: of each, over its own replications.
        probability: with which the one that is left is within the indifference of the best.
        indifference: in the figure's unit.
        over: whether it has ended.
        proved: whether it ended as the procedure wants it, and not by its limit.
    """

    alive: tuple[int, ...]
    replications: tuple[int, ...]
    means: tuple[float, ...]
    probability: float
    indifference: float
    over: bool = False
    proved: bool = True

    @property
    def best(self) -> int:
        """The one that is left, or the best so far."""
        return self.alive[0]


def race(
    sample: Sample,
    count: int,
    *,
    indifference: float,
    more_is_better: bool = True,
    probability: float = 0.95,
    most: int = 10_000,
) -> Iterator[Race]:
    """Find the best of some alternatives.

    Args:
        sample: what gives replications.
        count: how many alternatives.
        indifference: a difference that is not worth telling apart, greater than 0.
        more_is_better: which end is the best.
        probability: of a right choice, between 0.5 and 1.
        most: replications of one alternative after which the best so far is taken, unproved.

    Yields:
        The race after each look; the last is over.

    Raises:
        EngineError: an argument makes no sense.

    >>> rng = np.random.default_rng(1)
    >>> noise = rng.normal(size=(3, 1000))
    >>> def sample(alive, wanted):
    ...     return noise[alive, wanted.start:wanted.stop] + np.array([0.0, 2.0, 1.0])[alive, None]
    >>> *_, last = race(sample, 3, indifference=0.5)
    >>> last.best, last.proved
    (1, True)
    """
    if count < 1 or not indifference > 0 or not 0.5 < probability < 1 or most < FIRST:
        raise EngineError(
            "a selection needs an alternative, an indifference greater than 0, a probability "
            f"between 0.5 and 1, and at least {FIRST} replications"
        )
    sign = 1.0 if more_is_better else -1.0
    values = sign * sample(range(count), range(FIRST))
    sums, n = values.sum(axis=1), np.full(count, FIRST)
    width = _width(values, count, 1 - probability)
    alive = np.arange(count)
    r = FIRST
    while True:
        alive = _survivors(alive, sums, width, r, indifference)
        order = alive[np.argsort(-sums[alive], kind="stable")]
        last = len(alive) == 1 or r >= most
        yield Race(
            tuple(order.tolist()),
            tuple(n.tolist()),
            tuple((sign * sums / n).tolist()),
            probability,
            indifference,
            over=last,
            proved=len(alive) == 1,
        )
        if last:
            return
        upto = min(most, max(r + 1, math.ceil(r * GROWTH)))
        more = sign * sample(alive.tolist(), range(r, upto))
        sums[alive] += more.sum(axis=1)
        n[alive] = r = upto


def _width(values: Floats, count: int, risk: float) -> Floats:
    """h^2 S^2 of each pair: S^2 the variance of the difference, h^2 as KN has it for c = 1."""
    if count == 1:
        return np.zeros((1, 1))
    covariance = np.cov(values)
    spread = np.diag(covariance)
    variance = spread[:, None] + spread[None, :] - 2 * covariance
    eta = 0.5 * ((2 * risk / (count - 1)) ** (-2 / (FIRST - 1)) - 1)
    return np.asarray(2 * eta * (FIRST - 1) * variance, dtype=np.float64)


def _survivors(
    alive: NDArray[np.int64], sums: Floats, width: Floats, r: int, indifference: float
) -> NDArray[np.int64]:
    """Drop whoever is further behind another than the triangle allows after r replications."""
    behind = sums[alive][None, :] - sums[alive][:, None]
    bound = width[np.ix_(alive, alive)] / (2 * indifference) - indifference * r / 2
    out = (behind > np.maximum(0.0, bound)).any(axis=1)
    kept = alive[~out]
    if np.all(bound <= 0) and len(kept) > 1:
        # The triangle is closed and these are equal to the bit: any of them is the best.
        kept = kept[:1]
    return kept


def sampler(variants: Sequence[Variant], plan: Plan, workers: Workers, warm_up_us: int) -> Sample:
    """What gives replications of variants: common random numbers, by all workers.

    Args:
        variants: the alternatives; the first is the line that the plan's start state is of.
        plan: its span, start, seed, figure and engine are used.
        workers: who runs.
        warm_up_us: simulated first.
    """
    column = figure_number(plan.figure)
    runs = [replace(run, warm_up_us=warm_up_us) for run in runs_of(variants, plan)[0]]

    def sample(alive: Sequence[int], replications: range) -> Floats:
        total = len(alive) * len(replications)
        size = max(1, math.ceil(total / (workers.size * workers.tasks_each)))
        chunks = [
            range(at, min(at + size, replications.stop))
            for at in range(replications.start, replications.stop, size)
        ]
        tasks = [(runs[i], chunk) for i in alive for chunk in chunks]
        found = np.empty((len(alive), len(replications), len(FIGURES)))
        for number, values in workers.results(replicate, tasks):
            i, chunk = divmod(number, len(chunks))
            at = chunks[chunk].start - replications.start
            found[i, at : at + len(values)] = values
        chosen: Floats = found[:, :, column]
        return chosen

    return sample
