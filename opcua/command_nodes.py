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
from collections.abc import Callable, Coroutine
from typing import Any

from asyncua import ua
from asyncua.crypto.permission_rules import User
from asyncua.server.address_space import AddressSpace, AttributeService, AttributeValue, NodeData
from asyncua.server.internal_server import InternalServer

from opcua.requests import Requests
from twin.errors import CommandRefused
from twin.model.line import Line
from twin.model.packml import Mode
from twin.model.packml_table import Command

__all__ = ["bind_requests"]

_log = logging.getLogger(__name__)

_READ_WRITE = ua.AccessLevel.CurrentRead.mask | ua.AccessLevel.CurrentWrite.mask
_HAS_COMPONENT = ua.NodeId(ua.ObjectIds.HasComponent)
_HAS_PROPERTY = ua.NodeId(ua.ObjectIds.HasProperty)
_HAS_TYPE = ua.NodeId(ua.ObjectIds.HasTypeDefinition)
Key = tuple[str, str]
Method = Callable[..., Coroutine[Any, Any, list[ua.Variant] | ua.StatusCode]]


def bind_requests(
    server: InternalServer,
    index: int,
    line: Line,
    plc: str,
    requests: Requests,
    nodes: dict[Key, ua.NodeId],
) -> None:
    """Make the commands' nodes, and let writes to setpoints act.

    Args:
        server: what the nodes are in.
        index: of the line's namespace.
        line, plc: whose machines.
        requests: who carries out what is asked.
        nodes: the setpoints' nodes by (unit, setpoint).
    """
    space = server.aspace
    for node_id in nodes.values():
        held = ua.DataValue(ua.Variant(_READ_WRITE, ua.VariantType.Byte))
        for attribute in (ua.AttributeIds.AccessLevel, ua.AttributeIds.UserAccessLevel):
            space[node_id].attributes[attribute] = AttributeValue(held)
    server.attribute_service = _Setpoints(space, requests, {n: key for key, n in nodes.items()})
    for station in line.stations:
        if line.plc_of(station.id) != plc:
            continue
        for machine in range(station.machines):
            unit = station.machine_id(machine)
            _commands(space, index, f"{line.id}/{station.id}/{unit}", unit, requests)


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


def _commands(space: AddressSpace, index: int, above: str, unit: str, requests: Requests) -> None:
    folder = f"{above}/Commands"
    parent = space[ua.NodeId(above, index)]
    node = _node(space, index, folder, "Commands", ua.NodeClass.Object)
    _set(node, ua.AttributeIds.EventNotifier, ua.Variant(0, ua.VariantType.Byte))
    _link(parent, node, _HAS_COMPONENT)
    folder_type = space[ua.NodeId(ua.ObjectIds.FolderType)]
    node.references.append(_described(folder_type, _HAS_TYPE, is_forward=True))
    reason = ua.Argument(
        "Reason",
        ua.NodeId(ua.ObjectIds.Int32),
        Description=ua.LocalizedText("stop reason to show, 0 for none", "en"),
    )
    for command in Command:
        takes = [reason] if command in (Command.ABORT, Command.STOP, Command.HOLD) else []
        call = _command(requests, unit, command)
        _method(space, index, node, f"{folder}/{command.method}", takes, call)
    mode = ua.Argument(
        "Mode",
        ua.NodeId(ua.ObjectIds.Int32),
        Description=ua.LocalizedText("1 Produce, 2 Maintenance, 3 Manual", "en"),
    )
    _method(space, index, node, f"{folder}/SetUnitMode", [mode], _mode(requests, unit))


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


def _method(
    space: AddressSpace,
    index: int,
    parent: NodeData,
    path: str,
    takes: list[ua.Argument],
    call: Method,
) -> None:
    node = _node(space, index, path, path.rpartition("/")[2], ua.NodeClass.Method)
    for attribute in (ua.AttributeIds.Executable, ua.AttributeIds.UserExecutable):
        _set(node, attribute, ua.Variant(True, ua.VariantType.Boolean))
    node.call = call
    _link(parent, node, _HAS_COMPONENT)
    if not takes:
        return
    inputs = _node(space, index, f"{path}/InputArguments", "InputArguments", ua.NodeClass.Variable)
    inputs.attributes[ua.AttributeIds.BrowseName] = AttributeValue(
        ua.DataValue(ua.Variant(ua.QualifiedName("InputArguments", 0)))
    )
    _set(inputs, ua.AttributeIds.Value, ua.Variant(takes, ua.VariantType.ExtensionObject))
    data_type = ua.NodeId(ua.ObjectIds.Argument)
    _set(inputs, ua.AttributeIds.DataType, ua.Variant(data_type, ua.VariantType.NodeId))
    _set(inputs, ua.AttributeIds.ValueRank, ua.Variant(1, ua.VariantType.Int32))
    read = ua.Variant(ua.AccessLevel.CurrentRead.mask, ua.VariantType.Byte)
    _set(inputs, ua.AttributeIds.AccessLevel, read)
    _set(inputs, ua.AttributeIds.UserAccessLevel, read)
    _link(node, inputs, _HAS_PROPERTY)
    property_type = space[ua.NodeId(ua.ObjectIds.PropertyType)]
    inputs.references.append(_described(property_type, _HAS_TYPE, is_forward=True))


def _node(
    space: AddressSpace, index: int, path: str, name: str, node_class: ua.NodeClass
) -> NodeData:
    node = NodeData(ua.NodeId(path, index))
    qualified = ua.QualifiedName(name, index)
    _set(node, ua.AttributeIds.NodeId, ua.Variant(node.nodeid, ua.VariantType.NodeId))
    _set(node, ua.AttributeIds.NodeClass, ua.Variant(node_class, ua.VariantType.Int32))
    _set(node, ua.AttributeIds.BrowseName, ua.Variant(qualified, ua.VariantType.QualifiedName))
    shown = ua.Variant(ua.LocalizedText(name), ua.VariantType.LocalizedText)
    _set(node, ua.AttributeIds.DisplayName, shown)
    space[node.nodeid] = node
    return node


def _set(node: NodeData, attribute: ua.AttributeIds, value: ua.Variant) -> None:
    node.attributes[attribute] = AttributeValue(ua.DataValue(value))


def _link(parent: NodeData, child: NodeData, reference: ua.NodeId) -> None:
    parent.references.append(_described(child, reference, is_forward=True))
    child.references.append(_described(parent, reference, is_forward=False))


def _described(
    target: NodeData, reference: ua.NodeId, *, is_forward: bool
) -> ua.ReferenceDescription:
    def read(attribute: ua.AttributeIds) -> Any:
        return target.attributes[attribute].value.Value.Value

    return ua.ReferenceDescription(
        ReferenceTypeId=reference,
        IsForward=is_forward,
        NodeId=target.nodeid,
        BrowseName=read(ua.AttributeIds.BrowseName),
        DisplayName=read(ua.AttributeIds.DisplayName),
        NodeClass=read(ua.AttributeIds.NodeClass),
    )
