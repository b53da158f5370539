"""Plain values turned into asyncua's, with namespaces turned into a server's indices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from asyncua import ua

from opcua.units import UNITS_URI, unit_number
from opcua.wire_values import (
    Argument,
    EnumValue,
    Localized,
    QName,
    Ref,
    Span,
    Structure,
    Unit,
    Wire,
)

__all__ = ["Namespaces", "node_id", "qualified", "variant"]

Namespaces = Mapping[str, int]
"""Index of each namespace in a server's table, by its URI."""


def node_id(ref: Ref, namespaces: Namespaces) -> ua.NodeId:
    """Turn a reference into a node id.

    Raises:
        KeyError: the server has no such namespace.
    """
    return ua.NodeId(ref.ident, namespaces[ref.uri])


def qualified(name: QName, namespaces: Namespaces) -> ua.QualifiedName:
    """Turn a qualified name into asyncua's."""
    return ua.QualifiedName(name.name, namespaces[name.uri])


def variant(wire: Wire, namespaces: Namespaces) -> ua.Variant:
    """Turn a value into a variant."""
    kind = ua.VariantType[wire.type]
    # What is a tuple by itself is a value of its own; a plain one is an array.
    if type(wire.value) is tuple:
        values = [_one(value, namespaces) for value in wire.value]
        return ua.Variant(values, kind, is_array=True)
    return ua.Variant(_one(wire.value, namespaces), kind if wire.value is not None else None)


def _one(value: Any, namespaces: Namespaces) -> Any:
    match value:
        case Ref():
            return node_id(value, namespaces)
        case QName():
            return qualified(value, namespaces)
        case Localized():
            return ua.LocalizedText(value.text, value.locale or None)
        case Span():
            return ua.Range(value.low, value.high)
        case Unit():
            shown = ua.LocalizedText(value.shown)
            return ua.EUInformation(
                UNITS_URI if value.code else None, unit_number(value.shown), shown, shown
            )
        case Argument():
            return ua.Argument(
                Name=value.name,
                DataType=node_id(value.data_type, namespaces),
                ValueRank=value.rank,
                ArrayDimensions=[] if value.rank < 1 else [0] * value.rank,
                Description=ua.LocalizedText(value.text),
            )
        case EnumValue():
            return ua.EnumValueType(Value=value.value, DisplayName=ua.LocalizedText(value.name))
        case Structure():
            return ua.ExtensionObject(node_id(value.encoding, namespaces), value.body)
    return value
