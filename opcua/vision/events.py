"""ResultReadyEventType (OPC 40100-1, 8.3.8.4): a vision post has a new result."""

from __future__ import annotations

from asyncua import ua

from opcua.alarms.events import ConditionEvent
from opcua.standards import VISION
from opcua.structures import instant
from opcua.ua_values import Namespaces, node_id, variant
from opcua.vision.results import Result
from opcua.vision.structures import (
    COMPLETED,
    configuration_id,
    job_id,
    pairs,
    recipe_id,
    result_id,
)
from opcua.wire_values import Ref, Structure, Wire

__all__ = ["result_ready"]

_EVENT = Ref(VISION, 1024)
_SEVERITY = 100
_KINDS = {
    "EventId": ua.VariantType.ByteString,
    "EventType": ua.VariantType.NodeId,
    "SourceNode": ua.VariantType.NodeId,
    "SourceName": ua.VariantType.String,
    "Time": ua.VariantType.DateTime,
    "ReceiveTime": ua.VariantType.DateTime,
    "Message": ua.VariantType.LocalizedText,
    "Severity": ua.VariantType.UInt16,
    "CreationTime": ua.VariantType.DateTime,
    "IsPartial": ua.VariantType.Boolean,
    "IsSimulated": ua.VariantType.Boolean,
    "ResultState": ua.VariantType.Int32,
    "ResultId": ua.VariantType.ExtensionObject,
    "InternalRecipeId": ua.VariantType.ExtensionObject,
    "InternalConfigurationId": ua.VariantType.ExtensionObject,
    "JobId": ua.VariantType.ExtensionObject,
    "ResultContent": ua.VariantType.ExtensionObject,
}


def result_ready(result: Result, source: ua.NodeId, namespaces: Namespaces) -> ConditionEvent:
    """Make the event of a result.

    Args:
        result: what was found.
        source: the vision system's node.
        namespaces: index of each namespace in the server's table.
    """

    def sent(structure: Structure) -> object:
        return variant(Wire("ExtensionObject", structure), namespaces).Value

    at, unit = instant(result.at_us), result.unit
    bad = result.scrapped + result.reworked
    values = {
        "EventId": result.id.encode(),
        "EventType": node_id(_EVENT, namespaces),
        "SourceNode": source,
        "SourceName": unit,
        "Time": at,
        "ReceiveTime": at,
        "Message": ua.LocalizedText(f"{unit}: {result.inspected} inspected, {bad} rejected", "en"),
        "Severity": _SEVERITY,
        "CreationTime": at,
        "IsPartial": False,
        "IsSimulated": True,
        "ResultState": COMPLETED,
        "ResultId": sent(result_id(result)),
        "InternalRecipeId": sent(recipe_id(unit)),
        "InternalConfigurationId": sent(configuration_id(unit)),
        "JobId": sent(job_id(unit)),
        "ResultContent": pairs(result),
    }
    return ConditionEvent(values, _KINDS)
