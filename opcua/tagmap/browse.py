"""What variables a server has: walked from its Objects folder, within what it allows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from asyncua import Client, ua
from asyncua.ua.ua_binary import struct_from_binary

from opcua.plc_requests import Portions, ask_raw
from opcua.wire_values import BASE

__all__ = ["Variable", "browse"]

_MOST = 200_000
_DEEPEST = 30
_SERVER = ua.NodeId(ua.ObjectIds.Server)
_IDS = ua.AttributeIds


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of a server.

    Args:
        uri: namespace of its id.
        node: its id there, as `s=L1/A`.
        path: browse names from the Objects folder on, each with its namespace's URI.
        types: for each object above it, from the outermost on, the browse name of its type.
        data_type: name of the built-in type of its value; empty where it has none.
        shape: `` for a single value, `[3]` for an array of three.
        value: what it holds, as far as it is shown; None where it can't be read.
        status: name of the status code of the reading.
    """

    uri: str
    node: str
    path: tuple[tuple[str, str], ...]
    types: tuple[str, ...]
    data_type: str
    shape: str
    value: Any
    status: str

    @property
    def names(self) -> tuple[str, ...]:
        """Its path without namespaces."""
        return tuple(name for _, name in self.path)

    @property
    def full(self) -> str:
        """Its id in full, as `nsu=urn:x;s=L1/A`."""
        return f"nsu={self.uri};{self.node}" if self.uri != BASE else self.node


@dataclass(slots=True)
class _Seen:
    node_id: ua.NodeId
    path: tuple[tuple[str, str], ...]
    types: tuple[str, ...]


@dataclass(slots=True)
class _Walk:
    client: Client
    portions: Portions
    table: list[str]
    variables: list[_Seen] = field(default_factory=list)
    type_names: dict[ua.NodeId, str] = field(default_factory=dict)

    async def run(self) -> None:
        seen = {ua.NodeId(ua.ObjectIds.ObjectsFolder), _SERVER}
        level = [_Seen(ua.NodeId(ua.ObjectIds.ObjectsFolder), (), ())]
        for _ in range(_DEEPEST):
            if not level or len(seen) > _MOST:
                return
            found = await self.portions.each("browse", level, self._children)
            await self._name_types(found)
            following: list[_Seen] = []
            for above, references in zip(level, found, strict=True):
                for reference in references:
                    node_id = _local(reference.NodeId)
                    if node_id in seen:
                        continue
                    seen.add(node_id)
                    name = reference.BrowseName
                    path = (*above.path, (self._uri(name.NamespaceIndex), name.Name))
                    kind = self.type_names.get(_local(reference.TypeDefinition), "")
                    if reference.NodeClass == ua.NodeClass.Variable:
                        self.variables.append(_Seen(node_id, path, above.types))
                        following.append(_Seen(node_id, path, above.types))
                    else:
                        following.append(_Seen(node_id, path, (*above.types, kind)))
            level = following

    def _uri(self, index: int) -> str:
        return self.table[index] if 0 < index < len(self.table) else BASE

    async def _children(self, portion: Sequence[_Seen]) -> list[list[Any]]:
        request = ua.BrowseRequest()
        request.Parameters.NodesToBrowse = [
            ua.BrowseDescription(
                one.node_id,
                ua.BrowseDirection.Forward,
                ua.NodeId(ua.ObjectIds.HierarchicalReferences),
                True,
                ua.NodeClass.Object | ua.NodeClass.Variable,
                ua.BrowseResultMask.All,
            )
            for one in portion
        ]
        response = struct_from_binary(ua.BrowseResponse, await ask_raw(self.client, request))
        found = [list(result.References or ()) for result in response.Results]
        more = [
            (i, result.ContinuationPoint)
            for i, result in enumerate(response.Results)
            if result.ContinuationPoint
        ]
        while more:
            following = ua.BrowseNextRequest()
            following.Parameters.ContinuationPoints = [point for _, point in more]
            data = await ask_raw(self.client, following)
            results = struct_from_binary(ua.BrowseNextResponse, data).Results
            for (i, _), result in zip(more, results, strict=True):
                found[i] += result.References or ()
            more = [
                (i, result.ContinuationPoint)
                for (i, _), result in zip(more, results, strict=True)
                if result.ContinuationPoint
            ]
        return found

    async def _name_types(self, found: Sequence[Sequence[Any]]) -> None:
        wanted = {
            _local(reference.TypeDefinition) for references in found for reference in references
        }
        unknown = [one for one in wanted - self.type_names.keys() if not one.is_null()]
        values = await _read(self.client, self.portions, unknown, _IDS.BrowseName)
        for node_id, value in zip(unknown, values, strict=True):
            name = None if value.Value is None else value.Value.Value
            self.type_names[node_id] = "" if name is None else str(name.Name)


async def browse(client: Client) -> list[Variable]:
    """List the variables below a server's Objects folder, but for those of the server itself.

    Args:
        client: connected.

    Returns:
        At most 200,000, in the order in which they are found: level by level.
    """
    portions = Portions(1000)
    await portions.learn(client)
    table = list(await client.get_namespace_array())
    walk = _Walk(client, portions, table)
    await walk.run()
    ids = [one.node_id for one in walk.variables]
    values = await _read(client, portions, ids, _IDS.Value)
    return list(_described(walk, values))


def _described(walk: _Walk, values: Sequence[ua.DataValue]) -> Iterator[Variable]:
    for one, data in zip(walk.variables, values, strict=True):
        variant = data.Value
        held = None if variant is None else variant.Value
        empty = variant is None or variant.VariantType is ua.VariantType.Null
        text = one.node_id.to_string()
        if one.node_id.NamespaceIndex:
            text = text.partition(";")[2]
        yield Variable(
            walk.table[one.node_id.NamespaceIndex] if one.node_id.NamespaceIndex else BASE,
            text,
            one.path,
            one.types,
            "" if empty or variant is None else str(variant.VariantType.name),
            f"[{len(held)}]" if isinstance(held, list) else "",
            held,
            "Good" if data.StatusCode is None else str(data.StatusCode.name),
        )


async def _read(
    client: Client, portions: Portions, ids: Sequence[ua.NodeId], attribute: ua.AttributeIds
) -> list[ua.DataValue]:
    async def portion(some: Sequence[ua.NodeId]) -> list[ua.DataValue]:
        return list(await client.uaclient.read_attributes(list(some), attribute))

    return await portions.each("read", ids, portion)


def _local(node_id: Any) -> ua.NodeId:
    """A node id of this server, of an expanded one."""
    return ua.NodeId(node_id.Identifier, node_id.NamespaceIndex, node_id.NodeIdType)
