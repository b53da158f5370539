"""What a condition shows: one table of its fields, for its nodes and for its events alike.

A field's name is its path of browse names below the type, as clients select it: `AckedState/Id`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from asyncua import ua

from opcua.alarms.condition import (
    LONGEST_SHELVED_S,
    Condition,
    ConditionState,
    Kind,
    Shelving,
)
from opcua.structures import instant

__all__ = ["FIELDS", "METHODS", "OBJECTS", "Field", "Nodes", "condition_class", "field_values"]

_VT, _IDS = ua.VariantType, ua.ObjectIds
_PROPERTY, _COMPONENT = _IDS.HasProperty, _IDS.HasComponent
_TWO_STATE, _CONDITION_VARIABLE = _IDS.TwoStateVariableType, _IDS.ConditionVariableType
_STATE_VARIABLE, _PROPERTY_TYPE = _IDS.FiniteStateVariableType, _IDS.PropertyType
_UTC, _DURATION = _IDS.UtcTime, _IDS.Duration

_HIGH, _LOW = _IDS.ExclusiveLimitStateMachineType_High, _IDS.ExclusiveLimitStateMachineType_Low
_LIMITS = {"High": ua.NodeId(_HIGH), "Low": ua.NodeId(_LOW), "": ua.NodeId()}

_PROCESS = (_IDS.ProcessConditionClassType, "ProcessConditionClass")
_CLASSES = {
    "SAF": (_IDS.SafetyConditionClassType, "SafetyConditionClass"),
    "MNT": (_IDS.MaintenanceConditionClassType, "MaintenanceConditionClass"),
    "COM": (_IDS.SystemConditionClassType, "SystemConditionClass"),
    "CYB": (_IDS.SystemConditionClassType, "SystemConditionClass"),
}


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a condition.

    Args:
        kind: its built-in type.
        data_type: its data type.
        type_id: the type of its node.
        reference: how its node hangs on the one above.
        only: of which type of condition; None: of all.
    """

    kind: ua.VariantType
    data_type: int
    type_id: int = _PROPERTY_TYPE
    reference: int = _PROPERTY
    only: Kind | None = None


def _property(
    kind: ua.VariantType, data_type: int | None = None, only: Kind | None = None
) -> Field:
    return Field(kind, kind.value if data_type is None else data_type, only=only)


def _variable(kind: ua.VariantType, type_id: int, only: Kind | None = None) -> Field:
    return Field(kind, kind.value, type_id, _COMPONENT, only)


def _two_state(name: str) -> dict[str, Field]:
    return {
        name: _variable(_VT.LocalizedText, _TWO_STATE),
        f"{name}/Id": _property(_VT.Boolean),
        f"{name}/TransitionTime": _property(_VT.DateTime, _UTC),
    }


def _stamped(name: str, kind: ua.VariantType) -> dict[str, Field]:
    return {
        name: _variable(kind, _CONDITION_VARIABLE),
        f"{name}/SourceTimestamp": _property(_VT.DateTime, _UTC),
    }


FIELDS: Mapping[str, Field] = {
    "EventId": _property(_VT.ByteString),
    "EventType": _property(_VT.NodeId),
    "SourceNode": _property(_VT.NodeId),
    "SourceName": _property(_VT.String),
    "Time": _property(_VT.DateTime, _UTC),
    "ReceiveTime": _property(_VT.DateTime, _UTC),
    "Message": _property(_VT.LocalizedText),
    "Severity": _property(_VT.UInt16),
    "ConditionClassId": _property(_VT.NodeId),
    "ConditionClassName": _property(_VT.LocalizedText),
    "ConditionName": _property(_VT.String),
    "BranchId": _property(_VT.NodeId),
    "Retain": _property(_VT.Boolean),
    **_two_state("EnabledState"),
    **_stamped("Quality", _VT.StatusCode),
    **_stamped("LastSeverity", _VT.UInt16),
    **_stamped("Comment", _VT.LocalizedText),
    "ClientUserId": _property(_VT.String),
    **_two_state("AckedState"),
    **_two_state("ConfirmedState"),
    **_two_state("ActiveState"),
    "InputNode": _property(_VT.NodeId),
    "SuppressedOrShelved": _property(_VT.Boolean),
    "MaxTimeShelved": _property(_VT.Double, _DURATION),
    "ShelvingState/CurrentState": _variable(_VT.LocalizedText, _STATE_VARIABLE),
    "ShelvingState/CurrentState/Id": _property(_VT.NodeId),
    "ShelvingState/UnshelveTime": _property(_VT.Double, _DURATION),
    "NormalState": _property(_VT.NodeId, only=Kind.OFF_NORMAL),
    "HighLimit": _property(_VT.Double, only=Kind.LEVEL),
    "LowLimit": _property(_VT.Double, only=Kind.LEVEL),
    "LimitState/CurrentState": _variable(_VT.LocalizedText, _STATE_VARIABLE, Kind.LEVEL),
    "LimitState/CurrentState/Id": _property(_VT.NodeId, only=Kind.LEVEL),
}
"""Every field that there is; of the limits a condition has those that its variable has."""

OBJECTS: Mapping[str, tuple[int, Kind | None]] = {
    "ShelvingState": (_IDS.ShelvedStateMachineType, None),
    "LimitState": (_IDS.ExclusiveLimitStateMachineType, Kind.LEVEL),
}
"""The objects below a condition: their type, and of which kind of condition they are."""

METHODS: Mapping[str, int] = {
    "Enable": _IDS.ConditionType_Enable,
    "Disable": _IDS.ConditionType_Disable,
    "AddComment": _IDS.ConditionType_AddComment,
    "Acknowledge": _IDS.AcknowledgeableConditionType_Acknowledge,
    "Confirm": _IDS.AcknowledgeableConditionType_Confirm,
    "ShelvingState/TimedShelve": _IDS.AlarmConditionType_ShelvingState_TimedShelve,
    "ShelvingState/OneShotShelve": _IDS.AlarmConditionType_ShelvingState_OneShotShelve,
    "ShelvingState/Unshelve": _IDS.AlarmConditionType_ShelvingState_Unshelve,
}
"""The methods of a condition: its type's, which it refers to."""


@dataclass(frozen=True, slots=True)
class Nodes:
    """Where a condition is on one server.

    Args:
        condition: itself.
        source: what it is about.
        input_node: the signal that it is judged by.
        notifiers: the nodes whose subscribers hear of it.
    """

    condition: ua.NodeId
    source: ua.NodeId
    input_node: ua.NodeId
    notifiers: tuple[ua.NodeId, ...]


def condition_class(condition: Condition) -> tuple[ua.NodeId, ua.LocalizedText]:
    """Find the standard's class of a condition: safety, maintenance, system, or process."""
    number, name = _CLASSES.get(condition.category, _PROCESS)
    return ua.NodeId(number), ua.LocalizedText(name, "en")


def field_values(
    condition: Condition,
    state: ConditionState,
    nodes: Nodes,
    now_us: int,
    locale: Literal["en", "zh"] = "en",
) -> dict[str, Any]:
    """Make the values of a condition's fields.

    Args:
        condition, state: what it is, and how.
        nodes: where it is.
        now_us: the plant's present, microseconds since 1970-01-01 UTC.
        locale: language of its text.
    """
    class_id, class_name = condition_class(condition)
    unshelve_ms = 0.0 if state.unshelve_us is None else (state.unshelve_us - now_us) / 1000
    shelving, shelving_name = state.shelving.value
    at = instant(state.at_us or now_us)
    values: dict[str, Any] = {
        "EventId": state.event_ids[-1] if state.event_ids else None,
        "EventType": ua.NodeId(condition.kind.value[0]),
        "SourceNode": nodes.source,
        "SourceName": condition.source.rpartition("/")[2],
        "Time": at,
        "ReceiveTime": at,
        "Message": ua.LocalizedText(getattr(condition.text, locale), locale),
        "Severity": condition.severity,
        "ConditionClassId": class_id,
        "ConditionClassName": class_name,
        "ConditionName": condition.name,
        "BranchId": ua.NodeId(),
        "Retain": state.retain,
        "Quality": ua.StatusCode(state.status),
        "Quality/SourceTimestamp": at,
        "LastSeverity": condition.severity,
        "LastSeverity/SourceTimestamp": at,
        "Comment": ua.LocalizedText(state.comment, state.comment_locale or None),
        "Comment/SourceTimestamp": _when(state.comment_us),
        "ClientUserId": state.user,
        "InputNode": nodes.input_node,
        "SuppressedOrShelved": state.shelving is not Shelving.UNSHELVED,
        "MaxTimeShelved": LONGEST_SHELVED_S * 1000,
        "ShelvingState/CurrentState": ua.LocalizedText(shelving_name, "en"),
        "ShelvingState/CurrentState/Id": ua.NodeId(shelving),
        "ShelvingState/UnshelveTime": max(0.0, unshelve_ms),
        **_shown("EnabledState", "Enabled", "Disabled", state.enabled_us, on=state.enabled),
        **_shown("ActiveState", "Active", "Inactive", state.active_us, on=state.active),
        **_shown("AckedState", "Acknowledged", "Unacknowledged", state.acked_us, on=state.acked),
        **_shown(
            "ConfirmedState", "Confirmed", "Unconfirmed", state.confirmed_us, on=state.confirmed
        ),
    }
    if condition.kind is Kind.OFF_NORMAL:
        return values | {"NormalState": ua.NodeId()}
    limits = {"HighLimit": condition.high, "LowLimit": condition.low}
    return values | {
        **{name: limit for name, limit in limits.items() if limit is not None},
        "LimitState/CurrentState": ua.LocalizedText(state.limit, "en"),
        "LimitState/CurrentState/Id": _LIMITS[state.limit],
    }


def _when(at_us: int) -> datetime | None:
    """What has never been has no time."""
    return instant(at_us) if at_us else None


def _shown(name: str, true: str, false: str, at_us: int, *, on: bool) -> dict[str, Any]:
    return {
        name: ua.LocalizedText(true if on else false, "en"),
        f"{name}/Id": on,
        f"{name}/TransitionTime": _when(at_us),
    }
