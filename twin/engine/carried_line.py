"""Whether a line is so small a change of another one that a snapshot can be carried over to it."""

from __future__ import annotations

from twin.errors import Fault
from twin.model.line import Line
from twin.model.quantity import MILLI

__all__ = ["beyond_carrying"]


def beyond_carrying(old: Line, new: Line) -> list[Fault]:
    """What of a change no snapshot can be carried over.

    Args:
        old, new: the line before and after.

    Returns:
        Every reason; an empty list if a snapshot can be carried over.
    """
    afresh = "run the changed line from empty, with a warm-up of its own"
    faults = []
    if old.id != new.id:
        faults.append(Fault("id", f"must stay {old.id}", new.id, "a line is told by its id"))
    for table in ("stations", "buffers"):
        before = [element.id for element in getattr(old, table)]
        after = [element.id for element in getattr(new, table)]
        if before != after:
            faults.append(Fault(table, "must be the same in the same order", _moves(before, after),
                                f"keep their ids (a name is free), or {afresh}"))  # fmt: skip
    after_by_id = {buffer.id: buffer for buffer in new.buffers}
    for buffer in old.buffers:
        other = after_by_id.get(buffer.id, buffer)
        for name, a, b in (
            ("from", buffer.sources, other.sources),
            ("to", buffer.sinks, other.sinks),
        ):
            if a != b:
                must = f"must stay {', '.join(a)}"
                faults.append(Fault(f"buffers[{buffer.id}].{name}", must, ", ".join(b), afresh))
    units = f"parts inside would stand for another number of units; {afresh}"
    for station in old.stations:
        after_it = new.station_by_id.get(station.id, station)
        for name, was, now in (
            ("takes", station.takes_milli, after_it.takes_milli),
            ("gives", station.gives_milli, after_it.gives_milli),
        ):
            if was != now:
                path = f"stations[{station.id}].{name}"
                faults.append(Fault(path, f"must stay {_shown(was)}", _shown(now), units))
    return faults


def _moves(before: list[str], after: list[str]) -> str:
    more = [name for name in after if name not in before]
    less = [name for name in before if name not in after]
    found = [f"without {', '.join(less)}"] if less else []
    found += [f"with {', '.join(more)}"] if more else []
    return " and ".join(found) or f"the order {', '.join(after)}"


def _shown(milli: dict[str, int] | int | None) -> str:
    if not milli:
        return "absent"
    if isinstance(milli, int):
        return f"{milli / MILLI:g}"
    return ", ".join(f"{count / MILLI:g}{f' from {b}' if b else ''}" for b, count in milli.items())
