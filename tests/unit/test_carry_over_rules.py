"""Carrying a snapshot over to a changed line: the rules of `docs/explanation/snapshot.md`."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from twin.engine.carry_over import carried_over
from twin.engine.events import EventKind, EventLog
from twin.engine.kernel import kernel_library
from twin.engine.simpy_engine import SimpyEngine
from twin.engine.simulation import EngineName, open_engine, simulate
from twin.engine.snapshot import Snapshot
from twin.errors import EngineError
from twin.model import Buffer, Line, Station
from twin.model.checks import check_line

S = 1_000_000
H = 3600 * S
ENGINES: list[EngineName] = ["simpy", "kernel"]
Fields = dict[str, Any]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> EngineName:
    if request.param == "kernel" and kernel_library() is None:
        pytest.skip("the compiled engine is not installed: no C compiler")
    name: EngineName = request.param
    return name


def line(
    a: Fields | None = None, b: Fields | None = None, buffer: Fields | None = None, **more: Any
) -> Line:
    """A makes a part in 2 s, AB holds 3, B takes 10 s for one."""
    made = Line.model_validate(
        {
            "id": "L",
            "stations": (
                Station(**{"id": "A", "cycle_time": "2 s", **(a or {})}),
                Station(**{"id": "B", "cycle_time": "10 s", **(b or {})}),
            ),
            "buffers": (
                Buffer(
                    **{"id": "AB", "sources": "A", "sinks": "B", "capacity": 3, **(buffer or {})}
                ),
            ),
            **more,
        }
    )
    assert check_line(made) == []
    return made


def at(seconds: float, of: Line) -> Snapshot:
    engine = SimpyEngine(of)
    engine.advance(round(seconds * S))
    return engine.snapshot()


def failing(**fields: Any) -> Fields:
    return {"failures": ({"id": "f", "mtbf": "11 s", "mttr": "6 s", **fields},)}


def crew(size: int, name: str = "c") -> tuple[Fields, ...]:
    return ({"id": name, "size": size},)


def events(
    engine: EngineName, of: Line, start: Snapshot, to_s: float
) -> list[tuple[int, str, int]]:
    """What happens from a snapshot on: second, kind, station."""
    log = EventLog()
    open_engine(of, engine, start=start, log=log).advance(round(to_s * S))
    return [
        (row[0] // S, EventKind(row[1]).name, row[2])
        for row in log.table().tolist()
        if row[1] != EventKind.STATE_CHANGED
    ]


# -- the start ------------------------------------------------------------------------------------


def test_a_blocked_place_goes_on_at_once_with_a_bigger_buffer(engine: EngineName) -> None:
    blocked = at(25, line())
    assert blocked.places.waits_for == (2, 0)
    bigger = line(buffer={"capacity": 4})
    carried, notes = carried_over(blocked, line(), bigger)
    assert notes == ()
    assert not carried.settled
    assert events(engine, bigger, carried, 25) == [
        (25, "PART_PASSED", 0),
        (25, "OPERATION_STARTED", 0),
    ]
    assert open_engine(bigger, engine, start=carried).snapshot().settled


def test_a_new_machine_looks_for_work_at_once(engine: EngineName) -> None:
    two = line(b={"machines": 2})
    carried, notes = carried_over(at(25, line()), line(), two)
    new = "the new ones stand empty and up, their failure clocks begin"
    assert notes == (f"stations[B].machines: from 1 to 2; {new}",)
    assert carried.places.since_us[2] == 25 * S
    assert events(engine, two, carried, 25) == [
        (25, "OPERATION_STARTED", 1),
        (25, "PART_PASSED", 0),
        (25, "OPERATION_STARTED", 0),
    ]


def test_the_first_failure_of_a_new_machine_is_each_replications_own(engine: EngineName) -> None:
    random = failing(mtbf={"distribution": "exponential", "mean": "40 s"})
    old, new = line(b=random), line(b={**random, "machines": 2})
    carried, _ = carried_over(at(25, old), old, new)
    assert carried.modes.strikes_at[1] == -1
    drawn = [
        open_engine(new, engine, start=carried, replication=r).snapshot().modes.strikes_at
        for r in (0, 1)
    ]
    assert drawn[0][0] == drawn[1][0]
    assert drawn[0][1] != drawn[1][1]
    # The same as the machine's first in a run from empty.
    assert drawn[0][1] == SimpyEngine(new).snapshot().modes.strikes_at[1]


def test_a_store_that_is_without_a_limit_now_lets_go_on(engine: EngineName) -> None:
    uses = {"uses": ({"material": "m", "amount": 1.0},)}
    old, new = (
        line(uses, materials=({"id": "m", "unit": "kg", "stock": stock},)) for stock in (1.0, None)
    )
    stands = at(9, old)
    assert stands.places.waits_for == (1, 0)
    carried, notes = carried_over(stands, old, new)
    assert notes == ("materials[m].stock: absent now; the store never runs out",)
    assert events(engine, new, carried, 9) == [(9, "OPERATION_STARTED", 0)]


def test_an_unchanged_line_gives_the_same_snapshot() -> None:
    snapshot = at(25, line())
    assert carried_over(snapshot, line(), line({"area": "X", "energy": {"execute": "3 kW"}})) == (
        snapshot,
        (),
    )


def test_simulations_start_from_a_carried_snapshot(engine: EngineName) -> None:
    random = {"cycle_time": {"distribution": "exponential", "mean": "10 s"}}
    old, new = line(b=random), line(b={**random, "machines": 2})
    carried, _ = carried_over(at(25, old), old, new)
    results = simulate(new, engine=engine, start=carried, until="1 h", replications=3)
    goods = results.good_per_h()
    assert goods.mean > 1.5 * 360, "one machine makes 360 an hour"
    assert goods.half_width_95 > 0


# -- less than there was --------------------------------------------------------------------------


def test_a_buffer_that_is_too_full_takes_none_until_it_has_room(engine: EngineName) -> None:
    small = line(buffer={"capacity": 1})
    carried, notes = carried_over(at(25, line()), line(), small)
    assert notes == (
        "buffers[AB].capacity: 1 now, and a lane of it holds 3; it takes none until there is room",
    )
    done = events(engine, small, carried, 52)
    passed = [when for when, kind, station in done if (kind, station) == ("PART_PASSED", 0)]
    assert passed == [52], "B takes at 32, 42 and 52"


def test_a_removed_machine_gives_its_load_back_and_hands_its_counts_on(engine: EngineName) -> None:
    two = line(b={"machines": 2})
    before = at(25, two)
    assert before.places.loaded == (1, 1, 1)
    given_up = next(
        number
        for held_in, holder, number in zip(
            before.parts.held_in, before.parts.holder, before.parts.number, strict=True
        )
        if (held_in, holder) == (1, 2)
    )
    carried, notes = carried_over(before, two, line())
    assert notes[0] == (
        "stations[B].machines: from 2 to 1; 1 operation in hand is given up, "
        "1 part goes back to where it came from"
    )
    assert carried.parts.number[0] == given_up, "it is the first of the buffer again"
    assert sorted(carried.parts.number) == sorted(before.parts.number)
    assert sum(carried.machines.good) == sum(before.machines.good)
    assert sum(carried.machines.consumed) == sum(before.machines.consumed) - 1
    events(engine, line(), carried, 60)


def test_finished_parts_of_a_removed_machine_go_on() -> None:
    two = line({"machines": 2})
    before = at(25, two)
    assert before.places.waits_for[:2] == (2, 2)
    carried, notes = carried_over(before, two, line())
    assert "1 finished part goes on to the next buffer" in notes[0]
    assert sum(held_in == 0 for held_in in carried.parts.held_in) == 4
    assert carried.parts.number[3] == before.parts.number[-1]
    assert sum(carried.machines.good) == sum(before.machines.good) + 1


def test_parts_of_a_lane_that_is_gone_keep_their_order() -> None:
    four = line({"machines": 4, "cycle_time": "3 s"}, buffer={"lanes": 3, "capacity": 2})
    before = at(10, four)
    in_lanes = {
        entered: number
        for entered, number in zip(before.parts.entered, before.parts.number, strict=True)
        if entered
    }
    carried, notes = carried_over(
        before, four, line({"machines": 4, "cycle_time": "3 s"}, buffer={"capacity": 6})
    )
    assert notes == ("buffers[AB].lanes: 4 parts go to another lane",)
    n = len(in_lanes)
    assert list(carried.parts.number[:n]) == [in_lanes[turn] for turn in sorted(in_lanes)]
    assert carried.parts.holder[:n] == (0,) * n


# -- times ----------------------------------------------------------------------------------------


def test_work_in_hand_keeps_its_time_and_the_next_has_the_new_one(engine: EngineName) -> None:
    faster = line(b={"cycle_time": "1 s"})
    carried, notes = carried_over(at(25, line()), line(), faster)
    assert notes == ("stations[B].cycle_time: 1 operation in hand keeps the time drawn",)
    ends = [t for t, kind, s in events(engine, faster, carried, 34)
            if (kind, s) == ("OPERATION_COMPLETED", 1)]  # fmt: skip
    assert ends == [32, 33, 34]


def test_a_repair_that_goes_on_ends_when_it_would_have(engine: EngineName) -> None:
    old, new = line(b=failing()), line(b=failing(mttr="1 s"))
    before = at(14, old)
    assert before.machines.ends_us[1] == 19 * S
    carried, notes = carried_over(before, old, new)
    assert notes == ("stations[B].failures[f]: 1 that goes on ends when it would have",)
    repairs = [t for t, kind, _ in events(engine, new, carried, 40) if kind.startswith("MACHINE")]
    assert repairs == [19, 30, 31]


def test_what_is_left_on_a_failure_clock_is_multiplied(engine: EngineName) -> None:
    old, new = line(b=failing()), line(b=failing(mtbf="33 s"))
    carried, notes = carried_over(at(9, old), old, new)
    assert notes == (
        "stations[B].failures[f].mtbf: what is left on the clock of 1 machine is multiplied by 3",
    )
    # It has worked from 2 s on for 7 s: 4 s are left, and then 12 s.
    failed = [t for t, kind, _ in events(engine, new, carried, 50) if kind == "MACHINE_FAILED"]
    assert failed == [21]


def test_another_kind_of_clock_takes_over_what_is_left(engine: EngineName) -> None:
    old, new = line(b=failing()), line(b=failing(depends_on="time"))
    carried, _ = carried_over(at(9, old), old, new)
    failed = [t for t, kind, _ in events(engine, new, carried, 40) if kind == "MACHINE_FAILED"]
    assert failed == [13, 30]
    back, _ = carried_over(carried, new, old)
    failed = [t for t, kind, _ in events(engine, old, back, 20) if kind == "MACHINE_FAILED"]
    assert failed == [13]


# -- failures, maintenance and crews that change while they hold a machine -------------------------


def test_a_failure_that_is_gone_lets_its_machine_go_on(engine: EngineName) -> None:
    old, new = line(b=failing(crew="c"), crews=crew(1)), line(crews=crew(1))
    before = at(14, old)
    assert before.crews.free == (0,)
    carried, notes = carried_over(before, old, new)
    assert notes == ("stations[B].failures[f]: gone, and lets go of a machine it held",)
    assert carried.crews.free == (1,)
    # It has worked for 11 s when it fails at 13 s: 9 s of the second part are left at 14 s.
    done = [t for t, kind, s in events(engine, new, carried, 24)
            if (kind, s) == ("OPERATION_COMPLETED", 1)]  # fmt: skip
    assert done == [23]
    restarting = line(b=failing(after="restart"))
    carried, _ = carried_over(at(14, restarting), restarting, line())
    assert carried.places.left_us[1] == 10 * S


def test_maintenance_that_is_gone_ends_at_once(engine: EngineName) -> None:
    old = line(b={"maintenance": ({"every": "30 s", "lasts": "9 s", "first": "5 s"},)})
    before = at(15, old)
    assert before.machines.service[1] == 0
    carried, notes = carried_over(before, old, line())
    assert notes == ("stations[B].maintenance[0]: gone, and lets go of a machine it held",)
    assert events(engine, line(), carried, 15)[0] == (15, "OPERATION_STARTED", 1)


def two_down(**fields: Any) -> Line:
    """Both machines of B are down at 14 s, one in repair and one waiting for its crew."""
    b = {"machines": 2, **failing(crew="c", **fields)}
    return line({"cycle_time": "1 s"}, b, crews=(*crew(1), *crew(1, "d")))


def test_a_bigger_crew_goes_to_who_waits(engine: EngineName) -> None:
    old = two_down()
    before = at(15, old)
    assert before.machines.crew_turn == (0, 0, 1)
    new = old.model_copy(
        update={"crews": (old.crews[0].model_copy(update={"size": 2}), old.crews[1])}
    )
    carried, _ = carried_over(before, old, new)
    assert carried.crews.free == (1, 1)
    started = open_engine(new, engine, start=carried).snapshot()
    assert started.machines.ends_us[2] == 21 * S
    assert started.crews.free == (0, 1)


def test_a_smaller_crew_finishes_what_it_has_begun(engine: EngineName) -> None:
    old = two_down()
    big = old.model_copy(
        update={"crews": (old.crews[0].model_copy(update={"size": 2}), old.crews[1])}
    )
    before = at(15, big)
    assert before.crews.free == (0, 1)
    carried, notes = carried_over(before, big, old)
    assert notes == ("crews[c].size: 1 now, and 2 at work finish",)
    assert carried.crews.free == (-1, 1)
    running = open_engine(old, engine, start=carried)
    for _ in range(200):
        running.advance(running.now_us + S)
        snapshot = running.snapshot()
        repairs = sum(ends >= 0 for ends in snapshot.machines.ends_us)
        assert snapshot.crews.free[0] == 1 - repairs
    assert snapshot.crews.free[0] >= 0


@pytest.mark.parametrize("name", ["d", None])
def test_who_waits_turns_to_the_crew_that_is_its_own_now(
    engine: EngineName, name: str | None
) -> None:
    old = two_down()
    b = old.stations[1]
    failure = b.failures[0].model_copy(update={"crew": name})
    other = b.model_copy(update={"failures": (failure,)})
    new = old.model_copy(update={"stations": (old.stations[0], other)})
    carried, _ = carried_over(at(15, old), old, new)
    # The one in repair counts as its new crew's, too.
    assert carried.crews.free == ((1, 0) if name else (1, 1))
    assert carried.machines.crew_turn == (0, 0, 1 if name else 0)
    if name is None:
        started = open_engine(new, engine, start=carried).snapshot()
        assert [t // S for t in started.machines.ends_us[1:]] == [18, 21]


# -- planned stops and defects --------------------------------------------------------------------


def test_a_planned_stop_holds_at_once(engine: EngineName) -> None:
    calendars = ({"id": "stop", "stops": ({"every": "60 s", "lasts": "40 s"},)},)
    old = line({"cycle_time": "12 s"}, {"cycle_time": "1 s"}, calendars=calendars)
    new = line(
        {"cycle_time": "12 s"}, {"cycle_time": "1 s", "calendar": "stop"}, calendars=calendars
    )
    before = at(15, old)
    assert before.places.waits_for == (0, 1)
    carried, _ = carried_over(before, old, new)
    assert carried.places.waits_for == (0, 0)
    begins = [t for t, kind, s in events(engine, new, carried, 45)
              if (kind, s) == ("OPERATION_STARTED", 1)]  # fmt: skip
    assert begins[0] == 40
    back, _ = carried_over(open_engine(new, engine, start=carried).snapshot(), new, old)
    assert open_engine(old, engine, start=back).snapshot().places.waits_for == (0, 1)


def test_defects_go_by_their_names() -> None:
    u, v = {"id": "u"}, {"id": "v"}
    old = line({"defects": {"v": 1.0}}, defects=(u, v))
    before = at(9, old)
    assert set(before.parts.defects) == {2}
    turned, notes = carried_over(before, old, line({"defects": {"v": 1.0}}, defects=(v, u)))
    assert (set(turned.parts.defects), notes) == ({1}, ())
    clean, notes = carried_over(before, old, line(defects=(u,)))
    assert set(clean.parts.defects) == {0}
    assert notes == (f"defects[v]: gone; {len(before.parts.number)} parts lose it",)


# -- refused --------------------------------------------------------------------------------------


def test_what_is_no_small_change_is_refused_with_every_reason() -> None:
    other = Line.model_validate(
        {
            "id": "M",
            "stations": (
                Station(id="A", cycle_time="2 s", gives_milli=2),
                Station(id="B", cycle_time="10 s", takes_milli=2),
                Station(id="C", cycle_time="1 s"),
            ),
            "buffers": (
                Buffer(id="AB", sources="A", sinks=("B", "C"), capacity=3),
                Buffer(id="BC", sources="B", sinks="C"),
            ),
        }
    )
    with pytest.raises(EngineError) as refusal:
        carried_over(at(9, line()), line(), other)
    afresh = "run the changed line from empty, with a warm-up of its own"
    units = f"parts inside would stand for another number of units; {afresh}"
    keep = f"keep their ids (a name is free), or {afresh}"
    assert str(refusal.value).splitlines() == [
        "the snapshot of line L can't be carried over to the changed line:",
        "id: must stay L, got M; a line is told by its id",
        f"stations: must be the same in the same order, got with C; {keep}",
        f"buffers: must be the same in the same order, got with BC; {keep}",
        f"buffers[AB].to: must stay B, got B, C; {afresh}",
        f"stations[A].gives: must stay absent, got 2; {units}",
        f"stations[B].takes: must stay absent, got 2; {units}",
    ]


def test_a_snapshot_of_neither_line_is_refused() -> None:
    with pytest.raises(EngineError, match=r"another line than L.*buffers\[AB\]: capacity"):
        carried_over(at(9, line(buffer={"capacity": 7})), line(), line(buffer={"capacity": 9}))


def test_an_engine_names_the_way_to_carry_over_and_does_not_take_it(engine: EngineName) -> None:
    with pytest.raises(EngineError, match=r"twin\.engine\.carried_over takes it over"):
        open_engine(line(buffer={"capacity": 9}), engine, start=at(9, line()))


# -- the page ------------------------------------------------------------------------------------


def page_examples() -> list[str]:
    page = Path(__file__).parents[2] / "docs" / "explanation" / "snapshot.md"
    blocks = page.read_text(encoding="utf-8").split("```python\n")[1:]
    return [block.split("```")[0] for block in blocks]


def test_the_page_tells_the_truth_about_carrying_over(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    if kernel_library() is None:
        pytest.skip("the compiled engine is not installed: no C compiler")
    caplog.set_level(logging.ERROR)
    exec(compile(page_examples()[1], "snapshot.md", "exec"), {})  # noqa: S102 - our own page
    assert "stations[STK].machines: from 5 to 4" in capsys.readouterr().out
