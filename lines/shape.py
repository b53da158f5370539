"""The models' types, followed along a path: what may stand where, under which key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic.fields import FieldInfo

from twin.model.base import Frozen

__all__ = [
    "Field",
    "Step",
    "by_tag",
    "choices",
    "described_as",
    "fields_of",
    "follow",
    "members",
    "model_of",
    "models_in",
    "without_none",
]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a model as a file shows it.

    Args:
        key: what the file calls it.
        name: what Python calls it.
        annotation: its type, with annotations.
        info: pydantic's record of it.
    """

    key: str
    name: str
    annotation: Any
    info: FieldInfo


@cache
def fields_of(model: type[Frozen]) -> dict[str, Field]:
    """Return the fields of a model by the keys that a file uses, in the model's order."""
    hints = get_type_hints(model, include_extras=True)
    found = (
        Field(info.alias or name, name, hints[name], info)
        for name, info in model.model_fields.items()
        if not info.exclude
    )
    return {one.key: one for one in found}


def members(annotation: Any) -> tuple[Any, ...]:
    """Return the members of a union, or the type itself, without annotations around them."""
    if get_origin(annotation) is Annotated:
        return members(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return tuple(one for arg in get_args(annotation) for one in members(arg))
    return (annotation,)


def without_none(annotation: Any) -> Any:
    """Return the type that stands beside None, annotations kept; any other type as it is."""
    if get_origin(annotation) in (Union, UnionType):
        others = [arg for arg in get_args(annotation) if arg is not NoneType]
        if len(others) == 1:
            return others[0]
    return annotation


def described_as(annotation: Any) -> str:
    """Return the description that a type carries itself; an empty text where it has none.

    >>> from twin.model.quantity import Micros
    >>> described_as(Micros | None)
    'a time'
    """
    metadata = getattr(without_none(annotation), "__metadata__", ())
    found = [info.description for info in metadata if isinstance(info, FieldInfo)]
    return next((text for text in reversed(found) if text), "")


def model_of(annotation: Any) -> type[Frozen] | None:
    """Return the one model that a type stands for, if it does."""
    found = [
        one for one in members(annotation) if isinstance(one, type) and issubclass(one, Frozen)
    ]
    return found[0] if len(found) == 1 else None


def models_in(model: type[Frozen]) -> tuple[type[Frozen], ...]:
    """Return a model and all that its fields lead to, each once, in the order of the fields."""
    found: dict[type[Frozen], None] = {}
    ahead = [model]
    while ahead:
        one = ahead.pop(0)
        if one not in found:
            found[one] = None
            ahead += [inner for field in fields_of(one).values() for inner in _in(field.annotation)]
    return tuple(found)


def _in(annotation: Any) -> Iterator[type[Frozen]]:
    for one in members(annotation):
        if isinstance(one, type) and issubclass(one, Frozen):
            yield one
        for inner in get_args(one) if get_origin(one) in (tuple, dict) else ():
            yield from _in(inner)


def by_tag(annotation: Any) -> dict[str, type[Frozen]]:
    """Return the members of a union of models that are told apart by `distribution`."""
    found = {}
    for one in members(annotation):
        if isinstance(one, type) and issubclass(one, Frozen) and "distribution" in one.model_fields:
            found[get_args(one.model_fields["distribution"].annotation)[0]] = one
    return found


@dataclass(frozen=True, slots=True)
class Step:
    """Where one of pydantic's locations leads in a document.

    Args:
        path: keys and list positions that exist in the document.
        annotation: the type of what stands (or should stand) there.
        rest: what of the location is not in the document: a missing key, or nothing.
        at_key: whether the key itself is meant.
    """

    path: tuple[str | int, ...]
    annotation: Any
    rest: tuple[str | int, ...] = ()
    at_key: bool = False


def follow(model: type[Frozen], document: Any, location: tuple[str | int, ...]) -> Step:
    """Follow one of pydantic's locations through a document.

    Pydantic's locations also name the member of a union (`lognormal`, `float`), and values that
    only validators have made (a plain `75 s` becomes a mapping with `mean`); neither is in the
    document.

    >>> from twin.model import Line
    >>> doc = {"stations": ({"cycle_time": {"distribution": "gamma", "cv": -1}},)}
    >>> follow(Line, doc, ("stations", 0, "cycle_time", "gamma", "cv")).path
    ('stations', 0, 'cycle_time', 'cv')
    """
    annotation: Any = model
    path: tuple[str | int, ...] = ()
    for place, item in enumerate(location):
        rest = location[place:]
        annotation = without_none(annotation)
        tags = by_tag(annotation)
        if len(tags) > 1:
            annotation = tags.get(str(item), annotation)
            continue
        container = members(annotation)
        one = model_of(annotation)
        if one is not None and isinstance(document, dict):
            field = fields_of(one).get(str(item))
            if item not in document:
                return Step(path, annotation, rest)
            if field is None:
                return Step((*path, item), annotation, rest, at_key=True)
            annotation, document = field.annotation, document[item]
        elif any(get_origin(c) is tuple for c in container) and isinstance(document, tuple):
            annotation = next(get_args(c)[0] for c in container if get_origin(c) is tuple)
            document = document[int(item)]
        elif any(get_origin(c) is dict for c in container) and isinstance(document, dict):
            key_type, value_type = next(get_args(c) for c in container if get_origin(c) is dict)
            if location[place + 1 :] == ("[key]",):
                return Step((*path, item), key_type, at_key=True)
            annotation, document = value_type, document[item]
        else:
            return Step(path, annotation)
        path = (*path, item)
    return Step(path, annotation)


def choices(annotation: Any) -> tuple[Any, ...]:
    """Return the values that a type allows by name: those of its literals and its tags."""
    literals = [one for one in members(annotation) if get_origin(one) is Literal]
    return (*(value for one in literals for value in get_args(one)), *by_tag(annotation))
