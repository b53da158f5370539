"""A line with both sides of its gate, under one or more cases, with the same random numbers.

Every case meets the same failures, the same trucks and the same defects: differences from the
supply as it is are means of pairs, as in all experiments here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twin.engine.results import Estimate
from twin.engine.simulation import EngineName, resolved_engine
from twin.errors import EngineError
from twin.model.line import Line
from twin.model.supply import Supply
from twin.whatif.customer import CUSTOMER_FIGURES, escapes_ppm, served
from twin.whatif.estimates import difference
from twin.whatif.film import Film
from twin.whatif.run import Run
from twin.whatif.supply_case import SupplyCase
from twin.whatif.supply_run import (
    MATERIAL_FIGURES,
    Record,
    free_run,
    looks_of,
    shown_run,
    stocked,
    supplied_run,
    use_of,
)
from twin.whatif.workers import Workers

__all__ = ["SUPPLY_FIGURES", "MaterialState", "SupplyAnswer", "SupplyPlan", "supply_answer"]

Floats = NDArray[np.float64]
HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
SUPPLY_FIGURES = ("good_per_d", "lost_per_d", "stock_cny", "local_share", *CUSTOMER_FIGURES)
"""Of each replication: good units a day; what is lacking of it to a line that lacks nothing; worth
of all stock on the mean; share of the purchased value that comes from next door; the customer's."""


@dataclass(frozen=True, slots=True)
class SupplyPlan:
    """How it is run.

    Args:
        span_us: counted in each replication: whole hours, at least one.
        replications: of each case; at least 2.
        seed: every draw follows from it.
        engine: which engine runs.
    """

    span_us: int = 14 * DAY_US
    replications: int = 8
    seed: int = 1
    engine: EngineName = "auto"


@dataclass(frozen=True, slots=True)
class MaterialState:
    """A material in one case; means over replications.

    Args:
        material: its id.
        stock_h: hours of its use that lay in the store, on the mean.
        lowest_h: the least of it at the end of any hour.
        starved_h: hours of machines that stood for want of it.
        used_per_d: in its unit.
    """

    material: str
    stock_h: Estimate
    lowest_h: Estimate
    starved_h: Estimate
    used_per_d: Estimate


@dataclass(frozen=True, slots=True, eq=False)
class SupplyAnswer:
    """What was found.

    Args:
        line, plan: what was run.
        warm_up_us: simulated first and not counted.
        cases: the supply as it is, and the others.
        use_per_h: of each material while nothing lacks, in its unit.
        free: float64, good units of each replication of a line that lacks nothing.
        values: float64, (cases, replications, `SUPPLY_FIGURES`); NaN where there is nothing.
        materials: float64, (cases, replications, materials, `MATERIAL_FIGURES`).
    """

    line: Line
    plan: SupplyPlan
    warm_up_us: int
    cases: tuple[SupplyCase, ...]
    use_per_h: tuple[float, ...]
    free: Floats
    values: Floats
    materials: Floats

    def of(self, case: int, figure: str) -> Estimate | None:
        """A figure's mean in a case; None: there is no such thing here, as no customer."""
        values = self.values[case, :, SUPPLY_FIGURES.index(figure)]
        return None if np.isnan(values).any() else Estimate.of(values.tolist())

    def change(self, case: int, figure: str) -> Estimate | None:
        """How much higher a figure is than with the supply as it is."""
        column = SUPPLY_FIGURES.index(figure)
        pair = self.values[case, :, column], self.values[0, :, column]
        return None if np.isnan(pair).any() else difference(*pair)

    def state(self, case: int, material: int) -> MaterialState:
        """How a material did in a case."""
        rows = self.materials[case, :, material]
        per_h = self.use_per_h[material] or np.nan
        days = self.plan.span_us / DAY_US

        def figure(name: str, of: float) -> Estimate:
            return Estimate.of((rows[:, MATERIAL_FIGURES.index(name)] / of).tolist())

        return MaterialState(
            self.cases[case].supply.materials[material].id,
            figure("stock", per_h),
            figure("lowest_stock", per_h),
            figure("starved_h", 1.0),
            figure("used", days),
        )


def supply_answer(
    line: Line, cases: Sequence[SupplyCase], *, plan: SupplyPlan, workers: Workers
) -> SupplyAnswer:
    """Run a line with its supply.

    Args:
        line: a checked line; it begins empty and has its own warm-up.
        cases: the first is what the others are compared with; all with the same materials.
        plan: how.
        workers: who runs.

    Raises:
        EngineError: the plan can't be carried out.
    """
    if plan.replications < 2 or plan.span_us < HOUR_US or plan.span_us % HOUR_US:
        raise EngineError("needs at least 2 replications, and whole hours of at least one")
    engine = resolved_engine(plan.engine)
    run = Run(line, None, plan.seed, line.warm_up_us, plan.span_us, engine)
    ids = tuple(one.id for one in cases[0].supply.materials)
    numbers = range(plan.replications)
    looks_us = looks_of(run, [case.supply for case in cases])
    films = dict(workers.results(free_run, [(run, ids, looks_us, r) for r in numbers]))
    used = [use_of(films[r], run, ids) for r in numbers]
    made = np.array([good for good, _ in used])
    use_per_h = tuple(np.mean([per_h for _, per_h in used], axis=0).tolist())
    values = np.full((len(cases), len(numbers), len(SUPPLY_FIGURES)), np.nan)
    materials = np.empty((len(cases), len(numbers), len(ids), len(MATERIAL_FIGURES)))
    for case, r, record in _records(run, cases, films, use_per_h, workers):
        values[case, r] = _figures(line, cases[case].supply, plan, float(made[r]), record, r)
        materials[case, r] = record.materials
    return SupplyAnswer(
        line, plan, line.warm_up_us, tuple(cases), use_per_h, made, values, materials
    )


def _records(
    run: Run,
    cases: Sequence[SupplyCase],
    films: Mapping[int, Film],
    use_per_h: tuple[float, ...],
    workers: Workers,
) -> Iterator[tuple[int, int, Record]]:
    """What each replication of each case has counted; run anew is only what must be."""
    alike: list[tuple[SupplyCase, list[int]]] = []
    for number, case in enumerate(map(_of_the_line, cases)):
        for known, group in alike:
            if known == case:
                group.append(number)
                break
        else:
            alike.append((case, [number]))
    tasks, whose = [], []
    for case, group in alike:
        own = replace(run, line=stocked(run.line, case, use_per_h))
        for r, film in films.items():
            record = shown_run(film, own, case, use_per_h, r)
            if record is None:
                tasks.append((own, case, use_per_h, r))
                whose.append((group, r))
            else:
                yield from ((number, r, record) for number in group)
    for task, record in workers.results(supplied_run, tasks):
        group, r = whose[task]
        yield from ((number, r, record) for number in group)


def _of_the_line(case: SupplyCase) -> SupplyCase:
    """What of a case the line can feel: the same for cases that differ in their customer only,
    unless its store can be full.
    """
    customer = case.supply.customer
    felt = customer if customer is not None and customer.capacity_us is not None else None
    supply = case.supply.model_copy(update={"customer": felt, "scenarios": ()})
    planned = case.planned.model_copy(update={"customer": None, "scenarios": ()})
    return SupplyCase("", "", supply, planned, case.mishaps)


def _figures(
    line: Line, supply: Supply, plan: SupplyPlan, free: float, record: Record, replication: int
) -> list[float]:
    good = float(record.good_by_h.sum())
    customer = record.customer or (np.nan,) * len(CUSTOMER_FIGURES)
    if supply.customer is not None and record.customer is None:
        rng = np.random.default_rng([plan.seed, replication])
        ppm = escapes_ppm(line)
        customer = (*served(supply.customer, record.good_by_h, ppm, rng), np.nan)
    days = plan.span_us / DAY_US
    price = {one.id: one.price_cny for one in line.materials}
    prices = np.array([price[one.id] or 0.0 for one in supply.materials])
    near = {tier.id for tier in supply.tiers if tier.local}
    local = np.array(
        [
            sum(share for name, share in supply.shares_of(one).items() if name in near)
            for one in supply.materials
        ]
    )
    stock, used = record.materials[:, 0], record.materials[:, 2]
    bought = float(used @ prices)
    priced = bool(prices.any())
    return [
        good / days,
        (free - good) / days,
        float(stock @ prices) if priced else np.nan,
        float(used @ (prices * local)) / bought if bought else np.nan,
        *customer,
    ]
