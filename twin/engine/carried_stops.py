"""What stops machines, carried over to a changed line: holds, failure clocks, crews.

Steps of `carry_over`; the rules are those of `docs/explanation/snapshot.md`.
"""

from __future__ import annotations

import numpy as np

from twin.engine.change import Change, counted, machine_of_places
from twin.engine.quantiles import mean_us
from twin.engine.snapshot import NONE
from twin.engine.snapshot_rows import stops_of
from twin.model.durations import Duration
from twin.model.failures import Changeover, Failure
from twin.model.quantity import MAX_TIME_US
from twin.model.station import Station

__all__ = ["carry_clocks", "carry_crews", "carry_holds"]

Stop = Failure | Changeover


def _name(stop: Stop) -> str:
    return f"{'failures' if isinstance(stop, Failure) else 'changeovers'}[{stop.id}]"


def _same(stop: Stop, among: tuple[Stop, ...]) -> int:
    """The number of the stop of the same kind and id; -1: there is none."""
    found = (i for i, other in enumerate(among) if (type(other), other.id) == (type(stop), stop.id))
    return next(found, NONE)


def carry_holds(change: Change) -> None:
    """Let go of machines that a failure or maintenance holds that is gone; tell the rest anew."""
    machines, places = change.new["machines"], change.new["places"]
    held = np.flatnonzero((machines["down"] != NONE) | (machines["service"] != NONE))
    machine_of = machine_of_places(change.new_line)
    for row in held.tolist():
        old, new = change.station_at(row)
        down, service = int(machines["down"][row]), int(machines["service"][row])
        stop = stops_of(old)[down] if down != NONE else None
        if stop is not None:
            machines["down"][row] = _same(stop, stops_of(new))
            what = _name(stop)
        else:
            machines["service"][row] = service if service < len(new.maintenance) else NONE
            what = f"maintenance[{service}]"
        if machines["down"][row] != NONE or machines["service"][row] != NONE:
            continue
        machines["ends_us"][row], machines["crew_turn"][row] = NONE, 0
        if isinstance(stop, Failure) and stop.after == "restart":
            mine = np.flatnonzero((machine_of == row) & (places["loaded"] == 1))
            places["left_us"][mine] = places["drawn_us"][mine]
        change.notes.append(f"stations[{new.id}].{what}: gone, and lets go of a machine it held")


def _by_time(station: Station) -> bool:
    return any(failure.depends_on == "time" for failure in station.failures)


def _due(stop: Stop) -> Duration:
    return stop.mtbf if isinstance(stop, Failure) else stop.every


def carry_clocks(change: Change) -> None:
    """Multiply what is left on the clocks of failures whose mean has changed.

    A failure's life used so far is thus worth the same share of a life under the new law
    (cumulative exposure; W. Nelson, "Accelerated Life Testing", IEEE Trans. Reliability R-29,
    1980): exact for every change of scale, and for exponential times whatever the history.
    """
    machines, modes = change.new["machines"], change.new["modes"]
    first_mode = 0
    for old, new, rows in change.stations():
        stops = stops_of(new)
        of_machine = first_mode + np.arange(len(rows)) * len(stops)
        first_mode += len(rows) * len(stops)
        before = machines["clock_us" if _by_time(old) else "worked_us"][rows]
        another_clock = _by_time(old) != _by_time(new)
        if another_clock:
            machines["clock_us"][rows] = machines["worked_us"][rows] = 0
        reading = np.zeros_like(before) if another_clock else before
        for number, stop in enumerate(stops):
            was = _same(stop, stops_of(old))
            mine = of_machine + number
            mine, now, then = (
                values[modes["strikes_at"][of_machine + number] != NONE]
                for values in (mine, reading, before)
            )
            if was == NONE or not len(mine):
                continue
            due, was_due = _due(stop), _due(stops_of(old)[was])
            if due == was_due and not another_clock:
                continue
            left = np.maximum(modes["strikes_at"][mine] - then, 0)
            if due == was_due:
                modes["strikes_at"][mine] = now + left
                continue
            factor = mean_us(due) / mean_us(was_due)
            scaled = np.rint(np.minimum(left * factor, MAX_TIME_US)).astype(np.int64)
            modes["strikes_at"][mine] = now + scaled
            field = "mtbf" if isinstance(stop, Failure) else "every"
            change.notes.append(
                f"stations[{new.id}].{_name(stop)}.{field}: what is left on the "
                f"{'clock' if len(mine) == 1 else 'clocks'} of {counted(len(mine), 'machine')} "
                f"is multiplied by {factor:.6g}"
            )


def _crew_of(station: Station, down: int, service: int) -> str | None:
    if service != NONE:
        return station.maintenance[service].crew
    stop = stops_of(station)[down]
    return stop.crew if isinstance(stop, Failure) else None


def carry_crews(change: Change) -> None:
    """Count who is at work for each crew of the changed line, and queue the others for it."""
    machines = change.new["machines"]
    held = np.flatnonzero((machines["down"] != NONE) | (machines["service"] != NONE))
    queues: dict[str, list[tuple[bool, int, int]]] = {c.id: [] for c in change.new_line.crews}
    at_work = dict.fromkeys(queues, 0)
    for row in held.tolist():
        new = change.station_at(row)[1]
        crew = _crew_of(new, int(machines["down"][row]), int(machines["service"][row]))
        turn = int(machines["crew_turn"][row])
        machines["crew_turn"][row] = 0
        if crew is None:
            continue
        if machines["ends_us"][row] != NONE:
            at_work[crew] += 1
        else:
            queues[crew].append((_old_crew(change, row) != crew, turn, row))
    for queue in queues.values():
        for turn, (_, _, row) in enumerate(sorted(queue), 1):
            machines["crew_turn"][row] = turn
    free = [c.size - at_work[c.id] for c in change.new_line.crews]
    change.new["crews"]["free"] = np.array(free, dtype=np.int64)
    for its, more in zip(change.new_line.crews, free, strict=True):
        if more < 0:
            change.notes.append(
                f"crews[{its.id}].size: {its.size} now, and {its.size - more} at work finish"
            )


def _old_crew(change: Change, row: int) -> str | None:
    """The crew that a machine waited for before the change."""
    old, machines = change.station_at(row)[0], change.old["machines"]
    before = change.origin["machines"][row]
    return _crew_of(old, int(machines["down"][before]), int(machines["service"][before]))
