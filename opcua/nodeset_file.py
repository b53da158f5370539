"""Read a published NodeSet2 file (OPC 10000-6, annex F) into plain data."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from xml.etree.ElementTree import Element, parse

from opcua.wire_values import BASE, Argument, EnumValue, Localized, QName, Ref, Span, Wire

__all__ = ["Field", "NodeSet", "StandardNode", "read_nodeset"]

_XML = "{http://opcfoundation.org/UA/2011/03/UANodeSet.xsd}"
_TYPES = "{http://opcfoundation.org/UA/2008/02/Types.xsd}"
_NODE_ID = re.compile(r"(?:ns=(\d+);)?(?:i=(\d+)|s=(.*))", re.DOTALL)
_NAME = re.compile(r"(?:(\d+):)?(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a structure, or a value of an enumeration.

    Args:
        name: its name.
        data_type: of a structure's field.
        rank: of a structure's field; -1 for a scalar.
        value: of an enumeration.
        optional: whether a structure may leave it out.
    """

    name: str
    data_type: Ref
    rank: int
    value: int
    optional: bool


@dataclass(frozen=True, slots=True)
class StandardNode:
    """A node of a published NodeSet.

    Args:
        ref: its id.
        node_class: `Object`, `Variable`, `Method`, `ObjectType`, `VariableType`, `DataType` or
            `ReferenceType`.
        name: its browse name.
        shown: its display name.
        text: its description, if any.
        references: (reference type, forward, target).
        data_type, rank, dimensions: of a variable or variable type.
        value: of a variable; None where the file gives none that can be read.
        is_abstract: of a type.
        symmetric, inverse: of a reference type.
        fields: of a data type that is a structure or an enumeration.
        declaration: of a method the one that it repeats.
    """

    ref: Ref
    node_class: str
    name: QName
    shown: str
    text: str
    references: tuple[tuple[Ref, bool, Ref], ...]
    data_type: Ref
    rank: int
    dimensions: tuple[int, ...]
    value: Wire | None
    is_abstract: bool
    symmetric: bool
    inverse: str
    fields: tuple[Field, ...]
    declaration: Ref | None


@dataclass(frozen=True, slots=True)
class NodeSet:
    """A published NodeSet: its namespace, version and date of publication, and its nodes."""

    uri: str
    version: str
    published: str
    requires: tuple[str, ...]
    nodes: tuple[StandardNode, ...]


def read_nodeset(path: Path) -> NodeSet:
    """Read a file.

    Args:
        path: a NodeSet2 file with one model, as the OPC Foundation publishes them.
    """
    root = parse(path).getroot()  # noqa: S314 -- our own package's files
    reader = _Reader(
        [BASE, *(uri.text or "" for uri in root.iterfind(f"{_XML}NamespaceUris/{_XML}Uri"))],
        {
            str(alias.get("Alias")): alias.text or ""
            for alias in root.iterfind(f"{_XML}Aliases/{_XML}Alias")
        },
    )
    model = next(root.iterfind(f"{_XML}Models/{_XML}Model"))
    return NodeSet(
        str(model.get("ModelUri")),
        model.get("Version", ""),
        model.get("PublicationDate", ""),
        tuple(str(needed.get("ModelUri")) for needed in model),
        tuple(reader.node(element) for element in root if element.get("NodeId")),
    )


class _Reader:
    """Knows a file's namespaces and aliases."""

    def __init__(self, uris: list[str], aliases: dict[str, str]) -> None:
        self._uris = uris
        self._aliases = aliases

    def ref(self, text: str) -> Ref:
        found = _NODE_ID.fullmatch(self._aliases.get(text, text).strip())
        if found is None:
            raise ValueError(f"a NodeSet must name nodes as ns=1;i=2 or ns=1;s=name, got {text!r}")
        index, number, name = found.groups()
        return Ref(self._uris[int(index or 0)], name if number is None else int(number))

    def name(self, text: str) -> QName:
        found = _NAME.fullmatch(text)
        index, name = found.groups() if found else (None, text)
        return QName(self._uris[int(index or 0)], name)

    def node(self, element: Element) -> StandardNode:
        name = self.name(element.get("BrowseName", ""))
        declaration = element.get("MethodDeclarationId")
        value = element.find(f"{_XML}Value")
        return StandardNode(
            ref=self.ref(element.get("NodeId", "")),
            node_class=element.tag.removeprefix(f"{_XML}UA"),
            name=name,
            shown=_text(element, f"{_XML}DisplayName") or name.name,
            text=_text(element, f"{_XML}Description"),
            references=tuple(
                (
                    self.ref(reference.get("ReferenceType", "")),
                    reference.get("IsForward", "true") != "false",
                    self.ref(reference.text or ""),
                )
                for reference in element.iterfind(f"{_XML}References/{_XML}Reference")
            ),
            data_type=self.ref(element.get("DataType", "i=24")),
            rank=int(element.get("ValueRank", "-1")),
            dimensions=tuple(int(n) for n in element.get("ArrayDimensions", "").split(",") if n),
            value=self._value(value[0]) if value is not None and len(value) else None,
            is_abstract=element.get("IsAbstract") == "true",
            symmetric=element.get("Symmetric") == "true",
            inverse=_text(element, f"{_XML}InverseName"),
            fields=tuple(self._fields(element)),
            declaration=self.ref(declaration) if declaration else None,
        )

    def _fields(self, element: Element) -> Iterator[Field]:
        for field in element.iterfind(f"{_XML}Definition/{_XML}Field"):
            yield Field(
                field.get("Name", ""),
                self.ref(field.get("DataType", "i=24")),
                int(field.get("ValueRank", "-1")),
                int(field.get("Value", "-1")),
                field.get("IsOptional") == "true",
            )

    def _value(self, element: Element) -> Wire | None:
        """The value of a variable; None for structures that only their own standard knows."""
        kind = element.tag.removeprefix(_TYPES)
        if kind.startswith("ListOf"):
            items = [self._value(item) for item in element]
            if any(item is None for item in items):
                return None
            return Wire(kind.removeprefix("ListOf"), tuple(item.value for item in items if item))
        if kind == "ExtensionObject":
            structure = self._structure(element)
            return None if structure is None else Wire(kind, structure)
        if kind == "LocalizedText":
            return Wire(kind, Localized(_text(element, f"{_TYPES}Text"), _locale(element)))
        if kind == "QualifiedName":
            index = int(_text(element, f"{_TYPES}NamespaceIndex") or 0)
            return Wire(kind, QName(self._uris[index], _text(element, f"{_TYPES}Name")))
        read = _SCALARS.get(kind)
        return None if read is None else Wire(kind, read((element.text or "").strip()))

    def _structure(self, element: Element) -> object:
        body = element.find(f"{_TYPES}Body")
        inner = body[0] if body is not None and len(body) else None
        if inner is None:
            return None
        match inner.tag.removeprefix(_TYPES):
            case "Argument":
                return Argument(
                    _text(inner, f"{_TYPES}Name"),
                    self.ref(_text(inner, f"{_TYPES}DataType/{_TYPES}Identifier") or "i=24"),
                    int(_text(inner, f"{_TYPES}ValueRank") or -1),
                    _text(inner, f"{_TYPES}Description/{_TYPES}Text"),
                )
            case "EnumValueType":
                number = int(_text(inner, f"{_TYPES}Value"))
                return EnumValue(number, _text(inner, f"{_TYPES}DisplayName/{_TYPES}Text"))
            case "Range":
                low, high = (_text(inner, f"{_TYPES}{end}") for end in ("Low", "High"))
                return Span(float(low), float(high))
        return None


def _text(element: Element, path: str) -> str:
    return (element.findtext(path) or "").strip()


def _locale(element: Element) -> str:
    return _text(element, f"{_TYPES}Locale")


_SCALARS: dict[str, Callable[[str], object]] = {
    "Boolean": lambda text: text == "true",
    "ByteString": base64.b64decode,
    "DateTime": datetime.fromisoformat,
    "Double": float,
    "Float": float,
    "Int32": int,
    "String": str,
    "UInt16": int,
    "UInt32": int,
}
