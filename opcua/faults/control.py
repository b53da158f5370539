"""Faults and the clock switched from outside, while the plant runs: by methods and by HTTP.

Both are for tests, and there only when asked for: who can reach them can break the plant.

    PLC1 / Faults / Begin(Order), End(Number), Clear()

An order is a JSON object with the words of a script's entry, as
`{"fault": "cable_cut", "how": "black_hole", "for": "30 s"}`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from asyncua import ua
from asyncua.server.address_space import AddressSpace

from opcua.clock import Clock, WallClock
from opcua.faults.script import fault_order
from opcua.faults.stand import FaultOrder, FaultStand
from opcua.method_nodes import argument, method_node, object_node
from opcua.naming import Naming
from opcua.roles import Role
from twin.errors import UsageError

__all__ = ["bind_faults", "control_over_http"]

_log = logging.getLogger(__name__)
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_MOST_BYTES = 100_000
_ANSWER_WITHIN_S = 60.0
Asked = Coroutine[Any, Any, Any]


def bind_faults(space: AddressSpace, naming: Naming, plc: str, stand: FaultStand) -> None:
    """Make the methods that switch faults below a PLC's own node; they act on that PLC.

    Args:
        space, naming: where its nodes are, and how they are named.
        plc: its id.
        stand: where its line's faults are switched.
    """
    folder = object_node(space, naming, f"plc:{plc}", "Faults")

    async def begin(_: ua.NodeId, order: ua.Variant) -> list[ua.Variant] | ua.StatusCode:
        try:
            words = json.loads(order.Value)
            number = await stand.begin(fault_order({"plcs": [plc], **words}))
        except (UsageError, TypeError, ValueError) as error:
            _log.warning("%s: %s", plc, error)
            return ua.StatusCode(ua.StatusCodes.BadInvalidArgument)
        return [ua.Variant(number, ua.VariantType.Int32)]

    async def end(_: ua.NodeId, number: ua.Variant) -> list[ua.Variant]:
        await stand.end(number.Value)
        return []

    async def clear(_: ua.NodeId) -> list[ua.Variant]:
        await stand.clear()
        return []

    text = argument("Order", ua.ObjectIds.String, "a JSON object, as {'fault': 'frozen_value'}")
    which = argument("Number", ua.ObjectIds.Int32, "what Begin has returned")
    method_node(space, naming, folder, "Begin", [text], begin, Role.ENGINEER)
    method_node(space, naming, folder, "End", [which], end, Role.ENGINEER)
    method_node(space, naming, folder, "Clear", [], clear, Role.ENGINEER)


@contextmanager
def control_over_http(stand: FaultStand, clock: Clock, port: int = 0) -> Iterator[int]:
    """Answer HTTP on loopback for as long as the context lasts; the running loop does the work.

    GET /faults, POST /faults (an order), DELETE /faults and /faults/NUMBER, GET /clock, and POST
    /clock with `speed`, `paused` or `step_s`.

    Args:
        stand: where faults are switched.
        clock: the plant's; one that isn't a `WallClock` can only be asked for.
        port: 0 for any free one.

    Yields:
        The port.

    Raises:
        UsageError: the port is taken.
    """
    loop = asyncio.get_running_loop()

    def ask(asked: Asked) -> Any:
        return asyncio.run_coroutine_threadsafe(asked, loop).result(_ANSWER_WITHIN_S)

    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), _handler(_Desk(stand, clock), ask))
    except OSError as error:
        raise UsageError(
            f"--control: port {port} of 127.0.0.1 must be free, {error.strerror}; choose another"
        ) from error
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Desk:
    """What can be asked by HTTP, in the plant's own loop."""

    def __init__(self, stand: FaultStand, clock: Clock) -> None:
        self._stand = stand
        self._clock = clock

    async def faults(self) -> dict[str, Any]:
        return {
            "active": {str(n): _words(order) for n, order in self._stand.active.items()},
            "waiting": {str(n): _words(order) for n, order in self._stand.waiting.items()},
        }

    async def begin(self, words: dict[str, Any]) -> dict[str, Any]:
        return {"number": await self._stand.begin(fault_order(words))}

    async def end(self, number: int | None) -> dict[str, Any]:
        if number is None:
            await self._stand.clear()
        else:
            await self._stand.end(number)
        return await self.faults()

    async def clock(self) -> dict[str, Any]:
        clock = self._clock
        told: dict[str, Any] = {"now_us": clock.now_us(), "epoch_unix_us": clock.epoch_unix_us}
        if isinstance(clock, WallClock):
            told |= {"speed": clock.speed, "paused": clock.paused}
        return told

    async def set_clock(self, words: dict[str, Any]) -> dict[str, Any]:
        clock = self._clock
        if not isinstance(clock, WallClock):
            raise UsageError("clock: can't be set")
        if unknown := set(words) - {"speed", "paused", "step_s"}:
            raise UsageError(f"clock: takes speed, paused and step_s, got {', '.join(unknown)}")
        speed, paused, step_s = words.get("speed"), words.get("paused"), words.get("step_s")
        if speed is not None and not (_is_number(speed) and 0 < speed <= 10_000):
            raise UsageError(f"speed: must be more than 0 and at most 10000, got {speed!r}")
        if step_s is not None and not (_is_number(step_s) and 0 <= step_s <= 1e7):
            raise UsageError(f"step_s: must be from 0 to 10000000, got {step_s!r}")
        if not isinstance(paused, bool | None):
            raise UsageError(f"paused: must be true or false, got {paused!r}")
        if speed is not None:
            clock.set_speed(speed)
        if paused is not None:
            (clock.pause if paused else clock.resume)()
        if step_s is not None:
            clock.step(round(step_s * 1e6))
        return await self.clock()


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _words(order: FaultOrder) -> dict[str, Any]:
    words: dict[str, Any] = {"fault": order.kind, **order.settings}
    for name in ("plcs", "units", "signals"):
        if names := getattr(order, name):
            words[name] = list(names)
    return words


def _handler(desk: _Desk, ask: Callable[[Asked], Any]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """One request; JSON in, JSON out."""

        def do_GET(self) -> None:
            """Tell the faults or the clock."""
            self._answer({"/faults": desk.faults, "/clock": desk.clock}.get(self.path))

        def do_POST(self) -> None:
            """Begin a fault, or set the clock."""
            do = {"/faults": desk.begin, "/clock": desk.set_clock}.get(self.path)
            if self.headers.get_content_type() != "application/json":
                # A page in a browser can't send this to another origin without asking first.
                self._say(415, {"error": "must be application/json"})
                return
            try:
                length = int(self.headers.get("Content-Length", 0))
                if not 0 <= length <= _MOST_BYTES:
                    raise ValueError("too long")
                words = json.loads(self.rfile.read(length))
                if not isinstance(words, dict):
                    raise TypeError("must be a JSON object")
            except (TypeError, ValueError) as error:
                self._say(400, {"error": f"must be a JSON object: {error}"})
                return
            self._answer(None if do is None else lambda: do(words))

        def do_DELETE(self) -> None:
            """End one fault, or all."""
            root, _, number = self.path.removeprefix("/").partition("/")
            if root != "faults" or (number and not number.isdecimal()):
                self._answer(None)
                return
            self._answer(lambda: desk.end(int(number) if number else None))

        def _answer(self, do: Callable[[], Asked] | None) -> None:
            host = (self.headers.get("Host") or "").rpartition(":")[0]
            if host not in _LOOPBACK:
                self._say(403, {"error": "is for this machine only"})
            elif do is None:
                self._say(404, {"error": "has /faults, /faults/NUMBER and /clock"})
            else:
                try:
                    self._say(200, ask(do()))
                except UsageError as error:
                    self._say(400, {"error": str(error)})

        def _say(self, code: int, words: dict[str, Any]) -> None:
            body = json.dumps(words).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- http.server's name
            """Say it in the log, at a level that nobody sees by chance."""
            _log.debug(format, *args)

    return Handler
