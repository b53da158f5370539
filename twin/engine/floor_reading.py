"""What can be read off a floor: its counters, and what its machines and buffers show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from twin.engine.counters import Counters
from twin.engine.floor import Floor, Machine, StationRun
from twin.engine.hourly import HourlyOutput
from twin.model.line import Line
from twin.model.packml import Mode, State
from twin.model.status import BufferStatus, Condition, LineStatus, MachineStatus

__all__ = ["read_counters", "read_status", "read_times"]

Ints = NDArray[np.int64]
STARVED, BLOCKED = int(Condition.STARVED), int(Condition.BLOCKED)

STATE_OF = {
    Condition.EXECUTE: State.EXECUTE,
    Condition.STARVED: State.SUSPENDED,
    Condition.BLOCKED: State.SUSPENDED,
    Condition.FAULT: State.ABORTED,
    Condition.SETUP: State.HELD,
    Condition.MAINTENANCE: State.STOPPED,
    Condition.PLANNED_STOP: State.STOPPED,
}
SHOWN_FIRST = (
    Condition.FAULT,
    Condition.SETUP,
    Condition.MAINTENANCE,
    Condition.EXECUTE,
    Condition.PLANNED_STOP,
    Condition.BLOCKED,
    Condition.STARVED,
)


def read_counters(
    floor: Floor, hourly: HourlyOutput, began: Ints | None, span_us: int, now_us: int
) -> Counters:
    """Add up the counters of each station's machines, up to an instant.

    Args:
        floor: as it is now.
        hourly: what was noted at full hours.
        began: where places' time had gone when the engine began; None: nowhere.
        span_us, now_us: since the start of the run; engine time.
    """
    runs = floor.stations

    def total(name: str) -> Ints:
        sums = [sum(getattr(machine, name) for machine in run.machines) for run in runs]
        return np.array(sums, dtype=np.int64)

    time_us = read_times(floor, now_us)
    since = time_us if began is None else time_us - began
    return Counters(
        span_us=span_us,
        started=np.array([run.started for run in runs], dtype=np.int64),
        completed=np.array([run.completed for run in runs], dtype=np.int64),
        consumed=total("consumed"),
        good=total("good"),
        defective=total("defective"),
        reworked=total("reworked"),
        failures=total("failures"),
        time_us=time_us,
        level_us=_wrapped(_levels(floor, now_us)),
        starved_by_us=_wrapped(
            us for run in runs for us in _starved_by(run, now_us, int(since[run.index, STARVED]))
        ),
        blocked_by_us=_wrapped(
            us for run in runs for us in _blocked_by(run, now_us, int(since[run.index, BLOCKED]))
        ),
        ends=hourly.ends(),
        good_by_hour=hourly.table(),
    )


def read_times(floor: Floor, now_us: int) -> Ints:
    """Time of all places of each station in each condition; int64, (stations, 7)."""
    time_us = np.zeros((len(floor.stations), len(Condition)), dtype=np.int64)
    for run in floor.stations:
        for machine in run.machines:
            time_us[run.index] += machine.time_us
            for place in machine.places:
                time_us[run.index, place.condition] += now_us - place.since_us
    return time_us


def _levels(floor: Floor, now_us: int) -> Iterator[int]:
    """Part-microseconds of each buffer (rule S38)."""
    for index, lanes in enumerate(floor.buffer_lanes):
        own = [*lanes, *([floor.rework_lanes[index]] if index in floor.rework_lanes else [])]
        yield sum(lane.level_us + len(lane.parts) * now_us for lane in own)


def _starved_by(run: StationRun, now_us: int, starved_us: int) -> list[int]:
    """Time starved for each input and material of a station (rule S39)."""
    causes = len(run.groups[0].starved_us)
    if causes < 2:
        return [starved_us] * causes
    by_cause = [sum(group.starved_us[k] for group in run.groups) for k in range(causes)]
    for group in run.groups:
        by_cause[group.short_of] += group.starved * now_us
    return by_cause


def _blocked_by(run: StationRun, now_us: int, blocked_us: int) -> list[int]:
    """Time blocked for each output of a station (rule S40)."""
    outlets = len(run.groups[0].outlets)
    if outlets < 2:
        return [blocked_us] * outlets
    each = [[o.blocked_us + o.blocked * now_us for o in group.outlets] for group in run.groups]
    return [sum(of_outlet) for of_outlet in zip(*each, strict=True)]


def _wrapped(values: Iterable[int]) -> Ints:
    """Whole numbers modulo 2^64, as the compiled engine's."""
    return np.array([value % (1 << 64) for value in values], dtype=np.uint64).view(np.int64)


def read_status(line: Line, floor: Floor, now_us: int) -> LineStatus:
    """What each machine and buffer of a floor shows (rule S29)."""
    machines = {
        run.station.machine_id(machine.index): _machine_status(machine, now_us)
        for run in floor.stations
        for machine in run.machines
    }
    buffers = {}
    for index, buffer in enumerate(line.buffers):
        levels = tuple(len(lane.parts) for lane in floor.buffer_lanes[index])
        rework = floor.rework_lanes.get(index)
        buffers[buffer.id] = BufferStatus(sum(levels), levels, len(rework.parts) if rework else 0)
    return LineStatus(now_us, machines, buffers)


def _machine_status(machine: Machine, now_us: int) -> MachineStatus:
    shown = next(condition for condition in SHOWN_FIRST if machine.counts[condition])
    reason = 0
    if machine.down is not None:
        reason = machine.down.stop_reason
    elif machine.service is not None:
        reason = 201 + machine.service.index
    return MachineStatus(
        state=STATE_OF[shown],
        mode=Mode.MAINTENANCE if shown == Condition.MAINTENANCE else Mode.PRODUCE,
        starved=shown == Condition.STARVED,
        blocked=shown == Condition.BLOCKED,
        stop_reason=reason,
        occupied=machine.occupied,
        consumed=machine.consumed,
        good=machine.good,
        defective=machine.defective,
        reworked=machine.reworked,
        failures=machine.failures,
        cycle_time_us=machine.cycle_time_us,
        waiting_us=_waiting_us(machine, now_us),
    )


def _waiting_us(machine: Machine, now_us: int) -> int:
    waits = (Condition.STARVED, Condition.BLOCKED)
    total = sum(machine.time_us[condition] for condition in waits)
    if any(machine.counts[condition] for condition in waits):
        total += sum(now_us - p.since_us for p in machine.places if p.condition in waits)
    return total // len(machine.places)
