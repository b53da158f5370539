"""Traces: the same hash from both engines, files that tell what is wrong with them, the story."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from twin.engine import EngineName, EventLog, open_engine
from twin.engine.kernel import kernel_library
from twin.engine.trace import compare_traces, open_trace, record_trace, tell
from twin.engine.trace_file import TRACE_COLUMNS, query, rows_of
from twin.errors import TraceError
from twin.model import Line

MINUTE = 60_000_000
SPAN_US = 30 * MINUTE
ENGINES: list[EngineName] = ["simpy", "kernel"]
pytestmark = pytest.mark.skipif(
    kernel_library() is None, reason="the compiled engine is not installed: no C compiler"
)


@pytest.fixture(scope="module")
def line() -> Line:
    return Line.model_validate(
        {
            "id": "TRACED",
            "stations": (
                {
                    "id": "MAKE",
                    "machines": 2,
                    "cycle_time": {"distribution": "exponential", "mean": "4 s"},
                    "failures": ({"id": "jam", "mtbf": "2 min", "mttr": "20 s"},),
                    "defects": {"dent": 0.2, "scratch": 0.1},
                },
                {
                    "id": "LOOK",
                    "cycle_time": "2 s",
                    "inspection": {"detects": {"dent": 1, "scratch": 1}},
                },
                {"id": "PACK", "cycle_time": "2 s", "rework": {"rate": 0.1}},
            ),
            "buffers": (
                {"id": "MADE", "sources": "MAKE", "sinks": "LOOK", "capacity": 4, "lanes": 2},
                {"id": "SEEN", "sources": "LOOK", "sinks": "PACK", "capacity": 4},
            ),
            "defects": ({"id": "dent"}, {"id": "scratch"}),
        },
        by_name=True,
    )


@pytest.fixture(scope="module")
def files(line: Line, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same run by both engines, in both forms."""
    here = tmp_path_factory.mktemp("traces")
    found = {}
    for engine in ENGINES:
        for form in ("csv", "parquet"):
            path = found[f"{engine}.{form}"] = here / f"{engine}.{form}"
            record_trace(line, until_us=SPAN_US, engine=engine, out=path)
    assert sorted(p.name for p in here.iterdir()) == sorted(found)
    return found


@pytest.fixture
def changed(files: dict[str, Path], tmp_path: Path) -> Callable[..., Path]:
    """The CSV file with other lines; the head's count follows them unless told not to."""

    def make(edit: Callable[[list[str]], None], *, count: bool = True) -> Path:
        text = files["kernel.csv"].read_text(encoding="utf-8")
        head, names, *rows = text.splitlines(keepends=True)
        before = len(rows)
        edit(rows)
        if count:
            head = head.replace(f'"events":{before},', f'"events":{len(rows)},')
        path = tmp_path / "changed.csv"
        path.write_text("".join([head, names, *rows]), encoding="utf-8")
        return path

    return make


@pytest.mark.parametrize("a", ["simpy.csv", "simpy.parquet"])
@pytest.mark.parametrize("b", ["kernel.csv", "kernel.parquet"])
def test_both_engines_write_the_same_in_both_forms(files: dict[str, Path], a: str, b: str) -> None:
    assert compare_traces(files[a], files[b]) is None
    one, other = open_trace(files[a]).header, open_trace(files[b]).header
    assert (one.engine, other.engine) == ("simpy", "kernel")
    assert one.model_copy(update={"engine": "kernel"}) == other


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_the_file_has_every_event_and_says_it_in_words(
    line: Line, files: dict[str, Path], form: str
) -> None:
    log = EventLog()
    open_engine(line, "kernel", log=log).advance(SPAN_US)
    trace = open_trace(files[f"kernel.{form}"])
    assert (trace.header.events, trace.header.digest) == (log.count, log.digest())
    rows = query(rows_of(trace) + " ORDER BY n")
    column = {name: [row[i] for row in rows] for i, name in enumerate(["n", *TRACE_COLUMNS])}
    events = log.events()
    assert column["n"] == list(range(log.count))
    for name in ("at_us", "number", "value"):
        assert np.array_equal(column[name], events[name])
    assert set(column["machine"]) == {"MAKE01", "MAKE02", "LOOK01", "PACK01"}
    said = {
        (event, detail) for event, detail in zip(column["event"], column["detail"], strict=True)
    }
    assert {
        ("part_passed", "MADE lane 1"),
        ("part_passed", "MADE lane 2"),
        ("part_passed", "SEEN"),
        ("part_passed", "off the line"),
        ("part_scrapped", "dent"),
        ("part_scrapped", "scratch"),
        ("part_reworked", None),
        ("state_changed", "starved"),
        ("state_changed", "fault"),
        ("machine_failed", "jam"),
        ("machine_repaired", "jam"),
    } <= said
    parts = [part for part in column["part"] if part is not None]
    assert parts[0] == "MAKE-0"
    assert all(part.startswith("MAKE-") for part in parts)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_trace_goes_on_from_a_snapshot(line: Line, engine: EngineName) -> None:
    log = EventLog()
    running = open_engine(line, engine, seed=3, log=log)
    running.advance(10 * MINUTE)
    start, before = running.snapshot(), log.count
    running.advance(SPAN_US)
    rest = EventLog()
    rest.add_block(log.table()[before:])
    header = record_trace(line, until_us=20 * MINUTE, engine=engine, start=start)
    assert (header.seed, header.from_us, header.to_us) == (3, 10 * MINUTE, SPAN_US)
    assert (header.events, header.digest) == (rest.count, rest.digest())


def test_the_first_difference_comes_with_its_story(
    files: dict[str, Path], changed: Callable[..., Path]
) -> None:
    at: dict[str, int] = {}

    def swap(rows: list[str]) -> None:
        found = (i for i in range(500, len(rows)) if ",part_passed,PACK," in rows[i])
        at["index"] = i = next(i for i in found if ",starved," not in rows[i + 1])
        rows[i], rows[i + 1] = rows[i + 1], rows[i]

    path = changed(swap)
    found = compare_traces(files["simpy.parquet"], path)
    assert found is not None
    index = at["index"]
    assert found.index == index
    assert found.a_next[0].event == "part_passed"
    assert found.a_next[0].machine == "PACK01"
    assert found.b_next[0] == found.a_next[1]._replace(n=index)
    assert found.a_in_b == found.a_next[0]._replace(n=index + 1)
    assert found.b_in_a == found.a_next[1]
    part = found.a_next[0].part
    assert part in found.parts
    assert "PACK" in found.stations
    assert "SEEN" in found.buffers
    # The part's own way is in it: made, looked at, packed.
    of_part = [(event.machine, event.event) for event in found.before if event.part == part]
    assert ("PACK01", "operation_completed") in of_part
    assert any(machine == "LOOK01" for machine, _ in of_part)
    assert all(event.n < index for event in found.before)
    assert list(found.before) == sorted(found.before)
    text = tell(found, open_trace(files["simpy.parquet"]).header, open_trace(path).header)
    for words in (
        f"The first {index:,} events are the same; number {index + 1:,} differs",
        "A: engine simpy",
        "Then in A:\n>",
        f"PACK01 passes part {part} off the line",
        f"B has the first of these later, as its event {index + 2:,}.",
    ):
        assert words in text


def test_one_that_ends_earlier_is_told(
    files: dict[str, Path], changed: Callable[..., Path]
) -> None:
    path = changed(lambda rows: rows.__delitem__(slice(700, None)))
    found = compare_traces(path, files["simpy.csv"])
    assert found is not None
    assert (found.index, found.a_next, found.a_in_b, found.b_in_a) == (700, (), None, None)
    header = open_trace(path).header
    assert "Then A is over" in tell(found, header, header)


def test_the_very_first_event_can_differ(
    files: dict[str, Path], changed: Callable[..., Path]
) -> None:
    def later(rows: list[str]) -> None:
        rows[0] = "1" + rows[0]

    found = compare_traces(files["kernel.parquet"], changed(later))
    assert found is not None
    assert (found.index, found.before, found.a_in_b) == (0, (), None)


def test_a_run_without_events_has_a_trace(line: Line, tmp_path: Path) -> None:
    one, two = tmp_path / "one.csv", tmp_path / "two.parquet"
    still = line.model_copy(update={"stations": line.stations[1:], "buffers": line.buffers[1:]})
    for path in (one, two):
        assert record_trace(still, until_us=0, out=path).events >= 0
    assert compare_traces(one, two) is None


@pytest.mark.parametrize(
    ("edit", "count", "says"),
    [
        (lambda rows: rows.pop(), False, "cut short or changed"),
        (lambda rows: rows.append(rows.pop()[:-3]), False, "cut short or changed"),
        (lambda rows: rows.append("x" + rows.pop()), True, "changed.csv is damaged"),
    ],
)
def test_damage_is_named(
    files: dict[str, Path],
    changed: Callable[..., Path],
    edit: Callable[[list[str]], None],
    count: bool,
    says: str,
) -> None:
    with pytest.raises(TraceError, match=says):
        compare_traces(files["simpy.csv"], changed(edit, count=count))


def test_what_is_no_trace_is_refused(files: dict[str, Path], tmp_path: Path) -> None:
    cut = files["simpy.parquet"].read_bytes()[:-40]
    other = tmp_path / "other"
    for content, says in (
        (b"", "is empty"),
        (b"at,b\n1,2\n", "is no trace"),
        (cut, "cut short or damaged"),
        (b"# linetwin trace {}\n", "linetwin: Field required"),
        (b"# linetwin trace nonsense\n", "Invalid JSON"),
    ):
        other.write_bytes(content)
        with pytest.raises(TraceError, match=says) as refused:
            open_trace(other)
        assert str(other) in str(refused.value)
    with pytest.raises(TraceError, match="No such file"):
        open_trace(tmp_path / "none.csv")


def test_a_parquet_file_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.parquet"
    query(f"COPY (SELECT 1 AS one) TO '{path}' (FORMAT parquet)")
    with pytest.raises(TraceError, match="is Parquet, but no trace"):
        open_trace(path)


def test_traces_of_different_runs_are_refused(
    line: Line, files: dict[str, Path], tmp_path: Path
) -> None:
    path = tmp_path / "other.csv"
    slower = line.stations[1].model_copy(update={"machines": 2})
    stations = (line.stations[0], slower, line.stations[2])
    other = line.model_copy(update={"stations": stations})
    record_trace(other, until_us=MINUTE, seed=5, replication=2, out=path)
    with pytest.raises(TraceError) as refused:
        compare_traces(files["simpy.csv"], path)
    for words in ("stations[LOOK]: machines", "seed 1 and 5", "replication 0 and 2", "end in us"):
        assert words in str(refused.value)


@pytest.mark.parametrize("name", ["trace.txt", "none/trace.csv", "trace"])
def test_where_nothing_can_be_written_nothing_runs(line: Line, tmp_path: Path, name: str) -> None:
    def never(share: float) -> None:
        pytest.fail("it ran")

    with pytest.raises(TraceError, match=r"choose another name|create it first"):
        record_trace(line, until_us=MINUTE, out=tmp_path / name, progress=never)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_trace_leaves_nothing_behind(line: Line, tmp_path: Path) -> None:
    def stop(share: float) -> None:
        if share > 0.3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        record_trace(line, until_us=MINUTE, out=tmp_path / "trace.csv", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_progress_goes_up_to_one(line: Line, tmp_path: Path) -> None:
    seen: list[float] = []
    record_trace(line, until_us=MINUTE, out=tmp_path / "a.csv", progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
