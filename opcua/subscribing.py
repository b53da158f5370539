"""How a subscriber goes about it."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from opcua.readings import Message

__all__ = ["Options", "Sink"]

Sink = Callable[[Message], None]
"""Takes a message at once and never blocks: `queue.put_nowait`, or a mirror's own method."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a subscriber goes about it.

    Args:
        publishing_s: time from one batch to the next, greater than 0.
        sampling_s: how often the server looks at a value; None: as often as it publishes.
        queue_size: values that the server keeps of one tag between two batches, at least 1.
        watchdog_s: silence after which the server is taken for lost; it is asked to say something
            at least every third of this.
        live_at_first_s: how long a live counter may stand still before its pace is known; after
            that three times its own pace, and `watchdog_s` at least.
        timeout_s: longest wait for an answer.
        nodes_per_request: most nodes in one request, at least 1; less where the server says so.
        most_republished: lost notifications that are asked for again, one by one, at most; beyond
            it reading everything is quicker.
        back_off_s: first and longest pause between two attempts to connect; each is twice the
            last, times a random factor between a half and one.
        service_level_s: how often a redundant server is asked how well it serves.
        renewal_s: how often it is looked at whether our certificate has been renewed.
        jitter: draws that factor's place, 0 to 1.
        sleep: waits so many seconds.
        now_us: when things arrive, microseconds since 1970-01-01 UTC.
    """

    publishing_s: float = 0.2
    sampling_s: float | None = None
    queue_size: int = 10
    watchdog_s: float = 3.0
    live_at_first_s: float = 30.0
    timeout_s: float = 4.0
    nodes_per_request: int = 1000
    most_republished: int = 20
    back_off_s: tuple[float, float] = (0.5, 10.0)
    service_level_s: float = 0.5
    renewal_s: float = 30.0
    jitter: Callable[[], float] = random.random
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    now_us: Callable[[], int] = lambda: time.time_ns() // 1000

    @property
    def keep_alive_count(self) -> int:
        """Publishing intervals without a change after which the server says that it is alive."""
        return max(1, int(self.watchdog_s / 3 / self.publishing_s))
