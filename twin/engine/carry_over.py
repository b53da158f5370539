"""A snapshot of a line as a snapshot of a changed line, so that what-if starts from today's state.

The rules are in `docs/explanation/snapshot.md`. Each step below is one of them: it reads the rows
of the old line, writes those of the changed one, and says in notes what it came to. What the change
then lets happen at once is left to the engines (rule S37).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import starmap

import numpy as np
from numpy.typing import NDArray

from twin.engine.carried_line import beyond_carrying
from twin.engine.carried_parts import Moved, Part, carried_parts
from twin.engine.carried_stops import carry_clocks, carry_crews, carry_holds
from twin.engine.change import (
    Change,
    Columns,
    counted,
    machine_of_places,
    station_of_machines,
)
from twin.engine.line_mark import line_mark
from twin.engine.part_codes import MICRO
from twin.engine.planned_time import is_closed
from twin.engine.snapshot import NONE, SAVED, Snapshot, Tables, snapshot_of
from twin.engine.snapshot_check import checked_tables
from twin.engine.snapshot_rows import lane_keys, stops_of
from twin.errors import EngineError
from twin.model.failures import Changeover, Failure
from twin.model.line import Line
from twin.model.status import Condition

__all__ = ["carried_over"]

TIMES = [f"{condition.name.lower()}_us" for condition in Condition]
COUNTED = ["consumed", "good", "defective", "reworked", "failures", *TIMES]
FOR_A_LOAD, FOR_ROOM = 1, 2
IN_OUT = 2


def carried_over(
    snapshot: Snapshot, old_line: Line, new_line: Line
) -> tuple[Snapshot, tuple[str, ...]]:
    """Turn a snapshot of a line into one of a changed line.

    Args:
        snapshot: of the old line.
        old_line: the line that the snapshot is of.
        new_line: the changed line, checked; with other numbers, machines, places, lanes, failures,
            maintenance, crews, calendars, materials or quality, and the same stations and buffers.

    Returns:
        A snapshot that any engine of the changed line starts from (the very same one if the lines
        do the same), and what the change came to, a line of text each.

    Raises:
        EngineError: the snapshot is not of the old line, or contradicts itself; or the new line is
            no small change of the old one: every reason is named.

    >>> from twin.engine.simulation import open_engine
    >>> from twin.model import Buffer, Line, Station
    >>> def line(capacity):
    ...     return Line(id="L", stations=(Station(id="A", cycle_time="2 s"),
    ...                                   Station(id="B", cycle_time="7 s")),
    ...                 buffers=(Buffer(id="AB", sources="A", sinks="B", capacity=capacity),))
    >>> engine = open_engine(line(3), "simpy")
    >>> _ = engine.advance(60_000_000)
    >>> today = engine.snapshot()
    >>> today.places.waits_for  # A has no room
    (2, 0)
    >>> bigger, notes = carried_over(today, line(3), line(9))
    >>> open_engine(line(9), "simpy", start=bigger).snapshot().places.waits_for
    (0, 0)
    >>> smaller, notes = carried_over(today, line(3), line(1))
    >>> print(*notes)
    buffers[AB].capacity: 1 now, and a lane of it holds 3; it takes none until there is room
    """
    tables = checked_tables(old_line, line_mark(old_line), snapshot)
    mark = line_mark(new_line)
    if mark == snapshot.line:
        return snapshot, ()
    faults = beyond_carrying(old_line, new_line)
    if faults:
        raise EngineError(
            f"the snapshot of line {old_line.id} can't be carried over to the changed line:\n"
            + "\n".join(map(str, faults))
        )
    change = Change.between(old_line, new_line, snapshot.at_us, _columns(tables))
    parts = list(starmap(Part, tables["parts"].tolist()))
    moved = carried_parts(
        old_line, new_line, parts, change.old["places"], snapshot.seed, snapshot.replication
    )
    _clear_what_is_gone(change, parts, moved)
    for table in ("stations", "machines", "modes", "services", "places", "crews", "materials"):
        change.new[table] = change.carried(table)
    carry_holds(change)
    carry_clocks(change)
    carry_crews(change)
    _close(change)
    _restate_work(change)
    _stock(change)
    _note_times(change)
    carried = _without_lost_defects(change, moved.parts)
    _note_buffers(change, moved, carried)
    rows = {
        name: np.ascontiguousarray(np.column_stack([change.new[name][c] for c in columns]))
        for name, columns in SAVED.items()
        if name != "parts"
    }
    rows["parts"] = np.array(carried, dtype=np.int64).reshape(-1, len(SAVED["parts"]))
    unsettled = snapshot_of(
        mark, snapshot.seed, snapshot.replication, snapshot.began_us, snapshot.at_us, rows
    ).model_copy(update={"settled": False})
    return unsettled, tuple(change.notes)


def _columns(tables: Tables) -> dict[str, Columns]:
    return {
        name: {column: tables[name][:, i].copy() for i, column in enumerate(columns)}
        for name, columns in SAVED.items()
    }


def _clear_what_is_gone(change: Change, parts: list[Part], moved: Moved) -> None:
    """Leave nothing on machines and places that are gone, and hand on what they have counted."""
    line, machines, places = change.old_line, change.old["machines"], change.old["places"]
    machine_of, station_of = machine_of_places(line), station_of_machines(line)
    gone = change.gone("places")
    change.book(change.old, machine_of, gone)
    for place, count in moved.given_up.items():
        machines["consumed"][machine_of[place]] -= count
    for place, count in moved.put_out.items():
        machines["good"][machine_of[place]] += count
    given_up, back, out, left = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for place in gone.tolist():
        name = line.stations[station_of[machine_of[place]]].id
        given_up[name] += int(places["loaded"][place])
        back[name] += moved.given_up[place]
        out[name] += moved.put_out[place]
    for part in parts:
        if part.held_in == IN_OUT and part.number in moved.left:
            left[line.stations[station_of[machine_of[part.holder]]].id] += 1
    first = np.searchsorted(station_of, station_of)
    for machine in change.gone("machines").tolist():
        for name in COUNTED:
            machines[name][first[machine]] += machines[name][machine]
    for old, new, _ in change.stations():
        told = _note_of_fewer(old.id, given_up, back, out, left)
        for name, was, now in (
            ("machines", old.machines, new.machines),
            ("places", old.places, new.places),
        ):
            if now < was:
                change.notes.append(f"stations[{new.id}].{name}: from {was} to {now}{told}")
                told = ""
            elif now > was:
                more = "the new ones stand empty and up, their failure clocks begin"
                change.notes.append(f"stations[{new.id}].{name}: from {was} to {now}; {more}")


def _note_of_fewer(
    station: str,
    given_up: Counter[str],
    back: Counter[str],
    out: Counter[str],
    left: Counter[str],
) -> str:
    found = ""
    if given_up[station]:
        many = counted(given_up[station], "operation", "in hand is", "in hand are")
        found += f"; {many} given up"
    if back[station]:
        ways = ("goes back to where it came from", "go back to where they came from")
        found += f", {counted(back[station], 'part', *ways)}"
    if out[station] > left[station]:
        many = counted(out[station] - left[station], "finished part", "goes", "go")
        found += f"; {many} on to the next buffer"
    if left[station]:
        found += f"; {counted(left[station], 'finished part', 'leaves', 'leave')} the line"
    return found


def _close(change: Change) -> None:
    """Let no place wait whose machine is closed by now (rule S24)."""
    machines, places = change.new["machines"], change.new["places"]
    line, machine_of = change.new_line, machine_of_places(change.new_line)
    calendars = {calendar.id: calendar for calendar in line.calendars}
    closed_now = {name: is_closed(c, change.at_us) for name, c in calendars.items()}
    station_of = station_of_machines(line)
    planned = np.array([closed_now.get(s.calendar or line.calendar or "", False)
                        for s in line.stations])[station_of]  # fmt: skip
    handling = _down_as(change, lambda stop: isinstance(stop, Failure) and stop.stops == "handling")
    service = machines["service"] != NONE
    several = np.array([s.places > 1 for s in line.stations])[station_of]
    no_load = (planned | handling | service)[machine_of] & (places["waits_for"] == FOR_A_LOAD)
    no_room = (handling | (service & several))[machine_of] & (places["waits_for"] == FOR_ROOM)
    for column in ("waits_for", "turn"):
        places[column][no_load | no_room] = 0


def _down_as(change: Change, kind: Callable[[Failure | Changeover], bool]) -> NDArray[np.bool_]:
    """For each machine of the changed line whether a stop of some kind holds it."""
    down = change.new["machines"]["down"]
    found = np.zeros(len(down), dtype=bool)
    for row in np.flatnonzero(down != NONE).tolist():
        found[row] = kind(stops_of(change.station_at(row)[1])[down[row]])
    return found


def _restate_work(change: Change) -> None:
    """Book the time of work in hand that stood and goes on, or went on and stands."""
    places, machine_of = change.new["places"], machine_of_places(change.new_line)
    setup = _down_as(change, lambda stop: isinstance(stop, Changeover))
    fault = _down_as(change, lambda stop: isinstance(stop, Failure) and stop.stops == "work")
    condition = np.select([setup, fault], [Condition.SETUP, Condition.FAULT], Condition.EXECUTE)
    differs = (places["loaded"] == 1) & (places["condition"] != condition[machine_of])
    these = np.flatnonzero(differs)
    change.book(change.new, machine_of, these)
    places["condition"][these] = condition[machine_of[these]]
    places["since_us"][these] = change.at_us


def _stock(change: Change) -> None:
    """Find the level of stores that are new, or have a limit now or none any more."""
    before = {material.id: material for material in change.old_line.materials}
    level = change.new["materials"]["level"]
    for row, material in enumerate(change.new_line.materials):
        old = before.get(material.id)
        if old is not None and old.stock == material.stock:
            continue
        path, stays = f"materials[{material.id}].stock", level[row] / MICRO
        if material.stock is None:
            level[row] = NONE
            change.notes.append(f"{path}: absent now; the store never runs out")
        elif old is None or old.stock is None:
            level[row] = round(material.stock * MICRO)
            change.notes.append(f"{path}: the store begins with {material.stock:g} {material.unit}")
        else:
            held = f"{stays:g} {material.unit}"
            change.notes.append(f"{path}: what a run begins with; the store still holds {held}")


def _without_lost_defects(change: Change, parts: list[Part]) -> list[Part]:
    """Parts with their defects as bits of the changed line."""
    old, new = ([d.id for d in line.defects] for line in (change.old_line, change.new_line))
    if old == new:
        return parts
    bits = [(1 << i, 1 << new.index(name) if name in new else 0) for i, name in enumerate(old)]
    for name, (bit, now) in zip(old, bits, strict=True):
        many = sum(bool(part.defects & bit) for part in parts)
        if many and not now:
            change.notes.append(
                f"defects[{name}]: gone; {counted(many, 'part', 'loses', 'lose')} it"
            )
    return [
        part._replace(defects=sum(now for bit, now in bits if part.defects & bit)) for part in parts
    ]


def _note_times(change: Change) -> None:
    """Say what keeps a time that the changed line would not draw."""
    machines, places = change.new["machines"], change.new["places"]
    machine_of = machine_of_places(change.new_line)
    for old, new, rows in change.stations():
        if (old.cycle_time, old.effectiveness) != (new.cycle_time, new.effectiveness):
            mine = (machine_of >= rows[0]) & (machine_of <= rows[-1])
            many = int(places["loaded"][mine].sum())
            if many:
                path = f"stations[{new.id}].cycle_time"
                kept = counted(many, "operation", "in hand keeps", "in hand keep")
                change.notes.append(f"{path}: {kept} the time drawn")
        lasts = {stop.id: stop.mttr if isinstance(stop, Failure) else stop.lasts
                 for stop in stops_of(old)}  # fmt: skip
        for number, stop in enumerate(stops_of(new)):
            now = stop.mttr if isinstance(stop, Failure) else stop.lasts
            on = (machines["down"][rows] == number) & (machines["ends_us"][rows] != NONE)
            if stop.id in lasts and lasts[stop.id] != now and on.any():
                table = "failures" if isinstance(stop, Failure) else "changeovers"
                end = "that goes on ends when it" if on.sum() == 1 else "that go on end when they"
                change.notes.append(
                    f"stations[{new.id}].{table}[{stop.id}]: {on.sum()} {end} would have"
                )


def _note_buffers(change: Change, moved: Moved, parts: list[Part]) -> None:
    for buffer, many in moved.between_lanes.items():
        change.notes.append(
            f"buffers[{buffer}].lanes: {counted(many, 'part', 'goes', 'go')} to another lane"
        )
    level = Counter(part.holder for part in parts if part.held_in == 0)
    most = Counter[str]()
    keys = lane_keys(change.new_line)[: sum(b.lanes for b in change.new_line.buffers)]
    for lane, key in enumerate(keys):
        most[str(key[0])] = max(most[str(key[0])], level[lane])
    for before, now in zip(change.old_line.buffers, change.new_line.buffers, strict=True):
        # A lane without a place of its own may hold what was handed to machines (rule S11).
        if (
            now.capacity is None
            or most[now.id] <= now.capacity
            or now.capacity == before.capacity == 0
        ):
            continue
        change.notes.append(
            f"buffers[{now.id}].capacity: {now.capacity} now, and a lane of it holds "
            f"{most[now.id]}; it takes none until there is room"
        )
