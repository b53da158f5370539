"""A recording of a plant over the wire again: values, qualities, timestamps; once and in a loop."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from asyncua import ua

from opcua.clock import ManualClock
from opcua.connect import close, connect
from opcua.recorded_points import RecordedPoints
from opcua.replayed_line import serve_replay
from opcua.security import client_security, server_security
from twin.errors import UsageError
from twin.historian.duckdb_store import DuckDBHistorian
from twin.historian.memory import MemoryHistorian
from twin.historian.port import Point, Quality, Query, Series
from twin.historian.recording import read_column, read_recording
from twin.model.line import Line

S = 1_000_000
EPOCH_US = 1_767_571_200 * S
LINE = Line.model_validate({"id": "L1", "stations": ({"id": "A", "cycle_time": "1 s"},)})
STATE, PROCESSED = "L1/A/A01/Status/StateCurrent", "L1/A/A01/Admin/ProdProcessedCount"


def points() -> list[Point]:
    state, processed = (Series("L1", "A01", name) for name in ("state_current", "processed"))
    at = 1_600_000_000 * S
    return [
        Point(state, at, 4),
        Point(state, at + 2 * S, 6),
        Point(processed, at + 3 * S, 10),
        Point(processed, at + 4 * S, 11),
        Point(processed, at + 5 * S, 12, Quality.BAD),
        Point(state, at + 6 * S, 9, Quality.UNCERTAIN),
        Point(Series("L1", "A01", "no_such_signal"), at, 1),
        Point(Series("OTHER", "A01", "state_current"), at, 1),
    ]


def recorded() -> RecordedPoints:
    store = MemoryHistorian()
    store.write(points())
    return RecordedPoints(LINE, store.read(Query()))


async def test_a_client_sees_what_the_plant_did(tmp_path) -> None:
    clock = ManualClock(EPOCH_US)
    clock.move(100 * S)
    security = server_security(tmp_path / "pki")
    async with serve_replay(LINE, recorded(), clock, security) as replayed:
        (url,) = replayed.endpoints.values()
        client = await connect(url, client_security(tmp_path / "pki"))
        try:
            index = await client.get_namespace_index("urn:linetwin:ENTERPRISE:SITE:L1")

            async def read(path: str) -> tuple[object, str, float]:
                node = client.get_node(ua.NodeId(path, index))
                held = await node.read_data_value(raise_on_bad_status=False)
                at = held.SourceTimestamp.timestamp() - EPOCH_US / S - 100
                return held.Value.Value, held.StatusCode.name, at

            assert await read(STATE) == (4, "Good", 0)
            assert (await read(PROCESSED))[:2] == (None, "BadWaitingForInitialData")
            clock.move(int(2.5 * S))
            assert await replayed.scan() == 1
            assert await read(STATE) == (6, "Good", 2)
            clock.move(int(1.6 * S))
            assert await replayed.scan() == 2
            assert await read(PROCESSED) == (11, "Good", 4)
            clock.move(2 * S)
            await replayed.scan()
            assert await read(PROCESSED) == (None, "Bad", 5)
            assert await read(STATE) == (9, "Uncertain", 6)
            assert replayed.is_over
            clock.move(60 * S)
            assert await replayed.scan() == 0
        finally:
            await close(client, polite=True)


async def test_a_recording_that_says_nothing_of_the_state_is_served_all_the_same() -> None:
    store = MemoryHistorian()
    store.write([Point(Series("L1", "A01", "processed"), EPOCH_US, 10)])
    played = RecordedPoints(LINE, store.read(Query()))
    async with serve_replay(LINE, played, ManualClock(EPOCH_US), None) as replayed:
        (url,) = replayed.endpoints.values()
        client = await connect(url, None)
        try:
            index = await client.get_namespace_index("urn:linetwin:ENTERPRISE:SITE:L1")
            state, made = (client.get_node(ua.NodeId(path, index)) for path in (STATE, PROCESSED))
            held = await state.read_data_value(raise_on_bad_status=False)
            assert held.StatusCode.name == "BadWaitingForInitialData"
            assert await made.read_value() == 10
        finally:
            await close(client, polite=True)


def test_a_loop_begins_again_and_in_any_stretches_plays_the_same() -> None:
    played = recorded()
    assert (played.signals, played.left_out) == (2, 2)
    assert (played.length_us, played.period_us) == (6 * S, 6 * S + 6 * S // 5)
    whole = list(played.between(-1, 20 * S, loop=True))
    assert [at for at, _ in whole[6:8]] == [played.period_us, played.period_us + 2 * S]
    pieces: list[tuple[int, object]] = []
    for step in range(-1, 20 * S, S // 3):
        pieces += played.between(step, min(step + S // 3, 20 * S), loop=True)
    assert pieces == whole
    assert len(list(played.between(-1, 20 * S, loop=False))) == 6


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_files_that_a_history_is_written_to_are_played(tmp_path, suffix) -> None:
    store = DuckDBHistorian(tmp_path / "history.duckdb")
    store.write(points())
    file = tmp_path / f"all.{suffix}"
    store.export(Query(), file)
    store.close()
    read = RecordedPoints(LINE, read_recording(file, "L1"))
    assert list(read.between(-1, 9 * S, loop=False)) == list(
        recorded().between(-1, 9 * S, loop=False)
    )
    assert sum(read_column(file, "value")) == sum(point.value for point in points())


def test_files_that_cannot_be_played_say_why(tmp_path) -> None:
    file = tmp_path / "some.csv"
    for text, says in (
        ("at,line\n", "lacks unit, signal, value"),
        ("at,line,unit,signal,value\n", "has no points at all"),
        (
            "at,line,unit,signal,value\n2026-01-01T00:00:00Z,L2,A,s,1\n",
            "points of the line L1, has L2",
        ),
        ("at,line,unit,signal,value\nyesterday,L1,A,s,1\n", "readable CSV or Parquet file"),
        ("at,line,unit,signal,value,quality\n2026-01-01,L1,A,s,1,fine\n", "good, uncertain or bad"),
    ):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(UsageError, match=says):
            read_recording(file, "L1")
    file.write_text("at,line,unit,signal,value\n2026-01-01,L1,A,s,1\n", encoding="utf-8")
    history = read_recording(file, "L1")
    with pytest.raises(UsageError, match="points of signals of L1"):
        RecordedPoints(LINE, history)
    with pytest.raises(UsageError, match="there is none"):
        read_recording(tmp_path / "none.csv", "L1")
    with pytest.raises(UsageError, match=r"must end in .csv or .parquet"):
        read_column(tmp_path / "some.txt", "value")


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_the_command_plays_a_history_of_the_twins_own(tmp_path) -> None:
    line = tmp_path / "l1.yaml"
    line.write_text("id: L1\nstations: [{id: A, cycle_time: 1 s}]\n", encoding="utf-8")
    store = DuckDBHistorian(tmp_path / "history.duckdb")
    store.write(points())
    store.close()
    command = [
        str(Path(sys.executable).with_name("twin")),
        "plc",
        str(line),
        "--no-security",
        "--json",
    ]
    command += ["--replay", str(tmp_path / "history.duckdb"), "--loop", "--port", "PLC=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        said = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    assert '"signals": 2' in said
    assert '"left_out": 1' in said


async def test_results_of_a_recorded_vision_post_are_what_its_counters_grew_by(tmp_path) -> None:
    station = {"id": "V", "cycle_time": "1 s", "inspection": {"detects": {"dent": 0.9}}}
    line = Line.model_validate({"id": "L1", "defects": ({"id": "dent"},), "stations": (station,)})
    series = {n: Series("L1", "V01", n) for n in ("processed", "defective", "defect.dent")}
    store, at = MemoryHistorian(), 1_600_000_000 * S
    store.write(
        [
            Point(Series("L1", "V01", "state_current"), at, 6),
            Point(series["processed"], at + S, 700),
            Point(series["defective"], at + S, 30),
            Point(series["defect.dent"], at + S, 30),
            Point(series["processed"], at + 3 * S, 707),
            Point(series["defective"], at + 3 * S, 32),
            Point(series["defect.dent"], at + 3 * S, 32),
        ]
    )
    clock = ManualClock(EPOCH_US)
    async with serve_replay(
        line, RecordedPoints(line, store.read(Query())), clock, None
    ) as replayed:
        (server,) = replayed.plcs
        for _ in range(3):
            clock.move(2 * S)
            await replayed.scan()
        (result,) = server.vision.results("V01").newest
    # What was counted before the recording began is no result.
    assert (result.id, result.inspected, result.scrapped) == ("V01-707", 7, 2)
    assert result.found == (("dent", 2),)
