"""ISO 22400-2 key performance indicators over counted quantities and times.

The formulas are those of ISO 22400-2:2014; the symbols in brackets are the standard's. Times are in
microseconds, quantities in parts. A ratio whose denominator is 0 is `nan`: there is nothing
to say.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["StationKpi", "ratio", "station_kpi"]


def ratio(part: float, whole: float) -> float:
    """Divide, or say that there is nothing to say.

    >>> ratio(1, 4), ratio(1, 0)
    (0.25, nan)
    """
    return part / whole if whole else float("nan")


@dataclass(frozen=True, slots=True)
class StationKpi:
    """What a station did over a span.

    Args:
        good, scrap, rework: quantities (GQ, SQ, RQ), parts.
        planned_busy_time_us: place-time that the station's calendar leaves open (PBT).
        availability: production time over planned busy time (APT / PBT). Starved and blocked
            time lowers it, unlike in plain OEE tools. Work that a planned stop found going on
            counts, so it passes 1 where a station worked more than it was planned to.
        effectiveness: planned run time of what was produced over production time (PRU PQ / APT).
        quality_ratio: good over produced quantity (GQ / PQ).
        oee_index: the product of the three.
        execute_share, starved_share, blocked_share, fault_share, setup_share,
        maintenance_share, planned_stop_share: of all time; they add up to 1.
    """

    good: int
    scrap: int
    rework: int
    failures: int
    planned_busy_time_us: int
    availability: float
    effectiveness: float
    quality_ratio: float
    oee_index: float
    execute_share: float
    starved_share: float
    blocked_share: float
    fault_share: float
    setup_share: float
    maintenance_share: float
    planned_stop_share: float

    @property
    def busy_share(self) -> float:
        """Share of the time in which the station waits neither for parts nor for room.

        The station with the highest holds up the others: Roser's active period, as an average.
        Planned stops count as active, since nobody's lack of speed causes them.
        """
        return 1 - self.starved_share - self.blocked_share


def station_kpi(
    *,
    planned_busy_time_us: int,
    planned_run_time_us: float,
    operations: int,
    good: int,
    scrap: int,
    rework: int,
    failures: int,
    time_us: tuple[int, ...],
) -> StationKpi:
    """Work out a station's indicators.

    Args:
        planned_busy_time_us: open time of the station's calendar times its places (PBT).
        planned_run_time_us: planned time of one operation (PRI).
        operations: operations completed.
        good, scrap, rework: parts passed on, scrapped, sent back.
        failures: failures that struck.
        time_us: place-time in each `Condition`, in its order.

    >>> kpi = station_kpi(planned_busy_time_us=10_000_000, planned_run_time_us=1e6, operations=6,
    ...                   good=5, scrap=1, rework=0, failures=0,
    ...                   time_us=(8_000_000, 1_000_000, 1_000_000, 0, 0, 0, 0))
    >>> kpi.availability, kpi.effectiveness, round(kpi.quality_ratio, 3), round(kpi.oee_index, 3)
    (0.8, 0.75, 0.833, 0.5)
    """
    total = sum(time_us)
    execute, starved, blocked, fault, setup, maintenance, planned_stop = time_us
    availability = ratio(execute, planned_busy_time_us)
    effectiveness = ratio(planned_run_time_us * operations, execute)
    quality = ratio(good, good + scrap + rework)
    return StationKpi(
        good=good,
        scrap=scrap,
        rework=rework,
        failures=failures,
        planned_busy_time_us=planned_busy_time_us,
        availability=availability,
        effectiveness=effectiveness,
        quality_ratio=quality,
        oee_index=availability * effectiveness * quality,
        execute_share=ratio(execute, total),
        starved_share=ratio(starved, total),
        blocked_share=ratio(blocked, total),
        fault_share=ratio(fault, total),
        setup_share=ratio(setup, total),
        maintenance_share=ratio(maintenance, total),
        planned_stop_share=ratio(planned_stop, total),
    )
