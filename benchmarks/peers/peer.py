"""What every peer's script does: run the line a few times and print what came out, as JSON.

Runs in the peer's own environment, so it knows nothing but the standard library.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """The line and how long it is run.

    Args:
        stations: in series, exponential with a mean of 1, the first never starved.
        places: between two stations, at least 1.
        warm_up, span: in means of a station's time.
        seed: of this run.
    """

    stations: int
    places: int
    warm_up: float
    span: float
    seed: int


Simulate = Callable[[Plan], tuple[int, int]]
"""Runs a plan: parts that left the line in the warm-up, and in all."""


def main(simulate: Simulate) -> None:
    """Read STATIONS PLACES WARM_UP SPAN RUNS from the command line and run."""
    stations, places, warm_up, span, runs = map(int, sys.argv[1:])
    throughputs, moves, began = [], 0, time.process_time()
    for seed in range(1, runs + 1):
        before, out = simulate(Plan(stations, places, float(warm_up), float(span), seed))
        throughputs.append((out - before) / span)
        moves += stations * out
    json.dump(
        {"throughputs": throughputs, "moves": moves, "cpu_s": time.process_time() - began},
        sys.stdout,
    )
