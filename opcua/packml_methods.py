"""PackML's own methods (OPC 30050), which act on the plant as the line's plain commands do.

A machine refers to its type's method nodes, so one method serves all machines of a server; the
object that a client calls it on tells which is meant.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from asyncua import ua
from asyncua.server.address_space import AddressSpace

from opcua.apply import AppliedPlan
from opcua.requests import Requests
from opcua.roles import CALL, Role, allow
from opcua.standards import JOB_CONTROL, JOBS
from twin.errors import CommandRefused
from twin.model.packml import Mode
from twin.model.packml_table import Command

__all__ = ["bind_packml"]

_log = logging.getLogger(__name__)

_COMMANDS = {command.method: command for command in Command}
_MACHINES = "/BaseStateMachine"

Answer = Any  # list of variants, or a status code; asyncua has no types


def bind_packml(space: AddressSpace, applied: AppliedPlan, requests: Requests) -> None:
    """Let PackML's commands and SetUnitMode act; its other methods answer BadNotImplemented.

    Args:
        space: what the nodes are in.
        applied: the plan that made them.
        requests: who carries out what is asked.
    """
    units: dict[ua.NodeId, dict[ua.NodeId, str]] = {}
    names: dict[ua.NodeId, str] = {}
    elsewhere = {applied.namespaces[uri] for uri in (JOB_CONTROL, JOBS)}
    for path, (above, method) in applied.methods.items():
        if method.NamespaceIndex in elsewhere:
            continue
        machine, _, name = path.rpartition("/")
        unit = machine.partition(_MACHINES)[0].rpartition("/")[2]
        units.setdefault(method, {})[above] = unit
        names[method] = name
    for method, of in units.items():
        space[method].call = _called(names[method], of, requests)
        allow(space[method], Role.OPERATE, CALL)


def _called(
    name: str, units: Mapping[ua.NodeId, str], requests: Requests
) -> Callable[..., Coroutine[Any, Any, Answer]]:
    async def call(above: ua.NodeId, *given: ua.Variant) -> Answer:
        unit = units.get(above)
        if unit is None:
            return ua.StatusCode(ua.StatusCodes.BadMethodInvalid)
        try:
            if name == "SetUnitMode":
                if len(given) != 1 or given[0].Value not in iter(Mode):
                    return ua.StatusCode(ua.StatusCodes.BadInvalidArgument)
                await requests.set_mode(unit, Mode(given[0].Value))
            elif name in _COMMANDS:
                await requests.command(unit, _COMMANDS[name])
            else:
                return ua.StatusCode(ua.StatusCodes.BadNotImplemented)
        except CommandRefused as refusal:
            _log.info("%s", refusal)
            return ua.StatusCode(ua.StatusCodes.BadInvalidState)
        return []

    return call
