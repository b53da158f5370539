"""YAML as a tree that knows where each value stands.

The tree is put together from the parser's events and not by the library's composer: so nesting is
bounded, aliases can't blow a file up, and every fault has a line and a column.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lines.yaml_events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    MarkedYAMLError,
    ReaderError,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    events_of,
)
from lines.yaml_words import plain_value, say_syntax_error
from twin.errors import Fault

__all__ = [
    "MAX_BYTES",
    "Mapping",
    "Node",
    "Position",
    "Scalar",
    "Sequence",
    "Unreadable",
    "decode",
    "plain",
    "read_tree",
]

MAX_BYTES = 5_000_000
MAX_NODES = 1_000_000
MAX_DEPTH = 50
SLIPS = (ValueError, ArithmeticError, LookupError, AttributeError, TypeError, AssertionError)
"""What the parser lets slip on odd texts, as on an escape beyond Unicode."""


class Position(NamedTuple):
    """A place in a file, 1-based."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value: its text, what that means, and whether it was quoted."""

    at: Position
    text: str
    value: str | int | float | bool | None
    quoted: bool = False
    size: int = 1
    height: int = 1


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    at: Position
    items: tuple[Node, ...]
    size: int = 1
    height: int = 1


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys and their values; `keys` tells where each key stands."""

    at: Position
    entries: dict[str, Node]
    keys: dict[str, Position]
    size: int = 1
    height: int = 1


Node = Scalar | Sequence | Mapping


class Unreadable(Exception):
    """The text can't be read to its end; carries every fault found so far."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__(*(str(fault) for fault in faults))


def plain(node: Node) -> Any:
    """Return a tree as plain data: dicts, tuples and values."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return tuple(plain(item) for item in node.items)
    return {key: plain(value) for key, value in node.entries.items()}


def decode(data: bytes) -> str:
    """Decode a file's bytes.

    Raises:
        Unreadable: the file is too large or not UTF-8.
    """
    if len(data) > MAX_BYTES:
        raise Unreadable([too_large(len(data))])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # Without the bytes before it the position of the first wrong one can't be told.
        before = data[: error.start].decode("utf-8-sig", errors="replace")
        found = f"the byte 0x{data[error.start]:02x}"
        raise Unreadable([_fault(_after(before), "must be UTF-8", found)]) from None


def too_large(size: int) -> Fault:
    """Say that a file is too large to be a line."""
    return _fault(Position(1, 1), f"must have at most {MAX_BYTES:,} bytes", f"{size:,}")


def read_tree(text: str) -> tuple[Mapping, list[Fault]]:
    """Read a text that is one YAML mapping.

    Args:
        text: the whole file.

    Returns:
        The tree, and the faults that reading could get over, as duplicate keys.

    Raises:
        Unreadable: it could not get to the end, or the top level is no mapping.

    >>> tree, faults = read_tree("id: A\\nstations: [1, 2]\\n")
    >>> plain(tree), tree.keys["stations"], faults
    ({'id': 'A', 'stations': (1, 2)}, Position(line=2, column=1), [])
    """
    composer = _Composer()
    for event in _events(text, composer.faults):
        composer.take(event)
    root = composer.root
    if isinstance(root, Mapping):
        return root, composer.faults
    where = Position(1, 1) if root is None else root.at
    found = {Scalar: "a single value", Sequence: "a list"}.get(type(root), "")
    if root is None or (isinstance(root, Scalar) and root.value is None):
        found = "an empty file"
    fault = _fault(where, "must be a mapping, from 'linetwin: 1' on", found)
    raise Unreadable([*composer.faults, fault])


def _fault(at: Position, must: str, found: str = "", remedy: str = "", path: str = "") -> Fault:
    return Fault(path, must, found, remedy, line=at.line, column=at.column)


def _after(text: str) -> Position:
    return Position(text.count("\n") + 1, len(text) - (text.rfind("\n") + 1) + 1)


def _at(mark: Any) -> Position:
    return Position(1, 1) if mark is None else Position(mark.line + 1, mark.column + 1)


def _events(text: str, faults: list[Fault]) -> Iterator[Event]:
    """Yield the parser's events; turn whatever it raises into a fault with a position."""
    last = None
    try:
        for event in events_of(text):
            last = event.start_mark
            yield event
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        fault = _fault(_at(mark or last), *say_syntax_error(error.problem or ""))
    except ReaderError as error:
        found = f"U+{error.character:04X}"
        fault = _fault(_after(text[: error.position]), "must have no control characters", found)
    except SLIPS as error:
        fault = _fault(_at(last), "must be well-formed YAML", f"{error}"[:100])
    else:
        return
    raise Unreadable([*faults, fault])


@dataclass(slots=True)
class _Open:
    """A list or mapping that is being read."""

    at: Position
    is_mapping: bool
    anchor: str | None
    items: list[Node] = field(default_factory=list)
    entries: dict[str, Node] = field(default_factory=dict)
    keys: dict[str, Position] = field(default_factory=dict)
    key: str | None = None
    drops_value: bool = False
    size: int = 1
    height: int = 1

    def close(self) -> Node:
        if self.is_mapping:
            return Mapping(self.at, self.entries, self.keys, self.size, self.height)
        return Sequence(self.at, tuple(self.items), self.size, self.height)


class _Composer:
    """Puts events together to a tree; `take` is called with one after the other."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self.faults: list[Fault] = []
        self._open: list[_Open] = []
        self._anchors: dict[str, Node | None] = {}
        self._documents = 0

    def take(self, event: Event) -> None:
        at = _at(event.start_mark)
        if isinstance(event, DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                self._give_up(at, "must be one document", "a second one")
        elif isinstance(event, ScalarEvent):
            self._refuse_tag(at, event.tag)
            quoted = not event.implicit[0]
            value = event.value if quoted else plain_value(event.value)
            self._finish(Scalar(at, event.value, value, quoted), event.anchor)
        elif isinstance(event, (*SequenceStartEvent, *MappingStartEvent)):
            self._refuse_tag(at, event.tag)
            if len(self._open) >= MAX_DEPTH:
                self._give_up(at, f"must be nested at most {MAX_DEPTH} deep")
            if event.anchor:
                self._anchors[event.anchor] = None
            is_mapping = isinstance(event, MappingStartEvent)
            self._open.append(_Open(at, is_mapping, event.anchor))
        elif isinstance(event, (*SequenceEndEvent, *MappingEndEvent)):
            closed = self._open.pop()
            self._finish(closed.close(), closed.anchor)
        elif isinstance(event, AliasEvent):
            self._alias(at, event.anchor)

    def _finish(self, node: Node, anchor: str | None) -> None:
        if anchor:
            self._anchors[anchor] = node
        self._attach(node, node.at)

    def _alias(self, at: Position, anchor: str) -> None:
        if anchor not in self._anchors:
            self._give_up(at, "must repeat a value that has an anchor", f"*{anchor}")
        node = self._anchors[anchor]
        if node is None:
            self._give_up(at, "must not contain itself", f"*{anchor}")
        elif len(self._open) + node.height > MAX_DEPTH:
            self._give_up(at, f"must be nested at most {MAX_DEPTH} deep", f"*{anchor}")
        else:
            self._attach(node, at)

    def _attach(self, node: Node, at: Position) -> None:
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        if parent.is_mapping and parent.key is None:
            self._key(parent, node, at)
            return
        parent.size += node.size
        parent.height = max(parent.height, node.height + 1)
        if sum(one.size for one in self._open) > MAX_NODES:
            self._give_up(at, f"must have at most {MAX_NODES:,} values, aliases written out")
        if not parent.is_mapping:
            parent.items.append(node)
            return
        if not parent.drops_value and parent.key is not None:
            parent.entries[parent.key] = node
        parent.key = None
        parent.drops_value = False

    def _key(self, parent: _Open, node: Node, at: Position) -> None:
        parent.drops_value = True
        if not isinstance(node, Scalar):
            self._add(at, "must have a plain text as its key", "a list or mapping")
        elif node.text == "<<" and not node.quoted:
            self._add(at, "must not merge mappings", "<<", "write the keys out")
        elif node.text in parent.keys:
            path = f"{self._path()}.{node.text}".removeprefix(".")
            first = parent.keys[node.text].line
            remedy = f"line {first} has it already"
            self.faults.append(_fault(at, "must be given once", "", remedy, path))
        else:
            parent.keys[node.text] = at
            parent.drops_value = False
        parent.key = node.text if isinstance(node, Scalar) else ""

    def _refuse_tag(self, at: Position, tag: object) -> None:
        if tag is not None:
            self._add(at, "must have no YAML tag", str(tag), "a text goes in quotes")

    def _add(self, at: Position, must: str, found: str = "", remedy: str = "") -> None:
        self.faults.append(_fault(at, must, found, remedy, self._path()))

    def _give_up(self, at: Position, must: str, found: str = "") -> None:
        self._add(at, must, found)
        raise Unreadable(self.faults)

    def _path(self) -> str:
        path = ""
        for outer in self._open[:-1]:
            path += f".{outer.key}" if outer.is_mapping else f"[{len(outer.items)}]"
        if self._open:
            last = self._open[-1]
            key = f".{last.key}" if last.key is not None else ""
            path += key if last.is_mapping else f"[{len(last.items)}]"
        return path.removeprefix(".")
