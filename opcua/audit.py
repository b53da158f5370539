"""What was asked of plants, by whom, and what came of it: written down before it is done."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from twin.errors import CommandRefused, UsageError

__all__ = ["Audit", "Entry"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One command that somebody gave.

    Args:
        at_us: when, microseconds since 1970-01-01 UTC.
        who: the account that gave it.
        role: the role that it was given in.
        line, plc, unit, command: what.
        value: what was written, or given to the method.
        before: what the variable showed before; None where that is not known.
        after: what was read back; None where nothing was done, or read.
        outcome: `asked` while it is under way; `dry run`, `done`, or why not.
    """

    at_us: int
    who: str
    role: str
    line: str
    plc: str
    unit: str
    command: str
    value: float
    before: float | None = None
    after: float | None = None
    outcome: str = "asked"


_COLUMNS = ", ".join(field.name for field in fields(Entry))
_MARKS = ", ".join("?" for _ in fields(Entry))


class Audit:
    """The book of commands, one SQLite file.

    Args:
        path: where it is; made at the first entry.

    Raises:
        UsageError: it can't be opened, or is something else.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def _book(self) -> Iterator[sqlite3.Connection]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            book = sqlite3.connect(self._path, isolation_level=None, timeout=10)
            try:
                book.execute(f"CREATE TABLE IF NOT EXISTS commands ({_COLUMNS})")
                yield book
            finally:
                book.close()
        except (OSError, sqlite3.Error) as error:
            raise UsageError(
                f"{self._path}: must be the book of commands, and writable: {error}; "
                "nothing is done that can't be written down"
            ) from error

    def ask(self, entry: Entry, every_s: float) -> int:
        """Write down that a command is about to be given, unless one was too short a time ago.

        Args:
            entry: what is about to be done.
            every_s: shortest time from one to the next of the same unit, seconds.

        Returns:
            The entry's number, for `note`.

        Raises:
            CommandRefused: the last one is too recent.
        """
        with self._book() as book:
            # One transaction: of two at the same instant the second sees the first.
            book.execute("BEGIN IMMEDIATE")
            (last_us,) = book.execute(
                "SELECT max(at_us) FROM commands WHERE line = ? AND plc = ? AND unit = ? "
                "AND command = ? AND outcome IN ('asked', 'done')",
                (entry.line, entry.plc, entry.unit, entry.command),
            ).fetchone()
            if last_us is not None and entry.at_us - last_us < every_s * 1e6:
                book.execute("ROLLBACK")
                wait_s = every_s - (entry.at_us - last_us) / 1e6
                raise CommandRefused(
                    f"{entry.unit} {entry.command}: must be {every_s:g} s after the last one, "
                    f"wait {wait_s:.1f} s"
                )
            number = self._add(book, entry)
            book.execute("COMMIT")
            return number

    def add(self, entry: Entry) -> None:
        """Write down what was not done: a dry run, or a refusal."""
        with self._book() as book:
            self._add(book, entry)

    def note(self, number: int, outcome: str, before: float | None, after: float | None) -> None:
        """Write down what came of a command."""
        with self._book() as book:
            book.execute(
                "UPDATE commands SET outcome = ?, before = ?, after = ? WHERE rowid = ?",
                (outcome, before, after, number),
            )

    def entries(self) -> list[Entry]:
        """Read the book, the oldest entry first."""
        if not self._path.exists():
            return []
        with self._book() as book:
            rows = book.execute(f"SELECT {_COLUMNS} FROM commands ORDER BY rowid").fetchall()  # noqa: S608 -- our own columns
        return [Entry(*row) for row in rows]

    @staticmethod
    def _add(book: sqlite3.Connection, entry: Entry) -> int:
        statement = f"INSERT INTO commands ({_COLUMNS}) VALUES ({_MARKS})"  # noqa: S608 -- our own
        number = book.execute(statement, astuple(entry)).lastrowid
        assert number is not None  # noqa: S101 - an insert has one
        return number
