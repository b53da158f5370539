"""What can be read off a floor: its counters, and what its machines and buffers show."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin.engine.counters import Counters
from twin.engine.floor import Floor, Machine
from twin.model.line import Line
from twin.model.packml import Mode, State
from twin.model.status import BufferStatus, Condition, LineStatus, MachineStatus

__all__ = ["read_counters", "read_status"]

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


def read_counters(floor: Floor, now_us: int, span_us: int) -> Counters:
    """Add up the counters of each station's machines, up to an instant."""
    runs = floor.stations

    def total(name: str) -> NDArray[np.int64]:
        sums = [sum(getattr(machine, name) for machine in run.machines) for run in runs]
        return np.array(sums, dtype=np.int64)

    time_us = np.zeros((len(runs), len(Condition)), dtype=np.int64)
    for run in runs:
        for machine in run.machines:
            time_us[run.index] += machine.time_us
            for place in machine.places:
                time_us[run.index, place.condition] += now_us - place.since_us
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
    )


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
