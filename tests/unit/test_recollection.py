"""A line's state at a past instant, from its history: what the live twin knew then."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

import pytest
from plant_seen import EPOCH_US, Published, S, at_work, connected

from lines.loader import load
from twin.engine.simulation import open_engine
from twin.historian.memory import MemoryHistorian
from twin.historian.port import Historian, Quality
from twin.live.hearing import Hearing
from twin.live.mirror import Mirror
from twin.live.readings import ConnectionChanged, Reading
from twin.live.recollection import mirror_then, recollected, span_of
from twin.live.restored import restored
from twin.model import Line
from twin.signals import tags

STEP_S = 5


@dataclass
class Watched:
    """A plant that a mirror follows, with its history, and copies of the mirror by instant."""

    line: Line
    store: Historian
    published: Published = field(init=False)
    mirror: Mirror = field(init=False)
    hearing: Hearing = field(init=False)
    then: dict[int, Mirror] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.published = Published(at_work(self.line, seed=3))
        self.mirror = connected(self.line)
        self.hearing = Hearing(self.mirror)

    def run(self, for_s: int, keep_every_s: int) -> None:
        began_us = self.published.plant.now_us
        for passed_s in range(STEP_S, for_s + 1, STEP_S):
            self.take(self.published.scan(began_us + passed_s * S))
            if passed_s % keep_every_s == 0:
                self.then[EPOCH_US + self.published.plant.now_us] = copy.deepcopy(self.mirror)

    def take(self, message) -> None:
        self.store.write((*self.mirror.handle(message).points, *self.hearing.changed()))


@pytest.fixture(scope="module")
def watched() -> Watched:
    of = Watched(load("storage_line"), MemoryHistorian())
    of.run(900, 150)
    return of


def test_every_value_of_then_is_the_one_that_was_known_then(watched: Watched) -> None:
    for at_us, then in watched.then.items():
        found = recollected(watched.store, watched.line, at_us)
        mirror = mirror_then(found)
        mirror.validate()
        assert mirror.newest_us == at_us
        for tag in tags(watched.line):
            was, now = then.reported(*tag.key), mirror.reported(*tag.key)
            assert (now.value, now.source_us, now.quality) == (was.value, was.source_us, 0), tag.key


def test_how_long_things_had_gone_on_is_known_as_then(watched: Watched) -> None:
    at_us, then = max(watched.then.items())
    mirror = mirror_then(recollected(watched.store, watched.line, at_us))
    exact = 0
    for station in watched.line.stations:
        for number in range(station.machines):
            unit = station.machine_id(number)
            was, now = then.machine(unit), mirror.machine(unit)
            assert now.condition == was.condition, unit
            longest_us = max((at_us - load.at_us for load in was.loads), default=0)
            if longest_us < 300 * S and len(was.loads) == station.places:
                assert list(now.loads)[-1].at_us == list(was.loads)[-1].at_us, unit
                exact += 1
    assert exact > 20


def test_an_engine_goes_on_from_a_past_instant(watched: Watched) -> None:
    at_us = min(watched.then)
    state = restored(mirror_then(recollected(watched.store, watched.line, at_us)), seed=5)
    assert state.at_us == at_us
    assert not state.unheard_us
    engine = open_engine(watched.line, start=state.snapshot)
    engine.advance(state.snapshot.at_us + 3600 * S)
    assert engine.snapshot().at_us == state.snapshot.at_us + 3600 * S


def test_of_a_plc_that_was_lost_the_last_values_are_there_and_not_trusted() -> None:
    of = Watched(load("storage_line"), MemoryHistorian())
    of.run(60, 60)
    lost_us = of.mirror.heard_us("PLC-ASM")
    of.take(ConnectionChanged("PLC-ASM", connected=False, at_us=lost_us, reason="cable"))
    dropped, of.take = of.take, lambda message: dropped(
        tuple(reading for reading in message if reading.plc != "PLC-ASM")
    )  # fmt: skip
    of.run(60, 60)
    at_us = max(of.then)
    found = recollected(of.store, of.line, at_us)
    assert "PLC-ASM" not in found.watched
    assert len(found.watched) == len(of.mirror.plcs) - 1
    mirror = mirror_then(found)
    held = mirror.reported("STK01", "state_current")
    assert held is not None
    assert held.quality == Quality.BAD
    assert mirror.unknown_since(of.line.station_by_id["STK"]) == lost_us
    assert restored(mirror).unheard_us["STK"] == 60 * S


def test_before_and_without_a_history_there_is_nothing() -> None:
    line, store = load("five_stations"), MemoryHistorian()
    assert span_of(store, line) is None
    assert recollected(store, line, EPOCH_US) is None
    mirror = connected(line)
    reading = Reading("PLC", "M101", "state_current", 6, EPOCH_US, EPOCH_US, Quality.GOOD)
    store.write(mirror.handle((reading,)).points)
    assert span_of(store, line) == (EPOCH_US, EPOCH_US)
    assert recollected(store, line, EPOCH_US - 1) is None
    assert recollected(store, line, EPOCH_US).watched == {"PLC"}


@pytest.mark.parametrize("name", ["storage_line", "tube_line"])
def test_of_a_history_that_holds_few_signals_the_rest_is_unknown(name: str) -> None:
    line, store = load(name), MemoryHistorian()
    station = line.stations[0]
    unit, plc = station.machine_id(0), line.plc_of(station.id)
    said = Reading(plc, unit, "state_current", 6, EPOCH_US, EPOCH_US, Quality.GOOD)
    store.write(connected(line).handle((said,)).points)
    mirror = mirror_then(recollected(store, line, EPOCH_US + S))
    assert mirror.reported(unit, "state_current") is not None
    assert mirror.reported(unit, "processed") is None


def test_what_is_recalled_counts_as_nothing_gained(watched: Watched) -> None:
    at_us = max(watched.then)
    mirror = mirror_then(recollected(watched.store, watched.line, at_us))
    assert all(mirror.gained(s, "processed") == 0 for s in watched.line.stations)
    assert mirror.watched_us == 0


def test_a_value_that_was_not_to_be_believed_then_is_not_believed_now() -> None:
    line, store = load("five_stations"), MemoryHistorian()
    mirror, plc = connected(line), load("five_stations").plc_of("M1")

    def say(signal: str, value: float | None, said_s: int, came_s: int, quality: Quality) -> None:
        at = (EPOCH_US + said_s * S, EPOCH_US + came_s * S)
        beat = Reading(plc, plc, "heartbeat", came_s, at[1], at[1], Quality.GOOD)
        reading = Reading(plc, "M101", signal, value, *at, quality)
        store.write(mirror.handle((beat,)).points)
        store.write(mirror.handle((reading,)).points)

    say("state_current", 6, 1, 1, Quality.GOOD)
    say("state_current", None, 1, 10, Quality.BAD)
    say("state_current", 6, 1, 20, Quality.GOOD)
    for at_s, quality in ((5, Quality.GOOD), (15, Quality.BAD), (25, Quality.GOOD)):
        then = mirror_then(recollected(store, line, EPOCH_US + at_s * S))
        held = then.reported("M101", "state_current")
        assert held is not None
        assert (held.value, held.quality) == (6, quality)
