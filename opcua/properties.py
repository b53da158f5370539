"""The standard properties of a signal: range, engineering unit, names of values; as plain nodes."""

from __future__ import annotations

from collections.abc import Iterator

from opcua.node_spec import NodeKind, NodeSpec
from opcua.units import common_code
from opcua.wire_values import BASE, Localized, Ref, Span, Unit, Wire, base

__all__ = ["properties", "signal_type"]

_VARIABLE, _PROPERTY, _HAS_PROPERTY = base(63), base(68), base(46)
_ANALOG_UNIT_RANGE, _ANALOG_UNIT = base(17570), base(17497)
_RANGE, _EU_INFORMATION, _LOCALIZED_TEXT = base(884), base(887), base(21)


def signal_type(spec: NodeSpec) -> Ref:
    """Find a signal's type definition: what the plan says, or by range and unit."""
    if spec.type_id is not None:
        return spec.type_id
    if spec.low is not None and spec.high is not None:
        return _ANALOG_UNIT_RANGE
    return _ANALOG_UNIT if spec.unit != "1" else _VARIABLE


def properties(spec: NodeSpec) -> Iterator[NodeSpec]:
    """Plan the properties of a signal."""
    ranged = spec.low is not None and spec.high is not None
    if spec.low is not None and spec.high is not None:
        yield _property(spec, "EURange", _RANGE, Span(spec.low, spec.high))
    if ranged or spec.unit != "1":
        unit = Unit(spec.unit, common_code(spec.unit))
        yield _property(spec, "EngineeringUnits", _EU_INFORMATION, unit)
    if spec.values:
        # Names from 0 on, without a gap, as EnumStrings wants them.
        names = dict(spec.values)
        strings = tuple(Localized(names.get(i, "")) for i in range(max(names) + 1))
        yield _property(spec, "EnumStrings", _LOCALIZED_TEXT, strings)


def _property(of: NodeSpec, name: str, data_type: Ref, value: object) -> NodeSpec:
    is_array = type(value) is tuple
    return NodeSpec(
        f"{of.node}/{name}",
        of.node,
        name,
        NodeKind.VARIABLE,
        # Names of standard properties are in the standard's namespace.
        name_uri=BASE,
        type_id=_PROPERTY,
        reference=_HAS_PROPERTY,
        data_type=data_type,
        rank=1 if is_array else -1,
        held=Wire("LocalizedText" if data_type == _LOCALIZED_TEXT else "ExtensionObject", value),
    )
