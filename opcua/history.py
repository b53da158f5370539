"""The last hour of a server's signals, for clients that ask for it (OPC 10000-11).

Kept as the bulk of changes that the tag table took in, 24 bytes a change, at most so many: where a
PLC changes more in an hour, what is oldest goes.
"""

from __future__ import annotations

import struct
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from asyncua import ua

from opcua.tag_table import Codes, Ints, Raw, TagTable

__all__ = ["History", "Stretch"]

_TICKS_A_SECOND = 10_000_000
_BLOCK = 4096
"""Changes that are joined: to look through many small batches is slow."""
_POINT = struct.Struct("<qI")

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Block:
    tags: npt.NDArray[np.int32]
    raw: Raw
    status: Codes
    ticks: Ints


@dataclass(frozen=True, slots=True)
class Stretch:
    """Values of one tag.

    Args:
        raw, status, ticks: their bits, status codes and times, in the order asked for.
        continues: where the next ones begin, for who asks on; empty: there are no more.
    """

    raw: Raw
    status: Codes
    ticks: Ints
    continues: bytes = b""


class History:
    """What a tag table took in lately.

    Args:
        table: the server's values.
        seconds: how long it is kept, by source time.
        points: how many changes are kept at most.
    """

    def __init__(self, table: TagTable, seconds: float = 3600.0, points: int = 500_000) -> None:
        self._ticks = round(seconds * _TICKS_A_SECOND)
        self._most = points
        self._blocks: deque[_Block] = deque()
        self._fresh: list[_Block] = []
        self._fresh_count = 0
        self._count = 0
        table.takers.append(self)
        self.take(np.arange(len(table.raw)), table.raw, table.status, table.ticks)

    def __len__(self) -> int:
        """How many changes are kept."""
        return self._count

    def take(self, tags: Ints, raw: Raw, status: Codes, ticks: Ints) -> None:
        """Keep what was written."""
        if not len(tags):
            return
        block = _Block(tags.astype(np.int32), raw.copy(), status.copy(), ticks.copy())
        self._fresh.append(block)
        self._fresh_count += len(tags)
        self._count += len(tags)
        if self._fresh_count >= _BLOCK:
            self._blocks.append(_joined(self._fresh))
            self._fresh, self._fresh_count = [], 0
            self._forget(int(ticks.max()) - self._ticks)

    def take_odd(self, tag: int, value: ua.DataValue) -> None:
        """Leave out what a fault shows that the variable could not hold."""

    def _forget(self, before: int) -> None:
        while self._blocks and (
            self._count > self._most or int(self._blocks[0].ticks.max()) < before
        ):
            self._count -= len(self._blocks.popleft().tags)

    def read(
        self, tag: int, start: int, end: int, most: int, after: bytes = b"", *, bounds: bool = False
    ) -> Stretch:
        """Read the values of a tag from one time to another, or backwards.

        Args:
            tag: its place in the table.
            start, end: ticks; the start belongs to it, the end does not. 0: open on that side.
            most: so many at once, greater than 0.
            after: where an earlier answer broke off.
            bounds: also the value before the first, and the one at or after the end.

        Raises:
            ValueError: `after` is none of ours.
        """
        raw, status, ticks = self._of(tag)
        backwards = (start == 0 and end != 0) or (end != 0 and start > end)
        if backwards:
            raw, status, ticks = raw[::-1], status[::-1], ticks[::-1]
        begun: Flags = np.ones(len(ticks), np.bool_)
        over: Flags = np.zeros(len(ticks), np.bool_)
        if backwards:
            # Without a start, the end is where it begins.
            begin, stop = (start, end) if start else (end, 0)
            begun = ticks <= begin
            over = ticks <= stop if stop else over
        else:
            begun = ticks >= start
            over = ticks >= end if end and end != start else over
            if end and end == start:
                over = ticks > end
        first = int(np.argmax(begun)) if begun.any() else len(ticks)
        last = int(np.argmax(over)) if over.any() else len(ticks)
        if bounds:
            first, last = max(0, first - 1), min(len(ticks), last + 1)
        if after:
            first += self._skipped(after, ticks[first:last], backwards=backwards)
        stop = min(last, first + most)
        chosen = slice(first, stop)
        continues = b""
        if stop < last:
            at = int(ticks[stop])
            continues = _POINT.pack(at, int((ticks[first:stop] == at).sum()))
        return Stretch(raw[chosen], status[chosen], ticks[chosen], continues)

    @staticmethod
    def _skipped(after: bytes, ticks: Ints, *, backwards: bool) -> int:
        """How many of some values an earlier answer had already."""
        try:
            at, same = _POINT.unpack(after)
        except struct.error as error:
            raise ValueError("no continuation point") from error
        earlier = ticks > at if backwards else ticks < at
        return int(earlier.sum()) + int(same)

    def _of(self, tag: int) -> tuple[Raw, Codes, Ints]:
        blocks = [*self._blocks, *([_joined(self._fresh)] if self._fresh else [])]
        places = [np.flatnonzero(block.tags == tag) for block in blocks]
        if not blocks:
            return np.empty(0, np.uint64), np.empty(0, np.uint32), np.empty(0, np.int64)

        def of(name: str) -> npt.NDArray[Any]:
            pairs = zip(blocks, places, strict=True)
            return np.concatenate([getattr(block, name)[place] for block, place in pairs])

        ticks = of("ticks")
        # A fault may have shown values late.
        order = np.argsort(ticks, kind="stable")
        return of("raw")[order], of("status")[order], ticks[order]


def _joined(blocks: list[_Block]) -> _Block:
    if len(blocks) == 1:
        return blocks[0]
    return _Block(
        np.concatenate([block.tags for block in blocks]),
        np.concatenate([block.raw for block in blocks]),
        np.concatenate([block.status for block in blocks]),
        np.concatenate([block.ticks for block in blocks]),
    )
