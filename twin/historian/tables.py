"""What a store of history answers as an Arrow table, for pandas, Polars and whatever reads one.

`table.to_pandas()` is a DataFrame where pandas is installed. The extra `arrow` brings pyarrow; this
is its only home. The columns are those of `twin.historian.rows`, instants as timestamps in UTC.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from twin.errors import LinetwinError
from twin.historian.alarms import AlarmSpell
from twin.historian.port import History, Quality, Samples
from twin.historian.rows import ALARM, INSTANTS, KPI, Row, alarm_rows, kpi_rows
from twin.historian.shift_kpis import ShiftKpi

__all__ = ["alarm_table", "arrow_table", "kpi_table", "sample_table", "write_table"]

FORMS = (".csv", ".parquet")
INSTANT: Final = pa.timestamp("us", "UTC")
NAMES: Final = frozenset({"line", "station", "unit", "alarm"})


def arrow_table(history: History) -> pa.Table:
    """Return points as columns: `at` (UTC), `line`, `unit`, `signal`, `value`, `quality`.

    Names are dictionaries, so they cost one small number a row.

    >>> from twin.historian.memory import MemoryHistorian
    >>> from twin.historian.port import Point, Query, Series
    >>> store = MemoryHistorian()
    >>> _ = store.write([Point(Series("LDES1", "STK03", "power_kw"), 0, 1.5, Quality.BAD)])
    >>> arrow_table(store.read(Query())).to_pylist()[0]["quality"]
    'bad'
    """
    qualities = pa.array([quality.name.lower() for quality in Quality], pa.string())
    quality = pa.DictionaryArray.from_arrays(pa.array(history.quality.astype("int32")), qualities)
    return pa.table({**_whose(history), "value": pa.array(history.value), "quality": quality})


def sample_table(samples: Samples) -> pa.Table:
    """Return intervals as columns: `at`, names, `points`, `mean`, `low`, `high` and `last`.

    >>> from twin.historian.memory import MemoryHistorian
    >>> from twin.historian.port import Point, Query, Series
    >>> store, series = MemoryHistorian(), Series("LDES1", "STK03", "power_kw")
    >>> _ = store.write([Point(series, at_us, at_us / 10) for at_us in (10, 20, 70)])
    >>> sample_table(store.sampled(Query(), 60)).select(["points", "mean"]).to_pylist()
    [{'points': 2, 'mean': 1.5}, {'points': 1, 'mean': 7.0}]
    """
    return pa.table(
        {
            **_whose(samples),
            "points": pa.array(samples.count),
            "mean": pa.array(samples.mean),
            "low": pa.array(samples.low),
            "high": pa.array(samples.high),
            "last": pa.array(samples.last),
        }
    )


def kpi_table(found: ShiftKpi) -> pa.Table:
    """Return a shift's indicators, a row for the line and one a station; see `shift_kpi`."""
    return _table(KPI, kpi_rows(found))


def alarm_table(line: str, found: Iterable[AlarmSpell]) -> pa.Table:
    """Return when a line's alarms stood; see `alarm_spells`.

    >>> alarm_table("TUBE1", [AlarmSpell(0, None, "FNS03", "E101")])["to"].to_pylist()
    [None]
    """
    return _table(ALARM, alarm_rows(line, found))


def _table(columns: Sequence[str], rows: Sequence[Row]) -> pa.Table:
    schema = [
        (name, INSTANT if name in INSTANTS else pa.string() if name in NAMES else pa.float64())
        for name in columns
    ]
    return pa.table(
        [pa.array([row[at] for row in rows], kind) for at, (_, kind) in enumerate(schema)],
        schema=pa.schema(schema),
    )


def _whose(found: History | Samples) -> dict[str, pa.Array]:
    index = pa.array(found.series_index.astype("int32"))

    def named(names: list[str]) -> pa.DictionaryArray:
        return pa.DictionaryArray.from_arrays(index, pa.array(names, pa.string()))

    return {
        "at": pa.array(found.at_us).cast(INSTANT),
        "line": named([series.line for series in found.series]),
        "unit": named([series.unit for series in found.series]),
        "signal": named([series.signal for series in found.series]),
    }


def write_table(table: pa.Table, path: str | os.PathLike[str]) -> int:
    """Write a table to a file, whole or not at all; return its number of rows.

    Args:
        table: one of this module's.
        path: its suffix, `.csv` or `.parquet`, says how.

    Raises:
        LinetwinError: the suffix is unknown, or the file can't be written.
    """
    target = Path(path)
    if target.suffix.lower() not in FORMS:
        raise LinetwinError(
            f"{target}: must end in {' or '.join(FORMS)}, got {target.suffix!r}; "
            "choose another name"
        )
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        if target.suffix.lower() == ".csv":
            for name in INSTANTS & set(table.column_names):
                at = table.column_names.index(name)
                table = table.set_column(at, name, table[name].cast(pa.string()))
            pyarrow.csv.write_csv(table, part)
        else:
            pyarrow.parquet.write_table(table, part)
        part.replace(target)
    except OSError as error:
        raise LinetwinError(f"{target}: can't be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)
    return int(table.num_rows)
