"""Which station limits a line now and over a run, what waits for what, and what would help."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from twin.engine.counters import Counters
from twin.engine.results import Estimate
from twin.engine.wait_causes import wait_causes
from twin.errors import EngineError
from twin.kpi import ratio
from twin.model.line import Line
from twin.model.station import Station
from twin.model.status import Condition
from twin.whatif.active_periods import limits_of
from twin.whatif.experiment import Plan, runs_of
from twin.whatif.known_values import KnownValue, known_values
from twin.whatif.run import Run
from twin.whatif.scenario import BASELINE, Scenario, Variant
from twin.whatif.warm_up import find_warm_up
from twin.whatif.workers import Workers, open_workers

__all__ = ["Bottleneck", "StationLimit", "Wait", "bottleneck", "remedies"]

Floats = NDArray[np.float64]
STRETCHES = 200
BINS = 50
NOW = 10
"""So many stretches of the beginning count as now: a twentieth of the span."""


@dataclass(frozen=True, slots=True)
class StationLimit:
    """How far a station limits its line.

    Args:
        station: its id.
        now: share of the first twentieth of the span in which it is the limit; None: not from a
            state, so there is no now.
        share: of the whole span.
        shifting: the part of it in which another one's active period overlapped.
        waiting: share of its open time in which it waits for parts or room.
    """

    station: str
    now: Estimate | None
    share: Estimate
    shifting: Estimate
    waiting: Estimate


@dataclass(frozen=True, slots=True)
class Wait:
    """A station that waits for something: an arrow of the flow.

    Args:
        station: who waits.
        kind: starved: for parts or material; blocked: for room.
        cause: the buffer or material.
        others: the stations on the other side of the buffer; none for a material.
        share: of all of the station's time.
    """

    station: str
    kind: Literal["starved", "blocked"]
    cause: str
    others: tuple[str, ...]
    share: Estimate


@dataclass(frozen=True, slots=True, eq=False)
class Bottleneck:
    """What limits a line.

    Args:
        line: which line.
        plan: how it was looked at.
        engine: which engine ran.
        warm_up_us: simulated first and not counted.
        replications: over which the shares are means.
        stations: one each, in the order of the file.
        waits: those that take any time, the longest first.
        timeline: float64, (stations, 50): probability that each is the limit, along the span.
        known: values that theory has for the line or stretches of it.
    """

    line: Line
    plan: Plan
    engine: str
    warm_up_us: int
    replications: int
    stations: tuple[StationLimit, ...]
    waits: tuple[Wait, ...]
    timeline: Floats
    known: tuple[KnownValue, ...]

    @property
    def ranked(self) -> tuple[StationLimit, ...]:
        """Those that limit the line for any time, the longest first."""
        limits = sorted(self.stations, key=lambda one: -one.share.mean)
        return tuple(one for one in limits if one.share.mean > 0)


def bottleneck(line: Line, *, plan: Plan, workers: Workers | None = None) -> Bottleneck:
    """Find what limits a line.

    Args:
        line: a checked line.
        plan: span, start state and seed; `most` is the number of replications. Its precision is not
            looked at.
        workers: who runs; None: all processors of this machine.

    Raises:
        EngineError: the plan can't be carried out.

    >>> from twin.model import Buffer, Line, Station
    >>> line = Line(id="L", stations=(Station(id="A", cycle_time="2 s"),
    ...                               Station(id="B", cycle_time="3 s")),
    ...             buffers=(Buffer(id="AB", sources="A", sinks="B", capacity=4),))
    >>> found = bottleneck(line, plan=Plan(span_us=3_600_000_000, warm_up_us=60_000_000, most=3))
    >>> [(one.station, one.share.mean) for one in found.ranked]
    [('B', 1.0)]
    >>> [(one.station, one.kind, one.cause, one.others) for one in found.waits]
    [('A', 'blocked', 'AB', ('B',))]
    """
    if workers is None:
        with open_workers(engine=plan.engine) as found:
            return bottleneck(line, plan=plan, workers=found)
    if plan.span_us < STRETCHES:
        raise EngineError(f"the span must be at least {STRETCHES} us, got {plan.span_us} us")
    runs, _ = runs_of([Variant(BASELINE, line, ())], plan)
    warm_up_us = find_warm_up(runs, workers).us if plan.warm_up_us is None else plan.warm_up_us
    run = replace(runs[0], warm_up_us=warm_up_us)
    tasks = [(run, range(n, n + 1)) for n in range(plan.most)]
    rows = dict(workers.results(_watched, tasks))
    seen = [one for n in range(plan.most) for one in rows[n]]
    return Bottleneck(
        line=line,
        plan=plan,
        engine=run.engine,
        warm_up_us=warm_up_us,
        replications=len(seen),
        stations=_stations(line, seen, from_a_state=plan.start is not None),
        waits=_waits(line, seen),
        timeline=np.mean([one.timeline for one in seen], axis=0),
        known=known_values(line),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """One replication: who limited when, and the counters of the whole span."""

    shares: Floats
    now: Floats
    timeline: Floats
    counters: Counters


def _watched(run: Run, replications: range) -> list[_Seen]:
    return [_watch(run, replication) for replication in replications]


def _watch(run: Run, replication: int) -> _Seen:
    engine = run.opened(replication)
    from_us = engine.now_us + run.warm_up_us
    engine.advance(from_us)
    readings = [engine.counters()]
    for k in range(1, STRETCHES + 1):
        engine.advance(from_us + run.span_us * k // STRETCHES)
        readings.append(engine.counters())
    limits = limits_of(run.line, readings, from_us)
    stations = len(run.line.stations)
    who = np.equal.outer(np.arange(stations), limits.station).astype(float)
    return _Seen(
        shares=limits.shares(stations),
        now=who[:, :NOW].mean(axis=1),
        timeline=who.reshape(stations, BINS, -1).mean(axis=2),
        counters=readings[-1].since(readings[0]),
    )


def _stations(line: Line, seen: Sequence[_Seen], *, from_a_state: bool) -> tuple[StationLimit, ...]:
    found = []
    for i, station in enumerate(line.stations):
        waiting = []
        for one in seen:
            time_us = one.counters.time_us[i]
            open_us = int(time_us.sum() - time_us[Condition.PLANNED_STOP])
            waits_us = int(time_us[Condition.STARVED] + time_us[Condition.BLOCKED])
            waiting.append(ratio(waits_us, open_us))
        found.append(
            StationLimit(
                station.id,
                Estimate.of([float(one.now[i]) for one in seen]) if from_a_state else None,
                Estimate.of([float(one.shares[:, i].sum()) for one in seen]),
                Estimate.of([float(one.shares[1, i]) for one in seen]),
                Estimate.of(waiting),
            )
        )
    return tuple(found)


def _waits(line: Line, seen: Sequence[_Seen]) -> tuple[Wait, ...]:
    causes = wait_causes(line)
    buffers = {buffer.id: buffer for buffer in line.buffers}
    found: list[Wait] = []
    for i, station in enumerate(line.stations):
        whole = [int(one.counters.time_us[i].sum()) for one in seen]

        def share(us: Sequence[int], whole: list[int] = whole) -> Estimate:
            return Estimate.of([ratio(a, b) for a, b in zip(us, whole, strict=True)])

        rows = causes.starved_rows(i)
        for k, cause in enumerate(causes.starved[i], start=rows.start):
            of = share([int(one.counters.starved_by_us[k]) for one in seen])
            others = buffers[cause].sources if cause in buffers else ()
            found.append(Wait(station.id, "starved", cause, others, of))
        rows = causes.blocked_rows(i)
        for k, cause in enumerate(causes.blocked[i], start=rows.start):
            of = share([int(one.counters.blocked_by_us[k]) for one in seen])
            found.append(Wait(station.id, "blocked", cause, buffers[cause].sinks, of))
    found = [wait for wait in found if wait.share.mean > 0]
    return tuple(sorted(found, key=lambda wait: -wait.share.mean))


def remedies(line: Line, stations: Sequence[str]) -> tuple[Scenario, ...]:
    """What might help at some stations: one more machine, 10 % faster cycle, 20 % shorter repair,
    and half as much room again in each buffer beside them.

    Args:
        line: which line.
        stations: ids; one change is made at a time.

    >>> from twin.model import Line, Station
    >>> line = Line(id="L", stations=(Station(id="A", cycle_time="2 s"),))
    >>> [scenario.name for scenario in remedies(line, ["A"])]
    ['A: one more machine', 'A: 10 % faster cycle']
    """
    found = []
    for name in stations:
        station = line.station_by_id[name]
        more, what = _one_more(station)
        found.append(Scenario.of(f"{name}: {what}", more))
        found.append(
            Scenario.of(f"{name}: 10 % faster cycle", {f"stations.{name}.cycle_time": "-10%"})
        )
        if station.failures:
            shorter = {f"stations.{name}.failure.mttr": "-20%"}
            found.append(Scenario.of(f"{name}: 20 % shorter repair", shorter))
    beside = [
        buffer
        for buffer in line.buffers
        if buffer.capacity is not None and {*buffer.sources, *buffer.sinks} & set(stations)
    ]
    for buffer in beside:
        bigger = (buffer.capacity or 0) + max(1, math.ceil((buffer.capacity or 0) / 2))
        found.append(
            Scenario.of(
                f"{buffer.id}: {bigger} places, not {buffer.capacity}",
                {f"buffers.{buffer.id}.capacity": bigger},
            )
        )
    return tuple(found)


def _one_more(station: Station) -> tuple[dict[str, int], str]:
    """A machine more; where machines are dealt out over lanes, one for each lane."""
    if station.lanes == 1:
        return {f"stations.{station.id}.machines": station.machines + 1}, "one more machine"
    more = station.machines + station.lanes
    return {f"stations.{station.id}.machines": more}, "one more machine in each lane"
