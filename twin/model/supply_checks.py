"""What must hold between the parts of a supply, and between it and its line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from twin.errors import Fault
from twin.model.line import Line
from twin.model.nearest import did_you_mean
from twin.model.product import parts_an_operation, product_units
from twin.model.supply import Supply

__all__ = ["ROOM", "check_supply"]

ROOM = "customer-room"
"""Room in the customer's store, where it can be full: the line uses it like a material."""
MOST_ROOM = 1e9
HOUR_US = 3_600_000_000


def check_supply(supply: Supply, line: Line) -> list[Fault]:
    """Name everything that is wrong with a supply.

    Args:
        supply: each part of it right by itself.
        line: what it supplies.

    Returns:
        Faults with their paths, in the order of the file.
    """
    faults = []
    if supply.line != line.id:
        remedy = "it belongs to another line"
        faults.append(Fault("line", f"must be the line's id, {line.id}", supply.line, remedy))
    tiers = [tier.id for tier in supply.tiers]
    materials = [one.id for one in supply.materials]
    for table, ids in (
        ("tiers", tiers),
        ("materials", materials),
        ("scenarios", [one.id for one in supply.scenarios]),
    ):
        faults += _twice(table, ids)
    known = [material.id for material in line.materials]
    for i, one in enumerate(supply.materials):
        if one.id not in known:
            remedy = did_you_mean(one.id, known, f"{line.id} uses no materials")
            must = f"must be a material of {line.id}"
            faults.append(Fault(f"materials[{i}].id", must, one.id, remedy))
        faults += _shares(f"materials[{i}].from", one.shares, tiers)
    if not any(tier.local for tier in supply.tiers):
        must = "must have a tier with 'local: true'"
        faults.append(Fault("tiers", must, "", "the local share is counted by it"))
    faults += _room(supply, line)
    for i, scenario in enumerate(supply.scenarios):
        where = f"scenarios[{i}]"
        if not scenario.changes and not scenario.mishaps:
            faults.append(Fault(where, "must have changes ('set') or 'mishaps'"))
        for k, mishap in enumerate(scenario.mishaps):
            at = f"{where}.mishaps[{k}]"
            if mishap.material not in materials:
                must = "must be a material of this file"
                remedy = did_you_mean(mishap.material, materials)
                faults.append(Fault(f"{at}.material", must, mishap.material, remedy))
            if mishap.tier not in tiers:
                must = "must be a tier of this file"
                remedy = did_you_mean(mishap.tier, tiers)
                faults.append(Fault(f"{at}.tier", must, mishap.tier, remedy))
    return faults


def _room(supply: Supply, line: Line) -> Iterator[Fault]:
    """What is wrong with the customer's store, where it can be full."""
    customer = supply.customer
    if customer is None or customer.capacity_us is None:
        return
    if any(one.id == ROOM for one in line.materials):
        must = f"must be absent where the line has a material '{ROOM}'"
        yield Fault("customer.capacity", must, "", "room is counted by that name")
    units = product_units(line)
    loads = [
        units[station.id] * parts_an_operation(line, station) * station.machines
        for station in line.stations
        if not line.outputs[station.id]
    ]
    least = max(customer.lot, *loads)
    room = customer.demand * (customer.capacity_us - customer.stock_us) / HOUR_US
    if room < least:
        must = f"must leave room beside the stock for a lot and a load, {least:,.0f} units"
        yield Fault("customer.capacity", must, f"room for {max(0.0, room):,.0f}")
    elif customer.demand * customer.capacity_us / HOUR_US > MOST_ROOM:
        yield Fault("customer.capacity", f"must be {MOST_ROOM:,.0f} units at the most", "")


def _twice(table: str, ids: Iterable[str]) -> Iterator[Fault]:
    seen = set[str]()
    for i, name in enumerate(ids):
        if name in seen:
            yield Fault(f"{table}[{i}].id", "must be given once", name)
        seen.add(name)


def _shares(path: str, shares: dict[str, float], tiers: list[str]) -> Iterator[Fault]:
    for name in shares:
        if name not in tiers:
            yield Fault(f"{path}.{name}", "must be a tier", name, did_you_mean(name, tiers))
        elif name == tiers[-1]:
            remedy = f"{name} is the last tier and takes the rest: leave it out"
            yield Fault(f"{path}.{name}", "must not be given", "", remedy)
    whole = sum(shares.values())
    if whole > 1 + 1e-9:
        yield Fault(path, "must sum to 100 % at the most", f"{100 * whole:.4g} %")
