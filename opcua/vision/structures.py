"""Results of vision posts as the standard's structures (OPC 40100-1, 12)."""

from __future__ import annotations

from asyncua import ua

from opcua.standards import VISION
from opcua.structure_codec import decoded, structure
from opcua.structures import instant
from opcua.vision.results import Result
from opcua.wire_values import Ref, Structure

__all__ = [
    "COMPLETED",
    "RESULT_DATA",
    "configuration_id",
    "id_in",
    "job_id",
    "nothing",
    "pairs",
    "processing_times",
    "recipe_id",
    "result_id",
    "result_structure",
]

RESULT_DATA = Ref(VISION, 3006)
COMPLETED = 1
"""A result's state (OPC 40100-1, 12.19): all of it is there."""


def result_structure(result: Result | None) -> Structure:
    """Make a ResultDataType; None: an empty one."""
    if result is None:
        return structure(RESULT_DATA, {})
    unit = result.unit
    return structure(
        RESULT_DATA,
        {
            "ResultId": {"Id": result.id},
            # Of an emulated post.
            "IsSimulated": True,
            "ResultState": COMPLETED,
            "InternalRecipeId": {"Id": unit},
            "InternalConfigurationId": {"Id": unit},
            "JobId": {"Id": unit},
            "CreationTime": instant(result.at_us),
            "ResultContent": [ua.Variant(pair) for pair in pairs(result)],
        },
    )


def pairs(result: Result) -> list[ua.KeyValuePair]:
    """Say what a result contains, as the base standard's pairs of key and value."""
    return [
        ua.KeyValuePair(ua.QualifiedName(name, 0), ua.Variant(count, ua.VariantType.Int64))
        for name, count in result.content.items()
    ]


def result_id(result: Result) -> Structure:
    """Make a ResultIdDataType."""
    return structure(Ref(VISION, 3021), {"Id": result.id})


def job_id(unit: str) -> Structure:
    """Make a JobIdDataType: a vision post does one job without end."""
    return structure(Ref(VISION, 3016), {"Id": unit})


def recipe_id(unit: str) -> Structure:
    """Make a RecipeIdInternalDataType, with none of its optional fields."""
    return structure(Ref(VISION, 3013), {"Id": unit})


def configuration_id(unit: str) -> Structure:
    """Make a ConfigurationIdDataType, with none of its optional fields."""
    return structure(Ref(VISION, 3008), {"Id": unit})


def processing_times(result: Result) -> Structure:
    """Make a ProcessingTimesDataType: a result is there in the scan that it is of."""
    at = instant(result.at_us)
    return structure(Ref(VISION, 3005), {"StartTime": at, "EndTime": at})


def nothing(number: int) -> Structure:
    """Make a structure with nothing in it, by the number of its data type."""
    return structure(Ref(VISION, number), {})


def id_in(value: object, number: int) -> str:
    """Read the id that a client gives; empty for none.

    Args:
        value: a structure, as it came; None for none.
        number: of its data type.

    Raises:
        ValueError: it is no such structure.
    """
    if not isinstance(value, ua.ExtensionObject) or not value.Body:
        if value is None or isinstance(value, ua.ExtensionObject):
            return ""
        raise ValueError(f"must be a structure, got {type(value).__name__}")
    return str(decoded(Ref(VISION, number), bytes(value.Body)).get("Id") or "")
