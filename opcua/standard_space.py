"""The standard address space (OPC 10000-5) and the companion standards': built once a process.

Building it takes some 2 s of CPU and 30 MB. A server copies a node when it first touches it, which
is seldom: ten PLCs start in the time of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from typing import Any, Protocol

from asyncua import ua
from asyncua.server.address_space import (
    AddressSpace,
    NodeData,
    NodeManagementService,
)
from asyncua.server.standard_address_space import standard_address_space

from opcua.attributes import Attribute, share
from opcua.collection import no_collection
from opcua.companion_space import with_companions
from opcua.standards import STANDARD_URIS
from opcua.ua_values import Namespaces

__all__ = ["StandardNodes", "standard_nodes"]


class _Late(Protocol):
    """Makes nodes when somebody asks for one."""

    def has(self, node_id: ua.NodeId, /) -> bool:
        """Whether there is such a node; if so it is there from now on."""


_template: dict[ua.NodeId, NodeData] = {}
_extended: dict[tuple[int, ...], dict[ua.NodeId, NodeData]] = {}
_building = Lock()


class StandardNodes(dict[ua.NodeId, NodeData]):
    """A server's nodes by id: its own, and of the standard ones a copy from the first touch on.

    Args:
        template: the standard nodes, which stay as they are.
    """

    def __init__(self, template: Mapping[ua.NodeId, NodeData]) -> None:
        super().__init__()
        self._template = template
        self.late: _Late | None = None

    def __missing__(self, node_id: ua.NodeId) -> NodeData:
        if node_id in self._template:
            copy = self[node_id] = _copy(self._template[node_id])
            return copy
        if self.late is not None and self.late.has(node_id):
            return self[node_id]
        raise KeyError(node_id)

    def __contains__(self, node_id: object) -> bool:
        if super().__contains__(node_id) or node_id in self._template:
            return True
        return self.late is not None and isinstance(node_id, ua.NodeId) and self.late.has(node_id)

    def get(self, node_id: ua.NodeId, default: Any = None) -> Any:
        """Return a node, or the default."""
        try:
            return self[node_id]
        except KeyError:
            return default

    def keys(self) -> Any:
        """List the ids of all nodes, touched or not."""
        return super().keys() | self._template.keys()


def standard_nodes(companions: Namespaces | None = None) -> StandardNodes:
    """Give a server the standard nodes: it may write to them, and to nothing of another's.

    Args:
        companions: index of each namespace in the server's table, the companion standards' among
            them; None: without those standards.
    """
    with _building:
        if not _template:
            _template.update(_build())
        if companions is None:
            return StandardNodes(_template)
        order = tuple(companions[uri] for uri in STANDARD_URIS)
        if order not in _extended:
            with no_collection():
                _extended[order] = with_companions(_template, companions)
        return StandardNodes(_extended[order])


def _build() -> dict[ua.NodeId, NodeData]:
    space = AddressSpace()
    with no_collection():
        standard_address_space.fill_address_space(NodeManagementService(space))
    made = {node_id: space[node_id] for node_id in space.keys()}  # noqa: SIM118 -- no mapping
    share(made.values())
    return made


def _copy(node: NodeData) -> NodeData:
    copy = NodeData(node.nodeid)
    # Values and references are replaced, never changed in place; what holds them is changed.
    copy.attributes = {name: Attribute(held.value) for name, held in node.attributes.items()}
    copy.references = list(node.references)
    copy.call = node.call
    return copy
