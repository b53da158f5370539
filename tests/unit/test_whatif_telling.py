"""What is said of an answer beside its numbers."""

from __future__ import annotations

import pytest

from lines.loader import load
from twin.model import Line
from twin.whatif.experiment import Plan, compare
from twin.whatif.scenario import Scenario
from twin.whatif.telling import verdict

HOUR = 3_600_000_000
NOTED = "Only in part a steady state"


def line_with(*every: str) -> Line:
    """A station, with a calendar for each of some planned stops."""
    calendars = tuple(
        {"id": f"c{i}", "stops": ({"every": one, "lasts": "10 min"},)}
        for i, one in enumerate(every)
    )
    made = {"id": "L", "stations": ({"id": "A", "cycle_time": "60 s"},), "calendars": calendars}
    if every:
        made["calendar"] = "c0"
    return Line.model_validate(made)


@pytest.mark.parametrize(
    ("every", "hours", "warm_up_h", "noted"),
    [
        (("8 h",), 8, 1, False),
        (("8 h",), 12, 1, True),
        (("8 h", "12 h"), 8, 1, True),
        (("8 h", "12 h"), 24, 1, False),
        (("8 h",), 12, 0, False),
        ((), 7, 1, False),
    ],
)
def test_a_steady_state_of_part_of_a_calendars_period_is_said_to_be_one(
    every: tuple[str, ...], hours: int, warm_up_h: int, noted: bool
) -> None:
    plan = Plan(hours * HOUR, warm_up_us=warm_up_h * HOUR, precision=None, most=10)
    faster = Scenario.of("faster", {"stations.A.cycle_time": "50 s"})
    said = verdict(compare(line_with(*every), [faster], plan=plan))
    assert any(NOTED in sentence for sentence in said) == noted


def test_the_storage_line_needs_whole_weeks() -> None:
    assert {stop.every_us for c in load("storage_line").calendars for stop in c.stops} == {
        7 * 24 * HOUR
    }
