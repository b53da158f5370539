"""Both sides of the factory gate: stores of materials, and the customer's stock.

A layer over what the line does hour by hour: its use of materials and its output come from the
engine; stores, orders and deliveries are worked out from them. What a store lacks is not taken back
into the engine: a lack shows as the share of an hour's use that was not there, and the line's own
buffers would bridge some of it. So a loss told here is the most that it can be.

Each origin of a material has its own stock and is ordered up to a level at each review, as if its
demand were normal: s = d (L + R) + z sqrt((L + R) u^2 + d^2 w^2), d and u the mean and standard
deviation of an hour's demand, L and w of the lead time, R the time from one review to the next
(Silver, Pyke, Thomas, "Inventory and Production Management in Supply Chains", 4th ed., 7.9).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lines.supply import TIERS, Customer, Sourcing, Tier
from twin.engine.results import Estimate
from twin.errors import EngineError
from twin.model.line import Line
from twin.model.nearest import did_you_mean
from twin.whatif.figures import Readings
from twin.whatif.run import Run
from twin.whatif.workers import Workers

__all__ = [
    "Delay",
    "Flows",
    "MaterialState",
    "Served",
    "Supplied",
    "escapes_ppm",
    "hourly_flows",
    "local_share",
    "served",
    "supplied",
    "with_local_share",
]

Floats = NDArray[np.float64]
HOUR_US = 3_600_000_000
SAFETY = 2.33
"""z: a store runs short in one of a hundred periods of review at the most."""
DEMAND_CV = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Flows:
    """What a line uses and makes in each hour.

    Args:
        materials: their ids.
        used: float64, (replications, hours, materials), in each material's unit.
        good: float64, (replications, hours), units of product.
    """

    materials: tuple[str, ...]
    used: Floats
    good: Floats


def hourly_flows(run: Run, replications: int, workers: Workers) -> Flows:
    """Run a line hour by hour.

    Args:
        run: the line, its start and the whole hours that are counted.
        replications: independent runs.
        workers: who runs.
    """
    tasks = [(run, replication) for replication in range(replications)]
    done = dict(workers.results(_flow, tasks))
    rows = [done[k] for k in range(replications)]
    ids = tuple(material.id for material in run.line.materials)
    return Flows(ids, np.array([row[0] for row in rows]), np.array([row[1] for row in rows]))


def _flow(run: Run, replication: int) -> tuple[Floats, Floats]:
    line, readings = run.line, Readings.of(run.line)
    amount = np.zeros((len(line.stations), len(line.materials)))
    number = {material.id: k for k, material in enumerate(line.materials)}
    for i, station in enumerate(line.stations):
        for use in station.uses:
            amount[i, number[use.material]] += use.amount
    engine = run.opened(replication)
    begin = engine.now_us + run.warm_up_us
    engine.advance(begin)
    before = engine.counters()
    used, good = [], []
    for hour in range(1, run.span_us // HOUR_US + 1):
        engine.advance(begin + hour * HOUR_US)
        now = engine.counters()
        used.append((now.started - before.started) @ amount)
        good.append(readings.good(now) - readings.good(before))
        before = now
    return np.array(used), np.array(good)


@dataclass(frozen=True, slots=True)
class Delay:
    """Something that goes wrong with a material's deliveries.

    Args:
        material: its id.
        tier: from where: `local`, `region` or `other`.
        from_h, to_h: what would arrive between these hours,
        late_h: arrives so much later; None: when they are over (the supplier stands still).
    """

    material: str
    tier: str
    from_h: float
    to_h: float
    late_h: float | None = None


def local_share(line: Line, sourcing: Sequence[Sourcing], flows: Flows) -> float:
    """Share of the purchased value that comes from next door."""
    price = {m.id: m.price_cny or 0.0 for m in line.materials}
    value = {
        name: price[name] * float(flows.used[:, :, k].sum())
        for k, name in enumerate(flows.materials)
    }
    whole = sum(value.get(one.material, 0.0) for one in sourcing)
    local = sum(value.get(one.material, 0.0) * one.local for one in sourcing)
    return local / whole if whole else 0.0


def with_local_share(sourcing: Sequence[Sourcing], factor: float) -> tuple[Sourcing, ...]:
    """Scale every local share; what is missing comes from afar.

    >>> with_local_share([Sourcing("LFP", 0.4, 0.1, 0.5)], 0.5)
    (Sourcing(material='LFP', local=0.2, region=0.1, other=0.7),)
    """
    return tuple(
        replace(
            one,
            local=one.local * factor,
            other=round(one.other + one.local * (1 - factor), 12),
        )
        for one in sourcing
    )


@dataclass(frozen=True, slots=True)
class MaterialState:
    """A material over the hours that were looked at; means over replications.

    Args:
        material: its id.
        stock_h: hours of use that lay in the store, on the mean.
        value_cny: what that stock is worth.
        short_h: hours in which something was missing.
        missing: share of what was wanted that was not there.
    """

    material: str
    stock_h: Estimate
    value_cny: Estimate
    short_h: Estimate
    missing: Estimate


@dataclass(frozen=True, slots=True, eq=False)
class Supplied:
    """How a line was supplied.

    Args:
        materials: one each.
        lost: good units of product that could not have been made at the most; what an hour lacks
            of its scarcest material, of the mean output.
        value_cny: of all stock, on the mean.
    """

    materials: tuple[MaterialState, ...]
    lost: Estimate
    value_cny: Estimate


def supplied(
    line: Line,
    sourcing: Sequence[Sourcing],
    flows: Flows,
    *,
    delays: Sequence[Delay] = (),
    seed: int = 1,
    keep_levels_of: Sequence[Sourcing] | None = None,
) -> Supplied:
    """Work out the stores of a line's materials.

    Args:
        line: which line; for the materials' prices.
        sourcing: where each comes from; materials without it never run out.
        flows: what the line uses.
        delays: what goes wrong.
        seed: of the lead times; the same for every scenario, so that they meet the same trucks.
        keep_levels_of: order up to the levels that fit these shares and not the new ones: nobody
            has thought of changing them.

    Raises:
        EngineError: a sourcing or delay names what the line doesn't have.
    """
    known = list(flows.materials)
    for name in [*(one.material for one in sourcing), *(one.material for one in delays)]:
        if name not in known:
            hint = did_you_mean(name, known)
            raise EngineError(f"line {line.id} has no material {name}; {hint}")
    price = {material.id: material.price_cny or 0.0 for material in line.materials}
    planned = {one.material: one for one in keep_levels_of or sourcing}
    runs, hours = flows.good.shape
    there = np.ones((runs, hours))
    states, value = [], np.zeros(runs)
    for one in sourcing:
        use = flows.used[:, :, known.index(one.material)]
        mean = float(use.mean())
        mine = [delay for delay in delays if delay.material == one.material]
        stock = np.zeros((runs, hours))
        share_there = np.ones((runs, hours))
        for r in range(runs):
            rng_key = [seed, r, zlib.crc32(one.material.encode())]
            stock[r], share_there[r] = _store(
                one, planned[one.material], use[r], mean, mine, rng_key
            )
        there = np.minimum(there, share_there)
        missing = ((1 - share_there) * use).sum(axis=1) / np.maximum(use.sum(axis=1), 1e-300)
        worth = stock.mean(axis=1) * price[one.material]
        value += worth
        states.append(
            MaterialState(
                one.material,
                Estimate.of(list(stock.mean(axis=1) / mean)) if mean else Estimate(0.0, None),
                Estimate.of(worth.tolist()),
                Estimate.of([float(n) for n in (share_there < 1).sum(axis=1)]),
                Estimate.of(missing.tolist()),
            )
        )
    lost = (1 - there).sum(axis=1) * flows.good.mean()
    return Supplied(tuple(states), Estimate.of(lost.tolist()), Estimate.of(value.tolist()))


def _store(
    one: Sourcing, planned: Sourcing, use: Floats, mean: float, delays: Sequence[Delay],
    rng_key: list[int],
) -> tuple[Floats, Floats]:  # fmt: skip
    """One material's store over a run: stock at each hour's end, and the share that was there."""
    hours = len(use)
    origins = [
        ("local", TIERS[one.local_tier], one.local, planned.local),
        ("region", TIERS["region"], one.region, planned.region),
        ("other", TIERS["other"], one.other, planned.other),
    ]
    stock = np.array([_level(tier, mean * plan) for _, tier, _, plan in origins])
    on_order = np.zeros(len(origins))
    arriving = np.zeros((len(origins), hours + 1))
    levels = stock.copy()
    rngs = [np.random.default_rng([*rng_key, k]) for k in range(len(origins))]
    left, there = np.zeros(hours), np.ones(hours)
    for hour in range(hours):
        stock += arriving[:, hour]
        on_order -= arriving[:, hour]
        wanted = use[hour]
        if wanted > 0:
            taken = min(wanted, float(stock.sum()))
            there[hour] = taken / wanted
            _take(stock, np.array([share for _, _, share, _ in origins]), taken)
        for k, (name, tier, share, _) in enumerate(origins):
            if hour % tier.review_h == 0 and share > 0:
                order = levels[k] - stock[k] - on_order[k]
                lead = max(tier.lead_h / 10, rngs[k].normal(tier.lead_h, tier.lead_sd_h))
                if order > 0:
                    on_order[k] += order
                    at = _arrives(hour + lead, name, delays)
                    arriving[k, min(hours, int(np.ceil(at)))] += order
        left[hour] = stock.sum()
    return left, there


def _level(tier: Tier, demand: float) -> float:
    """Up to which an origin's stock is ordered."""
    lead, spread = tier.lead_h, tier.lead_sd_h
    both = lead + tier.review_h
    deviation = (both * (DEMAND_CV * demand) ** 2 + (demand * spread) ** 2) ** 0.5
    return float(demand * both + SAFETY * deviation)


def _take(stock: Floats, shares: Floats, amount: float) -> None:
    """Take from each origin its share, and what one lacks from the others."""
    first = np.minimum(stock, amount * shares)
    stock -= first
    rest = amount - float(first.sum())
    whole = float(stock.sum())
    if rest > 0 and whole > 0:
        stock -= stock * min(1.0, rest / whole)


def _arrives(at_h: float, name: str, delays: Sequence[Delay]) -> float:
    for delay in delays:
        if delay.tier == name and delay.from_h <= at_h < delay.to_h:
            at_h = delay.to_h if delay.late_h is None else at_h + delay.late_h
    return at_h


def escapes_ppm(line: Line) -> float:
    """Defective units that pass every inspection, of a million good ones, by the line file.

    A defect is found by the inspections of stations after the one where it arises; the first in
    the file's order comes first.

    >>> from twin.model import Line, Station
    >>> from twin.model.quality import DefectClass, Inspection
    >>> line = Line(id="L", defects=(DefectClass(id="d"),), stations=(
    ...     Station(id="A", cycle_time="2 s", defects={"d": 0.01},
    ...             inspection=Inspection(detects={"d": 0.9})),))
    >>> round(escapes_ppm(line))
    1000
    """
    ppm = 0.0
    for i, station in enumerate(line.stations):
        for defect, probability in station.defects.items():
            passes = 1.0
            for later in line.stations[i:]:
                if later.inspection is not None:
                    passes *= 1 - later.inspection.detects.get(defect, 0.0)
            ppm += probability * passes * 1e6
    return ppm


@dataclass(frozen=True, slots=True)
class Served:
    """How a customer was served; means over replications.

    Args:
        stock_d: days of demand in the customer's store, on the mean.
        short_h: hours in which it lacked something.
        missing: share of its demand that was not met.
        returned: share of lots that came back.
    """

    stock_d: Estimate
    short_h: Estimate
    missing: Estimate
    returned: Estimate


def served(customer: Customer, flows: Flows, ppm: float, *, seed: int = 1) -> Served:
    """Work out a customer's stock.

    Args:
        customer: its demand and its terms.
        flows: what the line makes.
        ppm: defective units in a million that leave the line.
        seed: of the defects in each lot.
    """
    rows = []
    for r in range(len(flows.good)):
        rng = np.random.default_rng([seed, r])
        rows.append(_customer(customer, flows.good[r], ppm, rng))
    stock, short, missing, returned = (
        Estimate.of(list(column)) for column in zip(*rows, strict=True)
    )
    return Served(stock, short, missing, returned)


def _customer(
    customer: Customer, good: Floats, ppm: float, rng: np.random.Generator
) -> tuple[float, float, float, float]:
    demand = customer.demand_per_d / 24
    stock, waiting = customer.stock_d * customer.demand_per_d, 0.0
    again = np.zeros(len(good) + customer.return_h + 1)
    left, short, missing, lots, back = 0.0, 0, 0.0, 0, 0
    for hour, made in enumerate(good.tolist()):
        waiting += made
        stock += again[hour]
        while waiting >= customer.lot:
            waiting -= customer.lot
            lots += 1
            defects = rng.binomial(customer.lot, min(1.0, ppm / 1e6))
            if customer.limit_ppm is not None and defects > customer.limit_ppm * customer.lot / 1e6:
                back += 1
                again[hour + customer.return_h] += customer.lot - defects
            else:
                stock += customer.lot
        taken = min(stock, demand)
        stock -= taken
        short += taken < demand
        missing += demand - taken
        left += stock
    hours = len(good)
    return (
        left / hours / customer.demand_per_d,
        float(short),
        missing / (demand * hours),
        back / lots if lots else 0.0,
    )
