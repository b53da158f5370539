"""What happens on a line, as rows of seven whole numbers, and the log that keeps them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

__all__ = ["COLUMNS", "EventKind", "EventLog"]

COLUMNS = ("at_us", "kind", "station", "machine", "place", "number", "value")
"""Engine time; `EventKind`; station, machine and place counted from 0 (-1: none); the part's or
failure's number; and what the kind says."""


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
    """

    keep: bool = True
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
        rows = np.ascontiguousarray(block, dtype="<i8")
        self._hash.update(rows.tobytes())
        self._closed += len(rows)
        if self.keep:
            self._blocks.append(rows)

    def _close_block(self) -> None:
        if not self._rows:
            return
        block = np.array(self._rows, dtype="<i8")
        self._hash.update(block.tobytes())
        self._closed += len(block)
        self._rows = []
        if self.keep:
            self._blocks.append(block)

    def digest(self) -> str:
        """The hash (BLAKE2b, 128 bits, hexadecimal) of every row so far, as little-endian int64."""
        self._close_block()
        return self._hash.copy().hexdigest()

    def table(self) -> NDArray[np.int64]:
        """Every row so far; shape (events, 7), columns as in `COLUMNS`."""
        self._close_block()
        if not self._blocks:
            return np.empty((0, len(COLUMNS)), dtype=np.int64)
        return np.concatenate(self._blocks)
