"""The faults of a served line: begun and ended by hand, by time or by condition, from a seed.

Faults are looked at when a scan begins, so a run with a script is the same every time; what is
begun by hand acts at once, between scans.
"""

from __future__ import annotations

import logging
import random
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from opcua.faults import server_faults
from opcua.faults.kinds import KINDS, Setting
from opcua.faults.tamper import ValueFault, touching
from twin.errors import UsageError
from twin.signals import Value

if TYPE_CHECKING:
    from opcua.emulated_plc import ServedLine
    from opcua.plc_server import PlcServer

__all__ = ["Condition", "FaultOrder", "FaultStand"]

_log = logging.getLogger(__name__)

Key = tuple[str, str]
_CERTIFICATES = {"certificate_expired", "certificate_changed"}
_CONDITION = re.compile(r"\s*([\w-]+)\.([\w.-]+)\s*(==|!=|<=|>=|<|>)\s*(-?\d+(?:\.\d+)?)\s*")
_COMPARE = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """A value compared with a number, as `FNS03.state_current == 9`.

    >>> Condition.parse("A01.good >= 3").holds({("A01", "good"): 3})
    True
    """

    key: Key
    compare: str
    number: float

    @classmethod
    def parse(cls, text: str) -> Condition:
        """Read it.

        Raises:
            UsageError: it is none.
        """
        found = _CONDITION.fullmatch(text)
        if found is None:
            raise UsageError(
                f"when: must be UNIT.signal, one of == != < <= > >=, and a number, got {text!r}"
            )
        unit, signal, compare, number = found.groups()
        return cls((unit, signal), compare, float(number))

    def holds(self, values: Mapping[Key, Value]) -> bool:
        """Whether it holds; a value that there is not holds nothing."""
        value = values.get(self.key)
        return value is not None and _COMPARE[self.compare](value, self.number)


@dataclass(frozen=True, slots=True)
class FaultOrder:
    """A fault that is to be.

    Args:
        kind: its name (`opcua.faults.kinds.KINDS`).
        after_s: plant seconds from now to its beginning, not negative; with a condition from the
            time at which that first holds.
        lasts_s: plant seconds from its beginning to its end; None: until it is ended.
        when: it begins when this holds; None: by time alone.
        plcs, units, signals: what it acts on, with `*`; none of them: everything.
        settings: what it is told beside the defaults.
    """

    kind: str
    after_s: float = 0.0
    lasts_s: float | None = None
    when: Condition | None = None
    plcs: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    signals: tuple[str, ...] = ()
    settings: Mapping[str, Setting] = field(default_factory=dict)

    def checked(self) -> FaultOrder:
        """Return the order with every setting.

        Raises:
            UsageError: no such fault, or told something that it does not take; all faults named.
        """
        kind = KINDS.get(self.kind)
        if kind is None:
            raise UsageError(f"fault: must be one of {', '.join(KINDS)}, got {self.kind!r}")
        wrong = []
        if not self.after_s >= 0:
            wrong.append(f"after: must not be negative, got {self.after_s:g} s")
        if self.lasts_s is not None and not self.lasts_s > 0:
            wrong.append(f"for: must be greater than 0, got {self.lasts_s:g} s")
        for name, value in self.settings.items():
            param = kind.params.get(name)
            if param is None:
                names = ", ".join(kind.params) or "nothing"
                wrong.append(f"{self.kind}: can be told {names}, got {name}")
            elif isinstance(param.default, str):
                if value not in param.choices:
                    allowed = ", ".join(param.choices)
                    wrong.append(f"{self.kind}.{name}: must be of {allowed}, got {value!r}")
            elif isinstance(value, str | bool) or not param.low <= value <= param.high:
                wrong.append(
                    f"{self.kind}.{name}: must be a number from {param.low:g} to {param.high:g}, "
                    f"got {value!r}"
                )
        if wrong:
            raise UsageError("\n".join(wrong))
        defaults = {name: param.default for name, param in kind.params.items()}
        return replace(self, settings={**defaults, **self.settings})


@dataclass(slots=True)
class _Standing:
    """A fault that has been ordered: waiting, or begun."""

    number: int
    order: FaultOrder
    due_us: int | None
    rng: random.Random
    ends_us: int | None = None
    parts: list[tuple[PlcServer, Any]] | None = None
    next_us: int = 0


class FaultStand:
    """Where faults of a served line are switched.

    Args:
        served: the line.
        seed: with it and the orders, everything that is drawn is fixed.
    """

    def __init__(self, served: ServedLine, seed: int = 1) -> None:
        self._served = served
        self._seed = seed
        self._count = 0
        self._orders: dict[int, _Standing] = {}

    @property
    def active(self) -> dict[int, FaultOrder]:
        """The faults that have begun, by number."""
        return {n: one.order for n, one in self._orders.items() if one.parts is not None}

    @property
    def waiting(self) -> dict[int, FaultOrder]:
        """The faults that are still to begin, by number."""
        return {n: one.order for n, one in self._orders.items() if one.parts is None}

    @property
    def burden_s(self) -> float:
        """How much longer scans take."""
        return sum(
            float(order.settings["takes_s"])
            for order in self.active.values()
            if order.kind == "overload"
        )

    async def begin(self, order: FaultOrder) -> int:
        """Order a fault; one that is due begins at once.

        Returns:
            Its number, for `end`.

        Raises:
            UsageError: there is no such fault, or nothing that it would act on.
        """
        async with self._served.requests.scanning():
            return await self._begin(order.checked())

    async def end(self, number: int) -> None:
        """End a fault; one that has ended already, or waits, is left out."""
        async with self._served.requests.scanning():
            await self._end(number)

    async def clear(self) -> None:
        """End every fault, the youngest first."""
        for number in sorted(self._orders, reverse=True):
            await self.end(number)

    async def _begin(self, order: FaultOrder) -> int:
        if not self._plcs(order):
            known = ", ".join(server.plc for server in self._served.plcs)
            raise UsageError(f"plcs: must be of {known}, got {', '.join(order.plcs)}")
        if order.when is not None and order.when.key not in self._served.values:
            unit, signal = order.when.key
            raise UsageError(f"when: the line has no signal {unit}.{signal}")
        self._count += 1
        now_us = self._served.plant.now_us
        due_us = None if order.when is not None else now_us + round(order.after_s * 1e6)
        rng = random.Random(f"{self._seed}/{self._count}/{order.kind}")
        one = _Standing(self._count, order, due_us, rng)
        self._orders[self._count] = one
        if due_us is not None and due_us <= now_us:
            await self._start(one)
        return one.number

    async def _end(self, number: int) -> None:
        one = self._orders.pop(number, None)
        if one is not None and one.parts is not None:
            for server, part in reversed(one.parts):
                await self._end_part(one, server, part)

    async def look(self) -> None:
        """Begin and end what is due by now; a scan does it when it begins, and nobody else."""
        now_us = self._served.plant.now_us
        for number, one in list(self._orders.items()):
            if number not in self._orders:
                continue
            if one.parts is None and one.due_us is None:
                assert one.order.when is not None  # noqa: S101 - only conditions have no time
                if one.order.when.holds(self._served.values):
                    one.due_us = now_us + round(one.order.after_s * 1e6)
            if one.parts is None and one.due_us is not None and one.due_us <= now_us:
                try:
                    await self._start(one)
                except UsageError as error:
                    _log.warning("left out: %s", error)
                    continue
            if one.ends_us is not None and one.ends_us <= now_us:
                await self._end(number)
            elif one.order.kind == "chaos" and one.parts is not None and one.next_us <= now_us:
                await self._throw(one)

    def _plcs(self, order: FaultOrder) -> list[PlcServer]:
        wanted = touching(order.plcs, ())
        return [server for server in self._served.plcs if wanted((server.plc, ""))]

    async def _start(self, one: _Standing) -> None:
        order, now_us = one.order, self._served.plant.now_us
        plcs = self._plcs(order)
        if (why := self._hinders(order, plcs)) is not None:
            del self._orders[one.number]
            raise UsageError(f"{order.kind}: {why}")
        one.ends_us = None if order.lasts_s is None else now_us + round(order.lasts_s * 1e6)
        one.parts = []
        for server in plcs:
            one.parts.append((server, await self._start_part(one, server)))

    def _hinders(self, order: FaultOrder, plcs: list[PlcServer]) -> str | None:
        """Say why a fault can't begin; values can be tampered with by any number."""
        if KINDS[order.kind].acts_on == "values" or order.kind in {"overload", "chaos"}:
            return None
        alike = _CERTIFICATES if order.kind in _CERTIFICATES else {order.kind}
        taken = {
            server.plc
            for one in self._orders.values()
            if one.order.kind in alike
            for server, _ in one.parts or ()
        }
        for server in plcs:
            if server.plc in taken:
                return f"{server.plc} has such a fault already; end that one first"
            if order.kind in _CERTIFICATES and server.security is None:
                return f"{server.plc} has no certificate; serve it with security"
        return None

    async def _start_part(self, one: _Standing, server: PlcServer) -> Any:
        order = one.order
        if order.kind in {"overload", "chaos"}:
            return None
        signals = order.signals or (("alarm.*",) if order.kind == "alarm_flood" else ())
        touches = touching(order.units, signals)
        if KINDS[order.kind].acts_on == "values":
            # What a PLC says of itself stays true, unless somebody asks for it by name.
            own = () if order.units else (server.plc,)
            fault = ValueFault(
                order.kind,
                order.settings,
                (lambda key: touches(key) and key[0] not in own),
                self._served.source_us,
                one.rng,
            )
            server.tamper.begin(fault)
            return fault
        begin = server_faults.BEGIN[order.kind]
        return await begin(server, order.settings, touches, one.rng)

    async def _end_part(self, one: _Standing, server: PlcServer, part: Any) -> None:
        if part is None:
            return
        if isinstance(part, ValueFault):
            server.tamper.end(part)
        else:
            await part(self._served)

    async def _throw(self, one: _Standing) -> None:
        """Chaos: order one fault of any kind, and say when the next will be."""
        rng, settings = one.rng, one.order.settings
        kinds = [name for name in KINDS if name != "chaos"]
        lasts_s = rng.expovariate(1 / float(settings["each_s"]))
        one.next_us = self._served.plant.now_us + round(
            rng.expovariate(1 / float(settings["every_s"])) * 1e6
        )
        units = sorted({unit for unit, _ in self._served.values})
        kind = KINDS[rng.choice(kinds)]
        how = {
            name: rng.choice(param.choices) for name, param in kind.params.items() if param.choices
        }
        some = (rng.choice(units),) if kind.acts_on == "values" else ()
        order = FaultOrder(
            kind.name, lasts_s=max(0.001, lasts_s), plcs=one.order.plcs, units=some, settings=how
        )
        # What can't be is left out: the same kind goes on already, or there is no certificate.
        with suppress(UsageError):
            await self._begin(order.checked())
