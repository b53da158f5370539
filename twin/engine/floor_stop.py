"""Conditions to stop at, looked up on the floor of the reference engine."""

from __future__ import annotations

from collections.abc import Callable

from twin.engine.floor import Floor
from twin.engine.stops import (
    BufferEmpty,
    BufferFull,
    GoodParts,
    MachineIn,
    Stop,
    check_stop,
    machine_at,
)
from twin.model.line import Line

__all__ = ["stop_test"]


def stop_test(line: Line, floor: Floor, stop: Stop) -> Callable[[], bool]:
    """What tells whether a condition holds now.

    Raises:
        EngineError: the line has no such thing.
    """
    check_stop(line, stop)
    if isinstance(stop, MachineIn):
        station, number = machine_at(line, stop.machine)
        machine = floor.stations[station].machines[number]
        return lambda: machine.counts[stop.condition] > 0
    if isinstance(stop, BufferEmpty | BufferFull):
        index = next(i for i, buffer in enumerate(line.buffers) if buffer.id == stop.buffer)
        lanes = floor.buffer_lanes[index]
        if isinstance(stop, BufferFull):
            return lambda: all(len(lane.parts) >= lane.capacity for lane in lanes)
        rework = floor.rework_lanes.get(index)
        holding = lanes if rework is None else [*lanes, rework]
        return lambda: not any(lane.parts for lane in holding)
    runs = [run for run in floor.stations if stop.station in (None, run.station.id)]
    if isinstance(stop, GoodParts):
        return lambda: sum(m.good for run in runs for m in run.machines) >= stop.count
    return lambda: sum(run.completed for run in runs) >= stop.count
