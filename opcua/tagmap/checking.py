"""Whether a tag map is right, asked of the plant itself: found, type, movement, plausibility."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from asyncua import Client, ua

from opcua.connect import close, connect
from opcua.plc_requests import Portions, resolve
from opcua.readings import ConnectionChanged, Message, Reading, TagMissing
from opcua.security import ClientSecurity
from opcua.subscriber import Subscriber
from opcua.tag_map import MappedNode, PlcMap
from opcua.tagmap.units import units_of
from twin.errors import NotConnected
from twin.historian.port import Quality
from twin.model.line import Line
from twin.signals import Signal, ValueType

__all__ = ["CheckedTag", "check_plc"]

_FLOATS = {"Float", "Double"}
_INTEGERS = {"SByte", "Byte", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64"}


@dataclass(frozen=True, slots=True)
class CheckedTag:
    """What was found of one tag.

    Args:
        plc, unit, signal: which.
        node: what it comes from.
        data_type: built-in types of its inputs, as the server says; empty: not there.
        value: the last value in the line's words; None: none came.
        changes: how often the value changed while it was watched.
        wrong: what is wrong with it; empty: nothing.
        doubt: what is odd, though it may be right.
    """

    plc: str
    unit: str
    signal: str
    node: str
    data_type: str
    value: bool | int | float | None
    changes: int
    wrong: tuple[str, ...] = ()
    doubt: tuple[str, ...] = ()


@dataclass(slots=True)
class _Seen:
    """What came in while the PLC was watched."""

    readings: dict[tuple[str, str], list[Reading]] = field(default_factory=dict)
    missing: set[tuple[str, str]] = field(default_factory=set)
    refused: str = ""
    connected: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, message: Message) -> None:
        match message:
            case ConnectionChanged():
                self.refused = "" if message.connected else message.reason
                self.connected.set()
            case TagMissing():
                self.missing.update(message.keys)
            case tuple():
                for reading in message:
                    key = (reading.unit, reading.signal)
                    self.readings.setdefault(key, []).append(reading)
            case _:
                pass


async def check_plc(
    line: Line, plc: PlcMap, access: Callable[[], ClientSecurity | None], seconds: float
) -> list[CheckedTag]:
    """Watch a PLC for a while and judge each of its tags.

    Args:
        line: what the tags are of.
        plc: the PLC and its tags.
        access: who we are.
        seconds: how long it is watched, greater than 0.

    Raises:
        NotConnected: it can't be reached.
    """
    types = await _types(plc, access())
    seen = _Seen()
    run = asyncio.ensure_future(Subscriber(plc, access, seen.take).run())
    try:
        await seen.connected.wait()
        if seen.refused:
            raise NotConnected(seen.refused)
        await asyncio.sleep(seconds)
    finally:
        run.cancel()
        with suppress(asyncio.CancelledError):
            await run
    units = units_of(line, plc.plc)
    return [
        _judged(line, plc.plc, node, units[node.unit].signals.get(node.signal), types, seen)
        for node in plc.nodes
    ]


async def _types(plc: PlcMap, security: ClientSecurity | None) -> dict[Any, str]:
    """Ask for the built-in type of each address's value."""
    addresses = list(dict.fromkeys(a for node in plc.nodes for a in node.inputs))
    client: Client = await connect(plc.url, security)
    try:
        portions = Portions(1000)
        await portions.learn(client)
        found, _ = await resolve(client, addresses, portions)
        there = [(a, n) for a, n in zip(addresses, found, strict=True) if n is not None]

        async def read(portion: Any) -> list[ua.DataValue]:
            ids = [node_id for _, node_id in portion]
            return list(await client.uaclient.read_attributes(ids, ua.AttributeIds.Value))

        values = await portions.each("read", there, read)
    except (ua.UaError, OSError, TimeoutError) as error:
        raise NotConnected(f"{plc.url}: {error}") from error
    finally:
        await close(client, polite=True)
    return {
        address: str(value.Value.VariantType.name)
        for (address, _), value in zip(there, values, strict=True)
        if value.Value is not None and value.Value.VariantType is not ua.VariantType.Null
    }


def _judged(
    line: Line,
    plc: str,
    node: MappedNode,
    signal: Signal | None,
    types: dict[Any, str],
    seen: _Seen,
) -> CheckedTag:
    key = (node.unit, node.signal)
    readings = seen.readings.get(key, [])
    kinds = [types.get(address, "") for address in node.inputs]
    last = readings[-1] if readings else None
    wrong: list[str] = []
    doubt: list[str] = []
    if key in seen.missing or not readings:
        wrong.append("the server has no such node")
    elif last is not None and last.value is None:
        wrong.append("its value means nothing: see conversion, or the PLC says that it is bad")
    if readings and node.wire_type and kinds != [node.wire_type]:
        wrong.append(f"must be of type {node.wire_type}, the server sends {', '.join(kinds)}")
    if node.conversion.is_plain and signal is not None and kinds[0] and last is not None:
        _judge_type(signal, kinds[0], wrong, doubt)
    values = [reading.value for reading in readings if reading.value is not None]
    changes = sum(a != b for a, b in pairwise(values))
    if values and signal is not None:
        _judge_values(line, node, signal, values, wrong, doubt)
    if last is not None and last.quality == Quality.UNCERTAIN:
        doubt.append("the PLC says that it is uncertain")
    return CheckedTag(
        plc, *key, node.node, ", ".join(filter(None, kinds)), last.value if last else None,
        changes, tuple(wrong), tuple(doubt),
    )  # fmt: skip


def _judge_type(signal: Signal, kind: str, wrong: list[str], doubt: list[str]) -> None:
    if kind not in _FLOATS | _INTEGERS | {"Boolean"}:
        wrong.append(f"must be a number or boolean, the server sends {kind}")
    elif signal.value_type is ValueType.BOOLEAN and kind != "Boolean":
        doubt.append(f"a boolean comes as {kind}: 0 is false, anything else true")
    elif signal.value_type in (ValueType.INT32, ValueType.INT64) and kind in _FLOATS:
        doubt.append(f"a whole number comes as {kind}")
    elif signal.counter and kind in {"Byte", "SByte", "Int16", "UInt16"}:
        doubt.append(f"a counter of type {kind} wraps soon: give its width")


def _judge_values(
    line: Line,
    node: MappedNode,
    signal: Signal,
    values: list[bool | int | float],
    wrong: list[str],
    doubt: list[str],
) -> None:
    numbers = [float(value) for value in values]
    low, high = min(numbers), max(numbers)
    if not all(math.isfinite(number) for number in numbers):
        wrong.append("must be finite")
    names = dict(signal.values)
    if names and not all(int(number) in names for number in numbers):
        strange = next(number for number in numbers if int(number) not in names)
        wrong.append(f"must be one of {', '.join(names.values())}, got {strange:g}; map its values")
    if signal.low is not None and low < signal.low:
        wrong.append(f"must be at least {signal.low:g}, got {low:g}")
    if signal.high is not None and high > signal.high and not names:
        wrong.append(f"must be at most {signal.high:g}, got {high:g}")
    if signal.name == "level":
        most = next((b.capacity for b in line.buffers if b.id == node.unit), None)
        lanes = next((b.lanes for b in line.buffers if b.id == node.unit), 1)
        if most and high > most * lanes:
            wrong.append(f"must be at most {most * lanes}, what fits into it, got {high:g}")
    if signal.counter and any(b < a for a, b in pairwise(numbers)):
        doubt.append("a counter went down: was it reset, or does it wrap?")
