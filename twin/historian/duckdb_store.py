"""The embedded historian: one DuckDB file.

DuckDB locks a file for one process. So the file is attached for the length of one call and let go
again: a batch of 1,000 points holds it for about 15 ms, and in between any other process may read
it. Whoever finds it taken waits for its turn. What was measured, and what else was tried, is in
`docs/adr/0003-embedded-history-in-duckdb.md`.

The lock is POSIX's, which a process loses for a file as soon as it closes *any* handle of it. So
nothing here may open the file but DuckDB, and the stores of one process take turns by themselves.
"""

from __future__ import annotations

import errno
import itertools
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from operator import itemgetter
from pathlib import Path
from threading import Lock
from typing import Final
from uuid import uuid4

import duckdb
import numpy as np

from twin.errors import LinetwinError, NotConnected
from twin.historian.port import (
    AT_US_MAX,
    AT_US_MIN,
    History,
    Point,
    Query,
    Refused,
    Series,
    WriteReport,
    refusal,
)

__all__ = ["SCHEMA_VERSION", "DuckDBHistorian"]

SCHEMA_VERSION: Final = 1
"""The version of the tables below; a file of another version is refused."""

# Identity (series, at_us) is kept by the anti-join in _ADD_POINTS: an index would cost five times
# the disk space and more than ten times the time of a commit.
_SCHEMA: Final = """
    CREATE TABLE linetwin_schema (version INTEGER NOT NULL);
    CREATE TABLE series (
        id INTEGER NOT NULL,
        line VARCHAR NOT NULL,
        unit VARCHAR NOT NULL,
        signal VARCHAR NOT NULL
    );
    CREATE TABLE point (
        series_id INTEGER NOT NULL,
        at_us BIGINT NOT NULL,
        value DOUBLE NOT NULL,
        quality UTINYINT NOT NULL
    );
"""

# Any DuckDB that the project allows can read a file of this format, whichever wrote it.
_FILE_FORMAT: Final = "v1.4.0"

_ADD_POINTS: Final = """
    INSERT INTO store.point
    SELECT series_id, at_us, value, quality
    FROM batch ANTI JOIN (
        SELECT series_id, at_us FROM store.point WHERE at_us BETWEEN $first AND $last
    ) USING (series_id, at_us)
"""

# Reading statements are put together from these constants; values go in as parameters.
_SERIES: Final = """
    SELECT id, line, unit, signal, row_number() OVER (ORDER BY line, unit, signal) - 1 AS rank
    FROM store.series
    WHERE ($line::VARCHAR IS NULL OR line = $line)
        AND ($unit::VARCHAR IS NULL OR unit = $unit)
        AND ($signal::VARCHAR IS NULL OR signal = $signal)
"""

_ALL: Final = f"""
    SELECT named.*, at_us, value, quality
    FROM store.point JOIN ({_SERIES}) named ON series_id = id
    WHERE at_us BETWEEN $first AND $last
"""  # noqa: S608

_EARLIEST: Final = f"SELECT * FROM ({_ALL}) ORDER BY at_us, rank LIMIT $limit"  # noqa: S608

# Finding the newest instants first and their values after is four times as fast as arg_max.
_NEWEST: Final = f"""
    SELECT * FROM ({_ALL}) JOIN (
        SELECT id, max(at_us) AS at_us FROM ({_ALL}) GROUP BY id
    ) newest USING (id, at_us)
"""  # noqa: S608

_EXPORT: Final = """
    COPY (
        SELECT {at} AS "at", line, unit, signal, value,
            ['good', 'uncertain', 'bad'][quality + 1] AS quality
        FROM ({rows}) ORDER BY rank, at_us
    ) TO $path ({form})
"""

_FORMS: Final = {
    ".csv": ("strftime(make_timestamp(at_us), '%Y-%m-%dT%H:%M:%S.%fZ')", "FORMAT csv, HEADER"),
    ".parquet": ("make_timestamptz(at_us)", "FORMAT parquet"),
}

_RETRY_AFTER_S: Final = 0.01

# One lock a file for all stores of this process; see the module's docstring.
_TURNS: Final[dict[Path, Lock]] = {}


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
        # Two names of one file must share one turn, so links are followed.
        self._path = Path(path).resolve()
        self._read_only = read_only
        self._wait_s = wait_s
        self._turn = _TURNS.setdefault(self._path, Lock())
        self._engine: duckdb.DuckDBPyConnection | None = None
        self._closed = False
        try:
            if not read_only:
                self._create()
            elif not self._path.exists():
                raise LinetwinError(
                    f"{self._path}: must be a history that a twin has written, but there is no "
                    "such file; check the path, or run the twin first"
                )
            with self._attached(read_only=True):
                pass  # says now what is wrong with the file, not at the first batch
        except OSError as error:
            raise _explained(error, self._path) from error

    def write(self, batch: Sequence[Point]) -> WriteReport:
        """Store a batch; on return it is on the disk. See `Historian.write`."""
        self._check_open()
        if self._read_only:
            raise LinetwinError(f"{self._path}: was opened for reading only; open it for writing")
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
        return self._fetch(_ALL if query.limit is None else _EARLIEST, _parameters(query))

    def last(self, query: Query) -> History:
        """Return the newest point of each series that a query asks for; see `Historian.last`."""
        return self._fetch(_NEWEST, _parameters(replace(query, limit=None)))

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
        if target.suffix.lower() not in _FORMS or target == self._path:
            raise LinetwinError(
                f"{target}: must be a file of its own that ends in {' or '.join(_FORMS)}, "
                f"got {target.suffix!r}; choose another name"
            )
        if not target.parent.is_dir():
            raise LinetwinError(f"{target.parent}: must be a directory; create it first")
        at, form = _FORMS[target.suffix.lower()]
        rows = _ALL if query.limit is None else _EARLIEST
        statement = _EXPORT.format(at=at, rows=rows, form=form)
        part = target.with_name(f".{target.name}.{uuid4().hex}.part")
        try:
            with self._attached(read_only=True) as engine:
                try:
                    engine.execute(statement, _parameters(query) | {"path": str(part)})
                    (count,) = engine.fetchall()[0]
                except duckdb.Error as error:
                    raise _explained(error, target) from error
            with part.open("rb") as file:
                os.fsync(file.fileno())
            part.replace(target)
        except OSError as error:
            raise _explained(error, target) from error
        finally:
            part.unlink(missing_ok=True)
        return int(count)

    def close(self) -> None:
        """Release the file; calling it twice is harmless."""
        with self._turn:
            self._closed = True
            self._drop_engine()

    def _check_open(self) -> None:
        if self._closed:
            raise LinetwinError(f"{self._path}: this historian is closed; open another one")

    def _create(self) -> None:
        """Create the file where it isn't there: whole or not at all, so a kill leaves no stump."""
        directory = self._path.parent
        if not directory.is_dir():
            raise LinetwinError(f"{directory}: must be a directory; create it, or choose another")
        exists = self._path.exists()
        if not os.access(directory, os.W_OK) or (exists and not os.access(self._path, os.W_OK)):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        if exists:
            return
        log = self._path.with_name(f"{self._path.name}.wal")
        if log.exists():  # it would be taken for the new file's
            raise LinetwinError(
                f"{log}: must belong to a history, but {self._path.name} is gone; "
                "bring that file back, or move this one away"
            )
        stump = self._path.with_name(f".{self._path.name}.{uuid4().hex}.part")
        try:
            with duckdb.connect(
                stump, config={"storage_compatibility_version": _FILE_FORMAT}
            ) as new:
                new.execute(_SCHEMA)
                new.execute("INSERT INTO linetwin_schema VALUES (?)", [SCHEMA_VERSION])
                new.execute("CHECKPOINT")  # closing would leave a full disk unsaid
            try:
                self._path.hardlink_to(stump)
            except FileExistsError:
                return  # another process was quicker; its file is as good
            except OSError:  # a file system without hard links
                stump.rename(self._path)
        except duckdb.Error as error:
            raise _explained(error, self._path) from error
        finally:
            stump.unlink(missing_ok=True)
            stump.with_name(f"{stump.name}.wal").unlink(missing_ok=True)

    @contextmanager
    def _attached(self, *, read_only: bool) -> Iterator[duckdb.DuckDBPyConnection]:
        """Hold the file, as `store`, for the length of the block."""
        deadline = time.monotonic() + self._wait_s
        if not self._turn.acquire(timeout=self._wait_s):
            raise NotConnected(f"{self._path}: busy for {self._wait_s:g} s in this process")
        try:
            self._check_open()
            engine = self._attach(read_only=read_only, deadline=deadline)
            self._check_schema(engine)
            yield engine
            # Letting go writes the log into the file. Where that fails, the batch is safe in the
            # log, and the caller hears of the full disk and retries what is `known` by then.
            engine.execute("DETACH store")
        except duckdb.Error as error:
            self._drop_engine()  # after an error, a fresh one is the only one to trust
            raise _explained(error, self._path) from error
        except BaseException:
            self._drop_engine()
            raise
        finally:
            self._turn.release()

    def _attach(self, *, read_only: bool, deadline: float) -> duckdb.DuckDBPyConnection:
        """Attach the file, waiting for other processes to let go of it."""
        if self._engine is None:
            # The engine outlives the calls: starting one takes 30 ms, attaching a file 1 ms.
            self._engine = duckdb.connect(
                config={
                    "autoinstall_known_extensions": False,
                    "autoload_known_extensions": False,
                    "temp_directory": f"{self._path}.tmp",  # not in the working directory
                }
            )
        mode = ", READ_ONLY" if read_only else ""
        quoted = str(self._path).replace("'", "''")
        while True:
            if not self._path.exists():  # DuckDB would quietly begin an empty one
                raise NotConnected(f"{self._path}: the file is gone; bring it back or start again")
            try:
                return self._engine.execute(f"ATTACH '{quoted}' AS store (TYPE duckdb{mode})")
            except duckdb.Error as error:
                if not _is_locked(error):
                    raise
                if time.monotonic() >= deadline:
                    raise NotConnected(
                        f"{self._path}: another process has held the file for {self._wait_s:g} s; "
                        f"it is free again when that one has finished ({error})"
                    ) from error
            time.sleep(_RETRY_AFTER_S)

    def _check_schema(self, engine: duckdb.DuckDBPyConnection) -> None:
        """Refuse a DuckDB file that is not ours, or of another version."""
        try:
            found = engine.execute("SELECT version FROM store.linetwin_schema").fetchall()
        except duckdb.CatalogException as error:
            raise LinetwinError(
                f"{self._path}: must be a history of linetwin, but is a DuckDB file of something "
                "else; choose another path"
            ) from error
        if found != [(SCHEMA_VERSION,)]:
            version = ", ".join(str(row[0]) for row in found) or "none"
            raise LinetwinError(
                f"{self._path}: must be a history of schema version {SCHEMA_VERSION}, got "
                f"{version}; read it with the linetwin that wrote it, or choose another path"
            )

    def _drop_engine(self) -> None:
        """Let go of the file and of everything that a failed call left behind."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def _add(self, points: Sequence[Point]) -> int:
        """Add points of distinct identities in one transaction; return how many were new."""
        at_us = np.array([p.at_us for p in points], np.int64)
        with self._attached(read_only=False) as engine:
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
            (written,) = engine.execute(_ADD_POINTS, limits).fetchall()[0]
            engine.execute("COMMIT")
            engine.unregister("batch")
        return int(written)

    def _fetch(self, rows: str, parameters: dict[str, str | int | None]) -> History:
        """Return the points that a statement gives, as columns."""
        names = {key: parameters[key] for key in ("line", "unit", "signal")}
        points = f"SELECT rank, at_us, value, quality FROM ({rows}) ORDER BY rank, at_us"  # noqa: S608
        with self._attached(read_only=True) as engine:
            columns = engine.execute(points, parameters).fetchnumpy()
            ranked = engine.execute(_SERIES, names).fetchall()
        series = [Series(*row[1:4]) for row in sorted(ranked, key=itemgetter(4))]
        rank = np.asarray(columns["rank"], np.int64)
        begins = np.flatnonzero(np.diff(rank, prepend=-1))  # ranks come sorted
        lengths = np.diff(begins, append=len(rank))
        return History(
            series=tuple(series[i] for i in rank[begins]),
            series_index=np.repeat(np.arange(len(begins)), lengths),
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


def _parameters(query: Query) -> dict[str, str | int | None]:
    """Return a query as the parameters of the statements above, with both sides closed."""
    first = AT_US_MIN if query.from_us is None else query.from_us
    last = AT_US_MAX if query.to_us is None else query.to_us - 1
    parameters: dict[str, str | int | None] = {
        "line": query.line,
        "unit": query.unit,
        "signal": query.signal,
        "first": min(max(first, AT_US_MIN), AT_US_MAX + 1),
        "last": min(max(last, AT_US_MIN - 1), AT_US_MAX),
    }
    if query.limit is not None:
        parameters["limit"] = query.limit
    return parameters


_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN: Final = (errno.EACCES, errno.EPERM, errno.EROFS)
_AWAY: Final = (errno.ENOENT, errno.EIO, errno.ESTALE, errno.ENODEV, errno.ENXIO, errno.ETIMEDOUT)


def _is_locked(error: duckdb.Error) -> bool:
    """Whether another process holds the file; DuckDB says so in words only."""
    return "Could not set lock" in str(error) or "used by another process" in str(error)


def _explained(error: duckdb.Error | OSError, path: Path) -> LinetwinError:
    """Turn DuckDB's or the system's error into one that says what, where and the remedy."""
    said = str(error)
    cause = said.splitlines()[0] if said else type(error).__name__

    def names(codes: Sequence[int]) -> bool:
        return any(os.strerror(code) in said for code in codes)

    if names(_FULL):
        return LinetwinError(f"{path}: the disk is full; make room and retry ({cause})")
    if names(_FORBIDDEN):
        return LinetwinError(
            f"{path}: the file and its directory must be writable for the user that runs this; "
            f"change their permissions or choose another path ({cause})"
        )
    if names(_AWAY):
        return NotConnected(f"{path}: the store is away; it is tried again ({cause})")
    if "not a valid DuckDB database file" in said or names((errno.EISDIR,)):
        return LinetwinError(
            f"{path}: must be a DuckDB file, but is something else; choose another path"
        )
    if "database file with version number" in said:
        return LinetwinError(
            f"{path}: is of another DuckDB than the installed {duckdb.__version__}; "
            f"install the one that wrote it ({cause})"
        )
    if "Corrupt" in said or "Could not read enough bytes" in said:
        return LinetwinError(
            f"{path}: is damaged; move it away, with its .wal, and put a copy back ({cause})"
        )
    return LinetwinError(f"{path}: DuckDB failed; nothing was changed, try again ({cause})")
