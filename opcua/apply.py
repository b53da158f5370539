"""Put a plan into an asyncua server: nodes built directly, in time linear in their number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, Literal

from asyncua import ua
from asyncua.server.address_space import AddressSpace, NodeData

from opcua.attributes import Attribute
from opcua.companion_space import described
from opcua.naming import PATHS, Naming, Syntax
from opcua.node_spec import Derived, NodeKind, NodeSpec
from opcua.properties import properties, signal_type
from opcua.structures import instant
from opcua.ua_values import Namespaces, node_id, qualified, variant
from opcua.wire_values import QName, Ref, Wire, base
from twin.signals import Value, ValueType

__all__ = ["AppliedPlan", "Locale", "apply", "data_value", "wire_value"]

Locale = Literal["en", "zh"]

_VARIANT_TYPE = {
    ValueType.BOOLEAN: ua.VariantType.Boolean,
    ValueType.INT32: ua.VariantType.Int32,
    ValueType.INT64: ua.VariantType.Int64,
    ValueType.DOUBLE: ua.VariantType.Double,
}
_GOOD = ua.StatusCode(ua.StatusCodes.Good)


class _Scalar(ua.DataValue):  # type: ignore[misc]  # no types
    """A value that nobody changes: asyncua copies what it queues, at 90 us a value; this, never."""

    __slots__ = ()

    def __deepcopy__(self, memo: dict[int, Any]) -> _Scalar:
        return self


def data_value(value: Value, value_type: ValueType, source: datetime) -> ua.DataValue:
    """Make a good value with its source timestamp."""
    return _Scalar(ua.Variant(value, _VARIANT_TYPE[value_type]), _GOOD, source)


@dataclass(frozen=True, slots=True)
class AppliedPlan:
    """Where a plan's nodes ended up.

    Args:
        variables: node id and type of each signal, by (unit, signal), in the plan's order.
        derived: by (unit, signal) what follows from it: node id and how it is made.
        methods: by the plan's node the object and the method that a client calls.
        namespaces: index of each namespace in the server's table.
    """

    variables: Mapping[tuple[str, str], tuple[ua.NodeId, ValueType]]
    derived: Mapping[tuple[str, str], tuple[tuple[ua.NodeId, Derived], ...]] = field(
        default_factory=dict
    )
    methods: Mapping[str, tuple[ua.NodeId, ua.NodeId]] = field(default_factory=dict)
    namespaces: Namespaces = field(default_factory=dict)


def apply(
    space: AddressSpace,
    uri: str,
    namespaces: Namespaces,
    specs: Iterable[NodeSpec],
    values: Mapping[tuple[str, str], Value],
    at_unix_us: int,
    locale: Locale = "en",
    syntax: Syntax = PATHS,
) -> AppliedPlan:
    """Make a plan's nodes in a server's address space, each with its first value.

    Args:
        space: the server's.
        uri: the plan's namespace.
        namespaces: index of each namespace in the server's table.
        specs: the plan, each node after its parent.
        values: first value of every signal, by (unit, signal).
        at_unix_us: their source timestamp, microseconds since 1970-01-01 UTC.
        locale: language of display names and descriptions; asyncua serves one, whatever a
            client asks for.
        syntax: how node ids are written.
    """
    naming = Naming(namespaces[uri], syntax)
    writer = _Writer(space, uri, namespaces, locale, at_unix_us, naming)
    variables: dict[tuple[str, str], tuple[ua.NodeId, ValueType]] = {}
    derived: dict[tuple[str, str], list[tuple[ua.NodeId, Derived]]] = {}
    methods: dict[str, tuple[ua.NodeId, ua.NodeId]] = {}
    for spec in specs:
        if spec.kind is NodeKind.METHOD:
            methods[spec.node] = writer.method(spec)
        elif spec.kind is not NodeKind.VARIABLE:
            writer.thing(spec)
        elif spec.key is not None:
            if spec.value_type is None:
                raise ValueError(f"{spec.node}: a signal must have a type")
            node_id = writer.signal(spec, spec.value_type, values[spec.key])
            variables[spec.key] = (node_id, spec.value_type)
        else:
            node_id = writer.held(spec, values)
            if spec.derived is not None:
                for key in spec.derived.of:
                    derived.setdefault(key, []).append((node_id, spec.derived))
    following = {key: tuple(nodes) for key, nodes in derived.items()}
    return AppliedPlan(variables, following, methods, namespaces)


def wire_value(wire: Wire, namespaces: Namespaces, source: datetime) -> ua.DataValue:
    """Make a value of a plan one that can be sent."""
    status = _GOOD if not wire.status else ua.StatusCode(wire.status)
    return _Scalar(variant(wire, namespaces), status, source)


def _held(value: Any, variant_type: ua.VariantType, is_array: bool = False) -> Attribute:
    return Attribute(ua.DataValue(ua.Variant(value, variant_type, is_array=is_array), _GOOD))


@cache
def _shared(value: Any, variant_type: ua.VariantType) -> Attribute:
    """An attribute that many nodes have; to change it in one, put another in its place."""
    return _held(value, variant_type)


# What nodes have in common, and what nobody ever writes to.
_OBJECT_CLASS = _held(ua.NodeClass.Object, ua.VariantType.Int32)
_VARIABLE_CLASS = _held(ua.NodeClass.Variable, ua.VariantType.Int32)
_NO_WRITE = _held(0, ua.VariantType.UInt32)
_NO_EVENTS = _held(0, ua.VariantType.Byte)
_NO_SAMPLING = _held(0.0, ua.VariantType.Double)

_READ_ONLY = _held(ua.AccessLevel.CurrentRead.mask, ua.VariantType.Byte)
_NO_HISTORY = _held(False, ua.VariantType.Boolean)
_READ_HISTORY = _held(
    ua.AccessLevel.CurrentRead.mask | ua.AccessLevel.HistoryRead.mask, ua.VariantType.Byte
)
_WITH_HISTORY = {
    ua.AttributeIds.AccessLevel: _READ_HISTORY,
    ua.AttributeIds.UserAccessLevel: _READ_HISTORY,
    ua.AttributeIds.Historizing: _held(True, ua.VariantType.Boolean),
}
_ORGANIZES, _HAS_COMPONENT = base(35), base(47)
_HAS_TYPE = ua.NodeId(ua.ObjectIds.HasTypeDefinition)
_FOLDER_TYPE, _OBJECT_TYPE, _VARIABLE_TYPE = base(61), base(58), base(63)
_OBJECTS_FOLDER = base(85)


class _Writer:
    """Builds nodes and the references between them in one address space."""

    def __init__(
        self,
        space: AddressSpace,
        uri: str,
        namespaces: Namespaces,
        locale: Locale,
        at_unix_us: int,
        naming: Naming,
    ) -> None:
        self._space = space
        self._naming = naming
        self._uri = uri
        self._namespaces = namespaces
        self._locale = locale
        self._at_us = at_unix_us
        self._at = instant(at_unix_us)
        self._types: dict[Ref, ua.ReferenceDescription] = {}
        self._back: dict[tuple[ua.NodeId, Ref], ua.ReferenceDescription] = {}

    def thing(self, spec: NodeSpec) -> None:
        """Make a folder or an object."""
        is_folder = spec.kind is NodeKind.FOLDER
        node = self._node(spec)
        node.attributes[ua.AttributeIds.NodeClass] = _OBJECT_CLASS
        node.attributes[ua.AttributeIds.EventNotifier] = _NO_EVENTS
        self._typed(node, spec.type_id or (_FOLDER_TYPE if is_folder else _OBJECT_TYPE))
        self._hang(spec, node, _ORGANIZES if is_folder else _HAS_COMPONENT)

    def method(self, spec: NodeSpec) -> tuple[ua.NodeId, ua.NodeId]:
        """Let an object refer to a method of its type."""
        if spec.declaration is None:
            raise ValueError(f"{spec.node}: a method must have its declaration in a type")
        method = self._space[node_id(spec.declaration, self._namespaces)]
        above = self._space[self._id(spec.parent)]
        self._link(above, method, spec.reference or _HAS_COMPONENT, both_ways=False)
        return above.nodeid, method.nodeid

    def signal(self, spec: NodeSpec, value_type: ValueType, value: Value) -> ua.NodeId:
        """Make a variable that is a signal, with its properties."""
        node = self._node(spec)
        held = data_value(value, value_type, self._at)
        kind = base(_VARIANT_TYPE[value_type].value)
        self._variable(node, held, spec.data_type or kind, spec.rank)
        node.attributes |= _WITH_HISTORY
        self._typed(node, signal_type(spec))
        self._hang(spec, node, _HAS_COMPONENT)
        for own in properties(spec):
            self.held(own, {})
        made: ua.NodeId = node.nodeid
        return made

    def held(self, spec: NodeSpec, values: Mapping[tuple[str, str], Value]) -> ua.NodeId:
        """Make a variable that is no signal: one that never changes, or follows from signals."""
        if spec.data_type is None:
            raise ValueError(f"{spec.node}: a variable that is no signal must have a data type")
        wire = spec.held
        if spec.derived is not None:
            of = tuple(values[key] for key in spec.derived.of)
            wire = spec.derived.value(of, self._at_us)
        value = wire_value(wire, self._namespaces, self._at) if wire else ua.DataValue()
        node = self._node(spec)
        self._variable(node, value, spec.data_type, spec.rank)
        self._typed(node, spec.type_id or _VARIABLE_TYPE)
        self._hang(spec, node, _HAS_COMPONENT)
        made: ua.NodeId = node.nodeid
        return made

    def _id(self, node: str) -> ua.NodeId:
        return self._naming.node_id(node)

    def _node(self, spec: NodeSpec) -> NodeData:
        data = NodeData(self._id(spec.node))
        if data.nodeid in self._space:
            raise ValueError(f"{spec.node}: the server has a node of this id already")
        ids, kinds = ua.AttributeIds, ua.VariantType
        name = QName(spec.name_uri or self._uri, spec.browse_name)
        shown = ua.LocalizedText(spec.browse_name)
        data.attributes = {
            ids.NodeId: _held(data.nodeid, kinds.NodeId),
            ids.BrowseName: _held(qualified(name, self._namespaces), kinds.QualifiedName),
            ids.DisplayName: _held(shown, kinds.LocalizedText),
            ids.WriteMask: _NO_WRITE,
            ids.UserWriteMask: _NO_WRITE,
        }
        if spec.text is not None:
            said = ua.LocalizedText(getattr(spec.text, self._locale), self._locale)
            data.attributes[ids.Description] = _held(said, kinds.LocalizedText)
        self._space[data.nodeid] = data
        return data

    def _variable(self, node: NodeData, value: ua.DataValue, data_type: Ref, rank: int) -> None:
        ids, kinds = ua.AttributeIds, ua.VariantType
        node.attributes |= {
            ids.NodeClass: _VARIABLE_CLASS,
            ids.Value: Attribute(value),
            ids.DataType: _shared(node_id(data_type, self._namespaces), kinds.NodeId),
            ids.ValueRank: _shared(rank, kinds.Int32),
            ids.AccessLevel: _READ_ONLY,
            ids.UserAccessLevel: _READ_ONLY,
            ids.MinimumSamplingInterval: _NO_SAMPLING,
            ids.Historizing: _NO_HISTORY,
        }
        if rank > 0:
            node.attributes[ids.ArrayDimensions] = _held([0] * rank, kinds.UInt32, is_array=True)

    def _typed(self, node: NodeData, type_id: Ref) -> None:
        # One for all nodes of a type; nobody changes it.
        said = self._types.get(type_id)
        if said is None:
            kind = self._space[node_id(type_id, self._namespaces)]
            said = described(kind, _HAS_TYPE, self._space, is_forward=True)
            self._types[type_id] = said
        node.references.append(said)

    def _hang(self, spec: NodeSpec, node: NodeData, usual: Ref) -> None:
        if spec.parent:
            self._link(self._space[self._id(spec.parent)], node, spec.reference or usual)
        elif not spec.listed_by:
            above = self._space[node_id(_OBJECTS_FOLDER, self._namespaces)]
            self._link(above, node, spec.reference or _ORGANIZES)
        for reference, other in spec.listed_by:
            self._link(self._space[node_id(other, self._namespaces)], node, reference)

    def _link(
        self, above: NodeData, below: NodeData, reference: Ref, *, both_ways: bool = True
    ) -> None:
        kind = node_id(reference, self._namespaces)
        above.references.append(described(below, kind, self._space, is_forward=True))
        if both_ways:
            # One for all that hang on a node; nobody changes it.
            back = self._back.get((above.nodeid, reference))
            if back is None:
                back = described(above, kind, self._space, is_forward=False)
                self._back[above.nodeid, reference] = back
            below.references.append(back)
