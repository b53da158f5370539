"""Both sides of the factory gate, energy and automation: what a lack of each does."""

from __future__ import annotations

import numpy as np
import pytest

from lines.loader import load
from lines.supply import CUSTOMERS, SOURCES, Customer
from twin import whatif
from twin.engine import simulate
from twin.whatif.energy import automation_of, energy_by_station, saving_of
from twin.whatif.run import Run
from twin.whatif.supply import (
    Delay,
    Flows,
    escapes_ppm,
    hourly_flows,
    local_share,
    served,
    supplied,
    with_local_share,
)

HOUR_US = 3_600_000_000
LINE = load("storage_line")
SOURCING = SOURCES["LDES1"]


@pytest.fixture(scope="module")
def flows() -> Flows:
    run = Run(LINE, None, 1, 14 * 24 * HOUR_US, 14 * 24 * HOUR_US, "auto")
    with whatif.open_workers() as workers:
        return hourly_flows(run, 4, workers)


def test_shares_sum_to_one_and_the_local_share_of_the_value_is_the_published_one(
    flows: Flows,
) -> None:
    for sourcing in SOURCES.values():
        for one in sourcing:
            assert one.local + one.region + one.other == pytest.approx(1)
    assert local_share(LINE, SOURCING, flows) == pytest.approx(0.40, abs=0.005)
    halved = with_local_share(SOURCING, 0.5)
    assert local_share(LINE, halved, flows) == pytest.approx(0.20, abs=0.003)


def test_what_a_delay_costs(flows: Flows) -> None:
    """Nothing while all runs well; a supplier that stands still for a day is missed at the wall."""
    well = supplied(LINE, SOURCING, flows)
    stop = Delay("separator", "local", 100, 124)
    stopped = supplied(LINE, SOURCING, flows, delays=[stop])
    late = supplied(LINE, SOURCING, flows, delays=[Delay("separator", "local", 100, 101, 1)])
    assert well.lost.mean <= late.lost.mean < stopped.lost.mean
    assert well.lost.mean < 0.01 * float(flows.good.sum(axis=1).mean())
    by_name = {one.material: one for one in stopped.materials}
    assert by_name["separator"].short_h.mean > 5
    assert by_name["graphite"] == {one.material: one for one in well.materials}["graphite"]


def test_from_farther_away_takes_more_stock(flows: Flows) -> None:
    near, far = (supplied(LINE, s, flows) for s in (SOURCING, with_local_share(SOURCING, 0.5)))
    assert far.value_cny.mean > 1.1 * near.value_cny.mean
    kept = supplied(LINE, with_local_share(SOURCING, 0.5), flows, keep_levels_of=SOURCING)
    assert kept.lost.mean > far.lost.mean


def test_a_customer_lacks_more_when_it_wants_more_and_takes_less() -> None:
    """Two million tubes a day into lots of 100,800 with 40 defective tubes in a million."""
    good = np.full((5, 24 * 10), 2_040_000 / 24)
    flows = Flows((), np.zeros((5, 240, 0)), good)
    mill = CUSTOMERS["TUBE1"]
    now = served(mill, flows, 40)
    more = served(Customer(mill.name, 2_400_000, 1, mill.lot, 100), flows, 40)
    strict = served(Customer(mill.name, 2_000_000, 0.2, mill.lot, 40), flows, 40)
    assert now.missing.mean == 0
    assert now.returned.mean < 0.02
    assert more.missing.mean > 0.02
    assert strict.returned.mean == pytest.approx(0.374, abs=0.08)  # P(Poisson(4.03) > 4)
    assert strict.missing.mean > now.missing.mean


def test_energy_by_station_sums_to_the_lines_and_to_the_study() -> None:
    results = simulate(LINE, until="7 d", replications=2)
    shares = energy_by_station(results)
    whole = sum(one.total.mean for one in shares)
    assert whole == pytest.approx(results.kwh_per_unit().mean, rel=1e-9)
    assert whole == pytest.approx(115.4, rel=0.05)
    savings = saving_of(shares, 26)
    assert sum(one.saved for one in savings) == pytest.approx(whole * (1 / 0.74 - 1))
    assert {savings[0].name, savings[1].name} == {"dry-rooms", "COT-C"}


def test_automation_is_the_factorys_figure() -> None:
    found = automation_of(LINE)
    assert found.automatic == pytest.approx(0.89, abs=0.01)
    assert found.by_hand == ("MIX-C", "MIX-A", "EOL")


def test_escapes_of_the_tube_line_are_those_of_the_study() -> None:
    assert escapes_ppm(load("tube_line")) == pytest.approx(40, abs=10)
