"""One replication of a line and its stores together: what comes late stops the line.

The engine keeps the stores, takes from them and waits where one is empty; in between, orders are
placed and arrivals brought to it (rule S42). So a shortage costs what the line's buffers do not
bridge, no more and no less.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twin.engine.counters import Counters
from twin.engine.opening import Engine
from twin.engine.wait_causes import wait_causes
from twin.model.line import Line
from twin.model.materials import Material
from twin.whatif.customer import escapes_ppm, served
from twin.whatif.run import Run
from twin.whatif.stores import Stores, levels_of
from twin.whatif.supply_case import SupplyCase

__all__ = ["MATERIAL_FIGURES", "Record", "free_run", "stocked", "supplied_run"]

Floats = NDArray[np.float64]
HOUR_US = 3_600_000_000
MATERIAL_FIGURES = ("stock", "lowest_stock", "used", "starved_h")


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """What a replication has counted.

    Args:
        good: good units of product.
        materials: float64, (the supply's materials, `MATERIAL_FIGURES`), in the material's unit;
            `starved_h` is hours of machines that waited for it.
        customer: as `served` gives it; None: there is no customer.
    """

    good: float
    materials: Floats
    customer: tuple[float, float, float, float] | None


def stocked(line: Line, case: SupplyCase, use_per_h: tuple[float, ...]) -> Line:
    """The line with stores that hold at the start what they are ordered up to."""
    planned = {one.id: one for one in case.planned.materials}
    stock = {}
    for one, use in zip(case.supply.materials, use_per_h, strict=True):
        shares = case.supply.shares_of(one)
        levels = levels_of(case.planned, planned[one.id], use)
        stock[one.id] = round(sum(levels.get(name, 0) for name in shares if shares[name] > 0), 6)
    materials = tuple(
        one.model_copy(update={"stock": stock[one.id], "delivery": None})
        if one.id in stock
        else one
        for one in line.materials
    )
    return line.model_copy(update={"materials": materials})


def _with_stock(
    materials: Sequence[Material], stock: Mapping[str, float | None]
) -> tuple[Material, ...]:
    """The materials, some with another stock and no deliveries of the line file."""
    found = []
    for one in materials:
        update = {"stock": stock[one.id], "delivery": None} if one.id in stock else {}
        found.append(one.model_copy(update=update))
    return tuple(found)


def free_run(run: Run, materials: tuple[str, ...], replication: int) -> tuple[float, Floats]:
    """Run a line that lacks nothing.

    Args:
        run: the line as it is.
        materials: their ids.
        replication: whose draws.

    Returns:
        Good units of product, and the use of each material an hour, in its unit.
    """
    endless = _with_stock(run.line.materials, dict.fromkeys(materials))
    free = replace(run, line=run.line.model_copy(update={"materials": endless}))
    engine = free.opened(replication)
    begin = engine.now_us + run.warm_up_us
    engine.advance(begin)
    before = engine.counters()
    engine.advance(begin + run.span_us)
    counted = engine.counters().since(before)
    used = counted.started @ _amounts(run.line, materials)
    return run.readings.good(counted), used / (run.span_us / HOUR_US)


def _amounts(line: Line, materials: tuple[str, ...]) -> Floats:
    """Of each material what an operation of each station takes."""
    found = np.zeros((len(line.stations), len(materials)))
    for i, station in enumerate(line.stations):
        for use in station.uses:
            if use.material in materials:
                found[i, materials.index(use.material)] += use.amount
    return found


def supplied_run(
    run: Run, case: SupplyCase, use_per_h: tuple[float, ...], replication: int
) -> Record:
    """Run a line with its stores, their orders and the customer.

    Args:
        run: of the line that `stocked` gives.
        case: the supply.
        use_per_h: of each of its materials while nothing lacks; levels are worked out of it.
        replication: whose draws.
    """
    engine = run.opened(replication)
    begin = engine.now_us
    counted, end = begin + run.warm_up_us, begin + run.warm_up_us + run.span_us
    stores = Stores(case, use_per_h, begin, counted, end, run.seed, replication)
    watch = _Watch(run, case, engine, stores)
    review_us, look_us = begin, counted
    while look_us <= end:
        at_us = min(review_us, look_us, stores.next_arrival_us or look_us)
        engine.advance(at_us)
        for material, amount in stores.arrived(at_us):
            engine.deliver(watch.ids[material], amount)
        if at_us in (review_us, look_us):
            watch.settle()
        if at_us == review_us:
            stores.review(at_us)
            review_us = stores.next_review_us(at_us)
        if at_us == look_us:
            watch.look()
            look_us += HOUR_US
    return watch.record(replication)


class _Watch:
    """What is read off an engine and its stores on the way."""

    def __init__(self, run: Run, case: SupplyCase, engine: Engine, stores: Stores) -> None:
        self.run, self.case, self.engine, self.stores = run, case, engine, stores
        self.ids = tuple(one.id for one in case.supply.materials)
        self.amounts = _amounts(run.line, self.ids)
        self.now = engine.counters()
        # From nothing: an empty line has taken its first loads when it stands there.
        self.taken = np.zeros_like(self.now.started)
        self.first: Counters | None = None
        self.good: list[float] = []
        self.stock: list[list[float]] = []

    def settle(self) -> None:
        """Take out of the stores what the line has taken since the last look."""
        self.now = self.engine.counters()
        used = (self.now.started - self.taken) @ self.amounts
        for material, amount in enumerate(used.tolist()):
            if amount:
                self.stores.take(material, amount)
        self.taken = self.now.started

    def look(self) -> None:
        """Put down an hour that has ended; the first look begins the first hour."""
        self.first = self.first or self.now
        self.good.append(self.run.readings.good(self.now))
        self.stock.append([sum(stock) for stock in self.stores.stock])

    def record(self, replication: int) -> Record:
        """Sum up."""
        assert self.first is not None  # noqa: S101 - a run has at least one look
        counted = self.now.since(self.first)
        stock = np.array(self.stock)
        figures = np.column_stack(
            (
                stock.mean(axis=0),
                stock.min(axis=0),
                counted.started @ self.amounts,
                self._starved_h(counted),
            )
        )
        customer = None
        if self.case.supply.customer is not None:
            rng = np.random.default_rng([self.run.seed, replication])
            by_hour = np.diff(np.array(self.good))
            customer = served(self.case.supply.customer, by_hour, escapes_ppm(self.run.line), rng)
        return Record(self.good[-1] - self.good[0], figures, customer)

    def _starved_h(self, counted: Counters) -> Floats:
        line, causes = self.run.line, wait_causes(self.run.line)
        found = np.zeros(len(self.ids))
        for i, station in enumerate(line.stations):
            rows = causes.starved_rows(i)
            inputs = len(line.inputs[station.id])
            us = counted.starved_by_us[rows][inputs:]
            for use, starved in zip(station.uses, us.tolist(), strict=True):
                if use.material in self.ids:
                    found[self.ids.index(use.material)] += starved / station.places / HOUR_US
        return found
