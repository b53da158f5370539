"""Materials: what operations use up, and the stores they take it from."""

from __future__ import annotations

from pydantic import Field

from twin.model.base import FileText, Frozen, Id
from twin.model.quantity import Micros, PositiveMicros

__all__ = ["Delivery", "Material", "Use"]


class Delivery(Frozen):
    """A delivery that comes back.

    Args:
        every_us: time from one to the next.
        first_us: when the first comes.
        amount: what it brings, in the material's unit.
    """

    every_us: PositiveMicros = Field(alias="every")
    first_us: Micros = Field(alias="first", default=0)
    amount: float = Field(gt=0, le=1e9)


class Material(Frozen):
    """A material and its store.

    Args:
        unit: what amounts are counted in, as `kg`.
        stock: in the store at the start; absent: the store never runs out.
        delivery: what refills it.
        price_cny: price of one unit, CNY.
    """

    id: Id
    name: FileText | None = None
    unit: str = Field(min_length=1)
    stock: float | None = Field(default=None, ge=0, le=1e9)
    delivery: Delivery | None = None
    price_cny: float | None = Field(default=None, ge=0)


class Use(Frozen):
    """What one operation of a station takes out of a store.

    Args:
        material: which.
        amount: how much, in the material's unit.
    """

    material: Id
    amount: float = Field(gt=0, le=1e9)
