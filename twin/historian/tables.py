"""History as an Arrow table, for pandas, Polars and whatever else reads one.

`table.to_pandas()` is a DataFrame where pandas is installed. The extra `arrow` brings pyarrow; this
is its only home.
"""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from twin.errors import LinetwinError
from twin.historian.port import History, Quality

__all__ = ["arrow_table", "write_table"]

FORMS = (".csv", ".parquet")


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

    def named(names: list[str], index: pa.Array) -> pa.DictionaryArray:
        return pa.DictionaryArray.from_arrays(index, pa.array(names, pa.string()))

    of = pa.array(history.series_index.astype("int32"))
    return pa.table(
        {
            "at": pa.array(history.at_us).cast(pa.timestamp("us", "UTC")),
            "line": named([series.line for series in history.series], of),
            "unit": named([series.unit for series in history.series], of),
            "signal": named([series.signal for series in history.series], of),
            "value": pa.array(history.value),
            "quality": named(
                [quality.name.lower() for quality in Quality],
                pa.array(history.quality.astype("int32")),
            ),
        }
    )


def write_table(history: History, path: str | os.PathLike[str]) -> int:
    """Write points to a file, whole or not at all; return how many.

    Args:
        history: the points.
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
    table = arrow_table(history)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        if target.suffix.lower() == ".csv":
            texts = table.set_column(0, "at", table["at"].cast(pa.string()))
            pyarrow.csv.write_csv(texts, part)
        else:
            pyarrow.parquet.write_table(table, part)
        part.replace(target)
    except OSError as error:
        raise LinetwinError(f"{target}: can't be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)
    return len(history)
