"""Who supplies the packaged lines and whom they deliver to: shares, lead times, demand.

All of it is assumed, in what is published of the storage line's factory: 40 % of the purchased
value from Chongqing and a good half from Sichuan and Chongqing; a supply circle of one hour.
docs/explanation/supply.md says what each is worth.
"""

from __future__ import annotations

from dataclasses import dataclass

from twin.errors import UsageError

__all__ = ["CUSTOMERS", "SOURCES", "TIERS", "Customer", "Sourcing", "Tier", "supply_of"]


@dataclass(frozen=True, slots=True)
class Tier:
    """How goods come from a distance.

    Args:
        name: what people call it.
        lead_h, lead_sd_h: time from an order to its arrival, mean and standard deviation, hours.
        review_h: hours from one look at the stock to the next.
    """

    name: str
    lead_h: float
    lead_sd_h: float
    review_h: float


TIERS = {
    "wall": Tier("over the wall", 0.75, 0.15, 1),
    "circle": Tier("1-hour circle", 3.0, 0.75, 4),
    "region": Tier("region", 14.0, 3.0, 24),
    "other": Tier("other", 96.0, 20.0, 168),
}


@dataclass(frozen=True, slots=True)
class Sourcing:
    """Where a material comes from.

    Args:
        material: its id in the line file.
        local, region, other: shares of what is used; they sum to 1.
    """

    material: str
    local: float
    region: float
    other: float

    @property
    def local_tier(self) -> str:
        """Whose local share is three quarters or more has its supplier behind the wall."""
        return "wall" if self.local >= 0.75 else "circle"


SOURCES = {
    "LDES1": (
        Sourcing("LFP", 0.25, 0.13, 0.62),
        Sourcing("graphite", 0.80, 0.08, 0.12),
        Sourcing("Cu-foil", 0.12, 0.30, 0.58),
        Sourcing("Al-foil", 0.70, 0.05, 0.25),
        Sourcing("separator", 0.90, 0.05, 0.05),
        Sourcing("electrolyte", 0.40, 0.25, 0.35),
        Sourcing("can-set", 0.75, 0.05, 0.20),
        Sourcing("PVDF-NMP", 0.10, 0.10, 0.80),
        Sourcing("CMC-SBR", 0.10, 0.15, 0.75),
        Sourcing("insulation-kit", 0.50, 0.10, 0.40),
        Sourcing("packaging", 0.90, 0.05, 0.05),
    ),
    "TUBE1": (
        Sourcing("base-paper", 0.75, 0.15, 0.10),
        Sourcing("surface-paper", 0.20, 0.30, 0.50),
        Sourcing("glue", 0.60, 0.25, 0.15),
        Sourcing("film", 0.90, 0.05, 0.05),
    ),
}


@dataclass(frozen=True, slots=True)
class Customer:
    """Who takes what a line makes.

    Args:
        name: what people call it.
        demand_per_d: units that it uses up in a day, evenly.
        stock_d: days of its demand that lie in its store at the start.
        lot: units that are delivered together.
        limit_ppm: a lot with more defective units than this is returned; None: none is.
        return_h: hours after which a returned lot has been sorted and comes again.
    """

    name: str
    demand_per_d: float
    stock_d: float
    lot: int
    limit_ppm: float | None
    return_h: int = 24


CUSTOMERS = {
    "LDES1": Customer("container assembly", 4800.0, 1.0, 432, None),
    "TUBE1": Customer("spandex mill", 2_000_000.0, 1.0, 100_800, 100.0),
}


def supply_of(line_id: str) -> tuple[tuple[Sourcing, ...], Customer]:
    """The suppliers and the customer of a packaged line.

    Raises:
        UsageError: nothing is known of this line's.
    """
    if line_id not in SOURCES:
        known = ", ".join(SOURCES)
        raise UsageError(f"nothing is known of who supplies {line_id}; known are {known}")
    return SOURCES[line_id], CUSTOMERS[line_id]
