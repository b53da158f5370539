"""The live twin of one line, put together: subscribers, mirror, history."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from opcua.subscriber import Credentials, Subscriber
from opcua.tag_map import TagMap
from twin.cli.notice_board import NoticeBoard
from twin.errors import LinetwinError
from twin.historian.port import Historian, Point
from twin.live.changes import Notice
from twin.live.hearing import Hearing
from twin.live.inferred import Levels
from twin.live.mirror import Mirror
from twin.live.output import OutputMeter
from twin.live.readings import Message
from twin.live.reports import Reports
from twin.live.self_watch import points_of_itself
from twin.model.line import Line
from twin.model.spool_status import SpoolStatus

__all__ = ["History", "LiveLine"]

_log = logging.getLogger("twin.live")

REPORT_EVERY_S = 5.0
LOOK_EVERY_US = 1_000_000
"""Levels that no signal tells are worked out so often, by the plant's clock."""
MOST_POINTS_WAITING = 2_000_000


@dataclass(slots=True)
class LiveLine:
    """A line that is watched.

    Args:
        line: which.
        keep: takes the points that are to be stored.
        told: called after each message, for those who show the line.
        speed: its clocks run so many times as fast as ours.
    """

    line: Line
    keep: Callable[[tuple[Point, ...]], None]
    told: Callable[[], None] = lambda: None
    speed: float = 1.0
    mirror: Mirror = field(init=False)
    meter: OutputMeter = field(init=False)
    reports: Reports = field(init=False)
    board: NoticeBoard = field(init=False)
    hearing: Hearing = field(init=False)
    levels: Levels = field(init=False)
    _looked_us: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.board = NoticeBoard(self.line.id)
        self.mirror = Mirror(self.line, self.speed)
        self.meter = OutputMeter(self.mirror)
        self.reports = Reports(self.mirror, self.meter)
        self.hearing = Hearing(self.mirror)
        self.levels = Levels(self.mirror)

    def take(self, message: Message) -> None:
        """Take in a message of a subscriber."""
        changes = self.mirror.handle(message)
        self.keep(changes.points)
        self.keep(self.hearing.changed())
        drifts = self.reports.take(message, changes)
        self.board.take(message, (*changes.notices, *drifts))
        self.meter.sample()
        newest_us = self.mirror.newest_us
        if not 0 <= newest_us - self._looked_us < LOOK_EVERY_US:
            self._looked_us = newest_us
            self.levels.take()
        self.told()

    @property
    def notices(self) -> deque[Notice]:
        """What people should know, the newest last."""
        return self.board.latest

    async def report(self, every_s: float = REPORT_EVERY_S) -> None:
        """Store what the twin works out of the line, now and then, until cancelled."""
        while True:
            await asyncio.sleep(every_s)
            self.keep(self.reports.points(time.time_ns() // 1000))
            self.keep(self.hearing.points())

    async def watch(
        self, tag_map: TagMap, security: Credentials | Mapping[str, Credentials]
    ) -> None:
        """Watch the line until cancelled.

        Args:
            tag_map: where its tags are.
            security: who we are, to all PLCs or by PLC.
        """
        async with asyncio.TaskGroup() as group:
            for plc in tag_map.plcs:
                own = security[plc.plc] if isinstance(security, Mapping) else security
                group.create_task(Subscriber(plc, own, self.take).run())


@dataclass(slots=True)
class History:
    """Carries points to a historian, a batch at a time, without ever holding up the twin.

    Args:
        historian: the store.
        every_s: time from batch to batch.
        spool: how the spool before the store was when it was last looked at; None without one.
    """

    historian: Historian
    every_s: float = 1.0
    spool: SpoolStatus | None = None
    stored: int = 0
    refused: int = 0
    dropped: int = 0
    away: str = ""
    _waiting: list[Point] = field(default_factory=list)

    def keep(self, points: tuple[Point, ...]) -> None:
        """Put points in the next batch; the oldest give way when the store is away too long."""
        self._waiting.extend(points)
        excess = len(self._waiting) - MOST_POINTS_WAITING
        if excess > 0:
            del self._waiting[:excess]
            self.dropped += excess

    @property
    def waiting(self) -> int:
        """Points that are not stored yet."""
        return len(self._waiting)

    async def watch_spool(
        self, status: Callable[[], SpoolStatus], line_ids: Sequence[str], every_s: float = 5.0
    ) -> None:
        """Look at the spool before the store now and then, and store what the twin says of itself.

        Args:
            status: tells how the spool is.
            line_ids: the lines that are watched.
            every_s: time from look to look.
        """
        dropped: int | None = None
        while True:
            self.spool = await asyncio.to_thread(status)
            if dropped is not None and self.spool.dropped > dropped:
                lost = self.spool.dropped - dropped
                _log.warning("the spool is full: %d points of history were dropped", lost)
            dropped = self.spool.dropped
            self.keep(points_of_itself(self.spool, line_ids, time.time_ns() // 1000))
            await asyncio.sleep(every_s)

    async def run(self) -> None:
        """Write batches until cancelled, then write what is left."""
        writing: asyncio.Future[None] | None = None
        try:
            while True:
                await asyncio.sleep(self.every_s)
                writing = asyncio.ensure_future(self._write())
                await asyncio.shield(writing)
        finally:
            if writing is not None and not writing.done():
                await writing
            await self._write()

    async def _write(self) -> None:
        batch, self._waiting = self._waiting, []
        if not batch:
            return
        try:
            report = await asyncio.to_thread(self.historian.write, batch)
        except LinetwinError as error:
            # A store that needs mending, as one on a full disk, must not end the twin either.
            self._waiting = batch + self._waiting
            if not self.away:
                _log.warning("history is not written: %s", error)
            self.away = str(error)
            return
        if self.away:
            _log.info("history is written again")
            self.away = ""
        self.stored += report.written
        self.refused += len(report.refused)
