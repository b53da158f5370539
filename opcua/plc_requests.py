"""Requests to a server in portions that it takes; what a server says of its limits."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from asyncua import Client, ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary

from opcua.tag_map import Address
from opcua.wire_values import BASE

__all__ = ["Portions", "ask", "ask_raw", "resolve"]

_T = TypeVar("_T")
_R = TypeVar("_R")
_CODES = ua.StatusCodes
_TOO_MUCH = {
    _CODES.BadTooManyOperations,
    _CODES.BadEncodingLimitsExceeded,
    _CODES.BadRequestTooLarge,
    _CODES.BadResponseTooLarge,
    _CODES.BadTcpMessageTooLarge,
}
_IDS = ua.ObjectIds
_ASKED = (
    _IDS.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead,
    _IDS.Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall,
    _IDS.Server_ServerCapabilities_OperationLimits_MaxNodesPerTranslateBrowsePathsToNodeIds,
    _IDS.Server_ServerCapabilities_OperationLimits_MaxNodesPerBrowse,
)


async def ask_raw(client: Client, request: object, timeout_s: float | None = None) -> Buffer:
    """Send a request and return the body of the answer.

    Args:
        client: connected.
        request: one of asyncua's.
        timeout_s: longest wait for the answer; 0: no limit; None: the client's.

    Raises:
        ConnectionError: the connection is closed.
        UaError: the server refuses.
        TimeoutError: no answer came.
    """
    protocol = client.uaclient.protocol
    if protocol is None:
        raise ConnectionError("connection is closed")
    return await protocol.send_request(request, timeout_s)


async def ask(client: Client, request: object, kind: type) -> Any:
    """Send a request and return the answer, which must be good; raises as `ask_raw`."""
    response = struct_from_binary(kind, await ask_raw(client, request))
    response.ResponseHeader.ServiceResult.check()
    return response


@dataclass(slots=True)
class Portions:
    """How much a server takes in one request.

    Args:
        most: never more than this, at least 1.
        read, items, paths, browse: what it says, or what it has been found to take.
    """

    most: int
    read: int = 0
    items: int = 0
    paths: int = 0
    browse: int = 0

    async def learn(self, client: Client) -> None:
        """Ask the server for its limits; one that does not say has none."""
        node_ids = [ua.NodeId(number) for number in _ASKED]
        try:
            values = await client.uaclient.read_attributes(node_ids, ua.AttributeIds.Value)
        except ua.UaStatusCodeError:
            return
        said = [
            int(one.Value.Value) if one.Value is not None and one.Value.Value else 0
            for one in values
        ]
        self.read, self.items, self.paths, self.browse = said

    async def each(
        self, what: str, things: Sequence[_T], do: Callable[[Sequence[_T]], Awaitable[list[_R]]]
    ) -> list[_R]:
        """Ask for things in portions; a portion that is too large is halved, and remembered.

        Args:
            what: `read`, `items`, `paths` or `browse`.
            things: what is asked for.
            do: asks for a portion, and returns an answer for each.

        Returns:
            An answer for each, in their order.
        """
        answers: list[_R] = []
        while len(answers) < len(things):
            size = min(self.most, getattr(self, what) or self.most)
            portion = things[len(answers) : len(answers) + size]
            try:
                answers += await do(portion)
            except ua.UaStatusCodeError as error:
                if error.code not in _TOO_MUCH or len(portion) == 1:
                    raise
                setattr(self, what, len(portion) // 2)
        return answers


async def resolve(
    client: Client, addresses: Sequence[Address], portions: Portions
) -> tuple[list[ua.NodeId | None], set[str]]:
    """Find the node ids of addresses, by the server's namespaces as they are now.

    Args:
        client: connected.
        addresses: what is looked for.
        portions: how much the server takes at once.

    Returns:
        A node id for each, None for what is not there; and the namespaces that are not there.
    """
    table = await client.get_namespace_array()
    # A server's own namespace 0 is that of the standard, whatever it says.
    index = {uri: i for i, uri in enumerate(table)} | {BASE: 0}
    found: list[ua.NodeId | None] = [None] * len(addresses)
    paths: list[tuple[int, ua.BrowsePath]] = []
    for i, address in enumerate(addresses):
        uris = {address.uri} if address.node else {uri for uri, _ in address.path}
        if not uris <= index.keys():
            continue
        if address.node:
            found[i] = _node_id(address.node, index[address.uri])
        else:
            paths.append((i, _browse_path(address, index)))

    async def translate(portion: Sequence[tuple[int, ua.BrowsePath]]) -> list[Any]:
        answers = await client.uaclient.translate_browsepaths_to_nodeids(
            [path for _, path in portion]
        )
        return list(answers)

    answers = await portions.each("paths", paths, translate)
    for (i, _), answer in zip(paths, answers, strict=True):
        if answer.StatusCode.is_good() and answer.Targets:
            target = answer.Targets[0].TargetId
            found[i] = ua.NodeId(target.Identifier, target.NamespaceIndex, target.NodeIdType)
    wanted = {a.uri if a.node else uri for a in addresses for uri, _ in a.path or ((a.uri, ""),)}
    return found, wanted - index.keys()


def _node_id(text: str, index: int) -> ua.NodeId:
    """Make a node id; asyncua's own reader stumbles over texts with a semicolon."""
    kind, _, ident = text.partition("=")
    match kind:
        case "i":
            return ua.NodeId(int(ident), index)
        case "g":
            return ua.NodeId(UUID(ident), index, ua.NodeIdType.Guid)
        case "b":
            return ua.NodeId(b64decode(ident), index, ua.NodeIdType.ByteString)
        case _:
            return ua.NodeId(ident, index, ua.NodeIdType.String)


def _browse_path(address: Address, index: dict[str, int]) -> ua.BrowsePath:
    path = ua.BrowsePath()
    path.StartingNode = ua.NodeId(_IDS.ObjectsFolder)
    path.RelativePath.Elements = [
        ua.RelativePathElement(
            ReferenceTypeId=ua.NodeId(_IDS.HierarchicalReferences),
            IsInverse=False,
            IncludeSubtypes=True,
            TargetName=ua.QualifiedName(name, index[uri]),
        )
        for uri, name in address.path
    ]
    return path
