"""Put a plan into an asyncua server: nodes built directly, in time linear in their number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from asyncua import ua
from asyncua.server.address_space import AddressSpace, AttributeValue, NodeData

from opcua.address_space import NodeKind, NodeSpec
from opcua.units import common_code
from twin.model.base import Text
from twin.signals import Value, ValueType

__all__ = ["AppliedPlan", "Locale", "apply", "data_value", "source_time"]

Locale = Literal["en", "zh"]

_VARIANT_TYPE = {
    ValueType.BOOLEAN: ua.VariantType.Boolean,
    ValueType.INT32: ua.VariantType.Int32,
    ValueType.INT64: ua.VariantType.Int64,
    ValueType.DOUBLE: ua.VariantType.Double,
}
_GOOD = ua.StatusCode(ua.StatusCodes.Good)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS_URI = "http://www.opcfoundation.org/UA/units/un/cefact"


class _Scalar(ua.DataValue):  # type: ignore[misc]  # no types
    """A value that nobody changes: asyncua copies what it queues, at 90 us a value; this, never."""

    __slots__ = ()

    def __deepcopy__(self, memo: dict[int, Any]) -> _Scalar:
        return self


def data_value(value: Value, value_type: ValueType, source: datetime) -> ua.DataValue:
    """Make a good value with its source timestamp."""
    return _Scalar(ua.Variant(value, _VARIANT_TYPE[value_type]), _GOOD, source)


def source_time(unix_us: int) -> datetime:
    """Turn microseconds since 1970-01-01 UTC into an instant, exactly."""
    return _EPOCH + timedelta(microseconds=unix_us)


@dataclass(frozen=True, slots=True)
class AppliedPlan:
    """Where a plan's variables ended up: node id and type by (unit, signal), in its order."""

    variables: Mapping[tuple[str, str], tuple[ua.NodeId, ValueType]]


def apply(
    space: AddressSpace,
    index: int,
    specs: Sequence[NodeSpec],
    values: Mapping[tuple[str, str], Value],
    at_unix_us: int,
    locale: Locale = "en",
) -> AppliedPlan:
    """Make a plan's nodes in a server's address space, each with its first value.

    Args:
        space: the server's.
        index: index of the plan's namespace in the server's table.
        specs: the plan, each node after its parent.
        values: first value of every variable, by (unit, signal).
        at_unix_us: their source timestamp, microseconds since 1970-01-01 UTC.
        locale: language of display names and descriptions; asyncua serves one, whatever a
            client asks for.
    """
    writer = _Writer(space, index, locale, source_time(at_unix_us))
    variables: dict[tuple[str, str], tuple[ua.NodeId, ValueType]] = {}
    for spec in specs:
        if spec.kind is NodeKind.VARIABLE:
            if spec.key is None or spec.value_type is None:
                raise ValueError(f"{spec.node}: a variable must have a key and a type")
            node_id = writer.variable(spec, spec.value_type, values[spec.key])
            variables[spec.key] = (node_id, spec.value_type)
        else:
            writer.object(spec)
    return AppliedPlan(variables)


def _held(value: Any, variant_type: ua.VariantType, is_array: bool = False) -> ua.DataValue:
    return ua.DataValue(ua.Variant(value, variant_type, is_array=is_array), _GOOD)


def _ns0(identifier: int) -> ua.NodeId:
    return ua.NodeId(identifier)


# What every node of a kind has in common; values are replaced, never changed, so one will do.
_OBJECT_CLASS = _held(ua.NodeClass.Object, ua.VariantType.Int32)
_VARIABLE_CLASS = _held(ua.NodeClass.Variable, ua.VariantType.Int32)
_NO_WRITE = _held(0, ua.VariantType.UInt32)
_NO_EVENTS = _held(0, ua.VariantType.Byte)
_SCALAR = _held(ua.ValueRank.Scalar, ua.VariantType.Int32)
_ARRAY = _held(ua.ValueRank.OneDimension, ua.VariantType.Int32)
_READ_ONLY = _held(ua.AccessLevel.CurrentRead.mask, ua.VariantType.Byte)
_NO_SAMPLING = _held(0.0, ua.VariantType.Double)
_NO_HISTORY = _held(False, ua.VariantType.Boolean)
_DATA_TYPE = {
    variant_type: _held(_ns0(variant_type.value), ua.VariantType.NodeId)
    for variant_type in _VARIANT_TYPE.values()
}
_ORGANIZES = _ns0(ua.ObjectIds.Organizes)
_HAS_COMPONENT = _ns0(ua.ObjectIds.HasComponent)
_HAS_PROPERTY = _ns0(ua.ObjectIds.HasProperty)
_HAS_TYPE = _ns0(ua.ObjectIds.HasTypeDefinition)
_FOLDER_TYPE = _ns0(ua.ObjectIds.FolderType)
_OBJECT_TYPE = _ns0(ua.ObjectIds.BaseObjectType)
_VARIABLE_TYPE = _ns0(ua.ObjectIds.BaseDataVariableType)
_ANALOG_TYPE = _ns0(ua.ObjectIds.AnalogItemType)
_PROPERTY_TYPE = _ns0(ua.ObjectIds.PropertyType)


class _Writer:
    """Builds nodes and the references between them in one address space."""

    def __init__(self, space: AddressSpace, index: int, locale: Locale, at: datetime) -> None:
        self._space = space
        self._index = index
        self._locale = locale
        self._at = at

    def object(self, spec: NodeSpec) -> None:
        """Make a folder or an object."""
        is_folder = spec.kind is NodeKind.FOLDER
        node = self._node(spec.node, spec.browse_name, spec.text)
        self._set(node, ua.AttributeIds.NodeClass, _OBJECT_CLASS)
        self._set(node, ua.AttributeIds.EventNotifier, _NO_EVENTS)
        self._link(
            self._id(spec.parent) if spec.parent else _ns0(ua.ObjectIds.ObjectsFolder),
            node,
            _ORGANIZES if is_folder or not spec.parent else _HAS_COMPONENT,
            ua.NodeClass.Object,
            _FOLDER_TYPE if is_folder else _OBJECT_TYPE,
        )

    def variable(self, spec: NodeSpec, value_type: ValueType, value: Value) -> ua.NodeId:
        """Make a variable with its properties."""
        node = self._node(spec.node, spec.browse_name, spec.text)
        variant_type = _VARIANT_TYPE[value_type]
        held = data_value(value, value_type, self._at)
        self._variable(node, held, _DATA_TYPE[variant_type], _SCALAR)
        ranged = spec.low is not None and spec.high is not None
        self._link(
            self._id(spec.parent),
            node,
            _HAS_COMPONENT,
            ua.NodeClass.Variable,
            _ANALOG_TYPE if ranged else _VARIABLE_TYPE,
        )
        if spec.low is not None and spec.high is not None:
            self._property(node, "EURange", ua.ObjectIds.Range, ua.Range(spec.low, spec.high))
        if spec.unit != "1":
            unit = _engineering_unit(spec.unit)
            self._property(node, "EngineeringUnits", ua.ObjectIds.EUInformation, unit)
        if spec.values:
            self._property(
                node, "EnumStrings", ua.ObjectIds.LocalizedText, _enum_strings(spec.values)
            )
        node_id: ua.NodeId = node.nodeid
        return node_id

    def _id(self, text: str) -> ua.NodeId:
        return ua.NodeId(text, self._index)

    def _node(self, node: str, browse_name: str, text: Text | None) -> NodeData:
        data = NodeData(self._id(node))
        if data.nodeid in self._space:
            raise ValueError(f"{node}: the server has a node of this id already")
        name = ua.QualifiedName(browse_name, self._index)
        self._set(data, ua.AttributeIds.NodeId, _held(data.nodeid, ua.VariantType.NodeId))
        self._set(data, ua.AttributeIds.BrowseName, _held(name, ua.VariantType.QualifiedName))
        shown = ua.LocalizedText(browse_name)
        self._set(data, ua.AttributeIds.DisplayName, _held(shown, ua.VariantType.LocalizedText))
        self._set(data, ua.AttributeIds.WriteMask, _NO_WRITE)
        self._set(data, ua.AttributeIds.UserWriteMask, _NO_WRITE)
        if text is not None:
            said = ua.LocalizedText(getattr(text, self._locale), self._locale)
            self._set(data, ua.AttributeIds.Description, _held(said, ua.VariantType.LocalizedText))
        self._space[data.nodeid] = data
        return data

    def _variable(
        self, node: NodeData, value: ua.DataValue, data_type: ua.DataValue, rank: ua.DataValue
    ) -> None:
        self._set(node, ua.AttributeIds.NodeClass, _VARIABLE_CLASS)
        self._set(node, ua.AttributeIds.Value, value)
        self._set(node, ua.AttributeIds.DataType, data_type)
        self._set(node, ua.AttributeIds.ValueRank, rank)
        self._set(node, ua.AttributeIds.AccessLevel, _READ_ONLY)
        self._set(node, ua.AttributeIds.UserAccessLevel, _READ_ONLY)
        self._set(node, ua.AttributeIds.MinimumSamplingInterval, _NO_SAMPLING)
        self._set(node, ua.AttributeIds.Historizing, _NO_HISTORY)

    def _property(self, of: NodeData, name: str, data_type: int, value: Any) -> None:
        node = NodeData(self._id(f"{of.nodeid.Identifier}/{name}"))
        is_array = isinstance(value, list)
        # Names of standard properties are in the standard's namespace.
        self._set(node, ua.AttributeIds.NodeId, _held(node.nodeid, ua.VariantType.NodeId))
        qualified, shown = ua.QualifiedName(name, 0), ua.LocalizedText(name)
        self._set(node, ua.AttributeIds.BrowseName, _held(qualified, ua.VariantType.QualifiedName))
        self._set(node, ua.AttributeIds.DisplayName, _held(shown, ua.VariantType.LocalizedText))
        self._set(node, ua.AttributeIds.WriteMask, _NO_WRITE)
        self._set(node, ua.AttributeIds.UserWriteMask, _NO_WRITE)
        variant_type = ua.VariantType.LocalizedText if is_array else ua.VariantType.ExtensionObject
        self._variable(
            node,
            _held(value, variant_type, is_array),
            _held(_ns0(data_type), ua.VariantType.NodeId),
            _ARRAY if is_array else _SCALAR,
        )
        self._space[node.nodeid] = node
        self._link(of.nodeid, node, _HAS_PROPERTY, ua.NodeClass.Variable, _PROPERTY_TYPE)

    def _link(
        self,
        parent: ua.NodeId,
        child: NodeData,
        reference: ua.NodeId,
        child_class: ua.NodeClass,
        type_id: ua.NodeId,
    ) -> None:
        above = self._space[parent]
        above.references.append(_described(child, reference, child_class, type_id, is_forward=True))
        above_class = above.attributes[ua.AttributeIds.NodeClass].value.Value.Value
        child.references.append(
            _described(above, reference, above_class, ua.NodeId(), is_forward=False)
        )
        type_class = (
            ua.NodeClass.VariableType
            if child_class is ua.NodeClass.Variable
            else ua.NodeClass.ObjectType
        )
        child.references.append(
            _described(self._space[type_id], _HAS_TYPE, type_class, ua.NodeId(), is_forward=True)
        )

    @staticmethod
    def _set(node: NodeData, attribute: ua.AttributeIds, value: ua.DataValue) -> None:
        node.attributes[attribute] = AttributeValue(value)


def _described(
    target: NodeData,
    reference: ua.NodeId,
    node_class: ua.NodeClass,
    type_id: ua.NodeId,
    *,
    is_forward: bool,
) -> ua.ReferenceDescription:
    return ua.ReferenceDescription(
        ReferenceTypeId=reference,
        IsForward=is_forward,
        NodeId=target.nodeid,
        BrowseName=target.attributes[ua.AttributeIds.BrowseName].value.Value.Value,
        DisplayName=target.attributes[ua.AttributeIds.DisplayName].value.Value.Value,
        NodeClass=node_class,
        TypeDefinition=type_id,
    )


def _engineering_unit(unit: str) -> ua.EUInformation:
    code = common_code(unit)
    return ua.EUInformation(
        _UNITS_URI if code else None,
        # OPC 10000-8, 5.6.4.3: the code's characters as bytes of a number; -1 where there is none.
        int.from_bytes(code.encode(), "big") if code else -1,
        ua.LocalizedText(unit),
        ua.LocalizedText(unit),
    )


def _enum_strings(values: tuple[tuple[int, str], ...]) -> list[ua.LocalizedText]:
    """Names from 0 on, without a gap, as EnumStrings wants them."""
    names = dict(values)
    return [ua.LocalizedText(names.get(i, "")) for i in range(max(names) + 1)]
