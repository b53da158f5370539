"""What a change does to a value: `6`, `8.5 h`, `x1.5`, `-20%`, `+1`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Annotated, Any

from pydantic import TypeAdapter, ValidationError

from lines.shape import fields_of, without_none
from lines.wording import say
from lines.yaml_tree import Unreadable, plain, read_tree
from twin.engine.quantiles import mean_us
from twin.errors import QuantityError
from twin.model.base import FROM_FILE, Frozen
from twin.model.durations import Constant, Duration
from twin.model.nearest import did_you_mean
from twin.model.quantity import MAX_TIME_US, MILLI, parse_duration
from twin.whatif.place import KEPT, Place

__all__ = ["Amount", "Plus", "Refused", "SetTo", "Times", "amount_of", "changed"]

NUMBER = r"([0-9]{0,12}\.?[0-9]{1,12})"


@dataclass(frozen=True, slots=True)
class SetTo:
    """Another value in place of the old one; as it stands in a line file."""

    value: Any


@dataclass(frozen=True, slots=True)
class Times:
    """So many times the old value."""

    factor: Decimal


@dataclass(frozen=True, slots=True)
class Plus:
    """More than the old value, or less; the amount as in a line file."""

    sign: int
    text: str


Amount = SetTo | Times | Plus


class Refused(Exception):
    """A value can't be what a change would make it: what must hold, and what was found."""

    def __init__(self, must: str, found: str = "", remedy: str = "") -> None:
        super().__init__(must)
        self.must, self.found, self.remedy = must, found, remedy


def amount_of(raw: Any) -> Amount:
    """Read the right side of a change.

    Args:
        raw: a number, a mapping or list as in a line file, None for absent, or a text: `x1.5`
            multiplies, `-20%` and `+10 %` change by a share of the old value, `+1` and `-5 min`
            add; everything else is a new value.

    >>> amount_of("x1.5"), amount_of("-20%")
    (Times(factor=Decimal('1.5')), Times(factor=Decimal('0.8')))
    >>> amount_of("+1"), amount_of("8.5 h"), amount_of("6")
    (Plus(sign=1, text='1'), SetTo(value='8.5 h'), SetTo(value=6))
    """
    if not isinstance(raw, str):
        return SetTo(raw)
    text = raw.strip()
    if found := re.fullmatch(rf"[x×]\s*{NUMBER}", text):
        return Times(Decimal(found[1]))
    if found := re.fullmatch(rf"([-+−])\s*{NUMBER}\s*%", text):
        share = Decimal(found[2]) / 100
        return Times(1 + share if found[1] == "+" else 1 - share)
    if found := re.fullmatch(r"([-+−])\s*([0-9.].*)", text):
        return Plus(1 if found[1] == "+" else -1, found[2])
    try:
        value = plain(read_tree(f"value: {text}")[0])["value"]
    except (Unreadable, KeyError):
        value = text
    return SetTo(None if value in ("none", "None") else value)


def changed(place: Place, amount: Amount) -> Any:
    """Work out what stands at a place after a change; the old value where there is none to change.

    Raises:
        Refused: the change makes no sense there, or the model refuses what comes out.
    """
    old = place.value
    if isinstance(amount, SetTo):
        if isinstance(old, Frozen) and _is_duration(old) and not isinstance(amount.value, dict):
            return _with_mean(old, _time(amount.value))
        return _validated(place, amount.value, from_file=True)
    if old is None:
        return None
    if _is_duration(old):
        factor = amount.factor if isinstance(amount, Times) else _factor(old, amount)
        return _scaled_duration(old, factor)
    if isinstance(old, bool) or not isinstance(old, int | float):
        must = "must be a number or a time to be changed by an amount"
        raise Refused(must, f"{old}", "give a new value")
    exact = Decimal(old) if isinstance(old, int) else Decimal(repr(old))
    if isinstance(amount, Times):
        exact *= amount.factor
    else:
        more = _validated(place, _plain(amount.text), from_file=True)
        exact += amount.sign * Decimal(repr(more))
    return _validated(place, _as_given(place, old, exact), from_file=False)


def _as_given(place: Place, old: float, exact: Decimal) -> float:
    if not isinstance(old, int):
        return float(exact)
    nearest = int(exact.to_integral_value(ROUND_HALF_UP))
    return nearest / MILLI if place.field.name.endswith("_milli") else nearest


def _plain(text: str) -> Any:
    wrapped = amount_of(text)
    return wrapped.value if isinstance(wrapped, SetTo) else text


def _is_duration(value: Any) -> bool:
    return isinstance(value, Frozen) and "distribution" in type(value).model_fields


def _time(raw: Any) -> int:
    try:
        micros = parse_duration(raw)
    except QuantityError as error:
        raise Refused(str(error), _shown(raw)) from None
    if micros <= 0:
        raise Refused("must be greater than 0", _shown(raw))
    return micros


def _with_mean(old: Any, wanted_us: int) -> Duration:
    if isinstance(old, Constant):
        return Constant(mean_us=wanted_us)
    return _scaled_duration(old, Decimal(wanted_us) / Decimal(repr(mean_us(old))))


def _factor(old: Duration, amount: Plus) -> Decimal:
    mean = Decimal(repr(mean_us(old)))
    return (mean + amount.sign * _time(amount.text)) / mean


def _scaled_duration(old: Duration, factor: Decimal) -> Duration:
    """Stretch a distribution; its shape stays."""

    def scaled(value: Any, name: str) -> Any:
        if isinstance(value, tuple):
            return tuple(scaled(item, name) for item in value)
        if isinstance(value, Frozen):
            fields = type(value).model_fields
            return value.model_copy(update={n: scaled(getattr(value, n), n) for n in fields})
        if not name.endswith("_us"):
            return value
        micros = int((value * factor).to_integral_value(ROUND_HALF_UP))
        if micros < 1:
            raise Refused("must be at least 1 us", f"{micros} us")
        if micros > MAX_TIME_US:
            raise Refused("must be at most 100 years", f"{micros} us")
        return micros

    stretched: Duration = scaled(old, "")
    return stretched


@cache
def _reader(owner: type[Frozen], key: str) -> TypeAdapter[Any]:
    """What reads a field of a model as the model itself does, bounds included."""
    field = fields_of(owner)[key]
    own = getattr(field.annotation, "__metadata__", ())
    bounds = tuple(one for one in field.info.metadata if one not in own)
    whole: Any = Annotated[(field.annotation, *bounds)] if bounds else field.annotation
    return TypeAdapter(whole)


def _validated(place: Place, raw: Any, *, from_file: bool) -> Any:
    """Read a value as the place's own field is read; a file must name units, and Python not."""
    if isinstance(raw, float) and not math.isfinite(raw):
        raise Refused("must be a finite number", _shown(raw))
    last = place.steps[-1]
    if isinstance(last, int):
        known = fields_of(type(place.value)) if isinstance(place.value, Frozen) else ()
        must = f"must go on to a value of {place.label}, as .{next(iter(known), 'id')}"
        raise Refused(must, "", did_you_mean("", [name for name in known if name not in KEPT]))
    whole = last == place.field.name
    reader = _reader(type(place.owner), place.field.key) if whole else TypeAdapter(place.annotation)
    try:
        return reader.validate_python(raw, strict=True, context=FROM_FILE if from_file else None)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        must, remedy = say(first, without_none(place.annotation), raw)
        raise Refused(must, _shown(raw), remedy) from None


def _shown(raw: Any) -> str:
    if isinstance(raw, dict):
        return "a mapping"
    if isinstance(raw, list | tuple):
        return f"a list of {len(raw)}"
    return "nothing" if raw is None else str(raw)
