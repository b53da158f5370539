"""Small lines whose trajectories are held fast.

Their times come from plain arithmetic (constant, triangular, empirical): what a library makes of a
logarithm may differ in the last bit from machine to machine.
"""

from __future__ import annotations

from typing import Any

from twin.model import Line
from twin.model.checks import check_line

S = 1_000_000
TRIANGULAR = {"distribution": "triangular", "low": S, "mode": 2 * S, "high": 4 * S}
EMPIRICAL = {"distribution": "empirical", "values": (S, 2 * S, 2 * S, 5 * S)}


def line(name: str, stations: list[dict[str, Any]], buffers: list[Any], **more: Any) -> Line:
    made = Line.model_validate(
        {
            "id": name,
            "stations": tuple(stations),
            "buffers": tuple(
                {"id": f"q{i}", "sources": tuple(a), "sinks": tuple(b), **rest}
                for i, (a, b, rest) in enumerate(buffers)
            ),
            **more,
        },
        by_name=True,
    )
    assert not check_line(made)
    return made


def series() -> Line:
    """Three stations, ties at every instant, failures of work and a changeover."""
    failure = {"id": "f", "mtbf": TRIANGULAR | {"high": 40 * S}, "mttr": EMPIRICAL}
    return line(
        "SERIES",
        [
            {"id": "A", "cycle_time": 2 * S},
            {"id": "B", "cycle_time": TRIANGULAR, "failures": (failure,), "machines": 2},
            {"id": "C", "cycle_time": S, "changeovers": ({"id": "c", "every": 9 * S, "lasts": S},)},
        ],
        [("A", "B", {"capacity": 2}), ("B", "C", {"capacity": 0})],
    )


def quality() -> Line:
    """Defects, inspection, rework to a station and in place, shares, scrap."""
    inspection = {"detects": {"u": 0.5}, "false_reject": 0.1, "rejects_to": "B"}
    return line(
        "QUALITY",
        [
            {"id": "A", "cycle_time": 2 * S, "defects": {"u": 0.3, "v": 0.1}},
            {"id": "B", "cycle_time": EMPIRICAL, "rework": {"rate": 0.2}},
            {"id": "C", "cycle_time": S, "inspection": inspection},
            {"id": "D", "cycle_time": 3 * S, "scrap": 0.1},
            {"id": "E", "cycle_time": TRIANGULAR, "rework": {"rate": 0.2, "to": "B"}},
        ],
        [
            ("A", "B", {"capacity": 3}),
            ("B", "C", {"capacity": 1}),
            ("C", "D", {"capacity": 2, "share": 0.25}),
            ("C", "E", {"capacity": 2, "share": 0.75}),
        ],
        defects=({"id": "u"}, {"id": "v"}),
    )


def plant() -> Line:
    """Loads, lanes, places, an assembly, a crew, a crane, maintenance, shifts, deliveries."""
    crane = {"id": "f", "depends_on": "time", "stops": "handling", "mtbf": 31 * S, "mttr": 4 * S}
    stop = {"id": "g", "depends_on": "time", "mtbf": 23 * S, "mttr": 3 * S, "crew": "crew"}
    plan = {"every": 20 * S, "lasts": 2 * S, "crew": "crew"}
    glue = {"id": "glue", "unit": "kg", "stock": 3}
    return line(
        "PLANT",
        [
            {"id": "A", "cycle_time": S, "machines": 4, "lanes": 2, "maintenance": (plan,)},
            {"id": "B", "cycle_time": 4 * S, "gives": 7.5},
            {"id": "R", "cycle_time": 5 * S, "places": 6, "failures": (crane,)},
            {
                "id": "P",
                "cycle_time": TRIANGULAR,
                "takes": {"q1": 4, "q2": 1.5},
                "gives": 1,
                "failures": ({**stop, "after": "scrap"},),
                "uses": ({"material": "glue", "amount": 0.5},),
            },
            {"id": "Z", "cycle_time": 2 * S, "calendar": "breaks"},
        ],
        [
            ("A", "R", {"capacity": 2, "lanes": 4}),
            ("R", "P", {"capacity": 5}),
            ("B", "P", {"capacity": 9}),
            ("P", "Z", {"capacity": 1}),
        ],
        crews=({"id": "crew", "size": 1},),
        calendars=({"id": "breaks", "stops": ({"every": 15 * S, "at": S, "lasts": 3 * S},)},),
        materials=({**glue, "delivery": {"every": 20 * S, "first": 5 * S, "amount": 2.0}},),
    )


LINES = {"series": series, "quality": quality, "plant": plant}
