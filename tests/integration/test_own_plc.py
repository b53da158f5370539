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
