"""Both sides of a line's gate: suppliers by distance, the policy of orders, and the customer."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from twin.model.base import FileText, Frozen, Id, Text
from twin.model.durations import Duration
from twin.model.quantity import Micros, PositiveMicros, Probability, Rate

__all__ = ["Customer", "Mishap", "Sourcing", "Supply", "SupplyScenario", "Tier"]


class Tier(Frozen):
    """How goods come from a distance.

    Args:
        lead_time: from an order to its arrival.
        review_us: from one look at the stock to the next; orders are placed at looks.
        local: whether it is next door, for the local share.
    """

    id: Id
    name: FileText | None = None
    lead_time: Duration
    review_us: PositiveMicros = Field(alias="review")
    local: bool = False


class Sourcing(Frozen):
    """Where a material comes from, and how it is ordered.

    Args:
        id: the material's id in the line file.
        shares: by tier, of what is used; the last tier of the file takes the rest and is not named.
        lot: orders are whole multiples of it, in the material's unit; absent: of any size.
        cover_us: its stock is ordered up to so much of its use; absent: what the supply's policy
            gives (see `Supply.safety`).
    """

    id: Id
    shares: dict[Id, Probability] = Field(alias="from", default_factory=dict)
    lot: float | None = Field(default=None, gt=0, le=1e9)
    cover_us: PositiveMicros | None = Field(alias="cover", default=None)


class Customer(Frozen):
    """Who takes what the line makes.

    Args:
        demand: units of product that it uses up, evenly.
        stock_us: what lies in its store at the start, in time of its demand.
        capacity_us: what its store holds, in time of its demand: while it is full the line's last
            stations begin nothing; absent: it takes all.
        lot: units of product that are delivered together.
        limit_ppm: a lot with more defective units in a million is returned; absent: none is.
        returned_us: after so long a returned lot has been sorted and comes again without them.
    """

    name: FileText = Text.of("customer")
    demand: Rate
    stock_us: Micros = Field(alias="stock", default=0)
    capacity_us: PositiveMicros | None = Field(alias="capacity", default=None)
    lot: int = Field(default=1, ge=1, le=100_000_000)
    limit_ppm: float | None = Field(default=None, ge=0, le=1e6)
    returned_us: PositiveMicros = Field(alias="returned_after", default=86_400_000_000)


class Mishap(Frozen):
    """Something that goes wrong with a material's deliveries.

    Args:
        material: its id.
        tier: where from.
        at_us: from when on, counted from the first hour that counts.
        lasts_us: what would arrive in this time arrives at its end: the supplier stands still.
        late_us: the first arrival at or after `at` comes so much later: a truck is late.
    """

    material: Id
    tier: Id
    at_us: Micros = Field(alias="at")
    lasts_us: PositiveMicros | None = Field(alias="lasts", default=None)
    late_us: PositiveMicros | None = Field(alias="late", default=None)

    @model_validator(mode="after")
    def _one_of_two(self) -> Mishap:
        if (self.lasts_us is None) == (self.late_us is None):
            raise ValueError("must have one of 'lasts' (a supplier stops) and 'late' (a truck is)")
        return self


class SupplyScenario(Frozen):
    """A named scenario.

    Args:
        changes: values by path in this file, as `materials.*.from.wall: x0.5`.
        mishaps: what goes wrong.
        levels: `follow`: stocks are ordered up to what fits the changed supply; `kept`: to the
            levels of before, as nobody has thought of them.
    """

    id: Id
    name: FileText | None = None
    changes: dict[str, Any] = Field(alias="set", default_factory=dict)
    mishaps: tuple[Mishap, ...] = ()
    levels: Literal["follow", "kept"] = "follow"


class Supply(Frozen):
    """The supply of a line, whole.

    Args:
        linetwin: version of the format.
        line: the id of the line that it is for.
        safety: z of the order-up-to level: 2.33 lets a store run short in one of a hundred
            periods of review at the most.
        demand_cv: coefficient of variation of an hour's use, as the policy takes it.
        tiers: distances; the last one takes what the others don't.
        materials: those that can run short; the line's others never do.
        customer: who takes the product; absent: whatever is made is gone.
        scenarios: by name.
    """

    linetwin: Literal[1] = 1
    line: Id
    safety: float = Field(default=2.33, ge=0, le=10)
    demand_cv: float = Field(default=0.1, ge=0, le=10)
    tiers: tuple[Tier, ...] = Field(min_length=1, max_length=100)
    materials: tuple[Sourcing, ...] = Field(min_length=1, max_length=10_000)
    customer: Customer | None = None
    scenarios: tuple[SupplyScenario, ...] = ()

    def shares_of(self, sourcing: Sourcing) -> dict[str, float]:
        """The share of each tier, the last one's rest among them.

        >>> tiers = [{"id": name, "lead_time": "1 h", "review": "4 h"} for name in ("near", "far")]
        >>> supply = Supply.model_validate({"line": "L", "tiers": tuple(tiers), "materials": (
        ...     {"id": "glue", "from": {"near": 0.75}},)})
        >>> supply.shares_of(supply.materials[0])
        {'near': 0.75, 'far': 0.25}
        """
        named = {tier.id: sourcing.shares.get(tier.id, 0.0) for tier in self.tiers[:-1]}
        return {**named, self.tiers[-1].id: max(0.0, round(1 - sum(named.values()), 12))}
