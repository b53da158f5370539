"""Whether a line can go on from a snapshot: checked before any engine believes it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin.engine.line_mark import LineMark, differences
from twin.engine.snapshot import NONE, SAVED, Snapshot, Tables, tables_of
from twin.engine.snapshot_rows import lane_keys
from twin.errors import EngineError
from twin.model.line import Line
from twin.model.quantity import MAX_TIME_US, MILLI
from twin.model.status import Condition

__all__ = ["checked_tables"]

Ints = NDArray[np.int64]
MAY_BE_NONE = {"down", "service", "ends_us", "strikes_at", "level"}
"""Columns in which -1 says that there is none; of all others it is no value."""
COUNTED = 1 << 48
MOST = {
    **dict.fromkeys(("started", "completed", "operation", "count"), COUNTED),
    **dict.fromkeys(("consumed", "good", "defective", "reworked", "failures"), COUNTED),
    **dict.fromkeys(("drawn_us", "left_us"), MAX_TIME_US),
    **dict.fromkeys(("rework_pass", "redone"), 1 << 30),
    **dict.fromkeys(("level", "used", "entered"), 1 << 60),
    "defects": (1 << 32) - 1,
}
"""The most that a column can hold, so that no engine counts past the end of its numbers."""


def checked_tables(line: Line, mark: LineMark, snapshot: Snapshot) -> Tables:
    """The rows of a snapshot, once they are known to be of this line and to hold together.

    Args:
        line: what is to go on.
        mark: the line's own.
        snapshot: from where.

    Raises:
        EngineError: it is of another version or line, or contradicts itself; the message names
            all that is wrong.
    """
    if snapshot.version != Snapshot.VERSION:
        raise EngineError(
            f"the snapshot has version {snapshot.version}; this program reads {Snapshot.VERSION}"
        )
    unlike = differences(mark, snapshot.line)
    if unlike:
        raise EngineError(
            f"the snapshot is of another line than {line.id}; what differs: {'; '.join(unlike)}; "
            "twin.engine.carried_over takes it over to a changed line"
        )
    tables = tables_of(snapshot)
    wrong = (
        _wrong_lengths(line, tables)
        or _out_of_range(line, tables)
        or _contradictions(line, snapshot, tables)
    )
    if wrong:
        raise EngineError(f"the snapshot contradicts itself: {'; '.join(wrong)}")
    return tables


def _wrong_lengths(line: Line, tables: Tables) -> list[str]:
    wanted = {
        "stations": len(line.stations),
        "machines": sum(s.machines for s in line.stations),
        "modes": sum(s.machines * (len(s.failures) + len(s.changeovers)) for s in line.stations),
        "services": sum(s.machines * len(s.maintenance) for s in line.stations),
        "places": sum(s.machines * s.places for s in line.stations),
        "crews": len(line.crews),
        "materials": len(line.materials),
    }
    return [
        f"{name}: must have {rows} rows, got {len(tables[name])}"
        for name, rows in wanted.items()
        if len(tables[name]) != rows
    ]


def _out_of_range(line: Line, tables: Tables) -> list[str]:
    wrong = []
    for table, columns in SAVED.items():
        for column, values in zip(columns, tables[table].T, strict=True):
            if column not in MAY_BE_NONE and table != "crews" and np.any(values < 0):
                wrong.append(f"{table}.{column}: must not be negative")
            if column in MOST and np.any(values > MOST[column]):
                wrong.append(f"{table}.{column}: must be at most {MOST[column]}")
    # What an operation takes and makes by the thousandth is worked out from its number.
    milli = [max(MILLI, s.gives_milli or 0, *s.takes_milli.values()) for s in line.stations]
    most_started = (1 << 61) // np.array(milli, dtype=np.int64)
    places = [s.machines * s.places for s in line.stations]
    for text, numbers, most in (
        ("stations.started", tables["stations"][:, 0], most_started),
        (
            "places.operation",
            tables["places"][:, SAVED["places"].index("operation")],
            np.repeat(most_started, places),
        ),
    ):
        if np.any(numbers > most):
            wrong.append(f"{text}: more than the station can count")
    return wrong


def _contradictions(line: Line, snapshot: Snapshot, tables: Tables) -> list[str]:
    """What an engine would fall over, and no more."""

    def column(table: str, name: str) -> Ints:
        return tables[table][:, SAVED[table].index(name)]

    def of_machine(count: list[int]) -> Ints:
        return np.repeat(count, [s.machines for s in line.stations])

    def crew_of(machine: int) -> str | None:
        station = line.stations[int(station_of[machine])]
        plan, failure = int(service[machine]), int(down[machine])
        if plan != NONE:
            return station.maintenance[plan].crew
        if NONE < failure < len(station.failures):
            return station.failures[failure].crew
        return None

    at = snapshot.at_us
    down, service = column("machines", "down"), column("machines", "service")
    ends, queued = column("machines", "ends_us"), column("machines", "crew_turn")
    modes = of_machine([len(s.failures) + len(s.changeovers) for s in line.stations])
    services = of_machine([len(s.maintenance) for s in line.stations])
    station_of = of_machine(list(range(len(line.stations))))
    machine_of = np.repeat(np.arange(len(modes)), modes)
    # One of the two is 0: a machine has one clock.
    reading = np.maximum(column("machines", "worked_us"), column("machines", "clock_us"))
    loaded, waits = column("places", "loaded"), column("places", "waits_for")
    turn, left = column("places", "turn"), column("places", "left_us")
    held_in, holder = column("parts", "held_in"), column("parts", "holder")
    places, lanes = len(loaded), len(lane_keys(line))
    has_output = np.repeat(
        [bool(line.outputs[s.id]) for s in line.stations],
        [s.machines * s.places for s in line.stations],
    )
    held = (down != NONE) | (service != NONE)
    in_lane = held_in == 0
    holders = np.where(in_lane, lanes, places)
    finished = np.zeros(places, dtype=bool)
    sound = (held_in >= 0) & (held_in <= 2) & (holder >= 0) & (holder < holders)
    finished[holder[sound & (held_in == 2)]] = True
    in_load = holder[sound & (held_in == 1)]
    tests = {
        "at_us: must not be before began_us": snapshot.began_us > at,
        "machines.down: no such failure or changeover": (down < NONE) | (down >= modes),
        "machines.service: no such maintenance": (service < NONE) | (service >= services),
        "machines: down and in maintenance at once": (down != NONE) & (service != NONE),
        "machines.ends_us: must be later than at_us": (ends != NONE) & (ends <= at),
        "machines.ends_us: nothing goes on there": (ends != NONE) & ~held,
        "machines.crew_turn: nothing waits there": (queued > 0) & (~held | (ends != NONE)),
        "machines.crew_turn: held, and neither at work nor waiting": held
        & (ends == NONE)
        & (queued <= 0)
        & snapshot.settled,
        "modes.strikes_at: has passed, and the machine is up": (down[machine_of] == NONE)
        & (column("modes", "strikes_at") < reading[machine_of])
        & (column("modes", "strikes_at") != NONE),
        "places.condition: no such condition": (column("places", "condition") < 0)
        | (column("places", "condition") >= len(Condition)),
        "places.since_us: must not be later than at_us": column("places", "since_us") > at,
        "places.loaded: must be 0 or 1": (loaded < 0) | (loaded > 1),
        "places.left_us: must not be negative": left < 0,
        "places.waits_for: must be 0, 1 or 2": (waits < 0) | (waits > 2),
        "places.waits_for: loaded, and yet waits": (loaded == 1) & (waits != 0),
        "places.waits_for: room, with nothing to put out": (waits == 2) & ~(finished & has_output),
        "places.waits_for: a load, with parts to put out": (waits == 1) & finished,
        "places.turn: must be above 0 where one waits": (waits > 0) != (turn > 0),
        "parts.holder: no such lane or place": ~sound,
        "parts: in the load of a place without one": loaded[in_load] != 1,
        "parts.entered: must be above 0 in a lane": in_lane & (column("parts", "entered") < 1),
    }
    wrong = [text for text, found in tests.items() if np.any(found)]
    if not wrong:
        wrong += [
            f"machines.crew_turn: row {machine} needs no crew"
            for machine in np.flatnonzero(queued > 0).tolist()
            if crew_of(machine) is None
        ]
    return wrong
