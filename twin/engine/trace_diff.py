"""The first difference of two traces, and the story that led to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from twin.engine.trace_file import TRACE_COLUMNS, Trace, open_trace, query, rows_of
from twin.engine.trace_header import TraceHeader, why_not_comparable
from twin.errors import TraceError

__all__ = ["Difference", "Happened", "compare_traces", "tell"]

BEFORE, NEXT = 6, 4
COMPARED = [name for name in TRACE_COLUMNS if name not in {"part", "detail"}]
"""The other two say in words what these say in numbers."""

Progress = Callable[[float], None]


class Happened(NamedTuple):
    """An event of a trace: its number in it from 0, and its columns."""

    n: int
    at_us: int
    event: str
    station: str | None
    machine: str | None
    place: int | None
    part: str | None
    detail: str | None
    number: int
    value: int


@dataclass(frozen=True, slots=True)
class Difference:
    """Where two traces part.

    Args:
        index: number of the first event that differs, from 0.
        before: the last events before it, the same in both, at the stations, buffers and parts
            that it is about.
        a_next, b_next: what each did from there on; empty where it is over.
        a_in_b: where A's event comes later in B; None: it doesn't.
        b_in_a: the same the other way round.
        stations, buffers, parts: what `before` is about.
    """

    index: int
    before: tuple[Happened, ...]
    a_next: tuple[Happened, ...]
    b_next: tuple[Happened, ...]
    a_in_b: Happened | None
    b_in_a: Happened | None
    stations: tuple[str, ...]
    buffers: tuple[str, ...]
    parts: tuple[str, ...]


def compare_traces(
    a: Trace | Path, b: Trace | Path, progress: Progress | None = None
) -> Difference | None:
    """Find the first event in which two traces of the same run differ.

    Args:
        a, b: Parquet or CSV, also mixed; the events themselves are compared, not the hashes.
        progress: called now and then with the share that is done, 0 to 1.

    Returns:
        None if they are the same.

    Raises:
        TraceError: a file is no trace or damaged, or they are not of the same run.
    """
    a = a if isinstance(a, Trace) else open_trace(a)
    b = b if isinstance(b, Trace) else open_trace(b)
    faults = why_not_comparable(a.header, b.header)
    if faults:
        raise TraceError(
            f"{a.path} and {b.path} are not of the same run: {'; '.join(faults)}. "
            "Only line, seed, replication, beginning and end being the same can they be compared"
        )
    index = _first_difference(a, b, progress)
    if index is None:
        if a.header.digest != b.header.digest:
            raise TraceError(
                f"{a.path} and {b.path} have the same events but not the same hash at their "
                "heads; one of them was changed"
            )
        return None
    a_next, b_next = _next(a, index), _next(b, index)
    here = [*a_next[:1], *b_next[:1]]
    stations = _each(event.station for event in here)
    parts = _each(event.part for event in here)
    ends = a.header.buffers
    buffers = _each(
        buffer
        for buffer, between in ends.items()
        for event in here
        if event.station in between.sinks
        or (event.event == "part_passed" and event.detail and event.detail.split(" ")[0] == buffer)
    )
    return Difference(
        index=index,
        before=_story(a, index, stations, buffers, parts),
        a_next=a_next,
        b_next=b_next,
        a_in_b=_again(a_next, b, index),
        b_in_a=_again(b_next, a, index),
        stations=stations,
        buffers=buffers,
        parts=parts,
    )


def _each(names: object) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))  # type: ignore[attr-defined]


def _first_difference(a: Trace, b: Trace, progress: Progress | None) -> int | None:
    def named(trace: Trace, prefix: str) -> str:
        columns = ", ".join(f"{name} AS {prefix}_{name}" for name in COMPARED)
        return f"SELECT {columns} FROM ({rows_of(trace)})"  # noqa: S608

    unequal = " OR ".join(f"a_{name} IS DISTINCT FROM b_{name}" for name in COMPARED)
    try:
        found = query(
            f"SELECT n FROM (SELECT row_number() OVER () - 1 AS n, * FROM ({named(a, 'a')}) "  # noqa: S608
            f"POSITIONAL JOIN ({named(b, 'b')})) WHERE {unequal} LIMIT 1",
            progress=progress,
        )
    except TraceError as error:
        raise TraceError(f"{a.path} or {b.path} is damaged: {error}") from error
    if not found:
        return None
    for trace in (a, b):
        ((rows,),) = query(f"SELECT count(*) FROM ({rows_of(trace)})")  # noqa: S608
        if rows != trace.header.events:
            raise TraceError(
                f"{trace.path}: {rows:,} of its {trace.header.events:,} events can be read; "
                "write it again"
            )
    return int(found[0][0])


def _rows(statement: str, parameters: dict[str, object]) -> tuple[Happened, ...]:
    return tuple(Happened(*row) for row in query(statement, parameters))


def _next(trace: Trace, index: int) -> tuple[Happened, ...]:
    return _rows(
        f"SELECT * FROM ({rows_of(trace)}) WHERE n >= $first AND n < $last ORDER BY n",  # noqa: S608
        {"first": index, "last": index + NEXT},
    )


def _again(events: tuple[Happened, ...], trace: Trace, index: int) -> Happened | None:
    if not events:
        return None
    same = " AND ".join(f"{name} IS NOT DISTINCT FROM ${name}" for name in COMPARED)
    wanted = {name: getattr(events[0], name) for name in COMPARED}
    found = _rows(
        f"SELECT * FROM ({rows_of(trace)}) WHERE n > $after AND {same} ORDER BY n LIMIT 1",  # noqa: S608
        {"after": index, **wanted},
    )
    return found[0] if found else None


def _story(
    trace: Trace,
    index: int,
    stations: tuple[str, ...],
    buffers: tuple[str, ...],
    parts: tuple[str, ...],
) -> tuple[Happened, ...]:
    """The last events of each kind of subject before the difference, together in their order."""
    subjects: list[tuple[str, tuple[str, ...]]] = [
        ("list_contains($names, station)", stations),
        ("event = 'part_passed' AND list_contains($names, split_part(detail, ' ', 1))", buffers),
        ("list_contains($names, part)", parts),
    ]
    found: set[Happened] = set()
    for condition, names in subjects:
        if names:
            found |= set(
                _rows(
                    f"SELECT * FROM ({rows_of(trace)}) WHERE n < $index AND {condition} "  # noqa: S608
                    f"ORDER BY n DESC LIMIT {BEFORE}",
                    {"index": index, "names": list(names)},
                )
            )
    return tuple(sorted(found, key=lambda event: event.n))


def _clock(us: int) -> str:
    """Write a time since the start.

    >>> _clock(93_784_500_000)
    '1 d 02:03:04.500000'
    """
    seconds, rest = divmod(us, 1_000_000)
    days, seconds = divmod(seconds, 86_400)
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest:06d}"
    return f"{days} d {text}" if days else text


def _says(event: Happened) -> str:
    """Say in words what happened."""
    where = event.machine or ""
    if event.place is not None and event.place > 1:
        where += f" place {event.place}"
    part = f"part {event.part}"
    match event.event:
        case "operation_started":
            return f"{where} starts on {part}, for {event.value / 1e6:,.6f} s"
        case "operation_completed":
            out = "1 part comes" if event.value == 1 else f"{event.value} parts come"
            return f"{where} finishes {part}; {out} out"
        case "part_passed" if event.value < 0:
            return f"{where} passes {part} off the line"
        case "part_passed":
            return f"{where} passes {part} to buffer {event.detail}"
        case "part_scrapped":
            why = f" with defects {event.detail}" if event.detail else ""
            return f"{where} scraps {part}{why}"
        case "part_reworked":
            return f"{where} sends {part} back, pass {event.value}"
        case "state_changed":
            return f"{where} is now in {event.detail}"
        case "machine_failed":
            return f"{where} stops by {event.detail}, number {event.number + 1} of it"
        case "machine_repaired":
            return f"{where} is over with {event.detail}, number {event.number + 1} of it"
        case "material_delivered":
            return f"material {event.detail} is delivered"
    return f"{where} {event.event}"


def _where(index: int, at: str) -> str:
    if not index:
        return f"They differ in the very first event, {at} after the start."
    return f"The first {index:,} events are the same; number {index + 1:,} differs, {at} in."


def tell(found: Difference, a: TraceHeader, b: TraceHeader) -> str:
    """Tell a difference to an engineer.

    Args:
        found: from `compare_traces`.
        a, b: of the two traces.

    Returns:
        Lines of text; times are since the start of the run.
    """
    began = a.from_us

    def told(event: Happened, mark: str = " ") -> str:
        return f"{mark} {event.n + 1:>11,}  {_clock(event.at_us - began)}  {_says(event)}"

    def one(name: str, header: TraceHeader) -> str:
        return f"{name}: engine {header.engine}, {header.events:,} events, hash {header.digest}"

    here = [*found.a_next[:1], *found.b_next[:1]]
    at = _clock(min(event.at_us for event in here) - began)
    lines = [
        f"{a.line.id}, seed {a.seed}, replication {a.replication}",
        one("A", a),
        one("B", b),
        "",
        _where(found.index, at),
    ]
    about = [
        f"{noun}{'s' if len(names) > 1 else ''} {', '.join(names)}"
        for noun, names in (
            ("station", found.stations),
            ("buffer", found.buffers),
            ("part", found.parts),
        )
        if names
    ]
    if found.before:
        lines += ["", f"What led to it, in both ({'; '.join(about)}):"]
        lines += [told(event) for event in found.before]
    elif about:
        lines += ["", f"Nothing had happened before in either ({'; '.join(about)})."]
    for name, events, other, later in (
        ("A", found.a_next, "B", found.a_in_b),
        ("B", found.b_next, "A", found.b_in_a),
    ):
        if not events:
            lines += ["", f"Then {name} is over: it has no more events."]
            continue
        lines += ["", f"Then in {name}:"]
        lines += [told(event, ">" if i == 0 else " ") for i, event in enumerate(events)]
        if later is None:
            lines.append(f"  {other} has no such event at this or any later place.")
        else:
            lines.append(f"  {other} has the first of these later, as its event {later.n + 1:,}.")
    return "\n".join(lines)
