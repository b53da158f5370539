"""Both engines beside each other over a long time, in the memory of a short one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from twin.engine.events import COLUMNS, EventKind, EventLog
from twin.engine.simulation import Engine

__all__ = ["Difference", "Tally", "compare", "first_difference", "taken"]

Ints = NDArray[np.int64]
OF_ITS_OWN = (
    EventKind.OPERATION_COMPLETED,
    EventKind.MACHINE_FAILED,
    EventKind.MACHINE_REPAIRED,
    EventKind.MATERIAL_DELIVERED,
)
"""What the passing of time brings about; everything else follows from one of these."""


class Difference(AssertionError):
    """Two engines did not do the same."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What was compared.

    Args:
        events: rows of the log.
        moves: completed operations.
        failures: that struck, changeovers among them.
        ties: instants at which time itself brought about more than one event.
        at_ties: the events at such instants.
    """

    events: int = 0
    moves: int = 0
    failures: int = 0
    ties: int = 0
    at_ties: int = 0

    @classmethod
    def of(cls, rows: Ints) -> Tally:
        """Count the rows of whole instants."""
        own = rows[np.isin(rows[:, 1], OF_ITS_OWN), 0]
        _, many = np.unique(own, return_counts=True)
        return cls(
            events=len(rows),
            moves=int((rows[:, 1] == EventKind.OPERATION_COMPLETED).sum()),
            failures=int((rows[:, 1] == EventKind.MACHINE_FAILED).sum()),
            ties=int((many > 1).sum()),
            at_ties=int(many[many > 1].sum()),
        )

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def __str__(self) -> str:
        return (
            f"{self.moves:,} moves, {self.failures:,} failures, {self.events:,} events, "
            f"{self.ties:,} ties ({self.at_ties:,} events in them)"
        )


def first_difference(a: Ints, b: Ints) -> str:
    """Where two tables of events part, and what led to it."""
    n = min(len(a), len(b))
    unequal = np.nonzero((a[:n] != b[:n]).any(axis=1))[0]
    at = int(unequal[0]) if len(unequal) else n
    story = [f"event {at} of {len(a)} (SimPy) and {len(b)} (kernel); {', '.join(COLUMNS)}"]
    for name, table in (("SimPy ", a), ("kernel", b)):
        near = table[max(0, at - 5) : at + 1]
        story += [f"{name} {EventKind(row[1]).name:20} {row.tolist()}" for row in near]
    return "\n".join(story)


def taken(log: EventLog) -> Ints:
    """The rows of a log since the last time; it is empty then."""
    rows = log.table()
    log._blocks.clear()
    return rows


def compare(
    simpy: Engine,
    kernel: Engine,
    logs: tuple[EventLog, EventLog],
    to_us: int,
    slice_us: int,
    progress: Callable[[int, Tally], None] | None = None,
) -> Tally:
    """Run two engines on, slice by slice, and compare every event of each.

    Args:
        simpy, kernel: engines in the same state.
        logs: where their events go.
        to_us: engine time.
        slice_us: so much is held in memory at a time.
        progress: told the time and what was compared, after each slice.

    Raises:
        Difference: they parted; with the story that led to it.
    """
    total = Tally()
    while simpy.now_us < to_us:
        until = min(to_us, simpy.now_us + slice_us)
        simpy.advance(until)
        kernel.advance(until)
        a, b = map(taken, logs)
        if not np.array_equal(a, b):
            raise Difference(f"after {total}:\n{first_difference(a, b)}")
        total += Tally.of(a)
        if progress is not None:
            progress(until, total)
    return total
