"""A draft of a line with faults: what is well formed, and stand-ins for what is not."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, cast

from pydantic import ValidationError

from lines.shape import fields_of, members
from twin.model.base import FROM_FILE, Frozen
from twin.model.buffer import Buffer
from twin.model.calendar import Calendar
from twin.model.checks import Draft
from twin.model.durations import Constant
from twin.model.line import Line
from twin.model.station import Station

__all__ = ["draft_of"]

LISTS = (
    "calendars",
    "crews",
    "materials",
    "defects",
    "plcs",
    "utilities",
    "stations",
    "buffers",
)
HEADS = ("time_zone", "yield_from", "calendar", "shifts")
SECOND = Constant(mean_us=1_000_000)


def draft_of(document: dict[str, Any]) -> Draft:
    """Make of a document that is no line as much of a line as it is.

    Args:
        document: the file as plain data.

    Returns:
        A line in which stand-ins hold the places of broken elements, so that the checks can run
        on the others.
    """
    broken: set[str] = set()
    fields: dict[str, Any] = {}
    for key in HEADS:
        head = _head(document, key)
        if head is not None:
            fields[key] = head
    for key in LISTS:
        if key not in document:
            continue
        elements = document[key]
        model = _element(key)
        made = []
        for i, raw in enumerate(elements if isinstance(elements, tuple) else ()):
            try:
                made.append(_validated(model, raw))
            except ValidationError:
                broken.add(f"{key}[{i}]")
                made.append(_stand_in(model, raw if isinstance(raw, dict) else {}))
        fields[key] = tuple(made)
        if not isinstance(elements, tuple):
            # What the list should hold is unknown: whoever is named may be meant to be in it.
            broken.add(f"{key}[0]")
            fields[key] = (_stand_in(model, {}),)
    if "stations" not in fields:
        broken.add("stations[0]")
        fields["stations"] = (_stand_in(Station, {}),)
    line = Line.model_construct(id="DRAFT", **fields)
    return Draft(line, frozenset(broken))


def _element(key: str) -> type[Frozen]:
    annotation = fields_of(Line)[key].annotation
    (tuple_of,) = members(annotation)
    element: type[Frozen] = tuple_of.__args__[0]
    return element


def _validated(model: type[Frozen], raw: Any) -> Frozen:
    return model.model_validate(raw, context=FROM_FILE, by_alias=True, by_name=False)


def _head(document: dict[str, Any], key: str) -> Any:
    """Return a field of the line itself, or None where it is absent or not well formed."""
    if key not in document:
        return None
    stub = {"id": "L", "stations": (Station(id="S", cycle_time=SECOND),), key: document[key]}
    try:
        return getattr(_validated(Line, stub), key)
    except ValidationError:
        return None


def _stand_in(model: type[Any], raw: dict[str, Any]) -> Frozen:
    name = raw.get("id")
    name = name if isinstance(name, str) else ""
    if model is Station:
        # Not a number: nothing is known of what its parts stand for.
        return Station.model_construct(id=name, cycle_time=SECOND, product_units=math.nan)
    if model is Buffer:
        sources, sinks = _ids(raw.get("from")), _ids(raw.get("to"))
        return Buffer.model_construct(id=name, sources=sources, sinks=sinks)
    if model is Calendar:
        return Calendar.model_construct(id=name, stops=())
    return cast("Frozen", model.model_construct(id=name))


def _ids(raw: Any) -> tuple[str, ...]:
    """Return the ids that an end of a buffer names; nothing where they can't be read."""
    named: Iterable[Any] = (raw,) if isinstance(raw, str) else raw
    if isinstance(named, tuple) and all(isinstance(name, str) for name in named):
        return named
    return ()
