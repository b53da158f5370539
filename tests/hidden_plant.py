"""A plant whose line file nobody has: the one at hand, with other times and rates, and its history.

What is changed is known to the test alone; calibration sees the points that the PLCs publish, of
which some get lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from telemetry import telemetry

from twin.engine.plant import SimulatedPlant
from twin.engine.quantiles import mean_us
from twin.engine.simulation import open_engine
from twin.historian.port import Historian
from twin.model import durations as d
from twin.model.line import Line
from twin.model.station import Station
from twin.observed import SIGNALS

SMALL = """\
# A small line, with a comment that has to stay.
id: L
defects: [{id: D}]
stations:
  - id: A
    machines: 3
    cycle_time: {distribution: normal, mean: 20 s, cv: 0.05}  # by stopwatch
    effectiveness: 0.96
    scrap: 1 %
    defects: {D: 3 %}
    failures:
      - id: jam
        mtbf: {distribution: exponential, mean: 40 min}
        mttr: {distribution: lognormal, mean: 60 s, sigma: 0.7}
      - id: slip
        mtbf: {distribution: weibull, mean: 90 min, shape: 2}
        mttr: {distribution: gamma, mean: 5 min, cv: 0.5}
      - {id: rare, mtbf: {distribution: exponential, mean: 100 h}, mttr: 10 min}
  - id: B
    cycle_time: 6 s
    failures:
      - id: halt
        mtbf: {distribution: exponential, mean: 30 min}
        mttr: {distribution: lognormal, mean: 2 min, sigma: 0.7}
  - id: C
    cycle_time: {distribution: lognormal, mean: 6 s, cv: 0.12}
    inspection: {detects: {D: 90 %}, false_reject: 0.5 %}
buffers: [{id: AB, from: A, to: B, capacity: 10}, {id: BC, from: B, to: C, capacity: 10}]
"""
"""Three stations at the same pace, with times of six kinds."""

HOUR_US = 3_600_000_000
COUNTED = ("processed", "defective", "reworked")


def with_mean(duration: d.Duration, mean_us: float) -> d.Duration:
    return duration.model_copy(update={"mean_us": round(mean_us)})


def changed(station: Station, rng: np.random.Generator) -> Station:
    """A station with another pace, other stops, another scrap rate; of the same families."""
    failures = tuple(
        failure.model_copy(
            update={
                "mtbf": with_mean(failure.mtbf, mean_us(failure.mtbf) * rng.uniform(0.5, 1.6)),
                "mttr": with_mean(failure.mttr, mean_us(failure.mttr) * rng.uniform(0.6, 1.6)),
            }
        )
        for failure in station.failures
    )
    pace = 1 + rng.choice((-1, 1)) * rng.uniform(0.02, 0.08)
    return station.model_copy(
        update={
            "cycle_time": with_mean(station.cycle_time, mean_us(station.cycle_time) * pace),
            "failures": failures,
            "scrap": station.scrap * rng.uniform(0.5, 2),
            "variables": (),
            "alarms": (),
        }
    )


def hidden_line(line: Line, seed: int) -> Line:
    """The line as it really is."""
    rng = np.random.default_rng(seed)
    return line.model_copy(update={"stations": tuple(changed(s, rng) for s in line.stations)})


@dataclass(frozen=True, slots=True)
class Truth:
    """What the plant really did.

    Args:
        line: what it is.
        points, lost: how many were published, and got lost.
    """

    line: Line
    points: int
    lost: int


def record(
    store: Historian,
    line: Line,
    *,
    seed: int,
    hours: float,
    warm_h: float = 24,
    lost: float = 0.02,
    scan_us: int = 1_000_000,
) -> Truth:
    """Run a plant and keep what its PLCs publish, but for a share that gets lost."""
    engine = open_engine(line, seed=seed)
    engine.advance(round(warm_h * HOUR_US))
    plant = SimulatedPlant(line, seed=seed, start=engine.snapshot())
    rng = np.random.default_rng(seed)
    end_us = round((warm_h + hours) * HOUR_US)
    batch, published, kept = [], 0, 0
    for points in telemetry(plant, end_us, scan_us, (*SIGNALS, *COUNTED)):
        published += len(points)
        batch += [point for point in points if rng.random() >= lost]
        if len(batch) > 50_000:
            kept += store.write(batch).written
            batch = []
    kept += store.write(batch).written
    return Truth(line, published, published - kept)


def value_at(line: Line, path: tuple[str | int, ...]) -> Any:
    """The value of a line at a path, as `("stations", 0, "scrap")`."""
    found: Any = line
    for item in path:
        keyed = isinstance(item, int) or isinstance(found, dict)
        found = found[item] if keyed else getattr(found, str(item))
    return found


def truth_of(line: Line, path: tuple[str | int, ...]) -> float:
    """A rate, or a mean time in seconds."""
    value = value_at(line, path)
    return value if isinstance(value, float) else mean_us(value) / 1e6
