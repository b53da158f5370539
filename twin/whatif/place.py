"""Where in a line a change goes: paths as `stations.STK.machines`, followed to the values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, get_args, get_origin

from lines.shape import Field, fields_of, members, without_none
from twin.errors import Fault
from twin.model.base import Frozen
from twin.model.nearest import did_you_mean

__all__ = ["KEPT", "Place", "find_places", "put"]

KEPT = ("id", "linetwin", "distribution")
"""Fields that say what a thing is; a scenario changes how much and how long."""

Step = str | int


@dataclass(frozen=True, slots=True)
class Place:
    """One value of a line.

    Args:
        steps: how it is reached from the line: Python's field names, list positions, keys.
        words: what people call it, as `("STK", "failure jam", "mttr")`.
        owner: the model that holds it.
        field: the owner's field it is in.
        annotation: its type.
        value: what stands there now.
    """

    steps: tuple[Step, ...]
    words: tuple[str, ...]
    owner: Frozen
    field: Field
    annotation: Any
    value: Any

    @property
    def label(self) -> str:
        """The place in words, as `STK failure jam mttr`."""
        return " ".join(self.words)


class _Nothing(Exception):
    """A path leads nowhere."""

    def __init__(self, fault: Fault, by_pattern: bool = False) -> None:
        self.fault = fault
        self.by_pattern = by_pattern


def find_places(document: Frozen, path: str) -> tuple[Place, ...]:
    """Follow a path to every place it means.

    Args:
        document: where to look, as a line.
        path: the keys of its file joined by dots; an element of a list by its id (a use by its
            material, others by their number from 0); `*` stands for any letters of an id. A
            list's name may stand in the singular, and without an id means all of it:
            `failure.mttr` is `failures.*.mttr`.

    Returns:
        The places, in the document's order; at least one.

    Raises:
        LookupError: nothing is there; its argument is the `Fault` that says what is.

    >>> from twin.model import Line, Station
    >>> line = Line(id="L", stations=(Station(id="A", cycle_time="2 s", machines=3),))
    >>> [(place.label, place.value) for place in find_places(line, "stations.*.machines")]
    [('A machines', 3)]
    """
    keys = path.split(".")
    try:
        found = tuple(_follow(document, keys, _head(document), path))
    except _Nothing as nothing:
        raise LookupError(nothing.fault) from None
    if not found:
        must = "must lead to something that is there"
        raise LookupError(Fault(path, must, "", "nothing that '*' stands for has it"))
    return found


def _head(document: Frozen) -> Place:
    first = next(iter(fields_of(type(document)).values()))
    return Place((), (), document, first, type(document), document)


def _follow(node: Any, keys: list[str], so_far: Place, path: str) -> Iterator[Place]:
    if not keys and isinstance(node, dict) and node.keys() == {""}:
        keys = [""]
    if not keys:
        yield so_far
        return
    key, rest = keys[0], keys[1:]
    if isinstance(node, Frozen):
        yield from _into_field(node, key, rest, so_far, path)
    elif isinstance(node, tuple):
        yield from _into_list(node, key, rest, so_far, path)
    elif isinstance(node, dict):
        yield from _into_mapping(node, key, rest, so_far, path)
    else:
        must = f"must end at '{keys_up_to(path, keys)}'"
        found = "nothing there" if node is None else "a plain value"
        raise _Nothing(Fault(path, must, found), by_pattern=True)


def keys_up_to(path: str, rest: list[str]) -> str:
    """Return the part of a path that comes before its last keys."""
    return path[: max(0, len(path) - len(".".join(rest)) - 1)]


def _into_field(
    node: Frozen, key: str, rest: list[str], so_far: Place, path: str
) -> Iterator[Place]:
    fields = fields_of(type(node))
    many = next((name for name in (f"{key}s", f"{key}es") if name in fields), None)
    if key not in fields and many is not None and _is_list(fields[many].annotation):
        names = [_name(element, i) for i, element in enumerate(getattr(node, fields[many].name))]
        named = bool(rest) and any(fnmatchcase(name, rest[0]) for name in names)
        key, rest = many, rest if named else ["*", *rest]
    field = fields.get(key)
    if field is None or key in KEPT:
        known = [name for name in fields if name not in KEPT]
        where = keys_up_to(path, [key, *rest])
        must = f"must be a key of {where}" if where else f"must begin with a key of {_kind(node)}"
        raise _Nothing(Fault(path, must, key, did_you_mean(key, known)))
    value = getattr(node, field.name)
    table = so_far.owner is node and not so_far.steps and isinstance(value, tuple)
    words = () if table or _is_list(field.annotation) else (key.replace("_", " "),)
    annotation = without_none(field.annotation)
    here = Place(
        (*so_far.steps, field.name), (*so_far.words, *words), node, field, annotation, value
    )
    yield from _follow(value, rest, here, path)


def _kind(document: Frozen) -> str:
    return f"a {type(document).__name__.lower()} file"


def _is_list(annotation: Any) -> bool:
    return any(get_origin(one) is tuple for one in members(without_none(annotation)))


def _name(element: Any, number: int) -> str:
    for key in ("id", "material"):
        name = getattr(element, key, None)
        if isinstance(name, str):
            return name
    return str(number)


def _singular(field: str) -> str:
    return field.removesuffix("s").removesuffix("ie") + ("y" if field.endswith("ies") else "")


def _into_list(
    node: tuple[Any, ...], key: str, rest: list[str], so_far: Place, path: str
) -> Iterator[Place]:
    names = [_name(element, number) for number, element in enumerate(node)]
    chosen = [i for i, name in enumerate(names) if fnmatchcase(name, key)]
    if not chosen:
        kind = _singular(so_far.field.key)
        must = f"must be the id of a {kind}" if names else f"must name what is there, no {kind} is"
        raise _Nothing(Fault(path, must, key, did_you_mean(key, names)), by_pattern="*" in key)
    kind = "" if so_far.field.name == "stations" else f"{_singular(so_far.field.key)} "
    by_pattern = bool(re.search(r"[*?\[]", key))
    item = next(get_args(one)[0] for one in members(so_far.annotation) if get_origin(one) is tuple)
    for i in chosen:
        words = (*so_far.words, f"{kind}{names[i]}")
        here = Place(
            (*so_far.steps, i), words, so_far.owner, so_far.field, without_none(item), node[i]
        )
        try:
            yield from _follow(node[i], rest, here, path)
        except _Nothing as nothing:
            # What only some of them have is changed in those that have it.
            if not (by_pattern and nothing.by_pattern):
                raise


def _into_mapping(
    node: dict[str, Any], key: str, rest: list[str], so_far: Place, path: str
) -> Iterator[Place]:
    of = next(get_args(one)[1] for one in members(so_far.annotation) if get_origin(one) is dict)
    chosen = [name for name in node if fnmatchcase(name, key)]
    if not chosen and ("*" in key or rest):
        must = f"must be a key of {keys_up_to(path, [key, *rest])}"
        raise _Nothing(Fault(path, must, key, did_you_mean(key, node)), by_pattern="*" in key)
    for name in chosen or [key]:
        words = (*so_far.words, name) if name else so_far.words
        here = Place((*so_far.steps, name), words, so_far.owner, so_far.field, of, node.get(name))
        yield from _follow(node.get(name), rest, here, path)


def put(node: Any, steps: tuple[Step, ...], value: Any) -> Any:
    """Return a copy of a line, or of part of it, with another value at one place.

    Raises:
        ValueError: the model that holds the place does not allow them together.
    """
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(node, tuple):
        i = int(step)
        return (*node[:i], put(node[i], rest, value), *node[i + 1 :])
    if isinstance(node, dict):
        return {**node, str(step): put(node.get(str(step)), rest, value)}
    changed = {str(step): put(getattr(node, str(step)), rest, value)}
    copied = node.model_copy(update=changed)
    if type(node).__pydantic_decorators__.model_validators:
        return type(node).model_validate(dict(copied))
    return copied
