"""What is left of all that goes on, drawn anew given how long it has gone on.

A snapshot says what has been drawn, and so it knows its plant's future: when this work ends, when
that repair does. Who asks what a line may do from its state on must not: each replication draws
what is left from the distribution of the whole time given that it is longer than what has passed.
A draw depends on what it is for and on nothing else (rule S2), so changed lines that start from
one state share it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from twin.engine.draws import Key, Purpose, key_for, word, words_at
from twin.engine.identity import Same
from twin.engine.line_mark import line_mark
from twin.engine.quantiles import (
    QuantileTable,
    quantile_table,
    share_below,
    stacked_variates,
    variate,
)
from twin.engine.snapshot import NONE, SAVED, Snapshot, Tables, snapshot_of
from twin.engine.snapshot_check import checked_tables
from twin.model.durations import Duration
from twin.model.failures import Changeover, Failure
from twin.model.line import Line
from twin.model.status import Condition

__all__ = ["Redraw", "redrawn"]

Ints = NDArray[np.int64]
WORK, REPAIR, CLOCK = range(3)
"""As the kernel numbers them: `DrawnAnew`."""
TARGETS = {
    WORK: ("places", SAVED["places"].index("left_us")),
    REPAIR: ("machines", SAVED["machines"].index("ends_us")),
    CLOCK: ("modes", SAVED["modes"].index("strikes_at")),
}
DRAWN = SAVED["places"].index("drawn_us")


@dataclass(frozen=True, slots=True, eq=False)
class Redraw:
    """All that a snapshot has in hand, ready to be drawn anew again and again.

    Args:
        tables: the snapshot's rows.
        seed: of its draws.
        what, row: for each time that is drawn its kind, and its row there; int64.
        from_us: what the new time left is added to; int64.
        elapsed_us: how much of the whole time has passed; int64.
        below: probability that a whole time is no longer than that; float64.
        table: which of the stacked quantile tables; int64.
        index: of its draw; uint64.
        main, tail: quantile tables, one a row.
    """

    tables: Tables
    seed: int
    what: Ints
    row: Ints
    from_us: Ints
    elapsed_us: Ints
    below: NDArray[np.float64]
    table: Ints
    index: NDArray[np.uint64]
    main: Ints
    tail: Ints

    @classmethod
    def of(cls, line: Line, snapshot: Snapshot) -> Redraw:
        """Find out what goes on and for how long.

        Args:
            line: the line that the snapshot is of.
            snapshot: from where.

        Raises:
            EngineError: the snapshot is of another line or version, or contradicts itself.
        """
        found = _Found(line, snapshot)
        found.work()
        found.machines()
        return found.redraw()

    def left_us(self, replication: int) -> Ints:
        """A replication's own times left, one for each time that is drawn; int64."""
        if not len(self.what):
            return np.empty(0, dtype=np.int64)
        key = key_for(self.seed, replication, Purpose.LEFT, "")
        uniform = (words_at(key, self.index) >> np.uint64(11)).astype(np.float64) * 2.0**-53
        share = np.minimum(self.below + (1 - self.below) * uniform, 1 - 2.0**-53)
        whole = stacked_variates(self.main, self.tail, self.table, (share * 2.0**64).astype("u8"))
        left: Ints = np.maximum(whole - self.elapsed_us, 1)
        return left

    def drawn(self, replication: int) -> Tables:
        """The snapshot's rows with a replication's own times left."""
        tables, left = dict(self.tables), self.left_us(replication)
        for kind, (name, column) in TARGETS.items():
            these = self.what == kind
            if these.any():
                rows = tables[name] = tables[name].copy()
                rows[self.row[these], column] = self.from_us[these] + left[these]
                if kind == WORK:
                    rows[self.row[these], DRAWN] = self.elapsed_us[these] + left[these]
        return tables


def redrawn(line: Line, snapshot: Snapshot, replication: int) -> Snapshot:
    """A snapshot in which what is left of all that goes on is a replication's own.

    Work in hand, repairs and failure clocks are drawn anew, each given how long it has lasted so
    far; where that can't be told (an age of a failure clock that another replication drew), as if
    it began now. What has no spread stays as it is, and so does what is over: parts that wait,
    a clock that has run down.

    Args:
        line: the line that the snapshot is of.
        snapshot: from where.
        replication: whose draws; also of those from here on.

    Raises:
        EngineError: the snapshot is of another line or version, or contradicts itself.

    >>> from twin.engine.simulation import open_engine
    >>> from twin.model import Line, Station
    >>> time = {"distribution": "exponential", "mean": "2 s"}
    >>> line = Line(id="L", stations=(Station(id="A", cycle_time=time),))
    >>> snapshot = open_engine(line).snapshot()
    >>> left = [redrawn(line, snapshot, k).places.left_us[0] for k in (1, 1, 2)]
    >>> left[0] == left[1] != left[2]
    True
    """
    tables = _prepared(Same(line), Same(snapshot)).drawn(replication)
    return snapshot_of(
        snapshot.line, snapshot.seed, replication, snapshot.began_us, snapshot.at_us,
        {name: rows.copy() for name, rows in tables.items()},
    ).model_copy(update={"settled": snapshot.settled})  # fmt: skip


@lru_cache(maxsize=32)
def _prepared(line: Same[Line], snapshot: Same[Snapshot]) -> Redraw:
    return Redraw.of(line.value, snapshot.value)


class _Found:
    """Collects what goes on."""

    def __init__(self, line: Line, snapshot: Snapshot) -> None:
        self.line, self.snapshot = line, snapshot
        self.tables = checked_tables(line, line_mark(line), snapshot)
        self.rows: list[tuple[int, int, int, int, float, int, int]] = []
        self.kept: list[QuantileTable] = []
        self.number: dict[int, int] = {}

    def column(self, table: str, name: str) -> Ints:
        return self.tables[table][:, SAVED[table].index(name)]

    def add(self, kind: int, row: int, from_us: int, elapsed_us: int, table: QuantileTable,
            name: str) -> None:  # fmt: skip
        if table.constant_us:
            return
        if id(table) not in self.number:
            self.number[id(table)] = len(self.kept)
            self.kept.append(table)
        below = share_below(table, elapsed_us)
        if below >= 1.0:
            return  # longer than it can last: what the snapshot says of its end is all there is
        digest = hashlib.blake2b(name.encode(), digest_size=8, person=b"linetwin-left").digest()
        index = int.from_bytes(digest, "little")
        self.rows.append((kind, row, from_us, elapsed_us, below, self.number[id(table)], index))

    def work(self) -> None:
        """Operations under way."""
        loaded, drawn, left = (
            self.column("places", name) for name in ("loaded", "drawn_us", "left_us")
        )
        first = 0
        for station in self.line.stations:
            count = station.machines * station.places
            table = quantile_table(station.cycle_time, 1 / station.effectiveness)
            if not table.constant_us:
                mine = slice(first, first + count)
                for k in np.flatnonzero((loaded[mine] == 1) & (left[mine] > 0)).tolist():
                    elapsed_us = int(drawn[first + k] - left[first + k])
                    self.add(WORK, first + k, 0, elapsed_us, table, f"{station.id}/work/{k}")
            first += count

    def machines(self) -> None:
        """Repairs that go on, and clocks that run."""
        reading = np.maximum(self.column("machines", "worked_us"),
                             self.column("machines", "clock_us"))  # fmt: skip
        down, ends = self.column("machines", "down"), self.column("machines", "ends_us")
        count, strikes = self.column("modes", "count"), self.column("modes", "strikes_at")
        machine = mode = place = 0
        for station in self.line.stations:
            stops: tuple[Failure | Changeover, ...] = (*station.failures, *station.changeovers)
            for m in range(station.machines):
                for k, stop in enumerate(stops):
                    due, lasts = _times(stop)
                    name = f"{station.id}/{m}/{stop.id}"
                    keys = _keys(self.snapshot, station.id, m, stop)
                    row, holds = mode + k, down[machine] == k
                    if holds and ends[machine] != NONE:
                        table = quantile_table(lasts)
                        whole_us = variate(table, word(keys[1], int(count[row])))
                        places = slice(place, place + station.places)
                        elapsed_us = self._repaired_for(places, int(ends[machine]) - whole_us)
                        self.add(REPAIR, machine, self.snapshot.at_us, elapsed_us, table,
                                 f"{name}/repair")  # fmt: skip
                    elif not holds and strikes[row] > reading[machine]:
                        table = quantile_table(due)
                        now = int(reading[machine])
                        whole_us = variate(table, word(keys[0], int(count[row])))
                        age_us = now - (int(strikes[row]) - whole_us)
                        age_us = age_us if 0 <= age_us <= now else 0
                        self.add(CLOCK, row, now, age_us, table, f"{name}/clock")
                machine, mode, place = machine + 1, mode + len(stops), place + station.places

    def _repaired_for(self, places: slice, began_us: int) -> int:
        """How long a repair has gone on: since when it began, if that can be, else since when its
        machine is seen to stand.
        """
        at_us = self.snapshot.at_us
        condition = self.column("places", "condition")[places]
        standing = (condition == Condition.FAULT) | (condition == Condition.SETUP)
        since = self.column("places", "since_us")[places][standing]
        stands_since = int(since.min()) if len(since) else None
        if began_us <= at_us and (stands_since is None or began_us >= stands_since):
            return at_us - began_us
        return 0 if stands_since is None else at_us - stands_since

    def redraw(self) -> Redraw:
        columns = list(zip(*self.rows, strict=True)) or [()] * 7
        what, row, from_us, elapsed_us = (np.array(c, dtype=np.int64) for c in columns[:4])
        return Redraw(
            tables=self.tables,
            seed=self.snapshot.seed,
            what=what,
            row=row,
            from_us=from_us,
            elapsed_us=elapsed_us,
            below=np.array(columns[4], dtype=np.float64),
            table=np.array(columns[5], dtype=np.int64),
            index=np.array(columns[6], dtype=np.uint64),
            main=np.array([t.main for t in self.kept], dtype=np.int64).reshape(-1, 1025),
            tail=np.array([t.tail for t in self.kept], dtype=np.int64).reshape(-1, 1025),
        )


def _times(stop: Failure | Changeover) -> tuple[Duration, Duration]:
    return (stop.mtbf, stop.mttr) if isinstance(stop, Failure) else (stop.every, stop.lasts)


def _keys(
    snapshot: Snapshot, station: str, machine: int, stop: Failure | Changeover
) -> tuple[Key, Key]:
    purposes = (
        (Purpose.FAIL, Purpose.REPAIR)
        if isinstance(stop, Failure)
        else (Purpose.CHANGEOVER_DUE, Purpose.CHANGEOVER)
    )
    due, lasts = (
        key_for(snapshot.seed, snapshot.replication, purpose, station, machine, stop.id)
        for purpose in purposes
    )
    return due, lasts
