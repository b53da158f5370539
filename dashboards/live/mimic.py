"""Where the stations and buffers of a line stand in its mimic, worked out from the line alone."""

from __future__ import annotations

from dataclasses import dataclass

from twin.model.line import Line
from twin.model.topology import upstream_first

__all__ = ["Cell", "Mimic", "mimic_of"]


@dataclass(frozen=True, slots=True)
class Cell:
    """A station's place in the mimic, counted from 0.

    Args:
        station: its id.
        column: how many steps of the process lie before it, at the most.
        row: which of the branches that run side by side it is on.
    """

    station: str
    column: int
    row: int


@dataclass(frozen=True, slots=True)
class Mimic:
    """A line's mimic.

    Args:
        cells: one for each station, from left to right.
        columns, rows: how many there are.
    """

    cells: tuple[Cell, ...]
    columns: int
    rows: int


def mimic_of(line: Line) -> Mimic:
    """Give every station a place such that parts move to the right, but where a loop goes back.

    A station stands behind the last of those before it. It keeps the row of the first that feeds
    it where that is free, so that a chain is straight and branches run side by side.

    Args:
        line: a checked line.

    >>> from lines.loader import load
    >>> [(cell.station, cell.column, cell.row) for cell in mimic_of(load("five_stations")).cells]
    [('M1', 0, 0), ('M2', 1, 0), ('M3', 2, 0), ('M4', 3, 0), ('M5', 4, 0)]
    """
    order = {name: place for place, name in enumerate(upstream_first(line))}
    feeds: dict[str, list[str]] = {name: [] for name in order}
    for buffer in line.buffers:
        for sink in buffer.sinks:
            feeds[sink] += [s for s in buffer.sources if order[s] < order[sink]]
    columns: dict[str, int] = {}
    for name in order:
        columns[name] = max((columns[before] + 1 for before in feeds[name]), default=0)
    _move_up(line, order, columns)
    rows = _rows(order, columns, feeds)
    cells = sorted(
        (Cell(name, columns[name], rows[name]) for name in order),
        key=lambda cell: (cell.column, cell.row),
    )
    return Mimic(
        tuple(cells), max(columns.values(), default=0) + 1, max(rows.values(), default=0) + 1
    )


def _move_up(line: Line, order: dict[str, int], columns: dict[str, int]) -> None:
    """Move a branch that begins late up to where it joins, so that its way there is short."""
    for name in reversed(order):
        behind = [
            columns[sink]
            for buffer in line.outputs[name]
            for sink in buffer.sinks
            if order[sink] > order[name]
        ]
        if behind and not line.inputs[name]:
            columns[name] = max(columns[name], min(behind) - 1)


def _rows(
    order: dict[str, int], columns: dict[str, int], feeds: dict[str, list[str]]
) -> dict[str, int]:
    rows: dict[str, int] = {}
    taken: set[tuple[int, int]] = set()
    for name in sorted(order, key=lambda n: (columns[n], order[n])):
        before = [rows[b] for b in feeds[name] if b in rows]
        row = min(before, default=0)
        while (columns[name], row) in taken:
            row += 1
        rows[name] = row
        taken.add((columns[name], row))
    return rows
