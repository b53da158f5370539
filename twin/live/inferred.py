"""What the mirror works out where a plant gives no signal, or one that is not to be trusted.

A level follows from the counters around a buffer, a wait from a state and levels, a stop from the
silence of a counter. Nothing is worked out from a value that is not known.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from twin.engine.quantiles import quantile_table, share_below
from twin.live.mirror import Mirror
from twin.model.buffer import Buffer
from twin.model.line import Line
from twin.model.packml import State
from twin.model.quantity import MILLI
from twin.model.station import Station

__all__ = ["Basis", "Known", "Levels", "level_follows_from", "room", "silent_too_long", "waits"]

_OUT, _BACK = "processed", ("defective", "reworked")
_SURE = 0.9999
_REST_US = 5_000_000

Key = tuple[str, str]


class Basis(Enum):
    """What a value rests on."""

    REPORTED = "reported"
    INFERRED = "inferred"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Known:
    """A value, what it rests on, and how old it is.

    Args:
        low, high: it lies between them, both included; alike where it is certain.
        basis: what it rests on; of what is UNKNOWN the bounds say what is possible.
        age_us: since the newest value behind it, by the plant's clock; None: there is none.
    """

    low: float
    high: float
    basis: Basis
    age_us: int | None


def level_follows_from(line: Line, buffer: Buffer) -> frozenset[Key] | None:
    """The counters that a buffer's level follows from.

    Returns:
        (unit, signal) of each; None where none tell: a station beside the buffer has other ways
        for its parts, or takes back what is done again.

    >>> from lines.loader import load
    >>> line = load("five_stations")
    >>> len(level_follows_from(line, line.buffers[0]))
    4
    """
    sources = [line.station_by_id[name] for name in buffer.sources]
    sinks = [line.station_by_id[name] for name in buffer.sinks]
    if any(len(line.outputs[s.id]) > 1 or s.rework is not None for s in sources):
        return None
    if any(len(line.inputs[s.id]) > 1 or s.rework is not None for s in sinks):
        return None
    given = {(unit, name) for s in sources for unit in _units(s) for name in (_OUT, *_BACK)}
    return frozenset(given | {(unit, "consumed") for s in sinks for unit in _units(s)})


@dataclass(slots=True)
class Levels:
    """Follows the levels of buffers by the counters around them.

    No level is below 0 or above its capacity: so each turn of the balance of what came in and what
    went out narrows what the level can be. Where a station that takes single parts starves, the
    level is 0. Counters of several PLCs are heard one after another; they are compared at instants
    at which none of them has moved for a while.

    Args:
        mirror: the line's.
    """

    mirror: Mirror
    _keys: dict[str, frozenset[Key]] = field(init=False)
    _least: dict[str, float] = field(default_factory=dict)
    _most: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        line = self.mirror.line
        keys = {buffer.id: level_follows_from(line, buffer) for buffer in line.buffers}
        self._keys = {buffer: found for buffer, found in keys.items() if found is not None}

    def take(self) -> None:
        """Look at the counters; call it whenever the mirror has taken something in."""
        for buffer in self.mirror.line.buffers:
            keys = self._keys.get(buffer.id)
            if keys is None:
                continue
            if any(self.mirror.value(*key) is None for key in keys):
                # What moves unseen may be lost: the balance begins anew.
                self._least.pop(buffer.id, None)
                self._most.pop(buffer.id, None)
                continue
            if not self._at_rest(buffer, keys):
                continue
            now = self._balance(buffer)
            level = self.mirror.value(buffer.id, "level")
            if level is None and self._is_empty(buffer):
                level = 0.0
            if level is not None:
                # What is said beats what was worked out before.
                self._least[buffer.id] = now - level
                self._most[buffer.id] = now - level + room(self.mirror.line, buffer)
            else:
                self._least[buffer.id] = min(now, self._least.get(buffer.id, now))
                self._most[buffer.id] = max(now, self._most.get(buffer.id, now))

    def level(self, buffer: Buffer) -> Known:
        """A buffer's level: reported, or as far as counters tell it."""
        mirror, held = self.mirror, self.mirror.reported(buffer.id, "level")
        value, most = mirror.value(buffer.id, "level"), room(self.mirror.line, buffer)
        age_us = None if held is None else self._age((buffer.id, "level"))
        if value is not None:
            return Known(value, value, Basis.REPORTED, age_us)
        if buffer.id not in self._least:
            return Known(0.0, most, Basis.UNKNOWN, age_us)
        now = self._balance(buffer)
        low = min(most, max(0.0, now - self._least[buffer.id]))
        high = min(most, max(low, now - self._most[buffer.id] + most))
        age_us = min(self._age(key) for key in self._keys[buffer.id])
        return Known(low, high, Basis.INFERRED, age_us)

    def validate(self) -> None:
        """Check that no level is below 0, above its room, or turned round.

        Raises:
            AssertionError: one is; its text says which.
        """
        for buffer in self.mirror.line.buffers:
            known, most = self.level(buffer), room(self.mirror.line, buffer)
            if known.basis is not Basis.REPORTED:
                sound = 0 <= known.low <= known.high <= most
                assert sound, f"{buffer.id}: {known.low} to {known.high} of {most}"  # noqa: S101

    def _balance(self, buffer: Buffer) -> float:
        line, gained = self.mirror.line, self.mirror.gained
        sources = [line.station_by_id[name] for name in buffer.sources]
        sinks = [line.station_by_id[name] for name in buffer.sinks]
        came = sum(gained(s, _OUT) - sum(gained(s, name) for name in _BACK) for s in sources)
        return came - sum(gained(s, "consumed") for s in sinks)

    def _at_rest(self, buffer: Buffer, keys: frozenset[Key]) -> bool:
        plcs = {self.mirror.line.plc_of(name) for name in (*buffer.sources, *buffer.sinks)}
        return len(plcs) == 1 or all(self._age(key) >= _REST_US for key in keys)

    def _is_empty(self, buffer: Buffer) -> bool:
        line, value = self.mirror.line, self.mirror.value
        return any(
            value(unit, "starved") == 1
            for name in buffer.sinks
            for sink in (line.station_by_id[name],)
            if sink.takes_from(buffer.id) == MILLI and not sink.uses and buffer.lanes == 1
            for unit in _units(sink)
        )

    def _age(self, key: Key) -> int:
        """How old a value is by its own PLC's clock, which no other's skew touches."""
        held, plc = self.mirror.reported(*key), self.mirror.plc_of(*key)
        return 0 if held is None else max(0, self.mirror.heard_us(plc) - held.source_us)


def waits(levels: Levels, station: Station, machine: int) -> tuple[bool, bool] | None:
    """Whether a machine starves, and whether it is blocked.

    Reported where its signals say so; else from its state and the levels beside it.

    Returns:
        (starved, blocked); None where neither signals nor state and levels tell.
    """
    mirror, unit = levels.mirror, station.machine_id(machine)
    starved, blocked = mirror.value(unit, "starved"), mirror.value(unit, "blocked")
    if starved is not None and blocked is not None:
        return bool(starved), bool(blocked)
    state = mirror.value(unit, "state_current")
    if state is None:
        return None
    if int(state) != State.SUSPENDED:
        return False, False
    into = [levels.level(buffer) for buffer in mirror.line.inputs[station.id]]
    out_of = mirror.line.outputs[station.id]
    if any(one.basis is not Basis.UNKNOWN and one.high < 1 for one in into):
        return True, False
    full = [levels.level(buffer).low >= room(mirror.line, buffer) for buffer in out_of]
    if full and all(full):
        return False, True
    return None


def silent_too_long(mirror: Mirror, station: Station, machine: int) -> bool | None:
    """Whether a machine's counter has stood still for longer than an operation lasts.

    Returns:
        True: it stands, for whatever reason; None: its counter is not known.

    Of a machine that does nothing but work, in one of 10,000 operations this is said wrongly.
    """
    unit = station.machine_id(machine)
    held = mirror.reported(unit, _OUT)
    if held is None or mirror.value(unit, _OUT) is None:
        return None
    silent_us = mirror.heard_us(mirror.line.plc_of(station.id)) - held.source_us
    table = quantile_table(station.cycle_time, 1 / station.effectiveness)
    if table.constant_us:
        return silent_us > table.constant_us
    return share_below(table, max(0, silent_us)) >= _SURE


def room(line: Line, buffer: Buffer) -> float:
    """Parts that may show in a buffer, over all its lanes; infinite where it has no limit.

    In one without room lie parts for the places that wait for them (rule S11).
    """
    if buffer.capacity is None:
        return float("inf")
    if buffer.capacity:
        return float(buffer.capacity * buffer.lanes)
    sinks = [line.station_by_id[name] for name in buffer.sinks]
    each = [-(-s.takes_from(buffer.id) // MILLI) * s.places * s.machines for s in sinks]
    return float(buffer.lanes * max(1, sum(each)))


def _units(station: Station) -> tuple[str, ...]:
    return tuple(station.machine_id(machine) for machine in range(station.machines))
