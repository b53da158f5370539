"""Points as InfluxDB's line protocol: which measurement, tags and fields a series is kept in.

What a signal of the table is called in the database is said by `twin.signals`: a family is a
measurement, tags say which unit of which line and site, a signal is a field. A series that no line
file names goes to the measurement `other`, with its names as tags. Beside each field stands one
with its quality, in the same line, so that a point is written whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from twin.historian.port import Point, Quality, Refused, Series, refusal
from twin.measurements import kept_series
from twin.model.line import Line
from twin.signals import Family, Signal

__all__ = [
    "AT_US_MAX",
    "AT_US_MIN",
    "OTHER",
    "QUALITY",
    "Encoder",
    "Lines",
    "Priority",
    "line_of",
]

OTHER: Final = "other"
"""The measurement of series that the table of signals does not know."""

QUALITY: Final = "_quality"
"""What the name of a field's quality ends in."""

AT_US_MIN: Final = -9_223_372_036_854_775
AT_US_MAX: Final = 9_223_372_036_854_775
"""The first and last microsecond (in 1677 and 2262) whose nanoseconds fit 64 bits."""

_INT64: Final = 2**63
_INFINITE: Final = float("inf")
_ESCAPED: Final = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ "})


class Priority:
    """Which points go first when there is no room for all: the lowest."""

    PROCESS_VALUE: Final = 0
    MEASURED: Final = 1
    EVENT: Final = 2

    NAMES: Final = ("process variables", "measured values", "states, counters and alarms")


@dataclass(frozen=True, slots=True)
class _Kept:
    """How a series is written: what stands before a value, whether it is whole, what follows it."""

    before: str
    whole: bool
    after: tuple[str, ...]
    priority: int


@dataclass(frozen=True, slots=True)
class Lines:
    """A batch as text: lines of one priority, each of one point.

    Args:
        priority: see `Priority`.
        lines: line protocol, a point each, in the batch's order.
        minutes: the minutes of source time that they fall in, counted from 1970.
    """

    priority: int
    lines: tuple[str, ...]
    minutes: frozenset[int]

    @property
    def text(self) -> bytes:
        """The lines as one body of a request."""
        return "\n".join(self.lines).encode()


@dataclass(slots=True)
class Encoder:
    """Turns points into lines.

    Args:
        lines: the lines of the plant whose signals are known by name; others go to `other`.

    >>> power = Series("LDES1", "STK03", "power_kw")
    >>> (lines,), refused = Encoder(()).encode([Point(power, 1_700_000_000_000_000, 1.5)])
    >>> lines.text.decode()
    'other,line=LDES1,signal=power_kw,unit=STK03 value=1.5,value_quality=0i 1700000000000000000'
    """

    lines: Iterable[Line]
    _kept: dict[Series, _Kept | str] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for line in self.lines:
            for one in kept_series(line):
                head = _head(line, one.signal, one.station, one.unit)
                series = Series(line.id, one.unit, one.signal.name)
                self._kept[series] = _kept(head, one.signal)

    def encode(self, batch: Sequence[Point]) -> tuple[list[Lines], tuple[Refused, ...]]:
        """Turn points into lines.

        Args:
            batch: points in any order.

        Returns:
            The lines by priority, the lowest first, each in the batch's order; and the points that
            InfluxDB can't take, with the reason.
        """
        texts: dict[int, list[str]] = {}
        minutes: dict[int, set[int]] = {}
        refused: list[Refused] = []
        for point in batch:
            kept = self._kept.get(point.series) or self._learn(point.series)
            if isinstance(kept, str) or (reason := _refusal(point, kept)):
                refused.append(Refused(point, kept if isinstance(kept, str) else reason))
                continue
            number = int(point.value) if kept.whole else float(point.value)
            text = f"{kept.before}{number!r}{kept.after[point.quality]}{point.at_us}000"
            if kept.priority not in texts:
                texts[kept.priority], minutes[kept.priority] = [], set()
            texts[kept.priority].append(text)
            minutes[kept.priority].add(point.at_us // 60_000_000)
        found = [
            Lines(priority, tuple(texts[priority]), frozenset(minutes[priority]))
            for priority in sorted(texts)
        ]
        return found, tuple(refused)

    def _learn(self, series: Series) -> _Kept | str:
        names = (("line", series.line), ("signal", series.signal), ("unit", series.unit))
        probe = refusal(Point(series, 0, 0.0))
        if reason := probe or _unfit(name for _, name in names):
            kept: _Kept | str = reason
        else:
            kept = _kept(line_of(OTHER, names), None)
        self._kept[series] = kept
        return kept


def line_of(measurement: str, named: Iterable[tuple[str, str]]) -> str:
    r"""Return what a line begins with: the measurement and those tags that are not empty.

    >>> line_of("machine", [("line", "LDES1"), ("machine", "a b"), ("site", "")])
    'machine,line=LDES1,machine=a\\ b'
    """
    pairs = "".join(f",{name}={value.translate(_ESCAPED)}" for name, value in named if value)
    return measurement + pairs


def _head(line: Line, signal: Signal, station: str = "", unit: str = "") -> str:
    """Return what the lines of a signal of a unit begin with."""
    family = signal.family
    named = {"line": line.id, "site": line.site, "station": station, family.unit_tag: unit}
    named[family.member_tag] = signal.member
    return line_of(family.measurement, sorted(named.items()))


def _kept(begin: str, signal: Signal | None) -> _Kept:
    name = signal.field if signal else "value"
    whole = signal.whole if signal else False
    unit = "i" if whole else ""
    return _Kept(
        before=f"{begin} {name}=",
        whole=whole,
        after=tuple(f"{unit},{name}{QUALITY}={int(quality)}i " for quality in Quality),
        priority=_priority(signal),
    )


def _priority(signal: Signal | None) -> int:
    if signal is None or signal.family is Family.VARIABLE:
        return Priority.PROCESS_VALUE
    if signal.counter or (signal.whole and signal.family not in {Family.BUFFER, Family.LANE}):
        return Priority.EVENT
    return Priority.MEASURED


def _refusal(point: Point, kept: _Kept) -> str:
    """Say why InfluxDB can't take a point whose names it can; empty where it can take all of it."""
    at_us, value = point.at_us, point.value
    if not (-_INFINITE < value < _INFINITE and AT_US_MIN <= at_us <= AT_US_MAX):
        years = f"at_us must be in the years 1678 to 2261 for InfluxDB, got {at_us}"
        return refusal(point) or years
    if kept.whole:
        if -_INT64 <= value < _INT64 and value == int(value):
            return ""
        return f"{point.series.signal} must be a whole number of 64 bits, got {value}"
    return "" if type(value) is float else refusal(point) or ""


def _unfit(names: Iterable[str]) -> str | None:
    """Say why names can't be tags: line protocol has no way to write some characters."""
    for name in names:
        if "\\" in name or any(ord(letter) < 32 for letter in name):
            return f"names must have no backslash or control character for InfluxDB, got {name!r}"
    return None
