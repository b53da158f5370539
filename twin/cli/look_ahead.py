"""A line that is watched, looked ahead: what its shift will end with, and how that came out.

What was forecast is stored when it is made, and settled from the plant's counters when its time has
come.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass, field

from twin.cli.forecast_process import Asked, answer_of
from twin.cli.forecast_settled import settled_from
from twin.cli.watch import LiveLine
from twin.engine.planned_time import monday_before, open_time_us
from twin.engine.simulation import resolved_engine
from twin.errors import LinetwinError, NotConnected
from twin.historian.duckdb_store.forecasts import ForecastStore
from twin.historian.port import Historian
from twin.live.reports import points_of
from twin.model.line import Line
from twin.twin_signals import FORECAST_SIGNALS
from twin.whatif.forecast_scores import Kept
from twin.whatif.horizons import horizons_of

__all__ = ["LookAhead", "Shift", "made_by_then"]

_log = logging.getLogger("twin.live")

FIRST_AFTER_S = 5.0
FORECAST_EVERY_S = 60.0
LOOK_EVERY_S = 0.5
HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Shift:
    """A shift as far as it is watched.

    Args:
        from_us, to_us: from when it is watched, and its end, microseconds since 1970-01-01 UTC.
        good_units: off the line when it began to be watched.
    """

    from_us: int
    to_us: int
    good_units: float

    def target_units(self, line: Line) -> float | None:
        """What the counter of good units should show at its end; None: the line has no target."""
        if not line.target:
            return None
        epoch_us = monday_before(line.time_zone, self.from_us)
        open_us = open_time_us(line.calendar_of(), self.from_us - epoch_us, self.to_us - epoch_us)
        return self.good_units + line.target * open_us / HOUR_US


@dataclass(frozen=True, slots=True, order=True)
class Due:
    """Forecasts that wait for the end of their shift.

    Args:
        to_us: that end, microseconds since 1970-01-01 UTC.
        digest, horizon_us: as they are kept; the latter comes again every week.
        made_since_us: when the first of them was made, microseconds since 1970-01-01 UTC.
    """

    to_us: int
    digest: str
    horizon_us: int
    made_since_us: int = field(compare=False)


def made_by_then(before: tuple[int, float], after: tuple[int, float], then_us: int) -> float:
    """A counter between two looks at it, by the straight line.

    Args:
        before, after: when it was looked at, microseconds, and what it showed.
        then_us: an instant between them.

    >>> made_by_then((0, 10.0), (10, 20.0), 5)
    15.0
    """
    share = (then_us - before[0]) / max(1, after[0] - before[0])
    return before[1] + share * (after[1] - before[1])


@dataclass(slots=True)
class LookAhead:
    """Forecasts of a line that is watched.

    Args:
        twin: the line.
        store: where forecasts are kept.
        every_s: from one to the next, by the wall's clock.
        first_after_s: to the first one; again so long where no PLC was heard yet.
        history: what the twins before have stored, to settle the forecasts that they left; None:
            they stay as they are.
        plant_since_us: by the plant's clock, when this plant began and the one before ended; None:
            it is the same one.
    """

    twin: LiveLine
    store: ForecastStore
    every_s: float = FORECAST_EVERY_S
    first_after_s: float = FIRST_AFTER_S
    history: Historian | None = None
    plant_since_us: int | None = None
    _untold: list[Kept] = field(init=False, default_factory=list)
    _began_us: int = field(init=False, default_factory=lambda: time.time_ns() // 1000)
    _shift: Shift | None = field(init=False, default=None)
    _due: set[Due] = field(init=False, default_factory=set)
    _unkept: list[Kept] = field(init=False, default_factory=list)
    _before: tuple[int, float] | None = field(init=False, default=None)
    _said: str = field(init=False, default="")

    async def run(self) -> None:
        """Forecast and settle until cancelled; without the compiled engine there is no forecast."""
        if resolved_engine("auto") != "kernel":
            _log.warning("%s: no forecasts, as there is no compiled engine", self.twin.line.id)
            return
        async with asyncio.TaskGroup() as group:
            group.create_task(self._settle())
            group.create_task(self._settle_what_was_left())
            group.create_task(self._forecast())

    async def _forecast(self) -> None:
        seed, pause_s = 0, self.first_after_s
        while True:
            await asyncio.sleep(pause_s)
            if not self.twin.mirror.newest_us:
                continue
            seed, pause_s = seed + 1, self.every_s
            try:
                await self.forecast(seed)
                self._said = ""
            except LinetwinError as error:
                if str(error) != self._said:
                    _log.warning("%s: no forecast: %s", self.twin.line.id, error)
                self._said = str(error)

    async def forecast(self, seed: int) -> None:
        """Make one of the shift's end, tell it to the history and keep it.

        Args:
            seed: of its futures.

        Raises:
            LinetwinError: it can't be made, or never be kept.
        """
        mirror, line = self.twin.mirror, self.twin.line
        if not mirror.newest_us:
            return
        epoch_us = monday_before(line.time_zone, mirror.newest_us)
        horizon = horizons_of(line, mirror.newest_us - epoch_us)[0]
        good_units, to_us = self.twin.meter.good_units(), epoch_us + horizon.at_us
        if self._shift is None or self._shift.to_us != to_us:
            self._shift = Shift(mirror.newest_us, to_us, good_units)
        target_units = self._shift.target_units(line)
        found = await answer_of(
            Asked(mirror, self.twin.levels, seed, horizon, good_units, target_units)
        )
        self.twin.keep(tuple(points_of(line, "", FORECAST_SIGNALS, found.report, found.at_us)))
        row = found.kept
        self._due.add(Due(to_us, row.digest, row.horizon_us, row.made_at_us))
        self._unkept.append(row)
        # Where somebody else has the file now they are kept with the next one.
        with contextlib.suppress(NotConnected):
            await asyncio.to_thread(self.store.add, self._unkept)
            self._unkept = []

    async def _settle_what_was_left(self) -> None:
        """Settle what twins before have left, now and whenever more of it has come."""
        while True:
            try:
                await asyncio.to_thread(self.settle_what_was_left)
            except LinetwinError as error:
                _log.info("%s: older forecasts wait: %s", self.twin.line.id, error)
            await asyncio.sleep(self.every_s)

    def settle_what_was_left(self) -> None:
        """Settle the forecasts of twins before, from the history.

        Raises:
            LinetwinError: a store can't be read or written now.
        """
        if self.history is not None:
            self._untold += settled_from(
                self.history,
                self.store,
                self.twin.line,
                made_before_us=self._began_us,
                ends_by_us=self.plant_since_us,
                without=self._untold,
            )

    async def _settle(self) -> None:
        came: list[tuple[Due, float]] = []
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            came = [one for one in (*came, *self.look()) if not await self.settle(*one)]

    def look(self) -> list[tuple[Due, float]]:
        """Look how far the plant is.

        Returns:
            The forecasts whose time has come since the last look, each with what the line had made
            by then. Of a line that was not heard all along nobody can say that: they are dropped.
        """
        mirror, before = self.twin.mirror, self._before
        now = (mirror.newest_us, self.twin.meter.good_units())
        heard = all(mirror.unknown_since(station) is None for station in mirror.line.stations)
        passed = {due for due in self._due if due.to_us <= now[0]}
        self._due -= passed
        self._before = now if heard else None
        if not heard or before is None:
            return []
        return [
            (due, made_by_then(before, now, due.to_us))
            for due in sorted(passed)
            if before[0] <= due.to_us
        ]

    async def settle(self, due: Due, made: float) -> bool:
        """Keep what the line had made by the end of a shift.

        Returns:
            Whether that is done with; False: somebody else has the file now, so ask again.
        """
        try:
            await asyncio.to_thread(
                self.store.settle, self.twin.line.id, due.digest,
                horizon_us=due.horizon_us, made=made, made_since_us=due.made_since_us,
            )  # fmt: skip
        except NotConnected:
            return False
        except LinetwinError as error:
            _log.warning("%s: what came of a forecast is not kept: %s", self.twin.line.id, error)
        return True
