"""Scenarios: what a change reaches, what it makes of it, and how it is refused."""

from __future__ import annotations

from typing import Any

import pytest

from lines.loader import load, load_text
from twin.errors import ScenarioError
from twin.model.line import Line
from twin.model.line_json import line_from_json, line_to_json
from twin.whatif.scenario import Change, Scenario, applied
from twin.whatif.scenario_file import change_from_text, read_scenarios, scenarios_from_text

TEXT = """
id: L
target: 100 /h
calendar: day
calendars:
  - {id: day, stops: [{every: 1 d, at: 6 h, lasts: 1 h}]}
crews: [{id: FIT, size: 2}]
materials:
  - {id: FOIL, unit: kg, stock: 50, delivery: {every: 8 h, first: 1 h, amount: 40}}
defects: [{id: BURR}]
stations:
  - id: CUT
    machines: 5
    cycle_time: {distribution: triangular, low: 8 s, mode: 10 s, high: 12 s}
    uses: [{material: FOIL, amount: 0.5}]
    defects: {BURR: 2 %}
    failures:
      - {id: jam, mtbf: {distribution: exponential, mean: 4 h}, mttr: 15 min, crew: FIT}
      - {id: dull, mtbf: {distribution: exponential, mean: 9 h}, mttr: 30 min}
  - {id: CHK, cycle_time: 5 s, inspection: {detects: {BURR: 0.9}}, scrap: 1 %}
  - {id: BOX, cycle_time: 60 s, takes: 12, gives: 1}
buffers:
  - {id: A, from: CUT, to: CHK, capacity: 15}
  - {id: B, from: CHK, to: BOX}
"""


@pytest.fixture(scope="module")
def line() -> Line:
    return load_text(TEXT)


def said(line: Line, changes: dict[str, Any]) -> list[str]:
    return [str(one) for one in applied(line, Scenario.of("s", changes)).differences]


@pytest.mark.parametrize(
    ("path", "value", "differences"),
    [
        ("stations.CUT.machines", 6, ["CUT machines: 5 -> 6"]),
        ("station.CUT.machines", 6, ["CUT machines: 5 -> 6"]),
        ("stations.CUT.failure.jam.mttr", "+5 min", ["CUT failure jam mttr: 15 min -> 20 min"]),
        ("stations.CUT.machines", "+1", ["CUT machines: 5 -> 6"]),
        ("stations.CUT.machines", "-2", ["CUT machines: 5 -> 3"]),
        ("stations.CUT.machines", "−2", ["CUT machines: 5 -> 3"]),
        ("stations.C*.machines", "2", ["CUT machines: 5 -> 2", "CHK machines: 1 -> 2"]),
        ("buffers.*.capacity", "x1.5", ["buffer A capacity: 15 -> 23"]),
        ("buffers.*.capacity", "×2", ["buffer A capacity: 15 -> 30"]),
        ("buffers.B.capacity", 20, ["buffer B capacity: no limit -> 20"]),
        ("buffers.A.capacity", None, ["buffer A capacity: 15 -> no limit"]),
        ("buffers.A.capacity", "none", ["buffer A capacity: 15 -> no limit"]),
        ("stations.CUT.failure.mttr", "-20%",
         ["CUT failure jam mttr: 15 min -> 12 min", "CUT failure dull mttr: 30 min -> 24 min"]),
        ("stations.CUT.failures.jam.mttr", "+5 min", ["CUT failure jam mttr: 15 min -> 20 min"]),
        ("stations.*.failure.mtbf", "x2",
         ["CUT failure jam mtbf: 4 h (exponential) -> 8 h (exponential)",
          "CUT failure dull mtbf: 9 h (exponential) -> 18 h (exponential)"]),
        ("stations.CUT.cycle_time", "20 s",
         ["CUT cycle time: 10 s (triangular) -> 20 s (triangular)"]),
        ("stations.CUT.cycle_time", {"distribution": "gamma", "mean": "11 s", "cv": 0.2},
         ["CUT cycle time: 10 s (triangular) -> 11 s (gamma)"]),
        ("stations.CUT.cycle_time.high", "13 s", ["CUT cycle time high: 12 s -> 13 s"]),
        ("stations.CHK.scrap", "+50%", ["CHK scrap: 1 % -> 1.5 %"]),
        ("stations.CHK.scrap", "3 %", ["CHK scrap: 1 % -> 3 %"]),
        ("stations.CUT.defects.BURR", "x2", ["CUT defects BURR: 2 % -> 4 %"]),
        ("stations.CHK.inspection.false_reject", 0.01, ["CHK inspection false reject: 0 % -> 1 %"]),
        ("stations.*.inspection.detects.BURR", "95 %",
         ["CHK inspection detects BURR: 90 % -> 95 %"]),
        ("stations.CUT.uses.FOIL.amount", "x2", ["CUT use FOIL amount: 0.5 -> 1"]),
        ("stations.BOX.takes", "x0.5", ["BOX takes: 12 -> 6"]),
        ("stations.BOX.takes", 6, ["BOX takes: 12 -> 6"]),
        ("stations.BOX.gives", "+1", ["BOX gives: 1 -> 2"]),
        ("materials.FOIL.delivery.first", "+2 h", ["material FOIL delivery first: 60 min -> 3 h"]),
        ("crews.FIT.size", 1, ["crew FIT size: 2 -> 1"]),
        ("target", "+20%", ["target: 100 /h -> 120 /h"]),
        ("calendar", None, ["calendar: day -> none"]),
        ("calendars.day.stops.0.lasts", "2 h", ["calendar day stop 0 lasts: 60 min -> 2 h"]),
    ],
)  # fmt: skip
def test_a_change_is_said_aloud(line: Line, path: str, value: Any, differences: list[str]) -> None:
    assert said(line, {path: value}) == differences


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        ("stations.CUTT.machines", 3,
         "stations.CUTT.machines: must be the id of a station, got CUTT; did you mean 'CUT'?"),
        ("stations.CUT.machine", 3,
         ("stations.CUT.machine: must be a key of stations.CUT, got machine; "
         "did you mean 'machines'?")),
        ("statoins.CUT.machines", 3,
         ("statoins.CUT.machines: must begin with a key of a line file, got statoins; "
         "did you mean 'stations'?")),
        ("stations.CUT.machines", 0, "stations.CUT.machines: must be at least 1, got 0"),
        ("stations.CUT.machines", "-5", "stations.CUT.machines: must be at least 1, got 0"),
        ("stations.CUT.machines", "many",
         "stations.CUT.machines: must be a whole number, got many"),
        ("stations.CUT.machines", "2.5", "stations.CUT.machines: must be a whole number, got 2.5"),
        ("stations.CUT.cycle_time", "8", "stations.CUT.cycle_time: must be a time with its unit"),
        ("stations.CUT.cycle_time.low", "30 s",
         "stations.CUT.cycle_time.low: must have low <= mode <= high"),
        ("stations.CUT.id", "X", "stations.CUT.id: must be a key of stations.CUT, got id"),
        ("stations.CUT", 3, "stations.CUT: must go on to a value of CUT"),
        ("stations.CUT.plc", "x2", "stations.CUT.plc: must be there to be changed by an amount"),
        ("stations.CHK.scrap", "x200", "stations.CHK.scrap: must be from 0 to 1"),
        ("stations.BOX.inspection.false_reject", 0.1,
         ("stations.BOX.inspection.false_reject: must end at 'stations.BOX.inspection', "
         "got nothing there")),
        ("stations.CUT.machines", 5,
         "scenario 's': must change something, got the values that are there already"),
        ("buffers.A.capacity", "-20", "buffers.A.capacity: must be at least 0, got -5"),
        ("buffers.B.capacity", 8,
         "scenario 's': buffers.B.capacity: must be at least 12, got 8; BOX takes up to 12"),
        ("stations.CUT.failure.crew", "FOT",
         ("scenario 's': stations.CUT.failures[0].crew: must be the id of a crew, got FOT; "
         "did you mean 'FIT'?")),
        ("stations.CUT.cycle_time", "x999999999", "stations.CUT.cycle_time: must be at most 100"),
        ("stations.CUT.machines", "x1e999999", "stations.CUT.machines: must be a whole number"),
        ("stations.CUT.machines", "x999999999", "stations.CUT.machines: must be at most 10,000"),
        ("warm_up", float("inf"), "warm_up: must be a finite number"),
    ],
)  # fmt: skip
def test_a_change_that_makes_no_sense_is_refused(
    line: Line, path: str, value: Any, fault: str
) -> None:
    with pytest.raises(ScenarioError) as caught:
        said(line, {path: value})
    assert str(caught.value).startswith(fault)


def test_every_fault_of_a_scenario_is_named_at_once(line: Line) -> None:
    text = (
        "bad:\n  stations.CUTT.machines: 3\n"
        "  stations.CUT.machines: 0\n  buffers.A.capacity: many\n"
    )
    (scenario,) = scenarios_from_text(text, "s.yaml")
    with pytest.raises(ScenarioError) as caught:
        applied(line, scenario)
    assert [(f.file, f.line, f.column) for f in caught.value.faults] == [
        ("s.yaml", 2, 3),
        ("s.yaml", 3, 3),
        ("s.yaml", 4, 3),
    ]


def test_a_later_change_wins(line: Line) -> None:
    changes = {"stations.*.machines": "x2", "stations.CUT.machines": "7"}
    assert said(line, changes)[0] == "CUT machines: 5 -> 7"


def test_the_line_itself_stays_as_it_is(line: Line) -> None:
    before = line_to_json(line)
    variant = applied(line, Scenario.of("s", {"stations.CUT.machines": 6}))
    assert line_to_json(line) == before
    assert variant.line.station_by_id["CUT"].machines == 6
    assert variant.line.stations[1:] == line.stations[1:]


def test_yaml_keeps_the_sign_of_a_number() -> None:
    (scenario,) = scenarios_from_text("one more: {stations.CUT.machines: +1, target: null}")
    assert [change.value for change in scenario.changes] == ["+1", None]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "s.yaml:1:1: file: must be a mapping of names of scenarios"),
        ("- a", "s.yaml:1:1: file: must be a mapping of names of scenarios"),
        ("{}", "s.yaml:1:1: file: must name at least one scenario"),
        ("a: 3", "s.yaml:1:1: a: must be a mapping of changes"),
        ("a: {}", "s.yaml:1:1: a: must be a mapping of changes"),
        ("as it is: {target: 1 /h}", "s.yaml:1:1: as it is: must have another name"),
        ("a: {b: [", "s.yaml:"),
    ],
)
def test_a_file_without_scenarios_is_refused(text: str, fault: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        scenarios_from_text(text, "s.yaml")
    assert str(caught.value).startswith(fault)


def test_a_file_that_is_not_there_is_refused(tmp_path: Any) -> None:
    with pytest.raises(ScenarioError, match="must be a file of scenarios that can be read"):
        read_scenarios(tmp_path / "none.yaml")


@pytest.mark.parametrize("text", ["", "a", "=3", "a=", "a b"])
def test_a_set_without_path_or_value_is_refused(text: str) -> None:
    with pytest.raises(ScenarioError, match="must be PATH=VALUE"):
        change_from_text(text)


def test_a_set_may_hold_a_mapping() -> None:
    text = "stations.CUT.cycle_time={distribution: exponential, mean: 1 s}"
    assert change_from_text(text) == Change(
        "stations.CUT.cycle_time", "{distribution: exponential, mean: 1 s}"
    )


@pytest.mark.parametrize("name", ["five_stations", "storage_line", "tube_line"])
def test_a_line_survives_json(name: str) -> None:
    line = load(name)
    again = line_from_json(line_to_json(line))
    assert again == line.model_copy(update={"provenance": {}})
