"""Drift: what the plant does against what the line file says that it does.

Each watched figure becomes a standard normal score a value, as long as the plant is as the file
says: an operation's or a repair's time by the distribution's own probabilities, failures by the
time that the failures' clocks ran in between, for which by the file one exponential time with the
mean 1 is due (random time change; Brown et al. 2002, Neural Computation 14). A CUSUM over the
scores then needs no knowledge of the distribution, and its limit follows from the false alarms
that are allowed: over all figures of the line one a week.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Final

import numpy as np

from twin.engine.quantiles import (
    QuantileTable,
    mean_us,
    midpoints,
    quantile_table,
    share_below,
)
from twin.historian.port import Point
from twin.live.changes import Notice
from twin.live.cusum import Cusum, decision_limit
from twin.model.durations import Exponential
from twin.model.failures import Failure
from twin.model.line import Line
from twin.model.product import parts_an_operation
from twin.model.station import Station
from twin.observations import Operation, Repair, Uptime
from twin.observed import Observed
from twin.twin_signals import Drifting

__all__ = ["FALSE_ALARMS_A_WEEK", "SHIFT", "Drift"]

FALSE_ALARMS_A_WEEK: Final = 1.0
"""Over all figures of a line together."""
SHIFT: Final = 0.05
"""The drift of a cycle time that is to be found soonest."""
SPREAD: Final = 0.01
"""Of a time without any spread, relatively: less is not looked for."""
REFERENCE: Final = 0.5
"""For failures and repairs: a shift by one standard deviation is to be found soonest. For a cycle
time with little spread too: an alarm then takes several parts, and one odd part makes none."""
OVER: Final = 0.5
"""A drift is over when its evidence is below so much of the limit."""

_NORMAL: Final = NormalDist()
_SURE: Final = 1e-12
_PRODUCED: Final = "processed"
_WEEK_US: Final = 604_800_000_000


def _normal_score(probability: float) -> float:
    return _NORMAL.inv_cdf(min(1 - _SURE, max(_SURE, probability)))


def relative_spread(table: QuantileTable) -> float:
    """The coefficient of variation of a table's times.

    >>> from twin.model.durations import Normal
    >>> round(relative_spread(quantile_table(Normal(distribution="normal", mean="1 s", cv=0.1))), 2)
    0.1
    """
    times, weight = midpoints(table)
    mean = float(np.average(times, weights=weight))
    return math.sqrt(float(np.average((times - mean) ** 2, weights=weight))) / mean


@dataclass(slots=True)
class _Figure:
    """One watched figure and its chart.

    Args:
        unit: the machine, or the station for what its machines are watched for together.
        parameter: what it is.
        expected_s: what the line file says, seconds.
        chart: over its scores.
    """

    unit: str
    parameter: Drifting
    expected_s: float
    chart: Cusum
    standing: bool = False
    seen: list[tuple[int, float]] = field(default_factory=lambda: [(0, 0.0), (0, 0.0)])
    """Of both sides of the chart: values since it left 0, and their sum in seconds."""

    def take(self, score: float, value_s: float) -> None:
        self.chart.take(score)
        for side, level in enumerate((self.chart.up, self.chart.down)):
            count, total = self.seen[side]
            self.seen[side] = (count + 1, total + value_s) if level else (0, 0.0)

    def told(self) -> str | None:
        """What is new of it, in words; None if nothing is."""
        share = self.chart.share
        what = f"{self.unit}: {self.parameter.shown}"
        if not self.standing and share >= 1:
            self.standing = True
            count, total = self.seen[0 if self.chart.rises else 1]
            return (
                f"{what} has drifted: {_four(total / count)} s in the last {count} seen, where the "
                f"line file says {_four(self.expected_s)} s"
            )
        if self.standing and share < OVER:
            self.standing = False
            return f"{what} is as the line file says again"
        return None


def _four(value: float) -> str:
    """Four figures, as people write them.

    >>> _four(10_359.8), _four(10.5)
    ('10,360', '10.5')
    """
    return f"{float(f'{value:.4g}'):,.10g}"


@dataclass(slots=True)
class _Hazard:
    """How many failures of a station were due by the line file."""

    ended: float = 0.0
    """By the clocks that have ended."""
    at_last_failure: float = 0.0


@dataclass(slots=True)
class Drift:
    """Watches a line for drift.

    Args:
        line: the line as its file has it.

    >>> from lines.loader import load_text
    >>> from twin.historian.port import Series
    >>> drift = Drift(load_text("id: L\\nstations: [{id: A, cycle_time: 10 s}]\\n"))
    >>> said = [("state_current", 0, 6.0)] + [("cycle_time_s", 11 * i, 10.5) for i in range(1, 10)]
    >>> for signal, at_s, value in said:
    ...     point = Point(Series("L", "A01", signal), at_s * 1_000_000, value)
    ...     for notice in drift.take([point]):
    ...         print(notice.text)
    A01: cycle time has drifted: 10.5 s in the last 3 seen, where the line file says 10 s
    >>> drift.of("A")[1].name
    'CYCLE_TIME'
    """

    line: Line
    _observed: Observed = field(init=False)
    _stations: dict[str, Station] = field(init=False)
    """By machine."""
    _figures: dict[tuple[str, Drifting], _Figure] = field(init=False)
    _hazards: dict[str, _Hazard] = field(init=False)
    _last: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    """Of machines whose time has no spread: the last one's score, itself, and the parts then."""

    def __post_init__(self) -> None:
        self._observed = Observed(self.line)
        self._stations = {
            station.machine_id(machine): station
            for station in self.line.stations
            for machine in range(station.machines)
        }
        self._hazards = {station.id: _Hazard() for station in self.line.stations}
        wanted = [w for station in self.line.stations for w in _wanted(station)]
        self._figures = {
            (unit, parameter): _Figure(
                unit,
                parameter,
                expected_s,
                Cusum(
                    reference,
                    decision_limit(reference, max(2.0, a_week * len(wanted) / FALSE_ALARMS_A_WEEK)),
                ),
            )
            for unit, parameter, expected_s, reference, a_week in wanted
        }

    def take(self, points: Iterable[Point]) -> tuple[Notice, ...]:
        """Take in points of one message.

        Returns:
            That a figure has drifted, or is as it was.
        """
        points = tuple(points)
        touched: dict[tuple[str, Drifting], int] = {}
        for one in self._observed.take(points):
            match one:
                case Operation():
                    self._operation(one, touched)
                case Uptime():
                    self._uptime(one, touched)
                case Repair():
                    self._repair(one, touched)
        for point in points:
            if point.series.signal == _PRODUCED and point.series.unit in self._last:
                self._repeated(point, touched)
        return tuple(self._notices(touched))

    def forget(self, stations: Iterable[str], at_us: int) -> None:
        """Say that nothing is known of stations from an instant on."""
        named = set(stations)
        units = [unit for unit, station in self._stations.items() if station.id in named]
        for one in self._observed.lose(units, at_us):
            if isinstance(one, Uptime):
                self._hazards[one.station].ended += self._due(one)
        for unit in units:
            self._last.pop(unit, None)

    def of(self, station: str) -> tuple[float, Drifting]:
        """How a station stands.

        Returns:
            The largest evidence over its alarm limit (from 1 on it is drift), and of what; NOTHING
            below 1.
        """
        figures = [
            figure
            for (unit, _), figure in self._figures.items()
            if unit == station or (unit in self._stations and self._stations[unit].id == station)
        ]
        worst = max(figures, key=lambda figure: figure.chart.share)
        share = worst.chart.share
        return share, worst.parameter if share >= 1 else Drifting.NOTHING

    # -- scores ----------------------------------------------------------------------------------

    def _score(
        self,
        unit: str,
        parameter: Drifting,
        score: float,
        value_s: float,
        at_us: int,
        touched: dict[tuple[str, Drifting], int],
    ) -> None:
        self._figures[unit, parameter].take(score, value_s)
        touched[unit, parameter] = at_us

    def _operation(self, one: Operation, touched: dict[tuple[str, Drifting], int]) -> None:
        station = self._stations[one.unit]
        table = _table(station)
        value_s = one.worked_us / 1e6
        if table.constant_us:
            if one.stopped:
                # What is left of it is only as good as the scan: coarser than what is looked for.
                self._last.pop(one.unit, None)
                return
            score = (one.worked_us / table.constant_us - 1) / SPREAD
            self._last[one.unit] = (score, value_s, math.nan)
        else:
            score = _normal_score(share_below(table, one.worked_us))
        self._score(one.unit, Drifting.CYCLE_TIME, score, value_s, one.at_us, touched)

    def _repeated(self, point: Point, touched: dict[tuple[str, Drifting], int]) -> None:
        """A time that stays the same is said once: what is made meanwhile took just as long."""
        unit, at_us = point.series.unit, point.at_us
        score, value_s, before = self._last[unit]
        if math.isnan(before):
            self._last[unit] = (score, value_s, point.value)
        elif point.value - before >= parts_an_operation(self.line, self._stations[unit]):
            self._last[unit] = (score, value_s, point.value)
            self._score(unit, Drifting.CYCLE_TIME, score, value_s, at_us, touched)

    def _uptime(self, one: Uptime, touched: dict[tuple[str, Drifting], int]) -> None:
        hazard = self._hazards[one.station]
        hazard.ended += self._due(one)
        if not one.failed:
            return
        due = hazard.ended + sum(
            self._due(other)
            for other in self._observed.running(one.station, one.at_us)
            if (other.unit, other.mode) != (one.unit, one.mode)
        )
        gap = max(0.0, due - hazard.at_last_failure)
        hazard.at_last_failure = due
        figure = self._figures[one.station, Drifting.TIME_TO_FAILURE]
        score = _normal_score(-math.expm1(-gap))
        self._score(
            one.station,
            Drifting.TIME_TO_FAILURE,
            score,
            gap * figure.expected_s,
            one.at_us,
            touched,
        )

    def _due(self, one: Uptime) -> float:
        """How many failures were due while a clock ran: its cumulative hazard by the line file."""
        duration = _failure(self._stations[one.unit], one.mode).mtbf
        if isinstance(duration, Exponential) or not one.whole:
            return one.ran_us / mean_us(duration)
        below = share_below(quantile_table(duration), one.ran_us)
        return -math.log(max(_SURE, 1 - below))

    def _repair(self, one: Repair, touched: dict[tuple[str, Drifting], int]) -> None:
        if not one.ended:
            return
        table = quantile_table(_failure(self._stations[one.unit], one.mode).mttr)
        value_s = one.lasted_us / 1e6
        score = (
            (one.lasted_us / table.constant_us - 1) / SPREAD
            if table.constant_us
            else _normal_score(share_below(table, one.lasted_us))
        )
        self._score(one.station, Drifting.TIME_TO_REPAIR, score, value_s, one.at_us, touched)

    def _notices(self, touched: dict[tuple[str, Drifting], int]) -> Iterable[Notice]:
        for (unit, parameter), at_us in touched.items():
            text = self._figures[unit, parameter].told()
            if text is not None:
                station = self._stations[unit].id if unit in self._stations else unit
                yield Notice(at_us, self.line.plc_of(station), (station,), text)


def _failure(station: Station, mode: str) -> Failure:
    return next(failure for failure in station.failures if failure.id == mode)


def _table(station: Station) -> QuantileTable:
    return quantile_table(station.cycle_time, 1 / station.effectiveness)


def _wanted(station: Station) -> list[tuple[str, Drifting, float, float, float]]:
    """The figures of a station: unit, parameter, what is expected, allowance, values a week."""
    cycle_us = mean_us(station.cycle_time) / station.effectiveness
    spread = max(SPREAD, relative_spread(_table(station)))
    reference = min(REFERENCE, SHIFT / spread / 2)
    found = [
        (
            station.machine_id(machine),
            Drifting.CYCLE_TIME,
            cycle_us / 1e6,
            reference,
            station.places * _WEEK_US / cycle_us,
        )
        for machine in range(station.machines)
    ]
    if station.failures:
        rate = sum(1 / mean_us(failure.mtbf) for failure in station.failures)
        mttr_s = sum(mean_us(f.mttr) / mean_us(f.mtbf) for f in station.failures) / rate / 1e6
        a_week = station.machines * _WEEK_US * rate
        found += [
            (station.id, Drifting.TIME_TO_FAILURE, 1 / rate / 1e6, REFERENCE, a_week),
            (station.id, Drifting.TIME_TO_REPAIR, mttr_s, REFERENCE, a_week),
        ]
    return found
