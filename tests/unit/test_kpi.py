from __future__ import annotations

import math

import pytest

from twin.kpi import ratio, station_kpi


def test_iso_22400_ratios() -> None:
    """10 h, of which 1 planned stop: PBT 9, APT 6; 300 pieces of 1 min planned; 270 good."""
    hour = 3_600_000_000
    times = (6 * hour, hour, hour, hour // 2, hour // 4, hour // 4, hour)
    kpi = station_kpi(
        planned_busy_time_us=9 * hour, planned_run_time_us=60e6, operations=300, good=270, scrap=20,
        rework=10, failures=2, time_us=times,
    )  # fmt: skip
    assert kpi.availability == pytest.approx(6 / 9)
    assert kpi.effectiveness == pytest.approx(300 / 360)
    assert kpi.quality_ratio == pytest.approx(0.9)
    assert kpi.oee_index == pytest.approx(6 / 9 * 300 / 360 * 0.9)
    assert kpi.busy_share == pytest.approx(0.8)
    shares = (
        kpi.execute_share, kpi.starved_share, kpi.blocked_share, kpi.fault_share,
        kpi.setup_share, kpi.maintenance_share, kpi.planned_stop_share,
    )  # fmt: skip
    assert sum(shares) == pytest.approx(1)


def test_nothing_to_say_is_not_a_number() -> None:
    assert math.isnan(ratio(0, 0))
    kpi = station_kpi(
        planned_busy_time_us=0, planned_run_time_us=1, operations=0, good=0, scrap=0, rework=0,
        failures=0, time_us=(0,) * 7,
    )  # fmt: skip
    assert math.isnan(kpi.availability)
    assert math.isnan(kpi.oee_index)


def test_a_repair_that_runs_into_a_planned_stop_leaves_the_planned_busy_time_alone() -> None:
    """10 h, 2 of them planned stop, of which a repair takes one: PBT is 8 h and not 9."""
    hour = 3_600_000_000
    kpi = station_kpi(
        planned_busy_time_us=8 * hour, planned_run_time_us=60e6, operations=360, good=360, scrap=0,
        rework=0, failures=1, time_us=(6 * hour, 0, 0, 3 * hour, 0, 0, hour),
    )  # fmt: skip
    assert kpi.planned_busy_time_us == 8 * hour
    assert kpi.availability == pytest.approx(6 / 8)
    assert kpi.planned_stop_share == pytest.approx(0.1)
