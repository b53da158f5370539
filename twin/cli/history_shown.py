"""What `twin history` shows: points, rows an interval, KPIs of a shift; as CSV or as JSON."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from twin.cli.screen import print_json
from twin.historian.port import History, Quality, Samples
from twin.historian.shift_kpis import ShiftKpi

__all__ = ["KPI", "POINT", "SAMPLE", "kpi_rows", "point_rows", "sample_rows", "show"]

Row: TypeAlias = tuple[Any, ...]

POINT: Final[tuple[str, ...]] = ("at", "line", "unit", "signal", "value", "quality")
SAMPLE: Final[tuple[str, ...]] = (
    "at",
    "line",
    "unit",
    "signal",
    "points",
    "mean",
    "low",
    "high",
    "last",
)
KPI: Final[tuple[str, ...]] = (
    *("from", "to", "line", "station", "good", "scrap", "oee_index", "availability"),
    *("effectiveness", "quality_ratio", "failures", "mtbf_s", "mttr_s", "energy_kwh"),
    "energy_kwh_per_unit",
)


def show(columns: Sequence[str], rows: Sequence[Row], *, as_json: bool) -> None:
    """Print rows with the names of their columns."""
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
        return
    writer = csv.writer(sys.stdout)
    writer.writerow(columns)
    writer.writerows(rows)


def point_rows(found: History) -> list[Row]:
    """Points as rows of the columns `POINT`."""
    return [
        (*_named(found, index, at_us), value, Quality(quality).name.lower())
        for index, at_us, value, quality in zip(
            *(c.tolist() for c in (found.series_index, found.at_us, found.value, found.quality)),
            strict=True,
        )
    ]


def sample_rows(found: Samples) -> list[Row]:
    """Intervals as rows of the columns `SAMPLE`."""
    numbers = (found.count, found.mean, found.low, found.high, found.last)
    columns = [c.tolist() for c in (found.series_index, found.at_us, *numbers)]
    return [
        (*_named(found, index, at_us), *values)
        for index, at_us, *values in zip(*columns, strict=True)
    ]


def kpi_rows(found: ShiftKpi) -> list[Row]:
    """A shift as rows of the columns `KPI`: the line's, then one a station."""
    span = (_utc(found.watched_from_us), _utc(found.watched_to_us), found.line)
    nothing = (None,) * 7
    line = (found.good, found.scrap, *nothing, found.energy_kwh, found.energy_kwh_per_unit)
    rows: list[Row] = [(*span, "", *line)]
    for each in found.stations:
        kpi = each.kpi
        ratios = (kpi.oee_index, kpi.availability, kpi.effectiveness, kpi.quality_ratio)
        repairs = (kpi.failures, each.mtbf_s, each.mttr_s)
        a_part = each.energy_kwh / kpi.good if kpi.good else None
        amounts = (each.station, kpi.good, kpi.scrap)
        rows.append((*span, *amounts, *ratios, *repairs, each.energy_kwh, a_part))
    return rows


def _named(found: History | Samples, index: int, at_us: int) -> tuple[str, str, str, str]:
    series = found.series[index]
    at = datetime.fromtimestamp(at_us / 1e6, UTC).isoformat(timespec="microseconds")
    return at, series.line, series.unit, series.signal


def _utc(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1e6, UTC).isoformat(timespec="seconds")
