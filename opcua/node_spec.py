"""A node of a plan: what is to be made, as data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from opcua.wire_values import Ref, Wire
from twin.model.base import Text
from twin.signals import Value, ValueType

__all__ = ["Derived", "NodeKind", "NodeSpec"]


class NodeKind(Enum):
    """What a node is."""

    FOLDER = "folder"
    OBJECT = "object"
    VARIABLE = "variable"
    METHOD = "method"


@dataclass(frozen=True, slots=True)
class Derived:
    """A value that follows from signals.

    Args:
        of: the (unit, signal) of each.
        value: makes it of their values, in that order, and their time in microseconds since
            1970-01-01 UTC.
    """

    of: tuple[tuple[str, str], ...]
    value: Callable[[tuple[Value, ...], int], Wire]


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """One node to make.

    Args:
        node: its id, a string without the namespace index.
        parent: id of the node above; empty for the Objects folder.
        browse_name: its own name.
        kind: what it is. A method is no node of its own: the object refers to its type's.
        text: what it means, in English and Chinese; None where the name says it all.
        key: for a variable that is a signal its (unit, signal); None for the rest.
        value_type: for a signal its type on the wire.
        low, high: for a variable its EURange; both or none.
        unit: its engineering unit, as on a screen; `1` for none.
        values: for an enumeration the name of each value.
        name_uri: namespace of the browse name; empty for the line's own.
        type_id: its type definition; None for the usual one of its kind.
        reference: how it hangs on its parent; None for the usual way of its kind.
        data_type, rank: of a variable; None for the usual one of its value's type, -1 for a scalar.
        held: the value of a variable that never changes.
        derived: where the value of a variable comes from that is no signal itself.
        writable: whether a client may write it.
        declaration: of a method the node in the type.
        listed_by: other nodes that refer to it: reference and node.
    """

    node: str
    parent: str
    browse_name: str
    kind: NodeKind
    text: Text | None = None
    key: tuple[str, str] | None = None
    value_type: ValueType | None = None
    low: float | None = None
    high: float | None = None
    unit: str = "1"
    values: tuple[tuple[int, str], ...] = ()
    name_uri: str = ""
    type_id: Ref | None = None
    reference: Ref | None = None
    data_type: Ref | None = None
    rank: int = -1
    held: Wire | None = None
    derived: Derived | None = None
    writable: bool = False
    declaration: Ref | None = None
    listed_by: tuple[tuple[Ref, Ref], ...] = ()
