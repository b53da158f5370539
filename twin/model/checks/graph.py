"""Loops in a graph, found without recursion: lines may be long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

__all__ = ["Node", "loops", "reachable"]

Node = tuple[str, str]


def reachable(starts: Iterable[Node], steps: Mapping[Node, Iterable[Node]]) -> set[Node]:
    """Return every node that some way leads to, the starts included."""
    found = set(starts)
    ahead = list(found)
    while ahead:
        for node in steps.get(ahead.pop(), ()):
            if node not in found:
                found.add(node)
                ahead.append(node)
    return found


def loops(steps: Mapping[Node, Iterable[Node]]) -> list[list[Node]]:
    """Return the strongly connected components, a single node without a loop among them.

    Tarjan's algorithm, with a list for the call stack; a component comes after all to which it
    leads.
    """
    number: dict[Node, int] = {}
    lowest: dict[Node, int] = {}
    open_nodes: list[Node] = []
    is_open: set[Node] = set()
    components: list[list[Node]] = []
    for root in steps:
        if root in number:
            continue
        stack: list[tuple[Node, Iterator[Node]]] = []

        def enter(node: Node, stack: list[tuple[Node, Iterator[Node]]] = stack) -> None:
            number[node] = lowest[node] = len(number)
            open_nodes.append(node)
            is_open.add(node)
            stack.append((node, iter(steps.get(node, ()))))

        enter(root)
        while stack:
            node, ahead = stack[-1]
            for following in ahead:
                if following not in number:
                    enter(following)
                    break
                if following in is_open:
                    lowest[node] = min(lowest[node], number[following])
            else:
                stack.pop()
                if stack:
                    before = stack[-1][0]
                    lowest[before] = min(lowest[before], lowest[node])
                if lowest[node] == number[node]:
                    start = _last(open_nodes, node)
                    component = open_nodes[start:]
                    del open_nodes[start:]
                    is_open.difference_update(component)
                    components.append(component)
    return components


def _last(nodes: list[Node], node: Node) -> int:
    place = len(nodes) - 1
    while nodes[place] != node:
        place -= 1
    return place
