"""Methods as nodes, built directly: objects to hold them, their arguments, what they call."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from asyncua import ua
from asyncua.server.address_space import AddressSpace, AttributeValue, NodeData

from opcua.naming import Naming
from opcua.roles import CALL, Role, allow

__all__ = ["Method", "argument", "method_node", "object_node"]

_HAS_COMPONENT = ua.NodeId(ua.ObjectIds.HasComponent)
_HAS_PROPERTY = ua.NodeId(ua.ObjectIds.HasProperty)
_HAS_TYPE = ua.NodeId(ua.ObjectIds.HasTypeDefinition)
Method = Callable[..., Coroutine[Any, Any, list[ua.Variant] | ua.StatusCode]]


def argument(name: str, data_type: int, text: str) -> ua.Argument:
    """Describe an argument of a method: its name, `ua.ObjectIds` of its type, and its meaning."""
    return ua.Argument(name, ua.NodeId(data_type), Description=ua.LocalizedText(text, "en"))


def object_node(space: AddressSpace, naming: Naming, above: str, name: str) -> NodeData:
    """Make a folder of methods below a node that is there."""
    parent = space[naming.node_id(above)]
    node = _node(space, naming.below(parent.nodeid, name), name, ua.NodeClass.Object)
    _set(node, ua.AttributeIds.EventNotifier, ua.Variant(0, ua.VariantType.Byte))
    _link(parent, node, _HAS_COMPONENT)
    folder_type = space[ua.NodeId(ua.ObjectIds.FolderType)]
    node.references.append(_described(folder_type, _HAS_TYPE, is_forward=True))
    return node


def method_node(
    space: AddressSpace,
    naming: Naming,
    parent: NodeData,
    name: str,
    takes: list[ua.Argument],
    call: Method,
    least: Role = Role.OPERATE,
) -> None:
    """Make a method below an object.

    Args:
        space, naming: where, and how its nodes are named.
        parent: the object.
        name: its own.
        takes: its arguments.
        call: what it calls, with the object's id and a variant for each argument.
        least: the first of the roles that may call it.
    """
    node_id = naming.below(parent.nodeid, name)
    node = _node(space, node_id, name, ua.NodeClass.Method)
    for attribute in (ua.AttributeIds.Executable, ua.AttributeIds.UserExecutable):
        _set(node, attribute, ua.Variant(True, ua.VariantType.Boolean))
    node.call = call
    allow(node, least, CALL)
    _link(parent, node, _HAS_COMPONENT)
    if not takes:
        return
    below = naming.below(node_id, "InputArguments")
    inputs = _node(space, below, "InputArguments", ua.NodeClass.Variable)
    inputs.attributes[ua.AttributeIds.BrowseName] = AttributeValue(
        ua.DataValue(ua.Variant(ua.QualifiedName("InputArguments", 0)))
    )
    _set(inputs, ua.AttributeIds.Value, ua.Variant(takes, ua.VariantType.ExtensionObject))
    data_type = ua.NodeId(ua.ObjectIds.Argument)
    _set(inputs, ua.AttributeIds.DataType, ua.Variant(data_type, ua.VariantType.NodeId))
    _set(inputs, ua.AttributeIds.ValueRank, ua.Variant(1, ua.VariantType.Int32))
    read = ua.Variant(ua.AccessLevel.CurrentRead.mask, ua.VariantType.Byte)
    _set(inputs, ua.AttributeIds.AccessLevel, read)
    _set(inputs, ua.AttributeIds.UserAccessLevel, read)
    _link(node, inputs, _HAS_PROPERTY)
    property_type = space[ua.NodeId(ua.ObjectIds.PropertyType)]
    inputs.references.append(_described(property_type, _HAS_TYPE, is_forward=True))


def _node(space: AddressSpace, node_id: ua.NodeId, name: str, node_class: ua.NodeClass) -> NodeData:
    node = NodeData(node_id)
    qualified = ua.QualifiedName(name, node_id.NamespaceIndex)
    _set(node, ua.AttributeIds.NodeId, ua.Variant(node.nodeid, ua.VariantType.NodeId))
    _set(node, ua.AttributeIds.NodeClass, ua.Variant(node_class, ua.VariantType.Int32))
    _set(node, ua.AttributeIds.BrowseName, ua.Variant(qualified, ua.VariantType.QualifiedName))
    shown = ua.Variant(ua.LocalizedText(name), ua.VariantType.LocalizedText)
    _set(node, ua.AttributeIds.DisplayName, shown)
    space[node.nodeid] = node
    return node


def _set(node: NodeData, attribute: ua.AttributeIds, value: ua.Variant) -> None:
    node.attributes[attribute] = AttributeValue(ua.DataValue(value))


def _link(parent: NodeData, child: NodeData, reference: ua.NodeId) -> None:
    parent.references.append(_described(child, reference, is_forward=True))
    child.references.append(_described(parent, reference, is_forward=False))


def _described(
    target: NodeData, reference: ua.NodeId, *, is_forward: bool
) -> ua.ReferenceDescription:
    def read(attribute: ua.AttributeIds) -> Any:
        return target.attributes[attribute].value.Value.Value

    return ua.ReferenceDescription(
        ReferenceTypeId=reference,
        IsForward=is_forward,
        NodeId=target.nodeid,
        BrowseName=read(ua.AttributeIds.BrowseName),
        DisplayName=read(ua.AttributeIds.DisplayName),
        NodeClass=read(ua.AttributeIds.NodeClass),
    )
