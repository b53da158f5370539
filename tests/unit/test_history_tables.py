"""What a store answers, as Arrow tables and as the files that are written of them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from lines.loader import load
from twin.errors import LinetwinError
from twin.historian.alarms import alarm_spells
from twin.historian.memory import MemoryHistorian
from twin.historian.port import Historian, Point, Quality, Query, Series
from twin.historian.rows import ALARM, KPI, POINT, SAMPLE
from twin.historian.shift_kpis import shift_kpi
from twin.historian.tables import (
    alarm_table,
    arrow_table,
    kpi_table,
    sample_table,
    write_table,
)

LINE = load("five_stations")
MINUTE_US = 60_000_000
T0_US = 1_767_600_000_000_000
T0 = datetime.fromtimestamp(T0_US / 1e6, UTC)


@pytest.fixture
def store() -> Historian:
    store = MemoryHistorian()
    station = LINE.stations[1].id
    rates = {("", "good_units"): 3, ("", "scrap_units"): 1, ("", "energy_kwh"): 6}
    rates |= {(station, "execute_s"): 45}
    store.write(
        [
            Point(Series(LINE.id, *key), T0_US + n * MINUTE_US, float(rate * n))
            for key, rate in rates.items()
            for n in range(31)
        ]
    )
    drops = Series(LINE.id, "", "alarm.spool_drops")
    store.write(
        [
            Point(drops, T0_US + minute * MINUTE_US, stands, Quality.UNCERTAIN)
            for minute, stands in ((2, 1.0), (4, 0.0), (9, 1.0))
        ]
    )
    return store


def tables(store: Historian) -> dict[tuple[str, ...], pa.Table]:
    shift = shift_kpi(store, LINE, T0_US + MINUTE_US)
    assert shift is not None
    spells = alarm_spells(store, LINE, T0_US, T0_US + 30 * MINUTE_US)
    return {
        POINT: arrow_table(store.read(Query())),
        SAMPLE: sample_table(store.sampled(Query(signal="good_units"), 10 * MINUTE_US)),
        KPI: kpi_table(shift),
        ALARM: alarm_table(LINE.id, spells),
    }


def test_columns_are_those_of_the_rows(store) -> None:
    found = tables(store)
    assert all(tuple(table.column_names) == columns for columns, table in found.items())
    for table in found.values():
        assert {str(f.type) for f in table.schema if f.name in {"at", "from", "to"}} == {
            "timestamp[us, tz=UTC]"
        }


def test_what_they_say(store) -> None:
    found = tables(store)
    points = found[POINT].to_pylist()
    assert len(points) == 4 * 31 + 3
    assert [row["quality"] for row in points if row["signal"] == "alarm.spool_drops"] == [
        "uncertain"
    ] * 3
    assert [(row["points"], row["low"], row["last"]) for row in found[SAMPLE].to_pylist()] == [
        (10, 0, 27),
        (10, 30, 57),
        (10, 60, 87),
        (1, 90, 90),
    ]
    line, station = found[KPI].to_pylist()
    assert (line["good"], line["scrap"], line["mtbf_s"]) == (90, 30, None)
    assert station["station"] == LINE.stations[1].id
    assert (line["from"], (line["to"] - line["from"]).total_seconds()) == (T0, 31 * 60)
    assert [(row["alarm"], row["to"] and row["to"].minute) for row in found[ALARM].to_pylist()] == [
        ("spool_drops", 4),
        ("spool_drops", None),
    ]


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_files_hold_the_same(store, tmp_path: Path, suffix: str) -> None:
    for number, table in enumerate(tables(store).values()):
        path = tmp_path / f"{number}{suffix}"
        assert write_table(table, path) == table.num_rows > 0
        read = pyarrow.parquet.read_table if suffix == ".parquet" else pyarrow.csv.read_csv
        again = read(path)
        assert again.num_rows == table.num_rows
        if suffix == ".parquet":
            assert again.to_pylist() == table.to_pylist()
        else:
            assert again.column_names == table.column_names
    assert not list(tmp_path.glob(".*"))


def test_of_nothing_there_are_columns_without_rows() -> None:
    empty = MemoryHistorian()
    assert arrow_table(empty.read(Query())).num_rows == 0
    assert sample_table(empty.sampled(Query(), 1)).num_rows == 0
    assert tuple(alarm_table("L", []).column_names) == ALARM


def test_a_file_that_cannot_be_written_is_said_and_leaves_nothing(store, tmp_path: Path) -> None:
    table = arrow_table(store.read(Query()))
    with pytest.raises(LinetwinError, match=r"must end in \.csv or \.parquet, got '\.xlsx'"):
        write_table(table, tmp_path / "points.xlsx")
    with pytest.raises(LinetwinError, match="can't be written"):
        write_table(table, tmp_path / "none" / "points.csv")
    assert not list(tmp_path.iterdir())
