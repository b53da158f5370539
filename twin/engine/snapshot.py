"""The state of a line at one instant, as a value: the same from every engine, and enough for any
engine to go on as if nothing had happened.

It is taken between events, and canonical: two engines that have done the same have equal
snapshots. What follows from the line and the instant (when a calendar turns, the next delivery,
the next maintenance) is not in it; what is running has been counted up to the instant.

Rows are in the order of the line file: stations, in each its machines, in each its places.
`docs/explanation/snapshot.md` says more.
"""

from __future__ import annotations

import zlib
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from twin.engine.line_mark import LineMark
from twin.errors import EngineError
from twin.model.base import Frozen

__all__ = ["NONE", "SAVED", "Snapshot", "Tables", "snapshot_of", "tables_of"]

NONE = -1
MAGIC = b"linetwin snapshot\n"

Word = Annotated[int, Field(ge=NONE, lt=1 << 62)]
Column = tuple[Word, ...]
Tables = dict[str, NDArray[np.int64]]
"""For each entry of `SAVED` its rows; int64, (rows, columns)."""


class Stations(Frozen):
    """Stations: operations started and completed since the run began."""

    started: Column
    completed: Column


class Machines(Frozen):
    """Machines.

    Columns:
        worked_us: working time so far, that of the work in hand counted in; 0 where failures
            depend on time.
        clock_us: what the clock of failures that depend on time shows; 0 where there is none.
        down: which of the station's failures, then changeovers, holds it; -1: none.
        service: which of the station's maintenances goes on; -1: none.
        ends_us: when the repair or maintenance ends; -1: there is none, or it waits for a crew.
        crew_turn: 1, 2, ... in the queue for its crew; 0: it does not wait.
        consumed, good, defective, reworked, failures: counted since the run began.
        cycle_time_us: of the last completed operation, stops included.
        execute_us to planned_stop_us: time of its places in each condition, up to each place's
            `since_us`.
    """

    worked_us: Column
    clock_us: Column
    down: Column
    service: Column
    ends_us: Column
    crew_turn: Column
    consumed: Column
    good: Column
    defective: Column
    reworked: Column
    failures: Column
    cycle_time_us: Column
    execute_us: Column
    starved_us: Column
    blocked_us: Column
    fault_us: Column
    setup_us: Column
    maintenance_us: Column
    planned_stop_us: Column


class Modes(Frozen):
    """Failures, then changeovers, of each machine: how often repaired, and the reading of the
    machine's clock at which it strikes (or has struck, while it holds the machine); -1: drawn when
    an engine starts from here, a whole new time from the reading on.
    """

    count: Column
    strikes_at: Column


class Services(Frozen):
    """Maintenances of each machine: 1 for one that is due and has not begun."""

    due: Column


class Places(Frozen):
    """Places.

    Columns:
        condition: `Condition`.
        since_us: since when.
        loaded: 1: an operation is under way, or stands still; else the next seven are 0.
        operation: which of the station's.
        lead, rework_pass: whose draws it uses.
        redone: how often it was done again in place.
        drawn_us, left_us: its whole time, and what is left of it.
        started_us: when it took its load.
        waits_for: 0: nothing; 1: a load; 2: room for its first part.
        turn: rank among all places that wait, from 1; 0: it does not wait.
    """

    condition: Column
    since_us: Column
    loaded: Column
    operation: Column
    lead: Column
    rework_pass: Column
    redone: Column
    drawn_us: Column
    left_us: Column
    started_us: Column
    waits_for: Column
    turn: Column


class Crews(Frozen):
    """Crews: how many are free; below 0: so many more are at work than the crew has by now."""

    free: tuple[Annotated[int, Field(gt=-(1 << 62), lt=1 << 62)], ...]


class Materials(Frozen):
    """Stores: millionths of the unit in them (-1: no limit) and used since the run began."""

    level: Column
    used: Column


class Parts(Frozen):
    """Parts, by where they are, and there in their order.

    Columns:
        held_in: 0: a lane; 1: the load of a place; 2: a place, finished.
        holder: which lane (rework lanes after all others) or place.
        number, rework_pass, defects: the part; defects as bits.
        entered: rank of its entering its lane among all parts in lanes, from 1; 0 on a place.
    """

    held_in: Column
    holder: Column
    number: Column
    rework_pass: Column
    defects: Column
    entered: Column


TABLES: dict[str, type[Frozen]] = {
    "stations": Stations,
    "machines": Machines,
    "modes": Modes,
    "services": Services,
    "places": Places,
    "crews": Crews,
    "materials": Materials,
    "parts": Parts,
}
SAVED: dict[str, tuple[str, ...]] = {
    name: tuple(table.model_fields) for name, table in TABLES.items()
}
"""For each table the names of its columns, in the order in which engines give and take them."""


class Snapshot(Frozen):
    """The state of a line at one instant.

    Args:
        version: of this form.
        line: which line.
        seed, replication: of its draws.
        began_us: engine time at which the run began, and counting with it.
        at_us: engine time of the snapshot; everything up to and at it has happened.
        settled: false: it was carried over to a changed line, and what can go on by that change
            has not yet; who starts from it first lets it (rule S37).
        stations, machines, modes, services, places, crews, materials, parts: the state, one
            column a fact.
    """

    VERSION: ClassVar[int] = 1

    version: Literal[1] = 1
    line: LineMark
    seed: int
    replication: int
    began_us: Word
    at_us: Word
    settled: bool = True
    stations: Stations
    machines: Machines
    modes: Modes
    services: Services
    places: Places
    crews: Crews
    materials: Materials
    parts: Parts

    def to_json(self) -> str:
        """Write it as JSON; part numbers need 62 bits, which JavaScript's numbers lack."""
        return self.model_dump_json()

    @classmethod
    def from_json(cls, text: str | bytes) -> Snapshot:
        """Read what `to_json` wrote.

        Raises:
            EngineError: it is no snapshot, or one of another version.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            faults = [
                f"{'.'.join(map(str, fault['loc'])) or 'text'}: {fault['msg']}"
                for fault in error.errors(include_url=False)[:10]
            ]
            raise EngineError(
                f"no snapshot of version {cls.VERSION}: {'; '.join(faults)}"
            ) from error

    def to_bytes(self) -> bytes:
        """Write it in little room."""
        return MAGIC + zlib.compress(self.to_json().encode(), 1)

    @classmethod
    def from_bytes(cls, data: bytes) -> Snapshot:
        """Read what `to_bytes` wrote.

        Raises:
            EngineError: it is no snapshot, or one of another version.
        """
        if not data.startswith(MAGIC):
            raise EngineError("no snapshot: it does not begin as one")
        try:
            text = zlib.decompress(data[len(MAGIC) :])
        except zlib.error as error:
            raise EngineError(f"no snapshot: its bytes are damaged ({error})") from error
        return cls.from_json(text)


def _ranks(turns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Turn growing numbers into 1, 2, ... in the same order; 0 stays 0."""
    ranks = np.zeros_like(turns)
    some = np.flatnonzero(turns)
    ranks[some[np.argsort(turns[some], kind="stable")]] = np.arange(1, len(some) + 1)
    return ranks


def snapshot_of(
    line: LineMark, seed: int, replication: int, began_us: int, at_us: int, tables: Tables
) -> Snapshot:
    """Make a snapshot of an engine's rows, whose turns may be any growing numbers."""
    parts, places = SAVED["parts"].index("entered"), SAVED["places"].index("turn")
    tables["parts"][:, parts] = _ranks(tables["parts"][:, parts])
    tables["places"][:, places] = _ranks(tables["places"][:, places])
    # An engine's own rows need no second look; what comes from outside is checked when read.
    values: dict[str, Any] = {}
    for name, table in TABLES.items():
        rows: list[list[int]] = tables[name].T.tolist()
        columns: dict[str, Any] = dict(zip(SAVED[name], map(tuple, rows), strict=True))
        values[name] = table.model_construct(None, **columns)
    return Snapshot.model_construct(
        version=1, line=line, seed=seed, replication=replication, began_us=began_us, at_us=at_us,
        settled=True, **values,
    )  # fmt: skip


def tables_of(snapshot: Snapshot) -> Tables:
    """The rows of a snapshot.

    Raises:
        EngineError: the columns of a table differ in length.
    """
    tables: Tables = {}
    for name, columns in SAVED.items():
        table = getattr(snapshot, name)
        values = [getattr(table, column) for column in columns]
        if len({len(column) for column in values}) > 1:
            raise EngineError(f"snapshot: the columns of {name} differ in length")
        rows = np.array(values, dtype=np.int64).reshape(len(columns), -1).T
        tables[name] = np.ascontiguousarray(rows)
    return tables
