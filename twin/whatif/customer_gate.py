"""A customer whose store can be full: the line ends where there is room.

Room is a material. Each operation that ends the line takes room for its units when it begins, and
waits where there is none; what the customer uses up, what is sorted out of its lots and what the
last stations scrap gives room back at the end of each hour. So what is under way, waits for its lot
or comes back after sorting has its room too.
"""

from __future__ import annotations

import numpy as np

from twin.model.line import Line
from twin.model.materials import Material, Use
from twin.model.product import parts_an_operation, product_units
from twin.model.supply import Customer
from twin.model.supply_checks import ROOM
from twin.whatif.customer import CustomerStore, escapes_ppm
from twin.whatif.floors import Floor
from twin.whatif.run import Run
from twin.whatif.supply_case import SupplyCase

__all__ = ["Gate", "roomed"]

HOUR_US = 3_600_000_000


def roomed(line: Line, customer: Customer | None) -> Line:
    """The line that uses its customer's room; the same line where that never ends."""
    if customer is None or customer.capacity_us is None:
        return line
    units = product_units(line)
    room = customer.demand * (customer.capacity_us - customer.stock_us) / HOUR_US
    store = Material(id=ROOM, unit=line.product.unit, stock=round(room, 6))
    stations = []
    for station in line.stations:
        if line.outputs[station.id]:
            stations.append(station)
            continue
        amount = round(units[station.id] * parts_an_operation(line, station), 6)
        use = Use(material=ROOM, amount=amount)
        stations.append(station.model_copy(update={"uses": (*station.uses, use)}))
    return line.model_copy(
        update={"materials": (*line.materials, store), "stations": tuple(stations)}
    )


class Gate:
    """What passes between a line and its customer.

    Args:
        store: the customer's.
        floor: the line, whose last material is room.
        room: its number.
    """

    def __init__(self, store: CustomerStore, floor: Floor, room: int) -> None:
        self.store, self._floor, self._room = store, floor, room
        self._good, self._wasted = floor.good, floor.wasted

    @classmethod
    def of(cls, run: Run, case: SupplyCase, floor: Floor, replication: int) -> Gate | None:
        """The gate of a case; None where the customer's store is never full."""
        customer = case.supply.customer
        if customer is None or customer.capacity_us is None:
            return None
        rng = np.random.default_rng([run.seed, replication])
        store = CustomerStore(customer, escapes_ppm(run.line), rng)
        return cls(store, floor, len(case.supply.materials))

    def look(self, *, counts: bool) -> None:
        """Let an hour pass that has ended; one that doesn't count takes all that was made."""
        good, wasted = self._floor.good, self._floor.wasted
        made = good - self._good
        gone = (self.store.hour(made) if counts else made) + wasted - self._wasted
        self._good, self._wasted = good, wasted
        if gone > 0:
            self._floor.deliver(self._room, gone)
