"""What people do on the page, kept in a file: acknowledged alarms, answers, and who did what."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twin.errors import LinetwinError

__all__ = ["Acknowledgement", "AuditEntry", "KeptAnswer", "Notebook"]

SCHEMA = """
create table if not exists acknowledged (
    line text, unit text, alarm text, since_us integer, at_us integer, who text, comment text,
    primary key (line, unit, alarm, since_us));
create table if not exists audit (
    at_us integer, who text, role text, action text, detail text);
create index if not exists audit_at on audit (at_us);
create table if not exists answers (
    id text primary key, at_us integer, who text, line text, title text, result text);
"""
MOST_ANSWERS = 200
MOST_AUDIT = 100_000


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """That somebody has seen an alarm.

    Args:
        line, unit, alarm, since_us: which, and when it had come.
        at_us: when it was acknowledged, microseconds since 1970-01-01 UTC, by the twin's clock.
        who, comment: by whom, and what they say.
    """

    line: str
    unit: str
    alarm: str
    since_us: int
    at_us: int
    who: str
    comment: str


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """That somebody did something, or was refused."""

    at_us: int
    who: str
    role: str
    action: str
    detail: str


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer of a what-if that has an address; `result` is a `SavedAnswer` as JSON."""

    id: str
    at_us: int
    who: str
    line: str
    title: str
    result: str


class Notebook:
    """A file of SQLite with what people do on the page. Any thread may call it.

    Args:
        path: the file; made if it is not there.

    Raises:
        LinetwinError: it can't be opened.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._db.execute("pragma journal_mode=wal")
            self._db.executescript(SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise LinetwinError(
                f"the page's notebook {path} can't be opened: {error}; move it away to begin anew"
            ) from None

    def acknowledge(self, one: Acknowledgement) -> None:
        """Keep an acknowledgement; the first of an alarm stays."""
        self._run(
            "insert or ignore into acknowledged values (?, ?, ?, ?, ?, ?, ?)",
            (one.line, one.unit, one.alarm, one.since_us, one.at_us, one.who, one.comment),
        )

    def acknowledgements(self, line: str, since_us: int = 0) -> list[Acknowledgement]:
        """The acknowledgements of a line's alarms that came since an instant."""
        rows = self._run(
            "select * from acknowledged where line = ? and since_us >= ? order by since_us",
            (line, since_us),
        )
        return [Acknowledgement(*row) for row in rows]

    def audit(self, entry: AuditEntry) -> None:
        """Write down that somebody did something."""
        self._run(
            "insert into audit values (?, ?, ?, ?, ?)",
            (entry.at_us, entry.who, entry.role, entry.action, entry.detail),
        )
        self._run(
            "delete from audit where rowid <= (select max(rowid) from audit) - ?", (MOST_AUDIT,)
        )

    def audited(self, most: int = 200) -> list[AuditEntry]:
        """What was done, the latest first."""
        rows = self._run("select * from audit order by rowid desc limit ?", (most,))
        return [AuditEntry(*row) for row in rows]

    def keep(self, answer: KeptAnswer) -> None:
        """Keep an answer; the oldest give way."""
        self._run(
            "insert or replace into answers values (?, ?, ?, ?, ?, ?)",
            (answer.id, answer.at_us, answer.who, answer.line, answer.title, answer.result),
        )
        self._run(
            "delete from answers where id not in "
            "(select id from answers order by at_us desc limit ?)",
            (MOST_ANSWERS,),
        )

    def answer(self, answer_id: str) -> KeptAnswer | None:
        """An answer that was kept; None if there is none of that id."""
        rows = self._run("select * from answers where id = ?", (answer_id,))
        return KeptAnswer(*rows[0]) if rows else None

    def answers(self, most: int = 50) -> list[KeptAnswer]:
        """The answers that are kept, the newest first, without their results."""
        rows = self._run(
            "select id, at_us, who, line, title, '' from answers order by at_us desc limit ?",
            (most,),
        )
        return [KeptAnswer(*row) for row in rows]

    def _run(self, sql: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return self._db.execute(sql, values).fetchall()
            except sqlite3.Error as error:
                raise LinetwinError(f"the page's notebook can't be used: {error}") from None

    def close(self) -> None:
        """Release the file; calling it twice is harmless."""
        with self._lock:
            self._db.close()
