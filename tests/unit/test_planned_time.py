from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.engine.planned_time import is_closed, next_edge_us, open_time_us
from twin.model.calendar import Calendar, PlannedStop

WEEK = 604_800_000_000


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    stops = []
    for _ in range(draw(st.integers(1, 3))):
        every = draw(st.integers(2, 12))
        at = draw(st.integers(0, every - 1))
        stops.append(PlannedStop(every=every, at=at, lasts=draw(st.integers(1, every - at))))
    return Calendar(id="C", stops=tuple(stops))


@given(calendars(), st.integers(0, 500))
def test_an_edge_is_the_first_instant_at_which_the_calendar_turns(cal: Calendar, at: int) -> None:
    closed = [is_closed(cal, t) for t in range(at, at + 200)]
    turned = [i for i in range(1, len(closed)) if closed[i] != closed[0]]
    if turned:
        assert next_edge_us(cal, at) == at + turned[0]


@given(calendars(), st.integers(0, 200), st.integers(0, 200))
def test_open_time_counts_the_open_instants(cal: Calendar, at: int, span: int) -> None:
    if all(is_closed(cal, t) for t in range(at, at + 2_000)):
        return
    assert open_time_us(cal, at, at + span) == sum(
        not is_closed(cal, t) for t in range(at, at + span)
    )


def test_without_a_calendar_all_time_is_open() -> None:
    assert open_time_us(None, 3, 10) == 7


def test_short_stops_inside_a_long_one_cost_no_steps() -> None:
    """A break each two minutes within a fortnight's holiday has 10,080 edges that are none."""
    cal = Calendar(
        id="C",
        stops=(
            PlannedStop(every="52 week", at="1 week", lasts="2 week"),
            PlannedStop(every="2 min", at=0, lasts="10 s"),
            PlannedStop(every="1 min", at="30 s", lasts="5 s"),
        ),
    )
    assert next_edge_us(cal, WEEK + 1) == 3 * WEEK + 10_000_000


def test_a_calendar_that_is_never_open_is_refused() -> None:
    cal = Calendar(id="C", stops=(PlannedStop(every=4, at=0, lasts=4),))
    with pytest.raises(ValueError, match="C never opens"):
        next_edge_us(cal, 1)
