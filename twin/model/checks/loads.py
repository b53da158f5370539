"""Loads and lanes: what a buffer holds is enough for what its stations take."""

from __future__ import annotations

import math
from collections.abc import Iterator

from twin.errors import Fault
from twin.model.buffer import Buffer
from twin.model.checks.draft import Draft
from twin.model.product import product_units, same_units
from twin.model.quantity import MILLI
from twin.model.station import Station

__all__ = ["check_capacities", "check_lanes", "check_merges", "check_shares", "check_takes"]


def check_takes(draft: Draft) -> Iterator[Fault]:
    """A single number for `takes` is for the only input buffer."""
    for i, station in enumerate(draft.line.stations):
        if "" not in station.takes_milli:
            continue
        inputs = draft.line.inputs[station.id]
        if len(inputs) > 1:
            yield Fault(
                f"stations[{i}].takes",
                f"must say how many parts from each of {_ids(inputs)}",
                "one number",
                f"as {{{inputs[0].id}: 2, {inputs[1].id}: 1}}",
            )
        elif not inputs and draft.all_ways_known:
            must = "must be absent where no buffer leads to the station"
            yield Fault(f"stations[{i}].takes", must, f"{station.takes_milli[''] / MILLI:g}")


def check_capacities(draft: Draft) -> Iterator[Fault]:
    """A buffer can hold the largest load that one operation behind it takes."""
    stations = draft.line.station_by_id
    for j, buffer in enumerate(draft.line.buffers):
        if buffer.capacity is None:
            continue
        for name in buffer.sinks:
            if name not in stations:
                continue
            load = math.ceil(stations[name].takes_from(buffer.id) / MILLI)
            lanes = _lanes_reached(stations[name], buffer)
            if buffer.capacity * lanes < load and not (buffer.capacity == 0 and load == 1):
                yield Fault(
                    f"buffers[{j}].capacity",
                    f"must be at least {math.ceil(load / lanes)}"
                    + (" in each lane" if buffer.lanes > 1 else ""),
                    str(buffer.capacity),
                    f"{name} takes up to {load} parts at once",
                )


def _lanes_reached(station: Station, buffer: Buffer) -> int:
    """Count the lanes of a buffer that one group of a station's machines takes from."""
    return max(1, buffer.lanes // station.lanes)


def check_lanes(draft: Draft) -> Iterator[Fault]:
    """Machines are dealt out evenly over lanes, and lanes on both sides of a buffer match."""
    line = draft.line
    for i, station in enumerate(line.stations):
        if station.machines % station.lanes:
            yield Fault(
                f"stations[{i}].lanes",
                f"must divide its machines, {station.machines}",
                str(station.lanes),
            )
    for j, buffer in enumerate(line.buffers):
        for name in dict.fromkeys((*buffer.sources, *buffer.sinks)):
            lanes = line.station_by_id[name].lanes if name in line.station_by_id else 1
            if buffer.lanes % lanes and lanes % buffer.lanes:
                yield Fault(
                    f"buffers[{j}].lanes" if buffer.lanes > 1 else f"buffers[{j}]",
                    f"must divide or be divided by the {lanes} lanes of {name}",
                    str(buffer.lanes),
                )


def check_shares(draft: Draft) -> Iterator[Fault]:
    """A station's output buffers have shares all or none, and these sum to 1."""
    line = draft.line
    places = {buffer.id: j for j, buffer in enumerate(line.buffers)}
    for station in line.stations:
        outputs = line.outputs[station.id]
        if any(f"buffers[{places[buffer.id]}]" in draft.broken for buffer in outputs):
            continue
        shares = [buffer.share for buffer in outputs if buffer.share is not None]
        if shares and len(shares) < len(outputs):
            without = next(buffer for buffer in outputs if buffer.share is None)
            yield Fault(
                f"buffers[{places[without.id]}]",
                f"must have a share, as other buffers after {station.id} do",
            )
        elif shares and abs(math.fsum(shares) - 1) > 1e-9:
            must = f"must sum to 1 over the buffers after {station.id} ({_ids(outputs)})"
            path = f"buffers[{places[outputs[0].id]}].share"
            yield Fault(path, must, f"{math.fsum(shares):.10g}")


def check_merges(draft: Draft) -> Iterator[Fault]:
    """Stations that put into one buffer put in parts of one kind."""
    if not draft.all_ways_known:
        return  # a station that seems to have no input may have one
    units = product_units(draft.line)
    for j, buffer in enumerate(draft.line.buffers):
        first, *others = buffer.sources
        for other in others:
            if not same_units(units[first], units[other]):
                yield Fault(
                    f"buffers[{j}].from",
                    "must bring together parts that stand for the same units of product",
                    f"{units[first]:g} from {first} and {units[other]:g} from {other}",
                    "see takes, gives and product_units of these stations",
                )
                break


def _ids(buffers: tuple[Buffer, ...]) -> str:
    shown = ", ".join(buffer.id for buffer in buffers[:6])
    return f"{shown}, ..." if len(buffers) > 6 else shown
