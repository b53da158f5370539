"""What belongs to the line as a whole: time zone, stores, ports, size."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator

from twin.errors import Fault
from twin.model.checks.draft import Draft
from twin.model.nearest import did_you_mean

__all__ = ["check_ports", "check_size", "check_stores", "check_time_zone"]

MAX_PLACES = 1_000_000
MAX_LANES = 1_000_000


def check_time_zone(draft: Draft) -> Iterator[Fault]:
    """The time zone is known here."""
    name = draft.line.time_zone
    if name == "UTC":  # known without a database
        return
    try:
        zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        known = sorted(zoneinfo.available_timezones())
        must = "must be a time zone of the IANA database, as Asia/Shanghai"
        none = "this machine has no time zones: install the package tzdata"
        yield Fault("time_zone", must, name, did_you_mean(name, known, none=none))


def check_stores(draft: Draft) -> Iterator[Fault]:
    """Only a store that can run out is delivered to."""
    for i, material in enumerate(draft.line.materials):
        if material.delivery is not None and material.stock is None:
            yield Fault(
                f"materials[{i}].delivery",
                "must go with a stock: without one the store never runs out",
                remedy="say how much is there at the start, as stock: 0",
            )


def check_ports(draft: Draft) -> Iterator[Fault]:
    """No two PLCs serve on one port."""
    taken: dict[int, str] = {}
    for i, plc in enumerate(draft.line.plcs):
        if plc.port and plc.port in taken:
            must = f"must differ from the port of {taken[plc.port]}"
            yield Fault(f"plcs[{i}].port", must, str(plc.port), "0 takes any free one")
        taken.setdefault(plc.port, plc.id)


def check_size(draft: Draft) -> Iterator[Fault]:
    """The line is not so large that nobody can run it."""
    places = sum(station.machines * station.places for station in draft.line.stations)
    if places > MAX_PLACES:
        must = f"must have at most {MAX_PLACES:,} places over all machines"
        yield Fault("stations", must, f"{places:,}")
    lanes = sum(buffer.lanes for buffer in draft.line.buffers)
    if lanes > MAX_LANES:
        yield Fault("buffers", f"must have at most {MAX_LANES:,} lanes in all", f"{lanes:,}")
