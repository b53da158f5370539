"""The compiled engine from Python: the same face as `SimpyEngine`, hundreds of times faster."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.engine.counters import Counters
from twin.engine.events import COLUMNS
from twin.engine.program import LAYOUT, Program, lower
from twin.errors import EngineError
from twin.model.line import Line
from twin.model.status import Condition

__all__ = ["KernelEngine", "kernel_library", "load_kernel"]

FOREVER = 1 << 62
EVENTS_AT_ONCE = 200_000
OK, OUT_OF_MEMORY, LOG_IS_FULL, COUNT_REACHED, TOO_FAR = range(5)


def _row(text: str) -> np.dtype[np.void]:
    """A struct of the kernel's: names in order; int64 or a pointer, or as what follows a colon."""
    fields = [(name, kind or "i8") for name, _, kind in (w.partition(":") for w in text.split())]
    return np.dtype(fields, align=True)


_KINDS = len(Condition)
STATE = {
    "stations": _row("plan quantiles constant_us started completed closed"),
    "machines": _row(
        "station down service services_due worked_us next_strike "
        "consumed good defective reworked failures cycle_time_us occupied "
        f"leaf inner places places_count counts:{_KINDS}i8 time_us:{_KINDS}i8 "
        "plan modes clock_us clock_since clock_runs crew_next"
    ),
    "places": _row(
        "machine group condition:i4 pending:i4 loaded:i4 waits_for_load:i4 "
        "rework_pass:i4 redone:i4 drawn_us left_us started_us resumed_us lead operation since_us "
        "out parts:3i8 made:3i8 turn previous next outlet"
    ),
}
"""The rows of the kernel's state that are read here, as its structs have them."""


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
        "linetwin_advance": (ctypes.c_int, [pointer, i64, i64, i64]),
        "linetwin_state": (pointer, [pointer, text, out, out]),
        "linetwin_take_log": (pointer, [pointer, out]),
        "linetwin_now": (i64, [pointer]),
        "linetwin_plan_row": (i64, [text]),
        "linetwin_state_row": (i64, [text]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    rows = [(library.linetwin_plan_row, name, 8 * len(LAYOUT[name])) for name in LAYOUT]
    rows += [(library.linetwin_state_row, name, STATE[name].itemsize) for name in STATE]
    for row_bytes, name, expected in rows:
        if row_bytes(name.encode()) != expected:
            raise EngineError(f"{path} has another layout of {name}; build the kernel anew")
    return library


class KernelEngine:
    """A line that runs in the compiled engine.

    Args:
        line: a checked line.
        seed, replication: with them every draw is fixed.
        start_us: engine time at which the empty line starts; from a Monday 00:00.
        on_events: takes blocks of events, int64 (n, 7), columns as `twin.engine.events.COLUMNS`;
            None: no event is recorded, which is faster.
        library: the compiled kernel; None: the installed one.

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
        on_events: Callable[[NDArray[np.int64]], None] | None = None,
        library: Path | None = None,
    ) -> None:
        self.line = line
        self.start_us = start_us
        path = library or kernel_library()
        if path is None:
            raise EngineError(
                "the compiled engine is not installed; install linetwin where there is a C "
                "compiler or the package ziglang, or use the engine simpy"
            )
        self._library = load_kernel(path)
        self._program = lower(line, seed, replication)
        self._on_events = on_events
        self._engine = self._library.linetwin_open(
            ctypes.byref(_as_struct(self._program)), start_us, on_events is not None
        )
        if not self._engine:
            raise EngineError(f"no memory for line {line.id} in the compiled engine")

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
            EngineError: the instant has passed or is too far off, or there is no more memory.
        """
        if to_us < self.now_us:
            raise EngineError(f"can't run back from {self.now_us} us to {to_us} us")
        while True:
            outcome = self._library.linetwin_advance(
                self._engine, to_us, most_operations, EVENTS_AT_ONCE
            )
            self._hand_on_events()
            if outcome == OUT_OF_MEMORY:
                raise EngineError(f"no memory for line {self.line.id} in the compiled engine")
            if outcome == TOO_FAR:
                raise EngineError(
                    f"the compiled engine can't run line {self.line.id} beyond {self.now_us} us"
                )
            if outcome != LOG_IS_FULL:
                return

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
        machines, stations = self._state("machines"), self._state("stations")
        places = self._state("places")
        station_of = self._program.tables["machines"][:, 0]
        machine_of = self._program.tables["places"][:, 0]
        times = machines["time_us"].copy()
        np.add.at(times, (machine_of, places["condition"]), self.now_us - places["since_us"])

        def by_station(values: NDArray[np.int64]) -> NDArray[np.int64]:
            total = np.zeros((len(stations), *values.shape[1:]), dtype=np.int64)
            np.add.at(total, station_of, values)
            return total

        return Counters(
            span_us=self.now_us - self.start_us,
            started=stations["started"].copy(),
            completed=stations["completed"].copy(),
            consumed=by_station(machines["consumed"]),
            good=by_station(machines["good"]),
            defective=by_station(machines["defective"]),
            reworked=by_station(machines["reworked"]),
            failures=by_station(machines["failures"]),
            time_us=by_station(times),
        )


def _view(address: int | None, rows: int, columns: int) -> NDArray[np.int64]:
    if not address or not rows:
        return np.empty((0, columns), dtype=np.int64)
    buffer: Any = (ctypes.c_int64 * (rows * columns)).from_address(address)
    return np.frombuffer(buffer, dtype=np.int64).reshape(rows, columns)


def _as_struct(program: Program) -> _Program:
    struct = _Program()
    for name, table in program.tables.items():
        setattr(struct, name, _Table(table.ctypes.data, len(table)))
    return struct
