"""The companion standards that the PLCs speak, as published, and what an instance of a type has.

Each is a NodeSet2 file of the OPC Foundation (MIT licence 1.00, in the file), read once a process.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from opcua.nodeset_file import NodeSet, StandardNode, read_nodeset
from opcua.wire_values import BASE, QName, Ref, Wire, base

__all__ = [
    "DI",
    "IA",
    "ISA95",
    "JOBS",
    "JOB_CONTROL",
    "MACHINERY",
    "PACKML",
    "STANDARD_URIS",
    "VISION",
    "Part",
    "binary_encoding",
    "nodesets",
    "parts_of",
    "standard_node",
    "type_closure",
]

DI = "http://opcfoundation.org/UA/DI/"
IA = "http://opcfoundation.org/UA/IA/"
MACHINERY = "http://opcfoundation.org/UA/Machinery/"
PACKML = "http://opcfoundation.org/UA/PackML/"
VISION = "http://opcfoundation.org/UA/MachineVision"
ISA95 = "http://www.OPCFoundation.org/UA/2013/01/ISA95"
JOB_CONTROL = "http://opcfoundation.org/UA/ISA95-JOBCONTROL_V2/"
JOBS = "http://opcfoundation.org/UA/Machinery/Jobs/"

_FILES = {
    DI: "Opc.Ua.Di.NodeSet2.xml",
    IA: "Opc.Ua.IA.NodeSet2.xml",
    MACHINERY: "Opc.Ua.Machinery.NodeSet2.xml",
    PACKML: "Opc.Ua.PackML.NodeSet2.xml",
    VISION: "Opc.Ua.MachineVision.NodeSet2.xml",
    ISA95: "Opc.ISA95.NodeSet2.xml",
    JOB_CONTROL: "Opc.ISA95.JobControl.NodeSet2.xml",
    JOBS: "Opc.Ua.Machinery.Jobs.NodeSet2.xml",
}
STANDARD_URIS: tuple[str, ...] = tuple(_FILES)
"""The standards' namespaces, each after those that it needs."""

_HAS_TYPE, _HAS_SUBTYPE, _HAS_RULE = base(40), base(45), base(37)
_HAS_ENCODING = base(38)
_MANDATORY, _OPTIONAL = base(78), base(80)
_COMPONENT, _PROPERTY, _ORDERED = base(47), base(46), base(49)

FINITE_STATE_MACHINE, FINITE_STATE_VARIABLE = base(2771), base(2760)
LOCALIZED_TEXT, NODE_ID, PROPERTY_TYPE = base(21), base(17), base(68)


@dataclass(frozen=True, slots=True)
class Part:
    """What an instance of a type has below it, or may have.

    Args:
        ref: the declaration in the type.
        name: its browse name.
        node_class: `Object`, `Variable` or `Method`.
        reference: how it hangs on what is above it.
        type_id: its own type; None for a method.
        mandatory: whether every instance has it.
        data_type, rank: of a variable.
        value: of a variable, as the standard gives it.
    """

    ref: Ref
    name: QName
    node_class: str
    reference: Ref
    type_id: Ref | None
    mandatory: bool
    data_type: Ref
    rank: int
    value: Wire | None


@cache
def nodesets() -> tuple[NodeSet, ...]:
    """Read the standards, in the order of `STANDARD_URIS`."""
    folder = Path(__file__).parent / "nodesets"
    return tuple(read_nodeset(folder / name) for name in _FILES.values())


@cache
def _nodes() -> dict[Ref, StandardNode]:
    return {node.ref: node for nodeset in nodesets() for node in nodeset.nodes}


def standard_node(ref: Ref) -> StandardNode:
    """Find a node of the companion standards.

    Raises:
        KeyError: there is none.

    >>> standard_node(Ref(PACKML, 6)).name.name
    'PackMLBaseObjectType'
    """
    return _nodes()[ref]


@cache
def _aggregates() -> frozenset[Ref]:
    """HasComponent, HasProperty and all that the standards derive from them."""
    found = {_COMPONENT, _PROPERTY, _ORDERED, base(44)}
    kinds = [node for node in _nodes().values() if node.node_class == "ReferenceType"]
    grown = True
    while grown:
        new = {node.ref for node in kinds if _supertype(node) in found} - found
        found |= new
        grown = bool(new)
    return frozenset(found)


def _supertype(node: StandardNode) -> Ref | None:
    for reference, forward, target in node.references:
        if reference == _HAS_SUBTYPE and not forward:
            return target
    return _supertypes_said_from_above().get(node.ref)


@cache
def _supertypes_said_from_above() -> dict[Ref, Ref]:
    return {
        target: node.ref
        for node in _nodes().values()
        for reference, forward, target in node.references
        if reference == _HAS_SUBTYPE and forward
    }


def type_closure(ref: Ref) -> Iterator[Ref]:
    """List a type and its supertypes, up to the first that is the OPC UA standard's own.

    >>> [t.ident for t in type_closure(Ref(MACHINERY, 1012))]
    [1012, 1004, 1005, 61]
    """
    while True:
        yield ref
        if ref.uri == BASE:
            return
        above = _supertype(standard_node(ref))
        if above is None:
            return
        ref = above


@cache
def _below() -> Mapping[Ref, dict[Ref, Ref]]:
    """By node what hangs on it: target and reference; files say it from either end, or both."""
    found: dict[Ref, dict[Ref, Ref]] = {}
    for node in _nodes().values():
        for reference, forward, target in node.references:
            if reference in _aggregates():
                above, below = (node.ref, target) if forward else (target, node.ref)
                found.setdefault(above, {})[below] = reference
    return found


@cache
def binary_encoding(data_type: Ref) -> Ref:
    """Find the node that names a structure's binary encoding.

    Raises:
        KeyError: the data type has none; it is no structure of a companion standard.
    """
    for reference, forward, target in standard_node(data_type).references:
        if (reference, forward) == (_HAS_ENCODING, True):
            node = standard_node(target)
            if node.name.name == "Default Binary":
                return target
    raise KeyError(data_type)


@cache
def parts_of(type_id: Ref | None, declaration: Ref | None = None) -> tuple[Part, ...]:
    """List what an instance has, or may have, directly below it.

    Args:
        type_id: its type; None for a method.
        declaration: the node in a greater type that it is an instance of, whose own parts
            override those of the type.

    >>> [p.name.name for p in parts_of(Ref(PACKML, 6)) if p.mandatory][:3]
    ['Admin', 'BaseStateMachine', 'SetMachSpeed']
    """
    found: dict[QName, Part] = {}
    chain = tuple(type_closure(type_id)) if type_id is not None else ()
    if FINITE_STATE_MACHINE in chain:
        found[_CURRENT_STATE.name] = _CURRENT_STATE
    if type_id == FINITE_STATE_VARIABLE:
        found[_STATE_ID.name] = _STATE_ID
    for source in (*reversed(chain), declaration):
        for target, reference in _below().get(source, {}).items() if source else ():
            node = _nodes().get(target)
            rule = _target(node, _HAS_RULE) if node is not None else None
            if node is not None and rule in (_MANDATORY, _OPTIONAL):
                kept = found.get(node.name)
                found[node.name] = Part(
                    node.ref,
                    node.name,
                    node.node_class,
                    reference,
                    _target(node, _HAS_TYPE),
                    rule == _MANDATORY or (kept is not None and kept.mandatory),
                    node.data_type,
                    node.rank,
                    node.value,
                )
    return tuple(found.values())


def _target(node: StandardNode, wanted: Ref) -> Ref | None:
    for reference, forward, target in node.references:
        if reference == wanted and forward:
            return target
    return None


# Of the OPC UA standard itself, whose NodeSet is not read here, the only parts that matter.
_CURRENT_STATE = Part(
    base(2772),
    QName(BASE, "CurrentState"),
    "Variable",
    _COMPONENT,
    FINITE_STATE_VARIABLE,
    mandatory=True,
    data_type=LOCALIZED_TEXT,
    rank=-1,
    value=None,
)
_STATE_ID = Part(
    base(2761),
    QName(BASE, "Id"),
    "Variable",
    _PROPERTY,
    PROPERTY_TYPE,
    mandatory=True,
    data_type=NODE_ID,
    rank=-1,
    value=None,
)
