"""The reference engine's floor as the rows of a snapshot, and back."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

import numpy as np

from twin.engine.floor import UNLIMITED, Crew, Floor, Machine, Part, Place, Service, StopMode
from twin.engine.snapshot import NONE, SAVED, Tables

__all__ = ["floor_as_tables", "restore_floor"]

FOR_NOTHING, FOR_A_LOAD, FOR_ROOM = range(3)
IN_LANE, IN_LOAD, IN_OUT = range(3)
Row = tuple[int, ...]


def _machines(floor: Floor) -> Iterator[Machine]:
    return (machine for run in floor.stations for machine in run.machines)


def _places(floor: Floor) -> Iterator[Place]:
    return (place for machine in _machines(floor) for place in machine.places)


def _elapsed(place: Place, now_us: int) -> int:
    """How long the work in hand has gone on; 0 where none does."""
    return now_us - place.resumed_us if place.loaded and place.timer is not None else 0


def _machine_row(machine: Machine, crew_turn: int, now_us: int) -> Row:
    worked = clock = 0
    if machine.by_time:
        runs = machine.clock_timer is not None
        clock = machine.clock_us + (now_us - machine.clock_since if runs else 0)
    else:
        worked = machine.worked_us + sum(_elapsed(place, now_us) for place in machine.places)
    return (
        worked,
        clock,
        NONE if machine.down is None else machine.down.index,
        NONE if machine.service is None else machine.service.index,
        machine.ends_us,
        crew_turn,
        machine.consumed,
        machine.good,
        machine.defective,
        machine.reworked,
        machine.failures,
        machine.cycle_time_us,
        *machine.time_us,
    )


def _place_row(place: Place, now_us: int) -> Row:
    waits, turn = FOR_NOTHING, 0
    if place in place.group.waiting:
        waits, turn = FOR_A_LOAD, place.group.waiting[place]
    elif place.outlet is not None:
        waits, turn = FOR_ROOM, place.outlet.waiting[place]
    work = (0,) * 8
    if place.loaded:
        work = (
            1,
            place.operation,
            place.lead,
            place.rework_pass,
            place.redone,
            place.drawn_us,
            place.left_us - _elapsed(place, now_us),
            place.started_us,
        )
    return (int(place.condition), place.since_us, *work, waits, turn)


def _part_rows(floor: Floor) -> list[Row]:
    rows: list[Row] = []

    def add(held_in: int, holder: int, parts: Iterable[Part]) -> None:
        for part in parts:
            entered = part.entered if held_in == IN_LANE else 0
            rows.append((held_in, holder, part.number, part.rework_pass, part.defects, entered))

    for lane in floor.lanes:
        add(IN_LANE, lane.index, lane.parts)
    for number, place in enumerate(_places(floor)):
        add(IN_LOAD, number, place.parts)
    for number, place in enumerate(_places(floor)):
        add(IN_OUT, number, place.out)
    return rows


def floor_as_tables(floor: Floor, now_us: int) -> Tables:
    """Read the state of a floor, between events."""
    crew_turn = {
        id(machine): turn
        for crew in floor.crews.values()
        for turn, machine in enumerate(crew.waiting, 1)
    }
    machines = list(_machines(floor))
    rows: dict[str, list[Row]] = {
        "stations": [(run.started, run.completed) for run in floor.stations],
        "machines": [_machine_row(m, crew_turn.get(id(m), 0), now_us) for m in machines],
        "modes": [(mode.count, mode.strikes_at) for m in machines for mode in m.modes],
        "services": [(int(service.due),) for m in machines for service in m.services],
        "places": [_place_row(place, now_us) for place in _places(floor)],
        "crews": [(crew.free,) for crew in floor.crews.values()],
        "materials": [(s.level if s.level < UNLIMITED else NONE, s.used) for s in floor.stores],
        "parts": _part_rows(floor),
    }
    return {
        name: np.array(rows[name], dtype=np.int64).reshape(-1, len(columns))
        for name, columns in SAVED.items()
    }


def _restore_machine(machine: Machine, row: list[int]) -> None:
    (
        machine.worked_us,
        machine.clock_us,
        down,
        service,
        machine.ends_us,
        _crew_turn,
        machine.consumed,
        machine.good,
        machine.defective,
        machine.reworked,
        machine.failures,
        machine.cycle_time_us,
        *machine.time_us,
    ) = row
    machine.down = None if down == NONE else machine.modes[down]
    machine.service = None if service == NONE else machine.services[service]
    machine.counts = [0] * len(machine.counts)


def _restore_place(place: Place, row: list[int]) -> None:
    (
        place.condition,
        place.since_us,
        loaded,
        place.operation,
        place.lead,
        place.rework_pass,
        place.redone,
        place.drawn_us,
        place.left_us,
        place.started_us,
        _waits_for,
        _turn,
    ) = row
    place.loaded = bool(loaded)
    place.machine.counts[place.condition] += 1
    place.machine.occupied += place.loaded or bool(place.out)


def _crew_of(machine: Machine) -> Crew:
    held: Service | StopMode | None = machine.service or machine.down
    assert held is not None  # noqa: S101 - the snapshot has been checked
    assert held.crew is not None  # noqa: S101
    return held.crew


def restore_floor(floor: Floor, tables: Tables) -> tuple[list[Place], int]:
    """Put the state that checked rows tell onto an empty floor.

    Returns:
        The places that wait, the longest-waiting first, and the highest turn of a part in a lane.
    """
    rows: dict[str, list[list[int]]] = {name: table.tolist() for name, table in tables.items()}
    machines, places = list(_machines(floor)), list(_places(floor))
    for run, (started, completed) in zip(floor.stations, rows["stations"], strict=True):
        run.started, run.completed = started, completed
    for crew, (free,) in zip(floor.crews.values(), rows["crews"], strict=True):
        crew.free = free
    for store, (level, used) in zip(floor.stores, rows["materials"], strict=True):
        store.level, store.used = UNLIMITED if level == NONE else level, used
    modes = (mode for machine in machines for mode in machine.modes)
    for mode, (count, strikes_at) in zip(modes, rows["modes"], strict=True):
        mode.count, mode.strikes_at = count, strikes_at
    services = (service for machine in machines for service in machine.services)
    for service, (due,) in zip(services, rows["services"], strict=True):
        service.due = bool(due)
    for machine, row in zip(machines, rows["machines"], strict=True):
        _restore_machine(machine, row)
        machine.station.left += 0 if machine.places[0].group.outlets else machine.good
    turns = 0
    for held_in, holder, number, rework_pass, defects, entered in rows["parts"]:
        part = Part(number, rework_pass, defects)
        part.entered = entered
        turns = max(turns, entered)
        holds: deque[Part] | list[Part] = (
            floor.lanes[holder].parts
            if held_in == IN_LANE
            else places[holder].parts
            if held_in == IN_LOAD
            else places[holder].out
        )
        holds.append(part)
    for place, row in zip(places, rows["places"], strict=True):
        _restore_place(place, row)
    crew_turn, turn = SAVED["machines"].index("crew_turn"), SAVED["places"].index("turn")
    in_turn = sorted(
        (row[crew_turn], number) for number, row in enumerate(rows["machines"]) if row[crew_turn]
    )
    for _, number in in_turn:
        _crew_of(machines[number]).waiting.append(machines[number])
    waiting = sorted((row[turn], number) for number, row in enumerate(rows["places"]) if row[turn])
    return [places[number] for _, number in waiting], turns
