"""Structures of the companion standards in OPC UA binary (OPC 10000-6, 5.2.6), by definition.

asyncua makes a class of each structure and keeps it by its number for the whole process; servers of
one process number their namespaces each in its own way. So here a structure is a mapping.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import cache
from typing import Any

from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import from_binary, to_binary

from opcua.nodeset_file import Field
from opcua.standards import binary_encoding, standard_node, type_closure
from opcua.wire_values import BASE, Ref, Structure, base

__all__ = ["decoded", "encoded", "structure"]

Fields = Mapping[str, Any]

# The base standard's types that the companion standards' structures are made of.
_LEAVES: dict[int, type | str] = {
    1: "Boolean",
    4: "Int16",
    6: "Int32",
    7: "UInt32",
    8: "Int64",
    9: "UInt64",
    11: "Double",
    12: "String",
    13: "DateTime",
    15: "ByteString",
    17: "NodeId",
    21: ua.LocalizedText,
    22: ua.ExtensionObject,
    24: ua.Variant,
    29: "Int32",
    290: "Double",
    294: "DateTime",
    540: ua.RelativePath,
    887: ua.EUInformation,
    12878: "String",
    12881: "String",
    12877: "String",
    12879: "String",
    31918: "String",
}
"""By number; 290 Duration, 294 UtcTime, 12877 to 12881 and 31918 are subtypes of String."""


def structure(data_type: Ref, fields: Fields) -> Structure:
    """Make a structure that can be sent.

    Args:
        data_type: of a companion standard.
        fields: by name; an optional one may be left out, and so may one that is null or empty.

    Raises:
        KeyError: the data type has no such field.

    >>> from opcua.standards import VISION
    >>> structure(Ref(VISION, 3021), {"Id": "AVI01-7"}).body
    b'\\x07\\x00\\x00\\x00AVI01-7'
    """
    return Structure(binary_encoding(data_type), encoded(data_type, fields))


def encoded(data_type: Ref, fields: Fields) -> bytes:
    """Encode the fields of a structure; arguments and errors as those of `structure`."""
    known = _known(data_type)
    if unknown := fields.keys() - {field.name for field in known}:
        raise KeyError(f"{standard_node(data_type).name.name} has no {', '.join(sorted(unknown))}")
    optional = [field.name for field in known if field.optional]
    parts = []
    if optional:
        mask = sum(1 << bit for bit, name in enumerate(optional) if name in fields)
        parts.append(struct.pack("<I", mask))
    for field in known:
        if field.optional and field.name not in fields:
            continue
        value = fields.get(field.name)
        if field.rank < 1:
            parts.append(_one(field.data_type, value))
        else:
            values = () if value is None else tuple(value)
            parts.append(struct.pack("<i", len(values)))
            parts += [_one(field.data_type, each) for each in values]
    return b"".join(parts)


def _one(data_type: Ref, value: Any) -> bytes:
    kind = _leaf(data_type)
    if kind is None:
        return value if isinstance(value, bytes) else encoded(data_type, value or {})
    if value is None and isinstance(kind, type):
        value = kind()
    elif value is None and kind not in ("String", "ByteString"):
        value = 0
    if kind == "DateTime" and value == 0:
        return bytes(8)
    return bytes(_written(kind, value))


def _written(kind: type | str, value: Any) -> bytes:
    return bytes(to_binary(_type(kind), value))


def decoded(data_type: Ref, body: bytes) -> dict[str, Any]:
    """Decode a structure.

    Args:
        data_type: of a companion standard.
        body: its fields in OPC UA binary.

    Returns:
        The fields that are there, by name; structures as mappings, arrays as lists, the base
        standard's types as asyncua's.

    Raises:
        ValueError: it is no such structure, or there is more behind it.

    >>> from opcua.standards import VISION
    >>> decoded(Ref(VISION, 3021), structure(Ref(VISION, 3021), {"Id": "AVI01-7"}).body)
    {'Id': 'AVI01-7'}
    """
    data = Buffer(body)
    try:
        found = _fields(data_type, data)
        rest = len(data)
    except (struct.error, ua.UaError, ValueError, TypeError, IndexError, RecursionError) as error:
        name = standard_node(data_type).name.name
        raise ValueError(f"must be a {name} in OPC UA binary: {error}") from error
    if rest:
        raise ValueError(f"{rest} bytes too many")
    return found


def _fields(data_type: Ref, data: Buffer) -> dict[str, Any]:
    known = _known(data_type)
    optional = [field.name for field in known if field.optional]
    mask = struct.unpack("<I", data.read(4))[0] if optional else 0
    there = {name for bit, name in enumerate(optional) if mask & 1 << bit}
    found: dict[str, Any] = {}
    for field in known:
        if field.optional and field.name not in there:
            continue
        if field.rank < 1:
            found[field.name] = _read(field.data_type, data)
            continue
        (count,) = struct.unpack("<i", data.read(4))
        if count > len(data):
            raise ValueError(f"{field.name}: {count} values announced")
        found[field.name] = [_read(field.data_type, data) for _ in range(count)]
    return found


def _read(data_type: Ref, data: Buffer) -> Any:
    kind = _leaf(data_type)
    return _fields(data_type, data) if kind is None else from_binary(_type(kind), data)


@cache
def _known(data_type: Ref) -> tuple[Field, ...]:
    """The fields of a structure, those that it inherits first."""
    chain = [each for each in type_closure(data_type) if each.uri != BASE]
    return tuple(field for each in reversed(chain) for field in standard_node(each).fields)


def _type(kind: type | str) -> Any:
    return getattr(ua, kind) if isinstance(kind, str) else kind


@cache
def _leaf(data_type: Ref) -> type | str | None:
    """How a type of the base standard is written; None: it is a structure of a companion one."""
    for each in type_closure(data_type) if data_type.uri != BASE else (data_type,):
        if each == base(22) and data_type.uri != BASE:
            return None
        if each.uri == BASE and isinstance(each.ident, int):
            return _LEAVES[each.ident]
    return None
