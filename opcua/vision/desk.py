"""The vision posts of one PLC: what they found, shown, answered for, and told of as events."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from asyncua import ua
from asyncua.server.address_space import AddressSpace
from asyncua.server.internal_server import InternalServer

from opcua.alarms.events import select
from opcua.apply import AppliedPlan, wire_value
from opcua.attributes import Attribute
from opcua.companion_space import described
from opcua.naming import Naming
from opcua.roles import CALL, Role, allow
from opcua.structures import instant
from opcua.vision.answers import ANSWERS
from opcua.vision.events import result_ready
from opcua.vision.nodes import LATEST, MANAGEMENT, SYSTEM
from opcua.vision.results import Result, Results, result_of
from opcua.vision.structures import result_id, result_structure
from opcua.wire_values import Wire
from twin.model.line import Line
from twin.model.station import Station
from twin.signals import Value

__all__ = ["VisionDesk"]

Key = tuple[str, str]
_SERVER = ua.NodeId(ua.ObjectIds.Server)
_HAS_NOTIFIER = ua.NodeId(ua.ObjectIds.HasNotifier)
_COUNTED = ("processed", "defective", "reworked")


@dataclass(slots=True)
class _Post:
    """One vision post: what it counts, what it found, and where that is shown."""

    unit: str
    node: str
    above: tuple[str, ...]
    kinds: tuple[str, ...]
    results: Results = field(default_factory=Results)
    counters: dict[str, int] = field(default_factory=dict)
    shown: dict[str, ua.NodeId] = field(default_factory=dict)
    notifiers: tuple[ua.NodeId, ...] = ()

    @property
    def signals(self) -> tuple[str, ...]:
        return (*_COUNTED, *(f"defect.{kind}" for kind in self.kinds))


class VisionDesk:
    """Follows the posts of a PLC.

    Args:
        line, plc: whose.
    """

    def __init__(self, line: Line, plc: str) -> None:
        self._posts = {
            post.unit: post
            for station in line.stations
            if station.inspection is not None and line.plc_of(station.id) == plc
            for post in _posts(line, station)
        }
        self._server: InternalServer | None = None
        self._applied = AppliedPlan({})

    def results(self, unit: str) -> Results:
        """Give the results of a post."""
        return self._posts[unit].results

    def bind(
        self,
        server: InternalServer,
        naming: Naming,
        applied: AppliedPlan,
        values: Mapping[Key, Value] | None,
    ) -> None:
        """Show what was found on a server, and let its methods answer.

        Args:
            server: a new one, or the one after a restart.
            naming: how its nodes are named.
            applied: the plan that made them.
            values: what each signal shows; None: nobody knows yet.
        """
        self._server, self._applied = server, applied
        space = server.aspace
        places: dict[ua.NodeId, _Post] = {}
        for post in self._posts.values():
            if values is not None:
                post.counters = {name: int(values[post.unit, name]) for name in post.signals}
            latest = f"{post.node}/{LATEST}"
            post.shown = {
                name: naming.node_id(f"{latest}/{name}" if name else latest)
                for name in ("", "ResultId", "CreationTime")
            }
            post.notifiers = _bind_notifier(space, naming, post)
            places[naming.node_id(f"{post.node}/{MANAGEMENT}")] = post
            for node, value in self._latest(post):
                space[node].attributes[ua.AttributeIds.Value].value = value
            for name, answer in ANSWERS.items():
                _, method = applied.methods[f"{post.node}/{MANAGEMENT}/{name}"]
                space[method].call = self._called(places, answer)
                allow(space[method], Role.OBSERVE, CALL)

    def forget(self) -> None:
        """Have found nothing yet, as a PLC that starts cold."""
        for post in self._posts.values():
            post.results = Results()

    async def follow(self, values: Mapping[Key, Value], at_unix_us: int) -> None:
        """Take what the posts have counted since the last time as results.

        Args:
            values: what was published, by (unit, signal).
            at_unix_us: the plant's present, microseconds since 1970-01-01 UTC.
        """
        for post in self._posts.values():
            if (post.unit, "processed") not in values:
                continue
            after = post.counters | {
                name: int(values[post.unit, name])
                for name in post.signals
                if (post.unit, name) in values
            }
            result = result_of(post.unit, post.kinds, post.counters, after, at_unix_us)
            post.counters = after
            if result is not None:
                post.results.newest.append(result)
                await self._tell(post, result)

    async def _tell(self, post: _Post, result: Result) -> None:
        if self._server is None:
            return
        for node, value in self._latest(post):
            await self._server.aspace.write_attribute_value(node, ua.AttributeIds.Value, value)
        event = None
        for subscription in list(self._server.subscription_service.subscriptions.values()):
            items = subscription.monitored_item_srv
            if items._monitored_events:  # noqa: SLF001 -- asyncua has no other way to them
                event = event or result_ready(result, post.notifiers[0], self._applied.namespaces)
                await select(items, event, post.notifiers)

    def _latest(self, post: _Post) -> list[tuple[ua.NodeId, ua.DataValue]]:
        result = post.results.latest
        if result is None:
            return []
        at = instant(result.at_us)
        wires = {
            "": Wire("ExtensionObject", result_structure(result)),
            "ResultId": Wire("ExtensionObject", result_id(result)),
            "CreationTime": Wire("DateTime", at),
        }
        namespaces = self._applied.namespaces
        return [
            (post.shown[name], wire_value(wire, namespaces, at)) for name, wire in wires.items()
        ]

    def _called(
        self, places: Mapping[ua.NodeId, _Post], answer: Callable[..., list[Wire]]
    ) -> Callable[..., Coroutine[Any, Any, Any]]:
        async def call(above: ua.NodeId, *given: ua.Variant) -> Any:
            post = places.get(above)
            if post is None:
                return ua.StatusCode(ua.StatusCodes.BadMethodInvalid)
            try:
                said = answer(post.unit, post.results, [each.Value for each in given])
            except (ValueError, TypeError):
                return ua.StatusCode(ua.StatusCodes.BadInvalidArgument)
            namespaces = self._applied.namespaces
            return [wire_value(wire, namespaces, instant(0)).Value for wire in said]

        return call


def _posts(line: Line, station: Station) -> list[_Post]:
    kinds = tuple(station.inspection.detects) if station.inspection is not None else ()
    equipment = (line.enterprise, line.site, station.area, line.id)
    levels = ["/".join(equipment[: level + 1]) for level in reversed(range(len(equipment)))]
    return [
        _Post(
            unit,
            f"{line.id}/{station.id}/{unit}",
            (f"{line.id}/{station.id}", *(f"isa95:{level}" for level in levels)),
            kinds,
        )
        for unit in map(station.machine_id, range(station.machines))
    ]


def _bind_notifier(space: AddressSpace, naming: Naming, post: _Post) -> tuple[ua.NodeId, ...]:
    """Let a post notify: machine -HasNotifier-> vision system; who is above hears of it too."""
    system, machine = space[naming.node_id(f"{post.node}/{SYSTEM}")], naming.node_id(post.node)
    notifies = ua.DataValue(ua.Variant(1, ua.VariantType.Byte))
    system.attributes[ua.AttributeIds.EventNotifier] = Attribute(notifies)
    above = space[machine]
    above.references.append(described(system, _HAS_NOTIFIER, space, is_forward=True))
    system.references.append(described(above, _HAS_NOTIFIER, space, is_forward=False))
    # A make of PLC need not have all of the equipment above a machine.
    equipment = (naming.node_id(path) for path in post.above)
    return (system.nodeid, machine, *(node for node in equipment if node in space), _SERVER)
