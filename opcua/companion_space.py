"""The companion standards' types in asyncua's form: built once a process, shared by all servers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from asyncua import ua
from asyncua.server.address_space import NodeData

from opcua.attributes import Attribute
from opcua.nodeset_file import StandardNode
from opcua.standards import binary_encoding, nodesets, standard_node, type_closure
from opcua.ua_values import Namespaces, node_id, qualified, variant
from opcua.wire_values import BASE, base

__all__ = ["described", "with_companions"]

_GOOD = ua.StatusCode(ua.StatusCodes.Good)
_ENUMERATION = base(29)


class _Nodes(Protocol):
    """Anything that finds a node by its id."""

    def __getitem__(self, wanted: ua.NodeId, /) -> NodeData: ...


_CLASSES = {
    "Object": ua.NodeClass.Object,
    "Variable": ua.NodeClass.Variable,
    "Method": ua.NodeClass.Method,
    "ObjectType": ua.NodeClass.ObjectType,
    "VariableType": ua.NodeClass.VariableType,
    "DataType": ua.NodeClass.DataType,
    "ReferenceType": ua.NodeClass.ReferenceType,
}


def with_companions(
    standard: Mapping[ua.NodeId, NodeData], namespaces: Namespaces
) -> dict[ua.NodeId, NodeData]:
    """Add the companion standards' nodes to those of the OPC UA standard.

    Args:
        standard: nodes by id; stays as it is.
        namespaces: index of each standard's namespace.

    Returns:
        All of them; nodes that got references more are copies.
    """
    nodes = dict(standard)
    for nodeset in nodesets():
        for said in nodeset.nodes:
            made = NodeData(node_id(said.ref, namespaces))
            made.attributes = _attributes(said, namespaces)
            nodes[made.nodeid] = made
    linked: set[tuple[ua.NodeId, ua.NodeId, bool, ua.NodeId]] = set()
    own = set(standard)
    for nodeset in nodesets():
        for said in nodeset.nodes:
            source = nodes[node_id(said.ref, namespaces)]
            for reference, forward, target in said.references:
                kind, other = (node_id(ref, namespaces) for ref in (reference, target))
                # The OPC UA standard that asyncua has is some releases behind the newest.
                if other not in nodes or kind not in nodes:
                    continue
                if other in own:
                    nodes[other] = _copy(nodes[other])
                    own.discard(other)
                for above, below, onward in (
                    (source, nodes[other], forward),
                    (nodes[other], source, not forward),
                ):
                    link = (above.nodeid, kind, onward, below.nodeid)
                    if link not in linked:
                        linked.add(link)
                        above.references.append(described(below, kind, nodes, is_forward=onward))
    return nodes


def described(
    target: NodeData,
    kind: ua.NodeId,
    nodes: _Nodes,
    *,
    is_forward: bool,
) -> ua.ReferenceDescription:
    """Describe a reference to a node as Browse shows it."""
    node_class = target.attributes[ua.AttributeIds.NodeClass].value.Value.Value
    return ua.ReferenceDescription(
        ReferenceTypeId=kind,
        IsForward=is_forward,
        NodeId=target.nodeid,
        BrowseName=target.attributes[ua.AttributeIds.BrowseName].value.Value.Value,
        DisplayName=target.attributes[ua.AttributeIds.DisplayName].value.Value.Value,
        NodeClass=node_class,
        # Types have none, and references by the hundred to look through.
        TypeDefinition=_type_of(target.nodeid, nodes)
        if is_forward and node_class in _TYPED
        else ua.NodeId(),
    )


def _type_of(target: ua.NodeId, nodes: _Nodes) -> ua.NodeId:
    for reference in nodes[target].references:
        if reference.ReferenceTypeId == _HAS_TYPE_ID and reference.IsForward:
            return reference.NodeId
    return ua.NodeId()


_TYPED = (ua.NodeClass.Object, ua.NodeClass.Variable)
_HAS_TYPE_ID = ua.NodeId(ua.ObjectIds.HasTypeDefinition)


def _copy(node: NodeData) -> NodeData:
    copy = NodeData(node.nodeid)
    copy.attributes, copy.references = node.attributes, list(node.references)
    copy.call = node.call
    return copy


def _held(value: object, kind: ua.VariantType, *, is_array: bool = False) -> Attribute:
    return Attribute(ua.DataValue(ua.Variant(value, kind, is_array=is_array), _GOOD))


def _attributes(node: StandardNode, namespaces: Namespaces) -> dict[ua.AttributeIds, Attribute]:
    kinds, ids = ua.VariantType, ua.AttributeIds
    made = {
        ids.NodeId: _held(node_id(node.ref, namespaces), kinds.NodeId),
        ids.NodeClass: _held(_CLASSES[node.node_class], kinds.Int32),
        ids.BrowseName: _held(qualified(node.name, namespaces), kinds.QualifiedName),
        ids.DisplayName: _held(ua.LocalizedText(node.shown), kinds.LocalizedText),
        ids.WriteMask: _held(0, kinds.UInt32),
        ids.UserWriteMask: _held(0, kinds.UInt32),
    }
    if node.text:
        made[ids.Description] = _held(ua.LocalizedText(node.text), kinds.LocalizedText)
    match node.node_class:
        case "Object":
            made[ids.EventNotifier] = _held(0, kinds.Byte)
        case "Method":
            made[ids.Executable] = _held(True, kinds.Boolean)
            made[ids.UserExecutable] = _held(True, kinds.Boolean)
        case "Variable" | "VariableType":
            made |= _variable(node, namespaces)
        case _:
            made[ids.IsAbstract] = _held(node.is_abstract, kinds.Boolean)
    if node.node_class == "VariableType":
        made[ids.IsAbstract] = _held(node.is_abstract, kinds.Boolean)
    if node.node_class == "ReferenceType":
        made[ids.Symmetric] = _held(node.symmetric, kinds.Boolean)
        if node.inverse:
            made[ids.InverseName] = _held(ua.LocalizedText(node.inverse), kinds.LocalizedText)
    if node.node_class == "DataType":
        definition = _definition(node, namespaces)
        if definition is not None:
            made[ids.DataTypeDefinition] = _held(definition, kinds.ExtensionObject)
    return made


def _variable(node: StandardNode, namespaces: Namespaces) -> dict[ua.AttributeIds, Attribute]:
    kinds, ids = ua.VariantType, ua.AttributeIds
    value = variant(node.value, namespaces) if node.value is not None else ua.Variant()
    made = {
        ids.Value: Attribute(ua.DataValue(value, _GOOD)),
        ids.DataType: _held(node_id(node.data_type, namespaces), kinds.NodeId),
        ids.ValueRank: _held(node.rank, kinds.Int32),
    }
    if node.dimensions:
        made[ids.ArrayDimensions] = _held(list(node.dimensions), kinds.UInt32, is_array=True)
    if node.node_class == "Variable":
        made |= {
            ids.AccessLevel: _held(1, kinds.Byte),
            ids.UserAccessLevel: _held(1, kinds.Byte),
            ids.MinimumSamplingInterval: _held(0.0, kinds.Double),
            ids.Historizing: _held(False, kinds.Boolean),
        }
    return made


def _definition(node: StandardNode, namespaces: Namespaces) -> object:
    """What a data type is made of, so that a client can read values that it has never seen."""
    chain = tuple(type_closure(node.ref))
    if chain[-1] == _ENUMERATION:
        return ua.EnumDefinition(
            [
                ua.EnumField(
                    Value=field.value,
                    DisplayName=ua.LocalizedText(field.name),
                    Name=field.name,
                )
                for field in node.fields
            ]
        )
    try:
        encoding = binary_encoding(node.ref)
    except KeyError:
        return None
    fields = [
        field for ref in reversed(chain) if ref.uri != BASE for field in standard_node(ref).fields
    ]
    has_optional = any(field.optional for field in fields)
    return ua.StructureDefinition(
        DefaultEncodingId=node_id(encoding, namespaces),
        BaseDataType=node_id(chain[1], namespaces),
        StructureType=ua.StructureType.StructureWithOptionalFields
        if has_optional
        else ua.StructureType.Structure,
        Fields=[
            ua.StructureField(
                Name=field.name,
                DataType=node_id(field.data_type, namespaces),
                ValueRank=field.rank,
                IsOptional=field.optional,
            )
            for field in fields
        ],
    )
