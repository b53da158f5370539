"""Conditions to stop at, as the compiled engine reads them."""

from __future__ import annotations

import ctypes

from twin.engine.program import NONE, UNLIMITED, number_lanes
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

__all__ = ["StopPlan", "stop_plan"]

OPERATIONS, GOOD, PARTS, PLACES = range(4)


class StopPlan(ctypes.Structure):
    """The kernel's `StopAt`: what to add up over which rows, and between which bounds to stop.

    Fields:
        what: operations of stations, good parts of machines, parts in lanes, or places of machines
            in a condition.
        start, count: which stations, machines or lanes.
        other: one more lane, or the condition.
        at_least, at_most: it stops where the sum is between them.
    """

    _fields_ = [
        (name, ctypes.c_int64)
        for name in ("what", "start", "count", "other", "at_least", "at_most")
    ]


def stop_plan(line: Line, stop: Stop) -> StopPlan:
    """Lower a condition.

    Raises:
        EngineError: the line has no such thing.
    """
    check_stop(line, stop)
    first_machine = [0]
    for station in line.stations:
        first_machine.append(first_machine[-1] + station.machines)
    if isinstance(stop, MachineIn):
        index, number = machine_at(line, stop.machine)
        return StopPlan(PLACES, first_machine[index] + number, 1, int(stop.condition), 1, UNLIMITED)
    if isinstance(stop, BufferEmpty | BufferFull):
        return _lanes(line, stop)
    stations = [station.id for station in line.stations]
    if isinstance(stop, GoodParts):
        index = stations.index(stop.station)
        machines = line.stations[index].machines
        return StopPlan(GOOD, first_machine[index], machines, NONE, stop.count, UNLIMITED)
    if stop.station is None:
        return StopPlan(OPERATIONS, 0, len(stations), NONE, stop.count, UNLIMITED)
    return StopPlan(OPERATIONS, stations.index(stop.station), 1, NONE, stop.count, UNLIMITED)


def _lanes(line: Line, stop: BufferEmpty | BufferFull) -> StopPlan:
    lanes = number_lanes(line)
    own = lanes.own[stop.buffer]
    if isinstance(stop, BufferFull):
        room = sum(lanes.capacity[lane] for lane in own)
        return StopPlan(PARTS, own[0], len(own), NONE, room, UNLIMITED)
    return StopPlan(PARTS, own[0], len(own), lanes.rework.get(stop.buffer, NONE), 0, 0)
