"""One-minute roll-ups, reckoned by the twin: what the database has, minute by minute.

Each version of InfluxDB has its own way of doing this, and 3 Core has none. So the twin asks for
the minutes in which it has stored something, in InfluxQL, which all of them speak, and writes what
it is told to a second database. A minute that changes later is rolled up again, and overwrites.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from twin.historian.influx import InfluxDoor
from twin.historian.line_protocol import line_of
from twin.historian.spool import Spool
from twin.measurements import fields as fields_of
from twin.signals import Family, Signal

__all__ = ["RollUp", "rolled_lines", "statement"]

EVERY_S: Final = 10.0
MOST_MINUTES: Final = 60
MINUTE_US: Final = 60_000_000


@dataclass(slots=True)
class RollUp:
    """Rolls up the minutes that a spool says have changed.

    Args:
        door: to the database.
        spool: knows the minutes.
        clock: seconds that only ever grow.
        every_s: not more often than so.
    """

    door: InfluxDoor
    spool: Spool
    clock: Callable[[], float] = time.monotonic
    every_s: float = EVERY_S
    _last_s: float | None = None

    def step(self) -> None:
        """Roll up some minutes, if it is time to; the others have their turn in later steps.

        Raises:
            NotConnected: the database is away; the minutes are kept for later.
            LinetwinError: it refuses to be read or written to.
        """
        now_s = self.clock()
        if self._last_s is not None and now_s - self._last_s < self.every_s:
            return
        self._last_s = now_s
        minutes = self.spool.minutes_to_roll(MOST_MINUTES)
        for first, last in runs(minutes):
            self._roll(first, last)
            self.spool.rolled(range(first, last + 1))

    def _roll(self, first: int, last: int) -> None:
        address = self.door.address
        fields = [(family, field) for family in Family for field in fields_of(family)]
        asked = [statement(family, field, first, last) for family, field in fields]
        answers = self.door.ask(asked, address.database)
        lines = [
            line
            for (family, field), answer in zip(fields, answers, strict=True)
            for line in rolled_lines(family, field, answer)
        ]
        if lines:
            self.door.write("\n".join(lines).encode(), address.rollup_database)


def runs(minutes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Join sorted minutes that follow each other.

    >>> list(runs([1, 2, 3, 7, 9, 10]))
    [(1, 3), (7, 7), (9, 10)]
    """
    start = 0
    for place in range(1, len(minutes) + 1):
        if place == len(minutes) or minutes[place] != minutes[place - 1] + 1:
            yield minutes[start], minutes[place - 1]
            start = place


def statement(family: Family, field: Signal, first: int, last: int) -> str:
    """Ask for a field's values of some minutes, one row a minute and series.

    What is not to be trusted (quality bad) counts for nothing.
    """
    name = field.field
    kept = ", ".join(f'{what}("{name}") AS "{name}_{what}"' for what in field.rolled_as)
    return (
        f'SELECT {kept} FROM "{family.measurement}" WHERE '  # noqa: S608
        f"time >= {first * MINUTE_US}u AND time < {(last + 1) * MINUTE_US}u "
        f'AND "{name}_quality" < 2 GROUP BY time(1m), * fill(none)'
    )


def rolled_lines(family: Family, field: Signal, answer: list[dict[str, Any]]) -> Iterator[str]:
    """Turn an answer into lines for the roll-ups' database."""
    for part in answer:
        head = line_of(family.measurement, sorted(part.get("tags", {}).items()))
        names = part["columns"][1:]
        for at_us, *values in part["values"]:
            pairs = ",".join(
                f"{name}={_number(field, name, value)}"
                for name, value in zip(names, values, strict=True)
                if value is not None
            )
            if pairs:
                yield f"{head} {pairs} {at_us}000"


def _number(field: Signal, name: str, value: float) -> str:
    whole = field.whole and not name.endswith("_mean")
    return f"{int(value)}i" if whole else repr(float(value))
