"""Who may do what: three roles, shown on nodes and kept by the server (OPC 10000-18, 4.3).

    observe   browse, read, read history, hear of alarms, ask for results and job responses
    operate   that, and command machines and job orders, acknowledge, confirm, comment and shelve
              alarms
    engineer  that, and write setpoints, enable and disable alarms, switch faults

What a role may do to a node is what the node's RolePermissions say; a node without them may be
browsed and read by all, and nothing else be done to it.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from asyncua import ua
from asyncua.server.address_space import AddressSpace, AttributeValue, NodeData

__all__ = ["CALL", "WRITE", "Role", "allow", "may", "may_call", "shown_to"]

_BROWSE, _READ_ROLES, _READ, WRITE = 1 << 0, 1 << 1, 1 << 5, 1 << 6
_READ_HISTORY, _EVENTS, CALL = 1 << 7, 1 << 11, 1 << 12
_TO_ALL = _BROWSE | _READ_ROLES | _READ | _READ_HISTORY | _EVENTS
_IDS, _AT = ua.ObjectIds, ua.AttributeIds


class Role(IntEnum):
    """What somebody may do; each may do what those before it may."""

    OBSERVE = 1
    OPERATE = 2
    ENGINEER = 3

    @property
    def node(self) -> ua.NodeId:
        """The standard's role: Observer, Operator or Engineer."""
        return ua.NodeId(_NODES[self])


_NODES = {
    Role.OBSERVE: _IDS.WellKnownRole_Observer,
    Role.OPERATE: _IDS.WellKnownRole_Operator,
    Role.ENGINEER: _IDS.WellKnownRole_Engineer,
}


def allow(node: NodeData, least: Role, what: int) -> None:
    """Let a role, and those above it, do something to a node.

    Args:
        node: a variable or a method.
        least: the first of the roles that may.
        what: `WRITE` or `CALL`.
    """
    permissions = [
        ua.RolePermissionType(role.node, _TO_ALL | (what if role >= least else 0)) for role in Role
    ]
    node.attributes[_AT.RolePermissions] = AttributeValue(
        ua.DataValue(ua.Variant(permissions, ua.VariantType.ExtensionObject))
    )


def may(space: AddressSpace, node_id: ua.NodeId, role: Role, what: int) -> bool:
    """Tell whether a role may write or call a node."""
    said = _said(space, node_id)
    return any(one.RoleId == role.node and int(one.Permissions) & what for one in said)


def shown_to(space: AddressSpace, node_id: ua.NodeId, attribute: int, role: Role) -> Any:
    """Make what a role is shown of an attribute that is another for each user; None: as it is.

    Args:
        space: the server's nodes.
        node_id, attribute: what is read.
        role: who reads it.
    """
    if attribute == _AT.UserRolePermissions and (said := _said(space, node_id)):
        own = [one for one in said if one.RoleId == role.node]
        return ua.DataValue(ua.Variant(own, ua.VariantType.ExtensionObject))
    if attribute == _AT.UserExecutable and node_id in space:
        executes = may(space, node_id, role, CALL) or node_id in _FOR_ALL
        is_method = _AT.Executable in space[node_id].attributes
        return ua.DataValue(ua.Variant(executes, ua.VariantType.Boolean)) if is_method else None
    if attribute == _AT.UserAccessLevel and not may(space, node_id, role, WRITE):
        level = space.read_attribute_value(node_id, _AT.AccessLevel)
        if level.Value is None:
            return None
        reads = int(level.Value.Value) & ~ua.AccessLevel.CurrentWrite.mask
        return ua.DataValue(ua.Variant(reads, ua.VariantType.Byte))
    return None


_FOR_ALL = {
    ua.NodeId(_IDS.ConditionType_ConditionRefresh),
    ua.NodeId(_IDS.ConditionType_ConditionRefresh2),
}
"""Methods by which nothing is changed."""


def may_call(space: AddressSpace, method: ua.NodeId, role: Role) -> bool:
    """Tell whether a role may call a method."""
    return method in _FOR_ALL or may(space, method, role, CALL)


def _said(space: AddressSpace, node_id: ua.NodeId) -> list[ua.RolePermissionType]:
    if node_id not in space:
        return []
    held = space[node_id].attributes.get(_AT.RolePermissions)
    return [] if held is None else list(held.value.Value.Value)
