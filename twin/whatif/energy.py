"""Where a line's energy goes, and where a saving comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from twin.engine.results import Estimate, Results
from twin.errors import EngineError
from twin.kpi import ratio
from twin.model.product import product_units
from twin.model.status import Condition

__all__ = ["STATES", "EnergyShare", "Saving", "SavingOf", "energy_by_station", "saving_of"]

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
        runs: all of it in each replication.
    """

    name: str
    kwh_by_state: dict[str, float]
    total: Estimate
    runs: tuple[float, ...] = ()


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
        runs = tuple(float(sum(row)) for row in rows)
        by_state: dict[str, float] = dict(zip(STATES, means, strict=True))
        found.append(EnergyShare(station.id, by_state, Estimate.of(list(runs)), runs))
    for utility in line.utilities:
        by_state = dict.fromkeys(STATES, 0.0) | {"per unit": utility.per_product}
        runs = tuple(utility.per_product for _ in good)
        found.append(EnergyShare(utility.id, by_state, Estimate.of(list(runs)), runs))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class SavingOf:
    """What a station or utility saves.

    Args:
        name: its id.
        now: kWh a good unit.
        known: what the known changes save there, by simulation; the same draws before and now.
        rest: what is apportioned to it of the rest, kWh a good unit.
        alone: how many times as much as now it must have used if it had saved all the rest alone.
    """

    name: str
    now: float
    known: Estimate
    rest: float
    alone: float

    @property
    def saved(self) -> float:
        """KWh a good unit, known and apportioned."""
        return self.known.mean + self.rest


@dataclass(frozen=True, slots=True)
class Saving:
    """Where a saving against an earlier state comes from.

    Args:
        percent: the saving, of the energy before.
        now, before: kWh a good unit; `before` follows from the other two.
        known: what the known changes explain of it, kWh a good unit.
        rest: what nobody has explained.
        parts: stations and utilities, those that save most first.
    """

    percent: float
    now: Estimate
    before: float
    known: Estimate
    rest: float
    parts: tuple[SavingOf, ...]


def saving_of(
    now: Sequence[EnergyShare], percent: float, before: Sequence[EnergyShare] | None = None
) -> Saving:
    """Say where a saving comes from: what known changes explain, and the rest in proportion.

    What is published of a saving is one number for the whole. What is known to have changed is
    simulated. Of the rest each part is taken to have used more in proportion, so that the largest
    users have saved most: an apportioning and not a measurement.

    Args:
        now: the line's energy.
        percent: by how much it is less than before, 0 to 100, exclusive.
        before: the energy of the line with the known changes undone, the same draws; None: none is
            known.

    Raises:
        EngineError: no such percentage, or `before` is of other stations or replications.

    >>> share = EnergyShare("A", {}, Estimate(74.0, None), (74.0,))
    >>> saving = saving_of((share,), 26)
    >>> round(saving.before, 6), round(saving.parts[0].saved, 6)
    (100.0, 26.0)
    """
    if not 0 < percent < 100:
        raise EngineError(f"a saving must be between 0 and 100 %, got {percent:g}")
    then = before or now
    if [one.name for one in then] != [one.name for one in now]:
        raise EngineError("a saving needs the same stations and utilities before and now")
    whole = np.sum([one.runs for one in now], axis=0)
    whole_then = np.sum([one.runs for one in then], axis=0)
    if whole.shape != whole_then.shape:
        raise EngineError("a saving needs the same replications before and now")
    total = float(whole.mean())
    was = total / (1 - percent / 100)
    known = Estimate.of((whole_then - whole).tolist())
    rest = was - total - known.mean
    parts = []
    for old, new in zip(then, now, strict=True):
        mean = new.total.mean
        parts.append(
            SavingOf(
                new.name,
                mean,
                Estimate.of((np.array(old.runs) - np.array(new.runs)).tolist()),
                rest * ratio(mean, total),
                1 + ratio(rest, mean),
            )
        )
    ordered = tuple(sorted(parts, key=lambda one: -one.saved))
    return Saving(percent, Estimate.of(whole.tolist()), was, known, rest, ordered)
