"""The plan of a PLC's nodes, and the nodes that asyncua makes of it."""

from __future__ import annotations

import pytest
from asyncua import ua
from asyncua.server.address_space import AddressSpace, NodeData

from opcua.address_space import NodeKind, namespace_uri, plan, plc_ids
from opcua.apply import apply
from opcua.guarded_server import namespace_table
from opcua.standard_space import standard_nodes
from twin.model.line import Line
from twin.signals import ValueType, tags

LINE = Line.model_validate(
    {
        "id": "LDES1",
        "enterprise": "ACME",
        "site": "NORTH",
        "plcs": ({"id": "PLC1"}, {"id": "PLC2"}),
        "stations": (
            {
                "id": "STK",
                "area": "CELL",
                "machines": 3,
                "cycle_time": "2 s",
                "name": {"en": "Stacking", "zh": "叠片"},
                "variables": (
                    {
                        "id": "Force",
                        "name": {"en": "press force", "zh": "压力"},
                        "unit": "kN",
                        "nominal": 2.0,
                        "low": 0.0,
                        "high": 5.0,
                    },
                ),
                "alarms": ({"id": "EQP001", "category": "EQP", "severity": 700, "when": "fault"},),
            },
            {"id": "TAB", "area": "PACK", "cycle_time": "1 s", "plc": "PLC2"},
        ),
        "buffers": ({"id": "STK-out", "from": "STK", "to": "TAB", "lanes": 2},),
    }
)


def node_ids(plc: str) -> dict[str, NodeKind]:
    return {spec.node: spec.kind for spec in plan(LINE, plc)}


def test_the_tree_goes_from_the_enterprise_down_to_the_signal() -> None:
    nodes = {spec.node: spec for spec in plan(LINE, "PLC1")}
    path = []
    node = nodes["LDES1/STK/STK03/Status/EquipmentStarved"]
    while True:
        path.append(node.browse_name)
        if not node.parent:
            break
        node = nodes[node.parent]
    assert path[::-1] == [
        "ACME", "NORTH", "CELL", "LDES1", "STK", "STK03", "Status", "EquipmentStarved",
    ]  # fmt: skip
    assert "LDES1/STK/STK03/ProcessVariables/Force" in nodes
    assert "LDES1/STK/STK03/Alarms/EQP001" in nodes
    assert "LDES1/STK/STK-out/ReworkLevel" in nodes
    assert "LDES1/STK/STK-out-L02/Level" in nodes


def test_every_node_comes_after_its_parent_and_once() -> None:
    for plc in plc_ids(LINE):
        seen = {""}
        for spec in plan(LINE, plc):
            assert spec.parent in seen
            assert spec.node not in seen
            seen.add(spec.node)


def test_each_plc_has_its_own_tags_and_its_own_words() -> None:
    for plc in plc_ids(LINE):
        keys = [s.key for s in plan(LINE, plc) if s.key]
        own = {(plc, s) for s in ("heartbeat", "scan_time_s", "scan_overruns", "plant_lag_s")}
        assert [k for k in keys if k not in own] == [t.key for t in tags(LINE) if t.plc == plc]
        assert own <= set(keys)
        assert keys[-1] == (plc, "heartbeat")


def test_an_unknown_plc_is_refused() -> None:
    with pytest.raises(ValueError, match="has the PLCs PLC1, PLC2, got PLC3"):
        plan(LINE, "PLC3")


def test_a_line_without_plcs_has_one() -> None:
    line = Line.model_validate({"id": "L", "stations": ({"id": "A", "cycle_time": "1 s"},)})
    assert plc_ids(line) == ("PLC",)
    assert namespace_uri(line) == "urn:linetwin:ENTERPRISE:SITE:L"


@pytest.fixture(scope="module")
def space() -> AddressSpace:
    made = AddressSpace()
    uri = namespace_uri(LINE)
    namespaces = namespace_table(uri)
    made._nodes = standard_nodes(namespaces)
    specs = plan(LINE, "PLC1")
    values = {s.key: 0.0 if s.value_type is ValueType.DOUBLE else 0 for s in specs if s.key}
    values |= {key: 2 for key in values if key[1] == "state_current"}
    values["STK02", "variable.Force"] = 2.5
    apply(made, uri, namespaces, specs, values, 1_000_001, "zh")
    return made


def attribute(space: AddressSpace, node: str, name: ua.AttributeIds) -> object:
    return space.read_attribute_value(ua.NodeId(node, 2), name).Value.Value


def below(node: NodeData, reference: int) -> dict[str, ua.NodeId]:
    return {
        r.BrowseName.Name: r.NodeId
        for r in node.references
        if r.IsForward and r.ReferenceTypeId == ua.NodeId(reference)
    }


def test_a_variable_has_value_time_type_and_no_way_to_write_it(space) -> None:
    node = "LDES1/STK/STK02/ProcessVariables/Force"
    value = space.read_attribute_value(ua.NodeId(node, 2), ua.AttributeIds.Value)
    assert value.Value.Value == 2.5
    assert value.Value.VariantType is ua.VariantType.Double
    assert value.SourceTimestamp.timestamp() == 1.000001
    assert attribute(space, node, ua.AttributeIds.DataType) == ua.NodeId(ua.ObjectIds.Double)
    # To be read, and its history too.
    assert attribute(space, node, ua.AttributeIds.AccessLevel) == 0b101
    assert attribute(space, node, ua.AttributeIds.UserAccessLevel) == 0b101
    assert attribute(space, node, ua.AttributeIds.Description) == ua.LocalizedText("压力", "zh")
    assert attribute(space, node, ua.AttributeIds.BrowseName) == ua.QualifiedName("Force", 2)


def test_range_unit_and_names_of_values_are_properties(space) -> None:
    force = space[ua.NodeId("LDES1/STK/STK01/ProcessVariables/Force", 2)]
    properties = below(force, ua.ObjectIds.HasProperty)
    assert set(properties) == {"EURange", "EngineeringUnits"}
    held = {
        n: space[i].attributes[ua.AttributeIds.Value].value.Value for n, i in properties.items()
    }
    assert held["EURange"].Value == ua.Range(0.0, 5.0)
    unit = held["EngineeringUnits"].Value
    assert (unit.DisplayName.Text, unit.UnitId) == ("kN", int.from_bytes(b"B47", "big"))
    types = below(force, ua.ObjectIds.HasTypeDefinition)
    assert types == {"AnalogUnitRangeType": ua.NodeId(ua.ObjectIds.AnalogUnitRangeType)}
    state = space[ua.NodeId("LDES1/STK/STK01/Status/StateCurrent", 2)]
    names = below(state, ua.ObjectIds.HasProperty)
    strings = space[names["EnumStrings"]].attributes[ua.AttributeIds.Value].value.Value.Value
    assert strings[6].Text == "Execute"
    assert len(strings) == 18


def test_every_node_can_be_browsed_to_from_objects(space) -> None:
    found: set[ua.NodeId] = set()
    left = [ua.NodeId(ua.ObjectIds.ObjectsFolder)]
    while left:
        for reference in space[left.pop()].references:
            if reference.IsForward and reference.NodeId not in found:
                found.add(reference.NodeId)
                left.append(reference.NodeId)
    ours = {i for i in space.keys() if i.NamespaceIndex == 2}  # noqa: SIM118 -- no mapping
    assert ours <= found
    assert len(ours) > len([s for s in plan(LINE, "PLC1") if s.kind is not NodeKind.METHOD])


def test_a_copy_of_the_standard_nodes_is_its_owners_alone() -> None:
    one, other = standard_nodes(), standard_nodes()
    assert one.keys() == other.keys()
    assert len(one.keys()) > 5000
    with pytest.raises(KeyError):
        one[ua.NodeId("none", 2)]
    assert one.get(ua.NodeId("none", 3)) is None
    objects = ua.NodeId(ua.ObjectIds.ObjectsFolder)
    one[objects].references.clear()
    one[objects].attributes[ua.AttributeIds.DisplayName].value = None
    assert other[objects].references
    assert other[objects].attributes[ua.AttributeIds.DisplayName].value is not None
