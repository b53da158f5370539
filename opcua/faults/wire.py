"""The wire between a PLC and its clients: what passes, when, and what becomes of connections.

It sits between asyncua's protocol and its transport, so everything above works as ever: the same
sockets, the same encryption.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections import deque
from collections.abc import Callable
from typing import Any

__all__ = ["Wire"]

_RESET_AT_CLOSE = struct.pack("ii", 1, 0)


class Wire:
    """The wire of one PLC.

    Attributes:
        cut: `reset`, `black_hole`, or empty while it is whole.
        swallows: what clients send is lost.
        delay_s, jitter_s, bytes_per_s: how slow it is; `bytes_per_s` 0 for no limit.
    """

    def __init__(self, rng: random.Random) -> None:
        self.cut = ""
        self.swallows = False
        self.delay_s = 0.0
        self.jitter_s = 0.0
        self.bytes_per_s = 0.0
        self.rng = rng
        self._ends: list[_End] = []

    def listen(self, server: Any) -> None:
        """Get between a started asyncua server and each of its connections to come."""
        server.bserver.clients = _Clients(self, server.bserver.clients)

    def attach(self, protocol: Any) -> None:
        """Get between one protocol and its transport."""
        ways = (_Way(self, protocol.data_received), _Way(self, protocol.transport.write))
        end = _End(protocol, *ways)
        self._ends.append(end)
        protocol.data_received = end.receive
        # Everything that is sent goes by the processor; the protocol itself only closes.
        protocol.processor._transport = _Transport(protocol.transport, end)  # noqa: SLF001
        if self.cut == "reset":
            end.reset()

    def detach(self, protocol: Any) -> None:
        """Forget a connection that has ended, and all that it held."""
        self._ends = [end for end in self._ends if end.protocol is not protocol]

    def reset(self) -> None:
        """Reset every connection."""
        for end in self._ends:
            end.reset()

    def let_go(self) -> None:
        """Pass on what was held back, in order."""
        for end in self._ends:
            for way in (end.inwards, end.outwards):
                way.let_go()

    @property
    def holds(self) -> bool:
        """Whether nothing passes."""
        return self.cut == "black_hole"

    def takes_s(self, size: int) -> float:
        """Draw how long a message is under way."""
        narrow = size / self.bytes_per_s if self.bytes_per_s else 0.0
        return self.delay_s + self.jitter_s * self.rng.random() + narrow


class _Clients(list[Any]):
    """asyncua's list of connections: each is attached as it comes."""

    def __init__(self, wire: Wire, already: list[Any]) -> None:
        super().__init__(already)
        self._wire = wire

    def append(self, protocol: Any) -> None:
        super().append(protocol)
        self._wire.attach(protocol)

    def remove(self, protocol: Any) -> None:
        super().remove(protocol)
        self._wire.detach(protocol)


class _Way:
    """One direction of one connection: first in, first out."""

    def __init__(self, wire: Wire, deliver: Callable[[bytes], Any]) -> None:
        self._wire = wire
        self._deliver = deliver
        self._held: deque[bytes] = deque()
        self._due: deque[bytes] = deque()
        self._free_s = 0.0
        self.over = False

    def send(self, data: bytes) -> None:
        wire = self._wire
        if self.over:
            return
        if wire.holds or self._held:
            self._held.append(data)
            return
        takes_s = wire.takes_s(len(data))
        if not takes_s and not self._due:
            self._deliver(data)
            return
        loop = asyncio.get_running_loop()
        self._free_s = max(self._free_s, loop.time() + takes_s)
        self._due.append(data)
        loop.call_at(self._free_s, self._arrive)

    def let_go(self) -> None:
        held, self._held = self._held, deque()
        for data in held:
            self.send(data)

    def _arrive(self) -> None:
        data = self._due.popleft()
        if self.over:
            return
        if self._wire.holds:
            self._held.append(data)
        else:
            self._deliver(data)


class _End:
    """A PLC's end of one connection."""

    def __init__(self, protocol: Any, inwards: _Way, outwards: _Way) -> None:
        self.inwards = inwards
        self.outwards = outwards
        self.protocol = protocol
        self._transport = protocol.transport

    @property
    def closed(self) -> bool:
        return bool(self._transport.is_closing())

    def receive(self, data: bytes) -> None:
        if not self.inwards._wire.swallows:  # noqa: SLF001 -- its own
            self.inwards.send(data)

    def reset(self) -> None:
        self.inwards.over = self.outwards.over = True
        sock = self._transport.get_extra_info("socket")
        if sock is not None and not self.closed:
            # So that the peer sees a reset and not an orderly end.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
        self._transport.abort()


class _Transport:
    """asyncio's transport, whose writes go by the wire."""

    def __init__(self, transport: asyncio.Transport, end: _End) -> None:
        self._transport = transport
        self._end = end

    def write(self, data: bytes) -> None:
        self._end.outwards.send(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
