"""From the spool to the database: in order, kept until it says yes, tried again for ever."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from twin.errors import LinetwinError, NotConnected
from twin.historian.refused_lines import write_what_it_takes
from twin.historian.spool import Spool

__all__ = ["Drain", "pause_s"]

_log = logging.getLogger("twin.live")

MOST_POINTS: Final = 10_000
"""In one request: some 100 kB when compressed."""

SHORTEST_PAUSE_S, LONGEST_PAUSE_S, LONGEST_ASKED_S = 0.25, 30.0, 300.0
RATE_OVER_S: Final = 10.0
IDLE_S: Final = 1.0
GATHER_S: Final = 1.0
"""A request costs as much as a thousand points; so those of a second share one."""


def pause_s(failures: int, asked_s: float | None) -> float:
    """Return how long to leave a database alone that has failed so many times in a row.

    Args:
        failures: 1 or more.
        asked_s: what it asked for by `Retry-After`, in seconds; None if it asked for nothing.

    >>> [pause_s(n, None) for n in (1, 2, 3, 8, 99)], pause_s(1, 7.0), pause_s(1, 1e9)
    ([0.25, 0.5, 1.0, 30.0, 30.0], 7.0, 300.0)
    """
    usual = min(LONGEST_PAUSE_S, SHORTEST_PAUSE_S * 2.0 ** min(failures - 1, 20))
    return usual if asked_s is None else min(LONGEST_ASKED_S, max(usual, asked_s))


class Drain:
    """A thread that empties a spool.

    Args:
        spool: what to empty.
        write: writes lines in one request, as `InfluxDoor.write` does.
        idle: called when the spool is empty, and now and then while it isn't; for what has to be
            done after writing. What it raises is treated as a failure to write.
    """

    def __init__(
        self, spool: Spool, write: Callable[[bytes], None], idle: Callable[[], None]
    ) -> None:
        self._spool = spool
        self._write = write
        self._idle = idle
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._empty = threading.Event()
        self._turn = threading.Lock()
        self._took: deque[tuple[float, int]] = deque()
        self.away = ""
        self._thread = threading.Thread(target=self._run, name="drain", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Say that something was put into the spool."""
        with self._turn:
            self._empty.clear()
        self._wake.set()

    def per_s(self) -> float:
        """Points that the database took over the last ten seconds, a second."""
        since = time.monotonic() - RATE_OVER_S
        return sum(points for at, points in tuple(self._took) if at >= since) / RATE_OVER_S

    def wait_until_empty(self, deadline_s: float) -> bool:
        """Wait until the spool is empty; say whether it came to that in so many seconds."""
        return self._empty.wait(deadline_s)

    def stop(self, deadline_s: float = 0.0) -> None:
        """End the thread, after waiting for so many seconds for it to empty the spool.

        What is left is on disk. A request that is under way is waited for.
        """
        if not self.away:
            self._empty.wait(deadline_s)
        self._stop.set()
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            self._wake.clear()
            try:
                more = self._step()
            except LinetwinError as error:
                failures += 1
                if not self.away:
                    _log.warning("the database is not written to, the spool fills: %s", error)
                self.away = str(error)
                asked_s = error.retry_after_s if isinstance(error, NotConnected) else None
                self._stop.wait(pause_s(failures, asked_s))
                continue
            if self.away:
                _log.info("the database is written to again, %d points wait", self._spool.points)
                self.away = ""
            failures = 0
            if not more:
                with self._turn:
                    if not self._spool.points:
                        self._empty.set()
                if self._wake.wait(IDLE_S):
                    self._stop.wait(GATHER_S)

    def _step(self) -> bool:
        """Send what is oldest; say whether there was anything."""
        parcels = self._spool.oldest(MOST_POINTS)
        if not parcels:
            self._idle()
            return False
        lines = [line for parcel in parcels for line in parcel.text.split("\n")]
        refused = write_what_it_takes(lines, self._write)
        self._spool.done(parcels, refused)
        if refused:
            _log.warning(
                "%d points were refused and set aside: %s", len(refused), refused[0].reason
            )
        now = time.monotonic()
        self._took.append((now, len(lines) - len(refused)))
        while self._took and self._took[0][0] < now - RATE_OVER_S:
            self._took.popleft()
        self._idle()
        return True
