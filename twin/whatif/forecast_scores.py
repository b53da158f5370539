"""Forecasts whose time has come, held to what came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.engine.snapshot import Snapshot
from twin.errors import EngineError
from twin.model.line import Line
from twin.whatif.estimates import share_interval
from twin.whatif.figures import Readings
from twin.whatif.forecast import Forecast

__all__ = ["Kept", "Scores", "crps", "kept", "made_by", "scores_of"]

Floats = NDArray[np.float64]
SIDE = 0.05


@dataclass(frozen=True, slots=True)
class Kept:
    """A forecast of one horizon, as it is stored when it is made.

    Args:
        line: which line; and `digest`, the hash of its behaviour.
        made_at_us: when, microseconds since 1970-01-01 UTC.
        state_us, age_us, unknown: where it began: engine time, age then, stations not heard of.
        horizon, horizon_us: up to when; engine time.
        made_before: good units that the run had made by the state.
        target, probability, probability_low, probability_high: of reaching it; None without one.
        rate_times_time: what the mean rate so far would give.
        values: the futures' outputs.
        outcome: what came; None: not yet.
        plant_us: when the state was so, by the plant's clock, microseconds since 1970-01-01 UTC;
            None: it is no watched plant's.
    """

    line: str
    digest: str
    made_at_us: int
    state_us: int
    age_us: int
    unknown: tuple[str, ...]
    horizon: str
    horizon_us: int
    made_before: float
    target: float | None
    probability: float | None
    probability_low: float | None
    probability_high: float | None
    rate_times_time: float | None
    values: tuple[float, ...]
    outcome: float | None = None
    plant_us: int | None = None

    @property
    def ends_us(self) -> int | None:
        """When its time has come, by the plant's clock, microseconds since 1970-01-01 UTC."""
        return None if self.plant_us is None else self.plant_us + self.horizon_us - self.state_us


def made_by(line: Line, snapshot: Snapshot) -> float:
    """Good units of product that a run had made by a state of it."""
    first = np.cumsum([0, *(station.machines for station in line.stations)])[:-1]
    good = np.add.reduceat(np.array(snapshot.machines.good), first)
    return float(np.sum(Readings.of(line).good_units * good))


def kept(made: Forecast, made_at_us: int) -> tuple[Kept, ...]:
    """A forecast as it is stored, a row for each horizon.

    Args:
        made: the forecast.
        made_at_us: when, microseconds since 1970-01-01 UTC.
    """
    state = made.state
    rows = []
    for outlook in made.outlooks:
        reaches = outlook.reaches
        rows.append(
            Kept(
                line=made.line.id,
                digest=state.snapshot.line.digest,
                made_at_us=made_at_us,
                state_us=state.snapshot.at_us,
                age_us=state.age_us,
                unknown=tuple(sorted(state.unknown)),
                horizon=outlook.horizon.name,
                horizon_us=outlook.horizon.at_us,
                made_before=made_by(made.line, state.snapshot),
                target=outlook.target,
                probability=None if reaches is None else reaches.share,
                probability_low=None if reaches is None else reaches.low,
                probability_high=None if reaches is None else reaches.high,
                rate_times_time=outlook.rate_times_time,
                values=tuple(outlook.values.tolist()),
            )
        )
    return tuple(rows)


def crps(values: Floats, outcome: float) -> float:
    """The continuous ranked probability score of a set of futures: how far it was from what came,
    in its unit; less is better, and for a single value it is the absolute error.

    The unbiased form for a finite set (Ferro, "Fair scores for ensemble forecasts", Quarterly
    Journal of the Royal Meteorological Society 140, 2014).

    >>> crps(np.array([3.0]), 5.0), round(crps(np.array([4.0, 6.0]), 5.0), 3)
    (2.0, 0.0)
    """
    ordered, n = np.sort(values), len(values)
    error = float(np.mean(np.abs(ordered - outcome)))
    if n < 2:
        return error
    ranks = 2 * np.arange(1, n + 1) - n - 1
    return error - float(np.sum(ranks * ordered)) / (n * (n - 1))


@dataclass(frozen=True, slots=True)
class Scores:
    """How forecasts did.

    Args:
        count: of those whose time has come.
        coverage: share of outcomes between 5 and 95 %, and its 95 % interval.
        crps: mean, in units of product.
        rate_crps: the same of the rate times the time; None: there was none.
        reached, promised: how often the target was reached, and the mean probability that was
            given for it; None without targets.
        brier: mean squared error of those probabilities.
        waiting: forecasts of which nobody has said what came.
    """

    count: int
    coverage: tuple[float, float, float]
    crps: float
    rate_crps: float | None
    reached: float | None
    promised: float | None
    brier: float | None
    waiting: int = 0


def scores_of(rows: Sequence[Kept]) -> Scores:
    """Score forecasts.

    Args:
        rows: those whose outcome is known count.

    Raises:
        EngineError: there is none.
    """
    known = [(row, row.outcome) for row in rows if row.outcome is not None]
    if not known:
        raise EngineError(
            f"of {len(rows)} forecasts nobody has said yet what came: there is nothing to score"
        )
    inside, errors, rates, given, came = 0, [], [], [], []
    for row, outcome in known:
        values = np.array(row.values)
        low, high = np.quantile(values, (SIDE, 1 - SIDE), method="weibull")
        inside += int(low <= outcome <= high)
        errors.append(crps(values, outcome))
        if row.rate_times_time is not None:
            rates.append(abs(row.rate_times_time - outcome))
        if row.target is not None and row.probability is not None:
            given.append(row.probability)
            came.append(float(outcome >= row.target))
    return Scores(
        count=len(known),
        coverage=(inside / len(known), *share_interval(inside, len(known))),
        crps=float(np.mean(errors)),
        rate_crps=float(np.mean(rates)) if rates else None,
        reached=float(np.mean(came)) if came else None,
        promised=float(np.mean(given)) if given else None,
        brier=float(np.mean((np.array(given) - came) ** 2)) if given else None,
        waiting=len(rows) - len(known),
    )
