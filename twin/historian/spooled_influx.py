"""The historian of a plant: a spool on disk before an InfluxDB that comes and goes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from twin.errors import LinetwinError
from twin.historian.drain import Drain
from twin.historian.influx import InfluxAddress, InfluxDoor
from twin.historian.influx_store import InfluxHistorian
from twin.historian.line_protocol import Encoder
from twin.historian.port import History, Point, Query, Samples, WriteReport
from twin.historian.refused_lines import RefusedLine
from twin.historian.rollup import RollUp
from twin.historian.spool import Bounds, Spool
from twin.model.line import Line
from twin.model.spool_status import SpoolStatus

__all__ = ["SpooledInflux"]

EMPTY_WITHIN_S: Final = 10.0
"""So long a twin that ends waits for its spool to empty, if the database is there."""

DROPPING_FOR_S: Final = 60.0


class SpooledInflux:
    """A historian whose writes never wait for the database.

    A batch is written when it is in the spool; a thread brings it to the database. So `read` and
    `last` ask the database, and give what has arrived there.

    Args:
        address: where the database is.
        spool: the spool's file.
        lines: the lines of the plant.
        bounds: how much the spool may hold.
    """

    overwrites = True

    def __init__(
        self,
        address: InfluxAddress,
        spool: Path,
        lines: Sequence[Line] = (),
        bounds: Bounds | None = None,
    ) -> None:
        self._spool = Spool(spool, bounds)
        self._door = InfluxDoor(address)
        self._encoder = Encoder(lines)
        self._reading = InfluxHistorian(address, lines)
        self._database = address.database
        rollup = RollUp(self._door, self._spool)
        self._drain = Drain(self._spool, self._write_now, rollup.step)
        self._closed = False
        self._ended: SpoolStatus | None = None

    def write(self, batch: Sequence[Point]) -> WriteReport:
        """Put a batch into the spool; see `Historian.write`.

        Where the disk is full and nothing waits on it, the batch goes to the database at once.
        """
        self._check_open()
        found, refused = self._encoder.encode(batch)
        if refused:
            self._spool.refuse([RefusedLine(repr(one.point), one.reason) for one in refused])
        if found:
            try:
                self._spool.put(found)
            except LinetwinError:
                if self._spool.points:
                    raise
                for lines in found:
                    self._write_now(lines.text)
            self._drain.wake()
        return WriteReport(len(batch) - len(refused), 0, refused)

    def read(self, query: Query) -> History:
        """Return the points that a query asks for and that have arrived; see `Historian.read`."""
        return self._reading.read(query)

    def last(self, query: Query) -> History:
        """Return the newest point of each series; see `Historian.last`."""
        return self._reading.last(query)

    def sampled(self, query: Query, every_us: int) -> Samples:
        """Return points brought down to a row an interval; see `Historian.sampled`."""
        return self._reading.sampled(query, every_us)

    def status(self) -> SpoolStatus:
        """Tell how the way to the database is; after `close` how it was at the end."""
        return self._ended or self._status()

    def _status(self) -> SpoolStatus:
        tally = self._spool.tally()
        refused = tally.pop("refused")
        dropped_at_s = self._spool.dropped_at_s
        return SpoolStatus(
            points=self._spool.points,
            age_s=self._spool.age_s(),
            drained_per_s=self._drain.per_s(),
            dropped=sum(tally.values()),
            refused=refused,
            dropping=dropped_at_s is not None and time.monotonic() < dropped_at_s + DROPPING_FOR_S,
            away=self._drain.away,
        )

    def newest_us(self) -> int:
        """Return an instant after all that ever went through the spool; 0 before the first."""
        return self._spool.newest_us()

    def wait_until_empty(self, deadline_s: float) -> bool:
        """Wait until the database has everything; say whether it came to that in time."""
        return self._drain.wait_until_empty(deadline_s)

    def close(self) -> None:
        """Empty the spool if the database is there, then let go; calling it twice is harmless."""
        if not self._closed:
            self._closed = True
            self._drain.stop(EMPTY_WITHIN_S)
            self._ended = self._status()
            self._door.close()
            self._spool.close()
        self._reading.close()

    def _write_now(self, text: bytes) -> None:
        self._door.write(text, self._database)

    def _check_open(self) -> None:
        if self._closed:
            raise LinetwinError("this historian is closed; open another one")
