"""The other side of the gate: lots, a standard that they must meet, and the customer's store."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from twin.model.line import Line
from twin.model.supply import Customer

__all__ = ["CUSTOMER_FIGURES", "CustomerStore", "escapes_ppm", "served"]

Floats = NDArray[np.float64]
HOUR_US = 3_600_000_000
CUSTOMER_FIGURES = (
    "customer_stock_d",
    "customer_short_h",
    "unmet_ratio",
    "returned_ratio",
    "customer_full_h",
)
"""Days of demand in the customer's store on the mean; hours in which it lacked something; shares of
the demand that was not met and of the lots that came back; hours of the line's last machines that
waited for room in it."""


def escapes_ppm(line: Line) -> float:
    """Defective units that pass every inspection, of a million, by the line file.

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


class CustomerStore:
    """A customer's store, hour by hour.

    Args:
        customer: its demand and its terms.
        ppm: defective units among a million of those that leave the line.
        rng: draws the defective units of each lot; the same one for the same line's lots.

    >>> mill = Customer(demand=10.0, lot=10)
    >>> store = CustomerStore(mill, 0.0, np.random.default_rng(1))
    >>> store.hour(15.0), store.hour(5.0)
    (10.0, 10.0)
    """

    def __init__(self, customer: Customer, ppm: float, rng: np.random.Generator) -> None:
        self._customer, self._ppm, self._rng = customer, ppm, rng
        self._stock, self._waiting = customer.stock_us / HOUR_US * customer.demand, 0.0
        self._again: dict[int, float] = {}
        self._hours = self._short = self._lots = self._back = 0
        self._left = self._missing = 0.0

    def hour(self, made: float) -> float:
        """Let an hour pass.

        Args:
            made: good units that left the line in it.

        Returns:
            Units that are gone for good: used up, or sorted out of a lot that came back.
        """
        customer = self._customer
        self._waiting += made
        self._stock += self._again.pop(self._hours, 0.0)
        sorted_out = 0
        while self._waiting >= customer.lot:
            self._waiting -= customer.lot
            self._lots += 1
            defective = int(self._rng.binomial(customer.lot, min(1.0, self._ppm / 1e6)))
            allowed = customer.limit_ppm
            if allowed is not None and defective > allowed * customer.lot / 1e6:
                self._back += 1
                later = self._hours + max(1, math.ceil(customer.returned_us / HOUR_US))
                self._again[later] = self._again.get(later, 0.0) + customer.lot - defective
                sorted_out += defective
            else:
                self._stock += customer.lot
        taken = min(self._stock, customer.demand)
        self._stock -= taken
        self._short += taken < customer.demand
        self._missing += customer.demand - taken
        self._left += self._stock
        self._hours += 1
        return taken + sorted_out

    def figures(self) -> tuple[float, float, float, float]:
        """`CUSTOMER_FIGURES` of the hours that have passed, but for the last."""
        demand, hours = self._customer.demand, self._hours
        return (
            self._left / hours / (24 * demand),
            float(self._short),
            self._missing / (demand * hours),
            self._back / self._lots if self._lots else 0.0,
        )


def served(
    customer: Customer, good_by_hour: Floats, ppm: float, rng: np.random.Generator
) -> tuple[float, float, float, float]:
    """Follow a customer's store that takes all that is made.

    Args:
        customer, ppm, rng: as in `CustomerStore`.
        good_by_hour: good units that leave the line.

    Returns:
        Days of demand in the store on the mean; hours in which it lacked something; share of the
        demand that was not met; share of the lots that came back.

    >>> mill = Customer(demand=10.0, stock_us=HOUR_US, lot=10)
    >>> served(mill, np.full(24, 5.0), 0.0, np.random.default_rng(1))[1]
    11.0
    """
    store = CustomerStore(customer, ppm, rng)
    for made in good_by_hour.tolist():
        store.hour(made)
    return store.figures()
