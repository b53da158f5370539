"""What the twin works out of a line as it watches it: KPIs, times, energy, how its PLCs are heard.

Counters come from the mirror, times from what machines say of their states. Ratios are over the
last hour of the plant's time, ISO 22400's; what the plant has not shown yet is None.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any

from twin.engine.planned_time import monday_before, open_time_us
from twin.engine.quantiles import mean_us
from twin.historian.port import Point, Series
from twin.kpi import StationKpi, station_kpi
from twin.live.changes import Changes, Notice
from twin.live.counting import WAITING
from twin.live.drift import Drift
from twin.live.mirror import Mirror
from twin.live.output import MINUTE_US, OutputMeter
from twin.live.readings import (
    ConnectionChanged,
    Message,
    NotificationsLost,
    Recalled,
    StaleChanged,
    TagMissing,
    TagsPolled,
)
from twin.live.station_times import StationTimes
from twin.model.line import Line
from twin.model.product import parts_an_operation, product_units
from twin.model.station import Station
from twin.model.status import Condition
from twin.signals import FALSE_REJECTS, MISSED, Signal
from twin.twin_signals import (
    LINE_SIGNALS,
    PLC_SIGNALS,
    STATION_SIGNALS,
    LineReport,
    PlcReport,
    StationReport,
)

__all__ = [
    "Reports",
    "down_limit_s",
    "planned_station_units_per_h",
    "planned_units_per_h",
    "points_of",
    "station_kpi_between",
]

WINDOW_US = 60 * MINUTE_US
STEP_US = MINUTE_US // 4
LIMIT = 2.0
HOUR_S = 3600.0


def planned_station_units_per_h(line: Line, station: Station) -> float:
    """Units of product an hour that a station makes by plan, without any loss.

    >>> from lines.loader import load
    >>> line = load("tube_line")
    >>> round(planned_station_units_per_h(line, line.station_by_id["FNS"]))
    108000
    """
    return (
        station.machines
        * station.places
        * parts_an_operation(line, station)
        * product_units(line)[station.id]
        * 3.6e9
        / mean_us(station.cycle_time)
    )


def planned_units_per_h(line: Line) -> float:
    """Units of product an hour that the slowest station makes by plan, without any loss."""
    return min(planned_station_units_per_h(line, station) for station in line.stations)


def down_limit_s(station: Station) -> float | None:
    """How long a machine of a station may be down: twice its longest mean time to repair.

    Returns:
        Seconds; None for one that the line file lets never fail.
    """
    means = [mean_us(failure.mttr) for failure in station.failures]
    return LIMIT * max(means) / 1e6 if means else None


def station_kpi_between(
    line: Line,
    station: Station,
    between_us: tuple[int, int],
    *,
    processed: float,
    defective: float,
    reworked: float,
    failures: float,
    spent_us: tuple[int, ...],
) -> StationKpi:
    """Work out a station's indicators from what its machines counted between two instants.

    Args:
        line, station: whose calendar and planned times.
        between_us: the two instants, microseconds since 1970-01-01 UTC.
        processed, defective, reworked: parts, 0 or more.
        failures: that struck.
        spent_us: machine time in each `Condition`, in its order.

    >>> from lines.loader import load
    >>> line = load("five_stations")
    >>> kpi = station_kpi_between(line, line.stations[0], (0, 100_000_000), processed=9,
    ...     defective=1, reworked=0, failures=0, spent_us=(60_000_000, 40_000_000, 0, 0, 0, 0, 0))
    >>> kpi.good, kpi.availability
    (8, 0.6)
    """
    from_us, to_us = between_us
    epoch_us = monday_before(line.time_zone, from_us)
    open_us = open_time_us(line.calendar_of(station.id), from_us - epoch_us, to_us - epoch_us)
    return station_kpi(
        planned_busy_time_us=open_us * station.machines * station.places,
        planned_run_time_us=mean_us(station.cycle_time),
        operations=round(processed / parts_an_operation(line, station)),
        good=round(processed - defective - reworked),
        scrap=round(defective),
        rework=round(reworked),
        failures=round(failures),
        time_us=tuple(each * station.places for each in spent_us),
    )


@dataclass(frozen=True, slots=True)
class _Counted:
    """A station's counters since the twin began."""

    processed: float
    defective: float
    reworked: float
    waiting_s: float
    spent_us: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Sample:
    at_us: int
    stations: dict[str, _Counted]
    good_units: float
    scrap_units: float
    energy_kwh: float


@dataclass(slots=True)
class Reports:
    """Follows a mirrored line and reports on it.

    Args:
        mirror: the line's.
        meter: its output.
    """

    mirror: Mirror
    meter: OutputMeter
    times: StationTimes = field(init=False)
    drift: Drift = field(init=False)
    _samples: deque[_Sample] = field(default_factory=deque)
    _heard_us: dict[str, int] = field(default_factory=dict)
    _itself: dict[tuple[str, str], float] = field(default_factory=dict)
    _planned_per_h: float = field(init=False)
    _units: dict[str, float] = field(init=False)

    def __post_init__(self) -> None:
        self.times = StationTimes(self.mirror.line)
        self.drift = Drift(self.mirror.line)
        self._planned_per_h = planned_units_per_h(self.mirror.line)
        self._units = product_units(self.mirror.line)

    def take(self, message: Message, changes: Changes) -> tuple[Notice, ...]:
        """Take in a message that the mirror has taken in, and what it changed there.

        Returns:
            What people should know: that the plant drifts from the line file, or no longer does.
        """
        match message:
            case ConnectionChanged(plc=plc, connected=False):
                self.times.forget(self.mirror.stations_of(plc), self.mirror.newest_us)
                self.drift.forget(self.mirror.stations_of(plc), self.mirror.newest_us)
            case (
                ConnectionChanged()
                | TagMissing()
                | TagsPolled()
                | NotificationsLost()
                | StaleChanged()
                | Recalled()
            ):
                pass
            case _:
                for reading in message:
                    self._heard_us[reading.plc] = reading.arrival_us
                    if reading.unit == reading.plc and reading.value is not None:
                        self._itself[reading.plc, reading.signal] = float(reading.value)
                for plc in changes.set_back:
                    stations, heard_us = self.mirror.stations_of(plc), self.mirror.heard_us(plc)
                    self.times.set_back(stations, heard_us)
                    self.drift.forget(stations, heard_us)
                self.times.take(changes.points)
                return self.drift.take(changes.points)
        return ()

    def points(self, now_us: int) -> tuple[Point, ...]:
        """Report on the line, its stations and its PLCs.

        Args:
            now_us: now by the twin's clock, microseconds since 1970-01-01 UTC.

        Returns:
            A point for each value that is known: of the line and its stations by the plant's clock,
            of the PLCs, which may say nothing, by the twin's.
        """
        line, at_us = self.mirror.line, self.mirror.newest_us
        found: list[Point] = []
        if at_us:
            sample, first = self._sample(at_us)
            found += points_of(line, "", LINE_SIGNALS, self._line(sample, first), at_us)
            slowest = self._slowest()
            for station in line.stations:
                if self.mirror.unknown_since(station) is None:
                    report = self._station(station, sample, first, slowest)
                    found += points_of(line, station.id, STATION_SIGNALS, report, at_us)
        for plc in self.mirror.plcs:
            found += points_of(line, plc, PLC_SIGNALS, self._plc(plc, now_us), now_us)
        return tuple(found)

    # -- what was, an hour of it -----------------------------------------------------------------

    def _sample(self, at_us: int) -> tuple[_Sample, _Sample]:
        """How things stand, and how they stood an hour ago or at the beginning."""
        self.times.book(at_us)
        stations = {station.id: self._counted(station) for station in self.mirror.line.stations}
        good, scrap = self.meter.good_units(), self.meter.scrap_units()
        now = _Sample(at_us, stations, good, scrap, self._energy_kwh(stations, good))
        if self._samples and at_us < self._samples[-1].at_us:
            self._samples.clear()  # the plant's clock was set back
        if not self._samples or at_us - self._samples[-1].at_us >= STEP_US:
            self._samples.append(now)
        while self._samples[0].at_us < at_us - WINDOW_US:
            self._samples.popleft()
        return now, self._samples[0]

    def _counted(self, station: Station) -> _Counted:
        gained = self.mirror.gained
        return _Counted(
            gained(station, "processed"),
            gained(station, "defective"),
            gained(station, "reworked"),
            gained(station, WAITING),
            tuple(self.times.spent_us[station.id]),
        )

    def _energy_kwh(self, stations: dict[str, _Counted], good_units: float) -> float:
        total = sum(utility.per_product for utility in self.mirror.line.utilities) * good_units
        return float(total) + sum(
            self._station_kwh(station, stations[station.id])
            for station in self.mirror.line.stations
        )

    def _station_kwh(self, station: Station, counted: _Counted) -> float:
        use = station.energy
        good = max(0.0, counted.processed - counted.defective - counted.reworked)
        hours = [spent / 3.6e9 for spent in counted.spent_us]
        by_state = (
            use.execute * hours[Condition.EXECUTE]
            + use.idle * (hours[Condition.STARVED] + hours[Condition.BLOCKED])
            + use.fault * (hours[Condition.FAULT] + hours[Condition.SETUP])
            + use.off * hours[Condition.PLANNED_STOP]
        )
        return float(use.per_product * self._units[station.id] * good + by_state)

    # -- reports ---------------------------------------------------------------------------------

    def _line(self, now: _Sample, first: _Sample) -> LineReport:
        line, per_h = self.mirror.line, self.meter.per_h()
        good, scrap = now.good_units - first.good_units, now.scrap_units - first.scrap_units
        energy = now.energy_kwh - first.energy_kwh
        return LineReport(
            good_units=now.good_units,
            scrap_units=now.scrap_units,
            output_per_h=per_h,
            target_per_h=line.target,
            output_share=None if per_h is None or not line.target else per_h / line.target,
            yield_ratio=good / (good + scrap) if good + scrap > 0 else None,
            oee_index=None if per_h is None else per_h / self._planned_per_h,
            energy_kwh=now.energy_kwh,
            energy_kwh_per_unit=energy / good if good > 0 else None,
        )

    def _station(
        self, station: Station, now: _Sample, first: _Sample, slowest: str | None
    ) -> StationReport:
        counted = now.stations[station.id]
        kpi = self._kpi(station, first, now)
        span_s = (now.at_us - first.at_us) / 1e6 * station.machines
        waited_s = counted.waiting_s - first.stations[station.id].waiting_s
        failures = self.mirror.gained(station, "failures")
        spent = [spent / 1e6 for spent in counted.spent_us]
        found, wrong, missed, passed = self._inspected(station, counted)
        drift_share, drift_parameter = self.drift.of(station.id)
        return StationReport(
            execute_s=spent[Condition.EXECUTE],
            starved_s=spent[Condition.STARVED],
            blocked_s=spent[Condition.BLOCKED],
            fault_s=spent[Condition.FAULT],
            setup_s=spent[Condition.SETUP],
            planned_stop_s=spent[Condition.PLANNED_STOP],
            oee_index=_known(kpi.oee_index),
            availability=_known(kpi.availability),
            quality_ratio=_known(kpi.quality_ratio),
            detection_ratio=found / (found + missed) if found + missed else None,
            false_reject_ratio=wrong / (wrong + passed) if wrong + passed else None,
            busy_share=max(0.0, 1 - waited_s / span_s) if span_s >= 60 else None,
            slowest=station.id == slowest,
            mtbf_s=spent[Condition.EXECUTE] / failures if failures else None,
            mttr_s=spent[Condition.FAULT] / failures if failures else None,
            down_s=self.times.down_s(station.id, now.at_us),
            down_limit_s=down_limit_s(station),
            station_energy_kwh=self._station_kwh(station, counted),
            drift_share=drift_share,
            drift_parameter=drift_parameter,
        )

    def _inspected(self, station: Station, counted: _Counted) -> tuple[float, float, float, float]:
        """Parts rejected with a defect and without, ones passed with a defect and without."""
        if station.inspection is None:
            return 0.0, 0.0, 0.0, 0.0
        gained = partial(self.mirror.gained, station)
        found = sum(gained(f"defect.{kind}") for kind in station.inspection.detects)
        wrong, missed = gained(f"defect.{FALSE_REJECTS}"), gained(f"defect.{MISSED}")
        good = max(0.0, counted.processed - counted.defective - counted.reworked - missed)
        return found, wrong, missed, good

    def _kpi(self, station: Station, first: _Sample, now: _Sample) -> StationKpi:
        then, counted = first.stations[station.id], now.stations[station.id]
        return station_kpi_between(
            self.mirror.line,
            station,
            (first.at_us, now.at_us),
            processed=counted.processed - then.processed,
            defective=counted.defective - then.defective,
            reworked=counted.reworked - then.reworked,
            failures=0,
            spent_us=tuple(b - a for a, b in zip(then.spent_us, counted.spent_us, strict=True)),
        )

    def _slowest(self) -> str | None:
        """The station that waits least of those that are known; None where several do alike."""
        shares = sorted(
            (share, station.id)
            for station in self.mirror.line.stations
            if self.mirror.unknown_since(station) is None
            and (share := self.mirror.waiting_share(station)) is not None
        )
        if not shares or (len(shares) > 1 and shares[0][0] == shares[1][0]):
            return None
        return shares[0][1]

    def _plc(self, plc: str, now_us: int) -> PlcReport:
        heard_us = self._heard_us.get(plc)
        return PlcReport(
            connected=self.mirror.lost_since(plc) is None,
            silent_s=None if heard_us is None else max(0, now_us - heard_us) / 1e6,
            scan_time_s=self._itself.get((plc, "scan_time_s")),
            scan_overruns=self._itself.get((plc, "scan_overruns")),
            plant_lag_s=self._itself.get((plc, "plant_lag_s")),
        )


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def points_of(
    line: Line, unit: str, signals: tuple[Signal, ...], report: Any, at_us: int
) -> Iterator[Point]:
    """Read the signals of a report; a value that is None gives no point.

    Args:
        line, unit: whose report.
        signals: all that it has.
        report: a report of `twin.twin_signals`.
        at_us: when it is so, microseconds since 1970-01-01 UTC.
    """
    assert {f.name for f in fields(report)} == {signal.name for signal in signals}  # noqa: S101
    for signal in signals:
        value = signal.read(report)
        if value is not None:
            yield Point(Series(line.id, unit, signal.name), at_us, float(value))
