"""The nodes of conditions, made when a client first touches one, and forgotten again in their turn.

A line has a thousand conditions of forty nodes each, of which clients read few: they live on
events. What a client subscribes to stays.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from asyncua import ua
from asyncua.server.address_space import AttributeValue, NodeData

from opcua.alarms.condition import Condition
from opcua.alarms.fields import FIELDS, METHODS, OBJECTS, Field
from opcua.companion_space import described
from opcua.naming import Naming

__all__ = ["LateNodes"]

_MOST = 100
"""Conditions whose nodes are kept though nobody subscribes to them: some 7 MB."""
_VT, _IDS, _AT = ua.VariantType, ua.ObjectIds, ua.AttributeIds
_HAS_TYPE, _HAS_PROPERTY = ua.NodeId(_IDS.HasTypeDefinition), ua.NodeId(_IDS.HasProperty)
_HAS_COMPONENT, _HAS_CONDITION = ua.NodeId(_IDS.HasComponent), ua.NodeId(_IDS.HasCondition)

Values = Callable[[Condition], Mapping[str, Any]]


def _held(value: Any, kind: ua.VariantType) -> AttributeValue:
    return AttributeValue(ua.DataValue(ua.Variant(value, kind), ua.StatusCode()))


_NO_MASK, _NO_EVENTS = _held(0, _VT.UInt32), _held(0, _VT.Byte)
_OBJECT, _VARIABLE = _held(ua.NodeClass.Object, _VT.Int32), _held(ua.NodeClass.Variable, _VT.Int32)
_READ_ONLY, _SCALAR = _held(1, _VT.Byte), _held(-1, _VT.Int32)
_NO_SAMPLING, _NO_HISTORY = _held(0.0, _VT.Double), _held(False, _VT.Boolean)


class LateNodes:
    """The nodes of a server's conditions.

    Args:
        space: the server's nodes by id, into which they are put.
        naming: how its nodes are named.
        values: the values of a condition's fields, as they are when asked for.
    """

    def __init__(self, space: dict[ua.NodeId, NodeData], naming: Naming, values: Values) -> None:
        self._space = space
        self._naming = naming
        self._values = values
        self._roots: dict[str, Condition] = {}
        self._made: OrderedDict[str, list[ua.NodeId]] = OrderedDict()
        self._shared: dict[str, dict[ua.AttributeIds, AttributeValue]] = {}

    def add(self, condition: Condition) -> None:
        """Let a condition be found: below its folder, and from what it is about."""
        node_id = self._naming.node_id(condition.node)
        self._roots[node_id.Identifier] = condition
        said = ua.ReferenceDescription(
            ReferenceTypeId=_HAS_COMPONENT,
            IsForward=True,
            NodeId=node_id,
            BrowseName=ua.QualifiedName(condition.name, self._naming.index),
            DisplayName=ua.LocalizedText(condition.name),
            NodeClass=ua.NodeClass.Object,
            TypeDefinition=ua.NodeId(condition.kind.value[0]),
        )
        folder = self._naming.node_id(condition.node.rpartition("/")[0])
        self._space[folder].references.append(said)
        about = replace(said, ReferenceTypeId=_HAS_CONDITION)
        self._space[self._naming.node_id(condition.source)].references.append(about)

    def has(self, node_id: ua.NodeId) -> bool:
        """Whether a node is one of a condition's; if so it is there from now on."""
        root = self._root(node_id)
        if root is None:
            return False
        if root not in self._made:
            self._make(root)
        self._made.move_to_end(root)
        # Nobody may have another node's id: the space's own look-up, not the one that asks here.
        return dict.__contains__(self._space, node_id)

    def watched(self, condition: Condition) -> Iterator[AttributeValue]:
        """List the values of a condition's fields to which somebody subscribes."""
        root = self._naming.node_id(condition.node).Identifier
        if root not in self._made:
            return
        for path in _fields(self._values(condition)):
            value = self._space[self._below(root, path)].attributes[_AT.Value]
            if value.datachange_callbacks:
                yield value

    def _root(self, node_id: ua.NodeId) -> str | None:
        if node_id.NamespaceIndex != self._naming.index or not isinstance(node_id.Identifier, str):
            return None
        ident: str = node_id.Identifier
        while ident:
            if ident in self._roots:
                return ident
            ident = ident.rpartition(self._naming.syntax.separator)[0]
        return None

    def _below(self, root: str, path: str) -> ua.NodeId:
        ident = root
        for name in path.split("/"):
            ident = self._naming.syntax.below(ident, name)
        return ua.NodeId(ident, self._naming.index)

    def _make(self, root: str) -> None:
        condition = self._roots[root]
        top = self._object(ua.NodeId(root, self._naming.index), condition.name, standard=False)
        self._typed(top, condition.kind.value[0])
        nodes = {"": top}
        for path, (type_id, only) in OBJECTS.items():
            if only in (None, condition.kind):
                node = self._object(self._below(root, path), path, standard=True)
                self._typed(node, type_id)
                nodes[path] = node
                self._link(top, node, _HAS_COMPONENT)
        for path in _fields(self._values(condition)):
            field = FIELDS[path]
            above, _, name = path.rpartition("/")
            node = NodeData(self._below(root, path))
            node.attributes = self._variable(path, name, field)
            node.attributes[_AT.NodeId] = _held(node.nodeid, _VT.NodeId)
            node.attributes[_AT.Value] = value = AttributeValue(ua.DataValue())
            value.value_callback = self._reader(condition, path, field.kind)
            self._space[node.nodeid] = nodes[path] = node
            self._typed(node, field.type_id)
            self._link(nodes[above], node, ua.NodeId(field.reference))
        for path, number in METHODS.items():
            above = path.rpartition("/")[0]
            method = self._space[ua.NodeId(number)]
            nodes[above].references.append(
                described(method, _HAS_COMPONENT, self._space, is_forward=True)
            )
        self._made[root] = [node.nodeid for node in nodes.values()]
        folder = self._space[self._naming.node_id(condition.node.rpartition("/")[0])]
        top.references.append(described(folder, _HAS_COMPONENT, self._space, is_forward=False))
        source = self._space[self._naming.node_id(condition.source)]
        top.references.append(described(source, _HAS_CONDITION, self._space, is_forward=False))
        self._forget_some()

    def _forget_some(self) -> None:
        for root in list(self._made):
            if len(self._made) <= _MOST:
                return
            nodes = self._made[root]
            if any(
                attribute.datachange_callbacks
                for node_id in nodes
                for attribute in self._space[node_id].attributes.values()
            ):
                continue
            del self._made[root]
            for node_id in nodes:
                del self._space[node_id]

    def _reader(
        self, condition: Condition, path: str, kind: ua.VariantType
    ) -> Callable[[ua.NodeId, ua.AttributeIds], ua.DataValue]:
        def read(_: ua.NodeId, __: ua.AttributeIds) -> ua.DataValue:
            values = self._values(condition)
            value = ua.Variant(values[path], kind if values[path] is not None else None)
            return ua.DataValue(value, ua.StatusCode(), values["Time"])

        return read

    def _object(self, node_id: ua.NodeId, name: str, *, standard: bool) -> NodeData:
        node = NodeData(node_id)
        index = 0 if standard else node_id.NamespaceIndex
        node.attributes = {
            _AT.NodeId: _held(node_id, _VT.NodeId),
            _AT.NodeClass: _OBJECT,
            _AT.BrowseName: _held(ua.QualifiedName(name, index), _VT.QualifiedName),
            _AT.DisplayName: _held(ua.LocalizedText(name), _VT.LocalizedText),
            _AT.WriteMask: _NO_MASK,
            _AT.UserWriteMask: _NO_MASK,
            _AT.EventNotifier: _NO_EVENTS,
        }
        self._space[node_id] = node
        return node

    def _variable(
        self, path: str, name: str, field: Field
    ) -> dict[ua.AttributeIds, AttributeValue]:
        """The attributes that a field's node has in every condition; nobody writes to them."""
        if path not in self._shared:
            self._shared[path] = {
                _AT.NodeClass: _VARIABLE,
                _AT.BrowseName: _held(ua.QualifiedName(name, 0), _VT.QualifiedName),
                _AT.DisplayName: _held(ua.LocalizedText(name), _VT.LocalizedText),
                _AT.WriteMask: _NO_MASK,
                _AT.UserWriteMask: _NO_MASK,
                _AT.DataType: _held(ua.NodeId(field.data_type), _VT.NodeId),
                _AT.ValueRank: _SCALAR,
                _AT.AccessLevel: _READ_ONLY,
                _AT.UserAccessLevel: _READ_ONLY,
                _AT.MinimumSamplingInterval: _NO_SAMPLING,
                _AT.Historizing: _NO_HISTORY,
            }
        return dict(self._shared[path])

    def _typed(self, node: NodeData, type_id: int) -> None:
        kind = self._space[ua.NodeId(type_id)]
        node.references.append(described(kind, _HAS_TYPE, self._space, is_forward=True))

    def _link(self, above: NodeData, below: NodeData, reference: ua.NodeId) -> None:
        above.references.append(described(below, reference, self._space, is_forward=True))
        below.references.append(described(above, reference, self._space, is_forward=False))


def _fields(values: Mapping[str, Any]) -> Iterator[str]:
    """List the fields that a condition has, those above before those below."""
    return (path for path in FIELDS if path in values)
