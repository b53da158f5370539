"""A line's address space as files: NodeSet2 XML for engineering tools, a CSV list of its tags."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from opcua.address_space import plan, plc_ids
from opcua.naming import Syntax
from opcua.node_spec import NodeKind, NodeSpec
from opcua.personality import GENERIC, Personality, dress, own_uri
from opcua.properties import properties, signal_type
from opcua.setpoint_nodes import setpoint_specs
from opcua.standards import STANDARD_URIS, nodesets
from opcua.units import UNITS_URI, common_code, unit_number
from opcua.wire_values import BASE, Localized, Ref, Span, Structure, Unit, Wire, base
from twin.model.line import Line
from twin.signals import ValueType

__all__ = ["nodeset_xml", "tags_csv"]

_XML = "http://opcfoundation.org/UA/2011/03/UANodeSet.xsd"
_TYPES = "http://opcfoundation.org/UA/2008/02/Types.xsd"
_HAS_TYPE, _ORGANIZES, _HAS_COMPONENT = base(40), base(35), base(47)
_FOLDER, _OBJECT, _VARIABLE = base(61), base(58), base(63)
_OBJECTS_FOLDER = base(85)
_BUILT_IN = {
    ValueType.BOOLEAN: base(1),
    ValueType.INT32: base(6),
    ValueType.INT64: base(8),
    ValueType.DOUBLE: base(11),
}
_NEEDED = {"Version": "1.05.01", "PublicationDate": "2022-02-24T00:00:00Z"}
"""Of the OPC UA standard itself, what the newest of the companion standards' types need."""
CSV_COLUMNS = (
    "plc", "node_id", "unit", "signal", "data_type", "engineering_unit", "unece_code",
    "low", "high", "access", "description_en", "description_zh",
)  # fmt: skip


def _specs(line: Line, make: Personality) -> Iterator[tuple[str, NodeSpec]]:
    """Every node of a line with its PLC; equipment that several PLCs have a part of comes once."""
    seen: set[str] = set()
    for plc in plc_ids(line):
        for spec in dress((*plan(line, plc), *setpoint_specs(line, plc)), make, line):
            if spec.node not in seen:
                seen.add(spec.node)
                yield plc, spec


def tags_csv(line: Line, make: Personality = GENERIC) -> str:
    """List a line's signals, one a row, in the order of its plan.

    Args:
        line: the line.
        make: the make of PLC whose node ids are written.

    Returns:
        CSV with a head row; node ids name the namespace by its URI, as `nsu=...;s=...`.

    >>> line = Line.model_validate(
    ...     {"id": "L1", "stations": ({"id": "A", "cycle_time": "1 s"},)})
    >>> print(tags_csv(line).splitlines()[1])  # doctest: +ELLIPSIS
    PLC,nsu=urn:linetwin:ENTERPRISE:SITE:L1;s=L1/A/A01/Status/StateCurrent,A01,state_current,...
    """
    text = StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(CSV_COLUMNS)
    uri = own_uri(make, line)
    for plc, spec in _specs(line, make):
        if spec.key is None or spec.value_type is None:
            continue
        rows.writerow(
            (
                plc,
                f"nsu={uri};s={make.syntax.ident(spec.node)}",
                *spec.key,
                spec.value_type.value,
                "" if spec.unit == "1" else spec.unit,
                common_code(spec.unit) if spec.unit != "1" else "",
                "" if spec.low is None else spec.low,
                "" if spec.high is None else spec.high,
                "read write" if spec.writable else "read",
                spec.text.en if spec.text else "",
                spec.text.zh if spec.text else "",
            )
        )
    return text.getvalue()


def nodeset_xml(line: Line, make: Personality = GENERIC) -> str:
    """Write a line's whole address space as a NodeSet2 document (OPC 10000-6, annex F).

    Values that never change are in it, but for the companion standards' structures; those
    of signals are the running PLC's to say. It needs the companion standards, which it names.

    Args:
        line: the line.
        make: the make of PLC whose node ids are written.
    """
    writer = _Writer(own_uri(make, line), make.syntax)
    return writer.document(spec for _, spec in _specs(line, make))


class _Writer:
    """Knows the document's namespaces."""

    def __init__(self, uri: str, syntax: Syntax) -> None:
        self._uri = uri
        self._syntax = syntax
        uris = (BASE, uri, *STANDARD_URIS)
        self._index = {each: index for index, each in enumerate(uris)}

    def document(self, specs: Iterator[NodeSpec]) -> str:
        root = Element("UANodeSet", {"xmlns": _XML, "xmlns:uax": _TYPES})
        uris = SubElement(root, "NamespaceUris")
        for uri in list(self._index)[1:]:
            SubElement(uris, "Uri").text = uri
        model = SubElement(SubElement(root, "Models"), "Model", {"ModelUri": self._uri})
        SubElement(model, "RequiredModel", {"ModelUri": BASE, **_NEEDED})
        for known in nodesets():
            SubElement(
                model,
                "RequiredModel",
                {
                    "ModelUri": known.uri,
                    "Version": known.version,
                    "PublicationDate": known.published,
                },
            )
        made: dict[str, Element] = {}
        for spec in specs:
            if spec.kind is NodeKind.METHOD:
                self._method(made[spec.parent], spec)
            else:
                made[spec.node] = self._node(root, spec)
                for own in properties(spec) if spec.key is not None else ():
                    self._node(root, own)
        ElementTree.indent(root)
        return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(
            root, encoding="unicode"
        )

    def _id(self, ref: Ref) -> str:
        kind = "i" if isinstance(ref.ident, int) else "s"
        index = self._index[ref.uri]
        return f"ns={index};{kind}={ref.ident}" if index else f"{kind}={ref.ident}"

    def _own(self, node: str) -> str:
        return self._id(Ref(self._uri, self._syntax.ident(node)))

    def _node(self, root: Element, spec: NodeSpec) -> Element:
        is_variable = spec.kind is NodeKind.VARIABLE
        name_index = self._index[spec.name_uri or self._uri]
        name = f"{name_index}:{spec.browse_name}" if name_index else spec.browse_name
        said = {"NodeId": self._own(spec.node), "BrowseName": name}
        if spec.parent:
            said["ParentNodeId"] = self._own(spec.parent)
        if is_variable:
            said["DataType"] = self._id(_data_type(spec))
            if spec.writable:
                said["AccessLevel"] = "3"
            if spec.rank > 0:
                said |= {"ValueRank": str(spec.rank), "ArrayDimensions": "0"}
        node = SubElement(root, "UAVariable" if is_variable else "UAObject", said)
        SubElement(node, "DisplayName").text = spec.browse_name
        if spec.text is not None:
            SubElement(node, "Description", {"Locale": "en"}).text = spec.text.en
            SubElement(node, "Description", {"Locale": "zh"}).text = spec.text.zh
        references = SubElement(node, "References")
        self._refer(references, _HAS_TYPE, self._id(_type_of(spec)))
        usual = _ORGANIZES if spec.kind is NodeKind.FOLDER else _HAS_COMPONENT
        if spec.parent:
            kind = spec.reference or usual
            self._refer(references, kind, self._own(spec.parent), forward=False)
        elif not spec.listed_by:
            self._refer(references, _ORGANIZES, self._id(_OBJECTS_FOLDER), forward=False)
        for kind, other in spec.listed_by:
            self._refer(references, kind, self._id(other), forward=False)
        if spec.held is not None and _can_be_written(spec.held.value):
            self._value(SubElement(node, "Value"), spec.held)
        return node

    def _method(self, above: Element, spec: NodeSpec) -> None:
        references = above.find("References")
        if references is not None and spec.declaration is not None:
            kind = spec.reference or _HAS_COMPONENT
            self._refer(references, kind, self._id(spec.declaration))

    def _refer(self, above: Element, kind: Ref, target: str, *, forward: bool = True) -> None:
        said = {"ReferenceType": self._id(kind)}
        if not forward:
            said["IsForward"] = "false"
        SubElement(above, "Reference", said).text = target

    def _value(self, above: Element, wire: Wire) -> None:
        if type(wire.value) is tuple:
            above = SubElement(above, f"uax:ListOf{wire.type}")
            for value in wire.value:
                self._one(above, wire.type, value)
        else:
            self._one(above, wire.type, wire.value)

    def _one(self, above: Element, kind: str, value: object) -> None:
        element = SubElement(above, f"uax:{kind}")
        match value:
            case Ref():
                SubElement(element, "uax:Identifier").text = self._id(value)
            case Localized():
                if value.locale:
                    SubElement(element, "uax:Locale").text = value.locale
                SubElement(element, "uax:Text").text = value.text
            case Span():
                body = self._structure(element, 885, "Range")
                SubElement(body, "uax:Low").text = repr(float(value.low))
                SubElement(body, "uax:High").text = repr(float(value.high))
            case Unit():
                body = self._structure(element, 888, "EUInformation")
                SubElement(body, "uax:NamespaceUri").text = UNITS_URI
                SubElement(body, "uax:UnitId").text = str(unit_number(value.shown))
                for name in ("DisplayName", "Description"):
                    text = SubElement(body, f"uax:{name}")
                    SubElement(text, "uax:Text").text = value.shown
            case bool():
                element.text = "true" if value else "false"
            case _:
                element.text = str(value)

    @staticmethod
    def _structure(element: Element, encoding: int, name: str) -> Element:
        type_id = SubElement(element, "uax:TypeId")
        SubElement(type_id, "uax:Identifier").text = f"i={encoding}"
        return SubElement(SubElement(element, "uax:Body"), f"uax:{name}")


def _can_be_written(value: object) -> bool:
    """Tell whether a value can be said in XML here: all but the companion standards' structures."""
    first = value[:1] if type(value) is tuple else (value,)
    return not any(isinstance(each, Structure | None) for each in first)


def _type_of(spec: NodeSpec) -> Ref:
    if spec.kind is NodeKind.FOLDER:
        return spec.type_id or _FOLDER
    if spec.kind is NodeKind.OBJECT:
        return spec.type_id or _OBJECT
    return signal_type(spec)


def _data_type(spec: NodeSpec) -> Ref:
    if spec.data_type is not None:
        return spec.data_type
    if spec.value_type is None:
        raise ValueError(f"{spec.node}: a variable must have a type")
    return _BUILT_IN[spec.value_type]
