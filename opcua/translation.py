"""From values of nodes to readings of signals, for one PLC. No input or output, no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from itertools import repeat
from typing import Any

from opcua.conversion import Unfit, converter
from opcua.publications import Columns
from opcua.readings import Reading
from opcua.tag_map import Address, PlcMap
from twin.historian.port import Quality

__all__ = ["Translation"]

_QUALITY = (Quality.GOOD, Quality.UNCERTAIN, Quality.BAD, Quality.BAD)
_OVERFLOW = 0x480
"""Info type DataValue, and its bit Overflow (OPC 10000-4, 7.38.1)."""
_BAD_TYPE = 0x80740000
"""BadTypeMismatch."""
_made = partial(tuple.__new__, Reading)


@dataclass(slots=True)
class _Target:
    """A signal, what it is made of, and how."""

    unit: str
    signal: str
    inputs: tuple[int, ...]
    make: Callable[[list[Any]], Any]


@dataclass(slots=True)
class _Held:
    """The last value of a node that is one of several inputs."""

    value: Any = None
    code: int = _BAD_TYPE
    source_us: int = 0
    known: bool = False


@dataclass(slots=True)
class Translation:
    """What a PLC's nodes say, in the line's words.

    Args:
        plc: the PLC's map.
        unfit: told once of each tag whose values mean nothing: the tag and why.

    Attributes:
        addresses: every node that is needed, once; a node's place is its handle.
        last: by key the last reading.
        live: handle of the live counter; None: there is none.
        structured: handles of structures of which members are wanted.
    """

    plc: PlcMap
    unfit: Callable[[tuple[str, str], str], None]
    addresses: tuple[Address, ...] = field(init=False)
    last: dict[tuple[str, str], Reading] = field(init=False, default_factory=dict)
    live: int | None = field(init=False, default=None)
    structured: set[int] = field(init=False, default_factory=set)
    _deadbands: dict[int, float] = field(init=False, default_factory=dict)
    _of: list[tuple[str, str] | None] = field(init=False)
    _special: dict[int, list[_Target]] = field(init=False, default_factory=dict)
    _held: dict[int, _Held] = field(init=False, default_factory=dict)
    _told: set[tuple[str, str]] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        places: dict[Address, int] = {}
        mapped: dict[int, list[_Target]] = {}
        plain: dict[int, int] = {}
        for node in self.plc.nodes:
            inputs = tuple(places.setdefault(address, len(places)) for address in node.inputs)
            for handle in inputs:
                # What one tag wants to know exactly is told exactly.
                least = min(node.deadband, self._deadbands.get(handle, node.deadband))
                self._deadbands[handle] = least
            target = _Target(node.unit, node.signal, inputs, converter(node.conversion))
            if node.conversion.picks_members:
                self.structured.update(inputs)
            for handle in inputs:
                mapped.setdefault(handle, []).append(target)
                plain[handle] = plain.get(handle, 0) + (1 if node.conversion.is_plain else 2)
        if self.plc.live is not None:
            self.live = places.setdefault(self.plc.live, len(places))
        self.addresses = tuple(places)
        self._of = [None] * len(places)
        for handle in places.values():
            if plain.get(handle) == 1:
                (only,) = mapped[handle]
                self._of[handle] = (only.unit, only.signal)
            else:
                self._special[handle] = mapped.get(handle, [])
        self._held = {
            handle: _Held()
            for targets in self._special.values()
            for target in targets
            if len(target.inputs) > 1
            for handle in target.inputs
        }

    def keys_of(self, handles: Iterable[int]) -> tuple[tuple[str, str], ...]:
        """The tags that need any of these nodes."""
        wanted = set(handles)
        return tuple(
            (node.unit, node.signal)
            for node, inputs in zip(self.plc.nodes, self._inputs(), strict=True)
            if wanted.intersection(inputs)
        )

    def _inputs(self) -> Iterable[tuple[int, ...]]:
        places = {address: handle for handle, address in enumerate(self.addresses)}
        return (tuple(places[a] for a in node.inputs) for node in self.plc.nodes)

    def deadband(self, handle: int) -> float:
        """The change of a node's value that is not worth telling to any tag that needs it."""
        return self._deadbands.get(handle, 0.0)

    def readings(self, columns: Columns, now_us: int) -> tuple[Reading, ...]:
        """Translate what came in.

        Args:
            columns: the values, in order.
            now_us: when it came, microseconds since 1970-01-01 UTC.

        Returns:
            The readings, in order. One that is made of several nodes comes once, after the others,
            of the last that each has said.
        """
        handles, values, times = columns.handles, columns.values, columns.source_us
        if 0 in times:
            times = [at or now_us for at in times]
        columns = Columns(handles, values, columns.codes, times, columns.odd)
        if columns.odd or not self._special.keys().isdisjoint(handles):
            made = self._one_by_one(columns, now_us)
            self.last.update(((reading.unit, reading.signal), reading) for reading in made)
            return made
        if not handles:
            return ()
        keys: list[Any] = [self._of[handle] for handle in handles]
        units, signals = zip(*keys, strict=True)
        qualities: Iterable[Quality] = repeat(Quality.GOOD)
        if any(columns.codes):
            qualities = [_QUALITY[code >> 30] for code in columns.codes]
        plc = repeat(self.plc.plc)
        rows = zip(plc, units, signals, values, times, repeat(now_us), qualities)
        made = tuple(map(_made, rows))
        self.last.update(zip(keys, made, strict=True))
        return made

    @staticmethod
    def overflows(columns: Columns) -> int:
        """Count the values before which the server had to throw others away."""
        if not any(columns.codes):
            return 0
        return sum(code & _OVERFLOW == _OVERFLOW for code in columns.codes)

    def _one_by_one(self, columns: Columns, now_us: int) -> tuple[Reading, ...]:
        made: list[Reading] = []
        joint: dict[int, _Target] = {}
        rows = zip(columns.handles, columns.values, columns.codes, columns.source_us, strict=True)
        for handle, value, code, at_us in rows:
            key = self._of[handle]
            if key is not None:
                number, status = self._number(key, value, code)
                quality = _QUALITY[status >> 30]
                made.append(Reading(self.plc.plc, *key, number, at_us, now_us, quality))
                continue
            if handle in self._held:
                self._held[handle] = _Held(value, code, at_us, True)
            for target in self._special[handle]:
                if len(target.inputs) > 1:
                    joint[id(target)] = target
                else:
                    made.append(self._reading(target, [value], code, at_us, now_us))
        for target in joint.values():
            held = [self._held[handle] for handle in target.inputs]
            if all(one.known for one in held):
                worst = max(held, key=lambda one: one.code >> 30)
                at_us = max(one.source_us for one in held)
                values = [one.value for one in held]
                made.append(self._reading(target, values, worst.code, at_us, now_us))
        return tuple(made)

    def _number(
        self, key: tuple[str, str], value: Any, code: int
    ) -> tuple[bool | int | float | None, int]:
        """Make a number of a text where it is one: after an update a PLC may send it so."""
        if value is None or isinstance(value, bool | int | float):
            return value, code
        try:
            return float(value), code
        except (TypeError, ValueError):
            self._tell(key, f"must be a number, got {str(value)[:40]!r}")
            return None, _BAD_TYPE

    def _reading(
        self, target: _Target, values: list[Any], code: int, at_us: int, now_us: int
    ) -> Reading:
        quality, value = _QUALITY[code >> 30], None
        if all(one is not None for one in values):
            try:
                value = target.make(values)
            except Unfit as error:
                quality = Quality.BAD
                self._tell((target.unit, target.signal), str(error))
        else:
            quality = Quality.BAD
        return Reading(self.plc.plc, target.unit, target.signal, value, at_us, now_us, quality)

    def _tell(self, key: tuple[str, str], why: str) -> None:
        if key not in self._told:
            self._told.add(key)
            self.unfit(key, why)

    def distrusted(self, keys: Iterable[tuple[str, str]], now_us: int) -> tuple[Reading, ...]:
        """Say the last values of tags once more, as not to be believed."""
        return tuple(
            held._replace(value=None, arrival_us=now_us, quality=Quality.BAD)
            for held in map(self.last.get, keys)
            if held is not None
        )
