"""The spool's way to the database: bad lines, failures, roll-ups, and what it tells of itself."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest
from real_servers import Influxd, free_port

from lines.loader import load
from twin.errors import LinetwinError, NotConnected
from twin.historian.drain import Drain
from twin.historian.influx import InfluxAddress, InfluxDoor, LinesRefused
from twin.historian.influx_setup import set_up
from twin.historian.influx_store import InfluxHistorian
from twin.historian.line_protocol import Encoder, Lines
from twin.historian.port import Point, Quality, Query, Series
from twin.historian.rollup import RollUp
from twin.historian.spool import Bounds, Spool
from twin.historian.spooled_influx import SpooledInflux
from twin.live.self_watch import points_of_itself
from twin.model.spool_status import SpoolStatus
from twin.signals import TWIN_SIGNALS, tags

DEADLINE_S = 30.0
MINUTE_US = 60_000_000
NOW = time.time_ns() // 1000 // MINUTE_US * MINUTE_US - 10 * MINUTE_US
"""A full minute a while ago: retention is counted from the server's clock."""

LINE = load("tube_line")
POWER = Series("L", "M", "power_kw")


@pytest.fixture
def address(influxd: Influxd) -> InfluxAddress:
    address = influxd.address(f"drain-{uuid4().hex}")
    with closing(InfluxDoor(address)) as door:
        set_up(door)
    return address


class Database:
    """Takes lines, or fails in the ways that it was told, one after the other."""

    def __init__(self, *failures: LinetwinError) -> None:
        self.failures = list(failures)
        self.lines: list[str] = []
        self.calls: list[float] = []
        self.bad = ""
        self.arrived = threading.Event()

    def write(self, body: bytes) -> None:
        self.calls.append(time.monotonic())
        if self.failures:
            raise self.failures.pop(0)
        lines = body.decode().split("\n")
        if self.bad and self.bad in lines:
            raise LinesRefused(f"no {self.bad}")
        self.lines += lines


def put(spool: Spool, *texts: str) -> None:
    spool.put([Lines(2, texts, frozenset({0}))])


def test_it_is_tried_again_after_as_long_as_it_asks_for(tmp_path: Path) -> None:
    database = Database(NotConnected("busy", 0.4), NotConnected("away"), LinetwinError("no token"))
    with closing(Spool(tmp_path / "spool")) as spool:
        put(spool, "a", "b")
        drain = Drain(spool, database.write, lambda: None)
        assert drain.wait_until_empty(DEADLINE_S)
        assert drain.away == ""
        drain.stop()
        pauses = [b - a for a, b in zip(database.calls, database.calls[1:], strict=False)]
        assert [pause >= least for pause, least in zip(pauses, (0.4, 0.5, 1.0), strict=True)] == [
            True
        ] * 3
        assert database.lines == ["a", "b"]
        assert spool.points == 0


def test_a_bad_line_is_set_aside_and_its_neighbours_arrive_once(tmp_path: Path) -> None:
    database = Database()
    database.bad = "bad"
    with closing(Spool(tmp_path / "spool")) as spool:
        put(spool, "a", "bad", "b")
        put(spool, "c")
        drain = Drain(spool, database.write, lambda: None)
        assert drain.wait_until_empty(DEADLINE_S)
        drain.stop()
        assert sorted(database.lines) == ["a", "b", "c"]
        assert [(line.text, line.reason) for line in spool.refused_lines()] == [("bad", "no bad")]
        assert spool.tally()["refused"] == 1


def test_what_comes_while_it_is_away_arrives_in_order(tmp_path: Path) -> None:
    database = Database(*[NotConnected("away")] * 3)
    with closing(Spool(tmp_path / "spool")) as spool:
        drain = Drain(spool, database.write, lambda: None)
        for n in range(200):
            put(spool, f"{n}")
            drain.wake()
        assert drain.wait_until_empty(DEADLINE_S)
        drain.stop()
        assert database.lines == [f"{n}" for n in range(200)]
        assert drain.per_s() == 20.0


def test_a_batch_is_there_at_once_and_arrives_by_itself(address, tmp_path) -> None:
    tag = next(tags(LINE))
    state = Series(LINE.id, *tag.key)
    with closing(SpooledInflux(address, tmp_path / "spool", [LINE])) as store:
        report = store.write([Point(state, NOW, 6), Point(state, NOW + 1, 0.5)])
        assert (report.written, len(report.refused)) == (1, 1)
        assert store.wait_until_empty(DEADLINE_S)
        assert store.read(Query()).value.tolist() == [6.0]
        assert store.last(Query()).series == (state,)
        status = store.status()
        assert (status.points, status.dropped, status.refused) == (0, 0, 1)
        assert status.drained_per_s > 0
        assert status.away == ""
    with pytest.raises(LinetwinError, match="closed"):
        store.write([])


def test_an_outage_shows_and_what_is_dropped_is_counted_and_alarmed(tmp_path) -> None:
    address = InfluxAddress(f"http://127.0.0.1:{free_port()}")
    bounds = Bounds(most_bytes=10_000)
    with closing(SpooledInflux(address, tmp_path / "spool", [], bounds)) as store:
        for second in range(60):
            store.write([Point(POWER, NOW + second * 1000 + n, n * 1.37) for n in range(100)])
        status = store.status()
        assert "no whole answer" in status.away or status.away == ""
        assert status.dropping
        assert status.dropped + status.points == 6000
        assert 0 < status.points < 6000
        points = points_of_itself(status, ["TUBE1"], NOW)
    told = {point.series.signal: point.value for point in points}
    assert told["spool_points"] == status.points
    assert told["spool_dropped"] == status.dropped
    assert told["alarm.spool_drops"] == 1.0
    (lines, *more), refused = Encoder([LINE]).encode(points)
    assert refused == ()
    texts = [text for part in (lines, *more) for text in part.lines]
    assert f"twin,line=TUBE1,site={LINE.site} spool_points={status.points}i," in "\n".join(texts)
    assert f"alarm,alarm=spool_drops,line=TUBE1,site={LINE.site} value=1i," in "\n".join(texts)


def test_its_own_signals_are_stored_and_read_like_any_other(address, tmp_path) -> None:
    status = SpoolStatus(7, 1.5, 20.25, 3, 2, dropping=True, away="no answer")
    points = points_of_itself(status, [LINE.id], NOW)
    with closing(SpooledInflux(address, tmp_path / "spool", [LINE])) as store:
        store.write(points)
        assert store.wait_until_empty(DEADLINE_S)
        found = store.last(Query(line=LINE.id, unit=""))
    names = [series.signal for series in found.series]
    assert names == sorted(signal.name for signal in TWIN_SIGNALS)
    assert dict(zip(names, found.value.tolist(), strict=True)) == {
        point.series.signal: point.value for point in points
    }


def test_minutes_are_rolled_up_and_again_when_they_change(address, tmp_path) -> None:
    every = list(tags(LINE))
    state = next(t for t in every if t.signal.name == "state_current")
    cycle = next(t for t in every if t.signal.name == "cycle_time_s")
    variable = next(t for t in every if t.signal.name.startswith("variable."))
    of = {tag: Series(LINE.id, *tag.key) for tag in (state, cycle, variable)}
    points = [
        *(Point(of[cycle], NOW + n * 1_000_000, float(n)) for n in range(90)),
        *(Point(of[state], NOW + n, n) for n in (6, 5, 9)),
        Point(of[variable], NOW, 4.0),
        Point(of[variable], NOW + 1, 400.0, Quality.BAD),
    ]
    door = InfluxDoor(address)
    with closing(door), closing(Spool(tmp_path / "spool")) as spool:
        rollup = RollUp(door, spool, every_s=0.0)
        encoder = Encoder([LINE])

        def store(batch: list[Point]) -> None:
            found, _ = encoder.encode(batch)
            spool.put(found)
            parcels = spool.oldest(10**6)
            for parcel in parcels:
                door.write(parcel.text.encode(), address.database)
            spool.done(parcels)
            rollup.step()
            assert spool.minutes_to_roll(1) == []

        def rolled(measurement: str) -> list[dict[str, object]]:
            question = f'SELECT * FROM "{measurement}" GROUP BY *'  # noqa: S608
            (found,) = door.ask([question], address.rollup_database)
            return [
                {k: v for k, v in zip(part["columns"], row, strict=True) if v is not None}
                | part["tags"]
                for part in found
                for row in part["values"]
            ]

        store(points)
        names = {"line": LINE.id, "site": LINE.site}
        machine = names | {"station": state.station, "machine": state.unit}
        assert cycle.unit == state.unit
        first, second = rolled("machine")
        assert first == machine | {
            "time": NOW,
            "cycle_time_s_mean": 29.5,
            "cycle_time_s_min": 0,
            "cycle_time_s_max": 59,
            "cycle_time_s_last": 59,
            "state_current_last": 9,
        }
        assert second["cycle_time_s_mean"] == 74.5
        (value,) = rolled("variable")
        assert (value["value_mean"], value["value_max"]) == (4, 4), "what is bad counts for nothing"
        store([Point(of[cycle], NOW + 59_500_000, 121.0)])
        again = rolled("machine")
        assert len(again) == 2
        assert again[0]["cycle_time_s_mean"] == 31.0
        assert again[0]["state_current_last"] == 9
        assert again[1] == second


def test_a_full_disk_lets_points_go_to_the_database_at_once(address, tmp_path, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise LinetwinError("the disk is full")

    with closing(SpooledInflux(address, tmp_path / "spool")) as store:
        monkeypatch.setattr(store._spool, "put", full)
        store.write([Point(POWER, NOW, 1.0)])
        with closing(InfluxHistorian(address)) as reading:
            assert reading.read(Query()).value.tolist() == [1.0]
