"""An attribute of a node, as asyncua holds it, in a third of the memory: a PLC has a million."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from asyncua import ua
from asyncua.server.address_space import NodeData

__all__ = ["Attribute", "share"]


class Attribute:
    """What asyncua's `AttributeValue` is, without a dictionary of its own and one of callbacks.

    Args:
        value: the attribute's.

    >>> Attribute(ua.DataValue()).datachange_callbacks
    {}
    """

    __slots__ = ("_callbacks", "value", "value_callback", "value_setter")

    def __init__(self, value: ua.DataValue) -> None:
        self.value: ua.DataValue | None = value
        self.value_callback: Callable[..., Any] | None = None
        self.value_setter: Callable[..., None] | None = None
        self._callbacks: dict[int, Callable[..., Any]] | None = None

    @property
    def datachange_callbacks(self) -> dict[int, Callable[..., Any]]:
        """Who is told when the value changes; made when first asked for."""
        if self._callbacks is None:
            self._callbacks = {}
        return self._callbacks


def share(nodes: Iterable[NodeData]) -> None:
    """Let nodes that stay as they are have one attribute where their values are equal."""
    known: dict[tuple[Any, ...], Attribute] = {}
    for node in nodes:
        held: Mapping[ua.AttributeIds, Any] = node.attributes
        node.attributes = {name: _shared(one.value, known) for name, one in held.items()}


def _shared(value: ua.DataValue, known: dict[tuple[Any, ...], Attribute]) -> Attribute:
    said = value.Value
    if said is None or not isinstance(said.Value, bool | int | float | ua.NodeId):
        return Attribute(value)
    status = value.StatusCode.value if value.StatusCode else None
    of = (type(said.Value), said.Value, said.VariantType, status, value.SourceTimestamp)
    return known.setdefault(of, Attribute(value))
