"""Whether what a connected PLC says can be believed: the live counter, values that stand still."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from asyncua import ua

from opcua.liveness import Liveness, Pace
from opcua.publications import Columns
from opcua.readings import Reading, StaleChanged
from opcua.subscribing import Options, Sink
from opcua.tag_map import PlcMap
from opcua.translation import Translation
from twin.errors import NotConnected

__all__ = ["Belief"]

Key = tuple[str, str]


class Belief:
    """What is believed of one connection's values.

    Args:
        plc: whose they are.
        translation: knows the last of each.
        options: how long what may stand still.
        sink: is told.
    """

    def __init__(self, plc: PlcMap, translation: Translation, options: Options, sink: Sink) -> None:
        self._plc = plc
        self._translation = translation
        self._options = options
        self._sink = sink
        self._liveness = Liveness(plc.nodes)
        self._pace: Pace | None = None
        self._stands_still = False
        self.watchdog_s = options.watchdog_s

    def begin(self, live: ua.DataValue) -> None:
        """Watch the live counter from its first value on."""
        first_s = max(self._options.live_at_first_s, self.watchdog_s)
        self._pace = Pace(self.watchdog_s, first_s, _value(live), _now_s())

    def note_live(self, columns: Columns) -> None:
        """Take in what the live counter shows, if it is among what came."""
        live = self._translation.live
        if self._pace is not None and live in columns.handles:
            last = len(columns.handles) - 1 - columns.handles[::-1].index(live)
            self._pace.note(columns.values[last], _now_s())

    def believed(self, readings: tuple[Reading, ...]) -> tuple[Reading, ...]:
        """Take in what came, and leave out what is stale."""
        if not self._liveness or not readings:
            return readings
        self._liveness.note(readings, _now_s())
        stale = self._liveness.stale
        if not stale:
            return readings
        return tuple(one for one in readings if (one.unit, one.signal) not in stale)

    async def look(self, read_live: Callable[[], Awaitable[ua.DataValue]], *, polled: bool) -> bool:
        """Look whether anything has become stale, or can be believed again; say so.

        Args:
            read_live: reads the live counter.
            polled: whether it is polled: then it can't be missed by a subscription.

        Returns:
            Whether everything is to be read afresh.

        Raises:
            NotConnected: the subscription is dead though the server says that it is not.
        """
        new, over = self._liveness.judge(_now_s(), self.watchdog_s)
        if new:
            self._say_stale(new, "it stands still while the counter beside it runs on")
        if over:
            self._say_believed(over)
        if self._pace is None:
            return False
        return await self._look_at_live(self._pace, read_live, polled=polled)

    async def _look_at_live(
        self, pace: Pace, read_live: Callable[[], Awaitable[ua.DataValue]], *, polled: bool
    ) -> bool:
        still_s, allowed_s = _now_s() - pace.changed_s, pace.allowed_s
        if self._stands_still and still_s < allowed_s:
            self._stands_still = False
            self._sink(StaleChanged(self._plc.plc, self._keys(), False, self._options.now_us(), ""))
            return True
        if self._stands_still or still_s < allowed_s * 2 / 3:
            return False
        before = pace.changed_s
        value = _value(await read_live())
        if value != pace.value and pace.changed_s == before and not polled:
            # It moves, and nobody told us: nor would we be told of anything else.
            raise NotConnected(f"{self._plc.url}: the subscription is silently dead")
        if pace.changed_s == before and still_s >= allowed_s:
            self._stands_still = True
            live = self._plc.live
            self._say_stale(self._keys(), f"{live} stands still: the PLC does not work")
        return False

    def _keys(self) -> tuple[Key, ...]:
        return tuple((node.unit, node.signal) for node in self._plc.nodes)

    def _say_stale(self, keys: tuple[Key, ...], reason: str) -> None:
        now_us = self._options.now_us()
        readings = self._translation.distrusted(keys, now_us)
        if readings:
            self._sink(readings)
        self._sink(StaleChanged(self._plc.plc, keys, True, now_us, reason))

    def _say_believed(self, keys: tuple[Key, ...]) -> None:
        self._sink(StaleChanged(self._plc.plc, keys, False, self._options.now_us(), ""))
        held = tuple(filter(None, map(self._translation.last.get, keys)))
        if held:
            self._sink(held)


def _value(data: ua.DataValue) -> object:
    return None if data.Value is None else data.Value.Value


def _now_s() -> float:
    return asyncio.get_running_loop().time()
