"""What a tag of a map's file means for one signal: its conversion."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from opcua.conversion import AS_IT_IS, Conversion, Value
from opcua.expression import expression
from opcua.tagmap.model import Constant, Tag
from opcua.tagmap.places import picked
from opcua.tagmap.units import NAMED_VALUES
from opcua.unit_factors import between
from twin.errors import QuantityError
from twin.model.nearest import did_you_mean
from twin.signals import Family, Signal, ValueType

__all__ = ["Wrong", "conversion_of", "deadband_of"]

Wrong = Callable[[str, str], None]
"""Told of what is wrong: the key in the tag, and what must hold."""

_WHOLE = (ValueType.INT32, ValueType.INT64)


@dataclass(slots=True)
class _Reader:
    """Reads one tag's keys; tells what is wrong and goes on."""

    tag: Tag
    name: str
    signal: Signal | None
    wrong: Wrong
    names: Mapping[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self.names = NAMED_VALUES.get(self.name, {})

    def meaning(self, key: str, constant: Constant) -> Value:
        if not isinstance(constant, str):
            return constant
        if not self.names:
            self.wrong(key, f"must be a number, or true or false, got {constant}")
        elif constant not in self.names:
            hint = did_you_mean(constant, self.names)
            self.wrong(key, f"must be one of PackML's names, got {constant}; {hint}")
        return self.names.get(constant, 0)

    def values(self) -> dict[Value, Value]:
        found: dict[Value, Value] = {}
        for raw, meaning in self.tag.values.items():
            key = f"values.{raw}"
            try:
                number: Value = {"true": True, "false": False}.get(raw) or float(raw)
            except ValueError:
                if raw == "false":
                    number = False
                else:
                    self.wrong(key, f"must be a number, or true or false, got {raw}")
                    continue
            whole = int(number) if number == int(number) else number
            found[whole] = self.meaning(key, meaning)
        return found

    def bits(self) -> tuple[tuple[int, Value], ...]:
        found = []
        for bit, meaning in self.tag.bits.items():
            if not bit.isdecimal() or int(bit) > 63:
                self.wrong(f"bits.{bit}", f"must be the number of a bit, 0 to 63, got {bit}")
                continue
            found.append((int(bit), self.meaning(f"bits.{bit}", meaning)))
        return tuple(found)

    def scale(self) -> tuple[float, float]:
        tag, factor, shift = self.tag, 1.0, 0.0
        if tag.unit:
            wanted = self.signal.unit if self.signal is not None else "1"
            try:
                factor, shift = between(tag.unit, wanted)
            except QuantityError as error:
                self.wrong("unit", f"{error}, got {tag.unit}")
        return tag.scale * factor, tag.offset * factor + shift


def conversion_of(tag: Tag, name: str, signal: Signal | None, wrong: Wrong) -> Conversion:
    """Read what a tag's values mean.

    Args:
        tag: of the file.
        name: the signal's.
        signal: what the signal is; None: one that the line's table does not have.
        wrong: told of what is wrong.

    >>> from twin.signals import MACHINE_SIGNALS
    >>> tag = Tag(node="x", values={"1": "EXECUTE"}, otherwise="STOPPED")
    >>> conversion_of(tag, "state_current", MACHINE_SIGNALS[0], print).values
    {1: 6}
    """
    reader = _Reader(tag, name, signal, wrong)
    picks: list[tuple[str | int, ...]] = []
    for key, text in (
        [(f"inputs.{n}.pick", one.pick) for n, one in tag.inputs.items()]
        if tag.inputs
        else [("pick", tag.pick)]
    ):
        try:
            picks.append(picked(text))
        except QuantityError as error:
            wrong(key, f"{error}, got {text}")
            picks.append(())
    formula = None
    if tag.expression:
        try:
            formula = expression(tag.expression, tag.inputs)
        except QuantityError as error:
            wrong("expression", str(error))
    scale, offset = reader.scale()
    made = Conversion(
        picks=tuple(picks) if any(picks) else (),
        expression=formula,
        bit=tag.bit,
        wraps_at=tag.wraps_at or (1 << tag.width if tag.width else 0),
        values=reader.values() or AS_IT_IS.values,
        bits=reader.bits(),
        otherwise=None if tag.otherwise is None else reader.meaning("otherwise", tag.otherwise),
        inverted=tag.inverted,
        scale=scale,
        offset=offset,
    )
    if made.is_plain or signal is None:
        return made
    kind = signal.value_type
    return Conversion(
        made.picks,
        made.expression,
        made.bit,
        made.wraps_at,
        made.values,
        made.bits,
        made.otherwise,
        made.inverted,
        made.scale,
        made.offset,
        whole=kind in _WHOLE,
        boolean=kind is ValueType.BOOLEAN,
    )


def deadband_of(tag: Tag, signal: Signal | None, scale: float) -> float:
    """Find the change of the PLC's own value that is not worth telling."""
    if tag.deadband is not None:
        return tag.deadband
    plain = not tag.inputs and tag.bit is None and not tag.values and not tag.bits and not tag.pick
    if signal is None or signal.family is not Family.VARIABLE or not plain:
        return 0.0
    if signal.low is None or signal.high is None:
        return 0.0
    return abs((signal.high - signal.low) / 1000 / scale)
