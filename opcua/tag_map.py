"""Where each signal of a line is to be found: endpoint, namespace and node of every tag.

This is a map as the subscriber works by it. People write one in a file (`opcua.tagmap`); that of a
line's own emulated PLCs is made by `tag_map`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from opcua.address_space import namespace_uri, plan
from opcua.conversion import AS_IT_IS, Conversion
from opcua.wire_values import BASE, QName
from twin.errors import UsageError
from twin.model.line import Line

__all__ = ["SERVER_TIME", "Address", "CommandPoint", "MappedNode", "PlcMap", "TagMap", "tag_map"]

_URL = re.compile(r"opc\.tcp://[^/@\s]+(/\S*)?")


@dataclass(frozen=True, slots=True)
class Address:
    """A node of a server, without an index that may change.

    Args:
        uri: namespace of its id.
        node: its id there, as `s=L1/A/A01` or `i=2258`; empty: `path` leads to it.
        path: browse names from the Objects folder on.
    """

    uri: str
    node: str = ""
    path: tuple[QName, ...] = ()

    def __str__(self) -> str:
        return self.node.removeprefix("s=") or "/".join(name for _, name in self.path)


SERVER_TIME = Address(BASE, "i=2258")
"""The server's own clock: it changes as long as the server samples at all."""


@dataclass(frozen=True, slots=True)
class MappedNode:
    """One tag and where it comes from.

    Args:
        unit: machine, buffer or lane; the PLC's id for what the PLC says of itself.
        signal: the signal's name.
        inputs: what its value is made of; one node, but for an expression.
        conversion: how it is made.
        moves_with: signal of the same unit, a counter: while it runs on, this value must change.
        steps: how often the counter may change before that is a fault.
        deadband: change of the raw value that is not worth telling, at least 0.
        wire_type: built-in type that the PLC is said to send; empty: nobody says.
    """

    unit: str
    signal: str
    inputs: tuple[Address, ...]
    conversion: Conversion = AS_IT_IS
    moves_with: str = ""
    steps: int = 10
    deadband: float = 0.0
    wire_type: str = ""

    @property
    def node(self) -> str:
        """What it comes from, as people read it."""
        return ", ".join(str(address) for address in self.inputs)


@dataclass(frozen=True, slots=True)
class CommandPoint:
    """Something that may be told to a plant, since the map names it.

    Args:
        name: what it is called, as `stop`.
        unit: the unit that it is for.
        address: the variable that is written, or the method.
        parent: the object whose method it is; None where a variable is written.
        low, high: least and greatest value that may be written, or argument.
        role: who may: the role that `twin command` must be called with.
        when: signals of the unit, with the values of which one must hold.
        every_s: shortest time from one to the next, seconds.
        read_back: variable that shows what came of it; None: the one that was written.
        data_type: name of the built-in type that is written; empty: the variable's own.
    """

    name: str
    unit: str
    address: Address
    parent: Address | None
    low: float
    high: float
    role: str
    when: tuple[tuple[str, tuple[float, ...]], ...] = ()
    every_s: float = 10.0
    read_back: Address | None = None
    data_type: str = ""


@dataclass(frozen=True, slots=True)
class PlcMap:
    """One PLC and what is read there.

    Args:
        plc: id of the PLC.
        urls: its endpoints, as `opc.tcp://127.0.0.1:4840`; of several the next takes over where
            one is lost.
        nodes: the tags.
        live: a variable that changes as long as the PLC works; None: nothing is watched so.
        commands: what may be told to it.
        publishing_s, sampling_s, queue_size: how it is to be subscribed to; None: as the
            subscriber's options say.

    Raises:
        UsageError: a URL is none.
    """

    plc: str
    urls: tuple[str, ...]
    nodes: tuple[MappedNode, ...]
    live: Address | None = None
    commands: tuple[CommandPoint, ...] = ()
    publishing_s: float | None = None
    sampling_s: float | None = None
    queue_size: int | None = None

    def __post_init__(self) -> None:
        for url in self.urls:
            if not _URL.fullmatch(url):
                raise UsageError(
                    f"{self.plc}: url must be as opc.tcp://127.0.0.1:4840, without a user, "
                    f"got {url!r}"
                )

    @property
    def url(self) -> str:
        """The first of its endpoints."""
        return self.urls[0]


@dataclass(frozen=True, slots=True)
class TagMap:
    """Where a line's signals are.

    Args:
        line: the line's id.
        plcs: one entry a PLC.
    """

    line: str
    plcs: tuple[PlcMap, ...]


def tag_map(line: Line, endpoints: Mapping[str, str]) -> TagMap:
    """Map a line that emulated PLCs serve.

    Args:
        line: the line.
        endpoints: URL by PLC id; a PLC that is not named is left out.

    Returns:
        The map of every tag, and of what each PLC says of itself (unit: the PLC's id).
    """
    uri = namespace_uri(line)
    plcs = []
    for plc, url in endpoints.items():
        nodes = tuple(
            MappedNode(*spec.key, (Address(uri, f"s={spec.node}"),))
            for spec in plan(line, plc)
            if spec.key is not None
        )
        live = next(n.inputs[0] for n in nodes if (n.unit, n.signal) == (plc, "heartbeat"))
        plcs.append(PlcMap(plc, (url,), nodes, live))
    return TagMap(line.id, tuple(plcs))
