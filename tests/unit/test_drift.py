"""Drift from the line file is found, named, and not seen where there is none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from telemetry import T0, lossy, telemetry

from lines.loader import load_text
from twin.engine.plant import SimulatedPlant
from twin.live.changes import Notice
from twin.live.drift import Drift
from twin.model.line import Line
from twin.twin_signals import Drifting

HOUR_US = 3_600_000_000
CYCLES = {
    "constant": "10 s",
    "normal": "{distribution: normal, mean: 10 s, cv: 0.05}",
    "gamma": "{distribution: gamma, mean: 10 s, cv: 0.1}",
    "lognormal": "{distribution: lognormal, mean: 10 s, cv: 0.12}",
}


def line_of(
    cycle: str = "10 s", mtbf: str = "20 min", mttr: str = "60 s", machines: int = 1
) -> Line:
    return load_text(
        f"""
        id: L
        stations:
          - id: A
            machines: {machines}
            cycle_time: {cycle}
            effectiveness: 0.96
            failures:
              - {{id: jam, mtbf: {{distribution: exponential, mean: {mtbf}}},
                  mttr: {{distribution: lognormal, mean: {mttr}, sigma: 0.7}}}}
              - {{id: slip, mtbf: {{distribution: weibull, mean: {mtbf}, shape: 1.5}},
                  mttr: {mttr}}}
          - {{id: B, cycle_time: 5 s}}
        buffers: [{{id: AB, from: A, to: B, capacity: 10}}]
        """
    )


def watched(drift: Drift, plant: SimulatedPlant, until_us: int) -> Iterator[Notice]:
    for points in telemetry(plant, until_us):
        yield from drift.take(points)


@pytest.mark.parametrize("cycle", CYCLES.values(), ids=CYCLES)
@pytest.mark.parametrize("factor", [0.95, 1.05])
def test_a_cycle_time_that_drifts_by_5_percent_is_found_within_200_parts(
    cycle: str, factor: float
) -> None:
    line = line_of(cycle)
    drift, plant = Drift(line), SimulatedPlant(line, seed=7)
    assert list(watched(drift, plant, HOUR_US)) == []
    plant.set("A01", "cycle_time_factor", factor)
    before = plant.status().machines["A01"].good
    found = next(watched(drift, plant, 2 * HOUR_US))
    assert plant.status().machines["A01"].good - before <= 200
    assert found.stations == ("A",)
    assert found.text.startswith("A01: cycle time has drifted: ")
    share, parameter = drift.of("A")
    assert share >= 1
    assert parameter is Drifting.CYCLE_TIME
    assert drift.of("B") == (0.0, Drifting.NOTHING)


def test_a_drift_that_ends_is_said_to_be_over() -> None:
    line = line_of(CYCLES["normal"])
    drift, plant = Drift(line), SimulatedPlant(line, seed=7)
    plant.set("A01", "cycle_time_factor", 1.1)
    assert len(list(watched(drift, plant, HOUR_US))) == 1
    plant.set("A01", "cycle_time_factor", 1)
    (over,) = watched(drift, plant, 2 * HOUR_US)
    assert over.text == "A01: cycle time is as the line file says again"
    assert drift.of("A")[1] is Drifting.NOTHING


@pytest.mark.parametrize(
    ("plant_is", "named"),
    [
        ({"mtbf": "9 min"}, "A: time to failure has drifted"),
        ({"mttr": "150 s"}, "A: time to repair has drifted"),
    ],
)
def test_stops_that_drift_are_named(plant_is: dict[str, str], named: str) -> None:
    drift = Drift(line_of(machines=3))
    plant = SimulatedPlant(line_of(machines=3, **plant_is), seed=7)
    assert next(watched(drift, plant, 24 * HOUR_US)).text.startswith(named)


def test_nothing_is_seen_in_a_plant_that_is_as_its_file_says_though_points_get_lost() -> None:
    line = line_of(CYCLES["gamma"], machines=3)
    drift, plant = Drift(line), SimulatedPlant(line, seed=7)
    points = lossy([p for scan in telemetry(plant, 6 * HOUR_US) for p in scan], 0.02, seed=7)
    assert [notice for point in points for notice in drift.take([point])] == []
    assert 0 < drift.of("A")[0] < 1


def test_a_stretch_that_nobody_saw_is_no_drift() -> None:
    line = line_of(CYCLES["normal"])
    drift, plant = Drift(line), SimulatedPlant(line, seed=7)
    assert list(watched(drift, plant, HOUR_US)) == []
    drift.forget(["A", "B"], T0 + plant.now_us)
    plant.advance(5 * HOUR_US)
    # After a connection every value comes afresh.
    assert list(watched(drift, plant, 6 * HOUR_US)) == []
