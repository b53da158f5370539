"""The plain line that engines are compared on: stations in series, exponential times, buffers."""

from __future__ import annotations

from itertools import pairwise

from twin.model import Buffer, Line, Station

STATIONS = 12
CAPACITY = 20


def plain_line(stations: int = STATIONS, capacity: int = CAPACITY) -> Line:
    """Stations in a row, exponential with a mean of 1 s, and room between any two."""
    names = [f"S{i + 1}" for i in range(stations)]
    return Line(
        id="PLAIN",
        stations=tuple(
            Station(id=n, cycle_time={"distribution": "exponential", "mean": "1 s"}) for n in names
        ),
        buffers=tuple(
            Buffer(id=f"{a}_{b}", sources=a, sinks=b, capacity=capacity) for a, b in pairwise(names)
        ),
    )
