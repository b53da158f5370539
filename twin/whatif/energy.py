"""Where a line's energy goes, where a saving would come from, and who runs it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twin.engine.results import Estimate, Results
from twin.kpi import ratio
from twin.model.line import Line
from twin.model.product import product_units
from twin.model.status import Condition

__all__ = ["STATES", "Automation", "EnergyShare", "Saving", "automation_of", "energy_by_station",
           "saving_of"]  # fmt: skip

HOUR_US = 3_600_000_000
STATES = ("per unit", "execute", "idle", "fault", "off")
"""What energy is told apart by: for each unit that passes, and by time in each kind of state."""


@dataclass(frozen=True, slots=True)
class EnergyShare:
    """Energy of a station or utility for each good unit of product that leaves the line.

    Args:
        name: the station's or the utility's id.
        kwh_by_state: for each of `STATES`, kWh a good unit.
        total: all of it, and its 95 % interval over replications.
    """

    name: str
    kwh_by_state: dict[str, float]
    total: Estimate


def energy_by_station(results: Results) -> tuple[EnergyShare, ...]:
    """Split a line's energy by station, utility and state, kWh a good unit.

    Args:
        results: of a simulation.

    Returns:
        Stations in the order of the file, then utilities; they add up to `kwh_per_unit`.

    >>> from twin.engine import simulate
    >>> from twin.model import Line, Station
    >>> line = Line(id="L", stations=(Station(id="A", cycle_time="2 s",
    ...                                       energy={"execute": "1.8 kW"}),))
    >>> [round(one.total.mean, 6) for one in energy_by_station(simulate(line, until="1 h"))]
    [0.001]
    """
    line, units = results.line, product_units(results.line)
    good = [results.good_units(counters) for counters in results.replications]
    found = []
    for i, station in enumerate(line.stations):
        use = station.energy
        rows = []
        for counters, made in zip(results.replications, good, strict=True):
            hours = counters.time_us[i] / HOUR_US / station.places
            idle = hours[Condition.STARVED] + hours[Condition.BLOCKED]
            fault = hours[Condition.FAULT] + hours[Condition.SETUP] + hours[Condition.MAINTENANCE]
            kwh = (
                use.per_product * units[station.id] * int(counters.good[i]),
                use.execute * hours[Condition.EXECUTE],
                use.idle * idle,
                use.fault * fault,
                use.off * hours[Condition.PLANNED_STOP],
            )
            rows.append([ratio(float(one), made) for one in kwh])
        means = np.mean(rows, axis=0).tolist()
        total = Estimate.of([float(sum(row)) for row in rows])
        found.append(EnergyShare(station.id, dict(zip(STATES, means, strict=True)), total))
    for utility in line.utilities:
        share = dict.fromkeys(STATES, 0.0) | {"per unit": utility.per_product}
        found.append(EnergyShare(utility.id, share, Estimate(utility.per_product, None)))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Saving:
    """What a station or utility would save if the whole saving were spread like the energy itself.

    Args:
        name: its id.
        before, after: kWh a good unit.
    """

    name: str
    before: float
    after: float

    @property
    def saved(self) -> float:
        """KWh a good unit."""
        return self.before - self.after


def saving_of(shares: tuple[EnergyShare, ...], percent: float) -> tuple[Saving, ...]:
    """Where a saving against an earlier state comes from.

    What is known of it is one number for the whole; each part is taken to have used more then in
    proportion, so the largest users have saved most. It is an apportioning and not a measurement.

    Args:
        shares: the line's energy now.
        percent: by how much it is less than before, 0 to 100, exclusive.

    >>> share = EnergyShare("A", {}, Estimate(74.0, None))
    >>> [round(one.before, 6) for one in saving_of((share,), 26)]
    [100.0]
    """
    kept = 1 - percent / 100
    savings = [Saving(one.name, one.total.mean / kept, one.total.mean) for one in shares]
    return tuple(sorted(savings, key=lambda one: -one.saved))


@dataclass(frozen=True, slots=True)
class Automation:
    """How a line is run.

    Args:
        automatic: share of the stations that need nobody.
        stations: how many there are.
        by_hand: those that are run by people or with their help.
        crews: people for repairs, by crew.
        machines_automatic: the same share counted by machine.
    """

    automatic: float
    stations: int
    by_hand: tuple[str, ...]
    crews: dict[str, int]
    machines_automatic: float


def automation_of(line: Line) -> Automation:
    """Count a line's automation.

    >>> from twin.model import Station
    >>> stations = (Station(id="A", cycle_time="2 s"),
    ...             Station(id="B", cycle_time="2 s", automation="semi"))
    >>> automation_of(Line.model_construct(stations=stations, crews=())).automatic
    0.5
    """
    auto = [station for station in line.stations if station.automation == "auto"]
    by_hand = tuple(s.id for s in line.stations if s.automation != "auto")
    machines = sum(station.machines for station in line.stations)
    return Automation(
        automatic=len(auto) / len(line.stations),
        stations=len(line.stations),
        by_hand=by_hand,
        crews={crew.id: crew.size for crew in line.crews},
        machines_automatic=sum(station.machines for station in auto) / machines,
    )
