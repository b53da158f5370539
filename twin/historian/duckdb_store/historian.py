"""The historian in one DuckDB file; what was measured is in ADR 3."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from dataclasses import replace
from operator import itemgetter
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import numpy as np
from numpy.typing import NDArray

from twin.errors import LinetwinError
from twin.historian.duckdb_store.explained import explained
from twin.historian.duckdb_store.file import HistoryFile
from twin.historian.duckdb_store.statements import (
    ADD_POINTS,
    ALL,
    EARLIEST,
    EXPORT,
    FORMS,
    NEWEST,
    SAMPLED,
    SERIES,
    Parameters,
    parameters_of,
)
from twin.historian.port import (
    History,
    Point,
    Query,
    Refused,
    Samples,
    Series,
    WriteReport,
    refusal,
)
from twin.historian.sampling import check_interval

__all__ = ["DuckDBHistorian"]


class DuckDBHistorian:
    """A historian in one DuckDB file, that other processes can read while this one writes.

    Two files belong together while a write is under way and after a crash: `path` and
    `path` with `.wal` appended. Move or copy both, or none.

    Args:
        path: the file; it is created where it isn't there, its directory is not.
        read_only: never write, and refuse a file that isn't there.
        wait_s: how long a call waits for whoever else holds the file, in seconds, 0 or more.

    Raises:
        NotConnected: another process held the file for longer than `wait_s`.
        LinetwinError: the directory isn't there or can't be written to, the file isn't linetwin's
            or is of another version, or the disk is full.

    >>> import tempfile
    >>> power = Series("LDES1", "STK03", "power_kw")
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     store = DuckDBHistorian(Path(directory) / "history.duckdb")
    ...     store.write([Point(power, 0, 1.5), Point(power, 1_000_000, 2.5), Point(power, 0, 9.9)])
    ...     store.read(Query(signal="power_kw")).value.tolist()
    ...     store.last(Query()).at_us.tolist()
    ...     store.close()
    WriteReport(written=2, known=1, refused=())
    [1.5, 2.5]
    [1000000]
    """

    overwrites = False

    def __init__(
        self, path: str | os.PathLike[str], *, read_only: bool = False, wait_s: float = 5.0
    ) -> None:
        self._file = HistoryFile(path, read_only=read_only, wait_s=wait_s)

    def write(self, batch: Sequence[Point]) -> WriteReport:
        """Store a batch; on return it is on the disk. See `Historian.write`."""
        self._file.check_open()
        if self._file.read_only:
            raise LinetwinError(
                f"{self._file.path}: was opened for reading only; open it for writing"
            )
        refused = []
        accepted: dict[tuple[Series, int], Point] = {}
        for point in batch:
            if reason := refusal(point):
                refused.append(Refused(point, reason))
            else:
                accepted.setdefault((point.series, int(point.at_us)), point)
        written = self._add(list(accepted.values())) if accepted else 0
        return WriteReport(written, len(batch) - len(refused) - written, tuple(refused))

    def read(self, query: Query) -> History:
        """Return the points that a query asks for; see `Historian.read`."""
        return self._fetch(ALL if query.limit is None else EARLIEST, parameters_of(query))

    def last(self, query: Query) -> History:
        """Return the newest point of each series that a query asks for; see `Historian.last`."""
        return self._fetch(NEWEST, parameters_of(replace(query, limit=None)))

    def sampled(self, query: Query, every_us: int) -> Samples:
        """Return points brought down to a row an interval; see `Historian.sampled`."""
        check_interval(every_us)
        asked = parameters_of(replace(query, limit=None))
        columns, series, index = self._columns(SAMPLED, asked | {"every": every_us}, asked)
        return Samples(
            every_us,
            series,
            index,
            np.asarray(columns["start_us"], np.int64),
            np.asarray(columns["points"], np.int64),
            *(np.asarray(columns[name], np.float64) for name in ("mean", "low", "high", "last")),
        )

    def export(self, query: Query, path: str | os.PathLike[str]) -> int:
        """Write what a query asks for to a file, for other programs to read.

        The columns are `at` (ISO-8601 in UTC with microseconds; in Parquet a timestamp with time
        zone), `line`, `unit`, `signal`, `value` and `quality` (good, uncertain or bad), ordered as
        `read` orders them. The file appears whole or not at all, in place of an older one.

        Args:
            query: which points, and at most how many.
            path: the file to write; its suffix, `.csv` or `.parquet`, says how.

        Returns:
            The number of points written.

        Raises:
            NotConnected: another process held the history for longer than `wait_s`.
            LinetwinError: the suffix is unknown, or the file can't be written.

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     store = DuckDBHistorian(Path(directory) / "history.duckdb")
        ...     _ = store.write([Point(Series("LDES1", "STK03", "power_kw"), 1, 1.5)])
        ...     store.export(Query(), Path(directory) / "power.csv")
        ...     print((Path(directory) / "power.csv").read_text().strip())
        ...     store.close()
        1
        at,line,unit,signal,value,quality
        1970-01-01T00:00:00.000001Z,LDES1,STK03,power_kw,1.5,good
        """
        target = Path(path).resolve()
        if target.suffix.lower() not in FORMS or target == self._file.path:
            raise LinetwinError(
                f"{target}: must be a file of its own that ends in {' or '.join(FORMS)}, "
                f"got {target.suffix!r}; choose another name"
            )
        if not target.parent.is_dir():
            raise LinetwinError(f"{target.parent}: must be a directory; create it first")
        at, form = FORMS[target.suffix.lower()]
        rows = ALL if query.limit is None else EARLIEST
        statement = EXPORT.format(at=at, rows=rows, form=form)
        part = target.with_name(f".{target.name}.{uuid4().hex}.part")
        try:
            with self._file.attached(read_only=True) as engine:
                try:
                    engine.execute(statement, parameters_of(query) | {"path": str(part)})
                    (count,) = engine.fetchall()[0]
                except duckdb.Error as error:
                    raise explained(error, target) from error
            with part.open("rb") as file:
                os.fsync(file.fileno())
            part.replace(target)
        except OSError as error:
            raise explained(error, target) from error
        finally:
            part.unlink(missing_ok=True)
        return int(count)

    def close(self) -> None:
        """Release the file; calling it twice is harmless."""
        self._file.close()

    def _add(self, points: Sequence[Point]) -> int:
        """Add points of distinct identities in one transaction; return how many were new."""
        at_us = np.array([p.at_us for p in points], np.int64)
        with self._file.attached(read_only=False) as engine:
            engine.execute("BEGIN")
            ids = _series_ids(engine, {p.series for p in points})
            batch = {
                "series_id": np.array([ids[p.series] for p in points], np.int32),
                "at_us": at_us,
                "value": np.array([p.value for p in points], np.float64),
                "quality": np.array([p.quality for p in points], np.uint8),
            }
            engine.register("batch", batch)
            limits = {"first": int(at_us.min()), "last": int(at_us.max())}
            (written,) = engine.execute(ADD_POINTS, limits).fetchall()[0]
            engine.execute("COMMIT")
            engine.unregister("batch")
        return int(written)

    def _columns(
        self, statement: str, parameters: Parameters, asked: Parameters
    ) -> tuple[dict[str, Any], tuple[Series, ...], NDArray[np.int64]]:
        """Return a statement's columns, sorted by rank; its series; which each row belongs to."""
        names = {key: asked[key] for key in ("line", "units", "signals")}
        with self._file.attached(read_only=True) as engine:
            columns = engine.execute(statement, parameters).fetchnumpy()
            ranked = engine.execute(SERIES, names).fetchall()
        series = [Series(*row[1:4]) for row in sorted(ranked, key=itemgetter(4))]
        rank = np.asarray(columns["rank"], np.int64)
        begins = np.flatnonzero(np.diff(rank, prepend=-1))  # ranks come sorted
        lengths = np.diff(begins, append=len(rank))
        found = tuple(series[i] for i in rank[begins])
        return columns, found, np.repeat(np.arange(len(begins)), lengths)

    def _fetch(self, rows: str, parameters: Parameters) -> History:
        """Return the points that a statement gives, as columns."""
        points = f"SELECT rank, at_us, value, quality FROM ({rows}) ORDER BY rank, at_us"  # noqa: S608
        columns, series, index = self._columns(points, parameters, parameters)
        return History(
            series=series,
            series_index=index,
            at_us=np.asarray(columns["at_us"], np.int64),
            value=np.asarray(columns["value"], np.float64),
            quality=np.asarray(columns["quality"], np.uint8),
        )


def _series_ids(engine: duckdb.DuckDBPyConnection, wanted: set[Series]) -> dict[Series, int]:
    """Return the numbers by which series are stored, and number those that are new."""
    stored = engine.execute("SELECT line, unit, signal, id FROM store.series").fetchall()
    ids = {Series(*names): number for *names, number in stored}
    if new := sorted(wanted - ids.keys()):
        ids.update(zip(new, itertools.count(max(ids.values(), default=-1) + 1)))
        added = {
            "id": np.array([ids[series] for series in new], np.int32),
            "line": np.array([series.line for series in new], object),
            "unit": np.array([series.unit for series in new], object),
            "signal": np.array([series.signal for series in new], object),
        }
        engine.register("added", added)
        engine.execute("INSERT INTO store.series SELECT * FROM added")
        engine.unregister("added")
    return ids
