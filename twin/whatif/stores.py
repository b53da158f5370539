"""Stores of materials: what is ordered when, from how far away, and when it comes.

Each origin of a material has a stock of its own that is ordered up to a level at each review, as if
its demand were normal: s = d (L + R) + z sqrt((L + R) u^2 + d^2 w^2), d and u the mean and standard
deviation of an hour's demand, L and w of the lead time, R the time from one review to the next
(Silver, Pyke, Thomas, "Inventory and Production Management in Supply Chains", 4th ed., 7.9).
"""

from __future__ import annotations

import heapq
import math
import zlib
from dataclasses import dataclass, field

import numpy as np

from twin.engine.quantiles import quantile_table, variates
from twin.model.supply import Mishap, Sourcing, Supply, Tier
from twin.whatif.supply_case import SupplyCase

__all__ = ["Arrival", "Stores", "level_of", "levels_of"]

HOUR_US = 3_600_000_000
LEAST = 1e-6
"""Nothing smaller is ordered: the engine counts in millionths of a unit."""
FINE = 4096


def level_of(tier: Tier, demand_per_h: float, safety: float, demand_cv: float) -> float:
    """Up to which a stock from a distance is ordered, in the material's unit.

    >>> tier = Tier.model_validate({"id": "wall", "lead_time": "1 h", "review": "3 h"})
    >>> level_of(tier, 10.0, 0.0, 0.1)
    40.0
    """
    words = np.linspace(0, 2**64 - 2**54, FINE).astype(np.uint64)
    lead_h = variates(quantile_table(tier.lead_time), words) / HOUR_US
    both = float(lead_h.mean()) + tier.review_us / HOUR_US
    spread = float(lead_h.std())
    deviation = math.hypot(math.sqrt(both) * demand_cv, spread) * demand_per_h
    return demand_per_h * both + safety * deviation


def levels_of(supply: Supply, one: Sourcing, use_per_h: float) -> dict[str, float]:
    """For each tier up to which it is ordered; 0 where a material doesn't come from there."""
    found = {}
    for tier in supply.tiers:
        demand = use_per_h * supply.shares_of(one)[tier.id]
        if one.cover_us is not None:
            found[tier.id] = demand * one.cover_us / HOUR_US
        else:
            found[tier.id] = level_of(tier, demand, supply.safety, supply.demand_cv)
    return found


@dataclass(order=True, frozen=True, slots=True)
class Arrival:
    """What will come: when, of what (by number), from which tier (by number), how much."""

    at_us: int
    number: int
    material: int
    tier: int
    amount: float


@dataclass(slots=True)
class Stores:
    """The stores of one run.

    Args:
        case: whose.
        use_per_h: of each of the case's materials, for the levels.
        begin_us, counted_us, end_us: engine time: start, first counted instant, end.
        seed, replication: of the lead times; the same in every case, so that all meet the same
            trucks.
    """

    case: SupplyCase
    use_per_h: tuple[float, ...]
    begin_us: int
    counted_us: int
    end_us: int
    seed: int
    replication: int
    stock: list[list[float]] = field(init=False)
    _levels: list[list[float]] = field(init=False)
    _shares: list[list[float]] = field(init=False)
    _on_order: list[list[float]] = field(init=False)
    _leads: dict[tuple[int, int], list[int]] = field(init=False, default_factory=dict)
    _coming: list[Arrival] = field(init=False, default_factory=list)
    _mishaps: list[Mishap] = field(init=False)
    _count: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        supply, planned = self.case.supply, {one.id: one for one in self.case.planned.materials}
        ids = [tier.id for tier in supply.tiers]
        self._shares = [list(supply.shares_of(one).values()) for one in supply.materials]
        self._levels = []
        for one, use in zip(supply.materials, self.use_per_h, strict=True):
            levels = levels_of(self.case.planned, planned[one.id], use)
            self._levels.append([levels.get(name, 0.0) for name in ids])
        self.stock = [
            [level * (share > 0) for level, share in zip(*pair, strict=True)]
            for pair in zip(self._levels, self._shares, strict=True)
        ]
        self._on_order = [[0.0] * len(ids) for _ in supply.materials]
        self._mishaps = list(self.case.mishaps)
        for m, one in enumerate(supply.materials):
            for t, tier in enumerate(supply.tiers):
                if self._shares[m][t] > 0:
                    count = (self.end_us - self.begin_us) // tier.review_us + 1
                    self._leads[m, t] = self._drawn(one.id, tier, count)

    def _drawn(self, material: str, tier: Tier, count: int) -> list[int]:
        key = (material, tier.id)
        numbers = [self.seed, self.replication, *(zlib.crc32(text.encode()) for text in key)]
        words = np.random.default_rng(numbers).integers(0, 2**64, count, dtype=np.uint64)
        drawn: list[int] = variates(quantile_table(tier.lead_time), words).tolist()
        return drawn

    def take(self, material: int, amount: float) -> None:
        """Take from each origin its share, and what one lacks from the others."""
        stock, shares = self.stock[material], self._shares[material]
        first = [min(have, amount * share) for have, share in zip(stock, shares, strict=True)]
        rest = amount - sum(first)
        left = [have - taken for have, taken in zip(stock, first, strict=True)]
        whole = sum(left)
        kept = max(0.0, 1 - rest / whole) if rest > 0 and whole > 0 else 1.0
        self.stock[material] = [have * kept for have in left]

    def next_review_us(self, after_us: int) -> int:
        """When some stock is looked at next."""
        periods = (tier.review_us for tier in self.case.supply.tiers)
        passed = after_us - self.begin_us
        return self.begin_us + min((passed // period + 1) * period for period in periods)

    def review(self, now_us: int) -> None:
        """Order what the stocks lack whose review is now."""
        passed = now_us - self.begin_us
        for t, tier in enumerate(self.case.supply.tiers):
            number, off = divmod(passed, tier.review_us)
            if off:
                continue
            for m, one in enumerate(self.case.supply.materials):
                if (m, t) not in self._leads:
                    continue
                lacks = self._levels[m][t] - self.stock[m][t] - self._on_order[m][t]
                if one.lot is not None:
                    lacks = math.ceil(lacks / one.lot - 1e-9) * one.lot
                if lacks > LEAST:
                    self._on_order[m][t] += lacks
                    self._send(now_us + self._leads[m, t][number], m, t, lacks)

    def _send(self, at_us: int, material: int, tier: int, amount: float) -> None:
        self._count += 1
        heapq.heappush(self._coming, Arrival(at_us, self._count, material, tier, amount))

    @property
    def next_arrival_us(self) -> int | None:
        """When something comes next; None: nothing is under way."""
        return self._coming[0].at_us if self._coming else None

    def arrived(self, now_us: int) -> list[tuple[int, float]]:
        """What comes now: materials by number, and amounts; a mishap sends it on its way again."""
        found = []
        while self._coming and self._coming[0].at_us <= now_us:
            one = heapq.heappop(self._coming)
            later_us = self._held_up(one)
            if later_us is not None:
                self._send(later_us, one.material, one.tier, one.amount)
                continue
            self._on_order[one.material][one.tier] -= one.amount
            self.stock[one.material][one.tier] += one.amount
            found.append((one.material, one.amount))
        return found

    def _held_up(self, one: Arrival) -> int | None:
        supply = self.case.supply
        for mishap in self._mishaps:
            at_us = self.counted_us + mishap.at_us
            same = (
                supply.materials[one.material].id == mishap.material
                and supply.tiers[one.tier].id == mishap.tier
            )
            if not same or one.at_us < at_us:
                continue
            if mishap.late_us is not None:
                self._mishaps.remove(mishap)
                return one.at_us + mishap.late_us
            if mishap.lasts_us is not None and one.at_us < at_us + mishap.lasts_us:
                return at_us + mishap.lasts_us
        return None
