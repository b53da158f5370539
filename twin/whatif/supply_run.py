"""One replication of a line and its stores together: what comes late stops the line.

The engine keeps the stores, takes from them and waits where one is empty; in between, orders are
placed and arrivals brought to it (rule S42). So a shortage costs what the line's buffers do not
bridge, no more and no less.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twin.model.line import Line
from twin.model.materials import Material
from twin.model.supply import Supply
from twin.model.supply_checks import ROOM
from twin.whatif.customer_gate import Gate, roomed
from twin.whatif.film import Film, Ranout, Showing
from twin.whatif.floors import Floor, Running, wasted_units
from twin.whatif.run import Run
from twin.whatif.stores import Stores, levels_of
from twin.whatif.supply_case import SupplyCase

__all__ = [
    "MATERIAL_FIGURES",
    "Record",
    "free_run",
    "looks_of",
    "shown_run",
    "stocked",
    "supplied_run",
    "use_of",
]

Floats = NDArray[np.float64]
HOUR_US = 3_600_000_000
MATERIAL_FIGURES = ("stock", "lowest_stock", "used", "starved_h")


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """What a replication has counted.

    Args:
        good_by_h: float64, good units of product that left in each hour.
        materials: float64, (the supply's materials, `MATERIAL_FIGURES`), in the material's unit;
            `starved_h` is hours of machines that waited for it.
        customer: what became of a customer whose store can be full, as `CUSTOMER_FIGURES`; None: it
            did nothing to the line.
    """

    good_by_h: Floats
    materials: Floats
    customer: tuple[float, ...] | None = None


def stocked(line: Line, case: SupplyCase, use_per_h: tuple[float, ...]) -> Line:
    """The line with stores that hold at the start what they are ordered up to.

    Where the customer's store can be full, its room is a material that the last stations use.
    """
    planned = {one.id: one for one in case.planned.materials}
    stock = {}
    for one, use in zip(case.supply.materials, use_per_h, strict=True):
        shares = case.supply.shares_of(one)
        levels = levels_of(case.planned, planned[one.id], use)
        stock[one.id] = round(sum(levels.get(name, 0) for name in shares if shares[name] > 0), 6)
    return roomed(
        line.model_copy(update={"materials": _with_stock(line.materials, stock)}),
        case.supply.customer,
    )


def _with_stock(
    materials: Sequence[Material], stock: Mapping[str, float | None]
) -> tuple[Material, ...]:
    """The materials, some with another stock and no deliveries of the line file."""
    found = []
    for one in materials:
        update = {"stock": stock[one.id], "delivery": None} if one.id in stock else {}
        found.append(one.model_copy(update=update))
    return tuple(found)


def looks_of(run: Run, supplies: Iterable[Supply]) -> tuple[int, ...]:
    """The run's start, every review of the supplies, and the end of each hour, counted or not."""
    begin = 0
    counted, end = begin + run.warm_up_us, begin + run.warm_up_us + run.span_us
    periods = {tier.review_us for supply in supplies for tier in supply.tiers}
    at = {begin, *range(counted % HOUR_US, end + 1, HOUR_US)}
    for period_us in periods:
        at.update(range(begin, end + 1, period_us))
    return tuple(sorted(at))


def free_run(
    run: Run, materials: tuple[str, ...], looks_us: tuple[int, ...], replication: int
) -> Film:
    """Run a line that lacks nothing.

    Args:
        run: the line as it is.
        materials: their ids.
        looks_us: when it is looked at.
        replication: whose draws.
    """
    endless = _with_stock(run.line.materials, dict.fromkeys(materials))
    engine = replace(run, line=run.line.model_copy(update={"materials": endless})).opened(
        replication
    )
    started, good, wasted = [], [], []
    for at_us in looks_us:
        engine.advance(at_us)
        now = engine.counters()
        started.append(now.started)
        good.append(run.readings.good(now))
        wasted.append(wasted_units(run, now))
    return Film(looks_us, np.array(started), np.array(good), np.array(wasted))


def use_of(film: Film, run: Run, materials: tuple[str, ...]) -> tuple[float, Floats]:
    """What a line that lacks nothing makes and uses.

    Returns:
        Good units of product, and the use of each material an hour, in its unit.
    """
    first = film.at_us.index(run.warm_up_us)
    used = (film.started[-1] - film.started[first]) @ _amounts(run.line, materials)
    return float(film.good[-1] - film.good[first]), used / (run.span_us / HOUR_US)


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
    """Run a line with its stores and their orders.

    Args:
        run: of the line that `stocked` gives.
        case: the supply.
        use_per_h: of each of its materials while nothing lacks; levels are worked out of it.
        replication: whose draws.
    """
    floor = Running(run, _names(case), replication)
    return _watched(floor, run, case, use_per_h, replication)


def shown_run(
    film: Film, run: Run, case: SupplyCase, use_per_h: tuple[float, ...], replication: int
) -> Record | None:
    """Follow a supply along the film of a line that lacks nothing.

    Args:
        film: what `free_run` gave.
        run, case, use_per_h, replication: as in `supplied_run`.

    Returns:
        The record that `supplied_run` gives, to the bit; None: a store may have run empty.
    """
    stock = {one.id: one.stock or 0.0 for one in run.line.materials}
    try:
        names = _names(case)
        floor = Showing(film, _amounts(run.line, names), [stock[name] for name in names])
        return _watched(floor, run, case, use_per_h, replication)
    except Ranout:
        return None


def _names(case: SupplyCase) -> tuple[str, ...]:
    """What a line of a case takes out of stores, room at its customer among it."""
    customer = case.supply.customer
    room = (ROOM,) * (customer is not None and customer.capacity_us is not None)
    return (*(one.id for one in case.supply.materials), *room)


def _watched(
    floor: Floor, run: Run, case: SupplyCase, use_per_h: tuple[float, ...], replication: int
) -> Record:
    begin = 0
    counted, end = begin + run.warm_up_us, begin + run.warm_up_us + run.span_us
    stores = Stores(case, use_per_h, begin, counted, end, run.seed, replication)
    watch = _Watch(run, case, floor, stores)
    gate = Gate.of(run, case, floor, replication)
    review_us, look_us = begin, counted if gate is None else counted % HOUR_US
    while look_us <= end:
        at_us = min(review_us, look_us, stores.next_arrival_us or look_us)
        floor.advance(at_us)
        for material, amount in stores.arrived(at_us):
            floor.deliver(material, amount)
        if at_us in (review_us, look_us):
            watch.settle()
        if at_us == review_us:
            stores.review(at_us)
            review_us = stores.next_review_us(at_us)
        if at_us == look_us:
            if look_us >= counted:
                watch.look()
            if gate is not None:
                gate.look(counts=look_us > counted)
            look_us += HOUR_US
    return watch.record(gate)


class _Watch:
    """What is read off a floor and its stores on the way."""

    def __init__(self, run: Run, case: SupplyCase, floor: Floor, stores: Stores) -> None:
        self._floor, self._stores = floor, stores
        self._amounts = _amounts(run.line, tuple(one.id for one in case.supply.materials))
        # From nothing: an empty line has taken its first loads when it stands there.
        self._taken = np.zeros_like(floor.started)
        self._first = self._taken
        self._good: list[float] = []
        self._stock: list[list[float]] = []

    def settle(self) -> None:
        """Take out of the stores what the line has taken since the last look."""
        now = self._floor.started
        used = (now - self._taken) @ self._amounts
        for material, amount in enumerate(used.tolist()):
            if amount:
                self._stores.take(material, amount)
        self._taken = now

    def look(self) -> None:
        """Put down an hour that has ended; the first look begins the first hour."""
        if not self._good:
            self._first = self._floor.started
            self._floor.mark()
        self._good.append(self._floor.good)
        self._stock.append([sum(stock) for stock in self._stores.stock])

    def record(self, gate: Gate | None) -> Record:
        """Sum up."""
        floor, stock = self._floor, np.array(self._stock)
        used = (floor.started - self._first) @ self._amounts
        starved = floor.starved_h()
        whole = (stock.mean(axis=0), stock.min(axis=0), used, starved[: len(used)])
        customer = None if gate is None else (*gate.store.figures(), float(starved[-1]))
        return Record(np.diff(np.array(self._good)), np.column_stack(whole), customer)
