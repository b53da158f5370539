"""What the twin works out of a line is what the plant's own books say."""

from __future__ import annotations

import pytest

from lines.loader import load
from twin.engine.plant import SimulatedPlant
from twin.historian.port import Point
from twin.live.mirror import Mirror
from twin.live.output import OutputMeter
from twin.live.readings import ConnectionChanged, Reading
from twin.live.reports import Reports, down_limit_s, planned_units_per_h
from twin.measurements import kept_series
from twin.model import Buffer, Line, Station
from twin.model.product import parts_an_operation
from twin.model.status import Condition
from twin.signals import FALSE_REJECTS, MISSED, read_all, tags
from twin.twin_signals import PLC_SIGNALS

T0 = 1_700_000_000_000_000
S = 1_000_000

LINE = Line.model_validate(
    {
        "id": "TWO",
        "target": "300 /h",
        "utilities": [{"id": "air", "per_product": "10 Wh"}],
        "defects": [{"id": "DENT"}, {"id": "STAIN"}],
        "stations": [
            {
                "id": "MAKE",
                "machines": 2,
                "cycle_time": "20 s",
                "failures": [{"id": "jam", "mtbf": "600 s", "mttr": "100 s"}],
                "energy": {"per_product": "0.5 kWh", "execute": "6 kW", "fault": "1 kW"},
                "defects": {"DENT": 0.2, "STAIN": 0.1},
            },
            {
                "id": "LOOK",
                "cycle_time": "11 s",
                "inspection": {"detects": {"DENT": 0.9, "STAIN": 0.5}, "false_reject": 0.1},
            },
        ],
        "buffers": [{"id": "B", "sources": "MAKE", "sinks": "LOOK", "capacity": 3}],
    },
    strict=False,
)


class Watched:
    """A plant in this process, said to a mirror once a second of its time."""

    def __init__(self, line: Line) -> None:
        self.line, self.plant = line, SimulatedPlant(line, seed=3)
        self.tags = tuple(tags(line))
        self.mirror = Mirror(line)
        self.reports = Reports(self.mirror, OutputMeter(self.mirror))
        self.said: dict[str, float] = {}
        for plc in self.mirror.plcs:
            self.take(ConnectionChanged(plc, connected=True, at_us=T0, reason=""))

    def take(self, message) -> None:
        self.reports.take(message, self.mirror.handle(message))
        self.reports.meter.sample()

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            values = read_all(self.tags, self.plant.status())
            at_us = T0 + self.plant.now_us
            self.take(
                tuple(
                    Reading(tag.plc, tag.unit, tag.signal.name, value, at_us, at_us, 0)
                    for tag, value in zip(self.tags, values, strict=True)
                )
            )
            if self.plant.now_us % (5 * S) == 0:
                self.reports.points(at_us)
            self.plant.advance(self.plant.now_us + S)

    def report(self, now_us: int | None = None) -> dict[tuple[str, str], Point]:
        now_us = T0 + self.plant.now_us if now_us is None else now_us
        points = self.reports.points(now_us)
        return {(point.series.unit, point.series.signal): point for point in points}


@pytest.fixture(scope="module")
def watched() -> Watched:
    twin = Watched(LINE)
    twin.run(7201)
    return twin


def test_times_are_those_of_the_plants_books(watched: Watched) -> None:
    booked = watched.plant._engine.counters().time_us
    for index, station in enumerate(LINE.stations):
        spent = watched.reports.times.spent_us[station.id]
        for condition in (Condition.EXECUTE, Condition.STARVED, Condition.BLOCKED, Condition.FAULT):
            # Sampled once a second: each change is seen up to a second late.
            assert spent[condition] == pytest.approx(int(booked[index, condition]), rel=0.06)
        assert sum(spent) == pytest.approx(7200 * S * station.machines, rel=1e-3)


def test_station_figures_are_iso_22400s(watched: Watched) -> None:
    said = watched.report()
    engine = watched.plant._engine.counters()
    make = {signal: said["MAKE", signal].value for unit, signal in said if unit == "MAKE"}
    assert make["down_limit_s"] == 200
    assert make["mttr_s"] * watched.mirror.gained(LINE.stations[0], "failures") == pytest.approx(
        make["fault_s"]
    )
    assert make["mtbf_s"] == pytest.approx(make["execute_s"] / int(engine.failures[0]))
    # OEE = A E Q, and by hand: the planned time of good parts over the planned busy time.
    assert 0 < make["oee_index"] <= make["availability"] < 1
    looked = said["LOOK", "quality_ratio"].value
    assert looked == pytest.approx(engine.good[1] / (engine.good[1] + engine.defective[1]), abs=0.1)
    assert {said[s.id, "slowest"].value for s in LINE.stations} == {0.0, 1.0}


def test_line_figures_and_energy(watched: Watched) -> None:
    said = watched.report()
    engine = watched.plant._engine.counters()
    good = said["", "good_units"].value
    assert good == pytest.approx(int(engine.good[1]), abs=2)
    assert said["", "output_share"].value == said["", "output_per_h"].value / 300
    assert said["", "oee_index"].value == pytest.approx(
        said["", "output_per_h"].value / (3600 / 11)
    )
    hours = [int(us) / 3.6e9 for us in engine.time_us[0]]
    by_hand = (
        0.01 * good
        + 0.5 * int(engine.good[0])
        + 6 * hours[Condition.EXECUTE]
        + hours[Condition.FAULT]
    )
    assert said["", "energy_kwh"].value == pytest.approx(by_hand, rel=0.02)


def test_an_inspection_tells_kinds_false_rejects_and_misses(watched: Watched) -> None:
    status = watched.plant.status().machines["LOOK01"]
    dent, stain, wrong, missed = status.findings
    assert dent + stain + wrong == status.defective, "what was rejected, each for one reason"
    seen = status.good + status.defective
    # Shares of what passed: 20 % dents found 9 times of 10, 10 % stains found every second time.
    for count, share in ((dent, 0.18), (stain, 0.05), (wrong, 0.07), (missed, 0.07)):
        half = 4 * (share * (1 - share) / seen) ** 0.5
        assert count / seen == pytest.approx(share, abs=half)
    said = watched.report()
    assert said["LOOK", "detection_ratio"].value == pytest.approx(
        (dent + stain) / (dent + stain + missed), abs=0.02
    )
    assert said["LOOK", "false_reject_ratio"].value == pytest.approx(0.1, abs=0.05)
    names = [t.signal.member for t in watched.tags if t.signal.name.startswith("defect.")]
    assert names == ["DENT", "STAIN", FALSE_REJECTS, MISSED]


def test_a_camera_that_starts_again_is_no_lost_counter() -> None:
    twin = Watched(LINE)
    twin.run(600)
    tag = next(t for t in twin.tags if t.signal.name == "defect.DENT")
    before = twin.mirror.value(*tag.key)
    assert before
    at_us = T0 + twin.plant.now_us + S
    reading = Reading(tag.plc, tag.unit, tag.signal.name, 0, at_us, at_us, 0)
    assert twin.mirror.handle((reading,)).notices == ()


def test_nothing_is_said_of_what_is_not_known() -> None:
    twin = Watched(LINE)
    assert {unit for unit, _ in twin.report()} == set(twin.mirror.plcs), "no plant heard as yet"
    twin.run(90)
    assert ("", "oee_index") in twin.report()
    heard_us = T0 + twin.plant.now_us - S
    twin.take(ConnectionChanged("PLC", connected=False, at_us=heard_us, reason="cable"))
    spent = [list(of) for of in twin.reports.times.spent_us.values()]
    said = twin.report(heard_us + 30 * S)
    assert not [unit for unit, _ in said if unit in {"MAKE", "LOOK"}]
    assert said["PLC", "connected"].value == 0
    assert said["PLC", "silent_s"].value == 30
    assert [list(of) for of in twin.reports.times.spent_us.values()] == spent


def test_down_is_how_long_the_longest_has_stood() -> None:
    twin = Watched(LINE)
    for _ in range(40):
        twin.run(60)
        units = [LINE.stations[0].machine_id(m) for m in range(2)]
        down = any(twin.mirror.value(unit, "state_current") == 9 for unit in units)
        assert (twin.report()["MAKE", "down_s"].value > 0) == down


def test_every_series_of_a_report_is_a_kept_one(watched: Watched) -> None:
    kept = {(one.unit, one.signal.name) for one in kept_series(LINE)}
    assert set(watched.report()) <= kept
    assert {("PLC", signal.name) for signal in PLC_SIGNALS} <= kept


def test_planned_rates() -> None:
    loads = Line(
        id="L",
        stations=(
            Station(id="A", cycle_time="2 s"),
            Station(id="PAL", takes=12, gives=1, cycle_time="30 s"),
        ),
        buffers=(Buffer(id="AB", sources="A", sinks="PAL"),),
    )
    assert parts_an_operation(loads, loads.stations[1]) == 1
    assert planned_units_per_h(loads) == pytest.approx(12 * 120)
    assert down_limit_s(loads.stations[0]) is None
    assert planned_units_per_h(load("tube_line")) > 88_889


def test_a_station_without_an_inspection_has_no_findings() -> None:
    assert not [t for t in tags(load("five_stations")) if t.signal.name.startswith("defect.")]
