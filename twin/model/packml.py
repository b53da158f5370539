"""PackML (ANSI/ISA-TR88.00.02, OPC 30050): states and modes, by their published numbers."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["Mode", "State"]


class State(IntEnum):
    """The 17 states of a unit, numbered as PackTag `Status.StateCurrent`."""

    CLEARING = 1
    STOPPED = 2
    STARTING = 3
    IDLE = 4
    SUSPENDED = 5
    EXECUTE = 6
    STOPPING = 7
    ABORTING = 8
    ABORTED = 9
    HOLDING = 10
    HELD = 11
    UNHOLDING = 12
    SUSPENDING = 13
    UNSUSPENDING = 14
    RESETTING = 15
    COMPLETING = 16
    COMPLETE = 17


class Mode(IntEnum):
    """The modes that OPC 30050 names, numbered as PackTag `Status.UnitModeCurrent`."""

    INVALID = 0
    PRODUCE = 1
    MAINTENANCE = 2
    MANUAL = 3
