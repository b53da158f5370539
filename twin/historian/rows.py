"""What a store of history answers, as rows with named columns: for a screen, a file or a table.

Instants are microseconds since 1970-01-01 UTC, by the plant's clock.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Final, TypeAlias

from twin.historian.alarms import AlarmSpell
from twin.historian.port import History, Quality, Samples
from twin.historian.shift_kpis import ShiftKpi

__all__ = ["ALARM", "INSTANTS", "KPI", "POINT", "SAMPLE", "Row"]
__all__ += ["alarm_rows", "kpi_rows", "point_rows", "sample_rows"]

Row: TypeAlias = tuple[Any, ...]

POINT: Final[tuple[str, ...]] = ("at", "line", "unit", "signal", "value", "quality")
SAMPLE: Final[tuple[str, ...]] = (
    *("at", "line", "unit", "signal", "points", "mean", "low", "high", "last"),
)
KPI: Final[tuple[str, ...]] = (
    *("from", "to", "line", "station", "good", "scrap", "oee_index", "availability"),
    *("effectiveness", "quality_ratio", "failures", "mtbf_s", "mttr_s", "energy_kwh"),
    "energy_kwh_per_unit",
)
ALARM: Final[tuple[str, ...]] = ("from", "to", "line", "unit", "alarm")

INSTANTS: Final = frozenset({"at", "from", "to"})
"""The columns that hold instants."""


def point_rows(found: History) -> list[Row]:
    """Points as rows of the columns `POINT`.

    >>> from twin.historian.memory import MemoryHistorian
    >>> from twin.historian.port import Point, Query, Series
    >>> store = MemoryHistorian()
    >>> _ = store.write([Point(Series("LDES1", "STK03", "power_kw"), 0, 1.5)])
    >>> point_rows(store.read(Query()))
    [(0, 'LDES1', 'STK03', 'power_kw', 1.5, 'good')]
    """
    columns = (found.series_index, found.at_us, found.value, found.quality)
    return [
        (at_us, *_named(found, index), value, Quality(quality).name.lower())
        for index, at_us, value, quality in zip(*(c.tolist() for c in columns), strict=True)
    ]


def sample_rows(found: Samples) -> list[Row]:
    """Intervals as rows of the columns `SAMPLE`; `at` is where one begins."""
    numbers = (found.count, found.mean, found.low, found.high, found.last)
    columns = [c.tolist() for c in (found.series_index, found.at_us, *numbers)]
    return [
        (at_us, *_named(found, index), *values)
        for index, at_us, *values in zip(*columns, strict=True)
    ]


def kpi_rows(found: ShiftKpi) -> list[Row]:
    """A shift as rows of the columns `KPI`: the line's, then one a station.

    What there is nothing to reckon from, as the quality ratio where nothing was made, is None.
    """
    span = (found.watched_from_us, found.watched_to_us, found.line)
    nothing = (None,) * 7
    line = (found.good, found.scrap, *nothing, found.energy_kwh, found.energy_kwh_per_unit)
    rows: list[Row] = [(*span, "", *line)]
    for each in found.stations:
        kpi = each.kpi
        shares = (kpi.oee_index, kpi.availability, kpi.effectiveness, kpi.quality_ratio)
        ratios = (None if math.isnan(share) else share for share in shares)
        repairs = (kpi.failures, each.mtbf_s, each.mttr_s)
        a_part = each.energy_kwh / kpi.good if kpi.good else None
        amounts = (each.station, kpi.good, kpi.scrap)
        rows.append((*span, *amounts, *ratios, *repairs, each.energy_kwh, a_part))
    return rows


def alarm_rows(line: str, found: Iterable[AlarmSpell]) -> list[Row]:
    """Alarms of a line as rows of the columns `ALARM`; `to` is None where one still stands.

    >>> alarm_rows("TUBE1", [AlarmSpell(5, None, "FNS03", "E101")])
    [(5, None, 'TUBE1', 'FNS03', 'E101')]
    """
    return [(each.from_us, each.to_us, line, each.unit, each.alarm) for each in found]


def _named(found: History | Samples, index: int) -> tuple[str, str, str]:
    series = found.series[index]
    return series.line, series.unit, series.signal
