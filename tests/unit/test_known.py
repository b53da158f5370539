"""What every value rests on, as the page, the terminal and a snapshot have it."""

from __future__ import annotations

from collections import deque

import pytest
from page_rig import MadeLine
from plant_seen import EPOCH_US, Published, S, at_work

from dashboards.live.state import state_of
from lines.loader import load
from twin.historian.memory import MemoryHistorian
from twin.historian.port import Quality
from twin.live.inferred import Basis, room
from twin.live.known import known_levels, known_machines, known_value
from twin.live.readings import ConnectionChanged
from twin.live.restored import restored

HIDDEN = frozenset({"level", "rework_level", "starved", "blocked"})


@pytest.fixture(scope="module")
def watched() -> tuple[MadeLine, Published]:
    """A storage line whose PLCs say neither levels nor waits."""
    return followed(HIDDEN, 300)


def followed(hidden: frozenset[str], for_s: int) -> tuple[MadeLine, Published]:
    line = load("storage_line")
    published = Published(at_work(line, seed=2), hidden=hidden)
    made = MadeLine(line, MemoryHistorian(), deque())
    for plc in made.mirror.plcs:
        made.take(ConnectionChanged(plc, connected=True, at_us=EPOCH_US, reason=""))
    began_us = published.plant.now_us
    for passed_s in range(5, for_s + 1, 5):
        made.take(published.scan(began_us + passed_s * S))
        made.levels.validate()
    return made, published


def test_levels_that_nobody_says_are_marked_and_hold_the_truth(watched) -> None:
    made, published = watched
    values, status = state_of(made), published.plant.status()
    inferred = 0
    for buffer_id, known in known_levels(made.levels):
        told = values[f"k/{buffer_id}"]
        assert told["basis"] == known.basis.value != "reported"
        assert known.low <= status.buffers[buffer_id].level <= known.high
        if known.basis is Basis.INFERRED:
            inferred += 1
            assert told["low"] == known.low
    assert inferred > 5


def test_waits_that_nobody_says_are_worked_out_or_left_open() -> None:
    made, published = followed(frozenset({"starved", "blocked"}), 30)
    values, status = state_of(made), published.plant.status()
    letters = {True: "s", False: "b"}
    marked = 0
    for station in made.line.stations:
        for one in known_machines(made.levels, station):
            letter, told = values[f"m/{one.unit}"], values.get(f"k/{one.unit}")
            assert one.state.basis is Basis.REPORTED
            if told is None:
                assert letter not in "sb?"
            elif told["basis"] == "inferred":
                marked += 1
                assert letter == letters[status.machines[one.unit].starved]
            else:
                assert letter == "?"
    assert marked > 3


def test_a_snapshot_has_no_more_parts_than_there_can_be(watched) -> None:
    made, published = watched
    status = published.plant.status()
    state = restored(made.mirror, seed=3, levels=made.levels)
    lanes: dict[int, int] = {}
    for held_in, holder in zip(
        state.snapshot.parts.held_in, state.snapshot.parts.holder, strict=True
    ):
        if held_in == 0:
            lanes[holder] = lanes.get(holder, 0) + 1
    assert all(count > 0 for count in lanes.values())
    sure = {name: known.low for name, known in known_levels(made.levels) if known.low == known.high}
    for name, level in sure.items():
        assert (
            status.buffers[name].level
            == level
            <= room(made.line, next(b for b in made.line.buffers if b.id == name))
        )
    named = {text.partition(":")[0] for text in state.drawn}
    assert not named & set(sure)


def test_of_a_lost_plc_the_last_is_told_with_when_it_was_said(watched) -> None:
    made, _ = watched
    made.take(ConnectionChanged("PLC-ASM", connected=False, at_us=EPOCH_US, reason="cable"))
    values = state_of(made)
    told = values["k/STK01"]
    assert values["m/STK01"] == "?"
    assert told["basis"] == "unknown"
    assert told["last"] != "?"
    held = made.mirror.reported("STK01", "state_current")
    assert held is not None
    assert held.quality == Quality.BAD
    assert told["said_us"] == held.source_us
    known = known_value(made.mirror, "STK01", "state_current")
    assert known.age_us == made.mirror.now_us("PLC-ASM") - held.source_us
    assert values["c/PLC-FIN"] == 0.0
