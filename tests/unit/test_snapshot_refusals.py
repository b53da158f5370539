"""What a snapshot is refused for, and what it doesn't mind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from twin.engine.kernel import KernelEngine, kernel_library
from twin.engine.simpy_engine import SimpyEngine
from twin.engine.simulation import EngineName, open_engine
from twin.engine.snapshot import SAVED, Snapshot
from twin.errors import EngineError
from twin.model import Buffer, Line, Station

S = 1_000_000
A: dict[str, Any] = {"id": "A", "cycle_time": "2 s"}
B: dict[str, Any] = {
    "id": "B",
    "cycle_time": "3 s",
    "failures": ({"id": "f", "mtbf": "10 s", "mttr": "6 s", "crew": "c"},),
    "maintenance": ({"every": "20 s", "lasts": "2 s"},),
}
AB: dict[str, Any] = {"id": "AB", "sources": "A", "sinks": "B", "capacity": 2}
ENGINES: list[EngineName] = ["simpy", "kernel"]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> EngineName:
    if request.param == "kernel" and kernel_library() is None:
        pytest.skip("the compiled engine is not installed: no C compiler")
    name: EngineName = request.param
    return name


def line(a: dict[str, Any] = A, b: dict[str, Any] = B, **more: Any) -> Line:
    return Line.model_validate(
        {
            "id": "L",
            "stations": (Station(**a), Station(**b)),
            "buffers": (Buffer(**AB),),
            "crews": ({"id": "c", "size": 1},),
            **more,
        }
    )


def taken(at_s: float = 14) -> Snapshot:
    """At 14 s B is being repaired, and A blocked."""
    engine = SimpyEngine(line())
    engine.advance(round(at_s * S))
    return engine.snapshot()


def changed(snapshot: Snapshot, table: str, column: str, row: int, value: int) -> Snapshot:
    tables = snapshot.model_dump()
    values = list(tables[table][column])
    values[row] = value
    tables[table][column] = tuple(values)
    return Snapshot.model_validate(tables)


def test_what_a_snapshot_says() -> None:
    snapshot = taken()
    assert snapshot.at_us == 14 * S
    assert snapshot.machines.down == (-1, 0)
    assert snapshot.machines.ends_us == (-1, 18 * S)
    assert snapshot.machines.worked_us[1] == 10 * S
    assert snapshot.places.left_us == (0, 2 * S)
    assert snapshot.places.waits_for == (2, 0)
    assert snapshot.crews.free == (0,)


def test_the_work_in_hand_is_counted_up_to_the_instant() -> None:
    snapshot = taken(6.5)
    assert snapshot.places.left_us[1] == 1.5 * S
    assert snapshot.machines.worked_us == (6.5 * S, 4.5 * S)


def test_another_line_is_refused_with_what_differs(engine: EngineName) -> None:
    other = line({**A, "cycle_time": "1 s", "scrap": 0.5}, {**B, "id": "C"}, buffers=(
        Buffer(**{**AB, "sinks": "C", "capacity": 3}),
    ))  # fmt: skip
    with pytest.raises(EngineError) as refusal:
        open_engine(other, engine, start=taken())
    message = str(refusal.value)
    assert "another line than L" in message
    for part in (
        "stations[A]: cycle_time, scrap",
        "stations[B]: only in the snapshot",
        "stations[C]: only in the line",
        "buffers[AB]: capacity, sinks",
    ):
        assert part in message


def test_stations_in_another_order_are_another_line() -> None:
    other = line(B, A)
    with pytest.raises(EngineError, match="line: stations"):
        SimpyEngine.from_snapshot(other, taken())


def test_another_name_or_price_of_energy_is_the_same_line(engine: EngineName) -> None:
    named = line({**A, "name": "Anode", "area": "X", "kind": "unit"}, name="The line")
    again = open_engine(named, engine, start=taken())
    assert again.snapshot() == taken()


def test_another_version_is_refused() -> None:
    text = taken().to_json()
    assert text.startswith('{"version":1,')
    with pytest.raises(EngineError, match="version 1: version"):
        Snapshot.from_json(text.replace('"version":1', '"version":2', 1))
    with pytest.raises(EngineError, match="has version 2; this program reads 1"):
        SimpyEngine.from_snapshot(line(), taken().model_copy(update={"version": 2}))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "does not begin as one"),
        (b"linetwin snapshot\nxx", "damaged"),
        (taken().to_bytes()[:-9], "damaged"),
    ],
)
def test_bytes_that_are_no_snapshot_are_refused(data: bytes, why: str) -> None:
    with pytest.raises(EngineError, match=why):
        Snapshot.from_bytes(data)


def test_text_that_is_no_snapshot_is_refused() -> None:
    with pytest.raises(EngineError, match="no snapshot"):
        Snapshot.from_json("{")
    with pytest.raises(EngineError, match=r"machines\.down"):
        Snapshot.from_json(taken().to_json().replace('"down":[-1,0]', '"down":[-1,0.5]'))


@pytest.mark.parametrize(
    ("table", "column", "row", "value", "why"),
    [
        ("machines", "down", 1, 1, "no such failure"),
        ("machines", "down", 0, 0, "no such failure"),
        ("machines", "service", 1, 1, "no such maintenance"),
        ("machines", "service", 1, 0, "down and in maintenance at once"),
        ("machines", "ends_us", 1, 14 * S, "must be later than at_us"),
        ("machines", "ends_us", 0, 15 * S, "nothing goes on there"),
        ("machines", "ends_us", 1, -1, "neither at work nor waiting"),
        ("machines", "crew_turn", 1, 1, "nothing waits there"),
        ("modes", "strikes_at", 0, 0, ""),
        ("places", "condition", 0, 7, "no such condition"),
        ("places", "since_us", 0, 15 * S, "must not be later than at_us"),
        ("places", "loaded", 0, 2, "must be 0 or 1"),
        ("places", "left_us", 0, -1, "must not be negative"),
        ("places", "waits_for", 0, 3, "must be 0, 1 or 2"),
        ("places", "waits_for", 0, 1, "with parts to put out"),
        ("places", "waits_for", 0, 0, "above 0 where one waits"),
        ("places", "waits_for", 1, 2, "with nothing to put out"),
        ("places", "loaded", 1, 0, "in the load of a place without one"),
        ("parts", "holder", 0, 5, "no such lane or place"),
        ("parts", "held_in", 0, 3, "no such lane or place"),
        ("parts", "entered", 0, 0, "must be above 0 in a lane"),
    ],
)
def test_a_snapshot_that_contradicts_itself_is_refused(
    engine: EngineName, table: str, column: str, row: int, value: int, why: str
) -> None:
    snapshot = changed(taken(), table, column, row, value)
    if not why:  # a clock that has struck while its machine is down
        open_engine(line(), engine, start=snapshot)
        return
    with pytest.raises(EngineError, match=why):
        open_engine(line(), engine, start=snapshot)


def test_a_clock_that_should_have_struck_is_refused() -> None:
    with pytest.raises(EngineError, match="has passed, and the machine is up"):
        SimpyEngine.from_snapshot(line(), changed(taken(6.5), "modes", "strikes_at", 0, S))


def test_a_machine_that_waits_for_a_crew_it_does_not_need_is_refused() -> None:
    alone = {**B, "failures": ({"id": "f", "mtbf": "10 s", "mttr": "6 s"},)}
    engine = SimpyEngine(line(b=alone))
    engine.advance(14 * S)
    odd = changed(engine.snapshot(), "machines", "crew_turn", 1, 1)
    odd = changed(odd, "machines", "ends_us", 1, -1)
    with pytest.raises(EngineError, match="row 1 needs no crew"):
        SimpyEngine.from_snapshot(line(b=alone), odd)


def test_a_row_too_few_is_refused() -> None:
    tables = taken().model_dump()
    tables["places"] = {column: values[:1] for column, values in tables["places"].items()}
    with pytest.raises(EngineError, match="places: must have 2 rows, got 1"):
        SimpyEngine.from_snapshot(line(), Snapshot.model_validate(tables))
    tables = taken().model_dump()
    tables["places"]["turn"] = (1,)
    with pytest.raises(EngineError, match="columns of places differ in length"):
        SimpyEngine.from_snapshot(line(), Snapshot.model_validate(tables))


def test_a_snapshot_brings_its_own_seed_and_time(engine: EngineName) -> None:
    for beside in ({"seed": 1}, {"start_us": 0}):
        with pytest.raises(EngineError, match="brings its own seed and time"):
            open_engine(line(), engine, start=taken(), **beside)


def test_another_replication_keeps_what_was_drawn(engine: EngineName) -> None:
    random = line({**A, "cycle_time": {"distribution": "exponential", "mean": 2 * S}})
    first = SimpyEngine(random)
    first.advance(14 * S)
    snapshot = first.snapshot()
    runs = [open_engine(random, engine, start=snapshot, replication=r) for r in (0, 1)]
    a, b = (run.snapshot() for run in runs)
    assert b == a.model_copy(update={"replication": 1})
    for run in runs:
        run.advance(600 * S)
    first.advance(600 * S)
    assert runs[0].snapshot() == first.snapshot()
    assert runs[1].snapshot().places != first.snapshot().places


def test_a_snapshot_at_the_start_has_what_happens_then_behind_it(engine: EngineName) -> None:
    glue = {
        "id": "g", "unit": "kg", "stock": 0.0,
        "delivery": {"every": 10 * S, "first": 0, "amount": 1.0},
    }  # fmt: skip
    fed = line({**A, "uses": ({"material": "g", "amount": 1.0},)}, materials=(glue,))
    started = open_engine(fed, engine).snapshot()
    assert started.stations.started == (1, 0)
    again = open_engine(fed, engine, start=started)
    again.advance(9 * S)
    assert again.snapshot().stations.started == (1, 1)


def test_the_kernel_names_the_same_columns() -> None:
    if kernel_library() is None:
        pytest.skip("the compiled engine is not installed: no C compiler")
    engine = KernelEngine(line())
    snapshot = engine.snapshot()
    for table, columns in SAVED.items():
        assert tuple(type(getattr(snapshot, table)).model_fields) == columns


def test_the_page_about_snapshots_tells_the_truth() -> None:
    page = Path(__file__).parents[2] / "docs" / "explanation" / "snapshot.md"
    code = page.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    if kernel_library() is None:
        pytest.skip("the compiled engine is not installed: no C compiler")
    exec(compile(code, str(page), "exec"), {})  # noqa: S102 - our own page
