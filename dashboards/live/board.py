"""The board between the twin and its browsers: the newest values, and what has changed since when.

The twin hangs up values a few times a second and never waits for a browser. Whoever reads gets the
whole board first and then differences; one who comes back within a minute gets what it has missed.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Board", "News"]

Values = Mapping[str, Any]
KEPT = 300
"""Differences that are kept: a minute of five a second."""


@dataclass(frozen=True, slots=True)
class News:
    """What a reader has not seen yet.

    Args:
        number: of the newest difference in it; say it to `news_since` the next time.
        whole: whether `values` is everything, and not only what changed.
        values: by key.
    """

    number: int
    whole: bool
    values: Values


@dataclass(slots=True)
class Board:
    """The newest values by key. Its methods may be called from any thread.

    >>> board = Board()
    >>> board.hang({"a": 1, "b": 2})
    >>> board.hang({"a": 1, "b": 3})
    >>> board.news_since(1)
    News(number=2, whole=False, values={'b': 3})
    >>> board.news_since(None).values
    {'a': 1, 'b': 3}
    """

    loop: asyncio.AbstractEventLoop | None = None
    """Where the twin runs, once it hangs values up."""
    _values: dict[str, Any] = field(default_factory=dict)
    _number: int = 0
    _changes: deque[tuple[int, Values]] = field(default_factory=lambda: deque(maxlen=KEPT))
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = field(default_factory=set)

    def hang(self, values: Values) -> None:
        """Put up everything that there is to say now; a key that is missing has gone."""
        with self._lock:
            changed = {k: v for k, v in values.items() if self._values.get(k, self) != v}
            changed |= dict.fromkeys(self._values.keys() - values.keys())
            if not changed:
                return
            self._number += 1
            self._changes.append((self._number, changed))
            self._values = dict(values)
        self.wake()

    def wake(self) -> None:
        """Let everybody who waits look up, whether there is something new or not."""
        with self._lock:
            waiting = tuple(self._waiting)
        for loop, event in waiting:
            loop.call_soon_threadsafe(event.set)

    def news_since(self, number: int | None) -> News | None:
        """What is new since a reader's last news; None where nothing is.

        Args:
            number: of those news; None, or one that is no longer known of: everything.
        """
        with self._lock:
            oldest = self._changes[0][0] if self._changes else self._number + 1
            if number is None or not oldest - 1 <= number <= self._number:
                return News(self._number, whole=True, values=self._values)
            if number == self._number:
                return None
            changed: dict[str, Any] = {}
            for of, values in self._changes:
                if of > number:
                    changed.update(values)
            return News(self._number, whole=False, values=changed)

    async def wait(self, number: int | None, seconds: float) -> News | None:
        """Wait for something new, at most so long; None where nothing came."""
        ticket = (asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            self._waiting.add(ticket)
        try:
            news = self.news_since(number)
            if news is None:
                async with asyncio.timeout(seconds):
                    await ticket[1].wait()
                news = self.news_since(number)
        except TimeoutError:
            return None
        else:
            return news
        finally:
            with self._lock:
                self._waiting.discard(ticket)
