"""Traces as files: every event of a run, as Parquet or CSV, written and read through DuckDB.

A run's blocks go to a database of their own beside the file, which keeps them compressed on disk;
names are put to the numbers when the file is written at the end. So neither needs a run's events
in memory, and a file appears whole or not at all.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from twin.engine.events import COLUMNS, EventKind
from twin.engine.part_codes import NUMBER_BITS, part_codes
from twin.engine.program import number_lanes
from twin.engine.trace_header import TraceHeader
from twin.errors import TraceError
from twin.model.line import Line
from twin.model.status import Condition

__all__ = ["SUFFIXES", "TRACE_COLUMNS", "Trace", "TraceWriter", "open_trace", "query", "rows_of"]

SUFFIXES: Final = (".csv", ".parquet")
TRACE_COLUMNS: Final = {
    "at_us": "BIGINT",
    "event": "VARCHAR",
    "station": "VARCHAR",
    "machine": "VARCHAR",
    "place": "BIGINT",
    "part": "VARCHAR",
    "detail": "VARCHAR",
    "number": "BIGINT",
    "value": "BIGINT",
}
"""The columns of a trace file and DuckDB's types of them; `docs/how-to/trace.md` says what is in
them."""

KEY: Final = "linetwin_trace"
CSV_HEAD: Final = b"# linetwin trace "
MEMORY: Final = "512MB"
POLL_S: Final = 0.2

Progress = Callable[[float], None]

# A list's first entry is number 1, and one out of its range is NULL.
_NAMED: Final = f"""
    SELECT at_us,
        $kinds[kind] AS event,
        $stations[station + 1] AS station,
        $machines[station + 1][machine + 1] AS machine,
        CASE WHEN place >= 0 THEN place + 1 END AS place,
        CASE WHEN kind <= {EventKind.PART_REWORKED}
            THEN $stations[list_position($codes, number >> {NUMBER_BITS})]
                || '-' || (number & {(1 << NUMBER_BITS) - 1})
        END AS part,
        CASE kind
            WHEN {EventKind.PART_PASSED} THEN $lanes[value + 2]
            WHEN {EventKind.PART_SCRAPPED} THEN nullif(array_to_string(
                list_filter($defects, lambda defect, i: (value >> (i - 1)) & 1 = 1), '+'), '')
            WHEN {EventKind.STATE_CHANGED} THEN $conditions[value + 1]
            WHEN {EventKind.MACHINE_FAILED} THEN $modes[station + 1][value + 1]
            WHEN {EventKind.MACHINE_REPAIRED} THEN $modes[station + 1][value + 1]
            WHEN {EventKind.MATERIAL_DELIVERED} THEN $materials[value + 1]
        END AS detail,
        number, value
    FROM event
"""  # noqa: S608 - put together from constants


def _names(line: Line) -> dict[str, Any]:
    lanes, stations = number_lanes(line), line.stations
    lane = ["off the line", *[""] * len(lanes.capacity)]
    for buffer, own in lanes.own.items():
        for i, number in enumerate(own):
            lane[number + 1] = buffer if len(own) == 1 else f"{buffer} lane {i + 1}"
    for buffer, number in lanes.rework.items():
        lane[number + 1] = f"{buffer} rework"
    codes = part_codes(line)
    return {
        "kinds": [kind.name.lower() for kind in EventKind],
        "stations": [s.id for s in stations],
        "machines": [[s.machine_id(m) for m in range(s.machines)] for s in stations],
        "codes": [codes[s.id] for s in stations],
        "lanes": lane,
        "defects": [defect.id for defect in line.defects],
        "conditions": [condition.name.lower() for condition in Condition],
        "modes": [[f.id for f in s.failures] + [c.id for c in s.changeovers] for s in stations],
        "materials": [material.id for material in line.materials],
    }


class TraceWriter:
    """Takes a run's events, and writes them to a file when the run is over.

    Use it as a context manager, which clears away what it needs meanwhile.

    Args:
        line: whose events.
        path: the file; its suffix, `.csv` or `.parquet`, says how.

    Raises:
        TraceError: the suffix is another, or nothing can be written there.
    """

    def __init__(self, line: Line, path: Path) -> None:
        if path.suffix.lower() not in SUFFIXES:
            raise TraceError(
                f"{path}: must end in {' or '.join(SUFFIXES)}, got {path.suffix!r}; "
                "choose another name"
            )
        if not path.parent.is_dir():
            raise TraceError(f"{path.parent}: must be a directory; create it first")
        if path.is_dir():
            raise TraceError(f"{path}: is a directory; choose another name")
        self._names = _names(line)
        self._path = path
        try:
            self._scratch = tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent)
        except OSError as error:
            raise TraceError(f"{path}: can't be written: {error.strerror}") from error
        self._engine = _engine(Path(self._scratch.name))
        columns = ", ".join(f"{name} BIGINT" for name in COLUMNS)
        self._engine.execute(f"CREATE TABLE event ({columns})")

    def __enter__(self) -> TraceWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._engine.close()
        self._scratch.cleanup()

    def add(self, block: NDArray[np.int64]) -> None:
        """Take a block of events; shape (events, 7), columns as `twin.engine.events.COLUMNS`."""
        batch = {name: np.ascontiguousarray(block[:, i]) for i, name in enumerate(COLUMNS)}
        with _explained(self._path):
            self._engine.register("batch", batch)
            self._engine.execute("INSERT INTO event SELECT * FROM batch")
            self._engine.unregister("batch")

    def write(self, header: TraceHeader, progress: Progress | None = None) -> None:
        """Write all that was taken, in place of an older file.

        Raises:
            TraceError: it can't be written.
        """
        part = Path(self._scratch.name) / "part"
        form = "FORMAT csv, HEADER"
        if self._path.suffix.lower() == ".parquet":
            form = f"FORMAT parquet, KV_METADATA {{{KEY}: {_text(header.model_dump_json())}}}"
        # Neither a file's name nor its metadata can be a parameter here.
        statement = f"COPY ({_NAMED}) TO {_text(str(part))} ({form})"
        with _explained(self._path):
            _run(self._engine, statement, self._names, progress)
            if self._path.suffix.lower() == ".csv":
                part = _with_head(part, header)
            with part.open("rb") as file:
                os.fsync(file.fileno())
            part.replace(self._path)


def _with_head(body: Path, header: TraceHeader) -> Path:
    whole = body.with_name("whole")
    with whole.open("wb") as file, body.open("rb") as rows:
        file.write(CSV_HEAD + header.model_dump_json().encode() + b"\n")
        shutil.copyfileobj(rows, file, 1 << 20)
    return whole


@dataclass(frozen=True, slots=True)
class Trace:
    """A trace file that has been looked at: there, whole, and of a form that is known."""

    path: Path
    header: TraceHeader


def open_trace(path: Path) -> Trace:
    """Look at a trace file; whether it is CSV or Parquet its beginning tells, not its name.

    Raises:
        TraceError: there is none, or it is empty, cut short, damaged, or something else.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.readline(1 << 24) if size else b""
    except OSError as error:
        raise TraceError(f"{path}: {error.strerror}") from error
    if not size:
        raise TraceError(f"{path}: is empty; 'twin trace LINE --out FILE' writes a trace")
    try:
        if start.startswith(b"PAR1"):
            return Trace(path, _parquet_header(path))
        if start.startswith(CSV_HEAD):
            header = TraceHeader.from_json(start[len(CSV_HEAD) :])
            _check_lines(path, header)
            return Trace(path, header)
    except TraceError as error:
        raise TraceError(f"{path}: {error}") from error
    raise TraceError(
        f"{path}: is no trace: it begins neither as Parquet nor as 'twin trace' begins CSV; "
        "'twin trace LINE --out FILE' writes one"
    )


def _parquet_header(path: Path) -> TraceHeader:
    file = _text(str(path))
    with closing(_engine()) as engine:
        try:
            found = engine.execute(
                f"SELECT value FROM parquet_kv_metadata({file}) "  # noqa: S608
                f"WHERE decode(key) = '{KEY}'"
            ).fetchall()
            (rows,) = engine.execute(
                f"SELECT num_rows FROM parquet_file_metadata({file})"  # noqa: S608
            ).fetchall()[0]
        except duckdb.Error as error:
            raise TraceError(
                f"is cut short or damaged; write it again ({_in_short(error)})"
            ) from error
    if not found:
        raise TraceError("is Parquet, but no trace; 'twin trace LINE --out FILE' writes one")
    header = TraceHeader.from_json(bytes(found[0][0]))
    if rows != header.events:
        raise TraceError(f"has {rows:,} events and must have {header.events:,}; write it again")
    return header


def _check_lines(path: Path, header: TraceHeader) -> None:
    """Check that a CSV file has a line for each event and ends with one."""
    lines, last = 0, b"\n"
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            lines += chunk.count(b"\n")
            last = chunk
    if lines - 2 != header.events or not last.endswith(b"\n"):
        raise TraceError(
            f"is cut short or changed: it has {max(0, lines - 2):,} whole lines of events and "
            f"must have {header.events:,}; write it again"
        )


def rows_of(trace: Trace) -> str:
    """SQL for the events of a trace, with their number `n` from 0 in front."""
    file = _text(str(trace.path))
    columns = ", ".join(TRACE_COLUMNS)
    with trace.path.open("rb") as opened:
        is_parquet = opened.read(4) == b"PAR1"
    if is_parquet:
        return (
            f"SELECT file_row_number AS n, {columns} "  # noqa: S608
            f"FROM read_parquet({file}, file_row_number = true)"
        )
    types = ", ".join(f"'{name}': '{kind}'" for name, kind in TRACE_COLUMNS.items())
    # No id can have a # in it, so only the head is a comment.
    return (
        f"SELECT row_number() OVER () - 1 AS n, {columns} FROM read_csv({file}, "  # noqa: S608
        "comment = '#', header = true, auto_detect = false, delim = ',', quote = '\"', "
        f"columns = {{{types}}})"
    )


def query(
    statement: str,
    parameters: dict[str, Any] | None = None,
    progress: Progress | None = None,
) -> Sequence[tuple[Any, ...]]:
    """Ask something of traces.

    Args:
        statement: SQL over `rows_of` some traces.
        parameters: by name.
        progress: called now and then with the share that is done, 0 to 1.

    Raises:
        TraceError: a file is damaged, or DuckDB can't go on.
    """
    with (
        tempfile.TemporaryDirectory() as scratch,
        _explained(None),
        closing(_engine(Path(scratch))) as engine,
    ):
        return _run(engine, statement, parameters or {}, progress)


def _engine(scratch: Path | None = None) -> duckdb.DuckDBPyConnection:
    path = ":memory:" if scratch is None else str(scratch / "events.duckdb")
    engine = duckdb.connect(path, config={"memory_limit": MEMORY})
    engine.execute("SET enable_progress_bar = true; SET enable_progress_bar_print = false")
    return engine


def _run(
    engine: duckdb.DuckDBPyConnection,
    statement: str,
    parameters: dict[str, Any],
    progress: Progress | None,
) -> list[tuple[Any, ...]]:
    """Run a statement in a thread, so that its progress can be told and Ctrl-C ends it."""

    def work() -> list[tuple[Any, ...]]:
        return engine.execute(statement, parameters).fetchall()

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(work)
        try:
            while True:
                try:
                    return done.result(POLL_S)
                except TimeoutError:
                    if done.done():
                        raise
                    if progress is not None:
                        progress(max(0.0, engine.query_progress()) / 100)
        except BaseException:
            engine.interrupt()
            raise


@contextmanager
def _explained(path: Path | None) -> Iterator[None]:
    where = f"{path}: " if path else ""
    try:
        yield
    except duckdb.Error as error:
        raise TraceError(f"{where}{_in_short(error)}") from error
    except OSError as error:
        raise TraceError(f"{where}{error.strerror or error}") from error


def _in_short(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def _text(value: str) -> str:
    """A text as SQL writes it."""
    return "'" + value.replace("'", "''") + "'"
