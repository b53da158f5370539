"""Distributions as integer quantile tables (rule S3): the same bits in Python, NumPy and C.

A table has 1,024 intervals of equal probability with straight lines between their ends, and the
last of them is cut into 1,024 again for the tail. Lines lie above a convex quantile function, so
the table of a smooth distribution is scaled (by about 1e-4) until its mean is the exact one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from twin.model import durations as d
from twin.model.quantity import MAX_TIME_US

__all__ = [
    "QuantileTable",
    "cumulative",
    "mean_us",
    "midpoints",
    "quantile_table",
    "share_below",
    "stacked_variates",
    "variate",
    "variates",
]

INTERVALS = 1024
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class QuantileTable:
    """Quantiles in microseconds.

    Args:
        main: int64, length 1,025: the quantile at i/1024; its last is the tail's last.
        tail: int64, length 1,025: the quantile at 1023/1024 + j/1024^2.
        constant_us: the one value of a table without spread; 0 for any other.
    """

    main: NDArray[np.int64]
    tail: NDArray[np.int64]
    constant_us: int


def _lognormal_sigma(duration: d.Lognormal) -> float:
    if duration.sigma is not None:
        return duration.sigma
    assert duration.cv is not None  # noqa: S101 - the model has one of the two
    return float(np.sqrt(np.log1p(duration.cv**2)))


def _gamma(duration: d.Erlang | d.Gamma) -> tuple[float, float]:
    shape = float(duration.stages) if isinstance(duration, d.Erlang) else duration.cv**-2
    return shape, duration.mean_us / shape


def _normal(duration: d.Normal) -> tuple[float, float, float]:
    spread = duration.cv * duration.mean_us
    return duration.mean_us, spread, float(special.ndtr(-1 / duration.cv))


def _triangular_quantile(duration: d.Triangular, u: Floats) -> Floats:
    low, mode, high = duration.low_us, duration.mode_us, duration.high_us
    rising = low + np.sqrt(u * (high - low) * (mode - low))
    falling = high - np.sqrt((1 - u) * (high - low) * (high - mode))
    return np.where(u < (mode - low) / (high - low), rising, falling)


def _triangular_cumulative(duration: d.Triangular, x: Floats) -> Floats:
    low, mode, high = duration.low_us, duration.mode_us, duration.high_us
    x = np.clip(x, low, high)
    # A side of no width has no share; the 1 only keeps the division from failing.
    rising = (x - low) ** 2 / ((high - low) * ((mode - low) or 1))
    falling = 1 - (high - x) ** 2 / ((high - low) * ((high - mode) or 1))
    return np.where(x < mode, rising, falling)


def _quantile(duration: d.Duration, u: Floats) -> Floats:
    """The quantile function, in microseconds, at probabilities below 1."""
    match duration:
        case d.Constant():
            return np.full_like(u, duration.mean_us)
        case d.Exponential():
            return np.asarray(-duration.mean_us * np.log1p(-u))
        case d.Erlang() | d.Gamma():
            shape, scale = _gamma(duration)
            return np.asarray(special.gammaincinv(shape, u) * scale)
        case d.Lognormal():
            sigma = _lognormal_sigma(duration)
            return np.asarray(duration.mean_us * np.exp(sigma * special.ndtri(u) - sigma**2 / 2))
        case d.Normal():
            if duration.cv == 0:
                return np.full_like(u, duration.mean_us)
            mean, spread, below = _normal(duration)
            return np.asarray(mean + spread * special.ndtri(below + u * (1 - below)))
        case d.Weibull():
            scale = duration.mean_us / special.gamma(1 + 1 / duration.shape)
            return np.asarray(scale * (-np.log1p(-u)) ** (1 / duration.shape))
        case d.Triangular():
            return _triangular_quantile(duration, u)
        case d.Empirical():
            values = np.sort(np.asarray(duration.values_us, dtype=float))
            return np.asarray(np.interp(u, np.linspace(0, 1, len(values)), values))
        case d.Mix():
            return _mix_quantile(duration, u)


def cumulative(duration: d.Duration, x: Floats) -> Floats:
    """The distribution function at times in microseconds.

    >>> cumulative(d.Exponential(distribution="exponential", mean="1 s"), np.array([1e6])).round(3)
    array([0.632])
    """
    match duration:
        case d.Constant():
            return (x >= duration.mean_us).astype(float)
        case d.Exponential():
            return np.asarray(-np.expm1(-x / duration.mean_us))
        case d.Erlang() | d.Gamma():
            shape, scale = _gamma(duration)
            return np.asarray(special.gammainc(shape, x / scale))
        case d.Lognormal():
            sigma = _lognormal_sigma(duration)
            logs = np.log(np.maximum(x, 1e-9) / duration.mean_us)
            return np.asarray(special.ndtr(logs / sigma + sigma / 2))
        case d.Normal():
            if duration.cv == 0:
                return (x >= duration.mean_us).astype(float)
            mean, spread, below = _normal(duration)
            raw = (special.ndtr((x - mean) / spread) - below) / (1 - below)
            return np.asarray(np.maximum(raw, 0))
        case d.Weibull():
            scale = duration.mean_us / special.gamma(1 + 1 / duration.shape)
            return np.asarray(-np.expm1(-((x / scale) ** duration.shape)))
        case d.Triangular():
            return _triangular_cumulative(duration, x)
        case d.Empirical():
            values = np.sort(np.asarray(duration.values_us, dtype=float))
            ranks = np.linspace(0, 1, len(values))
            return np.interp(x, values, ranks, left=0.0, right=1.0)
        case d.Mix():
            weights = _weights(duration)
            return sum(
                (
                    w * cumulative(p.duration, x)
                    for w, p in zip(weights, duration.parts, strict=True)
                ),
                start=np.zeros_like(x),
            )


def _weights(mix: d.Mix) -> list[float]:
    total = sum(part.weight for part in mix.parts)
    return [part.weight / total for part in mix.parts]


def _mix_quantile(mix: d.Mix, u: Floats) -> Floats:
    """Invert the mixture's distribution function by bisection, to a tenth of a microsecond."""
    ends = np.array([_quantile(part.duration, u) for part in mix.parts])
    low, high = ends.min(axis=0) - 1, ends.max(axis=0) + 1
    while np.max(high - low) > 0.1:
        middle = (low + high) / 2
        enough = cumulative(mix, middle) >= u
        high, low = np.where(enough, middle, high), np.where(enough, low, middle)
        if np.all((high - low) <= np.spacing(high)):
            break
    return np.asarray(high)


def mean_us(duration: d.Duration) -> float:
    """The exact mean of a distribution, in microseconds.

    >>> from twin.model.durations import Triangular
    >>> mean_us(Triangular(distribution="triangular", low="1 s", mode="2 s", high="6 s")) / 1e6
    3.0
    """
    match duration:
        case d.Triangular():
            return (duration.low_us + duration.mode_us + duration.high_us) / 3
        case d.Empirical():
            values = np.sort(np.asarray(duration.values_us, dtype=float))
            return float(np.mean((values[1:] + values[:-1]) / 2))
        case d.Mix():
            weights = _weights(duration)
            return sum(
                w * mean_us(p.duration) for w, p in zip(weights, duration.parts, strict=True)
            )
        case _:
            return float(duration.mean_us)


def _table_mean(main: Floats, tail: Floats) -> float:
    last = float((tail[:-1] + tail[1:]).mean() / 2)
    return float(((main[:-2] + main[1:-1]).sum() / 2 + last) / INTERVALS)


@lru_cache(maxsize=4096)
def quantile_table(duration: d.Duration, stretch: float = 1.0) -> QuantileTable:
    """Make the quantile table of a distribution.

    Args:
        duration: from a line file.
        stretch: every time is multiplied by it; a station's 1/effectiveness.

    Returns:
        Tables that never fall and never go below 1 us.
    """
    if isinstance(duration, d.Constant):
        value = max(1, round(duration.mean_us * stretch))
        flat = np.full(INTERVALS + 1, value, dtype=np.int64)
        return QuantileTable(flat, flat, value)
    grid = np.arange(INTERVALS + 1) / INTERVALS
    low_end = grid[:-1].copy()
    if not isinstance(duration, d.Triangular | d.Empirical):
        # The first line must not begin at 0 (a normal's has no lower end at all, and a tight
        # lognormal never comes near 0), but where it has the mean of an exponential tail.
        low_end[0] = np.exp(-2) / INTERVALS
    tail_u = (INTERVALS - 1 + grid) / INTERVALS
    # The last step of the tail has no upper end; e^-2 of its probability is left beyond the point
    # that makes its straight line have the mean of an exponential tail.
    tail_u[-1] = 1 - np.exp(-2) / INTERVALS**2
    tail = _quantile(duration, tail_u)
    main = np.append(_quantile(duration, low_end), tail[-1])
    scale = stretch * mean_us(duration) / _table_mean(main, tail)
    return QuantileTable(_whole(main * scale), _whole(tail * scale), 0)


def midpoints(table: QuantileTable) -> tuple[Floats, Floats]:
    """The middles of a table's intervals in microseconds, and their probabilities.

    >>> times, weights = midpoints(quantile_table(d.Constant(mean="1 s")))
    >>> float(times.mean()), round(float(weights.sum()), 9)
    (1000000.0, 1.0)
    """
    middle = (table.main[:-2] + table.main[1:-1]) / 2
    far = (table.tail[:-1] + table.tail[1:]) / 2
    weights = np.concatenate([np.full(len(middle), 1.0), np.full(len(far), 1 / len(far))])
    return np.concatenate([middle, far]), weights / INTERVALS


def _whole(values: Floats) -> NDArray[np.int64]:
    whole = np.rint(np.clip(values, 1, MAX_TIME_US)).astype(np.int64)
    return np.asarray(np.maximum.accumulate(whole))


def variate(table: QuantileTable, word: int) -> int:
    """Read one time off a table.

    Args:
        table: the distribution.
        word: a 64-bit draw.

    Returns:
        Microseconds, at least 1.
    """
    i = word >> 54
    if i < INTERVALS - 1:
        low, high, fraction = int(table.main[i]), int(table.main[i + 1]), (word >> 22) & 0xFFFFFFFF
    else:
        j = (word >> 44) & 1023
        low, high, fraction = int(table.tail[j]), int(table.tail[j + 1]), (word >> 12) & 0xFFFFFFFF
    return low + ((high - low) * fraction >> 32)


def variates(table: QuantileTable, word_block: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Read a block of times off a table, the same as `variate` gives one by one."""
    number = np.zeros(len(word_block), dtype=np.int64)
    return stacked_variates(table.main[None], table.tail[None], number, word_block)


def stacked_variates(
    main: NDArray[np.int64],
    tail: NDArray[np.int64],
    number: NDArray[np.int64],
    word_block: NDArray[np.uint64],
) -> NDArray[np.int64]:
    """Read times off several tables, each off its own.

    Args:
        main, tail: int64, (tables, 1,025).
        number: which table each time is read off.
        word_block: a 64-bit draw for each.
    """
    i = (word_block >> np.uint64(54)).astype(np.int64)
    j = ((word_block >> np.uint64(44)) & np.uint64(1023)).astype(np.int64)
    in_tail = i == INTERVALS - 1
    low = np.where(in_tail, tail[number, j], main[number, i])
    high = np.where(in_tail, tail[number, j + 1], main[number, i + 1])
    shift = np.where(in_tail, np.uint64(12), np.uint64(22))
    fraction = (word_block >> shift) & np.uint64(0xFFFFFFFF)
    step = (high - low).astype(np.uint64)
    # step * fraction can take 83 bits: the upper and the lower half of the step apart.
    upper = (step >> np.uint64(32)) * fraction
    lower = ((step & np.uint64(0xFFFFFFFF)) * fraction) >> np.uint64(32)
    return np.asarray(low + (upper + lower).astype(np.int64))


def share_below(table: QuantileTable, us: int) -> float:
    """The probability that a time read off a table is no longer than this one.

    >>> table = quantile_table(d.Exponential(distribution="exponential", mean="1 s"))
    >>> round(share_below(table, 1_000_000), 3), share_below(table, 0), share_below(table, 10**9)
    (0.632, 0.0, 1.0)
    """
    main, tail = table.main, table.tail
    i = int(np.searchsorted(main, us, "right")) - 1
    if i < 0:
        return 0.0
    if i < INTERVALS - 1:
        return (i + (us - int(main[i])) / int(main[i + 1] - main[i])) / INTERVALS
    j = int(np.searchsorted(tail, us, "right")) - 1
    if j >= INTERVALS:
        return 1.0
    if j < 0:
        return (INTERVALS - 1) / INTERVALS
    part = (us - int(tail[j])) / int(tail[j + 1] - tail[j])
    return (INTERVALS - 1 + (j + part) / INTERVALS) / INTERVALS
