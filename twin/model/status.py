"""What a line shows of itself at one instant: the values that its signals are read from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from twin.model.packml import Mode, State

__all__ = ["BufferStatus", "Condition", "LineStatus", "MachineStatus"]


@dataclass(frozen=True, slots=True)
class MachineStatus:
    """One machine at one instant.

    Args:
        state, mode: PackML's.
        starved, blocked: why it is SUSPENDED.
        stop_reason: 0, or which of its station's failures (1, 2, ...), changeovers (101, ...) or
            maintenances (201, ...) holds it, in the file's order.
        occupied: places with parts in them, at work or finished.
        consumed: parts taken since the start.
        good: parts passed on since the start, counted when they leave the machine.
        defective: parts scrapped since the start.
        reworked: parts sent back since the start.
        failures: failures that struck since the start.
        cycle_time_us: the last finished operation's time from its start to its end, stops
            included; 0 before the first.
        waiting_us: time starved or blocked since the start, the mean over its places.
        variables: values of the station's process variables, in the file's order.
        alarms: whether each of the station's alarms stands, in the file's order.
        findings: of an inspection, the parts rejected for each kind of defect that it looks for,
            in the file's order; then good ones rejected, and ones with a defect passed.
    """

    state: State
    mode: Mode
    starved: bool
    blocked: bool
    stop_reason: int
    occupied: int
    consumed: int
    good: int
    defective: int
    reworked: int
    failures: int
    cycle_time_us: int
    waiting_us: int = 0
    variables: tuple[float, ...] = ()
    alarms: tuple[bool, ...] = ()
    findings: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class BufferStatus:
    """One buffer at one instant: parts in it, in each lane, and back for rework."""

    level: int
    lane_levels: tuple[int, ...]
    rework_level: int


@dataclass(frozen=True, slots=True)
class LineStatus:
    """A whole line at one instant.

    Args:
        at_us: engine time.
        machines: by machine id, `STK03`, in the order of the file.
        buffers: by buffer id, in the order of the file.
    """

    at_us: int
    machines: Mapping[str, MachineStatus]
    buffers: Mapping[str, BufferStatus]


class Condition(IntEnum):
    """What a place's time goes to (rule S28)."""

    EXECUTE = 0
    STARVED = 1
    BLOCKED = 2
    FAULT = 3
    SETUP = 4
    MAINTENANCE = 5
    PLANNED_STOP = 6
