"""Energy: what a part costs, and what a machine draws in each kind of state."""

from __future__ import annotations

from twin.model.base import Frozen
from twin.model.quantity import Energy, Power

__all__ = ["StationEnergy"]


class StationEnergy(Frozen):
    """Energy of a station.

    Args:
        per_product: for each unit of product that passes, kWh.
        execute: power of one machine while it works, kW.
        idle: while it waits, starved or blocked.
        fault: while it is down, in set-up or in maintenance.
        off: while it stands in a planned stop.
    """

    per_product: Energy = 0.0
    execute: Power = 0.0
    idle: Power = 0.0
    fault: Power = 0.0
    off: Power = 0.0
