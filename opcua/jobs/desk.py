"""The job orders of one PLC: kept over its restarts, counted scan by scan, shown by its server."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from asyncua import ua
from asyncua.server.internal_server import InternalServer

from opcua.apply import AppliedPlan, wire_value
from opcua.jobs.book import (
    COMMANDS,
    Book,
    JobRefused,
    JobState,
    Return,
    commanded,
    counted,
    stored,
    updated,
)
from opcua.jobs.nodes import CONTROL, RESULTS, management_node
from opcua.jobs.offer import offer_of
from opcua.jobs.structures import JOB_ORDER, job_and_state, job_response, read_order, state_asked
from opcua.naming import Naming
from opcua.requests import Requests
from opcua.roles import CALL, Role, allow
from opcua.standards import binary_encoding
from opcua.structures import instant
from opcua.ua_values import node_id, variant
from opcua.wire_values import Wire
from twin.errors import CommandRefused
from twin.model.line import Line
from twin.model.packml_table import Command
from twin.signals import Value

__all__ = ["JobDesk"]

_log = logging.getLogger(__name__)

Key = tuple[str, str]
Answer = Any  # asyncua's CallMethodResult; it has no types
_BEGUN = frozenset(JobState) - {JobState.NOT_ALLOWED_TO_START, JobState.ALLOWED_TO_START}
_GOOD_SIGNS = {"processed": 1, "defective": -1, "reworked": -1}


class JobDesk:
    """Takes orders, lets them run one after the other, and reports.

    Args:
        line, plc: whose orders.
    """

    def __init__(self, line: Line, plc: str) -> None:
        self.book = Book()
        self._plc = plc
        self._offer = offer_of(line, plc)
        outlets = self._offer.outlets
        self._signs = {(unit, name): sign for unit in outlets for name, sign in _GOOD_SIGNS.items()}
        self._counters: dict[Key, int] = {}
        self._at_us = 0
        self._server: InternalServer | None = None
        self._requests: Requests | None = None
        self._applied = AppliedPlan({})
        self._orders = self._responses = ua.NodeId()

    def bind(
        self,
        server: InternalServer,
        naming: Naming,
        applied: AppliedPlan,
        requests: Requests,
        values: Mapping[Key, Value],
        at_unix_us: int,
    ) -> None:
        """Let the methods of a server act: a new one, or the one after a restart.

        Args:
            server: whose nodes they are among.
            naming: how those are named.
            applied: the plan that made them.
            requests: who carries out what machines are told.
            values: what each signal shows.
            at_unix_us: since when.
        """
        self._server, self._requests, self._applied = server, requests, applied
        self._at_us = at_unix_us
        self._counters = {key: int(values[key]) for key in self._signs}
        top = management_node(self._plc)
        self._orders = naming.node_id(f"{top}/{CONTROL}/JobOrderList")
        self._responses = naming.node_id(f"{top}/{RESULTS}/JobOrderResponseList")
        calls = {
            **{f"{CONTROL}/{name}": self._command(name) for name in COMMANDS},
            f"{CONTROL}/Store": self._take(lambda o: stored(self.book, o, allowed=False)),
            f"{CONTROL}/StoreAndStart": self._take(lambda o: stored(self.book, o, allowed=True)),
            f"{CONTROL}/Update": self._take(lambda o: updated(self.book, o)),
            f"{RESULTS}/RequestJobResponseByJobOrderID": self._response_by_id,
            f"{RESULTS}/RequestJobResponseByJobOrderState": self._responses_by_state,
        }
        for path, call in calls.items():
            above, method = applied.methods[f"{top}/{path}"]
            server.aspace[method].call = _only_on(above, call)
            least = Role.OPERATE if path.startswith(CONTROL) else Role.OBSERVE
            allow(server.aspace[method], least, CALL)
        for node, value in self._shown():
            server.aspace[node].attributes[ua.AttributeIds.Value].value = value

    def forget(self) -> None:
        """Have no orders any more, as a PLC that starts cold."""
        self.book = Book()

    async def follow(self, values: Mapping[Key, Value], at_unix_us: int) -> None:
        """Count what was made since the last time.

        Args:
            values: what was published, by (unit, signal).
            at_unix_us: the plant's present, microseconds since 1970-01-01 UTC.
        """
        if self._server is None:
            # A recording is played: nobody can order anything, and nothing is made.
            return
        self._at_us = at_unix_us
        good = scrap = 0
        for key in self._signs.keys() & values.keys():
            grown = int(values[key]) - self._counters[key]
            self._counters[key] += grown
            good += self._signs[key] * grown
            scrap += grown if key[1] == "defective" else 0
        if self.book.jobs:
            await self._become(counted(self.book, max(good, 0), max(scrap, 0), at_unix_us))

    def _shown(self) -> list[tuple[ua.NodeId, ua.DataValue]]:
        lists = (
            (self._orders, [job_and_state(job) for job in self.book.jobs]),
            (
                self._responses,
                [job_response(job, self._offer) for job in self.book.jobs if job.state in _BEGUN],
            ),
        )
        at, namespaces = instant(self._at_us), self._applied.namespaces
        return [
            (node, wire_value(Wire("ExtensionObject", tuple(values)), namespaces, at))
            for node, values in lists
        ]

    async def _become(self, book: Book) -> None:
        if book is self.book or self._server is None:
            return
        self.book = book
        for node, value in self._shown():
            await self._server.aspace.write_attribute_value(node, ua.AttributeIds.Value, value)

    # -- methods --------------------------------------------------------------------------------

    def _take(self, change: Callable[[Any], Book]) -> Callable[..., Coroutine[Any, Any, Answer]]:
        async def call(_: ua.NodeId, *given: ua.Variant) -> Answer:
            async def act() -> None:
                body = self._body(given[0].Value if given else None)
                await self._become(change(read_order(body, self._offer)))

            return await self._answer(act)

        return call

    def _command(self, name: str) -> Callable[..., Coroutine[Any, Any, Answer]]:
        async def call(_: ua.NodeId, *given: ua.Variant) -> Answer:
            async def act() -> None:
                order_id = str(given[0].Value or "") if given else ""
                await self._become(commanded(self.book, order_id, name, self._at_us))

            answer = await self._answer(act)
            if answer.StatusCode.is_good() and name in ("Pause", "Resume"):
                await self._tell(Command.HOLD if name == "Pause" else Command.UNHOLD)
            return answer

        return call

    async def _tell(self, command: Command) -> None:
        """Tell the machines whose parts count; one whose state does not allow it goes on."""
        for unit in self._offer.outlets:
            try:
                if self._requests is not None:
                    await self._requests.command(unit, command)
            except CommandRefused as refusal:
                _log.info("%s", refusal)

    async def _answer(self, act: Callable[[], Coroutine[Any, Any, None]]) -> Answer:
        """Carry something out between two scans, and say how it went in the standard's way."""
        code = Return.NO_ERROR
        try:
            if self._requests is not None:
                async with self._requests.scanning():
                    await act()
        except JobRefused as refusal:
            code = refusal.code
        return _result(code)

    async def _response_by_id(self, _: ua.NodeId, *given: ua.Variant) -> Answer:
        job, code = None, Return.NO_ERROR
        try:
            job = self.book.job(str(given[0].Value or "") if given else "")
        except JobRefused as refusal:
            code = refusal.code
        return _result(code, self._sent(job_response(job, self._offer)))

    async def _responses_by_state(self, _: ua.NodeId, *given: ua.Variant) -> Answer:
        found, code = [], Return.NO_ERROR
        try:
            wanted = state_asked(given[0].Value if given else None)
            found = [job for job in self.book.jobs if job.state is wanted]
        except JobRefused as refusal:
            code = refusal.code
        responses = tuple(job_response(job, self._offer) for job in found)
        return _result(code, self._sent(responses))

    def _sent(self, value: object) -> ua.Variant:
        return variant(Wire("ExtensionObject", value), self._applied.namespaces)

    def _body(self, value: Any) -> bytes:
        wanted = node_id(binary_encoding(JOB_ORDER), self._applied.namespaces)
        if not isinstance(value, ua.ExtensionObject) or value.TypeId != wanted:
            raise JobRefused(Return.INVALID_REQUEST)
        return bytes(value.Body or b"")


def _only_on(
    own: ua.NodeId, call: Callable[..., Coroutine[Any, Any, Answer]]
) -> Callable[..., Coroutine[Any, Any, Answer]]:
    """Refuse a method that is called on another object, as on the type that it is of."""

    async def called(above: ua.NodeId, *given: ua.Variant) -> Answer:
        if above != own:
            return ua.StatusCode(ua.StatusCodes.BadMethodInvalid)
        return await call(above, *given)

    return called


def _result(code: Return, *first: ua.Variant) -> Answer:
    # A call that fails has no results at all, so a refusal is Uncertain (OPC 10031-4, B.2).
    good = code is Return.NO_ERROR
    status = ua.StatusCodes.Good if good else ua.StatusCodes.Uncertain
    result = ua.CallMethodResult(ua.StatusCode(status))
    result.OutputArguments = [*first, ua.Variant(int(code), ua.VariantType.UInt64)]
    return result
