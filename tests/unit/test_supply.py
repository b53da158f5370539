"""Both sides of the gate: stores, orders, mishaps, the customer, and what a lack costs."""

from __future__ import annotations

import numpy as np
import pytest

from lines import load_text
from lines.loader import load, plants
from lines.supply_file import load_supply, supply_file_of, supply_from_text
from twin import whatif
from twin.engine.kernel import kernel_library
from twin.errors import LineFileError, ScenarioError
from twin.model.supply import Customer
from twin.whatif.customer import escapes_ppm, served
from twin.whatif.scenario import Change
from twin.whatif.stores import Stores, level_of
from twin.whatif.supply import DAY_US, HOUR_US, SupplyAnswer, SupplyPlan, supply_answer
from twin.whatif.supply_case import SupplyCase, as_it_is, changed_supply, named_case

LINE = load_text(
    """
id: BREAD
materials: [{id: flour, unit: kg, price_cny: 4}, {id: yeast, unit: kg, price_cny: 30}]
stations:
  - id: MIX
    cycle_time: 36 s
    uses: [{material: flour, amount: 1}, {material: yeast, amount: 0.1}]
  - {id: BAKE, cycle_time: 30 s}
buffers: [{id: B, from: MIX, to: BAKE, capacity: 5}]
"""
)
SUPPLY = """
line: BREAD
tiers:
  - {id: near, lead_time: 1 h, review: 1 h, local: true}
  - {id: far, lead_time: 1 d, review: 1 d}
materials: [{id: flour, from: {near: 80 %}}, {id: yeast, from: {near: 100 %}}]
customer: {demand: 2400 /d, stock: 10 h, lot: 50}
scenarios:
  - {id: stop, mishaps: [{material: yeast, tier: near, at: 10 h, lasts: 12 h}]}
  - {id: late, mishaps: [{material: yeast, tier: near, at: 10 h, late: 2 h}]}
  - {id: afar, set: {materials.flour.from.near: x0.5}}
  - {id: unprepared, set: {materials.flour.from.near: 5 %}, levels: kept}
"""
supply = supply_from_text(SUPPLY, LINE)


def answer(*cases: SupplyCase, engine: str = "auto", days: int = 3) -> SupplyAnswer:
    plan = SupplyPlan(days * DAY_US, 2, engine=engine)
    with whatif.open_workers(1, engine=engine) as workers:
        return supply_answer(LINE, [as_it_is(supply), *cases], plan=plan, workers=workers)


def scenario(name: str) -> SupplyCase:
    return named_case(LINE, supply, name)


def test_a_stop_costs_what_no_stock_bridges_and_a_late_truck_nothing() -> None:
    """2 h of yeast and no safety worth naming lie in the store: a stop of 12 h stops the line."""
    found = answer(scenario("stop"), scenario("late"))
    assert found.of(0, "lost_per_d").mean == 0
    assert found.of(0, "good_per_d").mean == pytest.approx(2400, rel=0.001)
    assert found.of(0, "local_share").mean == pytest.approx((0.8 * 4 + 3) / 7)
    state = found.state(1, 1)
    # Ordered up to 2 h of use and a safety of z sqrt(2 h) 0.1; an hour's arrivals come at its end.
    assert 9 < state.starved_h.mean < 12
    assert found.change(1, "good_per_d").mean * 3 == pytest.approx(
        -100 * state.starved_h.mean, rel=0.05
    )
    assert state.lowest_h.mean < 0.1
    assert 0 <= found.of(2, "lost_per_d").mean * 3 < found.of(1, "lost_per_d").mean
    assert found.state(1, 0).starved_h.mean == 0


def test_from_farther_away_takes_more_stock_or_costs_output() -> None:
    found = answer(scenario("afar"), scenario("unprepared"), days=7)
    assert found.of(1, "stock_cny").mean > 1.3 * found.of(0, "stock_cny").mean
    assert found.of(1, "lost_per_d").mean < 1
    assert found.of(2, "lost_per_d").mean > 100
    assert found.change(1, "local_share").mean == pytest.approx(-0.4 * 4 / 7)


def test_material_is_neither_made_nor_lost() -> None:
    """What the stores say at the end is what the engine's stores hold."""
    from twin.whatif.floors import Running
    from twin.whatif.run import Run
    from twin.whatif.supply_run import _Watch, stocked

    case, per_h = scenario("stop"), (100.0, 10.0)
    run = Run(stocked(LINE, case, per_h), None, 1, 0, 2 * DAY_US, "simpy")
    floor = Running(run, ("flour", "yeast"), 0)
    stores = Stores(case, per_h, 0, 0, 2 * DAY_US, 1, 0)
    watch = _Watch(run, case, floor, stores)
    review_us = 0
    while review_us < 2 * DAY_US:
        at_us = min(review_us, stores.next_arrival_us or review_us)
        floor.advance(at_us)
        for material, amount in stores.arrived(at_us):
            floor.deliver(material, amount)
        watch.settle()
        levels = [level / 1e6 for level in floor._engine.snapshot().materials.level]
        assert levels == pytest.approx([sum(one) for one in stores.stock], abs=1e-3)
        if at_us == review_us:
            stores.review(at_us)
            review_us = stores.next_review_us(at_us)


@pytest.mark.parametrize("engine", ["simpy", "kernel"])
def test_what_a_line_does_that_lacks_nothing_is_not_run_again(engine: str) -> None:
    """Followed along a film, a supply gives the record of its own run to the bit, or none."""
    from twin.whatif.run import Run
    from twin.whatif.supply_run import free_run, looks_of, shown_run, stocked, supplied_run

    if engine == "kernel" and kernel_library() is None:
        pytest.skip("the compiled engine is not installed")
    per_h = (100.0, 10.0)
    names = ("flour", "yeast")
    run = Run(LINE, None, 1, 6 * HOUR_US, DAY_US, engine)
    plenty = supply_from_text(
        SUPPLY.replace("yeast, from: {near: 100 %}", "yeast, from: {near: 100 %}, cover: 1 d"), LINE
    )
    film = free_run(run, names, looks_of(run, [supply, plenty]), 0)
    shown = {}
    for case in (as_it_is(supply), as_it_is(plenty), named_case(LINE, plenty, "late"),
                 named_case(LINE, plenty, "afar"), scenario("stop")):  # fmt: skip
        own = Run(stocked(LINE, case, per_h), None, 1, 6 * HOUR_US, DAY_US, engine)
        record, really = shown_run(film, own, case, per_h, 0), supplied_run(own, case, per_h, 0)
        shown[case.name, case.supply is supply] = record is not None
        if record is None:
            continue
        assert np.array_equal(record.good_by_h, really.good_by_h)
        assert np.array_equal(record.materials, really.materials)
        assert not really.materials[:, 3].any()
    assert shown["late", False]
    assert shown["afar", False]
    assert not shown["stop", True]


@pytest.mark.skipif(kernel_library() is None, reason="the compiled engine is not installed")
def test_both_engines_give_the_same_answer() -> None:
    compiled, readable = (answer(scenario("stop"), engine=name, days=1) for name in
                          ("kernel", "simpy"))  # fmt: skip
    assert np.array_equal(compiled.values, readable.values, equal_nan=True)
    assert np.array_equal(compiled.materials, readable.materials)


def test_a_level_covers_lead_time_review_and_their_spread() -> None:
    far = supply.tiers[1]
    assert level_of(far, 2.0, 0.0, 0.1) == pytest.approx(96)
    assert level_of(far, 2.0, 2.33, 0.1) == pytest.approx(96 + 2.33 * 48**0.5 * 0.2)
    spread = far.model_copy(update={"lead_time": load("tube_line").stations[1].cycle_time})
    assert level_of(spread, 2.0, 1.0, 0.0) - level_of(spread, 2.0, 0.0, 0.0) == pytest.approx(
        2.0 * 2.5 * 0.05, rel=0.05
    )


def test_orders_come_in_whole_lots() -> None:
    lots = supply_from_text(SUPPLY.replace("{near: 80 %}", "{near: 80 %}, lot: 25"), LINE)
    stores = Stores(as_it_is(lots), (100.0, 10.0), 0, 0, DAY_US, 1, 0)
    stores.take(0, 30.0)
    stores.review(HOUR_US)
    at_us = stores.next_arrival_us
    assert at_us == 2 * HOUR_US
    assert stores.arrived(at_us) == [(0, 25.0)]


def test_a_customer_lacks_more_when_it_wants_more_and_takes_less() -> None:
    """Two million tubes a day into lots of 100,800 with 40 defective tubes in a million."""
    good = np.full(24 * 10, 2_040_000 / 24)

    def mean(demand_per_d: float, stock_d: float, limit_ppm: float) -> np.ndarray:
        mill = Customer(
            demand=demand_per_d / 24, stock_us=round(stock_d * DAY_US), lot=100_800,
            limit_ppm=limit_ppm,
        )  # fmt: skip
        return np.mean([served(mill, good, 40, np.random.default_rng(r)) for r in range(5)], axis=0)

    now, more, strict = mean(2e6, 1, 100), mean(2.4e6, 1, 100), mean(2e6, 0.2, 40)
    assert now[2] == 0
    assert now[3] < 0.02
    assert more[2] > 0.02
    assert strict[3] == pytest.approx(0.374, abs=0.08)  # P(Poisson(4.03) > 4)
    assert strict[2] > now[2]


@pytest.mark.parametrize("engine", ["simpy", "kernel"])
def test_a_full_store_of_the_customer_stops_the_line(engine: str) -> None:
    """It wants half of what the line makes: once full, the line makes what the customer takes."""
    if engine == "kernel" and kernel_library() is None:
        pytest.skip("the compiled engine is not installed")
    half = [Change("customer.demand", "1200 /d")]
    full = [*half, Change("customer.capacity", "1 d")]
    ample = [Change("customer.demand", "2400 /d"), Change("customer.capacity", "3 d")]
    cases = [changed_supply(LINE, supply, changes) for changes in (half, full, ample[1:])]
    found = answer(*cases, engine=engine, days=4)
    made = [found.of(i, "good_per_d").mean * 4 for i in range(4)]
    assert made[0] == made[1] == made[3]
    # Room for 14 h of its demand at first, 700, and what it uses up in four days.
    assert made[2] == pytest.approx(700 + 4 * 1200, abs=60)
    assert made[2] < 0.6 * made[1]
    assert found.of(2, "customer_stock_d").mean < 1.001
    assert found.of(1, "customer_stock_d").mean > 1.5
    assert found.of(2, "customer_full_h").mean > 24
    assert found.of(3, "customer_full_h").mean == 0
    assert found.of(1, "customer_full_h") is None
    assert found.of(2, "customer_short_h").mean == 0


def test_room_for_no_lot_is_refused() -> None:
    with pytest.raises(ScenarioError, match=r"customer\.capacity: must leave room beside"):
        changed_supply(LINE, supply, [Change("customer.capacity", "10.1 h")])


def test_escapes_of_the_tube_line_are_those_of_the_study() -> None:
    assert escapes_ppm(load("tube_line")) == pytest.approx(40, abs=10)


@pytest.mark.parametrize("name", plants())
def test_the_packaged_lines_have_their_supply(name: str) -> None:
    line = load(name)
    found = load_supply(line, supply_file_of(name))
    assert [one.id for one in found.materials] == [one.id for one in line.materials]
    assert [named_case(line, found, one.id).told for one in found.scenarios]
    for one in found.materials:
        shares = found.shares_of(one)
        assert sum(shares.values()) == pytest.approx(1)
        assert ("wall" in one.shares) == (shares["wall"] >= 0.75)


def test_every_fault_of_a_file_is_named_where_it_stands() -> None:
    wrong = (
        SUPPLY.replace("line: BREAD", "line: BRED")
        .replace("{near: 100 %}", "{near: 100 %, nar: 10 %}")
        .replace("{id: flour, from", "{id: flower, from")
        .replace("review: 1 d", "review: 0 h")
        .replace("lasts: 12 h", "lasts: 12 h, late: 1 h")
    )
    with pytest.raises(LineFileError) as caught:
        supply_from_text(wrong, LINE, "bread.supply.yaml")
    assert [(fault.line, fault.path) for fault in caught.value.faults] == [
        (5, "tiers[1].review"),
        (9, "scenarios[0].mishaps[0]"),
    ]
    right = wrong.replace("review: 0 h", "review: 1 h").replace(", late: 1 h", "")
    with pytest.raises(LineFileError) as caught:
        supply_from_text(right, LINE, "bread.supply.yaml")
    assert sorted((fault.line, fault.path) for fault in caught.value.faults) == [
        (2, "line"),
        (6, "materials[0].id"),
        (6, "materials[1].from"),
        (6, "materials[1].from.nar"),
    ]
    said = str(caught.value)
    assert "bread.supply.yaml:2:7: line: must be the line's id, BREAD, got BRED" in said
    assert "materials[0].id: must be a material of BREAD, got flower; did you mean 'flour'?" in said
    assert "materials[1].from.nar: must be a tier, got nar; did you mean 'near'?" in said
    assert "must sum to 100 % at the most, got 110 %" in said


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("materials.flower.lot", "5", "did you mean 'flour'?"),
        ("materials.flour.from.near", "120%", "must be"),
        ("customer.demand", "+0%", "must change something"),
        ("material.flour.lot", "-5", "must be there to be changed by an amount"),
        ("clients.demand", "5 /h", "must begin with a key of a supply file"),
    ],
)
def test_what_can_not_be_set(path: str, value: str, said: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        changed_supply(LINE, supply, [Change(path, value)])
    assert said in str(caught.value)
    assert str(caught.value).startswith("--set")
