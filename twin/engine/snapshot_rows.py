"""Whose each row of a snapshot is: its rows by names that a changed line shares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from twin.engine.snapshot import NONE
from twin.model.failures import Changeover, Failure
from twin.model.line import Line
from twin.model.station import Station

__all__ = ["REWORK", "Key", "keys_of_rows", "lane_keys", "origins", "stops_of"]

Key = tuple[str | int, ...]
REWORK = -1
"""The number of a buffer's rework lane (rule S16) among its lanes."""


def stops_of(station: Station) -> tuple[Failure | Changeover, ...]:
    """Failures, then changeovers: what `modes` and `machines.down` count."""
    return (*station.failures, *station.changeovers)


def lane_keys(line: Line) -> list[Key]:
    """For each lane its buffer and number; rework lanes after all others."""
    back_to = {s.rework.to for s in line.stations if s.rework} | {
        s.inspection.rejects_to for s in line.stations if s.inspection
    }
    own: list[Key] = [(b.id, lane) for b in line.buffers for lane in range(b.lanes)]
    return own + [(b.id, REWORK) for b in line.buffers if back_to.intersection(b.sinks)]


def _machine_keys(line: Line) -> Iterator[tuple[Station, int]]:
    return ((s, machine) for s in line.stations for machine in range(s.machines))


def keys_of_rows(line: Line) -> dict[str, list[Key]]:
    """For each table of a snapshot of a line, and for its lanes, whose each row is.

    Args:
        line: a checked line.

    Returns:
        Machines by station and number, modes by kind and id, maintenance by its place in the
        list; `parts` have no names.
    """
    return {
        "stations": [(s.id,) for s in line.stations],
        "machines": [(s.id, m) for s, m in _machine_keys(line)],
        "modes": [
            (s.id, m, type(stop).__name__, stop.id)
            for s, m in _machine_keys(line)
            for stop in stops_of(s)
        ],
        "services": [
            (s.id, m, plan) for s, m in _machine_keys(line) for plan in range(len(s.maintenance))
        ],
        "places": [(s.id, m, p) for s, m in _machine_keys(line) for p in range(s.places)],
        "crews": [(c.id,) for c in line.crews],
        "materials": [(m.id,) for m in line.materials],
        "lanes": lane_keys(line),
    }


def origins(keys: Iterable[Key], before: Iterable[Key]) -> NDArray[np.int64]:
    """For each key the row that it had before; -1: it is new."""
    rows = {key: row for row, key in enumerate(before)}
    return np.fromiter((rows.get(key, NONE) for key in keys), dtype=np.int64)
