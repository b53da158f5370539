"""The other side of the gate: lots, a standard that they must meet, and the customer's store."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from twin.model.line import Line
from twin.model.supply import Customer

__all__ = ["CUSTOMER_FIGURES", "escapes_ppm", "served"]

Floats = NDArray[np.float64]
HOUR_US = 3_600_000_000
CUSTOMER_FIGURES = ("customer_stock_d", "customer_short_h", "unmet_ratio", "returned_ratio")


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


def served(
    customer: Customer, good_by_hour: Floats, ppm: float, rng: np.random.Generator
) -> tuple[float, float, float, float]:
    """Follow a customer's store hour by hour.

    Args:
        customer: its demand and its terms.
        good_by_hour: good units that leave the line.
        ppm: defective ones among a million of them.
        rng: draws the defective units of each lot; the same one for the same line's lots.

    Returns:
        `CUSTOMER_FIGURES`: days of demand in the store on the mean; hours in which it lacked
        something; share of the demand that was not met; share of the lots that came back.

    >>> mill = Customer(demand=10.0, stock_us=HOUR_US, lot=10)
    >>> served(mill, np.full(24, 5.0), 0.0, np.random.default_rng(1))[1]
    11.0
    """
    demand = customer.demand
    stock, waiting = customer.stock_us / HOUR_US * demand, 0.0
    later = max(1, math.ceil(customer.returned_us / HOUR_US))
    again = np.zeros(len(good_by_hour) + later + 1)
    left, short, missing, lots, back = 0.0, 0, 0.0, 0, 0
    for hour, made in enumerate(good_by_hour.tolist()):
        waiting += made
        stock += again[hour]
        while waiting >= customer.lot:
            waiting -= customer.lot
            lots += 1
            defective = int(rng.binomial(customer.lot, min(1.0, ppm / 1e6)))
            allowed = customer.limit_ppm
            if allowed is not None and defective > allowed * customer.lot / 1e6:
                back += 1
                again[hour + later] += customer.lot - defective
            else:
                stock += customer.lot
        taken = min(stock, demand)
        stock -= taken
        short += taken < demand
        missing += demand - taken
        left += stock
    hours = len(good_by_hour)
    return (
        left / hours / (24 * demand),
        float(short),
        missing / (demand * hours),
        back / lots if lots else 0.0,
    )
