"""Both plants' whole address spaces, as served, held against the published NodeSets, node by node.

The type of every node is published; every part that it or a supertype makes mandatory is there; and
every part that a type declares, mandatory or optional, has the class, the data type, the rank, the
type and the reference that are published. The NodeSets are those of the npm package
node-opcua-nodesets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from asyncua import ua
from asyncua.server.address_space import AddressSpace
from test_standards import (
    AGGREGATES,
    BASE,
    FOLDER,
    HAS_RULE,
    HAS_TYPE,
    MANDATORY,
    Name,
    Published,
    ancestors,
    published,
)

from lines.loader import load
from opcua.address_space import namespace_uri
from opcua.clock import ManualClock
from opcua.emulated_plc import serve_line
from twin.engine.plant import SimulatedPlant

__all__ = ["published"]

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(),
    reason="the npm package node-opcua-nodesets is not installed: make interop, where npm is",
)
OPTIONAL = (BASE, "i=80")
PLANTS = ("storage_line", "tube_line")


@dataclass(frozen=True)
class Part:
    """A part that a type declares."""

    node: Name
    reference: Name
    mandatory: bool


@dataclass
class Walk:
    """Compares the nodes of one server; knows each type after the first time."""

    published: dict[Name, Published]
    space: AddressSpace
    uris: dict[int, str]
    counts: Counter = field(default_factory=Counter)
    types: set[Name] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    chains: dict[Name, tuple[Name, ...]] = field(default_factory=dict)
    known: dict[tuple[Name, ...], dict[Name, Part]] = field(default_factory=dict)
    seen: set[tuple[ua.NodeId, Name]] = field(default_factory=set)

    def name(self, node_id: ua.NodeId) -> Name:
        kind = "i" if isinstance(node_id.Identifier, int) else "s"
        return self.uris[node_id.NamespaceIndex], f"{kind}={node_id.Identifier}"

    def chain(self, kind: Name) -> tuple[Name, ...]:
        if kind not in self.chains:
            self.chains[kind] = tuple(ancestors(self.published, kind))
        return self.chains[kind]

    def parts(self, sources: tuple[Name, ...]) -> dict[Name, Part]:
        """What declarations and types say is below; the first that says it wins."""
        if sources not in self.known:
            found: dict[Name, Part] = {}
            for source in sources:
                for part in self.declared(source):
                    name = self.published[part.node].name
                    mandatory = part.mandatory or (name in found and found[name].mandatory)
                    first = found.get(name, part)
                    found[name] = Part(first.node, first.reference, mandatory)
            self.known[sources] = found
        return self.known[sources]

    def declared(self, source: Name) -> Iterator[Part]:
        for kind, forward, target in self.published[source].references:
            part = self.published.get(target)
            if forward and part is not None and AGGREGATES in self.chain(kind):
                rules = {t for k, f, t in part.references if k == HAS_RULE and f}
                if rules & {MANDATORY, OPTIONAL}:
                    yield Part(target, kind, MANDATORY in rules)

    def held(self, node_id: ua.NodeId, attribute: ua.AttributeIds) -> object:
        return self.space[node_id].attributes[attribute].value.Value.Value

    def check(self, node_id: ua.NodeId, *declarations: Name) -> None:
        references = [r for r in self.space[node_id].references if r.IsForward]
        kind = next(
            (self.name(r.NodeId) for r in references if self.name(r.ReferenceTypeId) == HAS_TYPE),
            None,
        )
        if kind is not None and kind not in self.published:
            self.faults.append(f"{node_id}: its type {kind} is not published")
            return
        chain = self.chain(kind) if kind else ()
        for declaration in declarations:
            wanted = next(
                (t for k, f, t in self.published[declaration].references if k == HAS_TYPE and f),
                None,
            )
            if wanted is not None and wanted not in chain:
                self.faults.append(f"{node_id}: is a {kind}, must be a {wanted}")
        below = {
            (self.uris[r.BrowseName.NamespaceIndex], r.BrowseName.Name): r
            for r in references
            if AGGREGATES in self.chain(self.name(r.ReferenceTypeId))
        }
        for name, part in self.parts((*declarations, *chain)).items():
            there = below.get(name)
            if (node_id, name) not in self.seen:
                # A part is looked at from its own object and from those around it.
                self.seen.add((node_id, name))
                self.counts["mandatory parts"] += part.mandatory
                self.counts["optional parts"] += there is not None and not part.mandatory
            if there is not None:
                self.compare(node_id, there, name, part)
            elif part.mandatory:
                self.faults.append(f"{node_id}: lacks {name}, which {part.node} makes mandatory")

    def compare(
        self, above: ua.NodeId, there: ua.ReferenceDescription, name: Name, part: Part
    ) -> None:
        declared, node_id = self.published[part.node], there.NodeId
        if part.reference not in self.chain(self.name(there.ReferenceTypeId)):
            self.faults.append(f"{above}: {name} must hang on {part.reference}")
        node_class = self.held(node_id, ua.AttributeIds.NodeClass)
        if node_class.name != declared.node_class:
            self.faults.append(f"{node_id}: is a {node_class}, must be a {declared.node_class}")
            return
        if declared.node_class == "Variable":
            data_type = self.name(self.held(node_id, ua.AttributeIds.DataType))
            if declared.data_type not in self.chain(data_type):
                self.faults.append(f"{node_id}: has {data_type}, must have {declared.data_type}")
            rank = self.held(node_id, ua.AttributeIds.ValueRank)
            if declared.rank not in (-2, rank):
                self.faults.append(f"{node_id}: has rank {rank}, must have {declared.rank}")
        if declared.node_class != "Method":
            self.check(node_id, part.node)

    def all(self, own: str) -> None:
        """Check every node of the line that is an instance."""
        for node_id in list(self.space.keys()):
            if self.uris[node_id.NamespaceIndex] != own:
                continue
            kinds = [
                self.name(r.NodeId)
                for r in self.space[node_id].references
                if r.IsForward and self.name(r.ReferenceTypeId) == HAS_TYPE
            ]
            for kind in kinds:
                self.counts["companion instances" if kind[0] != BASE else "base instances"] += 1
                self.types.add(kind)
                self.check(node_id)


@pytest.mark.parametrize("plant", PLANTS)
async def test_every_instance_of_a_companion_type_is_as_published(
    published, plant, record_property
) -> None:
    line = load(plant)
    total: Counter = Counter()
    types: set[Name] = set()
    faults: list[str] = []
    ports = {plc.id: 0 for plc in line.plcs}
    async with serve_line(SimulatedPlant(line), ManualClock(), None, ports=ports) as served:
        for server in served.plcs:
            uris = {index: uri for uri, index in server._applied.namespaces.items()}
            walk = Walk(published, server._server.iserver.aspace, uris)
            walk.all(namespace_uri(line))
            total += walk.counts
            types |= {kind for kind in walk.types if kind[0] != BASE}
            faults += walk.faults
    said = {**total, "companion types": len(types), "differences": len(faults)}
    for name, number in said.items():
        record_property(name, number)
    assert faults[:20] == []
    assert types <= set(published)
    assert len(types) >= 14
    assert total["companion instances"] > 500
    assert total["mandatory parts"] > 3_500


async def test_a_part_that_is_missing_or_of_another_kind_is_found(published) -> None:
    """The walk can fail: a part is taken away, a data type and a rank are changed."""
    line = load("lines/examples/five_stations.yaml")
    async with serve_line(SimulatedPlant(line), ManualClock(), None, ports={"PLC": 0}) as served:
        (server,) = served.plcs
        space = server._server.iserver.aspace
        uris = {index: uri for uri, index in server._applied.namespaces.items()}
        own = server._applied.namespaces[namespace_uri(line)]

        def faults() -> list[str]:
            walk = Walk(published, space, uris)
            walk.all(namespace_uri(line))
            return walk.faults

        assert faults() == []
        top = "plc:PLC/JobManagement/JobOrderControl"
        control = space[ua.NodeId(top, own)]
        control.references = [r for r in control.references if r.BrowseName.Name != "WorkMaster"]
        assert "lacks" in faults()[0]
        listed = space[ua.NodeId(f"{top}/JobOrderList", own)].attributes
        string = ua.DataValue(ua.Variant(ua.NodeId(ua.ObjectIds.String), ua.VariantType.NodeId))
        kept = listed[ua.AttributeIds.DataType]
        listed[ua.AttributeIds.DataType] = type(kept)(string)
        rank = ua.DataValue(ua.Variant(-1, ua.VariantType.Int32))
        listed[ua.AttributeIds.ValueRank] = type(kept)(rank)
        found = " ".join(faults())
        assert "must have ('http://opcfoundation.org/UA/ISA95-JOBCONTROL_V2/', 'i=3015')" in found
        assert "must have 1" in found
