"""What is known of each machine and buffer: the value, what it rests on, how old it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from twin.historian.port import Quality
from twin.live.inferred import Basis, Known, Levels, silent_too_long, waits
from twin.live.mirror import Mirror
from twin.model.station import Station

__all__ = ["KnownMachine", "KnownValue", "age_us", "known_levels", "known_machines", "known_value"]


@dataclass(frozen=True, slots=True)
class KnownValue:
    """A value of one signal.

    Args:
        value: as it is known; of what is UNKNOWN the last that was said. None: there is none.
        basis: what it rests on.
        age_us: since it was said, by the plant's clock; None: it never was.
    """

    value: float | None
    basis: Basis
    age_us: int | None


@dataclass(frozen=True, slots=True)
class KnownMachine:
    """A machine.

    Args:
        unit, station: which, and its station's id.
        state: PackML's number.
        starved, blocked: whether it waits for parts, or for room.
        silent: its counter has stood still for longer than an operation lasts, so it stands, for
            whatever reason; None: that can't be told.
    """

    unit: str
    station: str
    state: KnownValue
    starved: KnownValue
    blocked: KnownValue
    silent: bool | None


def age_us(mirror: Mirror, unit: str, signal: str) -> int | None:
    """How long ago a value was said: of a PLC that is here by its own clock, else by the line's."""
    held, plc = mirror.reported(unit, signal), mirror.plc_of(unit, signal)
    if held is None:
        return None
    here = mirror.lost_since(plc) is None
    return max(0, (mirror.heard_us(plc) if here else mirror.now_us(plc)) - held.source_us)


def known_value(mirror: Mirror, unit: str, signal: str) -> KnownValue:
    """A signal as the plant reports it, and nothing worked out."""
    held = mirror.reported(unit, signal)
    if held is None:
        return KnownValue(None, Basis.UNKNOWN, None)
    basis = Basis.UNKNOWN if held.quality == Quality.BAD else Basis.REPORTED
    return KnownValue(held.value, basis, age_us(mirror, unit, signal))


def known_machines(levels: Levels, station: Station) -> Iterator[KnownMachine]:
    """A station's machines, waits worked out where their signals are missing.

    Args:
        levels: of the line's mirror.
        station: whose.
    """
    mirror = levels.mirror
    for number in range(station.machines):
        unit = station.machine_id(number)
        state = known_value(mirror, unit, "state_current")
        starved, blocked = (known_value(mirror, unit, name) for name in ("starved", "blocked"))
        if Basis.UNKNOWN in (starved.basis, blocked.basis):
            found = waits(levels, station, number)
            if found is not None:
                starved, blocked = (
                    KnownValue(float(value), Basis.INFERRED, state.age_us) for value in found
                )
        silent = silent_too_long(mirror, station, number)
        yield KnownMachine(unit, station.id, state, starved, blocked, silent)


def known_levels(levels: Levels) -> Iterator[tuple[str, Known]]:
    """Every buffer's level, by the buffer's id."""
    for buffer in levels.mirror.line.buffers:
        yield buffer.id, levels.level(buffer)
