"""The tag map: every tag once, and the same after a round trip through a file."""

from __future__ import annotations

import json

import pytest

from opcua.address_space import namespace_uri, plan, plc_ids
from opcua.tag_map import MappedNode, PlcMap, TagMap, tag_map
from twin.errors import LineFileError
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
    assert {plc.namespace_uri for plc in mapped.plcs} == {namespace_uri(LINE)}
    for plc in mapped.plcs:
        keys = [(node.unit, node.signal) for node in plc.nodes]
        assert keys[:-4] == [tag.key for tag in tags(LINE) if tag.plc == plc.plc]
        assert keys[-1] == (plc.plc, "heartbeat")
        planned = {spec.node for spec in plan(LINE, plc.plc)}
        assert {node.node for node in plc.nodes} <= planned


def test_a_plc_that_is_not_named_is_left_out() -> None:
    assert [p.plc for p in tag_map(LINE, {"PLC2": ENDPOINTS["PLC2"]}).plcs] == ["PLC2"]


def test_it_comes_back_from_a_file_as_it_was() -> None:
    mapped = tag_map(LINE, ENDPOINTS)
    assert TagMap.from_yaml(mapped.to_yaml()) == mapped
    assert TagMap.from_yaml(mapped.to_json()) == mapped
    assert json.loads(mapped.to_json())["line"] == "L1"


def test_every_fault_of_a_file_is_named() -> None:
    text = """
line: L1
plcs:
  - plc: PLC1
    url: http://127.0.0.1
    namespace_uri: urn:x
    nodes:
      - {unit: A01, signal: level}
"""
    with pytest.raises(LineFileError) as caught:
        TagMap.from_yaml(text, "map.yaml")
    assert [(f.file, f.path) for f in caught.value.faults] == [
        ("map.yaml", "plcs[0].url"),
        ("map.yaml", "plcs[0].nodes[0].node"),
    ]


@pytest.mark.parametrize("text", ["a: [", "- 1", "", "line: 1"])
def test_what_is_no_map_is_refused(text: str) -> None:
    with pytest.raises(LineFileError):
        TagMap.from_yaml(text)


def test_a_url_may_name_a_path_but_no_user() -> None:
    node = MappedNode(unit="A01", signal="level", node="x")
    good = PlcMap(
        plc="P", url="opc.tcp://plc.example:4840/server", namespace_uri="u", nodes=(node,)
    )
    assert good.url.endswith("/server")
    with pytest.raises(ValueError, match="url"):
        PlcMap(plc="P", url="opc.tcp://me:secret@plc:4840", namespace_uri="u", nodes=())
