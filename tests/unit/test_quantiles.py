from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from twin.engine.draws import MASK64
from twin.engine.quantiles import QuantileTable, mean_us, quantile_table, variate, variates
from twin.model.durations import Duration

S = 1_000_000
LAWS: dict[str, dict[str, Any]] = {
    "exponential": {"mean": 3 * S},
    "erlang": {"mean": 3 * S, "stages": 2},
    "gamma": {"mean": 3 * S, "cv": 0.4},
    "gamma ": {"mean": 3 * S, "cv": 2.0},
    "lognormal": {"mean": 3 * S, "cv": 0.05},
    "lognormal ": {"mean": 3 * S, "sigma": 1.0},
    "normal": {"mean": 3 * S, "cv": 0.1},
    "normal ": {"mean": 3 * S, "cv": 0.33},
    "weibull": {"mean": 3 * S, "shape": 2.0},
    "weibull ": {"mean": 3 * S, "shape": 0.7},
    "triangular": {"low": S, "mode": 2 * S, "high": 6 * S},
    "empirical": {"values": tuple(S * v for v in (5, 1, 2, 2, 9))},
    "mix": {
        "parts": (
            {"weight": 9.0, "duration": {"distribution": "exponential", "mean": S}},
            {"weight": 1.0, "duration": {"distribution": "gamma", "mean": 20 * S, "cv": 0.5}},
        )
    },
}
SPREAD = {  # coefficients of variation, from textbooks
    "exponential": 1.0, "erlang": 0.5**0.5, "gamma": 0.4, "lognormal": 0.05, "normal": 0.1,
    "weibull": 0.5227, "triangular": 0.3600,
}  # fmt: skip
edge_words = st.one_of(
    st.integers(0, MASK64),
    st.builds(lambda i, low: (i << 54) + low, st.integers(1020, 1023), st.integers(0, 2**54 - 1)),
    st.sampled_from([0, MASK64, 1 << 54, 1023 << 54, (1023 << 54) - 1]),
)


def duration(name: str) -> Duration:
    fields = {"distribution": name.strip(), **LAWS[name]}
    return TypeAdapter(Duration).validate_python(fields, by_name=True, by_alias=True)


def moments(table: QuantileTable) -> tuple[float, float]:
    """Mean and variance of what the table's straight lines stand for, worked out exactly."""
    low = np.concatenate([table.main[:-2], table.tail[:-1]]).astype(float)
    high = np.concatenate([table.main[1:-1], table.tail[1:]]).astype(float)
    weight = np.repeat([1 / 1024, 1 / 1024**2], [1023, 1024])
    mean = float((weight * (low + high) / 2).sum())
    square = float((weight * (low**2 + low * high + high**2) / 3).sum())
    return mean, square - mean**2


@pytest.mark.parametrize("name", LAWS)
def test_a_table_never_falls_and_has_the_exact_mean(name: str) -> None:
    law = duration(name)
    for stretch in (1.0, 1.25):
        table = quantile_table(law, stretch)
        assert (np.diff(table.main) >= 0).all()
        assert (np.diff(table.tail) >= 0).all()
        assert table.main[0] >= 1
        assert table.main[-1] == table.tail[-1]
        assert moments(table)[0] == pytest.approx(mean_us(law) * stretch, rel=1e-6)


@pytest.mark.parametrize("name", SPREAD)
def test_a_table_has_the_spread_of_its_law(name: str) -> None:
    mean, variance = moments(quantile_table(duration(name)))
    assert variance**0.5 / mean == pytest.approx(SPREAD[name], rel=5e-3)


@given(st.sampled_from(sorted(LAWS)), st.lists(edge_words, min_size=1, max_size=20))
def test_a_block_is_the_times_one_by_one(name: str, drawn: list[int]) -> None:
    table = quantile_table(duration(name))
    block = variates(table, np.array(drawn, dtype=np.uint64))
    assert block.tolist() == [variate(table, w) for w in drawn]
    assert block.min() >= 1


@given(st.sampled_from(sorted(LAWS)), edge_words, edge_words)
def test_a_larger_draw_never_gives_a_shorter_time(name: str, one: int, other: int) -> None:
    table = quantile_table(duration(name))
    low, high = sorted((one, other))
    assert variate(table, low) <= variate(table, high)


def test_the_longest_times_do_not_overflow() -> None:
    law = TypeAdapter(Duration).validate_python(
        {"distribution": "weibull", "mean": "100 d", "shape": 0.2}, by_name=True, by_alias=True
    )
    table = quantile_table(law)
    drawn = np.array([MASK64, MASK64 - (1 << 40), 1023 << 54], dtype=np.uint64)
    assert variates(table, drawn).tolist() == [variate(table, int(w)) for w in drawn]


def test_a_constant_is_a_constant() -> None:
    law = TypeAdapter(Duration).validate_python("2 s")
    table = quantile_table(law, 1.5)
    assert table.constant_us == 3 * S
    assert variate(table, MASK64) == 3 * S
