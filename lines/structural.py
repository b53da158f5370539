"""Faults in single fields: what pydantic refuses, with path, position and words for people."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from lines.place import found_text, position_of, written
from lines.shape import Step, follow, model_of
from lines.wording import say, say_missing, say_unknown_key
from lines.yaml_tree import Mapping
from twin.errors import Fault
from twin.model.base import Frozen
from twin.model.line import Line

__all__ = ["structural_faults"]

SUGGESTED = 200
"""So many unknown keys get a suggestion; finding the nearest key takes time."""


def structural_faults(
    error: ValidationError, tree: Mapping, document: object, model: type[Frozen] = Line
) -> list[Fault]:
    """Turn pydantic's errors into faults with positions.

    Args:
        error: what validating the document has raised.
        tree: the document with positions.
        document: the same as plain data.
        model: what the document should be.

    Returns:
        At most one fault for each place in the document.
    """
    faults: dict[tuple[object, ...], Fault] = {}
    for one in sorted(error.errors(include_url=False), key=_types_last):
        step = follow(model, document, one["loc"])
        if one["type"] == "union_tag_invalid":
            step = Step((*step.path, "distribution"), step.annotation)
        where = (step.path, step.rest if one["type"] == "missing" else (), step.at_key)
        if where not in faults and not _only_of_wrong_items(one, document, step):
            faults[where] = _fault(one, step, tree, document, suggest=len(faults) < SUGGESTED)
    return list(faults.values())


def _types_last(error: Any) -> bool:
    """Of the complaints of a union's members, one about the value says more than about its type."""
    return str(error["type"]).endswith("_type")


def _only_of_wrong_items(error: Any, document: object, step: Step) -> bool:
    """Tell whether a list is called too short only because its items are wrong themselves."""
    found = _value_at(document, step.path)
    return (
        error["type"] == "too_short"
        and isinstance(found, tuple | dict)
        and len(found) >= error["ctx"]["min_length"]
    )


def _fault(error: Any, step: Step, tree: Mapping, document: object, suggest: bool) -> Fault:
    path, kind = step.path, error["type"]
    found = remedy = ""
    if kind == "missing":
        must = say_missing(str(step.rest[0]), step.annotation)
    elif kind == "extra_forbidden":
        must = "must be a known key"
        remedy = say_unknown_key(str(path[-1]), step.annotation) if suggest else ""
    else:
        value = _value_at(document, path)
        must, remedy = say(error, step.annotation, value)
        # A rule between the keys of a mapping says by itself what it is about.
        rule = kind == "value_error" and isinstance(value, dict) and model_of(step.annotation)
        found = "" if rule or kind == "union_tag_not_found" else found_text(tree, path)
    if step.at_key and kind != "extra_forbidden":
        found = str(path[-1])
    line, column = position_of(tree, path, step.at_key)
    return Fault(written(path), must, found, remedy, line=line, column=column)


def _value_at(document: Any, path: Iterable[str | int]) -> Any:
    for item in path:
        document = document[item]
    return document
