"""The nodes that clients act on a plant with: commands as methods, setpoints as writable variables.

    STK03 / Commands  / Start, Stop, Hold, ..., SetUnitMode
          / Setpoints / CycleTimeFactor
    STK   / Setpoints / RejectThreshold          of a station that inspects
    STK-out / Setpoints / CapacityLimit

A command that its machine does not take in its state is answered with BadInvalidState, a value out
of its limits with BadOutOfRange. Neither then changes anything.
"""

from __future__ import annotations

import logging

from asyncua import ua
from asyncua.crypto.permission_rules import User
from asyncua.server.address_space import AddressSpace, AttributeService, AttributeValue
from asyncua.server.internal_server import InternalServer

from opcua.method_nodes import Method, argument, method_node, object_node
from opcua.naming import Naming
from opcua.requests import Requests
from opcua.roles import WRITE, Role, allow
from twin.errors import CommandRefused
from twin.model.line import Line
from twin.model.packml import Mode
from twin.model.packml_table import Command

__all__ = ["bind_requests"]

_log = logging.getLogger(__name__)

_LEVELS = (
    ua.AccessLevel.CurrentRead,
    ua.AccessLevel.CurrentWrite,
    ua.AccessLevel.HistoryRead,
)
_READ_WRITE = sum(level.mask for level in _LEVELS)
Key = tuple[str, str]


def bind_requests(
    server: InternalServer,
    naming: Naming,
    line: Line,
    plc: str,
    requests: Requests,
    nodes: dict[Key, ua.NodeId],
) -> None:
    """Make the commands' nodes, and let writes to setpoints act.

    Args:
        server: what the nodes are in.
        naming: how the line's nodes are named.
        line, plc: whose machines.
        requests: who carries out what is asked.
        nodes: the setpoints' nodes by (unit, setpoint).
    """
    space = server.aspace
    for node_id in nodes.values():
        held = ua.DataValue(ua.Variant(_READ_WRITE, ua.VariantType.Byte))
        for attribute in (ua.AttributeIds.AccessLevel, ua.AttributeIds.UserAccessLevel):
            space[node_id].attributes[attribute] = AttributeValue(held)
        allow(space[node_id], Role.ENGINEER, WRITE)
    server.attribute_service = _Setpoints(space, requests, {n: key for key, n in nodes.items()})
    for station in line.stations:
        if line.plc_of(station.id) != plc:
            continue
        for machine in range(station.machines):
            unit = station.machine_id(machine)
            _commands(space, naming, f"{line.id}/{station.id}/{unit}", unit, requests)


class _Setpoints(AttributeService):  # type: ignore[misc]  # no types
    """Carries out what is written to a setpoint before the value is kept."""

    def __init__(self, space: AddressSpace, requests: Requests, keys: dict[ua.NodeId, Key]) -> None:
        super().__init__(space)
        self._requests = requests
        self._keys = keys

    async def write(self, params: ua.WriteParameters, user: User) -> list[ua.StatusCode]:
        codes: list[ua.StatusCode] = []
        for one in params.NodesToWrite:
            key = self._keys.get(one.NodeId)
            if key is not None and one.AttributeId == ua.AttributeIds.Value:
                codes.append(await self._set(key, one, user))
            else:
                codes += await super().write(ua.WriteParameters([one]), user)
        return codes

    async def _set(self, key: Key, one: ua.WriteValue, user: User) -> ua.StatusCode:
        variant = one.Value.Value
        old = self._aspace.read_attribute_value(one.NodeId, one.AttributeId)
        if variant is None or variant.VariantType != old.Value.VariantType or variant.is_array:
            return ua.StatusCode(ua.StatusCodes.BadTypeMismatch)
        try:
            await self._requests.set(*key, variant.Value)
        except CommandRefused as refusal:
            _log.info("%s", refusal)
            return ua.StatusCode(ua.StatusCodes.BadOutOfRange)
        (code,) = await super().write(ua.WriteParameters([one]), user)
        return code


def _commands(
    space: AddressSpace, naming: Naming, above: str, unit: str, requests: Requests
) -> None:
    folder = object_node(space, naming, above, "Commands")
    reason = argument("Reason", ua.ObjectIds.Int32, "stop reason to show, 0 for none")
    for command in Command:
        takes = [reason] if command in (Command.ABORT, Command.STOP, Command.HOLD) else []
        call = _command(requests, unit, command)
        method_node(space, naming, folder, command.method, takes, call)
    mode = argument("Mode", ua.ObjectIds.Int32, "1 Produce, 2 Maintenance, 3 Manual")
    method_node(space, naming, folder, "SetUnitMode", [mode], _mode(requests, unit))


def _command(requests: Requests, unit: str, command: Command) -> Method:
    async def call(_: ua.NodeId, *given: ua.Variant) -> list[ua.Variant] | ua.StatusCode:
        try:
            await requests.command(unit, command, int(given[0].Value) if given else 0)
        except CommandRefused as refusal:
            _log.info("%s", refusal)
            return ua.StatusCode(ua.StatusCodes.BadInvalidState)
        except (TypeError, ValueError):
            return ua.StatusCode(ua.StatusCodes.BadInvalidArgument)
        return []

    return call


def _mode(requests: Requests, unit: str) -> Method:
    async def call(_: ua.NodeId, *given: ua.Variant) -> list[ua.Variant] | ua.StatusCode:
        if len(given) != 1 or given[0].Value not in iter(Mode):
            return ua.StatusCode(ua.StatusCodes.BadInvalidArgument)
        try:
            await requests.set_mode(unit, Mode(given[0].Value))
        except CommandRefused as refusal:
            _log.info("%s", refusal)
            return ua.StatusCode(ua.StatusCodes.BadInvalidState)
        return []

    return call
