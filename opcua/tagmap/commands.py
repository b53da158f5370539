"""The commands of a tag map's file, written out for each unit."""

from __future__ import annotations

from collections.abc import Mapping

from opcua.tag_map import CommandPoint
from opcua.tagmap.model import CommandTag, Constant, PlcTags
from opcua.tagmap.placeholders import filled
from opcua.tagmap.places import address
from opcua.tagmap.units import CANONICAL, NAMED_VALUES, Unit
from twin.errors import QuantityError
from twin.model.nearest import did_you_mean

__all__ = ["command_point"]


def command_point(
    name: str,
    tag: CommandTag,
    prefix: str,
    unit: Unit,
    of: PlcTags,
    places: Mapping[str, str | int],
) -> CommandPoint:
    """Write a command out for a unit.

    Args:
        name: the command's.
        tag: what the file says of it.
        prefix: of the entry that it is in.
        unit: the unit.
        of: the PLC's part of the file.
        places: what placeholders stand for.

    Raises:
        QuantityError: something of it is wrong.
    """
    uri = of.namespace
    if tag.namespace:
        if tag.namespace not in of.namespaces:
            raise QuantityError(f"must have a known namespace, got {tag.namespace}")
        uri = of.namespaces[tag.namespace]

    def node(text: str) -> str:
        full = text.startswith(("nsu=", "ns=", "i=", "g=", "b=", "s="))
        return filled(text if full else prefix + text, places)

    where = address(
        node(tag.node) if tag.node else "",
        filled(prefix + tag.path, places) if tag.path else "",
        uri,
        of.namespaces,
    )
    return CommandPoint(
        name,
        unit.id,
        where,
        address(node(tag.object), "", uri, of.namespaces) if tag.object else None,
        tag.low,
        tag.high,
        tag.role,
        tuple(_condition(unit, key, values) for key, values in tag.when.items()),
        10.0 if tag.every is None else tag.every / 1e6,
        address(node(tag.read_back), "", uri, of.namespaces) if tag.read_back else None,
        tag.type or "",
    )


def _condition(unit: Unit, key: str, values: tuple[Constant, ...]) -> tuple[str, tuple[float, ...]]:
    signal = CANONICAL.get(key, key)
    if signal not in unit.signals:
        hint = did_you_mean(key, [*CANONICAL, *unit.signals])
        raise QuantityError(f"must ask for a signal of {unit.id} under when, got {key}; {hint}")
    names = NAMED_VALUES.get(signal, {})
    wanted = []
    for value in values:
        if isinstance(value, str) and value not in names:
            hint = did_you_mean(value, names, "a number")
            raise QuantityError(f"must ask for values of {key}, got {value}; {hint}")
        wanted.append(float(names[value] if isinstance(value, str) else value))
    return signal, tuple(wanted)
