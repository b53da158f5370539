"""The order of a line's stations: which lies downstream of which, loops left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twin.model.line import Line

__all__ = ["downstream_rank", "upstream_first"]


def upstream_first(line: Line) -> tuple[str, ...]:
    """Order a line's stations so that parts move to the right, but for the steps that close a loop.

    Rule S27's search: depth first, from station to output buffer to the stations behind it, each
    in the order of the file, beginning at the stations without an input.

    Args:
        line: any line; one with loops, or with buffers that name unknown stations, too.

    Returns:
        Every station's id once.
    """
    return tuple(name for kind, name in _search(line) if kind == "station")


def downstream_rank(line: Line) -> dict[str, int]:
    """Number a line's stations as rule S27 does, 0 for the most downstream.

    Args:
        line: any line; one with loops, or with buffers that name unknown stations, too.

    Returns:
        For each station's id its place in the order, 0 to n - 1, each number once.

    >>> from twin.model import Buffer, Line, Station
    >>> line = Line(id="L", stations=(Station(id="A", cycle_time="1 s"),
    ...                               Station(id="B", cycle_time="1 s")),
    ...             buffers=(Buffer(id="AB", sources="A", sinks="B"),))
    >>> downstream_rank(line)
    {'B': 0, 'A': 1}
    """
    order = _search(line)
    found_at = {node: place for place, node in enumerate(order)}
    steps = _steps(line)
    # Seen from the end of the line every step but those that close a loop leads to a known way.
    way: dict[_Node, int] = {}
    for node in reversed(order):
        ahead = [n for n in steps[node] if found_at[n] > found_at[node]]
        here = 1 if node[0] == "station" else 0
        way[node] = here + max((way[n] for n in ahead), default=0)
    in_file = {station.id: place for place, station in enumerate(line.stations)}
    ids = sorted(in_file, key=lambda name: (way["station", name], -in_file[name]))
    return {name: rank for rank, name in enumerate(ids)}


_Node = tuple[str, str]


def _steps(line: Line) -> dict[_Node, tuple[_Node, ...]]:
    """For each station its output buffers, for each buffer the stations behind it.

    Buffers are nodes of their own: one with many sources and many sinks costs their sum and not
    their product.
    """
    known = {station.id for station in line.stations}
    steps: dict[_Node, tuple[_Node, ...]] = {
        ("station", name): tuple(("buffer", b.id) for b in buffers)
        for name, buffers in line.outputs.items()
    }
    for buffer in line.buffers:
        steps["buffer", buffer.id] = tuple(("station", s) for s in buffer.sinks if s in known)
    return steps


def _search(line: Line) -> list[_Node]:
    """Search depth first; return the nodes last finished first.

    In this order every step leads forward, but for those to a node that the search was still in
    the midst of: these close a loop. A list stands for the call stack, which long lines overflow.
    """
    steps = _steps(line)
    without_input = [s.id for s in line.stations if not line.inputs[s.id]]
    roots = [("station", name) for name in [*without_input, *(s.id for s in line.stations)]]
    seen: set[_Node] = set()
    finished: list[_Node] = []
    for root in roots:
        if root in seen:
            continue
        seen.add(root)
        stack: list[tuple[_Node, Iterator[_Node]]] = [(root, iter(steps[root]))]
        while stack:
            node, ahead = stack[-1]
            for following in ahead:
                if following not in seen:
                    seen.add(following)
                    stack.append((following, iter(steps[following])))
                    break
            else:
                finished.append(node)
                stack.pop()
    finished.reverse()
    return finished
