"""The methods of conditions (OPC 10000-9, 5.5 to 5.8): those of their types, one for all of them.

A client calls them on a condition, or on its ShelvingState; of the types it may call only the
refreshes, on the type ConditionType.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from typing import Any

from asyncua import ua
from asyncua.server.internal_server import InternalServer

from opcua.alarms.condition import (
    Condition,
    ConditionRefused,
    ConditionState,
    acknowledged,
    commented,
    confirmed,
    enabled,
    may_be_commented,
    shelved,
    unshelved,
)
from opcua.alarms.desk import AlarmDesk
from opcua.callers import caller
from opcua.naming import Naming
from opcua.roles import CALL, Role, allow

__all__ = ["bind_condition_methods"]

_log = logging.getLogger(__name__)
_IDS, _VT = ua.ObjectIds, ua.VariantType

_ACKNOWLEDGE, _CONFIRM = (
    _IDS.AcknowledgeableConditionType_Acknowledge,
    _IDS.AcknowledgeableConditionType_Confirm,
)
_ADD_COMMENT = _IDS.ConditionType_AddComment
_ENABLE, _DISABLE = _IDS.ConditionType_Enable, _IDS.ConditionType_Disable
# A type's method, and the same below the ShelvingState of an alarm's type.
_TIMED_SHELVE = (
    _IDS.ShelvedStateMachineType_TimedShelve,
    _IDS.AlarmConditionType_ShelvingState_TimedShelve,
)
_ONE_SHOT_SHELVE = (
    _IDS.ShelvedStateMachineType_OneShotShelve,
    _IDS.AlarmConditionType_ShelvingState_OneShotShelve,
)
_UNSHELVE = (
    _IDS.ShelvedStateMachineType_Unshelve,
    _IDS.AlarmConditionType_ShelvingState_Unshelve,
)
_OPERATOR_METHODS = (
    _ACKNOWLEDGE,
    _CONFIRM,
    _ADD_COMMENT,
    *_TIMED_SHELVE,
    *_ONE_SHOT_SHELVE,
    *_UNSHELVE,
)
_ENGINEER_METHODS = (_ENABLE, _DISABLE)

Change = Callable[[ConditionState, int], ConditionState]
Told = Callable[..., Change]


def bind_condition_methods(server: InternalServer, naming: Naming, desk: AlarmDesk) -> None:
    """Let the methods of the condition types act on the conditions of a desk."""

    def bind(number: int, kinds: tuple[ua.VariantType, ...], told: Told) -> None:
        server.aspace[ua.NodeId(number)].call = _called(desk, naming, kinds, told)

    remark = (_VT.ByteString, _VT.LocalizedText)
    bind(_ACKNOWLEDGE, remark, _remarked(acknowledged))
    bind(_CONFIRM, remark, _remarked(confirmed))
    bind(_ADD_COMMENT, remark, _remarked(_with_comment))
    bind(_ENABLE, (), lambda: lambda state, at_us: enabled(state, at_us, on=True))
    bind(_DISABLE, (), lambda: lambda state, at_us: enabled(state, at_us, on=False))
    for number in _TIMED_SHELVE:
        bind(
            number,
            (_VT.Double,),
            lambda for_ms: lambda state, at_us: _by_user(shelved(state, at_us, for_ms / 1000)),
        )
    for number in _ONE_SHOT_SHELVE:
        bind(number, (), lambda: lambda state, at_us: _by_user(shelved(state, at_us)))
    for number in _UNSHELVE:
        bind(number, (), lambda: lambda state, at_us: _by_user(unshelved(state, at_us)))
    for number in (*_OPERATOR_METHODS, *_ENGINEER_METHODS):
        least = Role.ENGINEER if number in _ENGINEER_METHODS else Role.OPERATE
        allow(server.aspace[ua.NodeId(number)], least, CALL)
    refresh = _refresh(server, desk)
    server.aspace[ua.NodeId(_IDS.ConditionType_ConditionRefresh)].call = refresh
    server.aspace[ua.NodeId(_IDS.ConditionType_ConditionRefresh2)].call = refresh


def _with_comment(state: ConditionState, event_id: bytes, _: int) -> ConditionState:
    may_be_commented(state, event_id)
    return state


def _by_user(state: ConditionState) -> ConditionState:
    return commented(state, "", "", caller().user, state.at_us)


def _remarked(act: Callable[[ConditionState, bytes, int], ConditionState]) -> Told:
    """Do something with what an event told, and note the comment."""

    def told(event_id: bytes, comment: ua.LocalizedText) -> Change:
        def change(state: ConditionState, at_us: int) -> ConditionState:
            text, locale = comment.Text or "", comment.Locale or ""
            return commented(act(state, event_id, at_us), text, locale, caller().user, at_us)

        return change

    return told


def _called(
    desk: AlarmDesk, naming: Naming, kinds: tuple[ua.VariantType, ...], told: Told
) -> Callable[..., Coroutine[Any, Any, Any]]:
    def find(node_id: ua.NodeId) -> Condition | None:
        condition = desk.by_id.get(node_id)
        if condition is not None or not isinstance(node_id.Identifier, str):
            return condition
        above = node_id.Identifier.rpartition(naming.syntax.separator)[0]
        of = ua.NodeId(above, node_id.NamespaceIndex)
        is_shelving = naming.below(of, "ShelvingState") == node_id
        return desk.by_id.get(of) if is_shelving else None

    async def call(above: ua.NodeId, *given: ua.Variant) -> Any:
        condition = find(above)
        if condition is None:
            return ua.StatusCode(ua.StatusCodes.BadNodeIdUnknown)
        wrong = _misfit(kinds, given)
        if wrong:
            return ua.StatusCode(wrong)
        try:
            await desk.change(condition, told(*(_value(one) for one in given)))
        except ConditionRefused as refusal:
            _log.info("%s: %s", condition.node, refusal)
            return ua.StatusCode(getattr(ua.StatusCodes, refusal.status))
        return []

    return call


def _misfit(kinds: tuple[ua.VariantType, ...], given: tuple[ua.Variant, ...]) -> int:
    """Find the status code of arguments that don't fit; 0: they do."""
    codes = ua.StatusCodes
    if len(given) < len(kinds):
        return int(codes.BadArgumentsMissing)
    if len(given) > len(kinds):
        return int(codes.BadTooManyArguments)
    for kind, one in zip(kinds, given, strict=True):
        # A comment may be left out: null.
        absent = kind is _VT.LocalizedText and one.Value is None
        if not absent and (one.VariantType is not kind or one.is_array or one.Value is None):
            return int(codes.BadInvalidArgument)
    return 0


def _value(given: ua.Variant) -> Any:
    return ua.LocalizedText() if given.Value is None else given.Value


def _refresh(server: InternalServer, desk: AlarmDesk) -> Callable[..., Coroutine[Any, Any, Any]]:
    async def refresh(_: ua.NodeId, *given: ua.Variant) -> Any:
        if not given:
            return ua.StatusCode(ua.StatusCodes.BadArgumentsMissing)
        numbers = [one.Value for one in given]
        if len(numbers) > 2 or not all(isinstance(number, int) for number in numbers):
            return ua.StatusCode(ua.StatusCodes.BadInvalidArgument)
        number, item = numbers[0], numbers[1] if len(numbers) == 2 else None
        subscription = server.subscription_service.subscriptions.get(number)
        # Another's subscription is none of the caller's.
        if subscription is None or subscription.session_id != caller().session:
            return ua.StatusCode(ua.StatusCodes.BadSubscriptionIdInvalid)
        if item is not None and item not in subscription.monitored_item_srv.event_items:
            return ua.StatusCode(ua.StatusCodes.BadMonitoredItemIdInvalid)
        await desk.refresh(subscription, item)
        return []

    return refresh
