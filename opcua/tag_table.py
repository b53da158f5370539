"""The scalar values of a server, in arrays: read one by one, written and published in bulk.

A Python object for every value and every subscriber is what makes asyncua's own way cost 130 us a
value. Here a value is 8 bytes of an array, beside its status and its time; what a write changes is
found, and encoded, for all tags at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from asyncua import ua
from asyncua.server.address_space import AddressSpace, AttributeValue, NodeData

from opcua.clock import unix_us
from opcua.structures import instant

__all__ = ["SCALARS", "TagTable", "Taker", "ticks_of"]

Ints = npt.NDArray[np.int64]
Raw = npt.NDArray[np.uint64]
Codes = npt.NDArray[np.uint32]

_KIND = ua.VariantType
SCALARS: dict[ua.VariantType, np.dtype[Any]] = {
    _KIND.Boolean: np.dtype("u1"),
    _KIND.SByte: np.dtype("i1"),
    _KIND.Byte: np.dtype("u1"),
    _KIND.Int16: np.dtype("<i2"),
    _KIND.UInt16: np.dtype("<u2"),
    _KIND.Int32: np.dtype("<i4"),
    _KIND.UInt32: np.dtype("<u4"),
    _KIND.Int64: np.dtype("<i8"),
    _KIND.UInt64: np.dtype("<u8"),
    _KIND.Float: np.dtype("<f4"),
    _KIND.Double: np.dtype("<f8"),
}
"""The built-in types that have a place here, with NumPy's."""

_TICKS_1970 = 116_444_736_000_000_000
"""1970-01-01 as OPC UA counts: steps of 100 ns from 1601-01-01."""
_GOOD = ua.StatusCode(ua.StatusCodes.Good)


def ticks_of(at_unix_us: int) -> int:
    """Turn microseconds since 1970-01-01 UTC into OPC UA's DateTime.

    >>> ticks_of(0)
    116444736000000000
    """
    return at_unix_us * 10 + _TICKS_1970


class Taker(Protocol):
    """One who wants to know what is written."""

    def take(self, tags: Ints, raw: Raw, status: Codes, ticks: Ints) -> None:
        """Take in what was written, tag by tag; a tag comes once a call."""

    def take_odd(self, tag: int, value: ua.DataValue) -> None:
        """Take in what a fault shows of a tag, of whatever type and status."""


class TagTable:
    """The scalar variables of a server.

    Args:
        space: what their nodes are in.
    """

    def __init__(self, space: AddressSpace) -> None:
        self._space = space
        self.index: dict[ua.NodeId, int] = {}
        self.kinds = np.empty(0, np.uint8)
        self.raw: Raw = np.empty(0, np.uint64)
        self.status: Codes = np.empty(0, np.uint32)
        self.ticks: Ints = np.empty(0, np.int64)
        self._types: list[ua.VariantType] = []
        self._held: list[AttributeValue] = []
        self.takers: list[Taker] = []
        self._watched: set[int] = set()
        self._odd: dict[int, ua.DataValue] = {}
        self._absent: set[int] = set()

    def adopt(self, node_ids: Iterable[ua.NodeId]) -> list[int]:
        """Take variables over; reads and writes of their values then come here.

        Args:
            node_ids: variables whose first values are scalars of a type in `SCALARS`.

        Returns:
            Their places in the table.
        """
        places = []
        raw, status, ticks = [], [], []
        for node_id in node_ids:
            held = self._space[node_id].attributes[ua.AttributeIds.Value]
            place = len(self._types)
            self.index[node_id] = place
            first = held.value
            self._types.append(first.Value.VariantType)
            self._held.append(held)
            raw.append(_raw(first.Value))
            status.append(first.StatusCode.value if first.StatusCode else 0)
            ticks.append(_ticks(first.SourceTimestamp))
            held.value_callback = self._read
            held.value_setter = self._set
            places.append(place)
        self.raw = np.concatenate([self.raw, np.array(raw, np.uint64)])
        self.status = np.concatenate([self.status, np.array(status, np.uint32)])
        self.ticks = np.concatenate([self.ticks, np.array(ticks, np.int64)])
        self.kinds = np.array([kind.value for kind in self._types], np.uint8)
        return places

    def write(self, tags: Ints, raw: Raw, ticks: int, status: int = 0) -> None:
        """Write values, and tell everybody who wants to know.

        Args:
            tags: places in the table, each once.
            raw: their values' bits, in the low bytes.
            ticks: their source time, as OPC UA counts.
            status: their status code; 0 is Good.
        """
        codes = np.full(len(tags), status, np.uint32)
        times = np.full(len(tags), ticks, np.int64)
        self.raw[tags], self.status[tags], self.ticks[tags] = raw, codes, times
        if self._odd:
            for tag in tags.tolist():
                self._odd.pop(tag, None)
        if self._absent:
            there = ~np.isin(tags, list(self._absent))
            tags, raw, codes, times = tags[there], raw[there], codes[there], times[there]
        for taker in self.takers:
            taker.take(tags, raw, codes, times)

    async def write_values(
        self, tags: Sequence[int], values: Sequence[bool | int | float], at_unix_us: int
    ) -> None:
        """Write Python values; those of asyncua's own subscriptions are told too.

        Args:
            tags: places in the table, each once.
            values: one for each.
            at_unix_us: their source time, microseconds since 1970-01-01 UTC.
        """
        places = np.array(tags, np.int64)
        raw = np.empty(len(tags), np.uint64)
        kinds = self.kinds[places]
        for number in np.unique(kinds):
            chosen = kinds == number
            dtype = SCALARS[_KIND(int(number))]
            these = [values[i] for i in np.flatnonzero(chosen).tolist()]
            raw[chosen] = _widened(np.array(these, dtype))
        self.write(places, raw, ticks_of(at_unix_us))
        for tag in self._watched.intersection(tags) - self._absent:
            await self._tell(tag, self.value(tag))

    async def show(self, node_id: ua.NodeId, value: ua.DataValue) -> None:
        """Show something that the variable could not hold, until it is written again."""
        tag = self.index[node_id]
        self._odd[tag] = value
        for taker in self.takers:
            taker.take_odd(tag, value)
        await self._tell(tag, value)

    async def take_out(self, node_id: ua.NodeId, value: ua.DataValue) -> None:
        """Show something of a variable, and then nothing until it is put back."""
        await self.show(node_id, value)
        self._absent.add(self.index[node_id])

    def put_back(self, node_id: ua.NodeId) -> None:
        """Let a variable be seen again, with the value that it has by now."""
        tag = self.index[node_id]
        self._absent.discard(tag)
        self._odd.pop(tag, None)

    async def _tell(self, tag: int, value: ua.DataValue) -> None:
        for handle, tell in list(self._held[tag].datachange_callbacks.items()):
            await tell(handle, value)

    def watch(self, node_id: ua.NodeId) -> None:
        """Remember that asyncua's own subscriptions want a tag."""
        if node_id in self.index:
            self._watched.add(self.index[node_id])

    def value(self, tag: int) -> ua.DataValue:
        """Make a tag's value one of asyncua's."""
        return self.value_of(tag, int(self.raw[tag]), int(self.status[tag]), int(self.ticks[tag]))

    def value_of(self, tag: int, raw: int, code: int, ticks: int) -> ua.DataValue:
        """Make a value that a tag has, or had, one of asyncua's: its bits, status and time."""
        kind = self._types[tag]
        number = np.frombuffer(raw.to_bytes(8, "little"), SCALARS[kind], 1)[0].item()
        value = bool(number) if kind is _KIND.Boolean else number
        return ua.DataValue(
            ua.Variant() if code >> 31 else ua.Variant(value, kind),
            ua.StatusCode(code) if code else _GOOD,
            instant((ticks - _TICKS_1970) // 10) if ticks else None,
        )

    def numbers(self, tags: Ints, raw: Raw) -> npt.NDArray[np.float64]:
        """Read bits as numbers, each by its tag's type."""
        found = np.empty(len(tags))
        kinds = self.kinds[tags]
        for number in np.unique(kinds):
            chosen = kinds == number
            dtype = SCALARS[_KIND(int(number))]
            found[chosen] = raw[chosen].astype(f"<u{dtype.itemsize}").view(dtype)
        return found

    def _read(self, node_id: ua.NodeId, _: ua.AttributeIds) -> ua.DataValue:
        tag = self.index[node_id]
        return self._odd.get(tag) or self.value(tag)

    def _set(self, node: NodeData, _: ua.AttributeIds, value: ua.DataValue) -> None:
        """Keep what asyncua has been told to write."""
        tag = self.index[node.nodeid]
        code = value.StatusCode.value if value.StatusCode else 0
        bad = value.Value is None or value.Value.Value is None
        raw = int(self.raw[tag]) if bad else _raw(value.Value)
        self.write(np.array([tag]), np.array([raw], np.uint64), _ticks(value.SourceTimestamp), code)


def _widened(values: npt.NDArray[Any]) -> Raw:
    return values.view(f"<u{values.dtype.itemsize}").astype(np.uint64)


def _raw(variant: ua.Variant) -> int:
    return int(_widened(np.array([variant.Value], SCALARS[variant.VariantType]))[0])


def _ticks(at: datetime | None) -> int:
    if at is None:
        return 0
    return ticks_of(unix_us(at))
