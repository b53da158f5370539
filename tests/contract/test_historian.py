"""Every historian keeps the port's contract; and what the one in memory promises beyond it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path
from uuid import uuid4

import pytest
from real_servers import Influxd

from lines.loader import load
from twin.errors import LinetwinError
from twin.historian.alarms import alarm_spells
from twin.historian.duckdb_store import DuckDBHistorian
from twin.historian.influx import InfluxDoor
from twin.historian.influx_setup import set_up
from twin.historian.influx_store import InfluxHistorian
from twin.historian.memory import MemoryHistorian
from twin.historian.port import Historian, Point, Quality, Query, Series, WriteReport
from twin.historian.shift_kpis import shift_kpi, shift_of
from twin.signals import Family, tags

pytest.register_assert_rewrite("check_historian")  # so that a broken check shows its values
from check_historian import CHECKS, NewStore  # noqa: E402

POWER = Series("LDES1", "STK03", "power_kw")
STATE = Series("LDES1", "STK03", "state_current")


@pytest.fixture(params=["memory", "memory that keeps a year", "duckdb", "influxdb"])
def new_store(request: pytest.FixtureRequest, tmp_path: Path) -> NewStore:
    names = count()
    if request.param == "influxdb":
        server: Influxd = request.getfixturevalue("influxd")
        return lambda: empty_influx(server)

    def open_one() -> Historian:
        if request.param == "duckdb":
            return DuckDBHistorian(tmp_path / f"{next(names)}.duckdb")
        return MemoryHistorian(keep_us=None if request.param == "memory" else 10**18)

    return open_one


def empty_influx(server: Influxd) -> InfluxHistorian:
    address = server.address(f"contract-{uuid4().hex}")
    door = InfluxDoor(address)
    set_up(door, keep_for_ever=True)  # the contract's points are centuries apart
    door.close()
    return InfluxHistorian(address)


@pytest.mark.parametrize("check", CHECKS)
def test_keeps_the_contract(check: Callable[[NewStore], None], new_store: NewStore) -> None:
    check(new_store)


def test_alarms_stand_from_their_coming_to_their_going(new_store: NewStore) -> None:
    line = load("tube_line")
    first, second = [t for t in tags(line) if t.signal.family is Family.ALARM][:2]
    one, two = Series(line.id, *first.key), Series(line.id, *second.key)
    itself = Series(line.id, "", "alarm.spool_drops")
    t0 = 1_700_000_000_000_000
    points = [
        *(Point(one, t0 + at, up) for at, up in ((0, 1), (5, 0), (20, 1), (25, 1), (30, 0))),
        *(Point(two, t0 + at, up) for at, up in ((2, 1), (8, 0), (12, 1))),
        Point(two, t0 + 15, 0, Quality.BAD),
        Point(itself, t0 + 40, 1),
        Point(itself, t0 + 45, 0),
    ]
    with closing(new_store()) as store:
        store.write(points)
        spells = alarm_spells(store, line, t0 + 10, t0 + 50)
        assert [(s.from_us - t0, s.to_us and s.to_us - t0, s.unit, s.alarm) for s in spells] == [
            (12, None, two.unit, two.signal.removeprefix("alarm.")),
            (20, 30, one.unit, one.signal.removeprefix("alarm.")),
            (40, 45, "", "spool_drops"),
        ]
        across = alarm_spells(store, line, t0 + 3, t0 + 10)
        assert [(s.from_us - t0, s.to_us and s.to_us - t0) for s in across] == [(0, 5), (2, 8)]
        assert alarm_spells(store, line, t0 - 10, t0) == []
        assert alarm_spells(store, line, t0 + 10, t0 + 50, one.unit) == [
            spell for spell in spells if spell.unit == one.unit
        ]


def test_a_shifts_kpis_are_the_same_from_every_store(new_store: NewStore) -> None:
    line = load("five_stations")
    station = line.stations[1]
    machine = station.machine_id(0)
    begin, end = shift_of(line, 1_767_600_000_000_000)
    minute = 60_000_000
    rates = {
        ("", "good_units"): 3,
        ("", "scrap_units"): 1,
        ("", "energy_kwh"): 6,
        (station.id, "execute_s"): 45,
        (station.id, "fault_s"): 15,
        (station.id, "station_energy_kwh"): 2,
        (machine, "processed"): 4,
        (machine, "defective"): 1,
    }
    minutes = range(-5, 125)  # the twin watched before the shift began; it began again at 60
    points = [
        Point(Series(line.id, unit, signal), begin + n * minute, rate * (n % 60 + 60 * (n < 0)))
        for (unit, signal), rate in rates.items()
        for n in minutes
    ]
    failures = Series(line.id, machine, "failures")
    points += [Point(failures, begin - 10**9, 7), Point(failures, begin + 30 * minute, 9)]
    points.append(Point(failures, end + minute, 50))
    with closing(new_store()) as store:
        store.write(points)
        found = shift_kpi(store, line, begin + minute)
        assert found is not None
        assert (found.from_us, found.to_us) == (begin, end)
        assert (found.watched_from_us, found.watched_to_us) == (begin, begin + 125 * minute)
        # Each time it began again at 0: 59, 59 and 4 minutes are counted.
        assert (found.good, found.scrap, found.energy_kwh) == (3 * 122, 122, 6 * 122)
        assert found.energy_kwh_per_unit == 2
        (only,) = found.stations
        assert (only.station, only.energy_kwh) == (station.id, 244)
        assert (only.kpi.good, only.kpi.scrap, only.kpi.failures) == (3 * 122, 122, 2)
        assert (only.mtbf_s, only.mttr_s) == (45 * 61, 15 * 61)
        assert only.kpi.availability == pytest.approx(45 * 122 / (60 * 125))
        assert only.kpi.quality_ratio == 0.75
        ratios = only.kpi.availability * only.kpi.effectiveness * only.kpi.quality_ratio
        assert only.kpi.oee_index == pytest.approx(ratios)
        assert shift_kpi(store, line, end + minute) is None


def instants(store: Historian, signal: str) -> list[int]:
    return store.read(Query(signal=signal)).at_us.tolist()


def test_ring_drops_what_is_older_than_it_keeps() -> None:
    ring = MemoryHistorian(keep_us=10)
    assert ring.write([Point(POWER, n, n) for n in range(0, 30, 5)]) == WriteReport(6, 0)
    assert instants(ring, "power_kw") == [15, 20, 25]  # exactly as old as it keeps: kept
    ring.write([Point(POWER, 26, 0)])
    assert instants(ring, "power_kw") == [20, 25, 26]


def test_ring_takes_a_late_point_and_refuses_one_too_late() -> None:
    ring = MemoryHistorian(keep_us=10)
    ring.write([Point(POWER, 100, 1)])
    assert ring.write([Point(POWER, 90, 2)]) == WriteReport(1, 0)
    report = ring.write([Point(POWER, 89, 3), Point(POWER, 95, 4)])
    assert report.written == 1
    assert "11 us before the series' newest" in report.refused[0].reason
    assert instants(ring, "power_kw") == [90, 95, 100]


def test_ring_counts_age_for_each_series_by_itself() -> None:
    ring = MemoryHistorian(keep_us=10)
    ring.write([Point(STATE, 0, 6), Point(POWER, 0, 1.0), Point(POWER, 1_000_000, 2.0)])
    assert instants(ring, "state_current") == [0]
    assert ring.last(Query(signal="state_current")).value.tolist() == [6.0]


@pytest.mark.parametrize("keep_us", [0, -1])
def test_ring_must_keep_something(keep_us: int) -> None:
    with pytest.raises(LinetwinError, match=f"keep_us: must be greater than 0, got {keep_us}"):
        MemoryHistorian(keep_us)
