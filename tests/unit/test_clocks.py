"""Clocks of PLCs beside one another: skew, correction, and a clock that is set back."""

from __future__ import annotations

from random import Random

import pytest
from plant_seen import EPOCH_US, S

from twin.historian.memory import MemoryHistorian
from twin.historian.port import Quality
from twin.live.clocks import Clocks
from twin.live.hearing import Hearing
from twin.live.mirror import Mirror
from twin.live.readings import ConnectionChanged, Reading
from twin.live.recollection import mirror_then, recollected
from twin.live.restored import restored
from twin.model import Line

LINE = Line.model_validate(
    {
        "id": "L",
        "plcs": ({"id": "P"}, {"id": "Q"}, {"id": "R"}),
        "stations": (
            {"id": "A", "cycle_time": "10 s", "plc": "P"},
            {"id": "B", "cycle_time": "10 s", "plc": "Q"},
            {"id": "C", "cycle_time": "10 s", "plc": "R"},
        ),
        "buffers": ({"id": "AB", "from": "A", "to": "B"}, {"id": "BC", "from": "B", "to": "C"}),
    }
)
UNIT = {"P": "A01", "Q": "B01", "R": "C01"}


class Heard:
    """A mirror whose PLCs say what a test lets them say, each by its own clock."""

    def __init__(self) -> None:
        self.mirror, self.ahead_us, self.at_us = Mirror(LINE), dict.fromkeys("PQR", 0), EPOCH_US
        self.hearing, self.store = Hearing(self.mirror), MemoryHistorian()
        self.notices: list[str] = []
        for plc in "PQR":
            self.mirror.handle(ConnectionChanged(plc, True, self.at_us, ""))
            self.say(plc, state_current=6, processed=0, consumed=0)

    def say(self, plc: str, **values: int) -> None:
        source_us = self.at_us + self.ahead_us[plc]
        self.take(
            tuple(
                Reading(plc, unit, name, value, source_us, self.at_us, Quality.GOOD)
                for unit, name, value in (
                    *((UNIT[plc], *one) for one in values.items()),
                    (plc, "heartbeat", self.at_us),
                )
            )
        )

    def take(self, message: tuple[Reading, ...]) -> None:
        changes = self.mirror.handle(message)
        self.notices += [notice.text for notice in changes.notices]
        self.store.write((*changes.points, *self.hearing.changed()))
        self.mirror.validate()

    def beat(self, seconds: int) -> None:
        for _ in range(seconds):
            self.at_us += S
            for plc in "PQR":
                self.say(plc)
        self.store.write(self.hearing.points())


@pytest.mark.parametrize("rate", [1.0, 60.0])
def test_skew_is_found_through_ways_of_any_length(rate: float) -> None:
    random, clocks = Random(1), Clocks(("P", "Q", "R"), rate)
    ahead_us = {"P": 40_000, "Q": -7 * 60 * S, "R": 0}
    for at_us in range(0, 60 * S, S // 2):
        for plc, us in ahead_us.items():
            way_us = int(random.expovariate(1 / 30_000))
            clocks.note(plc, round(at_us * rate) + us, at_us + way_us, behind=False)
    for plc, us in ahead_us.items():
        assert abs(clocks.skew_us(plc) - us) < 5_000 * rate + 1
    assert clocks.ahead_us("P") == clocks.ahead_us("R") == 0
    assert abs(clocks.ahead_us("Q") - ahead_us["Q"]) < 5_000 * rate + 40_001


def test_the_lines_time_is_the_one_that_most_plcs_agree_on() -> None:
    heard = Heard()
    heard.ahead_us["Q"] = 3600 * S
    heard.beat(10)
    assert heard.mirror.newest_us == heard.at_us
    assert heard.mirror.now_us("Q") == heard.at_us + 3600 * S
    assert heard.mirror.clocks.skew_us("Q") == 3600 * S
    heard.say("Q", consumed=1)
    heard.say("P", consumed=1)
    heard.beat(4)
    state = restored(heard.mirror)
    assert state.at_us == heard.at_us
    # Both have worked for 4 of 10 s, whatever their clocks say.
    places = state.snapshot.places
    left_us = [us for us, loaded in zip(places.left_us, places.loaded, strict=True) if loaded]
    assert left_us[1] == 6 * S
    assert (
        heard.mirror.machine("B01").worked_for_us(
            heard.mirror.machine("B01").loads[-1], heard.mirror.now_us("Q")
        )
        == 4 * S
    )


def test_after_a_clock_is_set_back_all_that_is_said_is_taken() -> None:
    heard = Heard()
    heard.beat(20)
    heard.say("P", state_current=6, processed=7)
    heard.ahead_us["P"] = -600 * S
    heard.at_us += S
    heard.say("P", state_current=9, processed=8)
    heard.beat(6)
    assert heard.mirror.value("A01", "state_current") == 9
    assert heard.mirror.gained_by("A01", "processed") == 8
    assert heard.mirror.heard_us("P") == heard.at_us - 600 * S
    assert [text for text in heard.notices if "set back by 600.0 s" in text] == heard.notices
    assert heard.mirror.newest_us == heard.at_us
    memory = heard.mirror.machine("A01")
    assert memory.since_us == heard.mirror.heard_us("P") - 6 * S


def test_one_that_is_late_or_comes_twice_sets_no_clock_back() -> None:
    heard = Heard()
    heard.beat(20)
    late = tuple(
        Reading("P", "A01", "state_current", 5, heard.at_us - 2 * S, heard.at_us, Quality.GOOD)
        for _ in range(1)
    )
    heard.say("P", state_current=6)
    for _ in range(10):
        heard.take(late)
        heard.beat(1)
    assert heard.mirror.value("A01", "state_current") == 6
    assert heard.notices == []
    assert heard.mirror.heard_us("P") == heard.at_us


def test_a_cut_while_a_clock_is_suspected_loses_nothing() -> None:
    heard = Heard()
    heard.beat(10)
    heard.say("P", processed=3)
    heard.ahead_us["P"] = -60 * S
    heard.at_us += S
    heard.say("P", processed=4)
    heard.mirror.handle(ConnectionChanged("P", False, heard.at_us, "cable"))
    heard.mirror.validate()
    assert heard.mirror.gained_by("A01", "processed") == 4
    heard.mirror.handle(ConnectionChanged("P", True, heard.at_us, ""))
    heard.say("P", state_current=6, processed=5)
    assert heard.mirror.gained_by("A01", "processed") == 5


def test_a_past_instant_is_the_same_for_clocks_that_differ() -> None:
    heard = Heard()
    heard.ahead_us["R"] = 90 * S
    heard.beat(20)
    at_us = heard.at_us
    heard.say("R", processed=1)
    heard.beat(20)
    heard.say("R", processed=2)
    heard.beat(20)
    then = mirror_then(recollected(heard.store, LINE, at_us + 10 * S))
    assert then.value("C01", "processed") == 1
    assert then.newest_us == at_us + 10 * S


def test_two_plcs_differ_and_one_alone_does_not() -> None:
    pair = Clocks(("P", "Q"))
    for at_us in range(0, 10 * S, S):
        pair.note("P", at_us, at_us + 10_000, behind=False)
        pair.note("Q", at_us + 5 * S, at_us + 10_000, behind=False)
    assert (pair.ahead_us("P"), pair.ahead_us("Q")) == (0, 5 * S)
    alone = Clocks(("P",))
    for at_us in range(0, 10 * S, S):
        alone.note("P", at_us + 9 * S, at_us, behind=False)
    assert alone.skew_us("P") == 0
