"""Who runs a line: what is automatic, what is done by hand, and how much work stops make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from twin.engine.counters import Counters
from twin.engine.results import Estimate, Results
from twin.kpi import ratio
from twin.model.line import Line
from twin.model.station import Station
from twin.model.status import Condition

__all__ = ["Automation", "CrewLoad", "Hands", "automation_of", "crew_loads", "hands_of"]

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US


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


@dataclass(frozen=True, slots=True)
class Hands:
    """What a station's stops ask of people, means over replications.

    Args:
        station: its id.
        automation: `auto`, `semi` or `manual`.
        stops_per_d: failures that struck, in a day.
        repair: machines that are down at an instant, on the mean: so many hands are busy with
            them where one person sees to one machine.
        setup: in set-up or changeover, likewise.
        maintenance: likewise.
    """

    station: str
    automation: str
    stops_per_d: Estimate
    repair: Estimate
    setup: Estimate
    maintenance: Estimate


def hands_of(results: Results) -> tuple[Hands, ...]:
    """What each station's stops ask of people.

    Waiting for a crew counts as repair: the machine is down.

    >>> from twin.engine import simulate
    >>> from twin.model import Line, Station
    >>> line = Line(id="L", stations=(Station(id="A", cycle_time="2 s"),))
    >>> hands_of(simulate(line, until="1 h"))[0].repair.mean
    0.0
    """
    found = []
    for i, station in enumerate(results.line.stations):
        of = _mean_of(results, i, station)
        found.append(
            Hands(
                station.id,
                station.automation,
                Estimate.of([
                    ratio(int(c.failures[i]), c.span_us / DAY_US) for c in results.replications
                ]),
                of(Condition.FAULT),
                of(Condition.SETUP),
                of(Condition.MAINTENANCE),
            )
        )  # fmt: skip
    return tuple(found)


def _mean_of(results: Results, row: int, station: Station) -> Callable[[Condition], Estimate]:
    def machines(counters: Counters, condition: Condition) -> float:
        return ratio(int(counters.time_us[row, condition]), counters.span_us * station.places)

    return lambda condition: Estimate.of([machines(c, condition) for c in results.replications])


@dataclass(frozen=True, slots=True)
class CrewLoad:
    """How busy a crew is.

    Args:
        crew: its id.
        size: how many they are.
        down: machines at an instant that are down for failures that it repairs, at the stations
            all of whose failures are its own.
        load: the same of its size; near 1 machines wait for it.
    """

    crew: str
    size: int
    down: Estimate
    load: Estimate


def crew_loads(results: Results) -> tuple[CrewLoad, ...]:
    """How busy each crew is; a line without crews has somebody for every repair."""
    found = []
    for crew in results.line.crews:
        rows = [
            (i, station)
            for i, station in enumerate(results.line.stations)
            if station.failures and all(one.crew == crew.id for one in station.failures)
        ]
        down = [
            sum(
                ratio(int(c.time_us[i, Condition.FAULT]), c.span_us * station.places)
                for i, station in rows
            )
            for c in results.replications
        ]
        loads = [one / crew.size for one in down]
        found.append(CrewLoad(crew.id, crew.size, Estimate.of(down), Estimate.of(loads)))
    return tuple(found)
