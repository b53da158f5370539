"""What is made and not yet in the database: parcels of lines on disk, in order.

One SQLite file in WAL mode, held by one process. A commit is on disk when it returns, so a kill or
a power cut takes nothing that was put in. When there is no room the parcels of the lowest priority
go first, the oldest of them before the others, and every point that goes is counted for ever.

Age is counted by a clock of the spool's own: the time in which somebody had it open. A wall clock
that jumps by a year makes nothing old.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Final

from twin.errors import LinetwinError
from twin.historian.line_protocol import Lines, Priority
from twin.historian.refused_lines import RefusedLine
from twin.historian.spool_file import (
    LOG_PAGES,
    committed,
    explained,
    free_pages,
    is_broken,
    keep_reserve,
    moved_aside,
    opened,
    parcels_of,
    release_reserve,
    shrink,
)
from twin.historian.spool_tally import count, note_refused, refused_lines, tally

__all__ = ["Bounds", "Parcel", "Spool"]

_log = logging.getLogger("twin.live")

_ROW_BYTES: Final = 100
"""What a parcel takes beside its body, roughly."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a spool may hold.

    Args:
        most_bytes: on disk, greater than 0.
        oldest_s: of the time in which the twin runs, in seconds, greater than 0.
    """

    most_bytes: int = 1 << 30
    oldest_s: float = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class Parcel:
    """Lines that were put in together."""

    number: int
    points: int
    size: int
    minutes: tuple[int, ...]
    text: str


class Spool:
    """Parcels on disk. Calls may come from any thread.

    Args:
        path: the file; made where it isn't there. A broken one is set aside, and what can be read
            of it is carried over.
        bounds: how much it may hold.
        clock: seconds that only ever grow.

    Raises:
        LinetwinError: another process has it, or its directory can't be written to.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     spool = Spool(Path(directory) / "spool.sqlite")
    ...     spool.put([Lines(Priority.EVENT, ("machine,line=L x=1i 1000",), frozenset({0}))])
    ...     [parcel] = spool.oldest(100)
    ...     spool.done([parcel])
    ...     print(parcel.text, spool.points)
    ...     spool.close()
    machine,line=L x=1i 1000 0
    """

    def __init__(
        self,
        path: Path,
        bounds: Bounds | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._bounds = bounds or Bounds()
        self._clock = clock
        self._turn = RLock()
        self._taken: set[int] = set()
        self._sent: dict[int, Parcel] = {}
        self.set_aside: list[Path] = []
        try:
            self._open()
        except sqlite3.DatabaseError as error:
            if not is_broken(error):
                raise explained(path, error) from None
            self._set_aside(error)

    # -- what goes in ----------------------------------------------------------------------------

    def put(self, batch: Sequence[Lines]) -> None:
        """Keep lines; return once they are on disk.

        Args:
            batch: at most one of each priority.

        Raises:
            LinetwinError: the disk is full or fails; nothing of the batch is kept, put it again.
        """
        with self._turn, self._mended():
            now_s = self._now_s()
            rows = [
                (
                    lines.priority,
                    len(lines.lines),
                    now_s,
                    json.dumps(sorted(lines.minutes)),
                    zlib.compress(lines.text, 1),
                )
                for lines in batch
            ]
            with committed(self._disk) as disk:
                disk.executemany(
                    "INSERT INTO parcel (priority, points, made_s, minutes, body) "
                    "VALUES (?, ?, ?, ?, ?)",
                    rows,
                )
                disk.execute(
                    "INSERT INTO newest VALUES (0, ?) "
                    "ON CONFLICT (id) DO UPDATE SET minute = max(minute, excluded.minute)",
                    (max((max(lines.minutes, default=0) for lines in batch), default=0),),
                )
                added = sum(len(row[-1]) + _ROW_BYTES for row in rows)
                gone = self._make_room(disk, self._bytes + added, now_s)
            if gone:
                self._count()
            else:
                self._bytes += added
                self.points += sum(row[1] for row in rows)

    def _make_room(self, disk: sqlite3.Connection, size: int, now_s: float) -> bool:
        """Let go of what there is no room for; say whether that was anything."""
        gone = []
        for number, priority, points, made_s in disk.execute(
            "SELECT id, priority, points, made_s FROM parcel ORDER BY id"
        ):
            if made_s >= now_s - self._bounds.oldest_s:
                break
            if number not in self._taken and number not in self._sent:
                gone.append((number, priority, points))
        if size > self._bounds.most_bytes:
            for number, priority, points, length in disk.execute(
                "SELECT id, priority, points, length(body) FROM parcel ORDER BY priority, id"
            ):
                if size <= self._bounds.most_bytes:
                    break
                if number not in self._taken and number not in self._sent:
                    size -= length + _ROW_BYTES
                    gone.append((number, priority, points))
        for number, priority, points in gone:
            disk.execute("DELETE FROM parcel WHERE id = ?", (number,))
            count(disk, f"dropped {priority}", points)
        if gone:
            self.dropped_at_s = self._clock()
        return bool(gone)

    # -- what goes out ---------------------------------------------------------------------------

    def oldest(self, most_points: int) -> list[Parcel]:
        """Return the oldest parcels, one at least if there is any; they stay until `done`."""
        with self._turn, self._mended():
            found: list[Parcel] = []
            points = 0
            rows = self._disk.execute("SELECT id, points, minutes, body FROM parcel ORDER BY id")
            for number, count, minutes, body in rows:
                if number in self._sent:
                    continue
                if found and points + count > most_points:
                    break
                try:
                    text = zlib.decompress(body).decode()
                except zlib.error:
                    self._drop_broken(number, count)
                    continue
                size = len(body) + _ROW_BYTES
                found.append(Parcel(number, count, size, tuple(json.loads(minutes)), text))
                points += count
            rows.close()
            self._taken = {parcel.number for parcel in found}
            return found

    def _drop_broken(self, number: int, points: int) -> None:
        _log.error("%s: %d points are unreadable and dropped", self._path, points)
        with committed(self._disk) as disk:
            disk.execute("DELETE FROM parcel WHERE id = ?", (number,))
            count(disk, f"dropped {Priority.EVENT}", points)
        self.dropped_at_s = self._clock()
        self._count()

    def done(self, parcels: Iterable[Parcel], refused: Sequence[RefusedLine] = ()) -> None:
        """Let go of parcels that the database has, and note the lines that it refused.

        Even letting go takes a little room, which is kept in reserve for a disk that is full. Where
        that is gone too, they are remembered as sent, and let go of with the next ones. Only a kill
        before then sends them again, which changes nothing.
        """
        with self._turn, self._mended():
            self._sent |= {parcel.number: parcel for parcel in parcels}
            self._taken = set()
            try:
                self._let_go(refused)
            except sqlite3.OperationalError as error:
                if "full" not in str(error):
                    raise
                release_reserve(self._path)
                self._let_go(refused)
            if not self.points:
                if free_pages(self._disk) > LOG_PAGES:
                    shrink(self._disk)
                keep_reserve(self._path)

    def _let_go(self, refused: Sequence[RefusedLine]) -> None:
        with committed(self._disk) as disk:
            for parcel in self._sent.values():
                disk.execute("DELETE FROM parcel WHERE id = ?", (parcel.number,))
                minutes = [(minute,) for minute in parcel.minutes]
                disk.executemany("INSERT OR IGNORE INTO to_roll VALUES (?)", minutes)
            if refused:
                note_refused(disk, refused)
        self.points -= sum(parcel.points for parcel in self._sent.values())
        self._bytes -= sum(parcel.size for parcel in self._sent.values())
        self._sent = {}

    def refuse(self, refused: Sequence[RefusedLine]) -> None:
        """Note points that were refused before they were put in."""
        with self._turn, self._mended(), committed(self._disk) as disk:
            note_refused(disk, refused)

    def refused_lines(self) -> list[RefusedLine]:
        """Return the latest lines that were set aside, with their reasons."""
        with self._turn, self._mended():
            return refused_lines(self._disk)

    # -- minutes that have changed ---------------------------------------------------------------

    def minutes_to_roll(self, most: int) -> list[int]:
        """Return the oldest minutes of source time in which something was stored."""
        with self._turn, self._mended():
            rows = self._disk.execute("SELECT minute FROM to_roll ORDER BY minute LIMIT ?", (most,))
            return [row[0] for row in rows]

    def rolled(self, minutes: Iterable[int]) -> None:
        """Forget minutes that are rolled up."""
        with self._turn, self._mended(), committed(self._disk) as disk:
            disk.executemany("DELETE FROM to_roll WHERE minute = ?", [(m,) for m in minutes])

    # -- how it is -------------------------------------------------------------------------------

    points: int = 0
    """How many points are in it."""

    dropped_at_s: float | None = None
    """When points were dropped last, by its clock; None if none were since it was opened."""

    def age_s(self) -> float:
        """How long the oldest parcel has been in it, in seconds of the time it was open."""
        with self._turn, self._mended():
            oldest = "SELECT made_s FROM parcel ORDER BY id LIMIT 1"
            found = self._disk.execute(oldest).fetchone()
            return max(0.0, self._now_s() - found[0]) if found else 0.0

    def newest_us(self) -> int:
        """Return the end of the newest minute of source time that was ever put in; 0 for none."""
        with self._turn, self._mended():
            found = self._disk.execute("SELECT minute FROM newest").fetchone()
            return (found[0] + 1) * 60_000_000 if found else 0

    def tally(self) -> dict[str, int]:
        """How many points were dropped, by priority, and refused, since the file was made."""
        with self._turn, self._mended():
            return tally(self._disk)

    def close(self) -> None:
        """Let go of the file; calling it twice is harmless."""
        with self._turn:
            self._disk.close()

    # -- the file --------------------------------------------------------------------------------

    def _open(self) -> None:
        disk = opened(self._path)
        try:
            (last,) = disk.execute("SELECT max(made_s) FROM parcel").fetchone()
        except sqlite3.DatabaseError:
            disk.close()
            raise
        self._disk = disk
        self._start_s = (last or 0.0) - self._clock()
        self._count()

    def _now_s(self) -> float:
        return self._start_s + self._clock()

    def _count(self) -> None:
        self.points, self._bytes = self._disk.execute(
            f"SELECT coalesce(sum(points), 0), coalesce(sum(length(body) + {_ROW_BYTES}), 0) "  # noqa: S608
            "FROM parcel"
        ).fetchone()

    @contextmanager
    def _mended(self) -> Iterator[None]:
        """Say what is wrong with the disk; start a new file where the old one is broken."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            if not is_broken(error):
                raise explained(self._path, error) from None
            self._disk.close()
            self._set_aside(error)
            raise LinetwinError(f"{self._path}: was broken, a new one is begun") from error

    def _set_aside(self, error: sqlite3.DatabaseError) -> None:
        """Move a broken file away, begin a new one, and carry over what can be read."""
        aside = moved_aside(self._path)
        self.set_aside.append(aside)
        self._taken, self._sent = set(), {}
        try:
            self._open()
        except sqlite3.DatabaseError as again:
            raise explained(self._path, again) from None
        saved = parcels_of(aside)
        with committed(self._disk) as disk:
            disk.executemany("INSERT INTO parcel VALUES (?, ?, ?, ?, ?, ?)", saved)
        self._count()
        _log.error(
            "%s was broken (%s); it is kept as %s, %d points of it could be read",
            *(self._path, error, aside, sum(row[2] for row in saved)),
        )
