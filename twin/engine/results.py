"""What a simulation found, and the figures that people ask of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from twin.engine.counters import Counters
from twin.engine.events import Events
from twin.engine.planned_time import open_time_us
from twin.engine.quantiles import mean_us
from twin.engine.wait_causes import wait_causes
from twin.kpi import StationKpi, ratio, station_kpi
from twin.model.line import Line
from twin.model.product import product_units

__all__ = ["STATION_FIGURES", "Estimate", "Results"]

HOUR_US = 3_600_000_000
Ints = NDArray[np.int64]
STATION_FIGURES = (
    "good",
    "scrap",
    "availability",
    "execute_share",
    "starved_share",
    "blocked_share",
    "fault_share",
    "setup_share",
    "maintenance_share",
    "planned_stop_share",
    "oee_index",
)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over replications and the half-width of its 95 % interval; None for one run."""

    mean: float
    half_width_95: float | None

    @classmethod
    def of(cls, values: list[float]) -> Estimate:
        """Estimate a mean by Student's t.

        >>> Estimate.of([1.0, 3.0])
        Estimate(mean=2.0, half_width_95=12.706204736174694)
        """
        n = len(values)
        mean = float(np.mean(values))
        if n < 2:
            return cls(mean, None)
        spread = float(np.std(values, ddof=1)) / n**0.5
        return cls(mean, float(special.stdtrit(n - 1, 0.975)) * spread)


@dataclass(frozen=True, slots=True)
class Results:
    """Counters of each replication, after the warm-up.

    Args:
        line: what was simulated.
        engine: `simpy` or `kernel`.
        seed: of the run.
        start_us: engine time at which it began.
        from_us, to_us: engine time over which was to be counted.
        replications: one set of counters each.
        ended_us: engine time at which each replication ended: `to_us` where nothing stopped it.
        stopped: whether each replication came to what it was to stop at.
        events: of each replication those that were recorded, of the warm-up too; None: none were.
        interrupted: it was halted: there are fewer replications than were asked for, or shorter.
    """

    line: Line
    engine: str
    seed: int
    start_us: int
    from_us: int
    to_us: int
    replications: tuple[Counters, ...]
    ended_us: tuple[int, ...]
    stopped: tuple[bool, ...]
    events: tuple[Events | None, ...]
    interrupted: bool = False

    @property
    def days(self) -> float:
        """Simulated days after the warm-up, the mean over replications."""
        return float(np.mean(self.ended_us) - self.from_us) / (24 * HOUR_US)

    @property
    def planned_busy_h(self) -> float:
        """Hours of the span that the line's calendar leaves open (ISO 22400's PBT), as `days`."""
        return float(np.mean(self._planned_busy_h()))

    def _planned_busy_h(self) -> list[float]:
        calendar = self.line.calendar_of()
        hours = {
            ended: open_time_us(calendar, self.from_us, ended) / HOUR_US
            for ended in set(self.ended_us)
        }
        return [hours[ended] for ended in self.ended_us]

    def good_units(self, counters: Counters) -> float:
        """Good units of product that left the line."""
        units = product_units(self.line)
        return sum(
            units[station.id] * int(counters.good[i])
            for i, station in enumerate(self.line.stations)
            if not self.line.outputs[station.id]
        )

    def scrap_units(self, counters: Counters) -> float:
        """Units of product scrapped from the station on where the yield is counted from."""
        units, counted = product_units(self.line), self.line.yield_stations
        return sum(
            units[station.id] * int(counters.defective[i])
            for i, station in enumerate(self.line.stations)
            if station.id in counted
        )

    def good_per_h(self) -> Estimate:
        """Good units of product for each hour of planned busy time (ISO 22400 throughput rate)."""
        runs = zip(self.replications, self._planned_busy_h(), strict=True)
        return Estimate.of([ratio(self.good_units(counters), hours) for counters, hours in runs])

    def yield_ratio(self) -> Estimate:
        """Good units over good and scrapped ones."""
        values = []
        for counters in self.replications:
            good = self.good_units(counters)
            values.append(ratio(good, good + self.scrap_units(counters)))
        return Estimate.of(values)

    def kwh_per_unit(self) -> Estimate:
        """Energy for each good unit of product, utilities included."""
        return Estimate.of(
            [ratio(self._energy_kwh(c), self.good_units(c)) for c in self.replications]
        )

    def _energy_kwh(self, counters: Counters) -> float:
        units = product_units(self.line)
        good = self.good_units(counters)
        total = sum(utility.per_product for utility in self.line.utilities) * good
        for i, station in enumerate(self.line.stations):
            use = station.energy
            total += use.per_product * units[station.id] * int(counters.good[i])
            execute, starved, blocked, fault, setup, maintenance, stop = (
                counters.time_us[i] / HOUR_US / station.places
            )
            total += use.execute * execute + use.idle * (starved + blocked)
            total += use.fault * (fault + setup + maintenance) + use.off * stop
        return float(total)

    def station(self, station_id: str) -> StationKpi:
        """A station's indicators, over all replications together."""
        return self._kpi(station_id, range(len(self.replications)))

    def _kpi(self, station_id: str, replications: Sequence[int]) -> StationKpi:
        i = self._index(station_id)
        station, calendar = self.line.stations[i], self.line.calendar_of(station_id)
        runs = [self.replications[k] for k in replications]
        open_us = sum(open_time_us(calendar, self.from_us, self.ended_us[k]) for k in replications)
        return station_kpi(
            planned_busy_time_us=open_us * station.machines * station.places,
            planned_run_time_us=mean_us(station.cycle_time),
            operations=sum(int(c.completed[i]) for c in runs),
            good=sum(int(c.good[i]) for c in runs),
            scrap=sum(int(c.defective[i]) for c in runs),
            rework=sum(int(c.reworked[i]) for c in runs),
            failures=sum(int(c.failures[i]) for c in runs),
            time_us=tuple(int(sum(c.time_us[i, k] for c in runs)) for k in range(7)),
        )

    def _index(self, station_id: str) -> int:
        return next(k for k, s in enumerate(self.line.stations) if s.id == station_id)

    def station_estimates(self, station_id: str) -> dict[str, Estimate]:
        """Means over replications of what a station made and of where its time went.

        Returns:
            For each name in `STATION_FIGURES`, which are `StationKpi`'s, its mean; and for
            `planned_busy_h` that of its planned busy time in hours of all its places.
        """
        each = [self._kpi(station_id, [k]) for k in range(len(self.replications))]
        found = {
            name: Estimate.of([float(getattr(kpi, name)) for kpi in each])
            for name in STATION_FIGURES
        }
        hours = [kpi.planned_busy_time_us / HOUR_US for kpi in each]
        return found | {"planned_busy_h": Estimate.of(hours)}

    def starved_by(self, station_id: str) -> dict[str, Estimate]:
        """Shares of the time of a station's places that were starved, by what was short (S39).

        Returns:
            For each input buffer and material a mean over replications; they add up to
            `starved_share`.
        """
        i = self._index(station_id)
        causes = wait_causes(self.line)
        rows = causes.starved_rows(i)
        return self._shares(
            i, causes.starved[i], [c.starved_by_us[rows] for c in self.replications]
        )

    def blocked_by(self, station_id: str) -> dict[str, Estimate]:
        """Shares of the time of a station's places that were blocked, by the full buffer (S40).

        Returns:
            For each output buffer (the first one of several without shares) a mean over
            replications; they add up to `blocked_share`.
        """
        i = self._index(station_id)
        causes = wait_causes(self.line)
        rows = causes.blocked_rows(i)
        return self._shares(
            i, causes.blocked[i], [c.blocked_by_us[rows] for c in self.replications]
        )

    def _shares(self, i: int, causes: Sequence[str], us: Sequence[Ints]) -> dict[str, Estimate]:
        whole = [int(counters.time_us[i].sum()) for counters in self.replications]
        return {
            cause: Estimate.of(
                [ratio(int(u[k]), all_us) for u, all_us in zip(us, whole, strict=True)]
            )
            for k, cause in enumerate(causes)
        }

    def mean_levels(self) -> dict[str, Estimate]:
        """How many parts lie in each buffer on the mean, its rework lane included (S38).

        They are counted modulo 2^64 part-microseconds: right up to 11,600 parts for 50 years.
        """
        return {
            buffer.id: Estimate.of(
                [ratio(int(c.level_us[i]) % (1 << 64), c.span_us) for c in self.replications]
            )
            for i, buffer in enumerate(self.line.buffers)
        }

    @property
    def first_hour_us(self) -> int:
        """Engine time at which the first whole hour of the span begins."""
        return -(-self.from_us // HOUR_US) * HOUR_US

    def good_by_hour(self) -> tuple[Estimate, ...]:
        """Good units of product that left the line in each whole hour of engine time (S41).

        Returns:
            Means over replications, for the hours from `first_hour_us` on that all of them have run
            through; none if the span has no whole hour.
        """
        units = product_units(self.line)
        runs = []
        for counters in self.replications:
            each = [units[self.line.stations[end].id] for end in counters.ends]
            left = counters.good_by_hour @ np.array(each)
            runs.append(np.diff(left, prepend=0.0 if self.from_us == self.first_hour_us else ()))
        hours = min(map(len, runs))
        return tuple(
            Estimate.of(list(hour)) for hour in zip(*(run[:hours] for run in runs), strict=True)
        )

    def slowest(self) -> str:
        """The station that waits least, for parts or for room: the one that sets the pace."""
        return max((s.id for s in self.line.stations), key=lambda s: self.station(s).busy_share)

    def as_json(self) -> dict[str, object]:
        """The object that `twin simulate --json` prints; other programs rely on its names.

        A station's figures are means over replications; its `half_width_95` has the same names,
        each null for one replication. So it is for buffers and for the hours.
        """

        def estimate(value: Estimate) -> dict[str, float | None]:
            return {"mean": value.mean, "half_width_95": value.half_width_95}

        stations = {}
        for station in self.line.stations:
            of = self.station_estimates(station.id)
            waits = {
                "starved_by": self.starved_by(station.id),
                "blocked_by": self.blocked_by(station.id),
            }
            stations[station.id] = {
                **{name: value.mean for name, value in of.items()},
                **{
                    name: {cause: value.mean for cause, value in by.items()}
                    for name, by in waits.items()
                },
                "half_width_95": {
                    **{name: value.half_width_95 for name, value in of.items()},
                    **{
                        name: {cause: value.half_width_95 for cause, value in by.items()}
                        for name, by in waits.items()
                    },
                },
            }
        hours = self.good_by_hour()
        return {
            "line": self.line.id,
            "engine": self.engine,
            "seed": self.seed,
            "days": self.days,
            "replications": len(self.replications),
            "interrupted": self.interrupted,
            "planned_busy_h": self.planned_busy_h,
            "good_per_h": estimate(self.good_per_h()),
            "yield_ratio": estimate(self.yield_ratio()),
            "good_by_hour": {
                "from_h": self.first_hour_us / HOUR_US,
                "mean": [hour.mean for hour in hours],
                "half_width_95": [hour.half_width_95 for hour in hours],
            },
            "stations": stations,
            "buffers": {
                buffer: {
                    "mean_level": level.mean,
                    "half_width_95": {"mean_level": level.half_width_95},
                }
                for buffer, level in self.mean_levels().items()
            },
        }
