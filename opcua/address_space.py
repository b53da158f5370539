"""What a PLC of a line publishes, as a plan: nodes in order, parents first; no socket, no asyncua.

The tree of a PLC:

    ENTERPRISE / SITE / AREA / LINE                        ISA-95 folders
      STK                                                  station
        STK03                                              machine
          Status            / StateCurrent, ...            PackML's groups
          Admin             / ProdProcessedCount, ...
          ProcessVariables  / SheetTime, ...
          Alarms            / EQP001, ...
        STK-out             / Level, ReworkLevel           buffer that the station feeds
    PLC1                    / Heartbeat, ...               what the PLC says of itself

A node's id, without the namespace index, is its path from the line on: `LDES1/STK/STK03/Status`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

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


class NodeKind(Enum):
    """What a node is."""

    FOLDER = "folder"
    OBJECT = "object"
    VARIABLE = "variable"


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """One node to make.

    Args:
        node: its id, a string without the namespace index.
        parent: id of the node above; empty for the Objects folder.
        browse_name: its own name.
        kind: what it is.
        text: what it means, in English and Chinese; None where the name says it all.
        key: for a variable its (unit, signal); None for the rest.
        value_type: for a variable its type on the wire.
        low, high: for a variable its EURange; both or none.
        unit: its engineering unit, as on a screen; `1` for none.
        values: for an enumeration the name of each value.
    """

    node: str
    parent: str
    browse_name: str
    kind: NodeKind
    text: Text | None = None
    key: tuple[str, str] | None = None
    value_type: ValueType | None = None
    low: float | None = None
    high: float | None = None
    unit: str = "1"
    values: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class PlcSignal:
    """One thing that a PLC says of itself: name in history, browse name, meaning, type and unit."""

    name: str
    path: str
    text: Text
    value_type: ValueType
    unit: str = "1"


PLC_SIGNALS: tuple[PlcSignal, ...] = (
    PlcSignal(
        "scan_time_s",
        "ScanTime",
        Text.of("time that the last scan took", "上次扫描耗时"),
        ValueType.DOUBLE,
        "s",
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
    for tag in tags(line):
        if tag.plc == plc:
            for node in _branch(line, tag):
                nodes.setdefault(node.node, node)
    for node in _own(line, plc):
        nodes[node.node] = node
    return tuple(nodes.values())


def _branch(line: Line, tag: Tag) -> Iterator[NodeSpec]:
    """The nodes from the enterprise down to one tag's variable."""
    # ISA-95 folders have ids that no unit can have: an id of the line model holds no colon.
    above = ""
    for level in (line.enterprise, line.site, tag.area, line.id):
        node = f"{above}/{level}" if above else f"isa95:{level}"
        text = line.name if level is line.id else None
        yield NodeSpec(node, above, level, NodeKind.FOLDER, text)
        above = node
    station = line.station_by_id[tag.station]
    node = f"{line.id}/{tag.station}"
    yield NodeSpec(node, above, tag.station, NodeKind.OBJECT, station.name)
    above, node = node, f"{node}/{tag.unit}"
    yield NodeSpec(node, above, tag.unit, NodeKind.OBJECT)
    *folders, name = tag.signal.path
    for folder in folders:
        above, node = node, f"{node}/{folder}"
        yield NodeSpec(node, above, folder, NodeKind.FOLDER)
    signal = tag.signal
    ranged = signal.low is not None and signal.high is not None and not signal.values
    yield NodeSpec(
        f"{node}/{name}",
        node,
        name,
        NodeKind.VARIABLE,
        signal.text,
        tag.key,
        signal.value_type,
        signal.low if ranged else None,
        signal.high if ranged else None,
        signal.unit,
        signal.values,
    )


def _own(line: Line, plc: str) -> Iterator[NodeSpec]:
    """The nodes of what a PLC says of itself."""
    root = f"plc:{plc}"
    name = next((p.name for p in line.plcs if p.id == plc), None)
    yield NodeSpec(root, "", plc, NodeKind.OBJECT, name)
    for signal in PLC_SIGNALS:
        yield NodeSpec(
            f"{root}/{signal.path}",
            root,
            signal.path,
            NodeKind.VARIABLE,
            signal.text,
            (plc, signal.name),
            signal.value_type,
            unit=signal.unit,
        )
