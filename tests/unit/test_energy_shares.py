"""Energy and automation: where a line's energy goes, and who runs it."""

from __future__ import annotations

import pytest

from lines.loader import load
from twin.engine import simulate
from twin.whatif.energy import automation_of, energy_by_station, saving_of

LINE = load("storage_line")


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
