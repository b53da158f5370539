"""How long a warm-up must be: MSER-5 on the mean over replications."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twin.errors import EngineError
from twin.whatif.run import Run, output_curves
from twin.whatif.workers import Workers

__all__ = ["WarmUp", "find_warm_up", "mser"]

Floats = NDArray[np.float64]
BATCH = 5
POINTS = 400
PILOT_REPLICATIONS = 8
DOUBLINGS = 6


@dataclass(frozen=True, slots=True)
class WarmUp:
    """A warm-up and how it came about.

    Args:
        us: how long, microseconds.
        how: in words.
        interval_us: length of one interval of the curve; 0 without a curve.
        curve: output of each interval, the mean over pilot replications of the scenario that
            takes longest; empty if the warm-up was not looked for.
    """

    us: int
    how: str
    interval_us: int = 0
    curve: tuple[float, ...] = ()


def mser(values: Floats, batch: int = BATCH) -> int:
    """Find where the transient ends.

    The marginal standard error rule on batch means: cut off so much that the standard error of
    what remains is least (White, Cobb, Spratt, "A comparison of five steady-state truncation
    heuristics for simulation", WSC 2000). At most half is looked at.

    Args:
        values: one series.
        batch: values in a batch; 5 is MSER-5.

    Returns:
        How many values to cut off, a multiple of `batch`.

    >>> mser(np.array([0.0] * 20 + [1.0, 1.1, 0.9, 1.0] * 20))
    20
    """
    count = len(values) // batch
    means = values[: count * batch].reshape(count, batch).mean(axis=1)
    errors = [float(np.var(means[d:])) / (count - d) for d in range(count // 2 + 1)]
    return int(np.argmin(errors)) * batch


def find_warm_up(runs: Sequence[Run], workers: Workers) -> WarmUp:
    """Find a warm-up that is long enough for several scenarios.

    Pilot replications start as the run does and last for its span, twice as long while the
    transient takes more than half of them.

    Args:
        runs: one a scenario; their own warm-up is not looked at.
        workers: who does the pilots.

    Raises:
        EngineError: no end of the transient is found.
    """
    whole = [replace(run, warm_up_us=0) for run in runs]
    longest = WarmUp(0, "")
    for _ in range(DOUBLINGS):
        tasks = [(run, range(r, r + 1), POINTS) for run in whole for r in range(PILOT_REPLICATIONS)]
        done = dict(workers.results(output_curves, tasks))
        interval_us = whole[0].span_us // POINTS
        for i in range(len(whole)):
            rows = [done[i * PILOT_REPLICATIONS + r][0] for r in range(PILOT_REPLICATIONS)]
            curve = np.mean(rows, axis=0)
            cut = mser(curve)
            if not longest.curve or cut * interval_us > longest.us:
                longest = WarmUp(cut * interval_us, "", interval_us, tuple(curve.tolist()))
        if longest.us < POINTS // 2 * interval_us:
            how = f"found by MSER-5 on the mean of {PILOT_REPLICATIONS} pilot replications"
            return replace(longest, how=how)
        whole = [replace(run, span_us=2 * run.span_us) for run in whole]
        longest = WarmUp(0, "")
    raise EngineError(
        f"line {runs[0].line.id} has not settled after {whole[0].span_us / 86_400e6:g} days; "
        "give the warm-up, or start from a state"
    )
