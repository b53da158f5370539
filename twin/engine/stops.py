"""What a run can be told to stop at, beside a time."""

from __future__ import annotations

from dataclasses import dataclass, replace

from twin.engine.counters import Counters
from twin.errors import EngineError
from twin.model.line import Line
from twin.model.nearest import did_you_mean
from twin.model.status import Condition

__all__ = [
    "BufferEmpty",
    "BufferFull",
    "GoodParts",
    "MachineIn",
    "Operations",
    "Stop",
    "check_stop",
    "counted_from",
    "machine_at",
]


@dataclass(frozen=True, slots=True)
class Operations:
    """So many operations have been completed.

    Args:
        count: at least 1.
        station: by this station; None: by all stations together.
    """

    count: int
    station: str | None = None


@dataclass(frozen=True, slots=True)
class GoodParts:
    """A station has passed on so many good parts.

    Args:
        station: its id.
        count: at least 1.
    """

    station: str
    count: int


@dataclass(frozen=True, slots=True)
class BufferEmpty:
    """There is no part in a buffer, those back for rework included."""

    buffer: str


@dataclass(frozen=True, slots=True)
class BufferFull:
    """A buffer holds as many parts as it has room for."""

    buffer: str


@dataclass(frozen=True, slots=True)
class MachineIn:
    """A machine, or at least one of its places, is in a condition.

    Args:
        machine: its id, as STK01.
        condition: `Condition.FAULT`: it is down; `Condition.BLOCKED`, and so on.
    """

    machine: str
    condition: Condition


Stop = Operations | GoodParts | BufferEmpty | BufferFull | MachineIn
"""A condition to stop at. It is looked at before every event, so an engine stands right after the
event that brought it about, whatever else is due at the same instant; where it holds already,
nothing happens at all."""


def machine_at(line: Line, machine_id: str) -> tuple[int, int]:
    """Find a machine: its station's index and its own number, both from 0.

    Raises:
        EngineError: the line has no such machine.
    """
    known = {
        station.machine_id(number): (index, number)
        for index, station in enumerate(line.stations)
        for number in range(station.machines)
    }
    if machine_id not in known:
        raise _unknown(line, "machine", machine_id, list(known))
    return known[machine_id]


def check_stop(line: Line, stop: Stop) -> None:
    """Check that a condition can come about on a line.

    Raises:
        EngineError: it names what the line doesn't have, or says nothing.
    """
    if isinstance(stop, MachineIn):
        machine_at(line, stop.machine)
    elif isinstance(stop, BufferEmpty | BufferFull):
        buffers = {buffer.id: buffer for buffer in line.buffers}
        if stop.buffer not in buffers:
            raise _unknown(line, "buffer", stop.buffer, list(buffers))
        capacity = buffers[stop.buffer].capacity
        if isinstance(stop, BufferFull) and not capacity:
            room = "no limit" if capacity is None else "no room"
            raise EngineError(f"can't stop when buffer {stop.buffer} is full: it has {room}")
    else:
        stations = [station.id for station in line.stations]
        if stop.station is not None and stop.station not in stations:
            raise _unknown(line, "station", stop.station, stations)
        if stop.count < 1:
            raise EngineError(f"a count to stop at must be at least 1, got {stop.count}")


def counted_from(line: Line, stop: Stop, origin: Counters) -> Stop:
    """The same condition with its count taken from an instant, not from the run's beginning.

    Args:
        line: which line.
        stop: whose count, if it has one, begins at the instant.
        origin: what had been counted up to it.
    """
    at = {station.id: index for index, station in enumerate(line.stations)}
    if isinstance(stop, GoodParts):
        return replace(stop, count=stop.count + int(origin.good[at[stop.station]]))
    if isinstance(stop, Operations):
        of = origin.completed
        before = of.sum() if stop.station is None else of[at[stop.station]]
        return replace(stop, count=stop.count + int(before))
    return stop


def _unknown(line: Line, kind: str, name: str, known: list[str]) -> EngineError:
    return EngineError(f"line {line.id} has no {kind} {name}; {did_you_mean(name, known)}")
