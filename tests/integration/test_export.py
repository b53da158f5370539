"""What `twin plc --export` writes is what the PLCs serve: asyncua imports it, node by node."""

from __future__ import annotations

import csv
from datetime import datetime
from io import StringIO

import pytest
from asyncua import ua

from lines.loader import load
from opcua.address_space import namespace_uri, plan, plc_ids
from opcua.export import nodeset_xml, tags_csv
from opcua.guarded_server import guarded_server, namespace_table
from opcua.node_spec import NodeKind
from opcua.properties import properties
from opcua.standards import ISA95, nodesets
from opcua.ua_values import node_id, variant
from opcua.wire_values import Ref, Structure
from twin.cli.export_file import export_address_space
from twin.errors import UsageError
from twin.signals import tags

EXAMPLE = "lines/examples/five_stations.yaml"


def of_a_companion(value: object) -> bool:
    first = value[0] if type(value) is tuple and value else value
    return isinstance(first, Structure | None)


def ids_only(value: object) -> bool:
    if isinstance(value, Ref):
        return True
    return type(value) is tuple and all(isinstance(one, Ref) for one in value)


def said(value: ua.Variant) -> list[object]:
    values = value.Value if isinstance(value.Value, list) else [value.Value]
    # asyncua reads a text without a character back as none.
    return [(v.Text or "", v.Locale) if isinstance(v, ua.LocalizedText) else v or 0 for v in values]


async def say_versions(server) -> None:
    """Say the version of the one standard whose published file does not; asyncua asks for it."""
    isa95 = next(n for n in nodesets() if n.uri == ISA95)
    node = await server.nodes.namespaces.add_object(1, isa95.uri)
    published = datetime.fromisoformat(isa95.published)
    await node.add_property(0, "NamespaceUri", isa95.uri)
    await node.add_property(0, "NamespaceVersion", isa95.version)
    await node.add_property(0, "NamespacePublicationDate", published)


async def test_asyncua_imports_the_nodeset_and_finds_the_plan(tmp_path) -> None:
    line = load(EXAMPLE)
    uri = namespace_uri(line)
    namespaces = namespace_table(uri)
    export_address_space(EXAMPLE, tmp_path / "line.xml")
    server = await guarded_server("import", "opc.tcp://127.0.0.1:0", None, namespaces)
    await say_versions(server)
    await server.import_xml(tmp_path / "line.xml", strict_mode=True)
    space = server.iserver.aspace
    seen = 0
    for plc in plc_ids(line):
        for spec in plan(line, plc):
            for one in (spec, *(properties(spec) if spec.key else ())):
                if one.kind is NodeKind.METHOD:
                    above = space[ua.NodeId(one.parent, 2)]
                    method = node_id(one.declaration, namespaces)
                    assert method in {r.NodeId for r in above.references if r.IsForward}
                    continue
                node = space[ua.NodeId(one.node, 2)]
                name = node.attributes[ua.AttributeIds.BrowseName].value.Value.Value
                assert name.Name == one.browse_name
                assert name.NamespaceIndex == namespaces[one.name_uri or uri]
                types = {r.NodeId for r in node.references if r.ReferenceTypeId == ua.NodeId(40)}
                if one.type_id is not None:
                    assert types == {node_id(one.type_id, namespaces)}
                above = {r.NodeId for r in node.references if not r.IsForward}
                if one.parent:
                    assert node_id(Ref(uri, one.parent), namespaces) in above
                assert {node_id(other, namespaces) for _, other in one.listed_by} <= above
                # asyncua leaves the namespaces of node ids that are values as in the file.
                value_of = one.held.value if one.held is not None else None
                if not of_a_companion(value_of) and not ids_only(value_of):
                    value = node.attributes[ua.AttributeIds.Value].value.Value
                    assert said(value) == said(variant(one.held, namespaces)), one.node
                seen += 1
    assert seen > 300


def test_the_tag_list_has_every_signal_once_with_its_unit_and_range() -> None:
    line = load("storage_line")
    rows = list(csv.DictReader(StringIO(tags_csv(line))))
    by_key = {(row["unit"], row["signal"]): row for row in rows}
    assert len(by_key) == len(rows)
    for tag in tags(line):
        row = by_key[tag.key]
        assert row["plc"] == tag.plc
        assert row["data_type"] == tag.signal.value_type.value
        assert row["description_zh"] == tag.signal.text.zh
        assert row["access"] == "read"
    writable = [row for row in rows if row["access"] == "read write"]
    assert writable
    assert all(float(row["low"]) < float(row["high"]) for row in rows if row["high"])


def test_the_same_line_gives_the_same_file() -> None:
    line = load("tube_line")
    assert nodeset_xml(line) == nodeset_xml(line)


def test_another_ending_and_a_place_that_is_not_there_are_refused(tmp_path) -> None:
    with pytest.raises(UsageError, match=r"ends in \.xml .* or \.csv"):
        export_address_space("tube_line", tmp_path / "line.json")
    with pytest.raises(UsageError, match="can be written"):
        export_address_space("tube_line", tmp_path / "none" / "line.csv")
