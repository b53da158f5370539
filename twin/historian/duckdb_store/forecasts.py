"""Forecasts in one DuckDB file: kept when they are made, settled when their time has come."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import duckdb

from twin.errors import LinetwinError
from twin.historian.duckdb_store.explained import explained
from twin.whatif.forecast_scores import Kept

__all__ = ["ForecastStore"]

_SCHEMA: Final = """
    CREATE TABLE IF NOT EXISTS forecast (
        id BIGINT NOT NULL,
        line VARCHAR NOT NULL,
        digest VARCHAR NOT NULL,
        made_at_us BIGINT NOT NULL,
        state_us BIGINT NOT NULL,
        age_us BIGINT NOT NULL,
        unknown VARCHAR[] NOT NULL,
        horizon VARCHAR NOT NULL,
        horizon_us BIGINT NOT NULL,
        made_before DOUBLE NOT NULL,
        target DOUBLE,
        probability DOUBLE,
        probability_low DOUBLE,
        probability_high DOUBLE,
        rate_times_time DOUBLE,
        "values" DOUBLE[] NOT NULL,
        outcome DOUBLE
    )
"""
_SINCE: Final = "ALTER TABLE forecast ADD COLUMN IF NOT EXISTS plant_us BIGINT"
"""What tables of before don't have."""
_COLUMNS: Final = tuple(field.name for field in fields(Kept))


class ForecastStore:
    """Forecasts and what came of them.

    A call opens the file and lets it go again, so that several processes take turns.

    Args:
        path: the file; it is created where it isn't there, its directory is not.

    >>> import tempfile
    >>> row = Kept(line="L", digest="d", made_at_us=0, state_us=0, age_us=0, unknown=(),
    ...            horizon="shift", horizon_us=10, made_before=0.0, target=None, probability=None,
    ...            probability_low=None, probability_high=None, rate_times_time=None,
    ...            values=(1.0, 3.0))
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     store = ForecastStore(Path(directory) / "forecasts.duckdb")
    ...     store.add([row])
    ...     store.settle("L", "d", horizon_us=10, made=2.0)
    ...     [found.outcome for found in store.rows("L")]
    1
    [2.0]
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    @contextmanager
    def _opened(self) -> Iterator[duckdb.DuckDBPyConnection]:
        try:
            with duckdb.connect(str(self.path)) as connection:
                connection.execute(_SCHEMA)
                connection.execute(_SINCE)
                yield connection
        except (duckdb.Error, OSError) as error:
            raise explained(error, self.path) from error

    def add(self, rows: Sequence[Kept]) -> None:
        """Keep forecasts.

        Raises:
            LinetwinError: the file can't be written.
            NotConnected: another process holds it.
        """
        with self._opened() as connection:
            (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM forecast").fetchone()  # type: ignore[misc]
            connection.executemany(
                f"INSERT INTO forecast VALUES ({', '.join('?' * (len(_COLUMNS) + 1))})",  # noqa: S608
                [
                    [last + k, *(_plain(getattr(row, name)) for name in _COLUMNS)]
                    for k, row in enumerate(rows, start=1)
                ],
            )

    def rows(self, line: str | None = None) -> list[Kept]:
        """Forecasts in the order in which they were made.

        Args:
            line: of this line only.

        Raises:
            LinetwinError: there is no such file, or it can't be read.
            NotConnected: another process holds it.
        """
        if not self.path.exists():
            raise LinetwinError(f"{self.path}: no forecast was kept there yet")
        columns = ", ".join(f'"{name}"' for name in _COLUMNS)
        with self._opened() as connection:
            found = connection.execute(
                f"SELECT {columns} FROM forecast WHERE $line IS NULL OR line = $line ORDER BY id",  # noqa: S608
                {"line": line},
            ).fetchall()
        return [_kept(row) for row in found]

    def settle(
        self, line: str, digest: str, *, horizon_us: int, made: float, made_since_us: int = 0
    ) -> int:
        """Say what had come by an instant.

        Args:
            line, digest: which line.
            horizon_us: engine time.
            made: good units that the run had made by then.
            made_since_us: only forecasts that were made since then, microseconds since 1970-01-01
                UTC: a twin that watches counts from 0 each time it begins.

        Returns:
            How many forecasts of that instant were waiting for it.

        Raises:
            LinetwinError: the file can't be written.
            NotConnected: another process holds it.
        """
        which = "line = ? AND digest = ? AND horizon_us = ? AND made_at_us >= ? AND outcome IS NULL"
        values = [line, digest, horizon_us, made_since_us]
        with self._opened() as connection:
            (count,) = connection.execute(
                f"SELECT count(*) FROM forecast WHERE {which}",  # noqa: S608
                values,
            ).fetchone()  # type: ignore[misc]
            connection.execute(
                f"UPDATE forecast SET outcome = ? - made_before WHERE {which}",  # noqa: S608
                [made, *values],
            )
        return int(count)

    def settle_one(self, row: Kept, outcome: float) -> None:
        """Say what came of one forecast, if nobody has said it.

        Args:
            row: the forecast.
            outcome: good units from its state to its end.

        Raises:
            LinetwinError: the file can't be written.
            NotConnected: another process holds it.
        """
        with self._opened() as connection:
            connection.execute(
                "UPDATE forecast SET outcome = ? WHERE line = ? AND digest = ? AND made_at_us = ? "
                "AND state_us = ? AND horizon_us = ? AND outcome IS NULL",
                [outcome, row.line, row.digest, row.made_at_us, row.state_us, row.horizon_us],
            )


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _kept(row: tuple[Any, ...]) -> Kept:
    values: list[Any] = [tuple(value) if isinstance(value, list) else value for value in row]
    return Kept(*values)
