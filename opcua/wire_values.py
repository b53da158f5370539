"""Names and values of OPC UA as plain data: what a plan says, and what a NodeSet file holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

__all__ = [
    "BASE",
    "Argument",
    "EnumValue",
    "Localized",
    "QName",
    "Ref",
    "Span",
    "Structure",
    "Unit",
    "Wire",
    "base",
]

BASE = "http://opcfoundation.org/UA/"
"""The namespace of the OPC UA standard itself."""


class Ref(NamedTuple):
    """A node: its namespace's URI and its identifier there."""

    uri: str
    ident: int | str


class QName(NamedTuple):
    """A qualified name: its namespace's URI, and the name."""

    uri: str
    name: str


class Localized(NamedTuple):
    """A text in one language; an empty locale says nothing of it."""

    text: str
    locale: str = ""


class Span(NamedTuple):
    """OPC UA's Range."""

    low: float
    high: float


class Unit(NamedTuple):
    """OPC UA's EUInformation: unit as on a screen; its common code (UNECE Recommendation 20)."""

    shown: str
    code: str


class Argument(NamedTuple):
    """An argument of a method."""

    name: str
    data_type: Ref
    rank: int = -1
    text: str = ""


class EnumValue(NamedTuple):
    """OPC UA's EnumValueType: a number and its name."""

    value: int
    name: str


class Structure(NamedTuple):
    """A structure of a companion standard: its binary encoding's node, and the encoded fields."""

    encoding: Ref
    body: bytes


@dataclass(frozen=True, slots=True)
class Wire:
    """A value with its built-in type, ready to be sent.

    Args:
        type: name of the built-in type (OPC 10000-6, 5.1.2), as `Int32`, `ExtensionObject`.
        value: a bool, int, float, str, bytes or one of this module's; a tuple of them for an
            array; None for no value.
        status: status code; 0 is Good.
    """

    type: str
    value: object
    status: int = 0


def base(ident: int) -> Ref:
    """Name a node of the OPC UA standard.

    >>> base(85)
    Ref(uri='http://opcfoundation.org/UA/', ident=85)
    """
    return Ref(BASE, ident)
