"""Energy and labour: where a line's energy goes, what a saving is made of, and who runs a line."""

from __future__ import annotations

import pytest

from lines import load_text
from lines.loader import load
from twin.engine import simulate
from twin.engine.results import Estimate
from twin.errors import EngineError
from twin.whatif.energy import EnergyShare, energy_by_station, saving_of
from twin.whatif.labour import automation_of, crew_loads, hands_of

LINE = load("storage_line")


def share(name: str, *runs: float) -> EnergyShare:
    return EnergyShare(name, {}, Estimate.of(list(runs)), runs)


def test_energy_by_station_sums_to_the_lines_and_to_the_study() -> None:
    results = simulate(LINE, until="7 d", replications=2)
    shares = energy_by_station(results)
    whole = sum(one.total.mean for one in shares)
    assert whole == pytest.approx(results.kwh_per_unit().mean, rel=1e-9)
    assert whole == pytest.approx(115.4, rel=0.05)
    found = saving_of(shares, 26)
    assert sum(one.saved for one in found.parts) == pytest.approx(whole * (1 / 0.74 - 1))
    assert {found.parts[0].name, found.parts[1].name} == {"dry-rooms", "COT-C"}
    assert found.known.mean == 0


def test_what_is_known_of_a_saving_is_told_apart_from_the_rest() -> None:
    """100 before, 74 now; 10 of the 26 are known to come from B, the rest in proportion."""
    now, then = (share("A", 50, 50), share("B", 24, 24)), (share("A", 50, 50), share("B", 33, 35))
    found = saving_of(now, 26, then)
    assert found.before == pytest.approx(100)
    assert found.known.mean == pytest.approx(10)
    assert found.rest == pytest.approx(16)
    parts = {one.name: one for one in found.parts}
    assert parts["A"].known.mean == 0
    assert parts["A"].rest == pytest.approx(16 * 50 / 74)
    assert parts["B"].saved == pytest.approx(10 + 16 * 24 / 74)
    assert parts["A"].alone == pytest.approx(66 / 50)


def test_what_is_no_saving_is_refused() -> None:
    now = (share("A", 50, 50),)
    for percent in (0, 100, -1, float("nan")):
        with pytest.raises(EngineError, match="between 0 and 100"):
            saving_of(now, percent)
    with pytest.raises(EngineError, match="the same stations"):
        saving_of(now, 26, (share("B", 50, 50),))
    with pytest.raises(EngineError, match="the same replications"):
        saving_of(now, 26, (share("A", 50, 50, 50),))


def test_automation_is_the_factorys_figure() -> None:
    found = automation_of(LINE)
    assert found.automatic == pytest.approx(0.89, abs=0.01)
    assert found.by_hand == ("MIX-C", "MIX-A", "EOL")


def test_a_crew_of_one_is_loaded_as_its_machines_fail() -> None:
    """Down a tenth of its time each, and waiting for each other a little."""
    line = load_text(
        """
id: L
crews: [{id: FIT, size: 1}]
stations:
  - id: A
    machines: 2
    cycle_time: 10 s
    failures: [{id: f, crew: FIT, mtbf: {distribution: exponential, mean: 9 min}, mttr: 1 min}]
"""
    )
    results = simulate(line, until="2 d", replications=4)
    (crew,) = crew_loads(results)
    (hands,) = hands_of(results)
    assert crew.down.mean == pytest.approx(hands.repair.mean)
    assert crew.load.mean == crew.down.mean
    # A closed queue of two machines and one fitter; constant repairs wait less than exponential.
    assert 0.2 < crew.down.mean < 0.2217
    assert hands.stops_per_d.mean == pytest.approx(
        2 * 144 * (1 - crew.down.mean / 2) / 0.9, rel=0.05
    )
