"""What a PLC of a line publishes, as a plan: nodes in order, parents first; no socket, no asyncua.

The tree of a PLC:

    ENTERPRISE / SITE / AREA / LINE                        ISA-95 equipment
      STK                                                  station
        STK03                                              machine: a PackML unit
          BaseStateMachine  / CurrentState, Abort, ...     PackML's machines and commands
          Status            / StateCurrent, ...            PackML's groups
          Admin             / ProdProcessedCount, ...
          ProcessVariables  / SheetTime, ...
          Alarms            / EQP001, ...
          Identification    / Manufacturer, ...            OPC UA for Machinery
        STK-out             / Level, ReworkLevel           buffer that the station feeds
    PLC1                    / Heartbeat, ...               what the PLC says of itself
      JobManagement         / JobOrderControl, ...         its job orders

A node's id, without the namespace index, is its path from the line on: `LDES1/STK/STK03/Status`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from opcua.instances import instance
from opcua.jobs.nodes import job_nodes
from opcua.machine_nodes import machine_nodes
from opcua.node_spec import NodeKind, NodeSpec
from opcua.standards import DI, ISA95
from opcua.wire_values import Localized, QName, Ref, Wire, base
from twin.model.base import Text
from twin.model.line import Line
from twin.signals import Tag, ValueType, tags

__all__ = [
    "PLC_SIGNALS",
    "NodeKind",
    "NodeSpec",
    "PlcSignal",
    "namespace_uri",
    "plan",
    "plc_ids",
]

_EQUIPMENT, _MADE_UP_OF = Ref(ISA95, 5040), Ref(ISA95, 5115)
_LEVEL_TYPE, _HAS_ATTRIBUTE = Ref(ISA95, 4871), Ref(ISA95, 4713)
_LEVELS = {
    "enterprise": 0,
    "site": 1,
    "area": 2,
    "production line": 5,
    "unit": 4,
    "work cell": 6,
    "production unit": 7,
    "storage unit": 9,
}
"""ISA-95's equipment levels, numbered as ISA95EquipmentElementLevelEnum."""

_DEVICE, _DEVICE_SET = Ref(DI, 1002), Ref(DI, 5001)
_ORGANIZES, _PROPERTY_TYPE = base(35), base(68)


@dataclass(frozen=True, slots=True)
class PlcSignal:
    """One thing that a PLC says of itself: its name in history, browse name, meaning and range."""

    name: str
    path: str
    text: Text
    value_type: ValueType
    unit: str = "1"
    low: float | None = None
    high: float | None = None


PLC_SIGNALS: tuple[PlcSignal, ...] = (
    PlcSignal(
        "scan_time_s",
        "ScanTime",
        Text.of("time that the last scan took", "上次扫描耗时"),
        ValueType.DOUBLE,
        "s",
        low=0,
        high=60,
    ),
    PlcSignal(
        "scan_overruns",
        "ScanOverruns",
        Text.of("scans left out because one took too long", "超时跳过的扫描数"),
        ValueType.INT64,
    ),
    PlcSignal(
        "plant_lag_s",
        "PlantLag",
        Text.of("plant time behind the plant's clock", "模型时间滞后"),
        ValueType.DOUBLE,
        "s",
        low=0,
        high=2_592_000,
    ),
    # The last of a scan: who has seen it has seen all that the scan changed.
    PlcSignal(
        "heartbeat",
        "Heartbeat",
        Text.of("scans since the start", "心跳（扫描次数）"),
        ValueType.INT64,
    ),
)


def namespace_uri(line: Line) -> str:
    """Name the namespace that a line's nodes are in.

    >>> namespace_uri(Line.model_validate(
    ...     {"id": "L1", "stations": ({"id": "A", "cycle_time": "1 s"},)}))
    'urn:linetwin:ENTERPRISE:SITE:L1'
    """
    return f"urn:linetwin:{line.enterprise}:{line.site}:{line.id}"


def plc_ids(line: Line) -> tuple[str, ...]:
    """List the PLCs that have something to publish, in the order of their first station."""
    return tuple(dict.fromkeys(line.plc_of(station.id) for station in line.stations))


def plan(line: Line, plc: str) -> tuple[NodeSpec, ...]:
    """Plan the nodes that a PLC publishes.

    Args:
        line: the line.
        plc: one of `plc_ids(line)`.

    Returns:
        The nodes, each after its parent. Variables stand in the order of `twin.signals.tags`, then
        come the PLC's own.

    Raises:
        ValueError: the line has no such PLC.
    """
    if plc not in plc_ids(line):
        raise ValueError(f"{line.id} has the PLCs {', '.join(plc_ids(line))}, got {plc}")
    nodes: dict[str, NodeSpec] = {}
    buffers = {buffer.id for buffer in line.buffers}
    for tag in tags(line):
        if tag.plc != plc:
            continue
        unit = f"{line.id}/{tag.station}/{tag.unit}"
        if unit not in nodes:
            is_machine = tag.owner not in buffers
            for node in _unit(line, tag, unit, is_machine=is_machine):
                nodes.setdefault(node.node, node)
        for node in _signal(tag, unit):
            known = nodes.get(node.node)
            if known is None:
                nodes[node.node] = node
            elif node.key is not None:
                # At its place among the signals, whose order is that of the table.
                del nodes[node.node]
                nodes[node.node] = _as_the_standard_has_it(known, node)
    for node in _own(line, plc):
        nodes[node.node] = node
    return tuple(nodes.values())


def _as_the_standard_has_it(declared: NodeSpec, signal: NodeSpec) -> NodeSpec:
    """A signal that a standard has too is one node: the standard's, with the signal's value."""
    return replace(
        declared,
        text=signal.text,
        key=signal.key,
        value_type=signal.value_type,
        values=signal.values,
    )


def _unit(line: Line, tag: Tag, unit: str, *, is_machine: bool) -> Iterator[NodeSpec]:
    """The nodes from the enterprise down to the machine, buffer or lane of a tag."""
    # What is above the line has ids that no unit can have: an id of the line model holds no colon.
    above = ""
    for level, name in (
        ("enterprise", line.enterprise),
        ("site", line.site),
        ("area", tag.area),
        ("production line", line.id),
    ):
        node = f"{above}/{name}" if above else f"isa95:{name}"
        text = line.name if level == "production line" else None
        yield from _equipment(node, above, name, level, text)
        above = node
    station = line.station_by_id[tag.station]
    node = f"{line.id}/{tag.station}"
    yield from _equipment(node, above, tag.station, station.kind, station.name)
    if is_machine:
        yield from machine_nodes(line, station, tag.unit, unit)
    else:
        yield NodeSpec(unit, node, tag.unit, NodeKind.OBJECT)


def _signal(tag: Tag, unit: str) -> Iterator[NodeSpec]:
    """The nodes from a unit down to a tag's variable."""
    above = unit
    *folders, name = tag.signal.path
    for folder in folders:
        node = f"{above}/{folder}"
        yield NodeSpec(node, above, folder, NodeKind.FOLDER)
        above = node
    signal = tag.signal
    analog = signal.value_type is ValueType.DOUBLE
    yield NodeSpec(
        f"{above}/{name}",
        above,
        name,
        NodeKind.VARIABLE,
        signal.text,
        tag.key,
        signal.value_type,
        signal.low if analog else None,
        signal.high if analog else None,
        signal.unit,
        signal.values,
    )


def _equipment(
    node: str, above: str, name: str, level: str, text: Text | None
) -> Iterator[NodeSpec]:
    """A piece of equipment (OPC 10030) and its level in ISA-95's hierarchy."""
    yield NodeSpec(
        node,
        above,
        name,
        NodeKind.OBJECT,
        text,
        type_id=_EQUIPMENT,
        reference=_MADE_UP_OF if above else _ORGANIZES,
    )
    yield NodeSpec(
        f"{node}/EquipmentLevel",
        node,
        "EquipmentLevel",
        NodeKind.VARIABLE,
        name_uri=ISA95,
        type_id=_PROPERTY_TYPE,
        reference=_HAS_ATTRIBUTE,
        data_type=_LEVEL_TYPE,
        held=Wire("Int32", _LEVELS[level]),
    )


def _own(line: Line, plc: str) -> Iterator[NodeSpec]:
    """The nodes of what a PLC says of itself: a device (OPC 10000-100)."""
    root = f"plc:{plc}"
    name = next((p.name for p in line.plcs if p.id == plc), None)
    yield from instance(
        _DEVICE,
        root,
        "",
        QName("", plc),
        text=name,
        held={
            "Manufacturer": Wire("LocalizedText", Localized("linetwin", "en")),
            "Model": Wire("LocalizedText", Localized("emulated PLC", "en")),
            "SerialNumber": Wire("String", f"{line.id}-{plc}"),
            "HardwareRevision": Wire("String", ""),
            "SoftwareRevision": Wire("String", ""),
            "DeviceRevision": Wire("String", ""),
            "DeviceManual": Wire("String", ""),
            "RevisionCounter": Wire("Int32", -1),
        },
        listed_by=((_ORGANIZES, _DEVICE_SET),),
    )
    yield from job_nodes(line, plc)
    for signal in PLC_SIGNALS:
        yield NodeSpec(
            f"{root}/{signal.path}",
            root,
            signal.path,
            NodeKind.VARIABLE,
            signal.text,
            (plc, signal.name),
            signal.value_type,
            signal.low,
            signal.high,
            signal.unit,
        )
