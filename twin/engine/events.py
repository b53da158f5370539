"""What happens on a line, as rows of seven whole numbers, and the log that keeps them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

__all__ = ["COLUMNS", "EVENT", "EventKind", "EventLog", "Events"]

COLUMNS = ("at_us", "kind", "station", "machine", "place", "number", "value")
"""Engine time; `EventKind`; station, machine and place counted from 0 (-1: none); the part's or
failure's number; and what the kind says."""

EVENT = np.dtype([(name, "<i8") for name in COLUMNS])
"""An event as a row with named columns."""

Events = NDArray[np.void]
"""Events in the order in which they happened; shape (events,), dtype `EVENT`."""


class EventKind(IntEnum):
    """What happened. In brackets: number, value."""

    OPERATION_STARTED = 1  # (first part, drawn time in us)
    OPERATION_COMPLETED = 2  # (first part, parts that come out)
    PART_PASSED = 3  # (part, lane it went to or -1 for off the line)
    PART_SCRAPPED = 4  # (part, defects as bits)
    PART_REWORKED = 5  # (part, its next pass)
    STATE_CHANGED = 6  # (0, `Condition`)
    MACHINE_FAILED = 7  # (the failure's number, mode)
    MACHINE_REPAIRED = 8  # (the failure's number, mode)
    MATERIAL_DELIVERED = 9  # (0, material)


BLOCK_ROWS = 65_536


@dataclass(slots=True)
class EventLog:
    """Rows in the order in which they happened, and the hash of all so far.

    Args:
        keep: keep the rows for `table`; without, only the hash and the count remain.
        to: where each block of rows goes besides, as it is closed; see `flush`.
    """

    keep: bool = True
    to: Callable[[NDArray[np.int64]], None] | None = None
    _closed: int = 0
    _rows: list[tuple[int, ...]] = field(default_factory=list)
    _blocks: list[NDArray[np.int64]] = field(default_factory=list)
    _hash: hashlib.blake2b = field(default_factory=lambda: hashlib.blake2b(digest_size=16))

    @property
    def count(self) -> int:
        """How many events there were so far."""
        return self._closed + len(self._rows)

    def add(
        self, at_us: int, kind: int, station: int, machine: int, place: int, number: int, value: int
    ) -> None:
        """Put one event at the end."""
        self._rows.append((at_us, kind, station, machine, place, number, value))
        if len(self._rows) >= BLOCK_ROWS:
            self._close_block()

    def add_block(self, block: NDArray[np.int64]) -> None:
        """Put a block of events at the end; shape (events, 7), columns as in `COLUMNS`."""
        self._close_block()
        self._take(np.ascontiguousarray(block, dtype="<i8"))

    def flush(self) -> None:
        """Hand on what came one by one since the last block."""
        self._close_block()

    def _close_block(self) -> None:
        if self._rows:
            block = np.array(self._rows, dtype="<i8")
            self._rows = []
            self._take(block)

    def _take(self, block: NDArray[np.int64]) -> None:
        self._hash.update(block.tobytes())
        self._closed += len(block)
        if self.keep:
            self._blocks.append(block)
        if self.to is not None:
            self.to(block)

    def digest(self) -> str:
        """The hash (BLAKE2b, 128 bits, hexadecimal) of every row so far.

        Hashed are the rows one after the other, of each its seven numbers in the order of
        `COLUMNS`, each as eight bytes, signed, the lowest first; nothing between them, before or
        behind. So it does not depend on engine, process, machine or on how rows came in blocks.

        >>> log = EventLog()
        >>> log.add(5, EventKind.PART_PASSED, 0, 0, 0, 7, -1)
        >>> seven = np.array([5, 3, 0, 0, 0, 7, -1], dtype="<i8")
        >>> log.digest() == hashlib.blake2b(seven.tobytes(), digest_size=16).hexdigest()
        True
        """
        self._close_block()
        return self._hash.copy().hexdigest()

    def table(self) -> NDArray[np.int64]:
        """Every row so far; shape (events, 7), columns as in `COLUMNS`."""
        self._close_block()
        if not self._blocks:
            return np.empty((0, len(COLUMNS)), dtype=np.int64)
        return np.concatenate(self._blocks)

    def events(self) -> Events:
        """Every row so far, with named columns.

        >>> log = EventLog()
        >>> log.add(5, EventKind.PART_PASSED, 0, 0, 0, 7, -1)
        >>> log.events()["number"]
        array([7])
        """
        return self.table().view(EVENT)[:, 0]
