"""Instances of the standards' types, as nodes of a plan: what is mandatory, and what is asked."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from opcua.node_spec import Derived, NodeKind, NodeSpec
from opcua.standards import Part, parts_of
from opcua.wire_values import QName, Ref, Wire
from twin.model.base import Text

__all__ = ["instance", "mandatory_parts"]


def instance(
    type_id: Ref,
    node: str,
    parent: str,
    name: QName,
    *,
    reference: Ref | None = None,
    text: Text | None = None,
    also: Collection[str] = (),
    held: Mapping[str, Wire | Derived] | None = None,
    listed_by: tuple[tuple[Ref, Ref], ...] = (),
) -> Iterator[NodeSpec]:
    """Plan an object and everything below it that its type makes mandatory.

    Args:
        type_id: its type, of a companion standard.
        node: its id.
        parent: id of the node above it; empty for none but those in `listed_by`.
        name: its browse name; an empty URI for the line's own namespace.
        reference: how it hangs on its parent; None: the usual way.
        text: what it is.
        also: optional parts that it has too, by their path of browse names, as `Status/Parameter`.
        held: values by path; without one a variable has the standard's own value, or none.
        listed_by: other nodes that refer to it.

    Example:
        instance(Ref(PACKML, 6), "L1/CUT/CUT01", "L1/CUT", QName("", "CUT01"))
    """
    values = held or {}
    yield NodeSpec(
        node,
        parent,
        name.name,
        NodeKind.OBJECT,
        text,
        name_uri=name.uri,
        type_id=type_id,
        reference=reference,
        listed_by=listed_by,
    )
    yield from _below(node, "", parts_of(type_id), also, values)


def mandatory_parts(
    type_id: Ref, node: str, held: Mapping[str, Wire | Derived]
) -> Iterator[NodeSpec]:
    """Plan what a type makes mandatory below a node that is there already.

    Args:
        type_id: the node's type, of a companion standard.
        node: its id.
        held: values by path of browse names.
    """
    yield from _below(node, "", parts_of(type_id), (), held)


def _below(
    node: str,
    path: str,
    parts: tuple[Part, ...],
    also: Collection[str],
    held: Mapping[str, Wire | Derived],
) -> Iterator[NodeSpec]:
    for part in parts:
        here = f"{path}{part.name.name}"
        if not (part.mandatory or here in also):
            continue
        made = _spec(f"{node}/{part.name.name}", node, part, held.get(here))
        yield made
        if part.node_class != "Method":
            deeper = parts_of(part.type_id, part.ref)
            yield from _below(made.node, f"{here}/", deeper, also, held)


def _spec(node: str, parent: str, part: Part, value: Wire | Derived | None) -> NodeSpec:
    name, uri = part.name.name, part.name.uri
    if part.node_class == "Method":
        return NodeSpec(
            node,
            parent,
            name,
            NodeKind.METHOD,
            name_uri=uri,
            reference=part.reference,
            declaration=part.ref,
        )
    if part.node_class == "Object":
        return NodeSpec(
            node,
            parent,
            name,
            NodeKind.OBJECT,
            name_uri=uri,
            reference=part.reference,
            type_id=part.type_id,
        )
    return NodeSpec(
        node,
        parent,
        name,
        NodeKind.VARIABLE,
        name_uri=uri,
        reference=part.reference,
        type_id=part.type_id,
        data_type=part.data_type,
        rank=part.rank,
        held=value if isinstance(value, Wire) else part.value if value is None else None,
        derived=value if isinstance(value, Derived) else None,
    )
