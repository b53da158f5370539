"""Quantities as people write them (`75.5 s`, `0.45 %`, `2.4 kWh`) and the integers they become.

Times become whole microseconds, so that sums are exact and ties are ties. Everything is parsed
with `Decimal`: `0.1 s` is 100,000 us and not 99,999.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from twin.errors import QuantityError

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
MILLI = 1000

MAX_TIME_US = 100 * 366 * TIME_US["d"]
"""The longest time a line file can say, a century: sums of it stay far inside int64."""


def _split(raw: Any, units: dict[str, Any], kind: str) -> tuple[Decimal, str]:
    example = f"a number and a unit, as '3 {next(iter(units))}'; units: {', '.join(units)}"
    if not isinstance(raw, str):
        raise QuantityError(f"must be {kind}: {example}")
    number, _, unit = raw.strip().partition(" ")
    unit = unit.strip()
    if not unit:
        head = raw.strip().rstrip("%/abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
        number, unit = head, raw.strip()[len(head) :]
    if unit not in units:
        raise QuantityError(f"must be {kind}: {example}")
    try:
        value = Decimal(number)
    except InvalidOperation:
        raise QuantityError(f"must be {kind}: {example}") from None
    if not value.is_finite():
        raise QuantityError(f"must be {kind} and finite")
    return value, unit


def parse_duration(raw: Any) -> int:
    """Parse a time as it stands in a line file.

    Args:
        raw: a text such as `75.5 s`, `3 h`, `0.4 s`, `2 week`; units us, ms, s, min, h, d, week.

    Returns:
        Whole microseconds, rounded half to even.

    Raises:
        QuantityError: the text is no time.

    >>> parse_duration("75.5 s")
    75500000
    """
    value, unit = _split(raw, TIME_US, "a time")
    micros = int((value * TIME_US[unit]).to_integral_value())
    if micros < 0:
        raise QuantityError("must not be negative")
    if micros > MAX_TIME_US:
        raise QuantityError("must be at most 100 years")
    return micros


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


def _duration(raw: Any) -> int:
    return raw if isinstance(raw, int) and not isinstance(raw, bool) else parse_duration(raw)


def _positive_duration(raw: Any) -> int:
    micros = _duration(raw)
    if micros < 1:
        raise QuantityError("must be greater than 0")
    return micros


def _probability(raw: Any) -> float:
    if isinstance(raw, str):
        value, unit = _split(
            raw, {"%": 1, "ppm": 1}, "a probability (or a plain number from 0 to 1)"
        )
        number = float(value / (100 if unit == "%" else 1_000_000))
    elif isinstance(raw, int | float) and not isinstance(raw, bool):
        number = float(raw)
    else:
        raise QuantityError("must be a probability, as '0.45 %' or 0.0045")
    if not 0 <= number <= 1:
        raise QuantityError("must be from 0 to 1 (0 % to 100 %)")
    return number


def _count(raw: Any) -> int:
    try:
        if isinstance(raw, bool):
            raise InvalidOperation
        milli = Decimal(str(raw)) * MILLI
        whole = int(milli)
    except (InvalidOperation, ValueError, OverflowError):
        raise QuantityError("must be a number of parts, as 12 or 187.7") from None
    if milli != whole:
        raise QuantityError("must have at most 3 decimals")
    if not MILLI <= whole <= MILLI * 1_000_000:
        raise QuantityError("must be from 1 to 1,000,000 parts")
    return whole


def _in(units: dict[str, Decimal], kind: str) -> Any:
    def parse(raw: Any) -> float:
        if isinstance(raw, float):
            return raw
        value, unit = _split(raw, units, kind)
        if value < 0:
            raise QuantityError("must not be negative")
        return float(value * units[unit])

    return parse


def _rate(raw: Any) -> float:
    if isinstance(raw, float):
        return raw
    value, unit = _split(raw, {"/h": 1, "/d": 24, "/min": 1, "/s": 1}, "a rate")
    per_h = {"/h": Decimal(1), "/d": Decimal(1) / 24, "/min": Decimal(60), "/s": Decimal(3600)}
    if value <= 0:
        raise QuantityError("must be greater than 0")
    return float(value * per_h[unit])


def _schema(description: str, *examples: str) -> Any:
    return Field(
        description=description, json_schema_extra={"type": "string", "examples": [*examples]}
    )


Micros = Annotated[int, BeforeValidator(_duration), _schema("a time", "75.5 s", "3 h")]
PositiveMicros = Annotated[
    int, BeforeValidator(_positive_duration), _schema("a time greater than 0", "75.5 s", "3 h")
]
Probability = Annotated[
    float,
    BeforeValidator(_probability),
    Field(
        description="a probability",
        json_schema_extra={"type": ["number", "string"], "examples": ["0.45 %"]},
    ),
]
Count = Annotated[
    int,
    BeforeValidator(_count),
    Field(
        description="thousandths of a part; a number with up to 3 decimals in the file",
        json_schema_extra={"type": "number", "examples": [12, 187.7]},
    ),
]
Energy = Annotated[float, BeforeValidator(_in(ENERGY_KWH, "an energy")), _schema("kWh", "2.4 kWh")]
Power = Annotated[float, BeforeValidator(_in(POWER_KW, "a power")), _schema("kW", "22 kW")]
Rate = Annotated[float, BeforeValidator(_rate), _schema("per hour", "200 /h", "2000000 /d")]
