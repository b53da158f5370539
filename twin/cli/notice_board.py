"""What people are told of a line: several PLCs that go or come at one instant are one notice."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from twin.live.changes import Notice
from twin.live.readings import ConnectionChanged, Message

__all__ = ["NoticeBoard"]

_log = logging.getLogger("twin.live")

KEPT = 50
TOGETHER_S = 1.5
"""PLCs of one process, or on one switch, go within so long of one another."""


@dataclass(slots=True)
class _Group:
    """PLCs that went, or came, together: the notice of the first, and what it stands for now."""

    connected: bool
    first: Notice
    shown: Notice
    plcs: list[str] = field(default_factory=list)
    stations: dict[str, None] = field(default_factory=dict)


@dataclass(slots=True)
class NoticeBoard:
    """The latest notices of a line, the newest last.

    Args:
        line: its id.
        latest: what is shown.

    >>> board = NoticeBoard("L1")
    >>> for plc in ("A", "B"):
    ...     gone = ConnectionChanged(plc, False, 0, "no answer")
    ...     board.take(gone, [Notice(0, plc, (f"S{plc}",), f"{plc} is lost: S{plc}; no answer")])
    >>> [notice.text for notice in board.latest]
    ['2 PLCs are lost: A, B; unknown: SA, SB; no answer']
    """

    line: str
    latest: deque[Notice] = field(default_factory=lambda: deque(maxlen=KEPT))
    _group: _Group | None = None

    def take(self, message: Message, notices: Iterable[Notice]) -> None:
        """Put up what a message has led to.

        Args:
            message: what came.
            notices: what the mirror says about it.
        """
        for notice in notices:
            if not isinstance(message, ConnectionChanged):
                self._put(notice)
                _log.info("%s: %s", self.line, notice.text)
            elif not self._joins(message, notice):
                self._group = _Group(
                    message.connected, notice, notice, [notice.plc], dict.fromkeys(notice.stations)
                )
                self._put(notice)
                self._say_soon(self._group)

    def _put(self, notice: Notice) -> None:
        self.latest.append(notice)

    def _joins(self, message: ConnectionChanged, notice: Notice) -> bool:
        """Add a notice to the last one if both are of one event."""
        group = self._group
        if group is None or group.connected != message.connected or not self.latest:
            return False
        late = notice.at_us - group.first.at_us > TOGETHER_S * 1e6
        if late or self.latest[-1] is not group.shown or notice.plc in group.plcs:
            return False
        group.plcs.append(notice.plc)
        group.stations |= dict.fromkeys(notice.stations)
        names, stations = ", ".join(group.plcs), ", ".join(group.stations)
        count = len(group.plcs)
        text = (
            f"{count} PLCs are connected: {names}; known: {stations}"
            if message.connected
            else f"{count} PLCs are lost: {names}; unknown: {stations}; {message.reason}"
        )
        group.shown = replace(group.first, plc=names, stations=tuple(group.stations), text=text)
        self.latest[-1] = group.shown
        return True

    def _say_soon(self, group: _Group) -> None:
        """Log a group when it is whole; at once where nothing runs that could wait."""

        def say() -> None:
            _log.info("%s: %s", self.line, group.shown.text)

        try:
            asyncio.get_running_loop().call_later(TOGETHER_S, say)
        except RuntimeError:
            say()
