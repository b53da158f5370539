"""The figures that an experiment compares, worked out of what a replication has counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.engine.counters import Counters
from twin.engine.planned_time import open_time_us
from twin.kpi import ratio
from twin.model.line import Line
from twin.model.product import product_units

__all__ = ["FIGURES", "Figure", "Readings", "figure_number"]

HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a replication.

    Args:
        name: what programs call it.
        words: what people call it; `{unit}` stands for the product's unit.
        more_is_better: whether a higher one is the better one.
        scale: what it is multiplied with to be shown.
        digits: shown after the point.
    """

    name: str
    words: str
    more_is_better: bool = True
    scale: float = 1.0
    digits: int = 1


FIGURES = (
    Figure("good_per_h", "good {unit} an hour of planned busy time"),
    Figure("good", "good {unit}"),
    Figure("yield_ratio", "yield, %", scale=100, digits=3),
    Figure("kwh_per_unit", "kWh a good {unit}", more_is_better=False, digits=4),
)
"""In the order of the columns that `Readings` gives."""


def figure_number(name: str) -> int:
    """The column of a figure.

    >>> figure_number("good")
    1
    """
    return [figure.name for figure in FIGURES].index(name)


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """What turns counters into figures, worked out once for a line.

    Args:
        good_units: units of product for each good part of a station; 0 but where they leave.
        scrap_units: units of product for each scrapped part; 0 where it doesn't count.
        kwh_by_part: for each good part of a station.
        kw_by_time: power of one place of a station in each condition, kW.
        kwh_by_unit: utilities, for each good unit of product.
    """

    line: Line
    good_units: NDArray[np.float64]
    scrap_units: NDArray[np.float64]
    kwh_by_part: NDArray[np.float64]
    kw_by_time: NDArray[np.float64]
    kwh_by_unit: float

    @classmethod
    def of(cls, line: Line) -> Readings:
        """Work out a line's own numbers."""
        units, counted = product_units(line), line.yield_stations
        ends = [0.0 if line.outputs[s.id] else units[s.id] for s in line.stations]
        scrap = [units[s.id] if s.id in counted else 0.0 for s in line.stations]
        power = []
        for station in line.stations:
            use = station.energy
            by_condition = (use.execute, use.idle, use.idle, *(use.fault,) * 3, use.off)
            power.append([kw / station.places for kw in by_condition])
        return cls(
            line,
            np.array(ends),
            np.array(scrap),
            np.array([s.energy.per_product * units[s.id] for s in line.stations]),
            np.array(power),
            sum(utility.per_product for utility in line.utilities),
        )

    def good(self, counters: Counters) -> float:
        """Good units of product that left the line."""
        return float(np.sum(self.good_units * counters.good))

    def figures(self, counters: Counters, from_us: int, to_us: int) -> list[float]:
        """Work out the figures of a span.

        Args:
            counters: what was counted over it.
            from_us, to_us: engine time over which was counted.

        Returns:
            One number for each of `FIGURES`; NaN where there is nothing to say.
        """
        calendars = {calendar.id: calendar for calendar in self.line.calendars}
        calendar = calendars[self.line.calendar] if self.line.calendar else None
        hours = open_time_us(calendar, from_us, to_us) / HOUR_US
        good = self.good(counters)
        scrap = float(np.sum(self.scrap_units * counters.defective))
        kwh = (
            self.kwh_by_unit * good
            + float(np.sum(self.kwh_by_part * counters.good))
            + float(np.sum(self.kw_by_time * counters.time_us)) / HOUR_US
        )
        return [ratio(good, hours), good, ratio(good, good + scrap), ratio(kwh, good)]
