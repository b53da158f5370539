"""Events of conditions on their way to subscribers: what is selected, and what is filtered out.

asyncua's own filter takes an event for one of a type only if its type is exactly that, and looks at
the first part of a field's path alone; clients filter by AlarmConditionType and `ActiveState/Id`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from typing import Any

from asyncua import ua
from asyncua.server.address_space import AddressSpace
from asyncua.server.monitored_item_service import MonitoredItemService, WhereClauseEvaluator

__all__ = ["ConditionEvent", "EventFilter", "select"]

_log = logging.getLogger(__name__)
_HAS_SUBTYPE = ua.NodeId(ua.ObjectIds.HasSubtype)


class ConditionEvent:
    """An event, as asyncua's services take one.

    Args:
        values: by the path of the field.
        kinds: built-in type of each.
        condition: the condition that it is of; None: of none.
    """

    def __init__(
        self,
        values: Mapping[str, Any],
        kinds: Mapping[str, ua.VariantType],
        condition: ua.NodeId | None = None,
    ) -> None:
        self.values = values
        self._kinds = kinds
        self._condition = condition

    @property
    def EventType(self) -> Any:  # noqa: N802 -- asyncua asks for it by this name
        """Its type."""
        return self.values["EventType"]

    def field(self, operand: Any) -> ua.Variant:
        """Find what a client selects; null where the event has no such field."""
        path = "/".join(name.Name for name in operand.BrowsePath or ())
        if not path:
            # The one field that is no node of its type: the condition's own id.
            asks = operand.AttributeId == ua.AttributeIds.NodeId and self._condition is not None
            return ua.Variant(self._condition, ua.VariantType.NodeId) if asks else ua.Variant()
        value = self.values.get(path)
        return ua.Variant() if value is None else ua.Variant(value, self._kinds[path])

    def to_event_fields(self, clauses: Iterable[Any]) -> list[ua.Variant]:
        """Answer the select clauses of a subscriber."""
        return [self.field(clause) for clause in clauses]


class EventFilter(WhereClauseEvaluator):  # type: ignore[misc]  # no types
    """A where clause, of a type's subtypes and of fields below fields too."""

    def __init__(self, space: AddressSpace, where: ua.ContentFilter | None) -> None:
        super().__init__(_log, space, where or ua.ContentFilter())

    def eval(self, event: Any) -> bool:
        """Tell whether an event passes; what can't be compared does not (OPC 10000-4, 7.7.3)."""
        if not self.elements:
            return True
        try:
            return bool(self._eval_el(0, event))
        except (TypeError, NotImplementedError, IndexError, AttributeError):
            _log.debug("an event filter can't be applied: %s", self.elements)
            return False

    def _eval_el(self, index: int, event: Any) -> Any:
        element = self.elements[index]
        if element.FilterOperator == ua.FilterOperator.OfType:
            wanted = self._eval_op(element.FilterOperands[0], event)
            return self._is_a(event.EventType, wanted)
        return super()._eval_el(index, event)

    def _eval_op(self, op: Any, event: Any) -> Any:
        if isinstance(op, ua.SimpleAttributeOperand) and isinstance(event, ConditionEvent):
            return event.field(op).Value
        return super()._eval_op(op, event)

    def _like_operator(self, string: str, pattern: str) -> bool:
        """Compare with a pattern of OPC 10000-4, 7.7.3: % for any text, _ for one character."""
        parts = re.split(r"([%_])", pattern)
        wild = {"%": ".*", "_": "."}
        regex = "".join(wild.get(part, re.escape(part)) for part in parts)
        return re.fullmatch(regex, string, re.DOTALL) is not None

    def _is_a(self, event_type: ua.NodeId, wanted: ua.NodeId) -> bool:
        node_id: ua.NodeId | None = event_type
        while node_id is not None:
            if node_id == wanted:
                return True
            references = self._aspace[node_id].references
            above = (r for r in references if r.ReferenceTypeId == _HAS_SUBTYPE)
            node_id = next((r.NodeId for r in above if not r.IsForward), None)
        return False


async def select(
    items: MonitoredItemService,
    event: ConditionEvent,
    notifiers: Iterable[ua.NodeId],
    *,
    only: int | None = None,
    unfiltered: bool = False,
) -> None:
    """Queue an event for the monitored items of a subscription that want it.

    Args:
        items: those of the subscription.
        event: what has happened.
        notifiers: the nodes that notify of it.
        only: for this item alone; None: for all.
        unfiltered: whatever their where clauses say, as the begin and end of a refresh.
    """
    for notifier in notifiers:
        for number in items._monitored_events.get(notifier, ()):  # noqa: SLF001 -- asyncua has no other way to them
            item = items._monitored_items.get(number)  # noqa: SLF001
            if item is None or item.mode == ua.MonitoringMode.Disabled:
                continue
            if only is not None and number != only:
                continue
            if not unfiltered and not item.where_clause_evaluator.eval(event):
                continue
            fields = ua.EventFieldList()
            fields.ClientHandle = item.client_handle
            fields.EventFields = event.to_event_fields(item.filter.SelectClauses)
            await items.isub.enqueue_event(number, fields, item.queue_size)
