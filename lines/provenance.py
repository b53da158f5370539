"""Where numbers come from: `source` and `note`, which any mapping of a line file may carry."""

from __future__ import annotations

from dataclasses import dataclass, field

from lines.yaml_tree import Mapping, Node, Position, Scalar, Sequence
from twin.errors import Fault
from twin.model.line import Provenance
from twin.model.nearest import did_you_mean

__all__ = ["ALWAYS_KNOWN", "Stripped", "strip"]

ALWAYS_KNOWN = ("seed", "assumption", "history")
"""Words that need no entry in the file's `sources`."""

NOTES = ("source", "note")


@dataclass(frozen=True, slots=True)
class Stripped:
    """A tree without its sources and notes, and what these said, by path.

    Args:
        tree: the values alone; what was `{value: X, source: ...}` is X.
        provenance: by path, as `stations[10].cycle_time`; a source on a station holds for
            whatever in it has none of its own.
        faults: sources that are no text, or that the file does not list.
    """

    tree: Mapping
    provenance: dict[str, Provenance] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


def strip(tree: Mapping) -> Stripped:
    """Take the sources and notes out of a tree.

    >>> from lines.yaml_tree import plain, read_tree
    >>> stripped = strip(read_tree("takes: {value: 3, source: seed, note: counted}")[0])
    >>> plain(stripped.tree), stripped.provenance["takes"].note
    ({'takes': 3}, 'counted')
    """
    listed = tree.entries.get("sources")
    known = (*ALWAYS_KNOWN, *(listed.entries if isinstance(listed, Mapping) else ()))
    found = Stripped(tree)
    entries = _without_notes(tree, "", known, found)
    if isinstance(entries, Mapping):
        if listed is not None:  # the list of sources is no place for sources
            entries.entries["sources"] = listed
        return Stripped(entries, found.provenance, found.faults)
    return found


def _without_notes(node: Node, path: str, known: tuple[str, ...], found: Stripped) -> Node:
    if isinstance(node, Scalar):
        return node
    if isinstance(node, Sequence):
        items = (_without_notes(n, f"{path}[{i}]", known, found) for i, n in enumerate(node.items))
        return Sequence(node.at, tuple(items))
    _record(node, path, known, found)
    entries = {key: value for key, value in node.entries.items() if key not in NOTES}
    if path and entries.keys() == {"value"}:
        return _without_notes(entries["value"], path, known, found)
    inner = {
        key: _without_notes(value, f"{path}.{key}" if path else key, known, found)
        for key, value in entries.items()
        if path or key != "sources"
    }
    return Mapping(node.at, inner, node.keys)


def _record(node: Mapping, path: str, known: tuple[str, ...], found: Stripped) -> None:
    texts: dict[str, str] = {}
    for key in NOTES:
        if key not in node.entries:
            continue
        value = node.entries[key]
        if isinstance(value, Scalar) and isinstance(value.value, str) and value.value.strip():
            texts[key] = value.value.strip()
        else:
            shown = value.text if isinstance(value, Scalar) else "a list or mapping"
            where = f"{path}.{key}".removeprefix(".")
            found.faults.append(_fault(value.at, where, "must be a text", shown))
    if "source" in texts:
        where = f"{path}.source".removeprefix(".")
        for word in texts["source"].split(" + "):
            if word.strip() not in known:
                must = "must be seed, assumption, history, or a key of sources"
                remedy = did_you_mean(word, known)
                at = node.entries["source"].at
                found.faults.append(_fault(at, where, must, word.strip(), remedy))
    if texts:
        found.provenance[path] = Provenance(source=texts.get("source", ""), note=texts.get("note"))


def _fault(at: Position, path: str, must: str, found: str, remedy: str = "") -> Fault:
    return Fault(path, must, found, remedy, line=at.line, column=at.column)
