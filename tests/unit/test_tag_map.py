"""The map of a line's own PLCs: every tag once, at its PLC."""

from __future__ import annotations

import pytest

from opcua.address_space import namespace_uri, plan, plc_ids
from opcua.tag_map import PlcMap, tag_map
from twin.errors import UsageError
from twin.model.line import Line
from twin.signals import tags

LINE = Line.model_validate(
    {
        "id": "L1",
        "plcs": ({"id": "PLC1"}, {"id": "PLC2"}),
        "stations": (
            {"id": "A", "machines": 2, "cycle_time": "1 s"},
            {"id": "B", "cycle_time": "1 s", "plc": "PLC2"},
        ),
        "buffers": ({"id": "A-out", "from": "A", "to": "B"},),
    }
)
ENDPOINTS = {plc: f"opc.tcp://127.0.0.1:{4840 + i}" for i, plc in enumerate(plc_ids(LINE))}


def test_every_tag_is_mapped_once_at_its_plc() -> None:
    mapped = tag_map(LINE, ENDPOINTS)
    assert {plc.plc: plc.url for plc in mapped.plcs} == ENDPOINTS
    assert {a.uri for p in mapped.plcs for n in p.nodes for a in n.inputs} == {namespace_uri(LINE)}
    for plc in mapped.plcs:
        keys = [(node.unit, node.signal) for node in plc.nodes]
        assert keys[:-4] == [tag.key for tag in tags(LINE) if tag.plc == plc.plc]
        assert keys[-1] == (plc.plc, "heartbeat")
        planned = {spec.node for spec in plan(LINE, plc.plc)}
        assert {node.node for node in plc.nodes} <= planned
        assert plc.live in {node.inputs[0] for node in plc.nodes}


def test_a_plc_that_is_not_named_is_left_out() -> None:
    assert [p.plc for p in tag_map(LINE, {"PLC2": ENDPOINTS["PLC2"]}).plcs] == ["PLC2"]


@pytest.mark.parametrize("url", ["http://127.0.0.1", "opc.tcp://me:secret@plc:4840", "plc"])
def test_a_url_may_name_a_path_but_no_user(url: str) -> None:
    good = PlcMap("P", ("opc.tcp://plc.example:4840/server",), ())
    assert good.url.endswith("/server")
    with pytest.raises(UsageError, match="url"):
        PlcMap("P", (url,), ())
