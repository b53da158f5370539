"""What a plant did, as a value: points in the order of time, played again from any instant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.errors import UsageError
from twin.historian.port import History, Quality
from twin.model.line import Line
from twin.signals import Tag, Value, ValueType, tags

__all__ = ["Played", "RecordedPoints"]

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Played:
    """What a signal was at an instant."""

    value: Value
    quality: Quality


class RecordedPoints:
    """The points of a line's signals, microseconds from the first one on.

    Args:
        line: whose signals.
        history: of it; points of signals that the line has not are left out and counted.

    Raises:
        UsageError: there is no point of a signal of the line.
    """

    def __init__(self, line: Line, history: History) -> None:
        known = {tag.key: tag for tag in tags(line)}
        found: list[Tag | None] = [
            known.get((each.unit, each.signal)) if each.line == line.id else None
            for each in history.series
        ]
        self._tags = found
        mine = np.array([tag is not None for tag in found], np.bool_)
        keep = mine[history.series_index] if len(history) else np.empty(0, np.bool_)
        self.left_out = int(len(keep) - keep.sum())
        if not keep.any():
            raise UsageError(f"the recording must have points of signals of {line.id}, it has none")
        at_us, which = history.at_us[keep], history.series_index[keep]
        order = np.lexsort((which, at_us))
        self._at_us: NDArray[np.int64] = at_us[order] - at_us.min()
        self._which: NDArray[np.int64] = which[order]
        self._value: NDArray[np.float64] = history.value[keep][order]
        self._quality: NDArray[np.uint8] = history.quality[keep][order]

    @property
    def length_us(self) -> int:
        """From the first point to the last."""
        return int(self._at_us[-1])

    @property
    def period_us(self) -> int:
        """Length of a loop: after the last point it takes as long as it usually did to the next."""
        instants = len(np.unique(self._at_us))
        return self.length_us + max(1, self.length_us // max(1, instants - 1))

    @property
    def signals(self) -> int:
        """How many signals have points."""
        return len(np.unique(self._which))

    def between(
        self, after_us: int, to_us: int, *, loop: bool
    ) -> Iterator[tuple[int, dict[Key, Played]]]:
        """Play a stretch.

        Args:
            after_us, to_us: from the first point on; what is at `after_us` is not in it, what is at
                `to_us` is. -1 for all from the beginning.
            loop: whether it begins again after `period_us`, for ever.

        Yields:
            Instants in order, each with what was recorded at it, by (unit, signal).
        """
        if not loop:
            yield from self._once(after_us, to_us, 0)
            return
        period = self.period_us
        first, last = max(0, after_us) // period, to_us // period
        for number in range(first, last + 1):
            start = number * period
            yield from self._once(after_us - start, to_us - start, start)

    def _once(
        self, after_us: int, to_us: int, start_us: int
    ) -> Iterator[tuple[int, dict[Key, Played]]]:
        low, high = np.searchsorted(self._at_us, (after_us, to_us), "right").tolist()
        instants, begins = np.unique(self._at_us[low:high], return_index=True)
        ends = np.append(begins[1:], high - low)[: len(begins)].tolist()
        for at_us, begin, end in zip(instants.tolist(), begins.tolist(), ends, strict=True):
            yield start_us + at_us, dict(map(self._point, range(low + begin, low + end)))

    def _point(self, i: int) -> tuple[Key, Played]:
        tag = self._tags[int(self._which[i])]
        assert tag is not None  # noqa: S101 - others have been left out
        return tag.key, Played(
            _typed(float(self._value[i]), tag.signal.value_type), Quality(int(self._quality[i]))
        )


def _typed(value: float, value_type: ValueType) -> Value:
    if value_type is ValueType.DOUBLE:
        return value
    return bool(value) if value_type is ValueType.BOOLEAN else round(value)
