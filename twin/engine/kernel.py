"""The compiled engine from Python: the same face as `SimpyEngine`, hundreds of times faster."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.engine.counters import Counters
from twin.engine.events import COLUMNS
from twin.engine.kernel_counters import STATE, KernelReading, place_times
from twin.engine.kernel_rows import buffer_size, pack, saved_fields, unpack
from twin.engine.kernel_stop import StopPlan, stop_plan
from twin.engine.line_mark import LineMark, line_mark
from twin.engine.program import LAYOUT, Program, lower
from twin.engine.program_check import check_program
from twin.engine.snapshot import Snapshot, snapshot_of
from twin.engine.snapshot_check import checked_tables
from twin.engine.stops import Stop
from twin.errors import EngineError
from twin.model.line import Line

__all__ = ["KernelEngine", "Origin", "kernel_library", "load_kernel"]

OnEvents = Callable[[NDArray[np.int64]], None]
FOREVER = 1 << 62
EVENTS_AT_ONCE = 200_000
OK, OUT_OF_MEMORY, LOG_IS_FULL, COUNT_REACHED, STOPPED = range(5)


def kernel_library() -> Path | None:
    """Where the compiled engine is installed; None if it is not."""
    beside = [Path(__file__).with_name(name) for name in ("libkernel.so", "libkernel.dll")]
    return next((path for path in beside if path.exists()), None)


class _Table(ctypes.Structure):
    _fields_ = [("rows", ctypes.c_void_p), ("count", ctypes.c_int64)]


class _Program(ctypes.Structure):
    _fields_ = [(name, _Table) for name in LAYOUT]


@lru_cache(maxsize=4)
def load_kernel(path: Path) -> ctypes.CDLL:
    """Load the kernel's library and check that it means the same tables as `program.py`.

    Raises:
        EngineError: the library was built from other sources.
    """
    library = ctypes.CDLL(str(path))
    i64, pointer, text = ctypes.c_int64, ctypes.c_void_p, ctypes.c_char_p
    out = ctypes.POINTER(ctypes.c_int64)
    signatures: dict[str, tuple[Any, list[Any]]] = {
        "linetwin_open": (pointer, [ctypes.POINTER(_Program), i64, ctypes.c_int]),
        "linetwin_close": (None, [pointer]),
        "linetwin_advance": (ctypes.c_int, [pointer, i64, i64, i64, ctypes.POINTER(StopPlan)]),
        "linetwin_state": (pointer, [pointer, text, out, out]),
        "linetwin_take_log": (pointer, [pointer, out]),
        "linetwin_hourly": (pointer, [pointer, out]),
        "linetwin_now": (i64, [pointer]),
        "linetwin_plan_row": (i64, [text]),
        "linetwin_state_row": (i64, [text]),
        "linetwin_saved_fields": (text, []),
        "linetwin_fork": (pointer, [pointer, ctypes.c_int]),
        "linetwin_parts": (i64, [pointer]),
        "linetwin_save": (None, [pointer, pointer]),
        "linetwin_restore": (
            pointer,
            [ctypes.POINTER(_Program), pointer, i64, i64, i64, ctypes.c_int, ctypes.c_int],
        ),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    rows = [(library.linetwin_plan_row, name, 8 * len(LAYOUT[name])) for name in LAYOUT]
    rows += [(library.linetwin_state_row, name, STATE[name].itemsize) for name in STATE]
    for row_bytes, name, expected in rows:
        if row_bytes(name.encode()) != expected:
            raise EngineError(f"{path} has another layout of {name}; build the kernel anew")
    if library.linetwin_saved_fields().decode() != saved_fields():
        raise EngineError(f"{path} has another layout of snapshots; build the kernel anew")
    return library


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """What an engine goes on from, in place of an empty line.

    Args:
        program: of the line and its draws.
        mark: of the line, if it has been worked out.
        open: has the library make the engine; told whether to log.
        began: where the places' time had gone when counting by cause began; None: nowhere.
        reading: of the line's counters, if it has been worked out.
    """

    program: Program
    mark: LineMark | None
    open: Callable[[ctypes.CDLL, bool], int | None]
    began: NDArray[np.int64] | None = None
    reading: KernelReading | None = None


class KernelEngine:
    """A line that runs in the compiled engine.

    Args:
        line: a checked line.
        seed, replication: with them every draw is fixed.
        start_us: engine time at which the empty line starts; from a Monday 00:00.
        on_events: takes blocks of events, int64 (n, 7), columns as `twin.engine.events.COLUMNS`;
            None: no event is recorded, which is faster.
        library: the compiled kernel; None: the installed one.
        start: what to go on from, in place of an empty line; rather call `from_snapshot`.

    Raises:
        EngineError: no kernel is installed, or there is no memory for the line.
    """

    def __init__(
        self,
        line: Line,
        *,
        seed: int = 1,
        replication: int = 0,
        start_us: int = 0,
        on_events: OnEvents | None = None,
        library: Path | None = None,
        start: Origin | None = None,
    ) -> None:
        self.line = line
        self.seed = seed
        self.replication = replication
        self.start_us = start_us
        self._on_events = on_events
        path = library or kernel_library()
        if path is None:
            raise EngineError(
                "the compiled engine is not installed; install linetwin where there is a C "
                "compiler or the package ziglang, or use the engine simpy"
            )
        self._path = path
        self._library = load_kernel(path)
        self._mark = None if start is None else start.mark
        self._began = None if start is None else start.began
        self._reading = None if start is None else start.reading
        self._program = lower(line, seed, replication) if start is None else start.program
        logging = on_events is not None
        if start is None:
            program = ctypes.byref(_as_struct(self._program))
            self._engine = self._library.linetwin_open(program, start_us, logging)
        else:
            self._engine = start.open(self._library, logging)
        if not self._engine:
            raise EngineError(f"no memory for line {line.id} in the compiled engine")

    @classmethod
    def from_snapshot(
        cls,
        line: Line,
        snapshot: Snapshot,
        *,
        replication: int | None = None,
        on_events: OnEvents | None = None,
        library: Path | None = None,
    ) -> KernelEngine:
        """An engine that goes on from a snapshot, whichever engine took it.

        Args:
            line: the line that the snapshot is of.
            snapshot: from where.
            replication: of the draws from here on; None: the snapshot's, and then the events are
                those of the run that it was taken from. What was drawn before stays drawn.
            on_events, library: as for a new engine.

        Raises:
            EngineError: the snapshot is of another line or version, or contradicts itself.
        """
        mark = line_mark(line)
        tables = checked_tables(line, mark, snapshot)
        again = snapshot.replication if replication is None else replication
        program = lower(line, snapshot.seed, again)
        words, parts = pack(program, tables), len(tables["parts"])

        def restore(kernel: ctypes.CDLL, logging: bool) -> int | None:
            pointer: int | None = kernel.linetwin_restore(
                ctypes.byref(_as_struct(program)),
                words.ctypes.data,
                parts,
                snapshot.began_us,
                snapshot.at_us,
                snapshot.settled,
                logging,
            )
            return pointer

        return cls(
            line,
            seed=snapshot.seed,
            replication=again,
            start_us=snapshot.began_us,
            on_events=on_events,
            library=library,
            start=Origin(program, mark, restore, place_times(program, tables, snapshot.at_us)),
        )

    def snapshot(self) -> Snapshot:
        """The state of the line now, once everything up to and at now has happened."""
        self.advance(self.now_us)
        parts = int(self._library.linetwin_parts(self._engine))
        words = np.empty(buffer_size(self._program, parts), dtype=np.int64)
        self._library.linetwin_save(self._engine, words.ctypes.data)
        self._mark = self._mark or line_mark(self.line)
        return snapshot_of(
            self._mark,
            self.seed,
            self.replication,
            self.start_us,
            self.now_us,
            unpack(self._program, words, parts),
        )

    def fork(self, *, on_events: OnEvents | None = None) -> KernelEngine:
        """A second engine in the same state, in memory of its own; a snapshot without the value.

        Args:
            on_events: where the fork's events go; None: nowhere.

        Raises:
            EngineError: there is no memory for it.
        """
        self.advance(self.now_us)

        def copy(kernel: ctypes.CDLL, logging: bool) -> int | None:
            pointer: int | None = kernel.linetwin_fork(self._engine, logging)
            return pointer

        return type(self)(
            self.line,
            seed=self.seed,
            replication=self.replication,
            start_us=self.start_us,
            on_events=on_events,
            library=self._path,
            start=Origin(self._program, self._mark, copy, self._began, self._reading),
        )

    def __del__(self) -> None:
        engine = getattr(self, "_engine", None)
        if engine:
            self._engine = None
            self._library.linetwin_close(engine)

    @property
    def now_us(self) -> int:
        """How far it has run; engine time."""
        return int(self._library.linetwin_now(self._engine))

    def advance(self, to_us: int, most_operations: int = FOREVER) -> None:
        """Run on until everything up to and at an instant has happened.

        Args:
            to_us: engine time, not before now.
            most_operations: stop earlier, when so many operations have been completed.

        Raises:
            EngineError: the instant has passed or is no instant, or there is no more memory.
        """
        self._run(to_us, most_operations, None)

    def advance_until(self, to_us: int, stop: Stop) -> bool:
        """Run on as `advance` does, or right up to the event that brings a condition about.

        Args:
            to_us: engine time, not before now.
            stop: what to stop at; where it holds already, nothing happens.

        Returns:
            Whether the condition holds.

        Raises:
            EngineError: as for `advance`, or the line has nothing such to stop at.
        """
        return self._run(to_us, FOREVER, stop_plan(self.line, stop)) == STOPPED

    def _run(self, to_us: int, most_operations: int, stop: StopPlan | None) -> int:
        if to_us < self.now_us:
            raise EngineError(f"can't run back from {self.now_us} us to {to_us} us")
        if to_us >= FOREVER:
            raise EngineError(f"can't run to {to_us} us: time ends before {FOREVER} us")
        while True:
            outcome: int = self._library.linetwin_advance(
                self._engine, to_us, most_operations, EVENTS_AT_ONCE, stop
            )
            self._hand_on_events()
            if outcome == OUT_OF_MEMORY:
                raise EngineError(f"no memory for line {self.line.id} in the compiled engine")
            if outcome != LOG_IS_FULL:
                return outcome

    def _hand_on_events(self) -> None:
        if self._on_events is None:
            return
        count = ctypes.c_int64()
        address = self._library.linetwin_take_log(self._engine, ctypes.byref(count))
        if count.value:
            block = _view(address, count.value, len(COLUMNS)).copy()
            self._on_events(block)

    def _state(self, name: str) -> NDArray[np.void]:
        count, row_bytes = ctypes.c_int64(), ctypes.c_int64()
        address = self._library.linetwin_state(
            self._engine, name.encode(), ctypes.byref(count), ctypes.byref(row_bytes)
        )
        return _view(address, count.value, row_bytes.value // 8).view(STATE[name])[:, 0]

    def counters(self) -> Counters:
        """What has been counted since the start, up to now."""
        self._reading = self._reading or KernelReading.of(self.line, self._program)
        count = ctypes.c_int64()
        address = self._library.linetwin_hourly(self._engine, ctypes.byref(count))
        hourly = _view(address, count.value, 1).copy()
        span_us = self.now_us - self.start_us
        return self._reading.counters(self._state, hourly, self._began, span_us, self.now_us)


def _view(address: int | None, rows: int, columns: int) -> NDArray[np.int64]:
    if not address or not rows:
        return np.empty((0, columns), dtype=np.int64)
    buffer: Any = (ctypes.c_int64 * (rows * columns)).from_address(address)
    return np.frombuffer(buffer, dtype=np.int64).reshape(rows, columns)


def _as_struct(program: Program) -> _Program:
    check_program(program)
    struct = _Program()
    for name, table in program.tables.items():
        setattr(struct, name, _Table(table.ctypes.data, len(table)))
    return struct
