"""Values of a line in words, as a person reads them aloud."""

from __future__ import annotations

from typing import Any

from twin.engine.quantiles import mean_us
from twin.model.base import Frozen
from twin.model.quantity import MILLI, TIME_US, Energy, Power, Probability, Rate
from twin.whatif.place import Place

__all__ = ["spoken_time", "spoken_value"]

ABSENT = {"capacity": "no limit", "stock": "no limit"}


def spoken_time(us: float) -> str:
    """Write a time with the unit that suits its size.

    >>> spoken_time(75_500_000), spoken_time(26_100_000_000), spoken_time(900_000_000)
    ('75.5 s', '7.25 h', '15 min')
    """
    largest = ("d", 2), ("h", 2), ("min", 2), ("s", 1), ("ms", 1)
    unit = next((unit for unit, least in largest if us >= least * TIME_US[unit]), "us")
    return f"{us / TIME_US[unit]:.6g} {unit}"


def spoken_value(place: Place, value: Any) -> str:
    """Say what stands, or will stand, at a place."""
    name, annotation = place.field.name, place.annotation
    if value is None:
        return ABSENT.get(name, "none")
    if isinstance(value, Frozen):
        return _spoken_model(value)
    if isinstance(value, tuple):
        return ", ".join(_spoken_model(item) if isinstance(item, Frozen) else f"{item}"
                         for item in value) or "none"  # fmt: skip
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in value.items()) or "none"
    if name.endswith("_milli"):
        return f"{value / MILLI:g}"
    if name.endswith("_us"):
        return spoken_time(value)
    if annotation == Probability:
        return f"{value * 100:.6g} %"
    units = ((Energy, "kWh"), (Power, "kW"), (Rate, "/h"))
    unit = next((unit for kind, unit in units if annotation == kind), "")
    return f"{value:,.10g} {unit}".strip() if isinstance(value, int | float) else str(value)


def _spoken_model(value: Frozen) -> str:
    kind = getattr(value, "distribution", None)
    if kind == "constant":
        return spoken_time(mean_us(value))  # type: ignore[arg-type]
    if kind is not None:
        return f"{spoken_time(mean_us(value))} ({kind})"  # type: ignore[arg-type]
    parts = value.model_dump(by_alias=True, exclude_defaults=True)
    fields = {info.alias or name: name for name, info in type(value).model_fields.items()}
    return " ".join(
        f"{key} {spoken_time(item) if fields.get(key, '').endswith('_us') else item}"
        for key, item in parts.items()
    )
