"""Telling a plant something: only what the tag map names, checked before and read back after."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from asyncua import Client, ua

from opcua.audit import Audit, Entry
from opcua.connect import close, connect
from opcua.plc_requests import Portions, resolve
from opcua.publications import Columns
from opcua.security import ClientSecurity
from opcua.tag_map import Address, CommandPoint, PlcMap
from opcua.translation import Translation
from twin.errors import CommandRefused, LinetwinError, NotConnected
from twin.model.nearest import did_you_mean

__all__ = ["Order", "Outcome", "give", "point_of"]

_READ_BACK_S = 5.0
_EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody wants done.

    Args:
        line: id of the line.
        value: what is to be written, or given to the method.
        who: the account that wants it.
        role: the role that it is wanted in.
        at_us: now, microseconds since 1970-01-01 UTC.
        really: False: a dry run, which writes nothing.
    """

    line: str
    value: float
    who: str
    role: str
    at_us: int
    really: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it.

    Args:
        state: the signals that it depends on, as they were.
        before: what the variable showed.
        after: what was read back; None after a dry run.
        node: what was written or called.
    """

    state: dict[str, float]
    before: float | None
    after: float | None
    node: str


def point_of(plcs: Sequence[PlcMap], unit: str, name: str) -> tuple[PlcMap, CommandPoint]:
    """Find a command of a map.

    Raises:
        CommandRefused: the map does not name it: it is off.
    """
    every = {(c.unit, c.name): (plc, c) for plc in plcs for c in plc.commands}
    if (unit, name) in every:
        return every[unit, name]
    known = [f"{u} {n}" for u, n in every]
    hint = did_you_mean(f"{unit} {name}", known, "it names none: commands are off by default")
    raise CommandRefused(f"{unit} {name}: must be a command that the tag map names; {hint}")


async def give(
    plc: PlcMap,
    point: CommandPoint,
    order: Order,
    access: Callable[[], ClientSecurity | None],
    audit: Audit,
) -> Outcome:
    """Check an order, and carry it out if it is meant.

    Args:
        plc: whose command.
        point: the command, as the map names it.
        order: what is wanted.
        access: who we are to the PLC.
        audit: where it is written down, whatever comes of it.

    Raises:
        CommandRefused: role, range, rate or the plant's state do not allow it, or it was not seen
            to take effect.
        NotConnected: the PLC can't be reached.
    """
    entry = Entry(
        order.at_us, order.who, order.role, order.line, plc.plc, point.unit, point.name,
        order.value,
    )  # fmt: skip
    number: int | None = None
    before: float | None = None
    try:
        _allowed(point, order)
        client = await connect(plc.url, access())
        try:
            there = _There(client, plc, point)
            await there.find()
            state = await there.state()
            _fits(point, state)
            before = await there.value(point.address if point.parent is None else point.read_back)
            if not order.really:
                audit.add(replace(entry, outcome="dry run", before=before))
                return Outcome(state, before, None, str(point.address))
            number = audit.ask(entry, point.every_s)
            await there.do(order.value)
            after = await there.read_back(order.value)
        except (ua.UaError, OSError, TimeoutError) as error:
            why = str(error) if isinstance(error, ua.UaError) else "no answer"
            raise CommandRefused(f"{point.unit} {point.name}: the PLC refuses: {why}") from error
        finally:
            await close(client, polite=True)
        audit.note(number, "done", before, after)
        return Outcome(state, before, after, str(point.address))
    except LinetwinError as error:
        why = str(error).splitlines()[0]
        if number is not None:
            audit.note(number, why, before, None)
        elif not isinstance(error, NotConnected):
            audit.add(replace(entry, outcome=why, before=before))
        raise


def _allowed(point: CommandPoint, order: Order) -> None:
    what = f"{point.unit} {point.name}"
    if order.role != point.role:
        raise CommandRefused(f"{what}: must be given in the role {point.role}, got {order.role}")
    if not point.low <= order.value <= point.high:
        raise CommandRefused(
            f"{what}: must be from {point.low:g} to {point.high:g}, got {order.value:g}"
        )


def _fits(point: CommandPoint, state: dict[str, float]) -> None:
    for signal, wanted in point.when:
        if signal not in state:
            raise CommandRefused(
                f"{point.unit} {point.name}: {signal} must be known, the PLC does not say it"
            )
        if state[signal] not in wanted:
            shown = " or ".join(f"{one:g}" for one in wanted)
            raise CommandRefused(
                f"{point.unit} {point.name}: {signal} must be {shown}, it is {state[signal]:g}"
            )


class _There:
    """The nodes of a command on a connected PLC."""

    def __init__(self, client: Client, plc: PlcMap, point: CommandPoint) -> None:
        self._client = client
        self._point = point
        wanted = {signal for signal, _ in point.when}
        nodes = tuple(n for n in plc.nodes if n.unit == point.unit and n.signal in wanted)
        self._translation = Translation(
            replace(plc, nodes=nodes, live=None, commands=()), lambda *_: None
        )
        self._ids: dict[Address, ua.NodeId] = {}

    async def find(self) -> None:
        point = self._point
        extra = [a for a in (point.address, point.parent, point.read_back) if a is not None]
        addresses = [*self._translation.addresses, *extra]
        portions = Portions(1000)
        await portions.learn(self._client)
        found, _ = await resolve(self._client, addresses, portions)
        self._ids = {a: n for a, n in zip(addresses, found, strict=True) if n is not None}
        for address in extra:
            if address not in self._ids:
                raise CommandRefused(f"{point.unit} {point.name}: the server has no node {address}")

    async def state(self) -> dict[str, float]:
        columns = Columns()
        for handle, address in enumerate(self._translation.addresses):
            if address in self._ids:
                node = self._client.get_node(self._ids[address])
                columns.add(handle, await node.read_data_value(raise_on_bad_status=False))
        readings = self._translation.readings(columns, 0)
        return {r.signal: float(r.value) for r in readings if r.value is not None}

    async def value(self, address: Address | None) -> float | None:
        if address is None:
            return None
        found: Any = await self._client.get_node(self._ids[address]).read_value()
        return float(found) if isinstance(found, bool | int | float) else None

    async def do(self, value: float) -> None:
        point, client = self._point, self._client
        node = client.get_node(self._ids[point.address])
        if point.parent is not None:
            parent = client.get_node(self._ids[point.parent])
            given = [_variant(value, point.data_type)] if point.data_type else []
            await parent.call_method(node.nodeid, *given)
            return
        kind = point.data_type or (await node.read_data_type_as_variant_type()).name
        # Without timestamps: many PLCs refuse a write that brings its own.
        await node.write_attribute(ua.AttributeIds.Value, ua.DataValue(_variant(value, kind)))

    async def read_back(self, value: float) -> float | None:
        """Wait until the PLC shows what was written; what a method changes is only read."""
        point = self._point
        where = point.read_back or (point.address if point.parent is None else None)
        if where is None:
            return None
        must_show = point.read_back is None
        try:
            async with asyncio.timeout(_READ_BACK_S):
                while True:
                    shown = await self.value(where)
                    if not must_show or shown == value or _close(shown, value):
                        return shown
                    await asyncio.sleep(_EVERY_S)
        except TimeoutError:
            raise CommandRefused(
                f"{point.unit} {point.name}: {value:g} was written, and the PLC still shows "
                f"{shown} after {_READ_BACK_S:g} s"
            ) from None


def _close(shown: float | None, value: float) -> bool:
    # A Float holds 0.1 as 0.10000000149.
    return shown is not None and abs(shown - value) <= 1e-6 * abs(value)


def _variant(value: float, kind: str) -> ua.Variant:
    of = ua.VariantType[kind]
    if of is ua.VariantType.Boolean:
        return ua.Variant(bool(value), of)
    return ua.Variant(float(value) if kind in ("Float", "Double") else round(value), of)
