"""Stations of which nothing is known for a while: what may have become of them meanwhile.

What the state says of such a station held when it was last heard of. Since then its machines may
have failed or come up again, and its work may have ended. Each replication of a forecast draws a
state for it, so that the forecast is the wider, the longer nothing has been heard:

- A machine that was up is down with probability l / (l + r) (1 - exp(-(l + r) t)) after a time t,
  l and r being one over the mean times to failure and repair; one that was down is still so with
  the rest: the Markov chain of its failure, whatever its distributions. A repair that goes on is
  at a uniform share of a whole one.
- Work that had longer to go than that time goes on with the rest; what had less has ended, and
  another one is at a uniform share of a whole time.

What lies in buffers stays as it was last known.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping

from twin.engine.draws import Purpose, key_for, word
from twin.engine.quantiles import mean_us, quantile_table, variate
from twin.engine.snapshot import NONE, SAVED, Snapshot, snapshot_of, tables_of
from twin.model.failures import Failure
from twin.model.line import Line
from twin.model.station import Station
from twin.model.status import Condition

__all__ = ["blurred", "down_share"]


def down_share(mtbf_us: float, mttr_us: float, was_down: bool, for_us: float) -> float:
    """The probability that a machine is down some time after it was seen.

    >>> down_share(9e6, 1e6, False, 0.0), round(down_share(9e6, 1e6, True, 1e12), 3)
    (0.0, 0.1)
    """
    fails, repairs = 1 / mtbf_us, 1 / mttr_us
    forgotten = -math.expm1(-(fails + repairs) * for_us)
    settled = fails / (fails + repairs)
    return settled * forgotten if not was_down else 1 - (1 - settled) * forgotten


def blurred(
    line: Line, snapshot: Snapshot, unknown: Mapping[str, int], replication: int
) -> Snapshot:
    """A state in which stations that nobody hears of are drawn.

    Args:
        line: the line that the snapshot is of.
        snapshot: what was last known.
        unknown: for how long nothing has been heard, microseconds, by station.
        replication: whose draws.
    """
    if not unknown:
        return snapshot
    blur = _Blur(line, snapshot, replication)
    machine = mode = place = 0
    for station in line.stations:
        stops = len(station.failures) + len(station.changeovers)
        for number in range(station.machines):
            if station.id in unknown:
                name = station.machine_id(number)
                blur.machine(station, name, unknown[station.id], machine, mode, place)
            machine, mode, place = machine + 1, mode + stops, place + station.places
    return blur.snapshot()


class _Blur:
    """A snapshot's rows while they are drawn."""

    def __init__(self, line: Line, snapshot: Snapshot, replication: int) -> None:
        self.of = snapshot
        self.replication = replication
        self.key = key_for(snapshot.seed, replication, Purpose.LEFT, "unknown")
        self.tables = {name: rows.copy() for name, rows in tables_of(snapshot).items()}
        self.crews = [crew.id for crew in line.crews]

    def get(self, table: str, row: int, column: str) -> int:
        return int(self.tables[table][row, SAVED[table].index(column)])

    def put(self, table: str, row: int, **values: int) -> None:
        for column, value in values.items():
            self.tables[table][row, SAVED[table].index(column)] = value

    def draw(self, name: str) -> int:
        digest = hashlib.blake2b(name.encode(), digest_size=8, person=b"linetwin-gap").digest()
        return word(self.key, int.from_bytes(digest, "little"))

    def uniform(self, name: str) -> float:
        return (self.draw(name) >> 11) * 2.0**-53

    def machine(
        self, station: Station, name: str, for_us: int, row: int, mode: int, place: int
    ) -> None:
        """Draw a machine and what it has in hand."""
        self._failures(station, name, for_us, row, mode, place)
        table = quantile_table(station.cycle_time, 1 / station.effectiveness)
        for k in range(place, place + station.places):
            left_us = self.get("places", k, "left_us") if self.get("places", k, "loaded") else 0
            if left_us > for_us:
                self.put("places", k, left_us=left_us - for_us)
            elif left_us:
                whole_us = variate(table, self.draw(f"{name}/{k - place}/whole"))
                left_us = max(1, int(whole_us * self.uniform(f"{name}/{k - place}/left")))
                self.put("places", k, drawn_us=max(whole_us, left_us), left_us=left_us)

    def _failures(
        self, station: Station, name: str, for_us: int, row: int, mode: int, place: int
    ) -> None:
        down = self.get("machines", row, "down")
        if self.get("machines", row, "service") != NONE or down >= len(station.failures):
            return
        waits_for_crew = down != NONE and self.get("machines", row, "ends_us") == NONE
        if waits_for_crew or any(f.stops == "handling" for f in station.failures):
            return
        if down != NONE:
            failure = station.failures[down]
            share = down_share(mean_us(failure.mtbf), mean_us(failure.mttr), True, for_us)
            if self.uniform(f"{name}/state") >= share:
                self._up(failure, row, mode + down, place, station.places, name)
            else:
                self._repairing(failure, row, name)
            return
        left = self.uniform(f"{name}/state")
        for k, failure in enumerate(station.failures):
            left -= down_share(mean_us(failure.mtbf), mean_us(failure.mttr), False, for_us)
            if left < 0:
                reading = max(
                    self.get("machines", row, "worked_us"), self.get("machines", row, "clock_us")
                )
                self.put("machines", row, down=k)
                self.put("modes", mode + k, strikes_at=reading)
                self._repairing(failure, row, name)
                self._crew(failure, -1)
                self._conditions(place, station.places, down=True)
                return

    def _repairing(self, failure: Failure, row: int, name: str) -> None:
        whole_us = variate(quantile_table(failure.mttr), self.draw(f"{name}/repair"))
        left_us = max(1, int(whole_us * self.uniform(f"{name}/repaired")))
        self.put("machines", row, ends_us=self.of.at_us + left_us)

    def _up(
        self, failure: Failure, row: int, mode: int, place: int, places: int, name: str
    ) -> None:
        reading = max(self.get("machines", row, "worked_us"), self.get("machines", row, "clock_us"))
        due_us = variate(quantile_table(failure.mtbf), self.draw(f"{name}/due"))
        self.put("machines", row, down=NONE, ends_us=NONE)
        self.put(
            "modes", mode, count=self.get("modes", mode, "count") + 1, strikes_at=reading + due_us
        )
        self._crew(failure, 1)
        self._conditions(place, places, down=False)

    def _crew(self, failure: Failure, more: int) -> None:
        if failure.crew is not None:
            row = self.crews.index(failure.crew)
            self.put("crews", row, free=self.get("crews", row, "free") + more)

    def _conditions(self, place: int, places: int, *, down: bool) -> None:
        for k in range(place, place + places):
            condition = Condition.FAULT
            if not down:
                waits = {0: Condition.EXECUTE, 1: Condition.STARVED, 2: Condition.BLOCKED}
                condition = waits[self.get("places", k, "waits_for")]
                if condition == Condition.EXECUTE and not self.get("places", k, "loaded"):
                    condition = Condition.PLANNED_STOP
            self.put("places", k, condition=condition, since_us=self.of.at_us)

    def snapshot(self) -> Snapshot:
        """The state that was drawn."""
        of = self.of
        return snapshot_of(
            of.line, of.seed, of.replication, of.began_us, of.at_us, self.tables
        ).model_copy(update={"settled": of.settled})
