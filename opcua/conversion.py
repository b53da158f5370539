"""From what a PLC says to what a signal means: picking, bits, enumerations, units, counters."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from opcua.expression import Expression

__all__ = ["AS_IT_IS", "Conversion", "Unfit", "Value", "converter", "summed", "unwrapped"]

Value = bool | int | float
Converter = Callable[[Sequence[Any]], Value]


class Unfit(Exception):
    """A raw value that means nothing; the text says why."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """What becomes of raw values; done in the order of the arguments.

    Args:
        picks: for each input the structure's members (texts) and the array's elements (numbers)
            that lead to a number.
        expression: makes one value of all inputs; None: the one input is it.
        bit: which bit of a whole number is meant, 0 the lowest.
        wraps_at: where the counter begins at 0 again; 0: never.
        values: what each raw value means; a value that is not in it means `otherwise`.
        bits: which bit means what; the first that is set counts, none set is `otherwise`.
        otherwise: None: such a raw value means nothing and is bad.
        inverted: whether true means false.
        scale, offset: value * scale + offset.
        terms: instead of all of it: how many inputs each term of a sum has, and its conversion.
        whole: whether the signal is a whole number.
        boolean: whether the signal is true or false.
    """

    picks: tuple[tuple[str | int, ...], ...] = ()
    expression: Expression | None = None
    bit: int | None = None
    wraps_at: int = 0
    values: Mapping[Value, Value] = field(default_factory=lambda: MappingProxyType({}))
    bits: tuple[tuple[int, Value], ...] = ()
    otherwise: Value | None = None
    inverted: bool = False
    scale: float = 1.0
    offset: float = 0.0
    terms: tuple[tuple[int, Conversion], ...] = ()
    whole: bool = False
    boolean: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether the one input's value is the signal's as it comes."""
        return self == AS_IT_IS

    @property
    def picks_members(self) -> bool:
        """Whether a member of a structure is meant by any part of it.

        >>> [Conversion(picks=(path,)).picks_members for path in ((3, "Position"), (3,))]
        [True, False]
        """
        here = any(isinstance(step, str) for path in self.picks for step in path)
        return here or any(one.picks_members for _, one in self.terms)


AS_IT_IS = Conversion()


def summed(terms: Sequence[tuple[int, Conversion]]) -> Conversion:
    """Add signals up, each with its own conversion.

    Args:
        terms: how many inputs each has, and its conversion.

    >>> converter(summed([(1, AS_IT_IS), (1, Conversion(scale=2.0))]))([10, 4])
    18.0
    """
    return Conversion(terms=tuple(terms))


def unwrapped(total: int, last: int, raw: int, wraps_at: int) -> int:
    """Go on with a counter that begins at 0 again when it is full.

    Args:
        total: what it would show if it did not wrap.
        last: what it showed then, from 0 to less than `wraps_at`.
        raw: what it shows now.
        wraps_at: how many values it has.

    Returns:
        What it would show now. A step back that is no short step on is a reset: `raw` itself, so
        that whoever counts sees that it went down.

    >>> unwrapped(131_066, 65_530, 10, 65_536)
    131082
    >>> unwrapped(140_000, 8_928, 0, 65_536)
    0
    """
    on = (raw - last) % wraps_at
    # A real counter makes far less than half its range between two looks.
    return total + on if raw >= last or on < wraps_at // 2 else raw


def converter(conversion: Conversion) -> Converter:
    """Make the function that a conversion says; one with a counter remembers what came before.

    Raises (the function):
        Unfit: the raw value means nothing.

    >>> converter(Conversion(values={1: 6, 2: 9}))([2])
    9
    >>> converter(Conversion(bit=3))([8])
    True
    """
    if conversion.terms:
        return _sum(conversion.terms)
    steps = [_first(conversion), *_steps(conversion)]

    def convert(raw: Sequence[Any]) -> Value:
        try:
            value: Any = raw
            for step in steps:
                value = step(value)
        except (ArithmeticError, TypeError, ValueError, LookupError, AttributeError) as error:
            raise Unfit(f"{type(error).__name__}: {error}") from None
        return value  # type: ignore[no-any-return]  # the last step made it one

    return convert


def _sum(terms: tuple[tuple[int, Conversion], ...]) -> Converter:
    counts = [count for count, _ in terms]
    makers = [converter(conversion) for _, conversion in terms]

    def add(raw: Sequence[Any]) -> Value:
        total: Value = 0
        at = 0
        for count, make in zip(counts, makers, strict=True):
            total += make(raw[at : at + count])
            at += count
        return total

    return add


def _first(conversion: Conversion) -> Callable[[Sequence[Any]], Any]:
    picks, formula = conversion.picks, conversion.expression
    if formula is None:
        if not any(picks):
            return lambda raw: raw[0]
        path = picks[0]
        return lambda raw: _picked(raw[0], path)
    if not any(picks):
        return formula.value
    return lambda raw: formula.value(
        [_picked(value, path) for value, path in zip(raw, picks, strict=True)]
    )


def _picked(value: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        value = value[step] if isinstance(step, int) else getattr(value, step)
    return value


def _steps(conversion: Conversion) -> list[Callable[[Any], Value]]:
    steps: list[Callable[[Any], Value]] = []
    if conversion.bit is not None:
        bit = conversion.bit
        steps.append(lambda value: bool(int(value) >> bit & 1))
    if conversion.wraps_at:
        steps.append(_counter(conversion.wraps_at))
    if conversion.bits:
        steps.append(_of_bits(conversion.bits, conversion.otherwise))
    elif conversion.values:
        steps.append(_of_values(conversion.values, conversion.otherwise))
    if conversion.inverted:
        steps.append(lambda value: not value)
    scale, offset = conversion.scale, conversion.offset
    if (scale, offset) != (1.0, 0.0):
        steps.append(lambda value: value * scale + offset)
    steps.append(_whole if conversion.whole else bool if conversion.boolean else _number)
    return steps


def _number(value: Any) -> Value:
    if isinstance(value, bool | int | float):
        return value
    raise Unfit(f"must be a number, got {str(value)[:40]!r}")


def _whole(value: Any) -> int:
    number = _number(value)
    if isinstance(number, float) and not math.isfinite(number):
        raise Unfit(f"must be a whole number, got {number}")
    return round(number)


def _counter(wraps_at: int) -> Callable[[Any], int]:
    total = last = -1

    def count(value: Any) -> int:
        nonlocal total, last
        raw = int(value) % wraps_at
        total = raw if last < 0 else unwrapped(total, last, raw, wraps_at)
        last = raw
        return total

    return count


def _of_values(values: Mapping[Value, Value], otherwise: Value | None) -> Callable[[Any], Value]:
    def look_up(raw: Any) -> Value:
        found = values.get(raw, otherwise)
        if found is None:
            raise Unfit(f"must be one of {', '.join(map(str, values))}, got {raw}")
        return found

    return look_up


def _of_bits(
    bits: tuple[tuple[int, Value], ...], otherwise: Value | None
) -> Callable[[Any], Value]:
    def look_up(raw: Any) -> Value:
        word = int(raw)
        for bit, meaning in bits:
            if word >> bit & 1:
                return meaning
        if otherwise is None:
            raise Unfit(f"must have one of its bits set, got {word:#x}")
        return otherwise

    return look_up
