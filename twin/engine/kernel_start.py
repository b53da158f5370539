"""Where runs of the compiled engine begin: a line at rest, worked out and checked once.

Each run is a copy of its memory with keys of its own, so that opening one more costs a fraction of
a millisecond whatever the line.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from twin.engine.draws import run_text
from twin.engine.kernel_counters import KernelReading
from twin.engine.kernel_library import as_struct, kernel_library, load_kernel
from twin.engine.kernel_rows import kernel_place_of, pack
from twin.engine.line_mark import LineMark, line_mark
from twin.engine.program import Program, lower
from twin.engine.redraw import WORK, Redraw
from twin.engine.snapshot import Snapshot
from twin.engine.snapshot_check import checked_tables
from twin.errors import EngineError
from twin.model.line import Line

__all__ = ["KernelStart"]

Ints = NDArray[np.int64]
MOST_OF_A_NAME = 128
"""Bytes that the kernel has for a run's seed and replication."""


class KernelStart:
    """A line at rest in the compiled engine, empty or in the state of a snapshot.

    Args:
        line: a checked line.
        program: the line, lowered; or another one, which is checked.
        put: has the library put the line at rest.
        start_us: engine time at which its runs count from.
        snapshot: the state that it is in; None: empty.
        mark: of the line, if it has been worked out.
        library: the compiled kernel; None: the installed one.

    Raises:
        EngineError: no kernel is installed, the program contradicts itself, or there is no memory.
    """

    def __init__(
        self,
        line: Line,
        program: Program,
        put: Callable[[ctypes.CDLL, ctypes._Pointer[ctypes.Structure]], int | None],
        *,
        start_us: int,
        snapshot: Snapshot | None = None,
        mark: LineMark | None = None,
        library: Path | None = None,
    ) -> None:
        path = library or kernel_library()
        if path is None:
            raise EngineError(
                "the compiled engine is not installed; install linetwin where there is a C "
                "compiler or the package ziglang, or use the engine simpy"
            )
        self.line, self.program, self.start_us = line, program, start_us
        self.snapshot, self.mark = snapshot, mark
        self.library = load_kernel(path)
        self.reading = KernelReading.of(line)
        self._redraw: Redraw | None = None
        self._engine = put(self.library, ctypes.pointer(as_struct(program)))
        if not self._engine:
            raise EngineError(f"no memory for line {line.id} in the compiled engine")
        if self.library.linetwin_counted(self._engine) != self.reading.words:
            raise EngineError(f"the program is not of line {line.id}")

    @classmethod
    def empty(cls, line: Line, start_us: int = 0, library: Path | None = None) -> KernelStart:
        """An empty line, everything up.

        Args:
            line: a checked line.
            start_us: engine time; from a Monday 00:00.
            library: as for the class.

        Raises:
            EngineError: no kernel is installed, or there is no memory for the line.
        """
        return cls(
            line,
            lower(line),
            lambda kernel, program: kernel.linetwin_empty(program, start_us),
            start_us=start_us,
            library=library,
        )

    @classmethod
    def of_snapshot(
        cls, line: Line, snapshot: Snapshot, library: Path | None = None
    ) -> KernelStart:
        """A line in the state of a snapshot, whichever engine took it.

        Args:
            line: the line that the snapshot is of.
            snapshot: from where.
            library: as for the class.

        Raises:
            EngineError: the snapshot is of another line or version, or contradicts itself; or as
                for `empty`.
        """
        mark = line_mark(line)
        tables = checked_tables(line, mark, snapshot)
        program = lower(line)
        words, parts = pack(program, tables), len(tables["parts"])
        return cls(
            line,
            program,
            lambda kernel, plan: kernel.linetwin_load(
                plan,
                words.ctypes.data,
                parts,
                snapshot.began_us,
                snapshot.at_us,
                snapshot.settled,
            ),
            start_us=snapshot.began_us,
            snapshot=snapshot,
            mark=mark,
            library=library,
        )

    def __del__(self) -> None:
        engine = getattr(self, "_engine", None)
        if engine:
            self._engine = None
            self.library.linetwin_close(engine)

    def begin(self, seed: int, replication: int, *, anew: bool, logging: bool) -> int:
        """Have the library begin a run.

        Args:
            seed, replication: of its draws.
            anew: whether what is left of all that goes on is drawn anew (see `redrawn`).
            logging: whether events are kept.

        Returns:
            The kernel's engine, which the caller closes.

        Raises:
            EngineError: there is no memory for it, or a number is absurdly long.
        """
        name = run_text(seed, replication).encode()
        if len(name) > MOST_OF_A_NAME:
            raise EngineError(f"seed or replication is too long: {seed}, {replication}")
        rows = self._anew(replication) if anew else np.empty((0, 4), dtype=np.int64)
        engine: int | None = self.library.linetwin_begin(
            self._engine, name, len(name), rows.ctypes.data, len(rows), logging
        )
        if not engine:
            raise EngineError(f"no memory for line {self.line.id} in the compiled engine")
        return engine

    def _anew(self, replication: int) -> Ints:
        if self.snapshot is None:
            raise EngineError("an empty line has nothing that goes on")
        if self._redraw is None:
            self._redraw = Redraw.of(self.line, self.snapshot)
        redraw = self._redraw
        rows = np.empty((len(redraw.what), 4), dtype=np.int64)
        left = redraw.left_us(replication)
        rows[:, 0], rows[:, 1] = redraw.what, redraw.row
        rows[:, 2], rows[:, 3] = redraw.from_us + left, redraw.elapsed_us + left
        places = redraw.what == WORK
        rows[places, 1] = kernel_place_of(self.program)[redraw.row[places]]
        return rows
