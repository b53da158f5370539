"""The compiled engine from Python: the same face as `SimpyEngine`, hundreds of times faster."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.engine.counters import Counters
from twin.engine.deliveries import delivered_micros
from twin.engine.events import COLUMNS
from twin.engine.kernel_library import LOG_IS_FULL, OUT_OF_MEMORY, STOPPED, kernel_library
from twin.engine.kernel_rows import buffer_size, unpack
from twin.engine.kernel_start import KernelStart
from twin.engine.kernel_stop import stop_plan
from twin.engine.line_mark import line_mark
from twin.engine.snapshot import Snapshot, snapshot_of
from twin.engine.stops import Stop
from twin.errors import EngineError
from twin.model.line import Line

__all__ = ["KernelEngine", "kernel_library"]

OnEvents = Callable[[NDArray[np.int64]], None]
FOREVER = 1 << 62
EVENTS_AT_ONCE = 200_000


class KernelEngine:
    """A line that runs in the compiled engine.

    Args:
        line: a checked line.
        seed, replication: with them every draw is fixed.
        start_us: engine time at which the empty line starts; from a Monday 00:00.
        on_events: takes blocks of events, int64 (n, 7), columns as `twin.engine.events.COLUMNS`;
            None: no event is recorded, which is faster.
        library: the compiled kernel; None: the installed one.
        start, anew: a line at rest to begin from; rather call `from_start`.
        taken: the library's own engine to take over, in place of a new one; rather call `fork`.

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
        start: KernelStart | None = None,
        anew: bool = False,
        taken: int | None = None,
    ) -> None:
        self._start = start or KernelStart.empty(line, start_us, library)
        self._library, self._on_events = self._start.library, on_events
        self.line, self.start_us = line, self._start.start_us
        self.seed, self.replication = seed, replication
        self._engine = taken or self._start.begin(
            seed, replication, anew=anew, logging=on_events is not None
        )

    @classmethod
    def from_start(
        cls,
        start: KernelStart,
        *,
        seed: int = 1,
        replication: int | None = None,
        anew: bool = False,
        on_events: OnEvents | None = None,
    ) -> KernelEngine:
        """One more engine that begins where others have begun.

        Args:
            start: a line at rest.
            seed: of an empty line's draws; a snapshot brings its own.
            replication: of the draws from here on; None: 0, or the snapshot's, and then the events
                are those of the run that it was taken from. What was drawn before stays drawn.
            anew: whether what is left of all that goes on is the replication's own too.
            on_events: as for a new engine.

        Raises:
            EngineError: there is no memory for it.
        """
        snapshot = start.snapshot
        seed = seed if snapshot is None else snapshot.seed
        if replication is None:
            replication = 0 if snapshot is None else snapshot.replication
        return cls(
            start.line,
            seed=seed,
            replication=replication,
            on_events=on_events,
            start=start,
            anew=anew,
        )

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
            replication: as for `from_start`.
            on_events, library: as for a new engine.

        Raises:
            EngineError: the snapshot is of another line or version, or contradicts itself.
        """
        start = KernelStart.of_snapshot(line, snapshot, library)
        return cls.from_start(start, replication=replication, on_events=on_events)

    def snapshot(self) -> Snapshot:
        """The state of the line now, once everything up to and at now has happened."""
        self.advance(self.now_us)
        parts = int(self._library.linetwin_parts(self._engine))
        words = np.empty(buffer_size(self._start.program, parts), dtype=np.int64)
        self._library.linetwin_save(self._engine, words.ctypes.data)
        self._start.mark = self._start.mark or line_mark(self.line)
        return snapshot_of(
            self._start.mark,
            self.seed,
            self.replication,
            self.start_us,
            self.now_us,
            unpack(self._start.program, words, parts),
        )

    def fork(self, *, on_events: OnEvents | None = None) -> KernelEngine:
        """A second engine in the same state, in memory of its own; a snapshot without the value.

        Args:
            on_events: where the fork's events go; None: nowhere.

        Raises:
            EngineError: there is no memory for it.
        """
        self.advance(self.now_us)

        copy = self._library.linetwin_fork(self._engine, on_events is not None)
        if not copy:
            raise EngineError(f"no memory for line {self.line.id} in the compiled engine")
        return type(self)(
            self.line,
            seed=self.seed,
            replication=self.replication,
            on_events=on_events,
            start=self._start,
            taken=copy,
        )

    def __del__(self) -> None:
        engine = getattr(self, "_engine", None)
        if engine:
            self._engine = 0
            self._library.linetwin_close(engine)

    @property
    def now_us(self) -> int:
        """How far it has run; engine time."""
        return int(self._library.linetwin_now(self._engine))

    def advance(self, to_us: int, stop: Stop | None = None) -> bool:
        """Run on until everything up to and at an instant has happened, or right up to the event
        that brings a condition about.

        Args:
            to_us: engine time, not before now.
            stop: what to stop at; where it holds already, nothing happens. None: nothing.

        Returns:
            Whether the condition holds.

        Raises:
            EngineError: the instant has passed or is no instant, there is no more memory, or the
                line has nothing such to stop at.
        """
        if to_us < self.now_us:
            raise EngineError(f"can't run back from {self.now_us} us to {to_us} us")
        if to_us >= FOREVER:
            raise EngineError(f"can't run to {to_us} us: time ends before {FOREVER} us")
        plan = None if stop is None else stop_plan(self.line, stop)
        while True:
            outcome: int = self._library.linetwin_advance(self._engine, to_us, EVENTS_AT_ONCE, plan)
            self._hand_on_events()
            if outcome == OUT_OF_MEMORY:
                raise EngineError(f"no memory for line {self.line.id} in the compiled engine")
            if outcome != LOG_IS_FULL:
                return outcome == STOPPED

    def deliver(self, material: str, amount: float) -> None:
        """Bring material to its store now (rule S42); see `SimpyEngine.deliver`.

        Raises:
            EngineError: as there; or the library was built from sources without this.
        """
        row, micros = delivered_micros(self.line, material, amount)
        try:
            bring = self._library.linetwin_deliver
        except AttributeError:
            raise EngineError(
                "the compiled engine is too old to take deliveries; build it anew"
            ) from None
        self.advance(self.now_us)
        bring.restype, bring.argtypes = ctypes.c_int, [ctypes.c_void_p, *(ctypes.c_int64,) * 2]
        if bring(self._engine, row, micros) == OUT_OF_MEMORY:
            raise EngineError(f"no memory for line {self.line.id} in the compiled engine")
        self._hand_on_events()

    def _hand_on_events(self) -> None:
        if self._on_events is None:
            return
        count = ctypes.c_int64()
        address = self._library.linetwin_take_log(self._engine, ctypes.byref(count))
        if count.value:
            block = _view(address, count.value, len(COLUMNS)).copy()
            self._on_events(block)

    def counters(self) -> Counters:
        """What has been counted since the start, up to now."""
        reading = self._start.reading
        words = np.empty(reading.words, dtype=np.int64)
        self._library.linetwin_count(self._engine, words.ctypes.data)
        count = ctypes.c_int64()
        address = self._library.linetwin_hourly(self._engine, ctypes.byref(count))
        hourly = _view(address, count.value, 1).copy()
        return reading.counters(words, hourly, self.now_us - self.start_us)


def _view(address: int | None, rows: int, columns: int) -> NDArray[np.int64]:
    if not address or not rows:
        return np.empty((0, columns), dtype=np.int64)
    buffer: Any = (ctypes.c_int64 * (rows * columns)).from_address(address)
    return np.frombuffer(buffer, dtype=np.int64).reshape(rows, columns)
