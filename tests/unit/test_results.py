from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from twin.engine import EngineName, Estimate, EventKind, GoodParts, open_engine, simulate
from twin.errors import EngineError, QuantityError
from twin.model import Buffer, Line, Station

HOUR = 3_600_000_000


def line(**more: Any) -> Line:
    return Line(
        id="L",
        stations=(
            Station(id="A", cycle_time="10 s", scrap=0.5, energy={"execute": 6.0, "idle": 3.0}),  # type: ignore[arg-type]
            Station(id="PAL", takes=12, gives=1, cycle_time="60 s", energy={"per_product": 0.5}),  # type: ignore[arg-type]
        ),
        buffers=(Buffer(id="AB", sources="A", sinks="PAL"),),  # type: ignore[arg-type]
        **more,
    )


def test_units_of_product_and_not_parts_are_counted() -> None:
    results = simulate(line(), until=20 * HOUR, warmup=HOUR)
    (counted,) = results.replications
    assert counted.span_us == 20 * HOUR
    assert results.good_units(counted) == 12 * counted.good[1]
    assert results.scrap_units(counted) == counted.defective[0]
    assert results.good_per_h().mean == pytest.approx(180, rel=0.05)
    assert results.good_per_h().half_width_95 is None
    assert results.yield_ratio().mean == pytest.approx(0.5, abs=0.03)
    assert results.slowest() == "A"


def test_the_yield_counts_from_where_the_file_says() -> None:
    results = simulate(line(yield_from="PAL"), until=10 * HOUR)
    assert results.yield_ratio().mean == 1.0


def test_energy_follows_states_and_products() -> None:
    results = simulate(line(), until=10 * HOUR)
    (counted,) = results.replications
    units = results.good_units(counted)
    assert results.kwh_per_unit().mean == pytest.approx((6 * 10 + 0.5 * units) / units)


def test_planned_stops_do_not_count_as_busy_time() -> None:
    calendar = {"id": "cal", "stops": ({"every": "2 h", "lasts": "1 h"},)}
    results = simulate(line(calendars=(calendar,), calendar="cal"), until=10 * HOUR)
    assert results.planned_busy_h == 5
    assert results.station("A").planned_stop_share == pytest.approx(0.5, abs=0.01)


def stopping(**station: Any) -> Line:
    """One station that is planned to stand every second hour."""
    stop = {"every": "2 h", "at": "1 h", "lasts": "1 h"}
    return Line.model_validate(
        {
            "id": "L",
            "calendars": ({"id": "cal", "stops": (stop,)},),
            "stations": ({"id": "A", "calendar": "cal", **station},),
        }
    )


def test_planned_busy_time_is_the_calendars_whatever_the_station_does_in_a_stop() -> None:
    """It fails after 55 minutes of work each time, and is repaired until far into the stop."""
    repairs = ({"id": "jam", "mtbf": "55 min", "mttr": "35 min"},)
    line = stopping(cycle_time="1 min", machines=2, failures=repairs)
    kpi = simulate(line, until=10 * HOUR, replications=2).station("A")
    assert kpi.fault_share > 0.2
    assert kpi.planned_busy_time_us == 2 * 2 * 5 * HOUR
    assert kpi.availability == pytest.approx(kpi.execute_share * 10 / 5)
    assert kpi.availability == pytest.approx(55 / 60, abs=0.01)


def test_work_that_a_planned_stop_finds_going_on_counts_as_production_time() -> None:
    """Loads of 95 minutes begin in the open hours only: 95 minutes of work each two hours."""
    kpi = simulate(stopping(cycle_time="95 min", places=3), until=20 * HOUR).station("A")
    assert kpi.planned_busy_time_us == 3 * 10 * HOUR
    assert kpi.availability == pytest.approx(95 / 60)


def test_a_station_without_a_calendar_of_its_own_has_the_lines() -> None:
    cal = {"id": "cal", "stops": ({"every": "2 h", "lasts": "1 h"},)}
    always = {"id": "never", "stops": ({"every": "1 week", "lasts": "1 us"},)}
    whole = line(calendars=(cal, always), calendar="cal")
    own = whole.stations[1].model_copy(update={"calendar": "never"})
    whole = whole.model_copy(update={"stations": (whole.stations[0], own)})
    results = simulate(whole, until=10 * HOUR)
    assert results.station("A").planned_busy_time_us == 5 * HOUR
    assert results.station("PAL").planned_busy_time_us == 10 * HOUR - 1
    assert simulate(line(), until=HOUR).station("A").planned_busy_time_us == HOUR


def test_replications_differ_and_give_an_interval() -> None:
    results = simulate(line(), until=10 * HOUR, replications=4)
    goods = {int(counted.good[1]) for counted in results.replications}
    assert len(goods) > 1
    half = results.good_per_h().half_width_95
    assert half is not None
    assert half > 0


def test_replications_are_the_same_alone_and_together() -> None:
    one, two = simulate(line(), until=HOUR), simulate(line(), until=HOUR, replications=2)
    assert np.array_equal(one.replications[0].time_us, two.replications[0].time_us)


def test_json_has_the_promised_names() -> None:
    found = json.loads(json.dumps(simulate(line(), until=HOUR).as_json()))
    assert {"line", "engine", "good_per_h", "yield_ratio", "stations"} <= set(found)


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(EngineError, match="greater than 0"):
        simulate(line(), until=0)
    with pytest.raises(EngineError, match="replications 0 to 1"):
        simulate(line(), until=HOUR, replications=2, record=2)


def test_progress_ends_at_one() -> None:
    seen: list[float] = []
    simulate(line(), until=HOUR, replications=2, warmup=HOUR, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_an_interval_covers_what_student_says() -> None:
    assert Estimate.of([2.0, 4.0, 6.0]).half_width_95 == pytest.approx(4.302653 * 2 / 3**0.5)


def test_a_run_goes_on_from_a_snapshot_each_replication_by_draws_of_its_own() -> None:
    whole = simulate(line(), warmup="1 h", until="1 h", seed=7)
    engine = open_engine(line(), seed=7)
    engine.advance(HOUR)
    results = simulate(line(), start=engine.snapshot(), until="1 h", replications=3, record="each")
    assert (results.seed, results.from_us, results.to_us) == (7, HOUR, 2 * HOUR)
    assert np.array_equal(results.replications[0].time_us, whole.replications[0].time_us)
    tables = [events.tobytes() for events in results.events if events is not None]
    assert len(set(tables)) == 3
    with pytest.raises(EngineError, match="brings its own seed"):
        simulate(line(), start=engine.snapshot(), until="1 h", seed=7)


@pytest.mark.parametrize("engine", ["simpy", "kernel"])
def test_what_is_recorded_is_what_happened(engine: EngineName) -> None:
    results = simulate(line(), engine=engine, until=HOUR, warmup=0, replications=2, record=1)
    nothing, events = results.events
    assert nothing is None
    assert events is not None
    passed = events[(events["kind"] == EventKind.PART_PASSED) & (events["station"] == 1)]
    assert len(passed) == results.replications[1].good[1] > 0


@pytest.mark.parametrize("engine", ["simpy", "kernel"])
def test_a_replication_ends_where_it_is_told_to_stop(engine: EngineName) -> None:
    results = simulate(
        line(),
        engine=engine,
        warmup=HOUR,
        until="9 h",
        replications=3,
        stop=GoodParts("PAL", 10),
    )
    assert results.stopped == (True, True, True)
    assert [int(counted.good[1]) for counted in results.replications] == [10, 10, 10]
    for ended, counted in zip(results.ended_us, results.replications, strict=True):
        assert counted.span_us == ended - HOUR
    assert len(set(results.ended_us)) > 1
    hours = [(ended - HOUR) / HOUR for ended in results.ended_us]
    assert results.good_per_h().mean == pytest.approx(np.mean([120 / h for h in hours]))
    assert results.days * 24 == pytest.approx(np.mean(hours))


def test_stations_have_intervals_too() -> None:
    results = simulate(line(), until=10 * HOUR, replications=4)
    found = results.as_json()["stations"]["A"]  # type: ignore[index]
    goods = [float(counted.good[0]) for counted in results.replications]
    assert found["good"] == np.mean(goods)
    assert found["half_width_95"]["good"] == Estimate.of(goods).half_width_95
    assert set(found["half_width_95"]) == set(found) - {"half_width_95"}
    assert sum(found[name] for name in found if name.endswith("_share")) == pytest.approx(1)


@pytest.mark.parametrize(("until", "warmup"), [("soon", "0 s"), ("1 h", "soon"), ("1 h", -1)])
def test_what_is_no_time_is_named(until: str, warmup: str | int) -> None:
    with pytest.raises((QuantityError, EngineError), match=r"^(until|warmup) must"):
        simulate(line(), until=until, warmup=warmup)
