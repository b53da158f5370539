"""Names: each means one thing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from twin.errors import Fault
from twin.model.checks.draft import Draft

__all__ = ["check_ids", "check_machine_names"]

LISTS = (
    "stations",
    "buffers",
    "calendars",
    "crews",
    "materials",
    "defects",
    "plcs",
    "utilities",
)


def check_ids(draft: Draft) -> Iterator[Fault]:
    """Every id is unique among its like; a station's stops, variables and alarms in the station."""
    line = draft.line
    for kind in LISTS:
        yield from _unique((f"{kind}[{i}].id", e.id) for i, e in enumerate(getattr(line, kind)))
    for i, station in enumerate(line.stations):
        here = f"stations[{i}]"
        stops = [(f"{here}.failures[{k}].id", f.id) for k, f in enumerate(station.failures)]
        stops += [(f"{here}.changeovers[{k}].id", c.id) for k, c in enumerate(station.changeovers)]
        yield from _unique(stops)
        yield from _unique(
            (f"{here}.variables[{k}].id", v.id) for k, v in enumerate(station.variables)
        )
        yield from _unique((f"{here}.alarms[{k}].id", a.id) for k, a in enumerate(station.alarms))
        yield from _unique(
            (f"{here}.uses[{k}].material", u.material) for k, u in enumerate(station.uses)
        )


def _unique(named: Iterable[tuple[str, str]]) -> Iterator[Fault]:
    first: dict[str, str] = {}
    for path, name in named:
        if name in first:
            yield Fault(path, "must be unique", name, f"{first[name]} has it already")
        elif name:
            first[name] = path


def check_machine_names(draft: Draft) -> Iterator[Fault]:
    """No machine (`STK01` of `STK`) is called like a station, a buffer or another's machine."""
    line = draft.line
    machines = {station.id: station.machines for station in line.stations if station.id}
    for i, station in enumerate(line.stations):
        owner = _owner_of_machine(station.id, machines)
        if owner:
            yield _collision(f"stations[{i}].id", station.id, owner)
        for split in range(1, len(station.id)):
            # Machines of `A1` (A101, ...) against those of an `A` that has over a hundred.
            first, digits = station.id[:split], station.id[split:]
            if not (digits.isdecimal() and digits[0] != "0" and first in machines):
                continue
            if machines[first] >= int(digits + "01"):
                yield _collision(f"stations[{i}].id", f"{station.id}01", first)
    for i, buffer in enumerate(line.buffers):
        if buffer.id in machines:
            yield Fault(f"buffers[{i}].id", "must not be called like a station", buffer.id)
        elif owner := _owner_of_machine(buffer.id, machines):
            yield _collision(f"buffers[{i}].id", buffer.id, owner)


def _owner_of_machine(name: str, machines: dict[str, int]) -> str | None:
    """Return the station one of whose machines has this name."""
    for digits in range(2, 6):
        station, number = name[:-digits], name[-digits:]
        well_formed = number.isdecimal() and (digits == 2 or number[0] != "0")
        if well_formed and 1 <= int(number) <= machines.get(station, 0):
            return station
    return None


def _collision(path: str, name: str, owner: str) -> Fault:
    must = f"must not lead to a name that a machine of {owner} has"
    return Fault(path, must, name, f"machines are called {owner}01, {owner}02, ...")
