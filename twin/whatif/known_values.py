"""Where a line, or a stretch of it, has an answer that needs no simulation: that answer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from twin.engine.quantiles import mean_us
from twin.model import durations as d
from twin.model.line import Line
from twin.model.product import product_units
from twin.model.station import Station
from twin.whatif.decomposition import Unreliable, line_throughput
from twin.whatif.markov import Chain, Machine, Plan

__all__ = ["KnownValue", "known_values"]

HOUR_US = 3_600_000_000
MOST_STATES = 20_000
SAME_CYCLE = 0.01


@dataclass(frozen=True, slots=True)
class KnownValue:
    """What a stretch of a line makes by itself, never short of parts or of room at its ends.

    Args:
        stations: its stations, in order.
        per_h: units of product an hour in the long run, calendars left out.
        how: `exact`, or `decomposition`, which approximates.
        source: the method, and where it is from.
    """

    stations: tuple[str, ...]
    per_h: float
    how: Literal["exact", "decomposition"]
    source: str


def known_values(line: Line) -> tuple[KnownValue, ...]:
    """Find the stretches of a line that theory has an answer for.

    A stretch is two or more stations in series, each of one machine that passes every part on,
    with buffers of a known size between. With exponential or Erlang times it is a Markov chain,
    solved exactly as long as it has no more than 20,000 states; with constant and equal cycles and
    exponential failures it is decomposed.

    Returns:
        One value a stretch; none where the line has no such stretch.

    >>> from twin.model import Buffer, Line, Station
    >>> time = {"distribution": "exponential", "mean": "1 s"}
    >>> line = Line(id="L", stations=(Station(id="A", cycle_time=time),
    ...                               Station(id="B", cycle_time=time)),
    ...             buffers=(Buffer(id="AB", sources="A", sinks="B", capacity=1),))
    >>> [(found.how, round(found.per_h)) for found in known_values(line)]
    [('exact', 2700)]
    """
    units = product_units(line)
    found = []
    for stretch, rooms in _stretches(line):
        value = _exact(stretch, rooms) or _decomposed(stretch, rooms)
        if value is not None:
            per_us, how, source = value
            names = tuple(station.id for station in stretch)
            per_h = per_us * HOUR_US * units[names[-1]]
            found.append(KnownValue(names, per_h, how, source))
    return tuple(found)


def _stretches(line: Line) -> Iterator[tuple[list[Station], list[int]]]:
    """Stations in series that theory may have an answer for, and the room between them."""
    after: dict[str, tuple[str, int]] = {}
    for buffer in line.buffers:
        (source, *others), (sink, *more) = buffer.sources, buffer.sinks
        alone = len(line.outputs[source]) == 1 and len(line.inputs[sink]) == 1
        if not others and not more and alone and buffer.capacity is not None and buffer.lanes == 1:
            after[source] = (sink, buffer.capacity)
    # A new stretch begins where the kind of the times changes.
    ways = {
        source: way
        for source, way in after.items()
        if _kind(line.station_by_id[source]) == _kind(line.station_by_id[way[0]]) != None  # noqa: E711
    }
    inside = {sink for sink, _ in ways.values()}
    for station in line.stations:
        if station.id not in ways or station.id in inside:
            continue
        stretch, rooms = [station], []
        while stretch[-1].id in ways:
            sink, room = ways[stretch[-1].id]
            stretch.append(line.station_by_id[sink])
            rooms.append(room)
        yield stretch, rooms


def _kind(station: Station) -> str | None:
    """What theory could take a station for; None: for nothing."""
    plain = (
        station.machines == station.places == station.lanes == 1
        and station.gives_milli is None
        and all(milli == 1000 for milli in station.takes_milli.values())
        and not (station.scrap or station.rework or station.inspection)
        and not (station.changeovers or station.maintenance)
    )
    memoryless = all(
        isinstance(failure.mtbf, d.Exponential)
        and isinstance(failure.mttr, d.Exponential)
        and failure.after == "resume"
        and failure.crew is None
        and failure.stops == "work"
        for failure in station.failures
    )
    if not (plain and memoryless):
        return None
    if isinstance(station.cycle_time, d.Exponential | d.Erlang):
        return "stages"
    return "constant" if isinstance(station.cycle_time, d.Constant) else None


Found = tuple[float, Literal["exact", "decomposition"], str]


def _exact(stretch: list[Station], rooms: list[int]) -> Found | None:
    if _kind(stretch[0]) != "stages" or any(len(station.failures) > 1 for station in stretch):
        return None
    # Rates in operations of the first station, so that the solver sees numbers near 1.
    unit_us = mean_us(stretch[0].cycle_time)
    machines = []
    for station in stretch:
        time = station.cycle_time
        rate = unit_us * station.effectiveness / mean_us(time)
        stages = time.stages if isinstance(time, d.Erlang) else 1
        machine = Machine(rate, stages)
        for failure in station.failures:
            rates = unit_us / mean_us(failure.mtbf), unit_us / mean_us(failure.mttr)
            machine = Machine(rate, stages, *rates, failure.depends_on == "time")
        machines.append(machine)
    plan = Plan(tuple(machines), tuple(rooms))
    if plan.most_states > MOST_STATES:
        return None
    if len(machines) == 2 and all(m == Machine(m.rate) for m in machines):
        value = _two_exponential(machines[0].rate, machines[1].rate, rooms[0])
        return value / unit_us, "exact", "two exponential stations: a birth and death process"
    return Chain(plan).throughput / unit_us, "exact", "Markov chain of the stretch, solved"


def _two_exponential(first: float, second: float, room: int) -> float:
    """Throughput of two exponential stations: states are 0 to room + 2 parts made and not taken."""
    weights = [(first / second) ** n for n in range(room + 3)]
    return second * (1 - weights[0] / math.fsum(weights))


def _decomposed(stretch: list[Station], rooms: list[int]) -> Found | None:
    if _kind(stretch[0]) != "constant" or not any(station.failures for station in stretch):
        return None
    cycles = [mean_us(s.cycle_time) / s.effectiveness for s in stretch]
    by_time = any(f.depends_on == "time" for s in stretch for f in s.failures)
    unequal = any(abs(b / a - 1) > SAME_CYCLE for a, b in pairwise(cycles))
    if by_time or unequal or not all(rooms):
        return None
    cycle_us = max(cycles)
    machines = []
    for station in stretch:
        rates = [cycle_us / mean_us(failure.mtbf) for failure in station.failures]
        downs = [rate * mean_us(f.mttr) for rate, f in zip(rates, station.failures, strict=True)]
        repair_rate = cycle_us * sum(rates) / sum(downs) if rates else 1.0
        machines.append(Unreliable(sum(rates), repair_rate))
    value = line_throughput(machines, rooms) / cycle_us
    pair = len(machines) == 2
    name = "fluid limit of two machines (Gershwin 1994, chapter 3)"
    return value, "decomposition", name if pair else "DDX (Dallery, David, Xie 1988)"
