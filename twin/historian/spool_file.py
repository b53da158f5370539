"""The spool's file: one SQLite database in WAL mode, held by one process.

A commit is on disk when it returns. Letting go of what was sent takes a little room too, so some is
held in reserve beside the file. A broken file is moved away whole, and what it still gives is read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from twin.errors import LinetwinError

__all__ = [
    "LOG_PAGES",
    "committed",
    "explained",
    "free_pages",
    "is_broken",
    "keep_reserve",
    "moved_aside",
    "opened",
    "parcels_of",
    "release_reserve",
    "shrink",
]

SCHEMA: Final = """
    CREATE TABLE IF NOT EXISTS parcel (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        priority INTEGER NOT NULL,
        points INTEGER NOT NULL,
        made_s REAL NOT NULL,
        minutes TEXT NOT NULL,
        body BLOB NOT NULL
    );
    CREATE INDEX IF NOT EXISTS parcel_by_priority ON parcel (priority);
    CREATE TABLE IF NOT EXISTS to_roll (minute INTEGER PRIMARY KEY);
    CREATE TABLE IF NOT EXISTS newest (id INTEGER PRIMARY KEY, minute INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS refused (id INTEGER PRIMARY KEY, text TEXT, reason TEXT);
    CREATE TABLE IF NOT EXISTS tally (name TEXT PRIMARY KEY, points INTEGER NOT NULL);
"""

LOG_PAGES: Final = 250
RESERVE_BYTES: Final = 4 << 20
"""Room enough for the log, of `LOG_PAGES` pages of 4 kB, and for what it is written into."""

BROKEN: Final = ("malformed", "not a database", "file is encrypted")


def opened(path: Path) -> sqlite3.Connection:
    """Open a spool's file for one process alone; make it where it isn't there.

    Raises:
        sqlite3.DatabaseError: it is broken, held by another process, or can't be written to.
    """
    disk = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        disk.execute("PRAGMA auto_vacuum = INCREMENTAL")
        disk.execute("PRAGMA locking_mode = EXCLUSIVE")
        disk.execute("PRAGMA journal_mode = WAL")
        disk.execute("PRAGMA synchronous = FULL")
        disk.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
        disk.executescript(SCHEMA)
    except sqlite3.DatabaseError:
        disk.close()
        raise
    keep_reserve(path)
    return disk


@contextmanager
def committed(disk: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Commit what is done inside, or nothing of it."""
    disk.execute("BEGIN IMMEDIATE")
    try:
        yield disk
        disk.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            disk.execute("ROLLBACK")
        raise


def free_pages(disk: sqlite3.Connection) -> int:
    """How many of the file's pages nothing is in."""
    return int(disk.execute("PRAGMA freelist_count").fetchone()[0])


def shrink(disk: sqlite3.Connection) -> None:
    """Give back what the file no longer needs, a little at a time: it takes room itself."""
    with suppress(sqlite3.OperationalError):
        disk.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        while free_pages(disk):
            # Not by `execute`, which would free a single page.
            disk.executescript(f"PRAGMA incremental_vacuum({LOG_PAGES // 2})")
            disk.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def keep_reserve(path: Path) -> None:
    """Hold some room on the disk, if there is any."""
    reserve = _reserve(path)
    if not reserve.exists():
        try:
            reserve.write_bytes(bytes(RESERVE_BYTES))
        except OSError:
            reserve.unlink(missing_ok=True)


def release_reserve(path: Path) -> None:
    """Give the room that was held to the file."""
    _reserve(path).unlink(missing_ok=True)


def _reserve(path: Path) -> Path:
    return path.with_name(f"{path.name}.reserve")


def moved_aside(path: Path) -> Path:
    """Move a broken file and its log away; return where to."""
    number = 1
    while (aside := path.with_name(f"{path.name}.broken-{number}")).exists():
        number += 1
    path.rename(aside)
    log = path.with_name(f"{path.name}-wal")
    if log.exists():
        log.rename(aside.with_name(f"{aside.name}-wal"))
    return aside


def parcels_of(aside: Path) -> list[tuple[Any, ...]]:
    """Read the parcels that a broken file still gives, from both its ends; in their order."""
    saved: dict[int, tuple[Any, ...]] = {}
    for order in ("ORDER BY id", "ORDER BY id DESC"):
        with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(aside)) as broken:
            for row in broken.execute(
                f"SELECT id, priority, points, made_s, minutes, body FROM parcel {order}"  # noqa: S608
            ):
                saved[row[0]] = row
    return [saved[number] for number in sorted(saved)]


def is_broken(error: sqlite3.DatabaseError) -> bool:
    """Whether an error says that the file itself is."""
    return any(word in str(error) for word in BROKEN)


def explained(path: Path, error: sqlite3.DatabaseError) -> LinetwinError:
    """Say what is the matter with a spool's file and what to do."""
    said = str(error)
    if "locked" in said:
        return LinetwinError(
            f"{path}: another twin has this spool; one spool a twin, end that one or "
            "choose another --data"
        )
    if "full" in said:
        return LinetwinError(f"{path}: the disk is full; make room ({said})")
    return LinetwinError(
        f"{path}: must be a file that can be written; look at its directory and disk ({said})"
    )
