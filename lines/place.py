"""Positions: where in the file the value behind a path stands."""

from __future__ import annotations

from dataclasses import replace

from lines.yaml_tree import Mapping, Node, Position, Scalar, Sequence
from twin.errors import Fault

__all__ = ["found_text", "place", "position_of", "written"]

LONGEST = 60
BY_KEY = ("takes", "defects", "detects")
"""Mappings in which a check that complains about an entry means its key."""


def written(path: tuple[str | int, ...]) -> str:
    """Write a path as faults show it.

    >>> written(("stations", 3, "cycle_time"))
    'stations[3].cycle_time'
    """
    text = "".join(f"[{item}]" if isinstance(item, int) else f".{item}" for item in path)
    return text.removeprefix(".")


def node_at(root: Mapping, path: tuple[str | int, ...]) -> Node:
    """Return the node that a path leads to, or the last one on the way that is there."""
    node: Node = root
    for item in path:
        if isinstance(node, Mapping) and item in node.entries:
            node = node.entries[str(item)]
        elif isinstance(node, Sequence) and isinstance(item, int) and item < len(node.items):
            node = node.items[item]
        else:
            break
    return node


def position_of(root: Mapping, path: tuple[str | int, ...], at_key: bool = False) -> Position:
    """Return where a value stands, or its key; of what is not there, where its parent stands."""
    node = node_at(root, path)
    # Where nothing stands after a key, the parser's position is that of whatever comes next.
    nothing = isinstance(node, Scalar) and not node.text and not node.quoted
    if path and (at_key or nothing):
        parent = node_at(root, path[:-1])
        if isinstance(parent, Mapping) and path[-1] in parent.keys:
            return parent.keys[str(path[-1])]
    return node.at


def found_text(root: Mapping, path: tuple[str | int, ...]) -> str:
    """Say what stands at a path, for the end of a fault."""
    node = node_at(root, path)
    if isinstance(node, Mapping):
        return "a mapping"
    if isinstance(node, Sequence):
        return f"a list of {len(node.items)}"
    if node.value is None:
        return "nothing"
    text = " ".join(node.text.split())
    short = text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
    return f"the text '{short}'" if node.quoted or not short else short


def place(root: Mapping, fault: Fault) -> Fault:
    """Add the position to a fault that a check has found, by its path."""
    path = _split(root, fault.path)
    at_key = len(path) > 1 and path[-2] in BY_KEY
    line, column = position_of(root, path, at_key)
    return replace(fault, line=line, column=column)


def _split(root: Mapping, text: str) -> tuple[str | int, ...]:
    """Split a written path along the tree, in which keys may hold dots and brackets."""
    path: list[str | int] = []
    node: Node = root
    while text and not isinstance(node, Scalar):
        if isinstance(node, Sequence):
            number, _, rest = text.removeprefix("[").partition("]")
            if not number.isdecimal() or int(number) >= len(node.items):
                break
            path.append(int(number))
            node, text = node.items[int(number)], rest
            continue
        text = text.removeprefix(".")
        fitting = [
            k for k in node.entries if text.startswith(k) and text[len(k) :][:1] in ("", ".", "[")
        ]
        if not fitting:
            break
        key = max(fitting, key=len)
        path.append(key)
        node, text = node.entries[key], text[len(key) :]
    return tuple(path)
