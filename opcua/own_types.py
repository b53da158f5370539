"""Structures of a server's own: what members they have is asked of the server itself."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from asyncua import Client, ua
from asyncua.common.structures104 import load_custom_struct

__all__ = ["learn_types"]

_log = logging.getLogger(__name__)


async def learn_types(client: Client, plc: str, node_ids: Iterable[ua.NodeId]) -> None:
    """Ask a server for the structures that its nodes have (DataTypeDefinition).

    Args:
        client: connected.
        plc: whose they are, for the log.
        node_ids: of variables of which members are wanted.
    """
    seen: set[ua.NodeId] = set()
    for node_id in node_ids:
        try:
            await _learn(client, await client.get_node(node_id).read_data_type(), seen)
        except (ua.UaError, AttributeError, KeyError, TypeError, ValueError) as error:
            # asyncua raises the latter where a definition is not to be understood. Types of the
            # standards are known all the same; a tag whose value is not says so by itself.
            _log.warning("%s: what %s consists of can't be had: %s", plc, node_id, error)


async def _learn(client: Client, kind: ua.NodeId, seen: set[ua.NodeId]) -> None:
    """Learn a type after those of its members; one request at a time, so that no limit is met."""
    # asyncua knows the types of the standard.
    if kind.NamespaceIndex == 0 or kind in seen:
        return
    seen.add(kind)
    node = client.get_node(kind)
    made = await node.read_data_type_definition()
    if isinstance(made, ua.StructureDefinition):
        for member in made.Fields:
            await _learn(client, member.DataType, seen)
        await load_custom_struct(node)
