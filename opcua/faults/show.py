"""Put what a fault shows into an address space, also where asyncua would not let it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asyncua import ua
from asyncua.server.address_space import AddressSpace, AttributeValue

from opcua.apply import data_value
from opcua.faults.tamper import GOOD, Shown
from opcua.structures import instant
from opcua.tag_table import TagTable
from twin.signals import ValueType

__all__ = ["write_shown"]

_SAY: dict[str, tuple[ua.VariantType, Callable[[Any], Any]]] = {
    "String": (ua.VariantType.String, lambda value: "" if value is None else str(value)),
    "Float": (ua.VariantType.Float, float),
    "Int16": (ua.VariantType.Int16, lambda value: (int(value) + 0x8000) % 0x10000 - 0x8000),
}
_DATA_TYPE = ua.AttributeIds.DataType


async def write_shown(
    space: AddressSpace,
    table: TagTable,
    node_id: ua.NodeId,
    shown: Shown,
    value_type: ValueType,
) -> None:
    """Write a value, whatever its status and type, and tell who watches it."""
    held = data_value(shown.value, value_type, instant(shown.source_us))
    if shown.as_type:
        variant_type, say = _SAY[shown.as_type]
        held = ua.DataValue(
            ua.Variant(say(shown.value), variant_type), SourceTimestamp=held.SourceTimestamp
        )
    elif shown.status != GOOD:
        status = ua.StatusCode(getattr(ua.StatusCodes, shown.status))
        # A bad value is null (OPC 10000-4, 7.11).
        value = ua.Variant() if status.is_bad() else held.Value
        held = ua.DataValue(value, status, held.SourceTimestamp)
    node = space[node_id]
    wanted = ua.NodeId(held.Value.VariantType.value) if held.Value.Value is not None else None
    shown_type = node.attributes[_DATA_TYPE].value.Value
    if wanted is not None and (shown.as_type or shown_type.Value in _FAULTY_TYPES):
        data_type = ua.DataValue(ua.Variant(wanted, ua.VariantType.NodeId))
        # In its place: many nodes share one.
        node.attributes[_DATA_TYPE] = AttributeValue(data_type)
    # asyncua refuses another type than the last one's: that is what some faults are about.
    if shown.as_type or shown.status != GOOD:
        await table.show(node_id, held)
    else:
        await table.write_values([table.index[node_id]], [shown.value], shown.source_us)


_FAULTY_TYPES = {ua.NodeId(variant_type.value) for variant_type, _ in _SAY.values()}
