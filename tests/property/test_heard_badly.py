"""What the mirror knows of a plant that is heard badly is the plant's truth, or said to be lost."""

from __future__ import annotations

import sys
from random import Random

import pytest
from faulty_wire import FaultyWire, Rates
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plant_seen import S, at_work
from random_lines import lines

from lines.loader import load
from twin.engine.plant import SimulatedPlant
from twin.historian.port import Quality
from twin.live.counting import WAITING
from twin.live.inferred import Levels
from twin.live.mirror import Mirror
from twin.live.readings import ConnectionChanged, Message
from twin.model import Line

LEVELS = frozenset({"level", "rework_level"})
STATES = frozenset({"state_current", "unit_mode_current", "starved", "blocked", "stop_reason"})
OFTEN = Rates(cut_every_s=60, restart_every_s=150, reset_every_s=40, away_s=20, set_back_every_s=50)


WRONG = ("phantom", "lost", "level errors", "states unequal")


def check(wire: FaultyWire, mirror: Mirror) -> dict[str, float]:
    """Hold the mirror to the plant, of every PLC of which nothing is missing at this instant.

    Returns:
        How many values of each kind were compared, and what was wrong: parts and events that a
        counter has too many or too few, levels and states that are others than the plant's.
    """
    mirror.validate()
    found = dict.fromkeys(("levels", "states", "counters", *WRONG), 0.0)
    quiet = {name for name in wire.plcs if wire.settled(name)}
    for k, tag in enumerate(wire.tags):
        held = mirror.reported(*tag.key)
        if tag.plc not in quiet:
            away = wire.plcs[tag.plc].away_until_us >= 0
            assert not away or held is None or held.quality == Quality.BAD, tag.key
        elif tag.signal.name in LEVELS or tag.signal.name in STATES:
            level, value = tag.signal.name in LEVELS, mirror.value(*tag.key)
            found["levels" if level else "states"] += 1
            found["level errors" if level else "states unequal"] += value != wire.truth[k]
        elif tag.signal.counter and tag.signal.name != WAITING:
            gained, gone = mirror.gained_by(*tag.key), wire.erased.get(tag.key, 0)
            found["counters"] += 1
            found["phantom"] += max(0.0, gained + gone - wire.made(k))
            found["lost"] += max(0.0, wire.made(k) - gained - gone)
    return found


def right(found: dict[str, float]) -> bool:
    """Whether nothing is wrong."""
    return not any(found[what] for what in WRONG)


def listened(name: str, for_s: int, step_s: int, rates: Rates, seed: int) -> dict[str, float]:
    """Let a mirror listen to a line's plant, and hold it to the plant after each scan."""
    line = load(name)
    wire, mirror = FaultyWire(at_work(line, seed), rates, seed), Mirror(line)
    levels = Levels(mirror)
    for message in wire.connect():
        mirror.handle(message)
    seen: dict[str, float] = {}
    began_us = wire.plant.now_us
    for passed_s in range(step_s, for_s + 1, step_s):
        for message in wire.scan(began_us + passed_s * S):
            mirror.handle(message)
        levels.take()
        levels.validate()
        below = sum(levels.level(buffer).low < 0 for buffer in line.buffers)
        for what, count in (check(wire, mirror) | {"levels below 0": below}).items():
            seen[what] = seen.get(what, 0) + count
    return seen | wire.counted | {"erased by a PLC": sum(wire.erased.values())}


some = settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow], deadline=None)


def again(messages: list[Message], random: Random) -> list[Message]:
    """Let some notifications come once more, some messages later but on the same connection."""
    found = list(messages)
    for _ in range(len(messages) // 4):
        k = random.randrange(len(found))
        if isinstance(found[k], tuple):
            for at in range(k + 1, min(len(found), k + 20)):
                if isinstance(found[at], ConnectionChanged):
                    break
                if random.random() < 0.3:
                    found.insert(at, found[k])
                    break
    return found


@some
@given(lines(), st.integers(1, 99), st.randoms(use_true_random=False))
def test_of_any_line_nothing_is_invented_and_nothing_is_lost(
    line: Line, seed: int, random: Random
) -> None:
    wire, mirror = FaultyWire(SimulatedPlant(line, seed=seed), OFTEN, seed), Mirror(line)
    levels = Levels(mirror)
    for message in wire.connect():
        mirror.handle(message)
    for at_s in range(1, 100):
        for message in again(list(wire.scan(at_s * S)), random):
            mirror.handle(message)
            levels.take()
        assert right(check(wire, mirror))
        for buffer in line.buffers:
            known = levels.level(buffer)
            assert 0 <= known.low <= known.high


@pytest.mark.parametrize("name", ["storage_line", "tube_line"])
def test_what_is_heard_of_a_faulty_wire_is_the_truth(name: str) -> None:
    seen = listened(name, 240, 2, OFTEN, seed=5)
    assert right(seen), seen
    assert min(seen["levels"], seen["states"], seen["counters"]) > 1000
    for fault in (
        *("notification lost", "notification twice"),
        *("cable cut", "counter set back", "clock set back"),
    ):
        assert seen[fault] > 0, seen
    assert seen["cold restart"] + seen["warm restart"] > 0, seen


@pytest.mark.nightly
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("name", ["storage_line", "tube_line"])
def test_a_day_on_a_faulty_wire_is_the_truth(name: str) -> None:
    seen = listened(name, 24 * 3600, 2, Rates(), seed=1)
    sys.stdout.write(f"{name}: {seen}\n")
    assert right(seen), seen
    assert seen["notification lost"] > 0.04 * seen["notification"]
