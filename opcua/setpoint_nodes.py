"""The setpoints that clients write, as a plan of nodes below those of the machines and buffers."""

from __future__ import annotations

from collections.abc import Iterator

from opcua.node_spec import NodeKind, NodeSpec
from twin.model.line import Line
from twin.setpoints import setpoints

__all__ = ["setpoint_specs"]


def setpoint_specs(line: Line, plc: str) -> Iterator[NodeSpec]:
    """Plan the setpoints of a PLC: below nodes that its own plan has."""
    folders: set[str] = set()
    for point in setpoints(line):
        if point.plc != plc:
            continue
        above = f"{line.id}/{point.station}"
        if point.unit != point.station:
            above = f"{above}/{point.unit}"
        *names, last = point.path
        for name in names:
            folder = f"{above}/{name}"
            if folder not in folders:
                folders.add(folder)
                yield NodeSpec(folder, above, name, NodeKind.FOLDER)
            above = folder
        yield NodeSpec(
            f"{above}/{last}",
            above,
            last,
            NodeKind.VARIABLE,
            point.text,
            point.key,
            point.value_type,
            point.low,
            point.high,
            writable=True,
        )
