"""A snapshot's rows before and after a change of its line: what the steps of `carry_over` share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from twin.engine.snapshot import NONE
from twin.engine.snapshot_rows import keys_of_rows, origins
from twin.model.line import Line
from twin.model.station import Station
from twin.model.status import Condition

__all__ = ["Change", "Columns", "counted", "machine_of_places", "station_of_machines"]

Ints = NDArray[np.int64]
Columns = dict[str, Ints]

NEW_ROWS: dict[str, dict[str, int]] = {
    "machines": {"down": NONE, "service": NONE, "ends_us": NONE},
    "modes": {"strikes_at": NONE},
    "places": {"condition": Condition.STARVED},
}
"""What a new row does not have 0 in."""


@dataclass
class Change:
    """A change of a line, and the rows of a snapshot of it under way to the changed line.

    Args:
        old_line, new_line: the line before and after.
        at_us: engine time of the snapshot.
        old: the rows of the old line by table and column.
        new: the rows of the changed line, as far as they have been written.
        origin: for each row of the changed line the one it had in the old line; -1: it is new.
        notes: what the change came to.
    """

    old_line: Line
    new_line: Line
    at_us: int
    old: dict[str, Columns]
    origin: dict[str, Ints]
    new: dict[str, Columns] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @classmethod
    def between(cls, old_line: Line, new_line: Line, at_us: int, old: dict[str, Columns]) -> Change:
        """A change none of whose rows has been written yet."""
        keys, before = keys_of_rows(new_line), keys_of_rows(old_line)
        origin = {table: origins(keys[table], before[table]) for table in keys}
        return cls(old_line, new_line, at_us, old, origin)

    def carried(self, table: str) -> Columns:
        """The rows of a table that are as they were, and new ones as at the start of a run."""
        origin = self.origin[table]
        fresh = {
            **NEW_ROWS.get(table, {}),
            **({"since_us": self.at_us} if table == "places" else {}),
        }
        # A row of its own, so that -1 has something to point to.
        return {
            name: np.append(column, fresh.get(name, 0))[origin]
            for name, column in self.old[table].items()
        }

    def gone(self, table: str) -> Ints:
        """The rows of the old line that the changed one lacks."""
        rows = len(next(iter(self.old[table].values())))
        return np.setdiff1d(np.arange(rows), self.origin[table])

    def book(self, columns: dict[str, Columns], machine_of: Ints, places: Ints) -> None:
        """Add what has passed of the present condition of some places to their machines' times."""
        place, machine = columns["places"], columns["machines"]
        for condition in Condition:
            these = places[place["condition"][places] == condition]
            passed = self.at_us - place["since_us"][these]
            np.add.at(machine[f"{condition.name.lower()}_us"], machine_of[these], passed)

    def stations(self) -> Iterator[tuple[Station, Station, Ints]]:
        """Each station before and after, and the rows of its machines in the changed line."""
        first = 0
        for old, new in zip(self.old_line.stations, self.new_line.stations, strict=True):
            yield old, new, np.arange(first, first + new.machines)
            first += new.machines

    def station_at(self, machine: int) -> tuple[Station, Station]:
        """The station of a machine of the changed line, before and after."""
        index = int(
            np.searchsorted(
                np.cumsum([s.machines for s in self.new_line.stations]), machine, "right"
            )
        )
        return self.old_line.stations[index], self.new_line.stations[index]


def machine_of_places(line: Line) -> Ints:
    """For each place the row of its machine."""
    places = [s.places for s in line.stations for _ in range(s.machines)]
    return np.repeat(np.arange(len(places)), places)


def station_of_machines(line: Line) -> Ints:
    """For each machine the row of its station."""
    return np.repeat(np.arange(len(line.stations)), [s.machines for s in line.stations])


def counted(many: int, noun: str, one: str = "", more: str = "") -> str:
    """A number of things, and what they do.

    >>> counted(1, "part", "goes", "go"), counted(2, "part")
    ('1 part goes', '2 parts')
    """
    verb = one if many == 1 else more
    return f"{many} {noun}{'' if many == 1 else 's'}{f' {verb}' if verb else ''}"
