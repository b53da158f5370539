"""Search: what is affordable, and what is tried where there is too much to try all."""

from __future__ import annotations

import pytest

from lines.loader import load
from twin import whatif
from twin.errors import EngineError, ScenarioError
from twin.whatif.search import Choice, Found, affordable, search

MIN_US = 60_000_000
PLAN = whatif.Plan(span_us=4 * MIN_US, warm_up_us=MIN_US)
BUFFERS = tuple(f"buffers.B{n}.capacity" for n in (1, 2, 3, 4))


def _last(choices: list[Choice], **settings: float) -> Found:
    with whatif.open_workers() as workers:
        *_, last = search(
            load("five_stations"),
            choices,
            plan=PLAN,
            workers=workers,
            indifference=0.03,
            **settings,  # type: ignore[arg-type]
        )
    return last


def test_only_what_the_budget_allows_is_affordable() -> None:
    line = load("five_stations")
    choices = [Choice(path, (1, 2, 4), 1.0) for path in BUFFERS[:2]]
    # Smaller than now gives nothing back.
    assert affordable(line, choices, 2.0) == [
        (1, 1), (1, 2), (2, 1), (2, 2), (1, 4), (2, 4), (4, 1), (4, 2),
    ]  # fmt: skip
    assert len(affordable(line, choices, None)) == 9


def test_too_many_combinations_to_count_are_refused() -> None:
    choices = [Choice(path, tuple(range(100)), 1.0) for path in BUFFERS]
    with pytest.raises(EngineError, match="100,000,000 combinations are too many"):
        affordable(load("five_stations"), choices, 1.0)


def test_where_nothing_is_affordable_it_says_so() -> None:
    with pytest.raises(EngineError, match="the budget must allow one of the choices, got"):
        _last([Choice(BUFFERS[0], (5,), 1.0)], budget=1.0)


def test_a_path_that_leads_nowhere_is_refused() -> None:
    with pytest.raises(ScenarioError, match="must be the id of a buffer"):
        _last([Choice("buffers.B9.capacity", (1, 2))])


def test_the_line_as_it_is_may_be_the_best() -> None:
    found = _last([Choice(BUFFERS[1], (0, 1, 2))])
    assert found.best is None
    assert found.race.proved


def test_a_space_too_large_to_try_is_sampled_within_its_budget() -> None:
    choices = [Choice(path, tuple(range(2, 9)), 1.0) for path in BUFFERS]
    found = _last(choices, trials=25, budget=12.0)
    assert found.affordable is not None
    assert found.affordable > 400
    assert found.tried == 25
    assert len(found.variants) <= 21
    assert max(found.costs) <= 12.0
    assert found.best is not None
    assert found.race.means[found.race.best] > 1.05 * found.race.means[0]
    assert _last(choices, trials=25, budget=12.0).best == found.best
