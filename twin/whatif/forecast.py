"""What will a line have made by the end of the shift, from the state it is in?

Every replication starts from the state with times left of its own (`twin.engine.redraw`), so a
forecast is a set of futures. It is about an instant, and counts from the state on: the older a
state is, the longer the way to that instant and the wider the forecast. Stations of which nothing
is known are drawn (`twin.whatif.gaps`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from twin.engine.planned_time import is_closed, next_edge_us, open_time_us
from twin.engine.redraw import redrawn
from twin.engine.simulation import EngineName, open_engine, resolved_engine
from twin.engine.snapshot import Snapshot
from twin.engine.stops import GoodParts
from twin.errors import EngineError
from twin.model.line import Line
from twin.model.nearest import did_you_mean
from twin.whatif.estimates import share_interval
from twin.whatif.figures import Readings
from twin.whatif.gaps import blurred
from twin.whatif.horizons import Horizon, horizons_of
from twin.whatif.run import SEED_STEP
from twin.whatif.workers import Workers, open_workers

__all__ = ["Chance", "Coming", "Forecast", "Outlook", "State", "forecast", "forecasts"]

Floats = NDArray[np.float64]
HOUR_US = 3_600_000_000
SLOTS = 60
REPLICATIONS = 199
"""With n futures the k-th smallest and largest hold (n + 1 - 2 k) / (n + 1) of what comes."""


@dataclass(frozen=True, slots=True)
class State:
    """Where a forecast begins.

    Args:
        snapshot: the state.
        age_us: how long ago that was, by the plant's clock.
        unknown: for how long nothing has been heard of a station, microseconds, by its id.
        name: what people call it.
    """

    snapshot: Snapshot
    age_us: int = 0
    unknown: Mapping[str, int] = field(default_factory=dict)
    name: str = ""

    @property
    def now_us(self) -> int:
        """Engine time now."""
        return self.snapshot.at_us + self.age_us


@dataclass(frozen=True, slots=True)
class Chance:
    """A probability that was counted.

    Args:
        share: of the futures.
        low, high: its 95 % interval by Clopper and Pearson, for the number of futures. It says
            nothing of what the model itself does not know.
    """

    share: float
    low: float
    high: float

    @classmethod
    def of(cls, happened: NDArray[np.bool_]) -> Chance:
        """Count in how many futures something happened."""
        return cls(float(np.mean(happened)), *share_interval(int(happened.sum()), len(happened)))


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """Good units of product that leave by an instant, counted from the state on.

    Args:
        horizon: which instant.
        values: float64, one a future.
        target: how many there should be; None: nobody said.
        rate_times_time: what the mean rate so far would give; None: nothing was made so far, and
            the line has no target.
    """

    horizon: Horizon
    values: Floats
    target: float | None
    rate_times_time: float | None

    def quantile(self, share: float) -> float:
        """Below it what comes lies with this probability, counted among the futures.

        It is read at (n + 1) times the share, which is right for one more value of the same kind.
        """
        return float(np.quantile(self.values, share, method="weibull"))

    @property
    def reaches(self) -> Chance | None:
        """The probability that the target is reached."""
        return None if self.target is None else Chance.of(self.values >= self.target)


@dataclass(frozen=True, slots=True)
class Coming:
    """Something that comes, and when.

    Args:
        what: the station or buffer.
        kind: stop: a machine of the station fails; empty, full: the buffer is so for a whole slot.
        chance: that it comes within the forecast's time.
        after_us: 5, 50 and 95 % of the time until then, of the futures in which it comes.
        now: it is so already.
    """

    what: str
    kind: Literal["stop", "empty", "full"]
    chance: Chance
    after_us: tuple[float, float, float]
    now: bool


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """What may come of a state.

    Args:
        line: which line.
        state: where it begins.
        seed, engine: how it was made.
        outlooks: one for each horizon.
        order: units of an order; None: there is none.
        order_us: float64, engine time at which each future has made them; inf: not within `until`.
        until_us: engine time up to which an order is waited for.
        coming: stops of stations, and buffers that run empty or full.
        planned_stop_us: engine time at which the line's calendar stops it next; None: never.
        whole: whether all replications were made.
    """

    line: Line
    state: State
    seed: int
    engine: str
    outlooks: tuple[Outlook, ...]
    order: float | None
    order_us: Floats
    until_us: int
    coming: tuple[Coming, ...]
    planned_stop_us: int | None
    whole: bool

    @property
    def replications(self) -> int:
        """How many futures there are."""
        return len(self.outlooks[0].values)


@dataclass(frozen=True, slots=True)
class _Asked:
    line: Line
    state: State
    seed: int
    engine: EngineName
    horizons: tuple[Horizon, ...]
    order: float | None
    until_us: int

    @property
    def slots_us(self) -> list[int]:
        begin, end = self.state.snapshot.at_us, max(h.at_us for h in self.horizons)
        return [begin + (end - begin) * k // SLOTS for k in range(1, SLOTS + 1)]


@dataclass(frozen=True, slots=True, eq=False)
class _Future:
    outputs: list[float]
    order_us: float
    levels: Floats
    failures: NDArray[np.int64]


def forecast(
    line: Line,
    state: State,
    *,
    horizons: Sequence[Horizon] | None = None,
    targets: Mapping[str, float] | None = None,
    order: float | None = None,
    until_us: int | None = None,
    replications: int = REPLICATIONS,
    seed: int = 1,
    engine: EngineName = "auto",
    workers: Workers | None = None,
) -> Forecast:
    """Make a forecast.

    Args:
        line: the line that the state is of.
        state: where it begins.
        horizons: up to when; None: the end of the shift and of the day, by the line's shifts.
        targets: units that should be made from the state on, by the horizon's name; where none is
            given, the line's target for the planned busy time up to then.
        order: so many units are to be made; when will they be?
        until_us: engine time up to which an order is waited for; None: a week.
        replications: futures, at least 2; 199 give 5 and 95 % without interpolation.
        seed: of their draws.
        engine, workers: who runs.

    Raises:
        EngineError: the state is not of the line, or lies after a horizon.

    >>> from twin.engine import open_engine
    >>> from twin.model import Line, Station
    >>> line = Line(id="L", stations=(Station(id="A", cycle_time="2 s"),))
    >>> made = forecast(line, State(open_engine(line).snapshot()), replications=3)
    >>> [(o.horizon.name, o.quantile(0.5)) for o in made.outlooks]
    [('day', 43200.0)]
    """
    if workers is None:
        with open_workers(engine=engine) as found:
            return forecast(
                line, state, horizons=horizons, targets=targets, order=order, until_us=until_us,
                replications=replications, seed=seed, engine=engine, workers=found,
            )  # fmt: skip
    *_, last = forecasts(
        line, state, horizons=horizons, targets=targets, order=order, until_us=until_us,
        replications=replications, seed=seed, engine=engine, workers=workers,
    )  # fmt: skip
    return last


def forecasts(
    line: Line,
    state: State,
    *,
    horizons: Sequence[Horizon] | None,
    targets: Mapping[str, float] | None,
    order: float | None,
    until_us: int | None,
    replications: int,
    seed: int,
    engine: EngineName,
    workers: Workers,
) -> Iterator[Forecast]:
    """Make a forecast and give one each time that there are more futures.

    Yields:
        Forecasts of two and more futures; the last is whole.

    Raises:
        As `forecast`.
    """
    ends = tuple(horizons or horizons_of(line, state.now_us))
    _check(line, state, ends, replications)
    until_us = state.now_us + 7 * 24 * HOUR_US if until_us is None else until_us
    asked = _Asked(line, state, seed, resolved_engine(engine), ends, order, until_us)
    size = max(1, replications // (workers.size * workers.tasks_each))
    chunks = [range(k, min(k + size, replications)) for k in range(0, replications, size)]
    done: dict[int, list[_Future]] = {}
    shown = 0
    for number, futures in workers.results(_futures, [(asked, chunk) for chunk in chunks]):
        done[number] = futures
        if len(done) >= max(2, shown * 1.5) and len(done) < len(chunks):
            shown = len(done)
            yield _put_together(asked, targets, done, whole=False)
    yield _put_together(asked, targets, done, whole=True)


def _check(line: Line, state: State, horizons: Sequence[Horizon], replications: int) -> None:
    if replications < 2:
        raise EngineError(f"needs at least 2 replications, got {replications}")
    late = [h.name for h in horizons if h.at_us <= state.snapshot.at_us]
    if late:
        raise EngineError(f"the state is later than what is asked for: {', '.join(late)}")
    if state.age_us < 0:
        raise EngineError(f"a state's age must not be negative, got {state.age_us} us")
    for name in state.unknown:
        if name not in line.station_by_id:
            known = list(line.station_by_id)
            raise EngineError(f"line {line.id} has no station {name}; {did_you_mean(name, known)}")


def _futures(asked: _Asked, replications: range) -> list[_Future]:
    readings = Readings.of(asked.line)
    return [_future(asked, replication, readings) for replication in replications]


def _future(asked: _Asked, replication: int, readings: Readings) -> _Future:
    line, given = asked.line, asked.state.snapshot
    number = given.replication + asked.seed * SEED_STEP + replication + 1
    start = blurred(line, redrawn(line, given, number), asked.state.unknown, number)
    engine = open_engine(line, asked.engine, start=start, replication=number)
    before = engine.counters()
    outputs: dict[int, float] = {}
    levels, failures = [before.level_us], [before.failures]
    slots = set(asked.slots_us)
    ends = [end for end, units in zip(line.stations, readings.good_units, strict=True) if units]
    order_us = math.inf
    stop: GoodParts | None = None
    if asked.order is not None and len(ends) == 1:
        index = line.stations.index(ends[0])
        parts = math.ceil(asked.order / readings.good_units[index])
        stop = GoodParts(ends[0].id, int(before.good[index]) + max(1, parts))
    for at_us in sorted({*slots, *(horizon.at_us for horizon in asked.horizons)}):
        if stop is not None and order_us == math.inf and engine.advance(at_us, stop):
            order_us = float(engine.now_us)
        engine.advance(at_us)
        now = engine.counters()
        outputs[at_us] = readings.good(now) - readings.good(before)
        if at_us in slots:
            levels.append(now.level_us)
            failures.append(now.failures)
    later = stop is not None and order_us == math.inf and engine.now_us < asked.until_us
    if later and stop is not None and engine.advance(asked.until_us, stop):
        order_us = float(engine.now_us)
    widths = np.diff([given.at_us, *asked.slots_us])
    return _Future(
        outputs=[outputs[horizon.at_us] for horizon in asked.horizons],
        order_us=order_us,
        levels=np.diff(np.array(levels), axis=0) / widths[:, None],
        failures=np.array(failures[1:]) - failures[0],
    )


def _put_together(
    asked: _Asked, targets: Mapping[str, float] | None, done: Mapping[int, list[_Future]],
    *, whole: bool,
) -> Forecast:  # fmt: skip
    futures = [future for number in sorted(done) for future in done[number]]
    line, at_us = asked.line, asked.state.snapshot.at_us
    rate, calendar = _rate_so_far(line, asked.state.snapshot), line.calendar_of()
    outlooks = []
    for k, horizon in enumerate(asked.horizons):
        hours = open_time_us(calendar, at_us, horizon.at_us) / HOUR_US
        target = None if line.target is None else line.target * hours
        outlooks.append(
            Outlook(
                horizon,
                np.array([future.outputs[k] for future in futures]),
                (targets or {}).get(horizon.name, target),
                None if rate is None else rate * hours,
            )
        )
    stop_us = None
    if calendar is not None and not is_closed(calendar, at_us):
        stop_us = next_edge_us(calendar, at_us)
    return Forecast(
        line=line,
        state=asked.state,
        seed=asked.seed,
        engine=asked.engine,
        outlooks=tuple(outlooks),
        order=asked.order,
        order_us=np.array([future.order_us for future in futures]),
        until_us=asked.until_us,
        coming=tuple(_coming(asked, futures)),
        planned_stop_us=stop_us,
        whole=whole,
    )


def _rate_so_far(line: Line, snapshot: Snapshot) -> float | None:
    """Good units an hour of planned busy time since the run began; else the line's target."""
    good = np.add.reduceat(
        np.array(snapshot.machines.good),
        np.cumsum([0, *(station.machines for station in line.stations)])[:-1],
    )
    hours = open_time_us(line.calendar_of(), snapshot.began_us, snapshot.at_us) / HOUR_US
    made = float(np.sum(Readings.of(line).good_units * good))
    return made / hours if made > 0 and hours > 0 else line.target


def _coming(asked: _Asked, futures: Sequence[_Future]) -> Iterator[Coming]:
    at_us = asked.state.snapshot.at_us
    after = np.array(asked.slots_us, dtype=float) - at_us

    def found(what: str, kind: Literal["stop", "empty", "full"], is_so: NDArray[np.bool_],
              now: bool) -> Coming | None:  # fmt: skip
        comes = np.asarray(is_so.any(axis=1))
        if not comes.any():
            return None
        when = after[np.argmax(is_so[comes], axis=1)]
        low, middle, high = (
            float(q) for q in np.quantile(when, (0.05, 0.5, 0.95), method="inverted_cdf")
        )
        return Coming(what, kind, Chance.of(comes), (low, middle, high), now)

    failures = np.array([future.failures for future in futures])
    for i, station in enumerate(asked.line.stations):
        stop = found(station.id, "stop", failures[:, :, i] > 0, now=False)
        if stop is not None:
            yield stop
    levels = np.array([future.levels for future in futures])
    for i, buffer in enumerate(asked.line.buffers):
        room = None if buffer.capacity is None else buffer.capacity * buffer.lanes
        tests: dict[Literal["empty", "full"], NDArray[np.bool_]] = {"empty": levels[:, :, i] < 0.5}
        if room:
            tests["full"] = levels[:, :, i] > room - 0.5 * buffer.lanes
        for kind, is_so in tests.items():
            one = found(buffer.id, kind, is_so, now=bool(is_so[:, 0].all()))
            if one is not None:
                yield one
