"""Rules of `docs/explanation/semantics.md`, each on a line so small that its day can be told."""

from __future__ import annotations

from typing import Any

import pytest

from twin.engine.events import EventKind, EventLog
from twin.engine.simpy_engine import SimpyEngine
from twin.errors import EngineError
from twin.model import Buffer, Line, Station
from twin.model.packml import Mode, State

S = 1_000_000


def run(
    stations: list[dict[str, Any]],
    buffers: list[dict[str, Any]],
    until_s: float,
    start_us: int = 0,
    **more: Any,
) -> tuple[SimpyEngine, list[tuple[float, str, int, int]]]:
    """Run a line; tell what happened as (seconds, kind, station, value)."""
    line = Line(
        id="L",
        stations=tuple(Station(**s) for s in stations),
        buffers=tuple(Buffer(**b) for b in buffers),
        **more,
    )
    log = EventLog()
    engine = SimpyEngine(line, log=log, start_us=start_us)
    engine.advance(start_us + round(until_s * S))
    story = [(r[0] / S, EventKind(r[1]).name, int(r[2]), int(r[6])) for r in log.table().tolist()]
    return engine, story


def times(story: list[tuple[float, str, int, int]], kind: str, station: int) -> list[float]:
    return [at for at, what, where, _ in story if what == kind and where == station]


def test_s18_a_place_whose_load_was_scrapped_is_loaded_during_the_repair() -> None:
    failure = {"id": "f", "mtbf": "3 s", "mttr": "5 s", "after": "scrap"}
    for clock in ("operation", "time"):
        _, story = run(
            [{"id": "A", "cycle_time": "1 s"},
             {"id": "B", "cycle_time": "5 s", "failures": ({**failure, "depends_on": clock},)}],
            [{"id": "AB", "sources": "A", "sinks": "B", "capacity": 2}],
            4.5,
        )  # fmt: skip
        struck = 4 if clock == "operation" else 3
        assert times(story, "PART_SCRAPPED", 1) == [struck]
        assert times(story, "OPERATION_STARTED", 1) == [1, struck]


def test_s15_a_new_part_made_again_in_place_loses_its_defects() -> None:
    stations = [
        {"id": "A", "cycle_time": "1 s", "defects": {"u": 1.0}},
        {"id": "B", "cycle_time": "1 s", "gives": 1, "rework": {"rate": 0.5}},
        {"id": "C", "cycle_time": "1 s", "scrap": 1.0},
    ]
    buffers = [
        {"id": "AB", "sources": "A", "sinks": "B"}, {"id": "BC", "sources": "B", "sinks": "C"},
    ]  # fmt: skip
    _, story = run(stations, buffers, 200, defects=({"id": "u"},))
    reworked = len(times(story, "PART_REWORKED", 1))
    clean = [what for what in story if what[1:] == ("PART_SCRAPPED", 2, 0)]
    assert reworked > 20
    assert len(clean) > 10


def test_s17_a_failure_with_nothing_left_strikes_when_the_next_work_begins() -> None:
    failure = {"id": "f", "mtbf": "2 s", "mttr": "1 s"}
    _, story = run([{"id": "A", "cycle_time": "2 s", "failures": (failure,)}], [], 7)
    assert times(story, "OPERATION_COMPLETED", 0) == [2, 5]
    assert times(story, "MACHINE_FAILED", 0) == [2, 5]
    assert times(story, "MACHINE_REPAIRED", 0) == [3, 6]


@pytest.mark.parametrize(("after", "done"), [("resume", 11), ("restart", 13)])
def test_s18_work_resumes_or_restarts(after: str, done: float) -> None:
    failure = {"id": "f", "mtbf": "7 s", "mttr": "1 s", "after": after}
    _, story = run([{"id": "A", "cycle_time": "5 s", "failures": (failure,)}], [], 13)
    # The second operation, begun at 5 s, is struck at 7 s and repaired at 8 s.
    assert times(story, "MACHINE_FAILED", 0)[0] == 7
    assert times(story, "OPERATION_COMPLETED", 0)[1] == done


def test_s22_a_maintenance_that_falls_due_as_it_ends_adds_nothing() -> None:
    plan = {"every": "4 s", "lasts": "3 s", "first": "4 s"}
    engine, story = run(
        [{"id": "A", "cycle_time": "1 s", "maintenance": (plan, {**plan, "lasts": "1 s"})}], [], 8
    )
    # 3 s of the first, 1 s of the second; at 8 s the first falls due again and begins at once, the
    # second falls due while it is going on.
    assert times(story, "OPERATION_STARTED", 0) == [0, 1, 2, 3]
    shown = engine.status().machines["A01"]
    assert (shown.mode, shown.stop_reason) == (Mode.MAINTENANCE, 201)
    engine.advance(11_500_000)
    assert engine.status().machines["A01"].state == State.EXECUTE


def test_s29_a_machine_shows_what_one_of_its_places_has() -> None:
    crane = {"id": "f", "depends_on": "time", "stops": "handling", "mtbf": "3 s", "mttr": "9 s"}
    engine, _ = run([{"id": "A", "cycle_time": "5 s", "places": 2, "failures": (crane,)}], [], 4)
    shown = engine.status().machines["A01"]
    assert (shown.state, shown.stop_reason) == (State.EXECUTE, 1)
    engine.advance(5 * S)
    assert engine.status().machines["A01"].state == State.ABORTED


def test_s25_the_most_downstream_goes_first() -> None:
    _, story = run(
        [{"id": "A", "cycle_time": "1 s"}, {"id": "B", "cycle_time": "1 s"}],
        [{"id": "AB", "sources": "A", "sinks": "B", "capacity": 1}],
        3,
    )
    at_2 = [where for at, what, where, _ in story if at == 2 and what == "OPERATION_COMPLETED"]
    assert at_2 == [1, 0]


def test_s13_the_first_delivery_is_not_before_the_start() -> None:
    delivery = {"every": "4 s", "first": "1 s", "amount": 1}
    stock: Any = {"id": "m", "unit": "kg", "stock": 0, "delivery": delivery}
    station = {"id": "A", "cycle_time": "1 s", "uses": ({"material": "m", "amount": 1},)}
    for start, at in ((0, [1, 5]), (1, [1, 5]), (2, [5, 9])):
        _, story = run([station], [], 7, start_us=start * S, materials=(stock,))
        assert times(story, "OPERATION_STARTED", 0) == at


def test_no_event_is_announced_that_has_been_called_off() -> None:
    failure = {"id": "f", "depends_on": "time", "mtbf": "2 s", "mttr": "20 s"}
    engine, _ = run([{"id": "A", "cycle_time": "3 s", "failures": (failure,)}], [], 2)
    assert engine.next_event_us() == 22 * S


def test_time_does_not_run_back() -> None:
    engine, _ = run([{"id": "A", "cycle_time": "3 s"}], [], 2)
    with pytest.raises(EngineError, match="run back"):
        engine.advance(S)
    engine.advance(2 * S)
    assert engine.next_event_us() == 3 * S
