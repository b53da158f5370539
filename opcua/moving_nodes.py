"""Which nodes of a PLC of one's own a rule can move, and what makes their values of a rule's.

A variable that holds a number, a boolean or a text; an array of them, each element by itself; or
one field of a structure.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from asyncua import Server, ua
from asyncua.common.structures104 import load_custom_struct
from asyncua.server.address_space import NodeData

from opcua.rules import Rule, Told

__all__ = ["MovingNode", "Target", "load_structures", "moving_node", "target"]

_WHOLE = {
    ua.VariantType.SByte: (8, True),
    ua.VariantType.Byte: (8, False),
    ua.VariantType.Int16: (16, True),
    ua.VariantType.UInt16: (16, False),
    ua.VariantType.Int32: (32, True),
    ua.VariantType.UInt32: (32, False),
    ua.VariantType.Int64: (64, True),
    ua.VariantType.UInt64: (64, False),
}
_TEXTS = (ua.VariantType.String, ua.VariantType.LocalizedText)
_TYPES = (*_WHOLE, ua.VariantType.Float, ua.VariantType.Double, ua.VariantType.Boolean, *_TEXTS)


@dataclass(frozen=True, slots=True)
class Target:
    """A variable that can move.

    Args:
        node_id: which.
        kind: type of its value, or of an array's elements; ExtensionObject for a structure.
        length: of an array; None for a scalar.
        structure: for a structure its value as it stands.
    """

    node_id: ua.NodeId
    kind: ua.VariantType
    length: int | None = None
    structure: Any = None

    def can_follow(self, rule: Rule) -> bool:
        """Whether a rule is for a variable like this."""
        if self.structure is not None:
            kind = _field_kind(self.structure, rule.field)
            return kind is not None and (kind in _TEXTS) == rule.is_text
        return not rule.field and (self.kind in _TEXTS) == rule.is_text


@dataclass(slots=True)
class MovingNode:
    """A variable that moves.

    Args:
        node_id: which.
        variant: makes its value at an instant, microseconds from 0.
        every_us: how often it is made anew.
    """

    node_id: ua.NodeId
    variant: Callable[[int], ua.Variant]
    every_us: int
    shown: Any = None


async def load_structures(server: Server) -> Mapping[ua.NodeId, type]:
    """Make classes of the structures that an export has brought, of all that can be made."""
    classes: dict[ua.NodeId, type] = {}
    space = server.iserver.aspace
    for node_id in list(space.keys()):
        if not node_id.NamespaceIndex:
            continue
        held = space[node_id].attributes.get(ua.AttributeIds.DataTypeDefinition)
        said = held.value.Value.Value if held is not None and held.value.Value else None
        if isinstance(said, ua.StructureDefinition):
            try:
                classes[node_id] = await load_custom_struct(server.get_node(node_id))
            except (ua.UaError, NotImplementedError, AttributeError, RuntimeError):
                continue
    return classes


def target(node: NodeData, structures: Mapping[ua.NodeId, type]) -> Target | None:
    """Find what a variable holds; None for what no rule can move."""
    ids = ua.AttributeIds
    if ids.Value not in node.attributes or ids.DataType not in node.attributes:
        return None
    held, rank = node.attributes[ids.Value].value, node.attributes.get(ids.ValueRank)
    variant = None if held is None else held.Value
    value = None if variant is None else variant.Value
    is_array = isinstance(value, list) or (rank is not None and rank.value.Value.Value >= 0)
    data_type = node.attributes[ids.DataType].value.Value.Value
    # An export need not say what a variable holds.
    if data_type in structures and not is_array:
        structure = value if value is not None else structures[data_type]()
        return Target(node.nodeid, ua.VariantType.ExtensionObject, None, structure)
    kind = None if variant is None or value is None else variant.VariantType
    if kind is None:
        kind = next((t for t in _TYPES if data_type == ua.NodeId(t.value)), None)
    if kind not in _TYPES:
        return None
    return Target(node.nodeid, kind, _length(node, value) if is_array else None)


def _length(node: NodeData, value: Any) -> int:
    if isinstance(value, list):
        return len(value)
    sizes = node.attributes.get(ua.AttributeIds.ArrayDimensions)
    found = sizes.value.Value.Value if sizes is not None and sizes.value.Value else None
    return int(found[0]) if found else 0


def moving_node(
    of: Target, rule: Rule, follow: Callable[[str], Callable[[int], Told]]
) -> MovingNode:
    """Let a variable follow a rule.

    Args:
        of: the variable.
        rule: its rule.
        follow: makes the function that one value follows, for the node or element of an id.
    """
    text = of.node_id.to_string()
    if of.structure is not None:
        one, kind = follow(f"{text}.{rule.field}"), _field_kind(of.structure, rule.field)

        def of_field(at_us: int) -> ua.Variant:
            changed = dataclasses.replace(of.structure, **{rule.field: _typed(one(at_us), kind)})
            return ua.Variant(changed, ua.VariantType.ExtensionObject)

        return MovingNode(of.node_id, of_field, rule.every_us)
    if of.length is not None:
        each = [follow(f"{text}[{i}]") for i in range(of.length)]

        def of_array(at_us: int) -> ua.Variant:
            # Each element is the next one's past.
            late = (at_us - i * rule.stagger_us for i in range(len(each)))
            values = [_typed(f(max(0, at)), of.kind) for f, at in zip(each, late, strict=True)]
            return ua.Variant(values, of.kind, is_array=True)

        return MovingNode(of.node_id, of_array, rule.every_us)
    one = follow(text)
    return MovingNode(
        of.node_id, lambda at_us: ua.Variant(_typed(one(at_us), of.kind), of.kind), rule.every_us
    )


def _field_kind(structure: Any, name: str) -> ua.VariantType | None:
    for field in dataclasses.fields(structure):
        if field.name == name:
            said = field.type if isinstance(field.type, str) else field.type.__name__
            kind = getattr(ua.VariantType, said.rpartition(".")[2], None)
            return kind if kind in _TYPES else None
    return None


def _typed(value: Told, kind: ua.VariantType | None) -> Any:
    if kind in _TEXTS:
        return ua.LocalizedText(str(value)) if kind is ua.VariantType.LocalizedText else str(value)
    number = float(value)
    if kind is ua.VariantType.Boolean:
        return bool(number)
    if kind not in _WHOLE:
        return number
    bits, signed = _WHOLE[kind]
    wrapped = round(number) % (1 << bits)
    return wrapped - (1 << bits) if signed and wrapped >> (bits - 1) else wrapped
