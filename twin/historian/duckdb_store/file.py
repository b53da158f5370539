"""The file of a history: made, held for one call at a time, and let go again.

DuckDB locks a file for one process. So the file is attached for the length of one call and let go
again: a batch of 1,000 points holds it for about 15 ms, and in between any other process may read
it. Whoever finds it taken waits for its turn. What was measured, and what else was tried, is in
`docs/adr/0003-embedded-history-in-duckdb.md`.

The lock is POSIX's, which a process loses for a file as soon as it closes *any* handle of it. So
nothing here may open the file but DuckDB, and the stores of one process take turns by themselves.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Final
from uuid import uuid4

import duckdb

from twin.errors import LinetwinError, NotConnected
from twin.historian.duckdb_store.explained import explained, is_locked

__all__ = ["SCHEMA_VERSION", "HistoryFile"]

SCHEMA_VERSION: Final = 1
"""The version of the tables below; a file of another version is refused."""

# Identity (series, at_us) is kept by the anti-join in ADD_POINTS: an index would cost five times
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

_RETRY_AFTER_S: Final = 0.01

# One lock a file for all stores of this process; see the module's docstring.
_TURNS: Final[dict[Path, Lock]] = {}


class HistoryFile:
    """A history's file, held for the length of one call at a time.

    Args:
        path: the file; it is created where it isn't there, its directory is not.
        read_only: never write, and refuse a file that isn't there.
        wait_s: how long a call waits for whoever else holds the file, in seconds, 0 or more.

    Raises:
        NotConnected: another process held the file for longer than `wait_s`.
        LinetwinError: the directory isn't there or can't be written to, the file isn't linetwin's
            or is of another version, or the disk is full.
    """

    def __init__(self, path: str | os.PathLike[str], *, read_only: bool, wait_s: float) -> None:
        # Two names of one file must share one turn, so links are followed.
        self.path = Path(path).resolve()
        self.read_only = read_only
        self._wait_s = wait_s
        self._turn = _TURNS.setdefault(self.path, Lock())
        self._engine: duckdb.DuckDBPyConnection | None = None
        self._closed = False
        try:
            if not read_only:
                self._create()
            elif not self.path.exists():
                raise LinetwinError(
                    f"{self.path}: must be a history that a twin has written, but there is no "
                    "such file; check the path, or run the twin first"
                )
            with self.attached(read_only=True):
                pass  # says now what is wrong with the file, not at the first batch
        except OSError as error:
            raise explained(error, self.path) from error

    def close(self) -> None:
        """Release the file; calling it twice is harmless."""
        with self._turn:
            self._closed = True
            self._drop_engine()

    def check_open(self) -> None:
        """Refuse to go on with a file that is closed."""
        if self._closed:
            raise LinetwinError(f"{self.path}: this historian is closed; open another one")

    def _create(self) -> None:
        """Create the file where it isn't there: whole or not at all, so a kill leaves no stump."""
        directory = self.path.parent
        if not directory.is_dir():
            raise LinetwinError(f"{directory}: must be a directory; create it, or choose another")
        exists = self.path.exists()
        if not os.access(directory, os.W_OK) or (exists and not os.access(self.path, os.W_OK)):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        if exists:
            return
        log = self.path.with_name(f"{self.path.name}.wal")
        if log.exists():  # it would be taken for the new file's
            raise LinetwinError(
                f"{log}: must belong to a history, but {self.path.name} is gone; "
                "bring that file back, or move this one away"
            )
        stump = self.path.with_name(f".{self.path.name}.{uuid4().hex}.part")
        try:
            with duckdb.connect(
                stump, config={"storage_compatibility_version": _FILE_FORMAT}
            ) as new:
                new.execute(_SCHEMA)
                new.execute("INSERT INTO linetwin_schema VALUES (?)", [SCHEMA_VERSION])
                new.execute("CHECKPOINT")  # closing would leave a full disk unsaid
            try:
                self.path.hardlink_to(stump)
            except FileExistsError:
                return  # another process was quicker; its file is as good
            except OSError:  # a file system without hard links
                stump.rename(self.path)
        except duckdb.Error as error:
            raise explained(error, self.path) from error
        finally:
            stump.unlink(missing_ok=True)
            stump.with_name(f"{stump.name}.wal").unlink(missing_ok=True)

    @contextmanager
    def attached(self, *, read_only: bool) -> Iterator[duckdb.DuckDBPyConnection]:
        """Hold the file, as `store`, for the length of the block."""
        deadline = time.monotonic() + self._wait_s
        if not self._turn.acquire(timeout=self._wait_s):
            raise NotConnected(f"{self.path}: busy for {self._wait_s:g} s in this process")
        try:
            self.check_open()
            engine = self._attach(read_only=read_only, deadline=deadline)
            self._check_schema(engine)
            yield engine
            # Letting go writes the log into the file. Where that fails, the batch is safe in the
            # log, and the caller hears of the full disk and retries what is `known` by then.
            engine.execute("DETACH store")
        except duckdb.Error as error:
            self._drop_engine()  # after an error, a fresh one is the only one to trust
            raise explained(error, self.path) from error
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
                    "temp_directory": f"{self.path}.tmp",  # not in the working directory
                }
            )
        mode = ", READ_ONLY" if read_only else ""
        quoted = str(self.path).replace("'", "''")
        while True:
            if not self.path.exists():  # DuckDB would quietly begin an empty one
                raise NotConnected(f"{self.path}: the file is gone; bring it back or start again")
            try:
                return self._engine.execute(f"ATTACH '{quoted}' AS store (TYPE duckdb{mode})")
            except duckdb.Error as error:
                if not is_locked(error):
                    raise
                if time.monotonic() >= deadline:
                    raise NotConnected(
                        f"{self.path}: another process has held the file for {self._wait_s:g} s; "
                        f"it is free again when that one has finished ({error})"
                    ) from error
            time.sleep(_RETRY_AFTER_S)

    def _check_schema(self, engine: duckdb.DuckDBPyConnection) -> None:
        """Refuse a DuckDB file that is not ours, or of another version."""
        try:
            found = engine.execute("SELECT version FROM store.linetwin_schema").fetchall()
        except duckdb.CatalogException as error:
            raise LinetwinError(
                f"{self.path}: must be a history of linetwin, but is a DuckDB file of something "
                "else; choose another path"
            ) from error
        if found != [(SCHEMA_VERSION,)]:
            version = ", ".join(str(row[0]) for row in found) or "none"
            raise LinetwinError(
                f"{self.path}: must be a history of schema version {SCHEMA_VERSION}, got "
                f"{version}; read it with the linetwin that wrote it, or choose another path"
            )

    def _drop_engine(self) -> None:
        """Let go of the file and of everything that a failed call left behind."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None
