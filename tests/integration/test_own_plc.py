"""A PLC of one's own over the wire: an export whose values move by rules, and nodes for load."""

from __future__ import annotations

import pytest
from asyncua import ua

from opcua.clock import ManualClock
from opcua.connect import close, connect
from opcua.own_plc import LOAD_URI, load_nodes, serve_own_plc
from opcua.rules import rules_from_text
from opcua.security import client_security, server_security
from twin.cli.export_file import export_address_space
from twin.errors import UsageError

LINE = "lines/examples/five_stations.yaml"
S = 1_000_000


async def read(client, uri: str, node: str) -> ua.DataValue:
    index = await client.get_namespace_index(uri)
    return await client.get_node(ua.NodeId(node, index)).read_data_value()


async def test_nodes_for_load_count_at_their_own_pace(tmp_path) -> None:
    clock = ManualClock(1_767_571_200 * S)
    loads = (load_nodes("fast", "250@100ms"), load_nodes("slow", "20@10s"))
    security = server_security(tmp_path / "pki")
    async with serve_own_plc(clock, security, load=loads) as plc:
        assert plc.moves == 270
        client = await connect(plc.url, client_security(tmp_path / "pki"))
        try:
            clock.move(25 * S)
            assert await plc.scan() == 270
            fast = await read(client, LOAD_URI, "fast000249")
            slow = await read(client, LOAD_URI, "slow000000")
            assert (fast.Value.Value, slow.Value.Value) == (250, 2)
            assert fast.SourceTimestamp.timestamp() == 1_767_571_225
            clock.move(S // 10)
            assert await plc.scan() == 250
        finally:
            await close(client, polite=True)


async def test_an_exports_values_move_by_rules(tmp_path) -> None:
    export = tmp_path / "export.xml"
    export_address_space(LINE, export)
    rules = rules_from_text(
        "rules:\n"
        "- {node: '*/ProdProcessedCount', rule: counter, every: 2 s}\n"
        "- {node: '*Starved', rule: square, period: 4 s}\n"
    )
    clock = ManualClock()
    async with serve_own_plc(clock, None, nodeset=export, rules=rules) as plc:
        assert plc.moves >= 2
        client = await connect(plc.url, None)
        try:
            clock.move(10 * S)
            await plc.scan()
            moved = [one.node_id for one in plc._moving if str(one.node_id.Identifier)[-1] == "t"]
            values = {await client.get_node(node).read_value() for node in moved[:3]}
            assert values == {5}
        finally:
            await close(client, polite=True)


EXPORT = """<?xml version="1.0" encoding="utf-8"?>
<UANodeSet xmlns="http://opcfoundation.org/UA/2011/03/UANodeSet.xsd">
  <NamespaceUris><Uri>urn:st</Uri></NamespaceUris>
  <UADataType NodeId="ns=1;i=1" BrowseName="1:Recipe">
    <DisplayName>Recipe</DisplayName>
    <References>
      <Reference ReferenceType="i=45" IsForward="false">i=22</Reference>
      <Reference ReferenceType="i=38">ns=1;i=2</Reference>
    </References>
    <Definition Name="Recipe">
      <Field Name="Speed" DataType="i=11"/>
      <Field Name="Batch" DataType="i=6"/>
      <Field Name="Name" DataType="i=12"/>
    </Definition>
  </UADataType>
  <UAObject NodeId="ns=1;i=2" BrowseName="0:Default Binary">
    <DisplayName>Default Binary</DisplayName>
    <References><Reference ReferenceType="i=40">i=76</Reference></References>
  </UAObject>
  <UAVariable NodeId="ns=1;s=Recipe" BrowseName="1:Recipe" ParentNodeId="i=85" DataType="ns=1;i=1">
    <DisplayName>Recipe</DisplayName>
    <References><Reference ReferenceType="i=35" IsForward="false">i=85</Reference></References>
  </UAVariable>
  <UAVariable NodeId="ns=1;s=Zones" BrowseName="1:Zones" ParentNodeId="i=85" DataType="i=11"
      ValueRank="1" ArrayDimensions="3">
    <DisplayName>Zones</DisplayName>
    <References><Reference ReferenceType="i=35" IsForward="false">i=85</Reference></References>
  </UAVariable>
  <UAVariable NodeId="ns=1;s=Mode" BrowseName="1:Mode" ParentNodeId="i=85" DataType="i=12">
    <DisplayName>Mode</DisplayName>
    <References><Reference ReferenceType="i=35" IsForward="false">i=85</Reference></References>
  </UAVariable>
  <UAVariable NodeId="ns=1;s=Made" BrowseName="1:Made" ParentNodeId="i=85" DataType="i=7">
    <DisplayName>Made</DisplayName>
    <References><Reference ReferenceType="i=35" IsForward="false">i=85</Reference></References>
  </UAVariable>
</UANodeSet>
"""


async def test_structures_arrays_words_and_a_stations_counters_move(tmp_path) -> None:
    export = tmp_path / "export.xml"
    export.write_text(EXPORT, encoding="utf-8")
    rules = rules_from_text(
        "rules:\n"
        "- {node: '*;s=Recipe', field: Speed, rule: ramp, low: 0, high: 10, period: 10 s}\n"
        "- {node: '*;s=Zones', rule: counter, every: 1 s, stagger: 2 s}\n"
        "- {node: '*;s=Mode', rule: sequence, values: [IDLE, RUN], every: 5 s}\n"
        f"- {{node: '*;s=Made', rule: station, line: {LINE}, unit: M501, signal: processed}}\n"
    )
    clock = ManualClock(1_767_571_200 * S)
    async with serve_own_plc(clock, None, nodeset=export, rules=rules) as plc:
        assert plc.moves == 4
        client = await connect(plc.url, None)
        try:
            await client.load_data_type_definitions()
            # As the how-to and everybody's rules have it, however many standards there are.
            assert await client.get_namespace_index("urn:st") == 8
            clock.move(7 * S)
            await plc.scan()
            recipe = (await read(client, "urn:st", "Recipe")).Value.Value
            assert (recipe.Speed, recipe.Batch) == (7.0, 0)
            assert (await read(client, "urn:st", "Zones")).Value.Value == [7.0, 5.0, 3.0]
            assert (await read(client, "urn:st", "Mode")).Value.Value == "RUN"
            before = (await read(client, "urn:st", "Made")).Value.Value
            clock.move(600 * S)
            await plc.scan()
            made = (await read(client, "urn:st", "Made")).Value
            assert made.VariantType is ua.VariantType.UInt32
            assert made.Value > before
        finally:
            await close(client, polite=True)


async def test_what_cannot_be_served_is_refused(tmp_path) -> None:
    clock = ManualClock()
    broken = tmp_path / "broken.xml"
    broken.write_text("<UANodeSet", encoding="utf-8")
    rules = rules_from_text("rules: [{node: 'ns=9;s=None', rule: sine}]")
    for more, says in (
        ({"nodeset": broken}, "must be a NodeSet2 export"),
        ({"rules": rules}, "no number or boolean has a node id like ns=9;s=None"),
        ({"host": "0.0.0.0"}, "must listen on a loopback address"),  # noqa: S104
    ):
        with pytest.raises(UsageError, match=says):
            async with serve_own_plc(clock, None, **more):
                pass
