"""Quantities as people write them (`75.5 s`, `0.45 %`, `2.4 kWh`) and the integers they become.

Times become whole microseconds, so that sums are exact and ties are ties. Everything is parsed
with `Decimal`: `0.1 s` is 100,000 us and not 99,999.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationInfo
from pydantic.config import JsonDict

from twin.errors import QuantityError
from twin.model.base import from_file

__all__ = [
    "MAX_TIME_US",
    "Count",
    "Energy",
    "Micros",
    "PositiveMicros",
    "Power",
    "Probability",
    "Rate",
    "format_duration",
    "parse_duration",
]

TIME_US = {
    "us": 1,
    "ms": 1_000,
    "s": 1_000_000,
    "min": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
    "week": 604_800_000_000,
}
ENERGY_KWH = {"Wh": Decimal("0.001"), "kWh": Decimal(1), "MWh": Decimal(1000)}
POWER_KW = {"W": Decimal("0.001"), "kW": Decimal(1), "MW": Decimal(1000)}
RATE_PER_H = {
    "/h": Decimal(1),
    "/d": Decimal(1) / 24,
    "/min": Decimal(60),
    "/s": Decimal(3600),
}
MILLI = 1000

MAX_TIME_US = 100 * 366 * TIME_US["d"]
"""The longest time a line file can say, a century: sums of it stay far inside int64."""

MAX_NUMBER = Decimal(10) ** 18
"""No number in a line file is larger; it also keeps `1e999999999 s` from being multiplied out."""


def _split(raw: Any, units: Iterable[str], kind: str) -> tuple[Decimal, str]:
    wrong = f"must be {kind} (units: {', '.join(units)})"
    if not isinstance(raw, str):
        raise QuantityError(wrong)
    text = raw.strip()
    number, _, unit = text.partition(" ")
    unit = unit.strip()
    if not unit:
        number = text.rstrip("%/abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
        unit = text[len(number) :]
    if unit not in units:
        raise QuantityError(wrong)
    try:
        value = Decimal(number)
    except InvalidOperation:
        raise QuantityError(wrong) from None
    if not value.is_finite():
        raise QuantityError(wrong)
    if not -MAX_NUMBER <= value <= MAX_NUMBER:  # abs() would overflow
        raise QuantityError("must be a number below 10^18")
    return value, unit


def _micros(raw: Any) -> tuple[Decimal, int]:
    """Return the exact time and the whole microseconds nearest to it."""
    value, unit = _split(raw, TIME_US, "a time with its unit, as '75.5 s'")
    exact = value * TIME_US[unit]
    return exact, int(exact.to_integral_value())


def _not_too_long(micros: int) -> int:
    if micros > MAX_TIME_US:
        raise QuantityError("must be at most 100 years")
    return micros


def parse_duration(raw: Any) -> int:
    """Parse a time as it stands in a line file.

    Args:
        raw: a text such as `75.5 s`, `3 h`, `0.4 s`, `2 week`; units us, ms, s, min, h, d, week.

    Returns:
        Whole microseconds, 0 to `MAX_TIME_US`, rounded half to even.

    Raises:
        QuantityError: the text is no time, or a negative one, or more than 100 years.

    >>> parse_duration("75.5 s")
    75500000
    """
    exact, micros = _micros(raw)
    if exact < 0:
        raise QuantityError("must not be negative")
    return _not_too_long(micros)


def format_duration(us: int) -> str:
    """Write a time in the largest unit in which it is whole.

    >>> format_duration(75_500_000)
    '75500 ms'
    >>> format_duration(7_200_000_000)
    '2 h'
    """
    for unit, size in reversed(TIME_US.items()):
        if us % size == 0 and us:
            return f"{us // size} {unit}"
    return f"{us} us"


def _whole_micros(raw: Any, info: ValidationInfo) -> int | None:
    """Return a time that Python code gives as whole microseconds; a file must name the unit."""
    if isinstance(raw, int) and not isinstance(raw, bool) and not from_file(info):
        return raw
    return None


def _duration(raw: Any, info: ValidationInfo) -> int:
    micros = _whole_micros(raw, info)
    if micros is None:
        return parse_duration(raw)
    if micros < 0:
        raise QuantityError("must not be negative")
    return _not_too_long(micros)


def _positive_duration(raw: Any, info: ValidationInfo) -> int:
    micros = _whole_micros(raw, info)
    if micros is None:
        exact, micros = _micros(raw)
        if exact > 0 and not micros:
            raise QuantityError("must be at least 1 us")
    if micros <= 0:
        raise QuantityError("must be greater than 0")
    return _not_too_long(micros)


def _number(raw: Any) -> bool:
    return isinstance(raw, int | float) and not isinstance(raw, bool)


def _probability(raw: Any) -> float:
    if isinstance(raw, str):
        value, unit = _split(raw, {"%": 1, "ppm": 1}, "a probability, as '0.45 %' or 0.0045")
        number = value / (100 if unit == "%" else 1_000_000)
    elif _number(raw):
        number = Decimal(raw)
    else:
        raise QuantityError("must be a probability, as '0.45 %' or 0.0045")
    if not (number.is_finite() and 0 <= number <= 1):
        raise QuantityError("must be from 0 to 1 (0 % to 100 %)")
    return float(number)


def _count(raw: Any) -> int:
    if not _number(raw):
        raise QuantityError("must be a number of parts, as 12 or 187.7")
    if not 1 <= raw <= 1_000_000:
        raise QuantityError("must be from 1 to 1,000,000 parts")
    milli = Decimal(str(raw)) * MILLI
    if milli != int(milli):
        raise QuantityError("must have at most 3 decimals")
    return int(milli)


def _in(units: dict[str, Decimal], kind: str) -> Any:
    def parse(raw: Any, info: ValidationInfo) -> float:
        if _number(raw) and not from_file(info):
            if not 0 <= raw <= MAX_NUMBER:
                raise QuantityError("must be from 0 to 10^18")
            return float(raw)
        value, unit = _split(raw, units, kind)
        if value < 0:
            raise QuantityError("must not be negative")
        return float(value * units[unit])

    return parse


def _rate(raw: Any, info: ValidationInfo) -> float:
    if _number(raw) and not from_file(info):
        if not 0 < raw <= MAX_NUMBER:
            raise QuantityError("must be greater than 0 and at most 10^18")
        return float(raw)
    value, unit = _split(raw, RATE_PER_H, "a rate, as '200 /h'")
    if value <= 0:
        raise QuantityError("must be greater than 0")
    return float(value * RATE_PER_H[unit])


def _schema(description: str, units: Iterable[str], *examples: str) -> Any:
    number = r"\+?[0-9_.]+([eE][+-]?[0-9]+)?"
    pattern = rf"^\s*{number}\s*({'|'.join(units)})\s*$"
    extra: JsonDict = {"type": "string", "pattern": pattern, "examples": [*examples]}
    return Field(description=description, json_schema_extra=extra)


Micros = Annotated[int, BeforeValidator(_duration), _schema("a time", TIME_US, "75.5 s", "3 h")]
PositiveMicros = Annotated[
    int,
    BeforeValidator(_positive_duration),
    _schema("a time greater than 0", TIME_US, "75.5 s", "3 h"),
]
Probability = Annotated[
    float,
    BeforeValidator(_probability),
    Field(
        description="a probability",
        json_schema_extra={
            "type": ["number", "string"],
            "minimum": 0,
            "maximum": 1,
            "pattern": r"^\s*\+?[0-9_.]+([eE][+-]?[0-9]+)?\s*(%|ppm)\s*$",
            "examples": ["0.45 %"],
        },
    ),
]
Count = Annotated[
    int,
    BeforeValidator(_count),
    Field(
        description="a number of parts, with up to 3 decimals",
        json_schema_extra={
            "type": "number",
            "minimum": 1,
            "maximum": 1_000_000,
            "examples": [12, 187.7],
        },
    ),
]
_energy = _in(ENERGY_KWH, "an energy, as '2.4 kWh'")
_power = _in(POWER_KW, "a power, as '22 kW'")
Energy = Annotated[float, BeforeValidator(_energy), _schema("an energy", ENERGY_KWH, "2.4 kWh")]
Power = Annotated[float, BeforeValidator(_power), _schema("a power", POWER_KW, "22 kW")]
Rate = Annotated[
    float, BeforeValidator(_rate), _schema("a rate", RATE_PER_H, "200 /h", "2000000 /d")
]
