"""From where to where each value of a line file's text reaches."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from lines.yaml_events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    events_of,
)

__all__ = ["Spanned", "spans"]


@dataclass(slots=True)
class Spanned:
    """A value and the text that says it: `text[start:end]`.

    Args:
        start, end: offsets; of an alias its own, and its children are those of what it repeats.
        flow: whether it is written in braces or brackets.
        value: of a scalar, its text.
        entries: of a mapping, by key.
        keys: of a mapping, where each key begins.
        items: of a list.
        anchor: its anchor's name; of an alias the one that it repeats.
        alias: whether it repeats another.
    """

    start: int
    end: int
    flow: bool = False
    value: str | None = None
    entries: dict[str, Spanned] = field(default_factory=dict)
    keys: dict[str, int] = field(default_factory=dict)
    items: list[Spanned] = field(default_factory=list)
    anchor: str | None = None
    alias: bool = False

    def at(self, path: tuple[str | int, ...]) -> tuple[Spanned, tuple[str | int, ...], bool]:
        """Go down a path as far as it is there.

        A `value` between source and note is no step of a path (`{value: 3, source: seed}`), but for
        the last.

        Returns:
            The last value on the way, what is left of the path, and whether the way led through
            something that is said elsewhere in the text, too.
        """
        node, shared = self, False
        for step, item in enumerate(path):
            if node.entries.keys() - {"source", "note"} == {"value"}:
                shared |= node.alias or node.anchor is not None
                node = node.entries["value"]
            shared |= node.alias or node.anchor is not None
            if isinstance(item, str) and item in node.entries:
                node = node.entries[item]
            elif isinstance(item, int) and item < len(node.items):
                node = node.items[item]
            else:
                return node, path[step:], shared
        return node, (), shared


def spans(text: str) -> Spanned:
    """Read a text that is right.

    >>> text = "id: L\\nstations: [{id: A, cycle_time: 10 s}]\\n"
    >>> node, _, _ = spans(text).at(("stations", 0, "cycle_time"))
    >>> text[node.start : node.end]
    '10 s'
    """
    begins = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
    root: Spanned | None = None
    anchors: dict[str, Spanned] = {}
    open_ones: list[tuple[Spanned, Spanned | None]] = []

    def offset(mark: Any) -> int:
        return int(begins[mark.line] + mark.column)

    def attach(node: Spanned) -> None:
        nonlocal root
        if not open_ones:
            root = node
            return
        parent, key = open_ones[-1]
        if parent.value == "{":
            if key is None:
                parent.keys[node.value or ""] = node.start
                open_ones[-1] = parent, node
            else:
                parent.entries[key.value or ""] = node
                open_ones[-1] = parent, None
        else:
            parent.items.append(node)
        parent.end = max(parent.end, node.end)

    for event in events_of(text):
        if isinstance(event, AliasEvent):
            named = anchors[event.anchor]
            attach(
                Spanned(
                    offset(event.start_mark), offset(event.end_mark), True, named.value,
                    named.entries, named.keys, named.items, event.anchor, alias=True,
                )
            )  # fmt: skip
        elif isinstance(event, ScalarEvent):
            start, end = offset(event.start_mark), offset(event.end_mark)
            node = Spanned(start, end, True, event.value, anchor=event.anchor)
            attach(_anchored(node, anchors))
        elif isinstance(event, (*MappingStartEvent, *SequenceStartEvent)):
            kind = "{" if isinstance(event, MappingStartEvent) else "["
            start = offset(event.start_mark)
            node = Spanned(start, start, bool(event.flow_style), kind, anchor=event.anchor)
            open_ones.append((_anchored(node, anchors), None))
        elif isinstance(event, (*MappingEndEvent, *SequenceEndEvent)):
            node, _ = open_ones.pop()
            # A block ends with its last value; its own mark is where the next one begins.
            if node.flow:
                node.end = offset(event.end_mark)
            node.value = None
            attach(node)
    if root is None:
        raise ValueError("no YAML")
    return root


def _anchored(node: Spanned, anchors: dict[str, Spanned]) -> Spanned:
    if node.anchor:
        anchors[node.anchor] = node
    return node
