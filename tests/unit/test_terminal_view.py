"""What the terminal says when there is little, or nothing, to be sure of."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from twin.cli.terminal_view import line_panel, summary
from twin.cli.watch import LiveLine
from twin.historian.port import Quality
from twin.live.readings import ConnectionChanged, Reading
from twin.live.standing import slowest_stations
from twin.model.line import Line

T0 = 1_767_571_200_000_000
MIN = 60_000_000


def line(**more: object) -> Line:
    return Line.model_validate(
        {
            "id": "L1",
            "plcs": ({"id": "PLC-A"}, {"id": "PLC-B"}),
            "target": "600 /h",
            "stations": (
                {"id": "CAST", "cycle_time": "1 s", "plc": "PLC-A"},
                {"id": "MAKE", "cycle_time": "1 s", "plc": "PLC-A"},
                {"id": "PACK", "cycle_time": "1 s", "plc": "PLC-B"},
            ),
            "buffers": (
                {"id": "B1", "from": "CAST", "to": "MAKE", "capacity": 9},
                {"id": "B2", "from": "MAKE", "to": "PACK", "capacity": 9},
            ),
            **more,
        }
    )


def heard(live: LiveLine, at: int, waited_s: dict[str, float], made: int) -> None:
    """Take in how long each station has waited so far, and what the last one has made."""
    counted = {"processed": made, "defective": 0, "reworked": 0}
    live.take(
        tuple(
            Reading("PLC-B", "PACK01", name, value, at, at, Quality.GOOD)
            for name, value in counted.items()
        )
    )
    for unit, waited in waited_s.items():
        plc = "PLC-B" if unit == "PACK01" else "PLC-A"
        live.take((Reading(plc, unit, "waiting_time_s", waited, at, at, Quality.GOOD),))


def watched(waited_s: dict[str, float], **more: object) -> LiveLine:
    """A line that has been watched for ten minutes."""
    live = LiveLine(line(**more), lambda _: None)
    for plc in ("PLC-A", "PLC-B"):
        live.take(ConnectionChanged(plc, connected=True, at_us=T0, reason=""))
    heard(live, T0, dict.fromkeys(waited_s, 0.0), 0)
    heard(live, T0 + 10 * MIN, waited_s, 100)
    return live


def panel(live: LiveLine, width: int = 120) -> str:
    console = Console(width=width, file=StringIO())
    console.print(line_panel(live, 30))
    return console.file.getvalue()


def test_the_station_that_waits_least_is_the_slowest() -> None:
    live = watched({"CAST01": 60.0, "MAKE01": 30.0, "PACK01": 90.0})
    assert [station.id for station in slowest_stations(live.mirror)] == ["MAKE"]
    assert "slowest MAKE," in summary(live)
    assert "slowest MAKE" in panel(live)
    assert "MAKE ◀" in panel(live)


@pytest.mark.parametrize(
    ("waited_s", "said"),
    [
        ((0.0, 0.0, 9.0), "slowest can't be told: CAST, MAKE never waited"),
        ((0.0, 0.0, 0.0), "slowest can't be told: CAST, MAKE, PACK never waited"),
        ((9.0, 9.0, 60.0), "slowest can't be told: CAST, MAKE wait alike"),
    ],
)
def test_where_stations_wait_alike_none_is_called_the_slowest(waited_s, said) -> None:
    live = watched(dict(zip(("CAST01", "MAKE01", "PACK01"), waited_s, strict=True)))
    assert said + "," in summary(live)
    assert said in panel(live)
    assert "◀" not in panel(live)


def test_a_rate_that_nothing_is_behind_any_more_is_marked() -> None:
    live = watched({"CAST01": 60.0, "MAKE01": 30.0, "PACK01": 90.0})
    assert "600 good parts/h  100% of target 600" in panel(live)
    assert "600 of 600 good parts/h, " in summary(live)
    live.take(ConnectionChanged("PLC-A", connected=False, at_us=T0 + 11 * MIN, reason="off"))
    assert "600 good parts/h  100% of target 600" in panel(live)
    live.take(ConnectionChanged("PLC-B", connected=False, at_us=T0 + 11 * MIN, reason="off"))
    assert "output unknown since Mon 00:10:00; it was 600 good parts/h" in panel(live)
    assert "of target" not in panel(live)
    assert "600 of 600 good parts/h (until Mon 00:10:00, unknown since), " in summary(live)


def test_before_anything_is_known_there_is_no_rate() -> None:
    live = LiveLine(line(), lambda _: None)
    assert "output unknown as yet" in panel(live)
    assert " - of 600 good parts/h, " in summary(live)


def test_a_planned_stop_has_no_rate() -> None:
    calendars = ({"id": "cal", "stops": ({"every": "8 h", "lasts": "30 min"},)},)
    waited = {"CAST01": 0.0, "MAKE01": 0.0, "PACK01": 0.0}
    live = watched(waited, calendars=calendars, calendar="cal")
    assert "output: a planned stop, no rate to tell" in panel(live)
