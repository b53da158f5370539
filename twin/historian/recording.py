"""Recordings of a plant in files that others can make: CSV or Parquet, a point a row.

Columns, as `twin history --out` writes them: `at` (ISO-8601 in UTC, or a timestamp), `line`,
`unit`, `signal`, `value`, and `quality` (good, uncertain, bad), which may be missing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from twin.errors import UsageError
from twin.historian.port import History, Series, Track, joined

__all__ = ["FORMS", "read_column", "read_recording"]

FORMS = {".csv": "read_csv($path, all_varchar = true)", ".parquet": "read_parquet($path)"}
"""How each kind of file is read."""
_NEEDED = ("at", "line", "unit", "signal", "value")


def read_recording(path: Path, line: str) -> History:
    """Read what a file has recorded of a line.

    Args:
        path: a file that ends in .csv or .parquet.
        line: the line's id.

    Raises:
        UsageError: it can't be read, lacks a column, or has nothing of the line.
    """
    table = _table(path)
    names = _columns(path, table)
    lacking = [name for name in _NEEDED if name not in names]
    if lacking:
        raise UsageError(
            f"{path}: must have the columns {', '.join(_NEEDED)}, lacks {', '.join(lacking)}, "
            f"has {', '.join(names)}"
        )
    quality = "coalesce(quality, 'good')" if "quality" in names else "'good'"
    statement = f"""
        SELECT unit, signal, epoch_us("at"::TIMESTAMP) AS at_us, value::DOUBLE AS value,
            list_position(['good', 'uncertain', 'bad'], {quality}) - 1 AS quality
        FROM {table} WHERE line = $line AND value IS NOT NULL ORDER BY unit, signal, at_us
    """  # noqa: S608 -- of our own words
    found = _fetched(path, statement, {"path": str(path), "line": line})
    if not len(found["at_us"]):
        lines = _fetched(path, f"SELECT DISTINCT line FROM {table} ORDER BY 1", {"path": str(path)})  # noqa: S608
        raise UsageError(
            f"{path}: must have points of the line {line}, has "
            f"{', '.join(map(str, lines['line'])) or 'no points at all'}"
        )
    if np.ma.is_masked(found["quality"]):
        raise UsageError(f"{path}: quality must be good, uncertain or bad")
    return joined(_tracks(found, line))


def read_column(path: Path, column: str) -> tuple[float, ...]:
    """Read one column of numbers.

    Args:
        path: a file that ends in .csv or .parquet.
        column: its name.

    Raises:
        UsageError: the file can't be read, has no such column, no rows, or no numbers in it.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "speed.csv"
    ...     _ = path.write_text("speed\\n1\\n2.5\\n")
    ...     read_column(path, "speed")
    (1.0, 2.5)
    """
    table = _table(path)
    names = _columns(path, table)
    if column not in names:
        raise UsageError(f"{path}: column must be one of {', '.join(names)}, got {column!r}")
    quoted = '"' + column.replace('"', '""') + '"'
    statement = f"SELECT {quoted}::DOUBLE AS value FROM {table}"  # noqa: S608
    values = _fetched(path, statement, {"path": str(path)})["value"]
    if not len(values):
        raise UsageError(f"{path}: must have rows, has only a head")
    if np.ma.is_masked(values):
        raise UsageError(f"{path}: {column} must have a number in each row, one is empty")
    return tuple(float(value) for value in values)


def _table(path: Path) -> str:
    form = FORMS.get(path.suffix.lower())
    if form is None:
        raise UsageError(f"{path}: must end in {' or '.join(FORMS)}, got {path.suffix!r}")
    if not path.is_file():
        raise UsageError(f"{path}: must be a file, there is none")
    return form


def _columns(path: Path, table: str) -> list[str]:
    found = _fetched(path, f"DESCRIBE SELECT * FROM {table}", {"path": str(path)})  # noqa: S608
    return [str(name) for name in found["column_name"]]


def _fetched(path: Path, statement: str, told: dict[str, str]) -> dict[str, Any]:
    try:
        with duckdb.connect() as engine:
            engine.execute("SET TimeZone = 'UTC'")
            fetched: dict[str, Any] = engine.execute(statement, told).fetchnumpy()
    except duckdb.Error as error:
        said = str(error).strip().splitlines()[0]
        raise UsageError(f"{path}: must be a readable CSV or Parquet file, {said}") from None
    return fetched


def _tracks(found: dict[str, Any], line: str) -> list[Track]:
    units, signals = found["unit"], found["signal"]
    starts = [0] + [
        i for i in range(1, len(units)) if (units[i], signals[i]) != (units[i - 1], signals[i - 1])
    ]
    at_us = np.asarray(found["at_us"], np.int64)
    value = np.asarray(found["value"], np.float64)
    quality = np.asarray(found["quality"], np.uint8)
    return [
        (
            Series(line, str(units[first]), str(signals[first])),
            at_us[first:last],
            value[first:last],
            quality[first:last],
        )
        for first, last in zip(starts, [*starts[1:], len(units)], strict=True)
    ]
