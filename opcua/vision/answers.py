"""What the methods of ResultManagementType answer (OPC 40100-1, 7.10)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from opcua.structures import instant
from opcua.vision.results import Asked, Result, Results
from opcua.vision.structures import (
    COMPLETED,
    configuration_id,
    id_in,
    job_id,
    nothing,
    pairs,
    processing_times,
    recipe_id,
    result_structure,
)
from opcua.wire_values import Wire

__all__ = ["ANSWERS", "UNKNOWN"]

UNKNOWN = -1
"""Error of a result or handle that is not known; below 0 are the makers' own (OPC 40100-1, 7)."""

Answer = Callable[[str, Results, list[Any]], list[Wire]]

_RESULT_ID = 3021
_FILTERS = {
    "MeasId": 3015,
    "PartId": 3004,
    "ExternalRecipeId": 3002,
    "InternalRecipeId": 3013,
    "ExternalConfigurationId": 3008,
    "InternalConfigurationId": 3008,
    "ProductId": 3003,
    "JobId": 3016,
}
"""What a list is filtered by, in the order of the arguments, and the number of its data type."""
_OF_EVERY_RESULT = {"InternalRecipeId", "InternalConfigurationId", "JobId"}


def _structure(value: object) -> Wire:
    return Wire("ExtensionObject", value)


def _by_id(_: str, results: Results, given: list[Any]) -> list[Wire]:
    found, handle = _find(results, given)
    return [
        Wire("UInt32", handle),
        _structure(result_structure(found)),
        Wire("Int32", UNKNOWN if found is None else 0),
    ]


def _find(results: Results, given: list[Any]) -> tuple[Result | None, int]:
    result_id, _ = given
    found = results.find(id_in(result_id, _RESULT_ID))
    return found, 0 if found is None else results.hold((found,))


def _components(unit: str, results: Results, given: list[Any]) -> list[Wire]:
    found, handle = _find(results, given)
    return [
        Wire("Boolean", value=False),  # HasTransferableDataOnFile
        Wire("UInt32", handle),
        Wire("Boolean", value=False),  # IsPartial
        Wire("Boolean", value=found is not None),  # IsSimulated: of an emulated post
        Wire("Int32", COMPLETED if found is not None else 0),
        _structure(nothing(3015)),  # MeasId
        _structure(nothing(3004)),  # PartId
        _structure(nothing(3002)),  # ExternalRecipeId
        _structure(recipe_id(unit) if found else nothing(3013)),
        _structure(nothing(3003)),  # ProductId
        _structure(nothing(3008)),  # ExternalConfigurationId
        _structure(configuration_id(unit) if found else nothing(3008)),
        _structure(job_id(unit) if found else nothing(3016)),
        Wire("DateTime", instant(found.at_us) if found else None),
        _structure(processing_times(found) if found else nothing(3005)),
        Wire("ExtensionObject", tuple(pairs(found)) if found else ()),
        Wire("Int32", UNKNOWN if found is None else 0),
    ]


def _listed(unit: str, results: Results, given: list[Any]) -> list[Wire]:
    state, *rest = given
    *ids, most, first, _ = rest
    if len(ids) != len(_FILTERS):
        raise ValueError("a list takes 12 arguments")
    wanted = {
        name: id_in(value, number)
        for (name, number), value in zip(_FILTERS.items(), ids, strict=True)
    }
    own = {name: unit if name in _OF_EVERY_RESULT else "" for name in wanted}
    fits = state in (None, 0, COMPLETED) and all(
        not value or value == own[name] for name, value in wanted.items()
    )
    chosen, complete = results.select(Asked(fits, int(most or 0), int(first or 0)))
    return [
        Wire("Boolean", complete),
        Wire("UInt32", len(chosen)),
        Wire("UInt32", results.hold(chosen) if chosen else 0),
        Wire("ExtensionObject", tuple(result_structure(result) for result in chosen)),
        Wire("Int32", 0),
    ]


def _released(_: str, results: Results, given: list[Any]) -> list[Wire]:
    (handle,) = given
    return [Wire("Int32", 0 if results.release(int(handle)) else UNKNOWN)]


ANSWERS: Mapping[str, Answer] = MappingProxyType(
    {
        "GetResultById": _by_id,
        "GetResultComponentsById": _components,
        "GetResultListFiltered": _listed,
        "ReleaseResultHandle": _released,
    }
)
"""By the name of the method: takes machine, results and arguments, and gives the outputs."""
