"""The conditions of one PLC: kept over its restarts, shown by the server that it has now."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from asyncua import ua
from asyncua.server.internal_server import InternalServer

from opcua.alarms.condition import Condition, ConditionState, Kind, followed
from opcua.alarms.events import ConditionEvent, select
from opcua.alarms.fields import FIELDS, Nodes, field_values
from opcua.alarms.late_nodes import LateNodes
from opcua.alarms.notifiers import SERVER, bind_notifiers
from opcua.naming import Naming
from opcua.structures import instant
from twin.signals import Value

__all__ = ["AlarmDesk", "Seen"]

Key = tuple[str, str]
_KINDS = {path: field.kind for path, field in FIELDS.items()}


@dataclass(frozen=True, slots=True)
class Seen:
    """What a signal shows, and with which status code; 0 is Good."""

    value: Value
    status: int = 0


class AlarmDesk:
    """Follows the plant, does what operators ask, and tells everybody.

    Args:
        conditions: what it has.
        locale: language of their texts.
    """

    def __init__(self, conditions: Iterable[Condition], locale: Literal["en", "zh"] = "en") -> None:
        self.conditions = tuple(conditions)
        self.states = {condition: ConditionState() for condition in self.conditions}
        self._of_signal: dict[Key, list[Condition]] = {}
        for condition in self.conditions:
            self._of_signal.setdefault(condition.signal, []).append(condition)
            if condition.variable is not None:
                self._of_signal.setdefault(condition.variable, []).append(condition)
        self._seen: dict[Key, Seen] = {}
        self._locale: Literal["en", "zh"] = locale
        self._now_us = 0
        self._events = 0
        self._server: InternalServer | None = None
        self._nodes: dict[Condition, Nodes] = {}
        self._late: LateNodes | None = None
        self.by_id: dict[ua.NodeId, Condition] = {}
        self._timed: set[Condition] = set()

    @property
    def watches(self) -> Iterable[Key]:
        """The (unit, signal) of all that it judges by."""
        return self._of_signal.keys()

    def bind(
        self,
        server: InternalServer,
        naming: Naming,
        variables: Mapping[Key, ua.NodeId],
        values: Mapping[Key, Value],
        at_unix_us: int,
    ) -> None:
        """Show the conditions on a server: a new one, or the one after a restart.

        Args:
            server: whose nodes they are among.
            naming: how those are named.
            variables: node of each signal.
            values: what each shows.
            at_unix_us: since when.
        """
        self._server, self._now_us = server, at_unix_us
        nodes = server.aspace._nodes  # noqa: SLF001 -- asyncua has no other way to make nodes late
        self._late = nodes.late = LateNodes(nodes, naming, self.fields)
        notifiers = bind_notifiers(server.aspace, naming, self.conditions)
        for condition in self.conditions:
            self._nodes[condition] = Nodes(
                naming.node_id(condition.node),
                naming.node_id(condition.source),
                variables[condition.variable or condition.signal],
                notifiers[condition.source],
            )
            self._late.add(condition)
        self.by_id = {at.condition: condition for condition, at in self._nodes.items()}
        for key in self._of_signal:
            self._seen[key] = Seen(values[key])
        for condition in self.conditions:
            state = self._judged(condition)
            if state is not self.states[condition]:
                # Nobody can have been told: they find it by a refresh.
                self.states[condition] = state.as_event(self._event_id())

    async def follow(self, shown: Mapping[Key, Seen], at_unix_us: int) -> None:
        """Follow what was published.

        Args:
            shown: what each signal shows that was written.
            at_unix_us: the plant's present, microseconds since 1970-01-01 UTC.
        """
        self._now_us = at_unix_us
        touched: dict[Condition, None] = dict.fromkeys(self._timed)
        for key, seen in shown.items():
            of = self._of_signal.get(key)
            if of is not None:
                self._seen[key] = seen
                touched.update(dict.fromkeys(of))
        for condition in touched:
            await self._become(condition, self._judged(condition))

    async def change(
        self, condition: Condition, how: Callable[[ConditionState, int], ConditionState]
    ) -> None:
        """Do what an operator asks, at the plant's present.

        Raises:
            ConditionRefused: it can't be done.
        """
        was_enabled = self.states[condition].enabled
        await self._become(condition, how(self.states[condition], self._now_us))
        if not was_enabled:
            await self._become(condition, self._judged(condition))

    def fields(self, condition: Condition) -> dict[str, Any]:
        """Show a condition as it is."""
        return field_values(
            condition,
            self.states[condition],
            self._nodes[condition],
            self._now_us,
            self._locale,
        )

    async def refresh(self, subscription: Any, item: int | None = None) -> None:
        """Tell a subscription of every condition that is of interest, between two marks.

        Args:
            subscription: asyncua's.
            item: of its monitored items the one to tell; None: all.
        """
        items = subscription.monitored_item_srv
        start, end = ua.ObjectIds.RefreshStartEventType, ua.ObjectIds.RefreshEndEventType
        everywhere = tuple(items._monitored_events)  # noqa: SLF001 -- asyncua has no other way to them
        await select(items, self._mark(start), everywhere, only=item, unfiltered=True)
        for condition, state in self.states.items():
            if state.retain:
                at = self._nodes[condition]
                event = ConditionEvent(self.fields(condition), _KINDS, at.condition)
                await select(items, event, at.notifiers, only=item)
        await select(items, self._mark(end), everywhere, only=item, unfiltered=True)

    def _judged(self, condition: Condition) -> ConditionState:
        seen = self._seen[condition.signal]
        active, limit = seen.value == condition.stands_at, ""
        if active and condition.kind is Kind.LEVEL and condition.variable is not None:
            limit = condition.limit(float(self._seen[condition.variable].value))
            # What a fault shows of an alarm need not fit the value that it is of.
            limit = limit or self.states[condition].limit
            limit = limit or ("High" if condition.high is not None else "Low")
        return followed(
            self.states[condition],
            active=active,
            at_us=self._now_us,
            limit=limit,
            status=seen.status,
        )

    async def _become(self, condition: Condition, state: ConditionState) -> None:
        """Take a new state, and tell of it."""
        if state is self.states[condition]:
            return
        self.states[condition] = state.as_event(self._event_id())
        if state.unshelve_us is None:
            self._timed.discard(condition)
        else:
            self._timed.add(condition)
        if self._server is None or self._late is None:
            return
        at = self._nodes[condition]
        event: ConditionEvent | None = None
        for subscription in list(self._server.subscription_service.subscriptions.values()):
            items = subscription.monitored_item_srv
            if items._monitored_events:  # noqa: SLF001
                event = event or ConditionEvent(self.fields(condition), _KINDS, at.condition)
                await select(items, event, at.notifiers)
        for value in self._late.watched(condition):
            held = value.value_callback(at.condition, ua.AttributeIds.Value)
            for handle, tell in list(value.datachange_callbacks.items()):
                await tell(handle, held)

    def _mark(self, event_type: int) -> ConditionEvent:
        at = instant(self._now_us)
        values = {
            "EventId": self._event_id(),
            "EventType": ua.NodeId(event_type),
            "SourceNode": SERVER,
            "SourceName": "Server",
            "Time": at,
            "ReceiveTime": at,
            "Message": ua.LocalizedText("condition refresh", "en"),
            "Severity": 1,
        }
        return ConditionEvent(values, _KINDS)

    def _event_id(self) -> bytes:
        # Time and a number: the same in every run of the same plant, and never twice in one.
        self._events += 1
        return struct.pack(">QQ", self._now_us, self._events)
