"""What the two lines deliver: the targets of the plants, from empty through warm-up to the end."""

from __future__ import annotations

import pytest

from lines.loader import load
from twin.engine.kernel import kernel_library
from twin.engine.simulation import simulate
from twin.model import Line

pytestmark = pytest.mark.skipif(
    kernel_library() is None,
    reason="the compiled engine is not installed (no C compiler); SimPy would take minutes",
)
DAY_US = 86_400_000_000


def _with_machines(line: Line, station: str, machines: int) -> Line:
    stations = tuple(
        s.model_copy(update={"machines": machines}) if s.id == station else s for s in line.stations
    )
    return line.model_copy(update={"stations": stations})


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_storage_line_makes_200_cells_an_hour_and_stacking_sets_the_pace(seed: int) -> None:
    results = simulate(load("storage_line"), seed=seed, until=30 * DAY_US)
    assert results.good_per_h().mean >= 200
    assert results.slowest() == "STK"
    assert results.yield_ratio().mean == pytest.approx(0.976, abs=0.003)


def test_the_storage_line_with_four_stackers_makes_about_164() -> None:
    line = _with_machines(load("storage_line"), "STK", 4)
    results = simulate(line, replications=2, until=28 * DAY_US)
    assert 160 <= results.good_per_h().mean <= 168


@pytest.mark.parametrize("seed", [1, 2])
def test_the_tube_line_makes_two_million_tubes_a_day_at_99_percent(seed: int) -> None:
    results = simulate(load("tube_line"), seed=seed, until=DAY_US)
    counters = results.replications[0]
    assert results.good_units(counters) / results.days >= 2_000_000
    assert results.yield_ratio().mean == pytest.approx(0.990, abs=0.001)
    by_share = sorted(
        (s.id for s in results.line.stations),
        key=lambda name: results.station(name).busy_share,
        reverse=True,
    )
    assert set(by_share[:2]) == {"WND", "FNS"}
