"""PLCs that do again what a real plant did: a line's address space, its values from a recording.

Source timestamps are the recorded ones, moved so that the first is when the replay began; at twice
the speed they run ahead of the wall's clock as an emulated plant's do.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from opcua.address_space import PLC_SIGNALS, plc_ids
from opcua.clock import Clock
from opcua.collection import no_collection
from opcua.faults.tamper import Shown
from opcua.personality import GENERIC, Personality
from opcua.plc_server import PlcServer
from opcua.recorded_points import Played, RecordedPoints
from opcua.security import ServerSecurity
from twin.errors import UsageError
from twin.historian.port import Quality
from twin.model.line import Line
from twin.model.packml import State
from twin.signals import Tag, Value, ValueType, tags

__all__ = ["ReplayedLine", "serve_replay"]

Key = tuple[str, str]
_STATUS = {Quality.UNCERTAIN: "Uncertain", Quality.BAD: "Bad"}
_NOT_YET = "BadWaitingForInitialData"


class ReplayedLine:
    """A recording that is being served. Made by `serve_replay`.

    Args:
        line: whose address space.
        points: what is played.
        clock: says how far; it stands where the replay begins.
        plcs: its servers.
        scan_s: time from scan to scan, greater than 0.
        loop: whether it begins again when it is over.
    """

    def __init__(
        self,
        line: Line,
        points: RecordedPoints,
        clock: Clock,
        plcs: tuple[PlcServer, ...],
        scan_s: float,
        *,
        loop: bool,
    ) -> None:
        if not scan_s > 0:
            raise UsageError(f"scan_s: must be greater than 0, got {scan_s}")
        self.points = points
        self.plcs = plcs
        self._line = line
        self._clock = clock
        self._scan_s = scan_s
        self._loop = loop
        self._began_us = clock.now_us()
        self._plc_of = {tag.key: tag.plc for tag in tags(line)}
        self._played_us = -1
        self._scans = 0

    @property
    def endpoints(self) -> dict[str, str]:
        """URL by PLC."""
        return {server.plc: server.url for server in self.plcs}

    @property
    def is_over(self) -> bool:
        """Whether all has been played, and nothing comes after it."""
        return not self._loop and self._played_us >= self.points.length_us

    async def start(self) -> None:
        """Start the servers with the first values; `serve_replay` does it."""
        (_, first), *_ = self.points.between(-1, 0, loop=False)
        at = self._source_us(0)
        for server in self.plcs:
            values: dict[Key, Value] = {
                tag.key: first[tag.key].value if tag.key in first else _not_yet(tag)
                for tag in tags(self._line)
                if tag.plc == server.plc
            }
            await server.start(values, at)
            for key, value in values.items():
                if key not in first:
                    await server.show(key, Shown(value, at, _NOT_YET))
        await self._publish(first, at)
        self._played_us = 0

    async def scan(self) -> int:
        """Publish what was recorded up to the clock's now; how many points."""
        to_us = self._clock.now_us() - self._began_us
        count = 0
        for at_us, values in self.points.between(self._played_us, to_us, loop=self._loop):
            await self._publish(values, self._source_us(at_us))
            count += len(values)
            # Writing never yields by itself, and publishing would starve.
            await asyncio.sleep(0)
        self._played_us = to_us
        self._scans += 1
        for server in self.plcs:
            beat = {(server.plc, PLC_SIGNALS[-1].name): self._scans}
            await server.write(beat, self._source_us(to_us))
        return count

    async def run(self) -> None:
        """Scan for ever; a recording that is over stands at its last values."""
        due = time.monotonic()
        while True:
            await self.scan()
            due = max(due + self._scan_s, time.monotonic())
            await asyncio.sleep(due - time.monotonic())

    async def _publish(self, values: Mapping[Key, Played], at_unix_us: int) -> None:
        for server in self.plcs:
            mine = {key: one for key, one in values.items() if self._plc_of[key] == server.plc}
            good = {key: one.value for key, one in mine.items() if one.quality is Quality.GOOD}
            if good:
                await server.write(good, at_unix_us)
            for key, one in mine.items():
                if one.quality is not Quality.GOOD:
                    await server.show(key, Shown(one.value, at_unix_us, _STATUS[one.quality]))

    def _source_us(self, at_us: int) -> int:
        return self._clock.epoch_unix_us + self._began_us + at_us


def _not_yet(tag: Tag) -> Value:
    """What a signal holds, with a bad status, until the recording says something of it."""
    if tag.signal.name == "state_current":
        # There is no state 0, and what follows from a state must be one's.
        return int(State.STOPPED)
    return {ValueType.DOUBLE: 0.0, ValueType.BOOLEAN: False}.get(tag.signal.value_type, 0)


@asynccontextmanager
async def serve_replay(
    line: Line,
    points: RecordedPoints,
    clock: Clock,
    security: ServerSecurity | None,
    *,
    host: str = "127.0.0.1",
    ports: Mapping[str, int] | None = None,
    scan_s: float = 0.5,
    loop: bool = False,
    personality: Personality = GENERIC,
) -> AsyncIterator[ReplayedLine]:
    """Serve a recording for as long as the context lasts. `ReplayedLine.run` keeps it going.

    Args:
        line: whose PLCs are served.
        points: what was recorded of it.
        clock: how far the replay is; its speed is the replay's.
        security: whom to let in; None: everybody, unencrypted, on a loopback address only.
        host: address to listen on.
        ports: port by PLC; absent: the line file's, 0 for any free one.
        scan_s: time from scan to scan, greater than 0.
        loop: whether it begins again when it is over.
        personality: the make of PLC to be like.

    Raises:
        UsageError: a port in use, no encryption on an address that others can reach.
    """
    chosen = {**{plc.id: plc.port for plc in line.plcs}, **(ports or {})}
    servers = tuple(
        PlcServer(line, plc, security, host, chosen.get(plc, 0), personality=personality)
        for plc in plc_ids(line)
    )
    replayed = ReplayedLine(line, points, clock, servers, scan_s, loop=loop)
    async with AsyncExitStack() as stack:
        for server in servers:
            stack.push_async_callback(server.stop)
        with no_collection():
            await replayed.start()
        yield replayed
