"""What a simulation found, and the figures that people ask of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from twin.engine.counters import Counters
from twin.engine.planned_time import open_time_us
from twin.engine.quantiles import mean_us
from twin.kpi import StationKpi, ratio, station_kpi
from twin.model.line import Line
from twin.model.product import product_units

__all__ = ["Estimate", "Results"]

HOUR_US = 3_600_000_000


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
        from_us, to_us: engine time over which was counted.
        replications: one set of counters each.
    """

    line: Line
    engine: str
    seed: int
    from_us: int
    to_us: int
    replications: tuple[Counters, ...]

    @property
    def days(self) -> float:
        """Simulated days after the warm-up."""
        return (self.to_us - self.from_us) / (24 * HOUR_US)

    @property
    def planned_busy_h(self) -> float:
        """Hours of the span that the line's calendar leaves open (ISO 22400's PBT)."""
        return open_time_us(self.line.calendar_of(), self.from_us, self.to_us) / HOUR_US

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
        hours = self.planned_busy_h
        return Estimate.of([ratio(self.good_units(c), hours) for c in self.replications])

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
        i = next(k for k, s in enumerate(self.line.stations) if s.id == station_id)
        station, runs = self.line.stations[i], self.replications
        open_us = open_time_us(self.line.calendar_of(station_id), self.from_us, self.to_us)
        return station_kpi(
            planned_busy_time_us=open_us * station.machines * station.places * len(runs),
            planned_run_time_us=mean_us(station.cycle_time),
            operations=sum(int(c.completed[i]) for c in runs),
            good=sum(int(c.good[i]) for c in runs),
            scrap=sum(int(c.defective[i]) for c in runs),
            rework=sum(int(c.reworked[i]) for c in runs),
            failures=sum(int(c.failures[i]) for c in runs),
            time_us=tuple(int(sum(c.time_us[i, k] for c in runs)) for k in range(7)),
        )

    def slowest(self) -> str:
        """The station that waits least, for parts or for room: the one that sets the pace."""
        return max((s.id for s in self.line.stations), key=lambda s: self.station(s).busy_share)

    def as_json(self) -> dict[str, object]:
        """The object that `twin simulate --json` prints; other programs rely on its names."""

        def estimate(value: Estimate) -> dict[str, float | None]:
            return {"mean": value.mean, "half_width_95": value.half_width_95}

        names = (
            "good",
            "scrap",
            "availability",
            "execute_share",
            "starved_share",
            "blocked_share",
            "fault_share",
            "oee_index",
        )
        stations = {}
        for station in self.line.stations:
            kpi = self.station(station.id)
            stations[station.id] = {name: getattr(kpi, name) for name in names}
            stations[station.id]["planned_busy_h"] = kpi.planned_busy_time_us / HOUR_US
        return {
            "line": self.line.id,
            "engine": self.engine,
            "seed": self.seed,
            "days": self.days,
            "replications": len(self.replications),
            "planned_busy_h": self.planned_busy_h,
            "good_per_h": estimate(self.good_per_h()),
            "yield_ratio": estimate(self.yield_ratio()),
            "stations": stations,
        }
