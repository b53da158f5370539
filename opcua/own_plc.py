"""A PLC of the user's own: a NodeSet2 export of a real one, and nodes by the thousand for load.

Values move by rules (`opcua.rules`); what no rule names stays as the export has it.
"""

from __future__ import annotations

import asyncio
import fnmatch
import re
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from xml.etree.ElementTree import ParseError, parse

from asyncua import Server, ua

from opcua.clock import Clock
from opcua.collection import no_collection
from opcua.driving_lines import DrivingLines
from opcua.guarded_server import guarded_server
from opcua.limits import NO_LIMITS, Limits
from opcua.moving_nodes import MovingNode, Target, load_structures, moving_node, target
from opcua.rules import Rule, Told, moving
from opcua.security import SERVER_URI, ServerSecurity, is_loopback
from opcua.standards import (
    DI,
    IA,
    ISA95,
    MACHINERY,
    PACKML,
    STANDARD_URIS,
    VISION,
    nodesets,
)
from opcua.structures import instant
from opcua.wire_values import BASE
from twin.errors import QuantityError, UsageError
from twin.model.quantity import parse_duration

__all__ = ["LOAD_URI", "LoadNodes", "OwnPlc", "load_nodes", "serve_own_plc"]

LOAD_URI = "urn:linetwin:load"
_FIRST = (DI, IA, MACHINERY, PACKML, VISION, ISA95)
_XML = "{http://opcfoundation.org/UA/2011/03/UANodeSet.xsd}"
_URI = f"{_XML}NamespaceUris/{_XML}Uri"
_A_FOLDER = 100
_LOAD = re.compile(r"(\d+)@(.+)")


@dataclass(frozen=True, slots=True)
class LoadNodes:
    """So many nodes that count, each every so many microseconds."""

    name: str
    count: int
    every_us: int


def load_nodes(name: str, text: str) -> LoadNodes:
    """Read `COUNT@TIME`.

    Raises:
        UsageError: it is none.

    >>> load_nodes("fast", "1000@100ms")
    LoadNodes(name='fast', count=1000, every_us=100000)
    """
    found = _LOAD.fullmatch(text.strip())
    try:
        if found is None:
            raise QuantityError("no @")
        every_us = parse_duration(re.sub(r"(?<=\d)(?=[a-z])", " ", found[2].strip()))
        count = int(found[1])
    except QuantityError:
        raise UsageError(f"--{name}: must be as 1000@100ms, got {text!r}") from None
    if not 0 < count <= 200_000 or every_us < 1000:
        raise UsageError(f"--{name}: must be 1 to 200000 nodes at 1 ms or more, got {text!r}")
    return LoadNodes(name, count, every_us)


class OwnPlc:
    """A PLC that `serve_own_plc` has started.

    Args:
        server: asyncua's.
        clock: engine time, which the rules follow.
        seed: of the rules that draw.
    """

    def __init__(self, server: Server, clock: Clock, seed: int) -> None:
        self._server = server
        self._clock = clock
        self._seed = seed
        self._moving: list[MovingNode] = []
        self._lines = DrivingLines(clock.epoch_unix_us, seed)

    @property
    def url(self) -> str:
        """Where it listens."""
        bound = self._server.bserver
        return f"opc.tcp://{bound.hostname}:{bound.port}"

    @property
    def moves(self) -> int:
        """How many nodes move."""
        return len(self._moving)

    async def follow(self, rules: Sequence[Rule]) -> None:
        """Let nodes move by rules; of several that name a node the first counts.

        Raises:
            UsageError: a rule names no variable of its kind.
        """
        space = self._server.iserver.aspace
        structures = await load_structures(self._server)
        found: dict[str, Target] = {}
        for node_id in list(space.keys()):
            one = target(space[node_id], structures) if node_id.NamespaceIndex else None
            if one is not None:
                found[node_id.to_string()] = one
        taken: set[tuple[str, str]] = set()
        for rule in rules:
            mine = [
                text
                for text, one in found.items()
                if fnmatch.fnmatchcase(text, rule.node) and one.can_follow(rule)
            ]
            if not mine:
                wanted = (
                    f"structure with a field {rule.field}"
                    if rule.field
                    else ("text" if rule.is_text else "number or boolean")
                )
                raise UsageError(f"rules: no {wanted} has a node id like {rule.node}")
            for text in mine:
                if (text, rule.field) not in taken:
                    taken.add((text, rule.field))
                    self._moving.append(moving_node(found[text], rule, partial(self._follow, rule)))

    def _follow(self, rule: Rule, text: str) -> Callable[[int], Told]:
        if rule.name == "station":
            of = rule.settings
            return self._lines.follow(of["line"], str(of["unit"]), str(of["signal"]))
        return moving(rule, text, self._seed)

    async def scan(self) -> int:
        """Write what has changed by the clock's now; how many values."""
        at_us = self._clock.now_us()
        source = instant(self._clock.epoch_unix_us + at_us)
        write, changed = self._server.iserver.aspace.write_attribute_value, 0
        for one in self._moving:
            variant = one.variant(at_us)
            if variant.Value == one.shown:
                continue
            one.shown = variant.Value
            held = ua.DataValue(variant, SourceTimestamp=source)
            await write(one.node_id, ua.AttributeIds.Value, held)
            changed += 1
        # Writing never yields by itself, and publishing would starve.
        await asyncio.sleep(0)
        return changed

    async def run(self) -> None:
        """Scan for ever, as often as the quickest node moves; at least once a second."""
        scan_s = min([1.0, *(one.every_us / 1e6 for one in self._moving)])
        due = time.monotonic()
        while True:
            await self.scan()
            due = max(due + scan_s, time.monotonic())
            await asyncio.sleep(due - time.monotonic())


@asynccontextmanager
async def serve_own_plc(
    clock: Clock,
    security: ServerSecurity | None,
    *,
    nodeset: Path | None = None,
    rules: Sequence[Rule] = (),
    load: Sequence[LoadNodes] = (),
    host: str = "127.0.0.1",
    port: int = 0,
    seed: int = 1,
    limits: Limits = NO_LIMITS,
) -> AsyncIterator[OwnPlc]:
    """Serve a PLC of the user's own for as long as the context lasts; `OwnPlc.run` keeps it going.

    Args:
        clock: what the rules follow.
        security: whom to let in; None: everybody, on loopback only.
        nodeset: a NodeSet2 export; None: none.
        rules: how its values move.
        load: nodes for load tests.
        host, port: where to listen; 0 for any free port.
        seed: of the rules that draw.
        limits: what it allows.

    Raises:
        UsageError: the export can't be read, a rule names nothing, the port is taken.
    """
    if security is None and not is_loopback(host):
        raise UsageError("a PLC without encryption must listen on a loopback address")
    url = f"opc.tcp://{host}:{port}"
    # Exports build on the companion standards: they are there already. Rules name nodes by number:
    # what is the user's own keeps its numbers when more standards come.
    brought = () if nodeset is None else _namespaces_in(nodeset)
    own = (*brought, *((LOAD_URI,) if load else ()))
    uris = dict.fromkeys((BASE, SERVER_URI, *_FIRST, *own, *STANDARD_URIS))
    namespaces = {uri: index for index, uri in enumerate(uris)}
    server = await guarded_server("own PLC", url, security, namespaces, limits)
    if nodeset is not None:
        try:
            await _say_version(server)
            await server.import_xml(nodeset)
        except Exception as error:
            raise UsageError(
                f"{nodeset}: must be a NodeSet2 export that stands by itself, "
                f"{type(error).__name__}: {error}"
            ) from error
    plc = OwnPlc(server, clock, seed)
    with no_collection():
        made = await _make_load(server, load)
    await plc.follow([*rules, *made])
    try:
        await server.start()
    except OSError as error:
        raise UsageError(f"{host}:{port} must be free, {error.strerror or error}") from error
    try:
        await plc.scan()
        yield plc
    finally:
        await server.stop()


def _namespaces_in(nodeset: Path) -> tuple[str, ...]:
    """List the namespaces that an export names; none where it can't be read: that is said later."""
    try:
        root = parse(nodeset).getroot()  # noqa: S314 -- the user's own file
    except (OSError, ParseError):
        return ()
    return tuple(uri.text.strip() for uri in root.iterfind(_URI) if uri.text)


async def _say_version(server: Server) -> None:
    """Say the version of the one standard whose published file does not; asyncua asks for it."""
    isa95 = next(each for each in nodesets() if each.uri == ISA95)
    node = await server.nodes.namespaces.add_object(1, isa95.uri)
    await node.add_property(0, "NamespaceUri", isa95.uri)
    await node.add_property(0, "NamespaceVersion", isa95.version)
    published = datetime.fromisoformat(isa95.published)
    await node.add_property(0, "NamespacePublicationDate", published)


async def _make_load(server: Server, load: Sequence[LoadNodes]) -> list[Rule]:
    if not load:
        return []
    index = await server.register_namespace(LOAD_URI)
    rules = []
    for kind in load:
        top = await server.nodes.objects.add_folder(ua.NodeId(kind.name, index), kind.name)
        folder = top
        for number in range(kind.count):
            if number % _A_FOLDER == 0:
                # Adding a node looks through all its siblings.
                name = f"{kind.name}{number:06d}-"
                folder = await top.add_folder(ua.NodeId(name, index), name)
            name = f"{kind.name}{number:06d}"
            await folder.add_variable(ua.NodeId(name, index), name, 0, ua.VariantType.UInt32)
        rules.append(Rule(f"ns={index};s={kind.name}*", "counter", kind.every_us))
    return rules
