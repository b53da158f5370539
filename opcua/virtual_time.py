"""Virtual time over real TCP: an event loop whose clock jumps when nothing is left to do.

Server and client run in one process, on one loop, over real sockets. Whenever no socket is
readable, no byte is under way and no thread is at work, the clock jumps to the next thing that is
due. An hour of a plant passes in as long as its work takes, and the same work gives the same times,
to the bit.
"""

from __future__ import annotations

import asyncio
import selectors
import socket
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from opcua.clock import WallClock

__all__ = ["MONDAY_UNIX_US", "VirtualLoop", "loop_clock", "run_virtual"]

T = TypeVar("T")
MONDAY_UNIX_US = 1_767_571_200_000_000
"""Monday 2026-01-05 00:00 UTC: when virtual time begins if nobody says otherwise."""

_LATER_S = 1e-6
_UNDER_WAY_S = 0.001
_LOST_AFTER_S = 5.0
_ENDING_S = 0.002


def run_virtual(main: Coroutine[Any, Any, T], *, epoch_unix_us: int = MONDAY_UNIX_US) -> T:
    """Run a coroutine in virtual time, as `asyncio.run` would in real time.

    While it runs, `time.monotonic` and `time.time` (and their `_ns` forms) tell virtual time in
    this process; `datetime.now` goes on telling the wall's.

    Args:
        main: what to run; server and client must both be in it, and everything that they wait for.
        epoch_unix_us: what `time.time` begins with, microseconds since 1970-01-01 UTC.

    Returns:
        What it returns.

    >>> async def an_hour() -> float:
    ...     await asyncio.sleep(3600)
    ...     return time.monotonic()
    >>> run_virtual(an_hour())
    3600.0
    """
    loop = VirtualLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner, _told_by(loop, epoch_unix_us):
        return runner.run(main)


def loop_clock(
    epoch_unix_us: int = MONDAY_UNIX_US, start_us: int = 0, speed: float = 1.0
) -> WallClock:
    """Make a plant's clock that goes by the running loop's time: virtual on a `VirtualLoop`.

    Args:
        epoch_unix_us: engine time 0, microseconds since 1970-01-01 UTC.
        start_us: engine time now.
        speed: engine seconds a second of the loop.
    """
    loop = asyncio.get_running_loop()
    return WallClock(epoch_unix_us, start_us, speed, lambda: round(loop.time() * 1e9))


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time begins at 0 and jumps."""

    def __init__(self) -> None:
        self._now_s = 0.0
        self._threads = 0
        self._traffic = _Traffic()
        super().__init__(_Jumping(self))

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._now_s

    def call_later(  # type: ignore[override]  # asyncio's own type ties the callback to its args
        self, delay: float, *what: Any, **more: Any
    ) -> asyncio.TimerHandle:
        """As asyncio's, but what is to be later is later by a microsecond at least.

        Real time goes on while a program looks at it. Virtual time does not, and who sleeps for
        what rounding has left of a deadline, again and again, would never get there.
        """
        return super().call_later(max(delay, _LATER_S) if delay > 0 else delay, *what, **more)

    def jump(self, by_s: float) -> None:
        """Let time pass at once."""
        self._now_s += by_s

    @property
    def waits_for_others(self) -> bool:
        """Whether a thread is at work, or a byte is on its way to a socket of this loop."""
        return self._threads > 0 or self._traffic.under_way

    def somebody_left(self) -> bool:
        """Tell whether a connection was closed since the last time that this was asked."""
        left, self._traffic.closed = self._traffic.closed, False
        return left

    def run_in_executor(  # type: ignore[override]  # asyncio's own type ties func to its args
        self, executor: Any, func: Any, *args: Any
    ) -> asyncio.Future[Any]:
        """As asyncio's, and time stands until the thread is done."""
        future = super().run_in_executor(executor, func, *args)
        self._threads += 1
        future.add_done_callback(self._thread_done)
        return future

    def _thread_done(self, _: asyncio.Future[Any]) -> None:
        self._threads -= 1

    def _make_socket_transport(self, sock: socket.socket, *args: Any, **kwargs: Any) -> Any:
        # asyncio's own way to every connection, made or accepted.
        make: Callable[..., Any] = super()._make_socket_transport  # type: ignore[misc]
        return make(_Counted(sock, self._traffic), *args, **kwargs)


class _Jumping(selectors.BaseSelector):
    """Waits for nothing but what is really under way; else it lets the loop's clock jump."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._real = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        real = self._real
        if ready := real.select(0):
            return ready
        if timeout is not None and timeout <= 0:
            return []
        if self._loop.somebody_left() and (ready := real.select(_ENDING_S)):
            return ready
        waited_s = 0.0
        while self._loop.waits_for_others and waited_s < _LOST_AFTER_S:
            if ready := real.select(_UNDER_WAY_S):
                return ready
            waited_s += _UNDER_WAY_S
        if timeout is None:
            return real.select(None)
        self._loop.jump(timeout)
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.get_key(fileobj)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


class _Traffic:
    """Bytes sent and received between sockets of one loop, by (sender, receiver)."""

    def __init__(self) -> None:
        self.ends: set[tuple[Any, Any]] = set()
        self.owed: dict[tuple[Any, Any], int] = {}
        self.closed = False

    @property
    def under_way(self) -> bool:
        return any(
            owed > 0 and (there, here) in self.ends for (here, there), owed in self.owed.items()
        )


class _Counted(socket.socket):
    """A connected socket that keeps the books on what it sends and receives."""

    def __init__(self, sock: socket.socket, traffic: _Traffic) -> None:
        here, there = sock.getsockname(), sock.getpeername()
        super().__init__(sock.family, sock.type, sock.proto, fileno=sock.detach())
        self.setblocking(False)
        self._traffic = traffic
        self._out, self._in = (here, there), (there, here)
        traffic.ends.add(self._out)

    def _sent(self, count: int) -> int:
        self._traffic.owed[self._out] = self._traffic.owed.get(self._out, 0) + count
        return count

    def _received(self, count: int) -> None:
        self._traffic.owed[self._in] = self._traffic.owed.get(self._in, 0) - count

    def send(self, *args: Any) -> int:
        return self._sent(super().send(*args))

    def sendmsg(self, *args: Any) -> int:
        return self._sent(super().sendmsg(*args))

    def recv(self, *args: Any) -> bytes:
        data = super().recv(*args)
        self._received(len(data))
        return data

    def recv_into(self, *args: Any) -> int:
        count = super().recv_into(*args)
        self._received(count)
        return count

    def close(self) -> None:
        if self.fileno() >= 0:
            self._traffic.ends.discard(self._out)
            self._traffic.owed.pop(self._in, None)
            self._traffic.closed = True
        super().close()


@contextmanager
def _told_by(loop: VirtualLoop, epoch_unix_us: int) -> Iterator[None]:
    """Let the `time` module tell a loop's time."""
    virtual: dict[str, Callable[[], float]] = {
        "monotonic": loop.time,
        "monotonic_ns": lambda: round(loop.time() * 1e9),
        "time": lambda: epoch_unix_us / 1e6 + loop.time(),
        "time_ns": lambda: epoch_unix_us * 1000 + round(loop.time() * 1e9),
    }
    real = {name: getattr(time, name) for name in virtual}
    try:
        for name, tell in virtual.items():
            setattr(time, name, tell)
        yield
    finally:
        for name, tell in real.items():
            setattr(time, name, tell)
