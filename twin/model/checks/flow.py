"""The way of the parts: they can get to every station, and from every station out of the line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from twin.errors import Fault
from twin.model.buffer import Buffer
from twin.model.checks.draft import Draft
from twin.model.checks.graph import Node, loops, reachable
from twin.model.nearest import nearest
from twin.model.station import Station

__all__ = ["check_flow"]


def check_flow(draft: Draft) -> Iterator[Fault]:
    """Parts reach every station and can leave from every station; none stands by itself."""
    line = draft.line
    if any(not buffer.sources or not buffer.sinks for buffer in line.buffers):
        return  # a buffer whose ends can't be read may join anything
    yield from _alone(draft)
    places = {station.id: i for i, station in reversed([*enumerate(line.stations)])}
    steps = _steps(draft)
    for loop in _first(_never_started(draft, steps), steps):
        names = _stations(loop, places)
        yield Fault(
            f"stations[{places[names[0]]}]",
            "must be reachable from a station without an input",
            f"the closed loop {_shown(names)}",
            "a loop needs a way in that does not wait for the loop itself",
        )
    for loop in _last(_never_out(draft, steps), steps):
        names = _stations(loop, places)
        yield Fault(
            f"stations[{places[names[0]]}]",
            "must have a way out of the line",
            f"the closed loop {_shown(names)}",
            "a station without an output buffer lets parts leave",
        )


def _alone(draft: Draft) -> Iterator[Fault]:
    line = draft.line
    if len(line.stations) == 1:
        return
    if not line.buffers:
        yield Fault("buffers", "must join the stations", "no buffer")
        return
    named = {name for buffer in line.buffers for name in (*buffer.sources, *buffer.sinks)}
    known = sorted(draft.station_ids)
    # Whom a mistyped name means is not alone; a name like none may mean any.
    meant = [nearest(name, known) for name in named - draft.station_ids]
    alone = [
        (i, station.id)
        for i, station in enumerate(line.stations)
        if not line.inputs[station.id] and not line.outputs[station.id] and station.id not in meant
    ]
    if len(alone) > meant.count(None):
        for i, name in alone:
            must = "must be joined to the others by a buffer"
            yield Fault(f"stations[{i}]", must, f"{name} alone")


def _returns_to(station: Station) -> Iterator[str]:
    if station.rework is not None and station.rework.to is not None and station.rework.rate:
        yield station.rework.to
    if station.inspection is not None and station.inspection.rejects_to is not None:
        yield station.inspection.rejects_to


def _steps(draft: Draft) -> dict[Node, list[Node]]:
    """For each station and buffer where its parts can go next, returning ones included."""
    steps: dict[Node, list[Node]] = {}
    for station in draft.line.stations:
        back = [("station", name) for name in _returns_to(station) if name in draft.station_ids]
        steps["station", station.id] = back
    for node, buffer in _numbered(draft):
        steps[node] = [("station", name) for name in buffer.sinks if name in draft.station_ids]
        for name in buffer.sources:
            if name in draft.station_ids:
                steps["station", name].append(node)
    return steps


def _numbered(draft: Draft) -> Iterator[tuple[Node, Buffer]]:
    """Name buffers by their places: two may have one id, which is a fault of its own."""
    for j, buffer in enumerate(draft.line.buffers):
        yield ("buffer", str(j)), buffer


def _never_started(draft: Draft, steps: Mapping[Node, list[Node]]) -> set[Node]:
    """Find the stations and buffers that no part ever gets to.

    A station starts once all its inputs have parts, or one is returned to it; a buffer has parts
    once one of its sources has started.
    """
    line = draft.line
    waits_for = {station.id: len(line.inputs[station.id]) for station in line.stations}
    ahead = [("station", name) for name, inputs in waits_for.items() if not inputs]
    ahead += [
        node
        for node, buffer in _numbered(draft)
        if any(name not in draft.station_ids for name in buffer.sources)
    ]
    started = set(ahead)
    while ahead:
        node = ahead.pop()
        for kind, name in steps[node]:
            if kind == "station" and node[0] == "buffer":
                waits_for[name] -= 1
                if waits_for[name]:
                    continue
            if (kind, name) not in started:
                started.add((kind, name))
                ahead.append((kind, name))
    return steps.keys() - started


def _never_out(draft: Draft, steps: Mapping[Node, list[Node]]) -> set[Node]:
    """Find the stations and buffers from which no part ever leaves the line."""
    line = draft.line
    before: dict[Node, list[Node]] = {node: [] for node in steps}
    for node, following in steps.items():
        for one in following:
            before[one].append(node)
    out = [("station", s.id) for s in line.stations if not line.outputs[s.id]]
    out += [
        node
        for node, buffer in _numbered(draft)
        if any(name not in draft.station_ids for name in buffer.sinks)
    ]
    return steps.keys() - reachable(out, before)


def _first(nodes: set[Node], steps: Mapping[Node, list[Node]]) -> Iterator[list[Node]]:
    """Among some nodes the loops that no other one leads to: the causes and not the effects."""
    inner = _within(nodes, steps)
    components = loops(inner)
    number = {node: i for i, component in enumerate(components) for node in component}
    led_to = {
        number[b] for a, following in inner.items() for b in following if number[a] != number[b]
    }
    yield from (component for i, component in enumerate(components) if i not in led_to)


def _last(nodes: set[Node], steps: Mapping[Node, list[Node]]) -> Iterator[list[Node]]:
    """Among some nodes the loops that lead to no other one."""
    backwards: dict[Node, list[Node]] = {node: [] for node in steps if node in nodes}
    for node, following in _within(nodes, steps).items():
        for one in following:
            backwards[one].append(node)
    yield from _first(nodes, backwards)


def _within(nodes: set[Node], steps: Mapping[Node, list[Node]]) -> dict[Node, list[Node]]:
    return {
        node: [one for one in following if one in nodes]
        for node, following in steps.items()
        if node in nodes
    }


def _stations(loop: Iterable[Node], places: Mapping[str, int]) -> list[str]:
    return sorted((name for kind, name in loop if kind == "station"), key=places.__getitem__)


def _shown(names: list[str]) -> str:
    shown = ", ".join(names[:6])
    return f"{shown} and {len(names) - 6} more" if len(names) > 6 else shown
