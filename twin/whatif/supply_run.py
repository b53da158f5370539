"""One replication of a line and its stores together: what comes late stops the line.

The engine keeps the stores, takes from them and waits where one is empty; in between, orders are
placed and arrivals brought to it (rule S42). So a shortage costs what the line's buffers do not
bridge, no more and no less.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from twin.engine.wait_causes import wait_causes
from twin.model.line import Line
from twin.model.materials import Material
from twin.model.supply import Supply
from twin.whatif.film import Film, Ranout, Showing
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
    """

    good_by_h: Floats
    materials: Floats


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


def looks_of(run: Run, supplies: Iterable[Supply]) -> tuple[int, ...]:
    """The run's start, every review of the supplies, and the end of each hour that counts."""
    begin = 0
    counted, end = begin + run.warm_up_us, begin + run.warm_up_us + run.span_us
    periods = {tier.review_us for supply in supplies for tier in supply.tiers}
    at = {begin, *range(counted, end + 1, HOUR_US)}
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
    started, good = [], []
    for at_us in looks_us:
        engine.advance(at_us)
        now = engine.counters()
        started.append(now.started)
        good.append(run.readings.good(now))
    return Film(looks_us, np.array(started), np.array(good))


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
    floor = _Running(run, case, replication)
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
    ids = tuple(one.id for one in case.supply.materials)
    stock = {one.id: one.stock or 0.0 for one in run.line.materials}
    try:
        floor = Showing(film, _amounts(run.line, ids), [stock[name] for name in ids])
        return _watched(floor, run, case, use_per_h, replication)
    except Ranout:
        return None


class _Floor(Protocol):
    """What takes material from stores and makes good units."""

    def advance(self, to_us: int) -> None:
        """Go on to an instant."""

    def deliver(self, material: int, amount: float) -> None:
        """Fill a store, after all else at this instant."""

    @property
    def started(self) -> NDArray[np.int64]:
        """Operations of each station that have begun."""

    @property
    def good(self) -> float:
        """Good units that have left."""


class _Running:
    """An engine, at work."""

    def __init__(self, run: Run, case: SupplyCase, replication: int) -> None:
        self._run, self._engine = run, run.opened(replication)
        self._ids = tuple(one.id for one in case.supply.materials)
        self._first = self._now = self._engine.counters()

    def advance(self, to_us: int) -> None:
        self._engine.advance(to_us)
        self._now = self._engine.counters()
        if to_us == self._run.warm_up_us:
            self._first = self._now

    def deliver(self, material: int, amount: float) -> None:
        self._engine.deliver(self._ids[material], amount)

    @property
    def started(self) -> NDArray[np.int64]:
        return self._now.started

    @property
    def good(self) -> float:
        return self._run.readings.good(self._now)

    def starved_h(self) -> Floats:
        """Hours of machines that waited for each material since the warm-up."""
        line, causes = self._run.line, wait_causes(self._run.line)
        counted = self._now.since(self._first)
        found = np.zeros(len(self._ids))
        for i, station in enumerate(line.stations):
            rows = causes.starved_rows(i)
            us = counted.starved_by_us[rows][len(line.inputs[station.id]) :]
            for use, starved in zip(station.uses, us.tolist(), strict=True):
                if use.material in self._ids:
                    found[self._ids.index(use.material)] += starved / station.places / HOUR_US
        return found


def _watched(
    floor: _Floor, run: Run, case: SupplyCase, use_per_h: tuple[float, ...], replication: int
) -> Record:
    begin = 0
    counted, end = begin + run.warm_up_us, begin + run.warm_up_us + run.span_us
    stores = Stores(case, use_per_h, begin, counted, end, run.seed, replication)
    watch = _Watch(run, case, floor, stores)
    review_us, look_us = begin, counted
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
            watch.look()
            look_us += HOUR_US
    return watch.record()


class _Watch:
    """What is read off a floor and its stores on the way."""

    def __init__(self, run: Run, case: SupplyCase, floor: _Floor, stores: Stores) -> None:
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
        self._good.append(self._floor.good)
        self._stock.append([sum(stock) for stock in self._stores.stock])

    def record(self) -> Record:
        """Sum up."""
        floor, stock = self._floor, np.array(self._stock)
        starved = floor.starved_h() if isinstance(floor, _Running) else np.zeros(stock.shape[1])
        used = (floor.started - self._first) @ self._amounts
        figures = np.column_stack((stock.mean(axis=0), stock.min(axis=0), used, starved))
        return Record(np.diff(np.array(self._good)), figures)
