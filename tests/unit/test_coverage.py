"""What the present signals allow: said before the plant runs, and true when it does."""

from __future__ import annotations

import json
from functools import cache

import pytest
from plant_seen import EPOCH_US, Published, S, connected
from typer.testing import CliRunner

from lines.loader import load
from twin.cli.app import app
from twin.engine.plant import SimulatedPlant
from twin.live.coverage import coverage, needs_of_line, needs_of_station
from twin.live.output import OutputMeter
from twin.live.reports import Reports
from twin.signals import tags
from twin.twin_signals import LINE_SIGNALS, STATION_SIGNALS

LINE = load("five_stations")
EVERY = frozenset(tag.key for tag in tags(LINE))
S7 = "opcua/tagmap/examples/s7-1500.yaml"


@cache
def reported(given: frozenset[tuple[str, str]]) -> dict[tuple[str, str], float]:
    """What the twin reports of ten minutes of a plant that gives only these signals."""
    published, mirror = Published(SimulatedPlant(LINE, seed=4)), connected(LINE)
    published.tags = tuple(tag for tag in published.tags if tag.key in given)
    reports = Reports(mirror, OutputMeter(mirror))
    points = ()
    for at_s in range(5, 605, 5):
        message = published.scan(at_s * S)
        reports.take(message, mirror.handle(message))
        reports.meter.sample()
        points = reports.points(EPOCH_US + at_s * S)
    return {(point.series.unit, point.series.signal): point.value for point in points}


WHOLE = reported(EVERY)


@pytest.mark.parametrize("kpi", [signal.name for signal in STATION_SIGNALS])
def test_the_signals_that_a_stations_kpi_is_said_to_need_are_enough(kpi: str) -> None:
    station = LINE.stations[2]
    needs = needs_of_station(LINE, station, kpi)
    if needs:
        key = (station.id, kpi)
        assert reported(needs).get(key) == WHOLE.get(key)


@pytest.mark.parametrize("kpi", [signal.name for signal in LINE_SIGNALS])
def test_the_signals_that_a_lines_kpi_is_said_to_need_are_enough(kpi: str) -> None:
    # Something must be heard, or the twin reports nothing at all.
    needs = needs_of_line(LINE, kpi) | {(LINE.stations[0].machine_id(0), "state_current")}
    assert reported(needs).get(("", kpi)) == WHOLE.get(("", kpi))


def test_each_signal_that_is_missing_is_named_and_levels_are_inferred() -> None:
    assert not [one for one in coverage(LINE, EVERY) if one.missing or one.inferred]
    buffer, station = LINE.buffers[0], LINE.stations[0]
    found = list(coverage(LINE, EVERY - {(buffer.id, "level")}))
    assert [(one.unit, one.kpi, one.missing) for one in found if one.inferred] == [
        (buffer.id, "level", ())
    ]
    gone = {(buffer.id, "level"), (station.machine_id(0), "processed")}
    lacking = {(one.unit, one.kpi): one.missing for one in coverage(LINE, EVERY - gone)}
    assert lacking[buffer.id, "level"] == (f"{buffer.id}.level",)
    assert lacking[station.id, "oee_index"] == (f"{station.machine_id(0)}.processed",)
    assert lacking[station.id, "busy_share"] == ()


def test_the_command_says_it_as_table_and_as_json() -> None:
    ran = CliRunner().invoke(app, ["live", "coverage", "five_stations", "--tags", S7, "--json"])
    assert ran.exit_code == 0, ran.output
    found = json.loads(ran.stdout)
    assert {(one["unit"], one["kpi"]) for one in found} >= {("", "good_units")}
    assert all(one["allowed"] == (one["missing"] == []) for one in found)
    table = CliRunner().invoke(app, ["live", "coverage", "five_stations", "--tags", S7])
    assert table.exit_code == 0
    assert len([row for row in table.stdout.splitlines() if row]) >= len(found)
