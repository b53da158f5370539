"""The state that is put together from signals: engines go on from it, and it is the plant's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plant_seen import EPOCH_US, Published, S, at_work, connected, followed
from random_lines import lines

from lines.loader import load
from twin.engine.plant import SimulatedPlant
from twin.engine.redraw import redrawn
from twin.engine.simulation import open_engine
from twin.engine.snapshot import Snapshot
from twin.engine.snapshot_rows import REWORK, lane_keys
from twin.errors import EngineError
from twin.live.mirror import Mirror
from twin.live.readings import ConnectionChanged
from twin.live.restored import restored
from twin.model import Line
from twin.model.status import Condition

some = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)


def settled(line: Line, snapshot: Snapshot, engine: str = "kernel") -> Snapshot:
    running = open_engine(line, engine, start=snapshot)
    running.advance(running.now_us)
    return running.snapshot()


def in_lanes(line: Line, snapshot: Snapshot) -> list[int]:
    rows = zip(snapshot.parts.held_in, snapshot.parts.holder, strict=True)
    held = np.bincount(
        [holder for held_in, holder in rows if held_in == 0], minlength=len(lane_keys(line))
    )
    return held.tolist()


@some
@given(lines(), st.integers(1, 400), st.sampled_from([1, 2, 5]), st.integers(1, 9))
def test_both_engines_go_on_alike_from_what_any_plant_says(
    line: Line, at_s: int, step_s: int, seed: int
) -> None:
    published = Published(SimulatedPlant(line, seed=seed))
    mirror = connected(line)
    followed(published, mirror, at_s * S, step_s * S)
    mirror.validate()
    found = restored(mirror, seed=seed)
    assert found.at_us == EPOCH_US + at_s * S
    a, b = (open_engine(line, engine, start=found.snapshot) for engine in ("simpy", "kernel"))
    for passed_s in (0, 1, 60, 600):
        for engine in (a, b):
            engine.advance(found.snapshot.at_us + passed_s * S)
        assert a.snapshot() == b.snapshot()


@some
@given(lines(), st.integers(1, 400), st.integers(1, 9))
def test_levels_and_occupied_places_are_the_plants(line: Line, at_s: int, seed: int) -> None:
    plant = SimulatedPlant(line, seed=seed)
    mirror = connected(line)
    followed(Published(plant), mirror, at_s * S, S)
    found, status = restored(mirror).snapshot, plant.status()
    told = []
    for buffer, lane in lane_keys(line):
        level = status.buffers[str(buffer)]
        told.append(level.rework_level if lane == REWORK else level.lane_levels[int(lane)])
    assert in_lanes(line, found) == told
    held = {
        holder
        for held_in, holder in zip(found.parts.held_in, found.parts.holder, strict=True)
        if held_in == 2
    }
    place = 0
    for station in line.stations:
        for m in range(station.machines):
            machine = status.machines[station.machine_id(m)]
            mine = range(place, place + station.places)
            occupied = sum(1 for k in mine if found.places.loaded[k] or k in held)
            # A finished part that leaves the line does not wait for anything.
            assert occupied == machine.occupied
            place += station.places


@pytest.mark.parametrize("name", ["storage_line", "tube_line"])
def test_an_example_line_is_restored_at_any_instant_and_both_engines_go_on(name: str) -> None:
    line = load(name)
    published, mirror = Published(at_work(line, seed=7)), connected(line)
    at_s = published.plant.now_us // S
    for more_s in np.random.default_rng(7).integers(1, 120, 3).tolist():
        at_s += more_s
        followed(published, mirror, at_s * S, 2 * S)
        found = restored(mirror)
        assert (found.at_us, found.unheard_us) == (EPOCH_US + at_s * S, {})
        told = published.plant.status()
        levels = [
            told.buffers[str(buffer)].rework_level
            if lane == REWORK
            else told.buffers[str(buffer)].lane_levels[int(lane)]
            for buffer, lane in lane_keys(line)
        ]
        assert in_lanes(line, found.snapshot) == levels
        on = [open_engine(line, engine, start=found.snapshot) for engine in ("simpy", "kernel")]
        for engine in on:
            engine.advance(found.snapshot.at_us + 5 * S)
        assert on[0].snapshot() == on[1].snapshot()


def test_a_repair_goes_on_given_how_long_it_has_lasted() -> None:
    repair = {"distribution": "lognormal", "mean": "10 min", "cv": 0.5}
    failure = {"id": "jam", "mtbf": "100 s", "mttr": repair}
    line = Line.model_validate(
        {"id": "L", "stations": ({"id": "A", "cycle_time": "3 s", "failures": (failure,)},)}
    )
    plant = SimulatedPlant(line)
    mirror = connected(line)
    followed(Published(plant), mirror, 200 * S, S)
    assert mirror.machine("A01").condition == Condition.FAULT
    began_us = mirror.machine("A01").since_us - EPOCH_US
    found = restored(mirror)
    ends = np.array([
        redrawn(line, found.snapshot, k).machines.ends_us[0] - began_us for k in range(400)
    ])  # fmt: skip
    # Whole times, given that they are longer than what has passed.
    assert ends.min() > 200 * S - began_us
    assert ends.mean() / 1e6 == pytest.approx(600, rel=0.1)
    assert found.drawn == ()


def test_what_no_signal_says_is_drawn_and_named() -> None:
    line = load("five_stations")
    hidden = frozenset({"level", "occupied", "stop_reason"})
    published, mirror = Published(SimulatedPlant(line), hidden=hidden), connected(line)
    followed(published, mirror, 600 * S, S)
    found = restored(mirror)
    assert any(text.endswith("how many parts are in it") for text in found.drawn)
    settled(line, found.snapshot)


def test_a_line_that_has_not_been_heard_has_no_state() -> None:
    with pytest.raises(EngineError, match="no PLC has said anything yet"):
        restored(Mirror(load("five_stations")))


def test_a_lost_plc_is_said_with_how_long_nothing_has_been_heard() -> None:
    line = load("storage_line")
    plant = SimulatedPlant(line)
    published, mirror = Published(plant), connected(line)
    followed(published, mirror, 60 * S, 30 * S)
    lost = ConnectionChanged("PLC-ASM", connected=False, at_us=EPOCH_US, reason="cut")
    mirror.handle(lost)
    plant.advance(90 * S)
    fresh = tuple(r for r in published.scan(90 * S) if r.plc != "PLC-ASM")
    mirror.handle(fresh)
    found = restored(mirror)
    assert set(found.unheard_us) == set(mirror.stations_of("PLC-ASM"))
    assert set(found.unheard_us.values()) == {30 * S}
