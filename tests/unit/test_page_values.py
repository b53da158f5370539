"""What the page shows, worked out without a server: places, states, the board, the shift, users."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.live.board import Board
from dashboards.live.description import describe
from dashboards.live.knobs import knobs_of
from dashboards.live.mimic import mimic_of
from dashboards.live.past import curve, cycle_times, spells, state_at
from dashboards.live.sessions import Limiter, Sessions
from dashboards.live.shift import shift_so_far
from dashboards.live.shown_state import LETTERS, shown_state
from dashboards.live.texts import TEXTS
from dashboards.live.users import Role, hashed, load_users, save_users
from lines.loader import load
from twin.errors import UsageError
from twin.historian.memory import MemoryHistorian
from twin.historian.port import Point, Quality, Series
from twin.historian.shift_kpis import shift_of
from twin.model import Line
from twin.signals import tags
from twin.whatif.scenario import Scenario, applied

SECOND = 1_000_000
HOUR = 3600 * SECOND
LINES = ("storage_line", "tube_line", "five_stations")


@pytest.mark.parametrize("name", LINES)
def test_every_station_has_a_place_of_its_own_and_parts_move_right(name: str) -> None:
    line = load(name)
    mimic = mimic_of(line)
    at = {cell.station: cell for cell in mimic.cells}
    assert set(at) == {station.id for station in line.stations}
    assert len({(cell.column, cell.row) for cell in mimic.cells}) == len(mimic.cells)
    for buffer in line.buffers:
        for source in buffer.sources:
            for sink in buffer.sinks:
                assert at[source].column < at[sink].column, buffer.id


def test_branches_run_side_by_side_and_a_chain_is_straight() -> None:
    at = {cell.station: cell for cell in mimic_of(load("storage_line")).cells}
    assert [at[s].row for s in ("MIX-C", "COT-C", "NOT-C")] == [at["MIX-C"].row] * 3
    assert at["MIX-A"].row != at["MIX-C"].row
    assert at["NOT-A"].column == at["NOT-C"].column == at["STK"].column - 1
    assert {at[s].row for s in ("STK", "BAK", "PAK")} == {at["STK"].row}


@given(
    state=st.one_of(st.none(), st.floats(-5, 30)),
    starved=st.sampled_from([None, 0, 1]),
    blocked=st.sampled_from([None, 0, 1]),
)
def test_whatever_a_plc_says_has_a_letter(
    state: float | None, starved: float | None, blocked: float | None
) -> None:
    assert shown_state(state, starved, blocked) in LETTERS


@pytest.mark.parametrize("name", LINES)
def test_a_line_is_described_in_both_languages(name: str) -> None:
    found = describe(load(name))
    for thing in (*found["stations"], *found["buffers"], *found["plcs"], found):
        assert set(thing["name"]) == {"en", "zh"}
        assert all(thing["name"].values())
    for station in found["stations"]:
        times = station["cycle_time_hundredths_s"]
        assert len(times) == 99
        assert times == sorted(times)


def test_every_text_is_there_in_both_languages() -> None:
    for key, text in TEXTS.items():
        assert text["en"], key
        assert text["zh"], key


@pytest.mark.parametrize("name", LINES)
def test_every_knob_leads_somewhere_at_both_ends(name: str) -> None:
    line = load(name)
    for knob in knobs_of(line):
        for value in {knob.low, knob.high} - {knob.now}:
            said = value if knob.kind == "count" else f"{value:+d}%"
            assert applied(line, Scenario.of("x", {knob.path: said})).differences, knob.path


# -- the board -----------------------------------------------------------------------------------


@given(st.lists(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 2)), max_size=30))
def test_differences_add_up_to_the_whole(boards: list[dict[str, int]]) -> None:
    board = Board()
    seen: dict[str, int | None] = {}
    number = None
    for values in boards:
        board.hang(values)
        news = board.news_since(number)
        if news is not None:
            seen = dict(news.values) if news.whole else seen | dict(news.values)
            number = news.number
        assert {k: v for k, v in seen.items() if v is not None} == values
    assert number is None or board.news_since(number) is None


def test_one_who_was_away_too_long_gets_everything() -> None:
    board = Board()
    for i in range(1000):
        board.hang({"a": i, "b": 1})
    assert board.news_since(999).values == {"a": 999}
    late = board.news_since(5)
    assert late.whole
    assert late.values == {"a": 999, "b": 1}
    from_another_life = board.news_since(5_000)
    assert from_another_life.whole


async def test_a_reader_wakes_when_something_changes_and_not_before() -> None:
    board = Board()
    board.hang({"a": 1})
    number = board.news_since(None).number
    waiting = asyncio.create_task(board.wait(number, 30))
    await asyncio.sleep(0)
    board.hang({"a": 1})
    await asyncio.sleep(0)
    assert not waiting.done()
    await asyncio.to_thread(board.hang, {"a": 2})
    assert (await waiting).values == {"a": 2}
    waiting = asyncio.create_task(board.wait(number + 1, 30))
    await asyncio.sleep(0)
    await asyncio.to_thread(board.wake)
    assert await waiting is None
    assert await board.wait(number + 1, 0.01) is None


# -- the past ------------------------------------------------------------------------------------


def two_machines(cycle_time: str = "2 s") -> Line:
    return Line.model_validate(
        {
            "id": "L",
            "target": "3_600 /h",
            "shifts": {"start": "6 h", "length": "8 h"},
            "stations": (
                {"id": "A", "machines": 2, "cycle_time": cycle_time},
                {"id": "B", "cycle_time": "1 s"},
            ),
            "buffers": ({"id": "AB", "from": "A", "to": "B", "capacity": 5},),
        }
    )


def store_with(*rows: tuple[str, str, int, float], bad: tuple[int, ...] = ()) -> MemoryHistorian:
    store = MemoryHistorian()
    store.write(
        [
            Point(Series("L", unit, signal), at, value, Quality.BAD if at in bad else Quality.GOOD)
            for unit, signal, at, value in rows
        ]
    )
    return store


def test_spells_begin_with_what_was_and_join_what_comes_at_one_instant() -> None:
    store = store_with(
        ("A01", "state_current", 0, 6),
        ("A01", "state_current", 100 * SECOND, 5),
        ("A01", "starved", 100 * SECOND, 1),
        ("A01", "state_current", 200 * SECOND, 6),
        ("A01", "starved", 200 * SECOND, 0),
        ("A01", "state_current", 250 * SECOND, 6),
        ("A01", "state_current", 300 * SECOND, 9),
        bad=(250 * SECOND,),
    )
    found = spells(store, two_machines(), ["A01", "A02"], 50 * SECOND, 400 * SECOND)
    assert found["A01"] == [
        (50 * SECOND, "E"),
        (100 * SECOND, "s"),
        (200 * SECOND, "E"),
        (250 * SECOND, "?"),
        (300 * SECOND, "F"),
    ]
    assert found["A02"] == [(50 * SECOND, "?")]


def test_the_state_at_a_past_instant_is_what_was_said_last_before_it() -> None:
    store = store_with(
        ("A01", "state_current", 10, 6),
        ("A01", "state_current", 20, 9),
        ("AB", "level", 10, 3),
        ("AB", "level", 21, 4),
    )
    assert state_at(store, two_machines(), 20) == {
        "m/A01": "F",
        "m/A02": "?",
        "m/B01": "?",
        "b/AB": 3.0,
    }
    assert state_at(store, two_machines(), 9)["m/A01"] == "?"
    days_later = state_at(store, two_machines(), 48 * HOUR)
    assert days_later["m/A01"] == "?"


def test_a_stop_among_the_cycle_times_does_not_squeeze_the_others() -> None:
    rows = [("A01", "cycle_time_s", i * SECOND, 2.0 + (i % 7) * 0.1) for i in range(200)]
    store = store_with(*rows, ("A02", "cycle_time_s", 0, 900.0))
    line = two_machines()
    found = cycle_times(store, line, line.stations[0], 0, HOUR)
    assert found["operations"] == 201
    assert found["longer"] == 1
    assert sum(found["count"]) == 200
    assert found["edges_s"][0] == 2.0
    assert found["edges_s"][-1] < 3
    assert cycle_times(store, line, line.stations[1], 0, HOUR)["operations"] == 0


def test_a_curve_has_means_and_ends() -> None:
    store = store_with(*(("AB", "level", i * SECOND, i % 10) for i in range(100)))
    found = curve(store, two_machines(), "AB", "level", 0, 100 * SECOND, 10 * SECOND)
    assert found["mean"] == [4.5] * 10
    assert (found["low"], found["high"]) == ([0.0] * 10, [9.0] * 10)


def test_a_curve_has_a_gap_where_its_plc_was_lost() -> None:
    line = two_machines()
    (plc,) = {tag.plc for tag in tags(line) if tag.key == ("AB", "level")}
    held = [("AB", "level", i * SECOND, 4) for i in (*range(40), *range(70, 100))]
    store = store_with(*held, (plc, "watched", 41 * SECOND, 0), (plc, "watched", 69 * SECOND, 1))
    found = curve(store, line, "AB", "level", 0, 100 * SECOND, 10 * SECOND)
    gap = found["at_us"].index(41 * SECOND)
    assert found["at_us"] == sorted(found["at_us"])
    for values in (found["low"], found["mean"], found["high"]):
        assert values == [4.0] * 4 + [None] + [4.0] * 3
        assert values[gap] is None


# -- the shift -----------------------------------------------------------------------------------

MONDAY = 1_767_571_200_000_000  # 2026-01-05 00:00 UTC


def test_shifts_go_round_the_clock_from_where_they_begin() -> None:
    line = two_machines()
    assert shift_of(line, MONDAY + 7 * HOUR) == (MONDAY + 6 * HOUR, MONDAY + 14 * HOUR)
    assert shift_of(line, MONDAY + 6 * HOUR) == (MONDAY + 6 * HOUR, MONDAY + 14 * HOUR)
    assert shift_of(line, MONDAY + HOUR) == (MONDAY - 2 * HOUR, MONDAY + 6 * HOUR)


def test_a_shift_is_as_long_as_the_night_on_which_clocks_change() -> None:
    line = two_machines().model_copy(update={"time_zone": "Europe/Berlin"})
    # 2026-03-29 01:00 UTC: 02:00 becomes 03:00; the shift of 22:00 to 06:00 has 7 hours.
    begin, end = shift_of(line, 1_774_746_000_000_000)
    assert (end - begin) / HOUR == 7


def test_a_forecast_is_drawn_on_from_what_the_shift_has_made() -> None:
    begin = MONDAY + 6 * HOUR
    store = MemoryHistorian()

    def said(signal: str, at_us: int, value: float) -> Point:
        return Point(Series("L", "", signal), at_us, value)

    # The counter stood at 500 when the shift was first watched, and the forecast counts as it does.
    store.write([
        *(said("good_units", begin + k * 60 * SECOND, 500.0 + 10 * k) for k in range(11)),
        said("forecast_low_units", begin + 300 * SECOND, 900.0),
        said("forecast_units", begin + 300 * SECOND, 950.0),
        said("forecast_high_units", begin + 300 * SECOND, 1000.0),
        said("forecast_reach_ratio", begin + 300 * SECOND, 0.75),
    ])  # fmt: skip
    line = two_machines()
    found = shift_so_far(store, line, begin + 600 * SECOND)
    so_far = dict(found["made"])[begin + 600 * SECOND]
    assert so_far == 100.0
    (at_us, now), (ends_us, by_end) = found["foretold"]
    assert (at_us, now) == (begin + 300 * SECOND, [50.0, 50.0, 50.0])
    assert (ends_us, by_end) == (found["to_us"], [400.0, 450.0, 500.0])
    assert found["reach_ratio"] == 0.75
    # One of the shift before says nothing of this one.
    later = shift_so_far(store, line, found["to_us"] + SECOND)
    assert (later["foretold"], later["reach_ratio"]) == ([], None)


def test_what_a_shift_has_made_is_counted_over_a_restart_of_the_twin() -> None:
    at = MONDAY + 6 * HOUR
    minutes = [(0, 100), (1, 160), (2, 220), (3, 5), (4, 65)]
    store = store_with(
        *(("", "good_units", at + m * 60 * SECOND, good) for m, good in minutes),
        *(("", "scrap_units", at + m * 60 * SECOND, 0) for m, _ in minutes),
        *(("", "energy_kwh", at + m * 60 * SECOND, good * 0.5) for m, good in minutes),
    )
    found = shift_so_far(store, two_machines(), at + 4 * 60 * SECOND)
    assert found["good"] == 60 + 60 + 5 + 60
    assert found["kwh_per_unit"] == 0.5
    assert found["expected"] == 3600 / 60 * 4
    assert found["target"] == 8 * 3600
    assert found["oee"] is None
    assert found["made"] == [(at, 0.0), (at + 4 * 60 * SECOND, 185.0)]
    assert found["planned"][0] == (at, 0.0)
    assert found["planned"][6] == (at + HOUR, 3600.0)
    assert found["planned"][-1] == (at + 8 * HOUR, 8 * 3600.0)


def test_oee_is_of_the_station_that_waits_least_and_its_factors_multiply_to_it() -> None:
    at = MONDAY + 6 * HOUR
    rows = [
        (unit, signal, at, value)
        for unit, oee, busy in (("A", 0.72, 0.99), ("B", 0.4, 0.5))
        for signal, value in (
            ("oee_index", oee),
            ("availability", 0.9),
            ("quality_ratio", 0.95),
            ("busy_share", busy),
        )
    ]
    found = shift_so_far(store_with(*rows), two_machines(), at + SECOND)
    assert found["oee_station"] == "A"
    product = found["availability"] * found["effectiveness"] * found["quality"]
    assert product == pytest.approx(found["oee"])
    other = shift_so_far(store_with(*rows), two_machines(), at + SECOND, bottleneck="B")
    assert (other["oee_station"], other["oee"]) == ("B", 0.4)
    # Of a station whose operations last half an hour, too few end in the hour that an OEE is of.
    slow = shift_so_far(store_with(*rows), two_machines(cycle_time="30 min"), at + SECOND)
    assert (slow["oee_station"], slow["oee"]) == ("B", 0.4)


# -- people --------------------------------------------------------------------------------------


def test_users_are_kept_for_their_owner_alone_and_without_their_passwords(tmp_path: Path) -> None:
    path = tmp_path / "users.json"
    save_users(path, {"mei": hashed("mei", Role.OPERATE, "a long password")})
    assert path.stat().st_mode & 0o777 == 0o600
    assert "a long password" not in path.read_text()
    mei = load_users(path)["mei"]
    assert mei.role is Role.OPERATE
    assert mei.has_password("a long password")
    assert not mei.has_password("a long passwore")


@pytest.mark.parametrize("text", ["", "[]", '{"users": [{"name": "x"}]}', '{"users": [3]}'])
def test_a_damaged_file_of_users_is_refused_and_lets_nobody_in(tmp_path: Path, text: str) -> None:
    path = tmp_path / "users.json"
    path.write_text(text)
    with pytest.raises(UsageError, match="no file of users"):
        load_users(path)


def test_short_passwords_are_refused() -> None:
    with pytest.raises(UsageError, match="at least 10"):
        hashed("mei", Role.VIEW, "short")


def test_sessions_end_when_nobody_comes_and_after_half_a_day() -> None:
    sessions = Sessions()
    token, session = sessions.begin("mei", Role.VIEW, now_s=0)
    assert sessions.of(token, 3600) is session
    assert sessions.of(token, 3600 + 7300) is None
    token, _ = sessions.begin("mei", Role.VIEW, now_s=0)
    alive = [sessions.of(token, hour * 3600.0) is not None for hour in range(1, 14)]
    assert alive == [True] * 12 + [False]
    assert sessions.of("made up", 1) is None
    token, _ = sessions.begin("mei", Role.VIEW, now_s=0)
    sessions.end(token)
    assert sessions.of(token, 1) is None


def test_a_limiter_forgets_no_one_who_goes_on_trying() -> None:
    limiter = Limiter(most=3, seconds=10)
    let_in = [t for t in range(100) if limiter.wait_s("eve", float(t)) == 0]
    assert all(b - a >= 10 for a, b in zip(let_in, let_in[3:], strict=False))
    assert limiter.wait_s("mei", 99.0) == 0
