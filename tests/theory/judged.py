"""Whether intervals hold exact values as often, and as narrowly, as they promise to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats
from theory_lines import S, line_of

from twin.engine.results import Estimate
from twin.engine.simulation import EngineName, simulate
from twin.whatif.markov import Chain, Plan

__all__ = ["Judgement", "interval", "judge", "span_for"]

WARM_UP = 1000


def span_for(chain: Chain, half_width: float, replications: int) -> int:
    """How long each replication must last for an interval of about this relative half-width.

    From the exact variance: Student's t times the square root of v / (replications x span).
    """
    student = float(stats.t.ppf(0.975, replications - 1))
    relative = student / (half_width * chain.throughput)
    return int(relative**2 * chain.variance_rate / replications) + 1


def interval(plan: Plan, span: int, replications: int, seed: int, engine: EngineName) -> Estimate:
    """The engine's own 95 % interval of the throughput, in parts in a unit of time."""
    results = simulate(
        line_of(plan),
        engine=engine,
        seed=seed,
        replications=replications,
        warmup=WARM_UP * S,
        until=span * S,
    )
    found = results.good_per_h()
    assert found.half_width_95 is not None
    return Estimate(found.mean / 3600, found.half_width_95 / 3600)


@dataclass(frozen=True)
class Judgement:
    """What became of many intervals."""

    cases: int
    held: int
    median_error: float
    widest: float
    missed: tuple[str, ...]

    @property
    def coverage(self) -> float:
        """The share of the intervals that hold the exact value."""
        return self.held / self.cases

    @property
    def as_promised(self) -> bool:
        """Whether so few would hold it but once in a thousand such runs."""
        return self.held >= stats.binom.ppf(0.001, self.cases, 0.95)

    def __str__(self) -> str:
        return (
            f"{self.cases} cases, {self.held} intervals hold the exact value "
            f"({self.coverage:.1%}), median error {self.median_error:.3%}, "
            f"widest half-width {self.widest:.3%}"
        )


def judge(names: list[str], exact: list[float], found: list[Estimate]) -> Judgement:
    """Hold intervals to exact values."""
    truth = np.array(exact)
    errors = np.abs(np.array([each.mean for each in found]) - truth)
    halves = np.array([each.half_width_95 for each in found])
    held = errors <= halves
    return Judgement(
        cases=len(found),
        held=int(held.sum()),
        median_error=float(np.median(errors / truth)),
        widest=float((halves / truth).max()),
        missed=tuple(name for name, ok in zip(names, held, strict=True) if not ok),
    )
