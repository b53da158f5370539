"""Our address space held against the published NodeSets: types, and what each makes mandatory.

The NodeSets are those of the npm package node-opcua-nodesets; the walk over them is this file's own
and shares nothing with the code that builds the address space.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import pytest
from asyncua import ua
from asyncua.server.address_space import AddressSpace, NodeData

from opcua.address_space import namespace_uri, plan
from opcua.apply import apply
from opcua.guarded_server import namespace_table
from opcua.standard_space import standard_nodes
from twin.model.line import Line
from twin.signals import ValueType

FOLDER = Path(__file__).parents[1] / "interop" / "node_modules" / "node-opcua-nodesets" / "nodesets"
FILES = (
    "Opc.Ua.NodeSet2.xml",
    "Opc.Ua.Di.NodeSet2.xml",
    "Opc.Ua.IA.NodeSet2.xml",
    "Opc.Ua.Machinery.NodeSet2.xml",
    "Opc.Ua.PackML.NodeSet2.xml",
    "Opc.Ua.MachineVision.NodeSet2.xml",
    "Opc.ISA95.NodeSet2.xml",
    "opc.ua.isa95-jobcontrol.nodeset2.xml",
    "Opc.Ua.Machinery.Jobs.Nodeset2.xml",
)
BASE = "http://opcfoundation.org/UA/"
XML = "{http://opcfoundation.org/UA/2011/03/UANodeSet.xsd}"

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(),
    reason="the npm package node-opcua-nodesets is not installed: make interop, where npm is",
)

LINE = Line.model_validate(
    {
        "id": "L1",
        "stations": (
            {
                "id": "CUT",
                "machines": 2,
                "cycle_time": "2 s",
                "variables": (
                    {"id": "Speed", "unit": "m/min", "nominal": 20.0, "low": 0.0, "high": 60.0},
                ),
            },
            {"id": "AVI", "cycle_time": "1 s", "inspection": {"detects": {"dent": 0.9}}},
        ),
        "buffers": ({"id": "B", "from": "CUT", "to": "AVI"},),
    }
)

Name = tuple[str, str]


@dataclass
class Published:
    """A node of a NodeSet file; ids and names are (namespace, rest)."""

    node_class: str
    name: Name
    data_type: Name
    rank: int
    references: list[tuple[Name, bool, Name]] = field(default_factory=list)


@pytest.fixture(scope="module")
def published() -> dict[Name, Published]:
    found: dict[Name, Published] = {}
    for file in FILES:
        root = ElementTree.parse(FOLDER / file).getroot()  # noqa: S314 -- an installed package
        uris = [BASE, *(u.text for u in root.iterfind(f"{XML}NamespaceUris/{XML}Uri"))]
        alias = {a.get("Alias"): a.text for a in root.iter(f"{XML}Alias")}

        def ident(text: str, uris=uris, alias=alias) -> Name:
            index, rest = re.fullmatch(r"(?:ns=(\d+);)?(.*)", alias.get(text, text)).groups()
            return uris[int(index or 0)], rest

        for element in root:
            if element.get("NodeId"):
                index, name = re.fullmatch(
                    r"(?:(\d+):)?(.*)", element.get("BrowseName"), re.DOTALL
                ).groups()
                found[ident(element.get("NodeId"))] = Published(
                    element.tag.removeprefix(f"{XML}UA"),
                    (uris[int(index or 0)], name),
                    ident(element.get("DataType", "i=24")),
                    int(element.get("ValueRank", "-1")),
                    [
                        (
                            ident(r.get("ReferenceType")),
                            r.get("IsForward") != "false",
                            ident(r.text),
                        )
                        for r in element.iter(f"{XML}Reference")
                    ],
                )
    # Files say a reference at either end, or at both.
    for source, node in list(found.items()):
        for kind, forward, target in list(node.references):
            back = (kind, not forward, source)
            if target in found and back not in found[target].references:
                found[target].references.append(back)
    return found


NAMESPACES = namespace_table(namespace_uri(LINE))
URIS = {index: uri for uri, index in NAMESPACES.items()}


@pytest.fixture(scope="module")
def space() -> AddressSpace:
    made = AddressSpace()
    made._nodes = standard_nodes(NAMESPACES)
    specs = plan(LINE, "PLC")
    values = {s.key: 0.0 if s.value_type is ValueType.DOUBLE else 0 for s in specs if s.key}
    values |= {key: 6 for key in values if key[1] == "state_current"}
    values |= {key: 1 for key in values if key[1] == "unit_mode_current"}
    apply(made, namespace_uri(LINE), NAMESPACES, specs, values, 1_000_000)
    return made


def as_name(node_id: ua.NodeId) -> Name:
    kind = "i" if isinstance(node_id.Identifier, int) else "s"
    return URIS[node_id.NamespaceIndex], f"{kind}={node_id.Identifier}"


def as_id(name: Name) -> ua.NodeId:
    kind, _, rest = name[1].partition("=")
    return ua.NodeId(int(rest) if kind == "i" else rest, NAMESPACES[name[0]])


def qualified(name: ua.QualifiedName) -> Name:
    return URIS[name.NamespaceIndex], name.Name


def held(node: NodeData, attribute: ua.AttributeIds) -> object:
    return node.attributes[attribute].value.Value.Value


HAS_SUBTYPE, HAS_TYPE, HAS_RULE = (BASE, "i=45"), (BASE, "i=40"), (BASE, "i=37")
AGGREGATES, MANDATORY = (BASE, "i=44"), (BASE, "i=78")


def ancestors(published: dict[Name, Published], kind: Name) -> Iterator[Name]:
    while kind:
        yield kind
        kind = next(
            (t for k, f, t in published[kind].references if k == HAS_SUBTYPE and not f), None
        )


def mandatory_below(
    published: dict[Name, Published], *sources: Name
) -> dict[Name, tuple[Name, Name]]:
    """Mandatory parts by browse name: declaration and reference type; the first source wins."""
    found: dict[Name, tuple[Name, Name]] = {}
    for source in sources:
        for kind, forward, target in published[source].references:
            part = published.get(target)
            if (
                forward
                and part is not None
                and AGGREGATES in ancestors(published, kind)
                and (HAS_RULE, True, MANDATORY) in part.references
            ):
                found.setdefault(part.name, (target, kind))
    return found


def type_of(published: dict[Name, Published], node: Name) -> Name | None:
    return next((t for k, f, t in published[node].references if k == HAS_TYPE and f), None)


def check_instance(
    published: dict[Name, Published], space: AddressSpace, node: NodeData, *declarations: Name
) -> Iterator[str]:
    """Compare what is below a node with what its type and declarations make mandatory."""
    kind = next(
        (as_name(r.NodeId) for r in node.references
         if r.IsForward and as_name(r.ReferenceTypeId) == HAS_TYPE), None,
    )  # fmt: skip
    chain = tuple(ancestors(published, kind)) if kind else ()
    for declaration in declarations:
        wanted = type_of(published, declaration)
        if wanted is not None and wanted not in chain:
            yield f"{node.nodeid}: is a {kind}, must be a {wanted}"
    needed = mandatory_below(published, *declarations, *chain)
    below = {
        qualified(r.BrowseName): r
        for r in node.references
        if r.IsForward and AGGREGATES in ancestors(published, as_name(r.ReferenceTypeId))
    }
    for name, (declaration, reference) in needed.items():
        yield f"checked {name}"
        there = below.get(name)
        if there is None:
            yield f"{node.nodeid}: lacks {name}, which {declaration} makes mandatory"
            continue
        if reference not in ancestors(published, as_name(there.ReferenceTypeId)):
            yield f"{node.nodeid}: {name} hangs on {there.ReferenceTypeId}, must on {reference}"
        part, declared = space[there.NodeId], published[declaration]
        if there.NodeClass.name != declared.node_class:
            yield f"{there.NodeId}: is a {there.NodeClass.name}, must be a {declared.node_class}"
        elif declared.node_class == "Variable":
            data_type = as_name(held(part, ua.AttributeIds.DataType))
            if declared.data_type not in ancestors(published, data_type):
                yield f"{there.NodeId}: has {data_type}, must have {declared.data_type}"
            if declared.rank not in (-2, held(part, ua.AttributeIds.ValueRank)):
                yield f"{there.NodeId}: must have rank {declared.rank}"
        if declared.node_class != "Method":
            yield from check_instance(published, space, part, declaration)


def test_every_instance_has_all_that_its_type_makes_mandatory(published, space) -> None:
    said: list[str] = []
    types: set[Name] = set()
    for node_id in space.keys():  # noqa: SIM118 -- no mapping
        if URIS[node_id.NamespaceIndex] != namespace_uri(LINE):
            continue
        said += check_instance(published, space, space[node_id])
        types |= {
            as_name(r.NodeId)
            for r in space[node_id].references
            if r.IsForward and as_name(r.ReferenceTypeId) == HAS_TYPE
        }
    faults = [line for line in said if not line.startswith("checked ")]
    assert faults == []
    assert len(said) > 250
    ours = {published[kind].name[1] for kind in types}
    assert ours >= {
        "PackMLBaseObjectType", "PackMLStatusObjectType", "PackMLAdminObjectType",
        "PackMLBaseStateMachineType", "PackMLMachineStateMachineType",
        "PackMLExecuteStateMachineType", "MachineIdentificationType",
        "MachineryItemState_StateMachineType", "DeviceType", "EquipmentType", "VisionSystemType",
        "VisionStateMachineType", "ResultManagementType", "ResultType", "AnalogUnitRangeType",
        "MachineryOperationModeStateMachineType", "JobManagementType",
        "ISA95JobOrderReceiverObjectType", "ISA95JobResponseProviderObjectType",
    }  # fmt: skip


def test_the_walk_finds_a_part_that_is_missing(published, space) -> None:
    machine = space[ua.NodeId("L1/CUT/CUT02", NAMESPACES[namespace_uri(LINE)])]
    kept = machine.references
    try:
        machine.references = [r for r in kept if r.BrowseName.Name != "Status"]
        said = [s for s in check_instance(published, space, machine) if "lacks" in s]
    finally:
        machine.references = kept
    assert len(said) == 1
    assert "Status" in said[0]


def test_the_companion_types_are_as_published(published, space) -> None:
    """Every node of the companion standards is there, named, classed, typed and linked alike."""
    companions = {uri for uri in NAMESPACES if uri != BASE and uri in {n[0] for n in published}}
    assert len(companions) == 8
    known = {as_name(i) for i in space.keys() if i.NamespaceIndex in URIS}  # noqa: SIM118
    faults = []
    for ident, node in published.items():
        if ident[0] not in companions:
            continue
        if ident not in known:
            faults.append(f"{ident} is missing")
            continue
        ours = space[as_id(ident)]
        if qualified(held(ours, ua.AttributeIds.BrowseName)) != node.name:
            faults.append(f"{ident}: browse name")
        if held(ours, ua.AttributeIds.NodeClass).name != node.node_class:
            faults.append(f"{ident}: node class")
        if node.node_class == "Variable":
            data_type = as_name(held(ours, ua.AttributeIds.DataType))
            if data_type != node.data_type:
                faults.append(f"{ident}: data type {data_type}")
        links = {
            (as_name(r.ReferenceTypeId), bool(r.IsForward), as_name(r.NodeId))
            for r in ours.references
            if r.NodeId.NamespaceIndex in URIS
        }
        lacking = {link for link in node.references if link not in links and link[2] in known}
        faults += [f"{ident}: lacks the reference {link}" for link in lacking]
    assert faults == []
