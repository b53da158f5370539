"""What a line and its stations did in a shift (ISO 22400), as any store of history tells it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from twin.historian.port import Historian, Quality, Query, Series
from twin.kpi import StationKpi
from twin.live.reports import station_kpi_between
from twin.model.line import Line
from twin.model.station import Station

__all__ = [
    "OF_THE_LINE",
    "SAMPLE_US",
    "Counter",
    "Counters",
    "ShiftKpi",
    "StationShift",
    "counters",
    "shift_kpi",
    "shift_of",
]

DAY_US: Final = 86_400_000_000
SAMPLE_US: Final = 60_000_000
"""A counter is looked at once a minute: a shift is then 480 rows, however often it spoke."""

SPENT: Final = ("execute_s", "starved_s", "blocked_s", "fault_s", "setup_s", "planned_stop_s")
OF_THE_LINE: Final = ("good_units", "scrap_units", "energy_kwh")
COUNTED: Final = ("processed", "defective", "reworked", "failures")


def shift_of(line: Line, at_us: int) -> tuple[int, int]:
    """When the shift begins and ends in which an instant is; the day, where a line has no shifts.

    Args:
        line: whose shifts, in whose time zone.
        at_us: microseconds since 1970-01-01 UTC.

    Returns:
        The half-open interval, microseconds since 1970-01-01 UTC.

    >>> from twin.model import Line, Station
    >>> line = Line(id="L", stations=(Station(id="A", cycle_time="2 s"),))
    >>> shift_of(line, 90_000_000_000)
    (86400000000, 172800000000)
    """
    zone = ZoneInfo(line.time_zone)
    start_us = line.shifts.start_us if line.shifts else 0
    length_us = line.shifts.length_us if line.shifts else DAY_US
    local = datetime.fromtimestamp(at_us / 1e6, zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    # By the wall clock: on the days on which it is moved a shift is an hour longer or shorter.
    begins = [
        midnight + timedelta(days=day, microseconds=start_us + number * length_us)
        for day in (-1, 0, 1)
        for number in range(DAY_US // length_us)
    ]
    edges = sorted(round(edge.timestamp()) * 1_000_000 for edge in begins)
    last = max(i for i, edge in enumerate(edges) if edge <= at_us)
    return edges[last], edges[last + 1]


@dataclass(frozen=True, slots=True)
class StationShift:
    """What a station did in a shift.

    Args:
        station: its id.
        kpi: its indicators.
        mtbf_s: machine time at work a failure (MTBF), in seconds; None without a failure.
        mttr_s: machine time in a fault a failure (MTTR), in seconds; None without a failure.
        energy_kwh: by the line file's figures.
    """

    station: str
    kpi: StationKpi
    mtbf_s: float | None
    mttr_s: float | None
    energy_kwh: float


@dataclass(frozen=True, slots=True)
class ShiftKpi:
    """What a line did in a shift, as far as the twin watched it.

    Args:
        line: its id.
        from_us, to_us: the shift, microseconds since 1970-01-01 UTC.
        watched_from_us, watched_to_us: from when to when the figures are, to the minute.
        good, scrap: units of product (GQ, SQ).
        energy_kwh: by the line file's figures.
        energy_kwh_per_unit: over good units; None without any.
        stations: those that said something, in the line's order.
    """

    line: str
    from_us: int
    to_us: int
    watched_from_us: int
    watched_to_us: int
    good: float
    scrap: float
    energy_kwh: float
    energy_kwh_per_unit: float | None
    stations: tuple[StationShift, ...]


def shift_kpi(store: Historian, line: Line, at_us: int) -> ShiftKpi | None:
    """Work out what a line and its stations did in the shift in which an instant is.

    Args:
        store: any store of history.
        line: whose.
        at_us: the instant, microseconds since 1970-01-01 UTC.

    Returns:
        The figures; None where the twin watched nothing of that shift.

    Raises:
        NotConnected: the store is away.
        LinetwinError: the store needs mending, or is closed.

    >>> from lines.loader import load
    >>> from twin.historian.memory import MemoryHistorian
    >>> from twin.historian.port import Point
    >>> store, line = MemoryHistorian(), load("five_stations")
    >>> _ = store.write([
    ...     Point(Series(line.id, "", name), minute * SAMPLE_US, minute * rate)
    ...     for minute in range(61) for name, rate in (("good_units", 2), ("energy_kwh", 1))])
    >>> found = shift_kpi(store, line, 60 * SAMPLE_US)
    >>> found.good, found.energy_kwh_per_unit
    (120.0, 0.5)
    """
    from_us, to_us = shift_of(line, at_us)
    before = Query(line.id, "", "good_units", from_us=from_us - SAMPLE_US, to_us=from_us)
    watched_before = len(store.last(before)) > 0

    signals = (*OF_THE_LINE, *SPENT, *COUNTED, "station_energy_kwh")
    asked = Query(line.id, None, signals, from_us=from_us, to_us=to_us)
    found = counters(store, asked, known_before=watched_before)
    good_units = found.get(("", "good_units"))
    if good_units is None:
        return None
    good, energy = good_units.total, _total(found, "", "energy_kwh")
    watched_from_us = from_us if watched_before else int(good_units.at_us[0])
    watched_to_us = min(to_us, int(good_units.at_us[-1]) + SAMPLE_US)
    return ShiftKpi(
        line=line.id,
        from_us=from_us,
        to_us=to_us,
        watched_from_us=watched_from_us,
        watched_to_us=watched_to_us,
        good=good,
        scrap=_total(found, "", "scrap_units"),
        energy_kwh=energy,
        energy_kwh_per_unit=energy / good if good else None,
        stations=tuple(
            _station(line, station, (watched_from_us, watched_to_us), found)
            for station in line.stations
            if (station.id, "execute_s") in found
        ),
    )


def _station(
    line: Line,
    station: Station,
    between_us: tuple[int, int],
    found: Counters,
) -> StationShift:
    def spent_us(signal: str) -> int:
        return round(_total(found, station.id, signal) * 1e6)

    machines = [station.machine_id(machine) for machine in range(station.machines)]
    counted = {signal: sum(_total(found, one, signal) for one in machines) for signal in COUNTED}
    execute, starved, blocked, fault, setup, planned_stop = map(spent_us, SPENT)
    failures = counted["failures"]
    return StationShift(
        station.id,
        station_kpi_between(
            line,
            station,
            between_us,
            **counted,
            # Set-up and maintenance are one signal.
            spent_us=(execute, starved, blocked, fault, setup, 0, planned_stop),
        ),
        mtbf_s=execute / failures / 1e6 if failures else None,
        mttr_s=fault / failures / 1e6 if failures else None,
        energy_kwh=_total(found, station.id, "station_energy_kwh"),
    )


def _total(found: Counters, unit: str, signal: str) -> float:
    return found[unit, signal].total if (unit, signal) in found else 0.0


@dataclass(frozen=True, slots=True)
class Counter:
    """How a counter grew.

    Args:
        at_us: the minutes in which it said something, where they begin.
        gained: float64, by how much it had grown at the end of each.
    """

    at_us: NDArray[np.int64]
    gained: NDArray[np.float64]

    @property
    def total(self) -> float:
        """By how much it grew in all."""
        return float(self.gained[-1])


Counters: TypeAlias = dict[tuple[str, str], Counter]
"""Counters by their unit and signal."""


def counters(store: Historian, query: Query, *, known_before: bool) -> Counters:
    """Return how counters grew within a query's interval, by their unit and signal.

    Args:
        store: where the past is.
        query: signals, with `from_us`.
        known_before: whether what a counter said last before the interval is where it began; if
            not, it is what it said first within.

    A counter that falls began again at 0, and what it says then it has gained.

    >>> from twin.historian.memory import MemoryHistorian
    >>> from twin.historian.port import Point
    >>> store, good = MemoryHistorian(), Series("L", "", "good_units")
    >>> minutes = enumerate((5, 7, 9, 2))
    >>> _ = store.write([Point(good, n * SAMPLE_US, value) for n, value in minutes])
    >>> asked = Query("L", "", "good_units", from_us=SAMPLE_US)
    >>> counters(store, asked, known_before=True)["", "good_units"].gained.tolist()
    [2.0, 4.0, 6.0]
    """
    samples = store.sampled(query, SAMPLE_US)
    before: dict[Series, float] = {}
    if known_before:
        history = store.last(replace(query, from_us=None, to_us=query.from_us))
        before = {
            history.series[index]: float(history.value[row])
            for row, index in enumerate(history.series_index.tolist())
            if history.quality[row] != Quality.BAD
        }
    found = {}
    for index, series in enumerate(samples.series):
        rows = samples.series_index == index
        low, last = samples.low[rows], samples.last[rows]
        began = np.concatenate([[before.get(series, low[0])], last[:-1]])
        steps = np.where(low < began, last, last - began)
        found[series.unit, series.signal] = Counter(samples.at_us[rows], steps.cumsum())
    return found
