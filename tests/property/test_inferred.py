"""What is worked out for want of a signal is never at odds with the plant."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plant_seen import Published, S, at_work, connected
from random_lines import lines

from lines.loader import load
from twin.engine.plant import SimulatedPlant
from twin.live.inferred import Basis, Levels, level_follows_from, silent_too_long, waits
from twin.model import Line

some = settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow], deadline=None)
NO_LEVELS = frozenset({"level", "rework_level"})


@some
@given(lines(), st.integers(20, 120), st.integers(1, 9))
def test_a_level_lies_within_what_counters_tell(line: Line, for_s: int, seed: int) -> None:
    published, mirror = (
        Published(SimulatedPlant(line, seed=seed), hidden=NO_LEVELS),
        connected(line),
    )
    levels = Levels(mirror)
    for at_s in range(1, for_s):
        mirror.handle(published.scan(at_s * S))
        levels.take()
        status = published.plant.status()
        for buffer in line.buffers:
            known = levels.level(buffer)
            assert known.basis is not Basis.REPORTED
            assert (known.basis is Basis.INFERRED) == (level_follows_from(line, buffer) is not None)
            assert 0 <= known.low <= status.buffers[buffer.id].level <= known.high


@pytest.mark.parametrize("name", ["storage_line", "tube_line"])
def test_starved_and_blocked_follow_from_state_and_levels(name: str) -> None:
    line = load(name)
    hidden = frozenset({"starved", "blocked"})
    published, mirror = Published(at_work(line, seed=2), hidden=hidden), connected(line)
    levels, told, silent = Levels(mirror), 0, 0
    began_us = published.plant.now_us
    for passed_s in range(1, 60):
        mirror.handle(published.scan(began_us + passed_s * S))
        levels.take()
        status = published.plant.status()
        for station in line.stations:
            for number in range(station.machines):
                machine = status.machines[station.machine_id(number)]
                found = waits(levels, station, number)
                if found is not None:
                    assert found == (machine.starved, machine.blocked)
                    told += found != (False, False)
                silent += bool(silent_too_long(mirror, station, number))
    assert told > 100
