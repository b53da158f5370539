"""The mirror: readings in, reported state out, and nothing known that nobody said."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.historian.port import Point, Quality, Series
from twin.live.mirror import Mirror
from twin.live.readings import (
    ConnectionChanged,
    NotificationsLost,
    Reading,
    StaleChanged,
    TagMissing,
)
from twin.model.line import Line
from twin.model.packml import State
from twin.signals import tags

LINE = Line.model_validate(
    {
        "id": "L1",
        "time_zone": "Asia/Shanghai",
        "plcs": ({"id": "PLC-A"}, {"id": "PLC-B"}),
        "stations": (
            {
                "id": "CUT",
                "plc": "PLC-A",
                "machines": 2,
                "cycle_time": "2 s",
                "alarms": ({"id": "EQP001", "category": "EQP", "severity": 700, "when": "fault"},),
            },
            {"id": "RACK", "plc": "PLC-A", "places": 4, "cycle_time": "8 s"},
            {"id": "PACK", "plc": "PLC-B", "cycle_time": "1 s"},
        ),
        "buffers": (
            {"id": "B1", "from": "CUT", "to": "RACK", "capacity": 9},
            {"id": "B2", "from": "RACK", "to": "PACK", "capacity": 9},
        ),
    }
)
CUT, RACK, PACK = LINE.stations
T0 = 1_767_571_200_000_000  # Monday 2026-01-05 08:00 in Shanghai
S = 1_000_000
MIN = 60 * S


def up(plc="PLC-A", at=T0) -> ConnectionChanged:
    return ConnectionChanged(plc, connected=True, at_us=at, reason="")


def down(plc="PLC-A", at=T0, reason="it is off") -> ConnectionChanged:
    return ConnectionChanged(plc, connected=False, at_us=at, reason=reason)


def said(unit, signal, value, at=T0, quality=Quality.GOOD, plc=None) -> Reading:
    owner = plc or ("PLC-B" if unit.startswith("PACK") else "PLC-A")
    return Reading(owner, unit, signal, value, at, at + 7, quality)


@pytest.fixture
def mirror() -> Mirror:
    known = Mirror(LINE)
    known.handle(up("PLC-A"))
    known.handle(up("PLC-B"))
    return known


def state(mirror: Mirror, unit: str, value: State, at: int) -> None:
    mirror.handle((said(unit, "state_current", int(value), at),))
    mirror.validate()


def test_before_anyone_speaks_nothing_is_known() -> None:
    mirror = Mirror(LINE)
    assert mirror.newest_us == 0
    assert mirror.plcs == ("PLC-A", "PLC-B")
    assert [mirror.unknown_since(station) for station in LINE.stations] == [0, 0, 0]
    assert mirror.lost_since("PLC-A") == 0
    assert mirror.reported("CUT01", "state_current") is None
    assert mirror.value("CUT01", "state_current") is None
    assert mirror.total(CUT, "processed") is None
    assert mirror.gained(CUT, "processed") == 0
    assert mirror.waiting_share(CUT) is None
    assert list(mirror.standing_alarms()) == []
    mirror.validate()


def test_a_reading_is_reported_and_stored(mirror) -> None:
    changes = mirror.handle((said("CUT01", "state_current", 6, T0 + 1, Quality.UNCERTAIN),))
    held = mirror.reported("CUT01", "state_current")
    assert (held.value, held.source_us, held.arrival_us, held.quality) == (
        6.0,
        T0 + 1,
        T0 + 8,
        Quality.UNCERTAIN,
    )
    assert mirror.value("CUT01", "state_current") == 6
    assert mirror.newest_us == T0 + 1
    series = Series("L1", "CUT01", "state_current")
    assert changes.points == (Point(series, T0 + 1, 6.0, Quality.UNCERTAIN),)
    assert changes.notices == ()


def test_a_late_reading_changes_nothing_but_is_stored(mirror) -> None:
    mirror.handle((said("CUT01", "processed", 10, T0 + 5 * S),))
    changes = mirror.handle((said("CUT01", "processed", 9, T0 + 4 * S),))
    assert mirror.value("CUT01", "processed") == 10
    assert mirror.newest_us == T0 + 5 * S
    assert mirror.gained(CUT, "processed") == 0
    assert [(point.at_us, point.value) for point in changes.points] == [(T0 + 4 * S, 9.0)]
    assert changes.notices == ()


def test_of_two_readings_of_one_instant_the_later_said_holds(mirror) -> None:
    mirror.handle((said("B1", "level", 3), said("B1", "level", 4)))
    assert mirror.value("B1", "level") == 4


@pytest.mark.parametrize(
    "reading",
    [
        said("CUT09", "state_current", 6),
        said("CUT01", "no_such_signal", 6),
        said("CUT01", "state_current", 6, plc="PLC-B"),
        said("CUT01", "state_current", 6, plc="PLC-X"),
        said("PLC-A", "heartbeat", 6, plc="PLC-X"),
    ],
)
def test_what_the_line_does_not_know_is_ignored(mirror, reading) -> None:
    changes = mirror.handle((reading,))
    assert changes.points == ()
    assert changes.notices == ()
    assert mirror.newest_us == 0
    assert mirror.value("CUT01", "state_current") is None


def test_a_connection_of_a_strange_plc_is_ignored(mirror) -> None:
    assert mirror.handle(down("PLC-X")).notices == ()
    mirror.validate()


def test_a_plcs_own_heartbeat_tells_the_plants_time_and_is_not_stored(mirror) -> None:
    changes = mirror.handle((said("PLC-A", "heartbeat", 3, T0 + 9 * S, plc="PLC-A"),))
    assert changes.points == ()
    assert mirror.newest_us == T0 + 9 * S


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_no_value_leaves_the_last_one_untrusted(mirror, value) -> None:
    assert mirror.handle((said("B1", "level", value),)).points == ()
    mirror.handle((said("B1", "level", 3),))
    changes = mirror.handle((said("B1", "level", value, T0 + 1, Quality.BAD),))
    assert [(p.value, p.quality) for p in changes.points] == [(3.0, Quality.BAD)]
    assert mirror.value("B1", "level") is None
    assert mirror.reported("B1", "level").value == 3
    mirror.handle((said("B1", "level", 4, T0 + 2),))
    assert mirror.value("B1", "level") == 4


def test_a_lost_plcs_values_are_bad_and_its_stations_unknown(mirror) -> None:
    mirror.handle((said("CUT01", "state_current", 6, T0 + 61 * S), said("PACK01", "blocked", True)))
    (notice,) = mirror.handle(down(at=T0 + 99 * S)).notices
    assert notice.plc == "PLC-A"
    assert notice.stations == ("CUT", "RACK")
    assert notice.text == (
        "PLC-A is lost: CUT, RACK unknown since 2026-01-05 08:01:01 Asia/Shanghai by the plant's "
        "clock; it is off"
    )
    assert mirror.value("CUT01", "state_current") is None
    assert mirror.reported("CUT01", "state_current").quality == Quality.BAD
    assert mirror.value("PACK01", "blocked") == 1
    since = [mirror.unknown_since(station) for station in LINE.stations]
    assert since == [T0 + 61 * S, T0 + 61 * S, None]
    assert mirror.lost_since("PLC-A") == T0 + 99 * S
    assert mirror.lost_since("PLC-B") is None
    mirror.validate()
    # It is said once.
    assert mirror.handle(down(at=T0 + 100 * S)).notices == ()
    assert mirror.lost_since("PLC-A") == T0 + 99 * S


def test_a_plc_that_never_came_is_unknown_since_the_start() -> None:
    (notice,) = Mirror(LINE).handle(down("PLC-B")).notices
    assert notice.text == "PLC-B is lost: PACK unknown since the start; it is off"


def test_a_plc_that_is_back_is_known_again_value_by_value(mirror) -> None:
    mirror.handle((said("B1", "level", 3), said("CUT01", "processed", 5)))
    mirror.handle(down(at=T0 + 10 * S))
    (notice,) = mirror.handle(up(at=T0 + 12 * S + S // 2)).notices
    assert notice.text == "PLC-A is back after 2.5 s; known again: CUT, RACK"
    assert notice.stations == ("CUT", "RACK")
    assert [mirror.unknown_since(station) for station in LINE.stations] == [None, None, None]
    assert mirror.value("B1", "level") is None
    mirror.handle((said("B1", "level", 4, T0 + 13 * S),))
    assert mirror.value("B1", "level") == 4
    assert mirror.value("CUT01", "processed") is None
    mirror.validate()


def test_the_first_connection_is_no_return() -> None:
    mirror = Mirror(LINE)
    mirror.handle(down("PLC-B", T0))
    (notice,) = mirror.handle(up("PLC-B", T0 + S)).notices
    assert notice.text == "PLC-B connected: PACK"


def test_a_plc_that_comes_back_with_an_older_clock_is_believed(mirror) -> None:
    mirror.handle((said("B1", "level", 3, T0 + 1000 * S),))
    mirror.handle(down(at=T0 + 1001 * S))
    mirror.handle(up(at=T0 + 1002 * S))
    mirror.handle((said("B1", "level", 0, T0),))
    assert mirror.value("B1", "level") == 0
    assert mirror.newest_us == T0
    mirror.validate()


def test_a_reading_that_straggles_in_after_the_loss_is_stored_and_not_trusted(mirror) -> None:
    mirror.handle(down(at=T0))
    changes = mirror.handle((said("B1", "level", 3, T0 + 5),))
    assert len(changes.points) == 1
    assert mirror.value("B1", "level") is None
    mirror.validate()


def test_counters_count_from_where_the_twin_began_to_watch(mirror) -> None:
    mirror.handle((said("CUT01", "processed", 1000), said("CUT02", "processed", 10)))
    assert mirror.gained(CUT, "processed") == 0
    mirror.handle(
        (said("CUT01", "processed", 1004, T0 + S), said("CUT02", "processed", 11, T0 + S))
    )
    assert mirror.gained(CUT, "processed") == 5
    assert mirror.total(CUT, "processed") == 1015


def test_what_was_made_while_the_plc_was_away_counts_when_it_is_back(mirror) -> None:
    mirror.handle((said("CUT01", "processed", 1000),))
    mirror.handle(down(at=T0 + S))
    mirror.handle(up(at=T0 + 60 * S))
    mirror.handle((said("CUT01", "processed", 1030, T0 + 60 * S),))
    assert mirror.gained(CUT, "processed") == 30


def test_counters_that_began_again_count_on_from_0(mirror) -> None:
    mirror.handle((said("CUT01", "processed", 1000), said("CUT01", "consumed", 900)))
    mirror.handle((said("CUT01", "processed", 1007, T0 + S),))
    mirror.handle(down(at=T0 + 2 * S))
    mirror.handle(up(at=T0 + 3 * S))
    changes = mirror.handle(
        (said("CUT01", "processed", 2, T0 + 4 * S), said("CUT01", "consumed", 3, T0 + 4 * S))
    )
    assert [(n.plc, n.stations, n.at_us) for n in changes.notices] == [
        ("PLC-A", ("CUT",), T0 + 4 * S)
    ]
    assert changes.notices[0].text == (
        "PLC-A has set back 2 counters (CUT01.processed, CUT01.consumed); "
        "what CUT made is counted on from there"
    )
    assert mirror.gained(CUT, "processed") == 9
    mirror.handle((said("CUT01", "processed", 5, T0 + 5 * S),))
    assert mirror.gained(CUT, "processed") == 12
    mirror.validate()


def test_a_counter_that_falls_back_to_what_it_cannot_have_made_invents_nothing(mirror) -> None:
    mirror.handle((said("CUT01", "processed", 1007),))
    # An older value that the PLC had saved: 950 parts take half an hour, and 10 s have passed.
    changes = mirror.handle((said("CUT01", "processed", 950, T0 + 10 * S),))
    assert "set back" in changes.notices[0].text
    assert mirror.gained(CUT, "processed") == 0
    mirror.handle((said("CUT01", "processed", 951, T0 + 12 * S),))
    assert mirror.gained(CUT, "processed") == 1
    mirror.validate()


def test_a_counter_that_is_not_to_be_trusted_moves_nothing(mirror) -> None:
    mirror.handle((said("CUT01", "processed", 1000),))
    changes = mirror.handle((said("CUT01", "processed", 0, T0 + S, Quality.BAD),))
    assert changes.notices == ()
    mirror.handle((said("CUT01", "processed", 1001, T0 + 2 * S),))
    assert mirror.gained(CUT, "processed") == 1


def waited(mirror: Mirror, unit: str, seconds: float, at: int) -> None:
    mirror.handle((said(unit, "waiting_time_s", seconds, at),))
    mirror.validate()


def test_waiting_share_of_a_single_machine(mirror) -> None:
    waited(mirror, "PACK01", 500.0, T0)
    waited(mirror, "PACK01", 530.0, T0 + 59 * S)
    assert mirror.waiting_share(PACK) is None  # no minute has been seen
    waited(mirror, "PACK01", 530.0, T0 + 60 * S)
    assert mirror.waiting_share(PACK) == 0.5
    # It counts up to the newest that the PLC said of anything.
    mirror.handle((said("PLC-B", "heartbeat", 1, T0 + 120 * S, plc="PLC-B"),))
    assert mirror.waiting_share(PACK) == 0.25


def test_waiting_share_of_a_station_is_over_its_machines(mirror) -> None:
    waited(mirror, "CUT01", 0.0, T0)
    waited(mirror, "CUT02", 0.0, T0)
    waited(mirror, "CUT02", 120.0, T0 + 2 * MIN)
    assert mirror.waiting_share(CUT) == 0.5


def test_time_in_which_nobody_saw_the_machine_is_not_counted(mirror) -> None:
    for unit in ("CUT01", "CUT02"):
        waited(mirror, unit, 0.0, T0)
        waited(mirror, unit, 120.0, T0 + 2 * MIN)
    mirror.handle(down(at=T0 + 2 * MIN))
    assert mirror.waiting_share(CUT) == 1.0
    mirror.handle(up(at=T0 + 60 * MIN))
    for unit in ("CUT01", "CUT02"):
        waited(mirror, unit, 3000.0, T0 + 60 * MIN)
    mirror.handle((said("B1", "level", 0, T0 + 62 * MIN),))
    assert mirror.waiting_share(CUT) == 0.5


def test_standing_alarms_are_those_that_are_known_to_stand(mirror) -> None:
    mirror.handle((said("CUT01", "alarm.EQP001", True), said("CUT02", "alarm.EQP001", False)))
    ((tag, held),) = mirror.standing_alarms()
    assert (tag.unit, tag.station, held.source_us) == ("CUT01", "CUT", T0)
    mirror.handle(down(at=T0 + S))
    assert list(mirror.standing_alarms()) == []


def test_missing_tags_are_named(mirror) -> None:
    keys = (*(("CUT01", f"s{n}") for n in range(5)), ("CUT01", "processed"))
    (notice,) = mirror.handle(TagMissing("PLC-A", keys, T0)).notices
    assert notice.text == (
        "PLC-A lacks 6 tags of the map: CUT01.s0, CUT01.s1, CUT01.s2, CUT01.s3, CUT01.s4 and 1 more"
    )
    assert notice.stations == ("CUT",)
    (notice,) = mirror.handle(TagMissing("PLC-A", keys[:1], T0)).notices
    assert notice.text == "PLC-A lacks 1 tag of the map: CUT01.s0"


PLCS = st.sampled_from(["PLC-A", "PLC-B", "PLC-X"])
INSTANTS = st.integers(T0, T0 + 10 * MIN)
READINGS = st.builds(
    lambda key, plc, value, at, quality: Reading(
        plc or key[2], key[0], key[1], value, at, at + 1, quality
    ),
    st.sampled_from(
        [(tag.unit, tag.signal.name, tag.plc) for tag in tags(LINE)]
        + [("PLC-A", "heartbeat", "PLC-A"), ("NOBODY", "level", "PLC-B")]
    ),
    st.sampled_from([None] * 8 + ["PLC-A", "PLC-X"]),
    st.one_of(st.none(), st.booleans(), st.integers(-3, 20), st.floats()),
    INSTANTS,
    st.sampled_from(Quality),
)
MESSAGES = st.lists(
    st.one_of(
        st.lists(READINGS, max_size=8).map(tuple),
        st.lists(READINGS, min_size=4, max_size=8).map(tuple),
        st.builds(ConnectionChanged, PLCS, st.booleans(), INSTANTS, st.just("why")),
        st.builds(TagMissing, PLCS, st.just((("CUT01", "level"),)), INSTANTS),
    ),
    max_size=25,
)


@given(MESSAGES)
def test_whatever_comes_the_invariants_hold(messages) -> None:
    mirror = Mirror(LINE)
    known = {tag.key: tag for tag in tags(LINE)}
    gained = dict.fromkeys((station.id for station in LINE.stations), 0.0)
    for message in messages:
        changes = mirror.handle(message)
        mirror.validate()
        assert all((p.series.unit, p.series.signal) in known for p in changes.points)
        assert all(math.isfinite(p.value) for p in changes.points)
        for station in LINE.stations:
            now = mirror.gained(station, "processed")
            assert now >= gained[station.id]
            gained[station.id] = now
            share = mirror.waiting_share(station)
            assert share is None or 0 <= share <= 1
            unknown = mirror.unknown_since(station) is not None
            for signal in ("state_current", "processed"):
                value = mirror.value(station.machine_id(0), signal)
                assert not (unknown and value is not None)


def test_lost_notifications_and_values_that_cannot_be_believed_are_said() -> None:
    mirror = Mirror(LINE)
    plc = mirror.plcs[0]
    key = next(iter(mirror._tags))
    lost = mirror.handle(NotificationsLost(plc, 3, 1, 2, repaired=False))
    assert [n.text for n in lost.notices] == [
        f"{plc}: 3 notifications did not come: lost; what holds now is read"
    ]
    stale = mirror.handle(StaleChanged(plc, (key,), True, 2, "it stands still"))
    assert ".".join(key) in stale.notices[0].text
    assert "it stands still" in stale.notices[0].text
    assert mirror.handle(NotificationsLost("NONE", 1, 0, 0, repaired=True)).notices == ()


@pytest.mark.parametrize("lag", [1, 2])
def test_a_server_that_takes_over_and_lags_behind_doubles_nothing(mirror: Mirror, lag: int) -> None:
    def over(url: str, at: int) -> ConnectionChanged:
        return ConnectionChanged("PLC-A", True, at, "", url)

    mirror.handle(over("opc.tcp://a", T0))
    for count in range(4):
        mirror.handle((said("CUT01", "processed", count, T0 + 2 * count * S),))
    mirror.handle(down(at=T0 + 7 * S))
    mirror.handle(over("opc.tcp://b", T0 + 7 * S))
    for count in range(3 - lag, 9):
        mirror.handle((said("CUT01", "processed", count, T0 + 2 * count * S),))
        mirror.validate()
        assert mirror.gained_by("CUT01", "processed") == max(3, count)
        assert (mirror.value("CUT01", "processed") is None) == (count < 3)
