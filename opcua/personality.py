"""Makes of PLC to be served as: where their variables are, how they are named, what they allow.

A personality is data. `dress` puts it on a plan; the server keeps its limits. What is known of each
limit, and from whom, is in `sources`; what nobody publishes is not limited.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from asyncua import Server, ua

from opcua.address_space import namespace_uri
from opcua.limits import DEFAULT_LIMITS, NO_LIMITS, Limits
from opcua.naming import AS_IT_IS, PATHS, Syntax
from opcua.node_spec import NodeKind, NodeSpec
from opcua.security import SERVER_URI
from opcua.standards import DI
from opcua.wire_values import Ref, base
from twin.errors import UsageError
from twin.model.line import Line

__all__ = [
    "GENERIC",
    "PERSONALITIES",
    "Personality",
    "Source",
    "dress",
    "own_uri",
    "personality",
    "say_make",
    "say_service_level",
]

_ORGANIZES, _HAS_COMPONENT = base(35), base(47)
_DEVICE_SET = Ref(DI, 5001)
_PLCOPEN = "http://PLCopen.org/OpcUa/IEC61131-3/"
_BAD_FILTER_NOT_ALLOWED = 0x80450000


@dataclass(frozen=True, slots=True)
class Source:
    """Who says so.

    Args:
        of: what of a personality.
        says: where.
    """

    of: str
    says: str


@dataclass(frozen=True, slots=True)
class Personality:
    """A make of PLC.

    Args:
        name: as on the command line.
        uri: namespace of its variables; empty: the line's own.
        libraries: namespaces that come before it.
        syntax: how its nodes are named.
        top: identifiers of the objects from the device set down to that which lists the stations.
        limits: what it allows.
        manufacturer, product: as its server says of itself.
        sources: where that is from.
    """

    name: str
    uri: str = ""
    libraries: tuple[str, ...] = ()
    syntax: Syntax = PATHS
    top: tuple[str, ...] = ()
    limits: Limits = NO_LIMITS
    manufacturer: str = "linetwin"
    product: str = "emulated PLC"
    sources: tuple[Source, ...] = ()


GENERIC = Personality("generic", limits=DEFAULT_LIMITS)

_SIMATIC = "http://www.siemens.com/simatic-s7-opcua"
_SIMATIC_NAMES = Source("node ids and namespaces", "SIMATIC.NodeSet2.xml, as TIA Portal exports it")
_BENTHOS = (
    "https://github.com/united-manufacturing-hub/benthos-umh, opcua_plugin/server_profiles.go"
)
_DEVICE = "CODESYS Control Win V3 x64"
_APPLICATION = f"{_DEVICE}.Application"
_CODESYS_KEYS = (
    "https://content.helpme-codesys.com/en/CODESYS%20Communication/_comm_opcua_server_config.html"
)

PERSONALITIES: dict[str, Personality] = {
    each.name: each
    for each in (
        GENERIC,
        Personality(
            "s7-1200",
            _SIMATIC,
            (DI,),
            Syntax(".", quote='"'),
            ("PLC", "DataBlocksGlobal"),
            Limits(
                sessions=10,
                subscriptions=5,
                monitored_items=1000,
                items_a_call=1000,
                nodes_a_read=2000,
                nodes_a_write=2000,
                nodes_a_browse=2000,
                least_sampling_ms=100.0,
                least_publishing_ms=200.0,
                filter_refused=_BAD_FILTER_NOT_ALLOWED,
            ),
            "Siemens AG",
            "S7-1200, emulated",
            (
                _SIMATIC_NAMES,
                Source(
                    "sessions, subscriptions, monitored_items, least_sampling_ms, "
                    "least_publishing_ms",
                    "Siemens, data sheet of CPU 1214C (6ES7214-1AG40-0XB0), firmware V4.7; the "
                    "same in Siemens entry 109755846, OPC UA system limits",
                ),
                Source("items_a_call, nodes_a_read, nodes_a_write, nodes_a_browse", _BENTHOS),
                Source(
                    "filter_refused",
                    "https://github.com/united-manufacturing-hub/benthos-umh/pull/233",
                ),
            ),
        ),
        Personality(
            "s7-1500",
            _SIMATIC,
            (DI,),
            Syntax(".", quote='"'),
            ("PLC", "DataBlocksGlobal"),
            Limits(
                sessions=32,
                monitored_items=10_000,
                items_a_call=1000,
                nodes_a_read=1000,
                nodes_a_write=1000,
                nodes_a_browse=1000,
                nodes_a_call=1000,
                paths_a_translate=1000,
            ),
            "Siemens AG",
            "S7-1500, emulated",
            (
                _SIMATIC_NAMES,
                Source("sessions, monitored_items", _BENTHOS),
                Source(
                    "items_a_call, nodes_a_read, nodes_a_write, nodes_a_browse, nodes_a_call, "
                    "paths_a_translate",
                    "https://github.com/epics-modules/opcua/issues/177",
                ),
            ),
        ),
        Personality(
            "twincat",
            "urn:BeckhoffAutomation:Ua:PLC1",
            (DI, _PLCOPEN),
            Syntax(".", prefix="MAIN.", iec_names=True),
            ("PLC1", "MAIN"),
            NO_LIMITS,
            "Beckhoff Automation",
            "TwinCAT OPC UA Server, emulated",
            (
                Source(
                    "node ids and namespaces",
                    "https://infosys.beckhoff.com/content/1033/tf6100_tc3_opcua_client/537637003.html",
                ),
            ),
        ),
        Personality(
            "codesys",
            "CODESYSSPV3/3S/IecVarAccess",
            (DI, _PLCOPEN),
            Syntax(".", prefix=f"|var|{_APPLICATION}.PLC_PRG.", iec_names=True),
            (f"|plc|{_DEVICE}", f"|appo|{_APPLICATION}", f"|prog|{_APPLICATION}.PLC_PRG"),
            Limits(
                sessions=100,
                nodes_a_read=100,
                nodes_a_write=100,
                nodes_a_browse=100,
                nodes_a_call=100,
                paths_a_translate=100,
                least_sampling_ms=100.0,
                least_publishing_ms=100.0,
            ),
            "CODESYS GmbH",
            "CODESYS OPC UA Server, emulated",
            (
                Source(
                    "node ids and namespaces",
                    "code of clients in public repositories, which agree on both",
                ),
                Source(
                    "sessions, nodes_a_read, nodes_a_write, nodes_a_browse, nodes_a_call, "
                    "paths_a_translate, least_sampling_ms, least_publishing_ms",
                    _CODESYS_KEYS,
                ),
            ),
        ),
    )
}
"""Every personality by its name."""


def personality(name: str) -> Personality:
    """Find a personality.

    Raises:
        UsageError: there is none of that name.

    >>> personality("s7-1200").limits.monitored_items
    1000
    """
    found = PERSONALITIES.get(name)
    if found is None:
        raise UsageError(f"--as: must be one of {', '.join(PERSONALITIES)}, got {name!r}")
    return found


def own_uri(made: Personality, line: Line) -> str:
    """Name the namespace of a line's variables."""
    return made.uri or namespace_uri(line)


def dress(specs: Sequence[NodeSpec], made: Personality, line: Line) -> tuple[NodeSpec, ...]:
    """Add to a plan what a make of PLC has above its variables; the line's own tree stays.

    Args:
        specs: the plan.
        made: the make.
        line: whose plan it is.

    >>> line = Line.model_validate({"id": "L1", "stations": ({"id": "A", "cycle_time": "1 s"},)})
    >>> station = NodeSpec("L1/A", "", "A", NodeKind.OBJECT)
    >>> [spec.node for spec in dress((station,), personality("s7-1200"), line)]
    ['vendor:PLC', 'vendor:DataBlocksGlobal', 'L1/A']
    """
    if not made.top:
        return tuple(specs)
    uri, last = own_uri(made, line), made.top[-1]
    stations = {f"{line.id}/{station.id}" for station in line.stations}
    listed = (_ORGANIZES, Ref(uri, last))
    return (
        *_above(made),
        *(
            replace(spec, listed_by=(*spec.listed_by, listed)) if spec.node in stations else spec
            for spec in specs
        ),
    )


def _above(made: Personality) -> Iterator[NodeSpec]:
    above = ""
    for ident in made.top:
        node = f"{AS_IT_IS}{ident}"
        name = ident.rpartition("|")[2].rpartition(".")[2]
        yield NodeSpec(
            node,
            above,
            name,
            NodeKind.OBJECT,
            reference=_HAS_COMPONENT,
            listed_by=() if above else ((_ORGANIZES, _DEVICE_SET),),
        )
        above = node


async def say_make(server: Server, made: Personality) -> None:
    """Let a server say whose make it is, as clients look for it (BuildInfo)."""
    never = datetime.fromtimestamp(0, UTC)
    await server.set_build_info(SERVER_URI, made.manufacturer, made.product, "", "", never)


async def say_service_level(server: Server, level: int) -> None:
    """Let a server say how well it serves, from 0 to 255 (OPC 10000-4, 6.6.2.4.2)."""
    value = ua.DataValue(ua.Variant(level, ua.VariantType.Byte))
    node_id = ua.NodeId(ua.ObjectIds.Server_ServiceLevel)
    await server.iserver.aspace.write_attribute_value(node_id, ua.AttributeIds.Value, value)
