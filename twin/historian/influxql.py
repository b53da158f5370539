"""Questions to InfluxDB in InfluxQL, and its answers as history. Nothing here touches a socket."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from twin.errors import LinetwinError
from twin.historian.line_protocol import AT_US_MAX, AT_US_MIN, OTHER, QUALITY
from twin.historian.port import History, Query, Samples, Series, joined, names_of
from twin.measurements import fields
from twin.signals import Family

__all__ = [
    "Source",
    "answered",
    "history",
    "interval",
    "quoted",
    "sampled",
    "samples",
    "select",
    "sources",
]


@dataclass(frozen=True, slots=True)
class Source:
    """A field of a measurement that may hold what a query asks for.

    Args:
        measurement, field: their names.
        unit_tag, signal_tag: the tags that name the unit and the signal; empty where there is none.
        prefix: what a signal's name has before its tag's value, as `alarm.`.
        signal: the signal's name where the field says it, else empty.
    """

    measurement: str
    field: str
    unit_tag: str
    signal_tag: str = ""
    prefix: str = ""
    signal: str = ""

    def series(self, tags: dict[str, str]) -> Series:
        """Name the series that an answer's tags belong to."""
        signal = self.signal or self.prefix + tags.get(self.signal_tag, "")
        return Series(tags.get("line", ""), tags.get(self.unit_tag, ""), signal)

    @property
    def grouped(self) -> str:
        """The tags that tell its series apart."""
        names = ["line", *filter(None, (self.unit_tag, self.signal_tag))]
        return ", ".join(f'"{name}"' for name in names)


def _known() -> tuple[Source, ...]:
    found = [Source(OTHER, "value", "unit", signal_tag="signal")]
    for family in Family:
        prefix = f"{family.measurement}." if family.member_tag else ""
        found += [
            Source(
                family.measurement,
                signal.field,
                family.unit_tag,
                signal_tag=family.member_tag,
                prefix=prefix,
                signal="" if family.member_tag else signal.name,
            )
            for signal in fields(family)
        ]
    return tuple(found)


SOURCES: Final = _known()


def sources(query: Query) -> list[Source]:
    """Return where what a query asks for may be kept."""
    units, signals = names_of(query.unit), names_of(query.signal)
    return [
        source
        for source in SOURCES
        if signals is None or _kept(source, signals)
        if source.unit_tag or units is None or "" in units
        if units != ()
    ]


def _kept(source: Source, signals: Iterable[str]) -> list[str]:
    """Which of some signals a source may hold."""
    return [
        signal
        for signal in signals
        if source.signal == signal or (not source.signal and signal.startswith(source.prefix))
    ]


def interval(query: Query) -> tuple[int, int]:
    """Return a query's first and last microsecond, cut to what InfluxDB can hold."""
    first = AT_US_MIN if query.from_us is None else max(query.from_us, AT_US_MIN)
    last = AT_US_MAX if query.to_us is None else min(query.to_us - 1, AT_US_MAX)
    return first, last


def select(source: Source, query: Query, *, what: str = "", more: str = "") -> str:
    """Ask for a source's points.

    Args:
        source: the field.
        query: which points; its limit is for the caller to say in `more`.
        what: what to select instead of each value with its quality.
        more: what follows the tags in `GROUP BY`, as `ORDER BY time DESC LIMIT 1`.

    >>> asked = select(SOURCES[1], Query(unit="STK03", from_us=0, to_us=8))
    >>> print(asked.replace(" WHERE", "\\n WHERE"))
    SELECT "state_current", "state_current_quality" FROM "machine"
     WHERE time >= 0u AND time <= 7u AND "machine" = 'STK03' GROUP BY "line", "machine"
    """
    first, last = interval(query)
    where = [f"time >= {first}u", f"time <= {last}u"]
    if query.line is not None:
        where.append(f'"line" = {quoted(query.line)}')
    units, signals = names_of(query.unit), names_of(query.signal)
    if units is not None and source.unit_tag:
        where.append(_one_of(source.unit_tag, units))
    if signals is not None and source.signal_tag:
        tags = [signal.removeprefix(source.prefix) for signal in _kept(source, signals)]
        where.append(_one_of(source.signal_tag, tags))
    what = what or f'"{source.field}", "{source.field}{QUALITY}"'
    return (
        f'SELECT {what} FROM "{source.measurement}" WHERE {" AND ".join(where)} '  # noqa: S608
        f"GROUP BY {source.grouped}{more}"
    )


def _one_of(tag: str, names: Sequence[str]) -> str:
    same = [f'"{tag}" = {quoted(name)}' for name in names]
    return same[0] if len(same) == 1 else f"({' OR '.join(same)})"


def quoted(text: str) -> str:
    r"""Return a text as InfluxQL writes one.

    >>> print(quoted("O'Brien"))
    'O\'Brien'
    """
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"


def answered(body: bytes, count: int) -> list[list[dict[str, Any]]]:
    """Read an answer.

    Args:
        body: JSON, as `/query` gives it.
        count: how many statements were asked.

    Returns:
        For each statement its series.

    Raises:
        ValueError: the body is no whole answer.
        LinetwinError: the database refuses a statement; its words are in the text.
    """
    answer = json.loads(body, parse_int=_number)
    results = answer["results"]
    found: list[list[dict[str, Any]]] = [[] for _ in range(count)]
    for result in results:
        if "error" in result:
            raise LinetwinError(str(result["error"]))
        found[result.get("statement_id", 0)] += result.get("series", [])
    if len(results) < count:
        raise ValueError(f"{len(results)} of {count} statements are answered")
    return found


def _number(text: str) -> int | float:
    # JSON has a negative zero, and Python's integers have none.
    return -0.0 if text == "-0" else int(text)


def history(
    asked: Sequence[Source], answers: Sequence[list[dict[str, Any]]], limit: int | None = None
) -> History:
    """Join answers to `select` into columns, with the earliest `limit` points of them."""
    rows: dict[Series, dict[int, tuple[float, int]]] = {}
    for source, answer in zip(asked, answers, strict=True):
        for part in answer:
            track = rows.setdefault(source.series(part.get("tags", {})), {})
            for at_us, value, quality in part["values"]:
                if value is not None:
                    track[at_us] = (value, quality or 0)
    return joined([(series, *_columns(track)) for series, track in rows.items()], limit)


def samples(
    every_us: int, asked: Sequence[Source], answers: Sequence[list[dict[str, Any]]]
) -> Samples:
    """Join answers to `sampled` into rows."""
    rows: dict[Series, dict[int, list[float]]] = {}
    for source, answer in zip(asked, answers, strict=True):
        for part in answer:
            found = {at_us: values for at_us, *values in part["values"]}
            rows.setdefault(source.series(part.get("tags", {})), {}).update(found)
    series = sorted(rows)
    flat = [
        (index, at_us, *rows[one][at_us])
        for index, one in enumerate(series)
        for at_us in sorted(rows[one])
    ]
    columns = list(zip(*flat, strict=True)) if flat else [()] * 7
    index, at_us, count = (np.array(column, np.int64) for column in columns[:3])
    values = (np.array(column, np.float64) for column in columns[3:])
    return Samples(every_us, tuple(series), index, at_us, count, *values)


def sampled(source: Source, query: Query, every_us: int) -> str:
    """Ask for a source's points, brought down to a row an interval."""
    name = source.field
    what = ", ".join(f'{how}("{name}")' for how in ("count", "mean", "min", "max", "last"))
    trusted = f' AND "{name}{QUALITY}" < 2 GROUP BY time({every_us}u), '
    return select(source, query, what=what, more=" fill(none)").replace(" GROUP BY ", trusted, 1)


def _columns(track: dict[int, tuple[float, int]]) -> tuple[Any, Any, Any]:
    at_us = np.fromiter(track, np.int64)
    value = np.fromiter((value for value, _ in track.values()), np.float64)
    quality = np.fromiter((quality for _, quality in track.values()), np.uint8)
    order = np.argsort(at_us)
    return at_us[order], value[order], quality[order]
