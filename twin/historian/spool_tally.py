"""What a spool counts for ever, and the lines that the database refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from twin.errors import LinetwinError
from twin.historian.line_protocol import Priority
from twin.historian.refused_lines import RefusedLine
from twin.historian.spool_file import explained

__all__ = ["count", "note_refused", "refused_in", "refused_lines", "tally"]

KEPT_REFUSED: Final = 10_000


def count(disk: sqlite3.Connection, name: str, points: int) -> None:
    """Add points to what is counted under a name."""
    disk.execute(
        "INSERT INTO tally VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET points = points + ?",
        (name, points, points),
    )


def tally(disk: sqlite3.Connection) -> dict[str, int]:
    """How many points were dropped, by priority, and refused, since the file was made."""
    found = dict(disk.execute("SELECT name, points FROM tally"))
    names = [f"dropped {priority}" for priority in range(len(Priority.NAMES))]
    return dict.fromkeys([*names, "refused"], 0) | found


def note_refused(disk: sqlite3.Connection, refused: Sequence[RefusedLine]) -> None:
    """Keep lines with their reasons, of all the latest 10,000, and count them."""
    rows = [(line.text, line.reason) for line in refused]
    disk.executemany("INSERT INTO refused (text, reason) VALUES (?, ?)", rows)
    disk.execute(
        "DELETE FROM refused WHERE id <= (SELECT max(id) FROM refused) - ?", (KEPT_REFUSED,)
    )
    count(disk, "refused", len(rows))


def refused_lines(disk: sqlite3.Connection) -> list[RefusedLine]:
    """Return the latest lines that were set aside, the oldest first."""
    rows = disk.execute("SELECT text, reason FROM refused ORDER BY id")
    return [RefusedLine(*row) for row in rows]


def refused_in(path: Path) -> list[RefusedLine]:
    """Return the latest lines that were set aside, from a spool's file that no twin has.

    Args:
        path: the file.

    Raises:
        LinetwinError: there is none, a twin has it, or it can't be read.
    """
    if not path.is_file():
        raise LinetwinError(
            f"{path}: there is no spool; 'twin run --influx' makes it, --data names another"
        )
    try:
        with closing(
            sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=0)
        ) as disk:
            return refused_lines(disk)
    except sqlite3.DatabaseError as error:
        raise explained(path, error) from None
