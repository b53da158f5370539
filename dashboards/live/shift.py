"""What this shift has made so far, beside what it should have, read from any store of history."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.engine.planned_time import monday_before, open_time_us
from twin.engine.quantiles import mean_us
from twin.historian.port import Historian, Quality, Query
from twin.historian.shift_kpis import OF_THE_LINE, SAMPLE_US, Counter, counters, shift_of
from twin.live.reports import planned_station_units_per_h
from twin.model.line import Line
from twin.model.station import Station

__all__ = ["shift_so_far"]

STEP_US = 600_000_000
"""Between two points of the curves of a shift."""
BAND = ("forecast_low_units", "forecast_units", "forecast_high_units")
REACH = "forecast_reach_ratio"
QUICK_US = 360_000_000
OF_OEE = ("oee_index", "availability", "quality_ratio", "busy_share")


def shift_so_far(
    store: Historian, line: Line, now_us: int, bottleneck: str | None = None
) -> dict[str, Any]:
    """What a line has made in the present shift, as far as the twin has watched it.

    Args:
        store: where the past is.
        line: whose.
        now_us: now by the plant's clock, microseconds since 1970-01-01 UTC.
        bottleneck: the station whose OEE is shown; None: the one that waits least.

    Returns:
        `from_us`, `to_us` of the shift; `watched_from_us`; `good`, `scrap`, `kwh_per_unit` since
        then; `expected` by now and `target` of the shift by the line's target and calendar; and of
        the station that waits least `oee_station`, `oee` with its factors `availability`,
        `effectiveness` and `quality` (ISO 22400). None where it is not known. As curves, each a
        list of pairs of an instant and a number of units: `made`, good units counted from
        `watched_from_us`; `planned`, what the target asks for from then to the end of the shift;
        and of the last forecast `foretold`, pairs of an instant and 5, 50 and 95 % of what will be
        made by then, and `reach_ratio`, the probability that the target is reached.
    """
    from_us, to_us = shift_of(line, now_us)
    before = Query(line.id, "", "good_units", from_us=from_us - SAMPLE_US, to_us=from_us)
    watched_before = len(store.last(before)) > 0
    asked = Query(line.id, "", OF_THE_LINE, from_us=from_us, to_us=now_us + 1)
    grown = counters(store, asked, known_before=watched_before)
    found = {signal: counter for (_, signal), counter in grown.items()}
    good, scrap, energy = (
        found[signal].total if signal in found else None for signal in OF_THE_LINE
    )
    watched_from_us: int | None = None
    made: list[tuple[int, float]] = []
    if "good_units" in found:
        watched_from_us = from_us if watched_before else int(found["good_units"].at_us[0])
        made = _curve(found["good_units"].at_us, found["good_units"].gained)
    return {
        "from_us": from_us,
        "to_us": to_us,
        "watched_from_us": watched_from_us,
        "good": good,
        "scrap": scrap,
        "kwh_per_unit": energy / good if energy is not None and good else None,
        "expected": _planned(line, watched_from_us or now_us, now_us),
        "target": _planned(line, from_us, to_us),
        "made": made,
        "planned": _plan(line, watched_from_us or now_us, to_us),
        **_foretold(store, line, (from_us, to_us), now_us, found.get("good_units")),
        **_oee(store, line, now_us, bottleneck),
    }


def _curve(at_us: NDArray[np.int64], units: NDArray[np.float64]) -> list[tuple[int, float]]:
    """The last point of every step, so that a long shift is no longer to send than a short one."""
    last = np.append(np.diff(at_us // STEP_US) > 0, True)
    last[0] = True
    return list(zip(at_us[last].tolist(), units[last].tolist(), strict=True))


def _plan(line: Line, from_us: int, to_us: int) -> list[tuple[int, float]]:
    edges = [*range(from_us, to_us, STEP_US), to_us]
    planned = [(at_us, _planned(line, from_us, at_us)) for at_us in edges]
    return [(at_us, units) for at_us, units in planned if units is not None]


def _planned(line: Line, from_us: int, to_us: int) -> float | None:
    if not line.target:
        return None
    epoch_us = monday_before(line.time_zone, from_us)
    open_us = open_time_us(line.calendar_of(), from_us - epoch_us, to_us - epoch_us)
    return line.target * open_us / 3.6e9


def _foretold(
    store: Historian, line: Line, shift: tuple[int, int], now_us: int, good: Counter | None
) -> dict[str, Any]:
    """The last forecast of this shift's end, counted as the curve of what was made is."""
    nothing: dict[str, Any] = {"foretold": [], "reach_ratio": None}
    asked = Query(line.id, "", (*BAND, REACH), from_us=shift[0], to_us=now_us + 1)
    last = store.last(asked)
    rows = [last.series[index].signal for index in last.series_index.tolist()]
    said = dict(zip(rows, last.value.tolist(), strict=True))
    at_us = dict(zip(rows, last.at_us.tolist(), strict=True)).get(BAND[0], 0)
    if good is None or not set(BAND) <= said.keys():
        return nothing
    then = store.last(Query(line.id, "", "good_units", from_us=shift[0], to_us=at_us + 1))
    if not len(then):
        return nothing
    counted = float(then.value[0])
    made = float(np.interp(at_us, good.at_us, good.gained))
    by_end = [made + max(0.0, said[signal] - counted) for signal in BAND]
    return {
        "foretold": [(at_us, [made, made, made]), (shift[1], by_end)],
        "reach_ratio": said.get(REACH),
    }


def _oee(store: Historian, line: Line, now_us: int, bottleneck: str | None) -> dict[str, Any]:
    since_us = now_us - 10 * SAMPLE_US
    said: dict[str, dict[str, float]] = {}
    history = store.last(Query(line.id, None, OF_OEE, from_us=since_us, to_us=now_us + 1))
    for i, index in enumerate(history.series_index.tolist()):
        if history.quality[i] != Quality.BAD:
            series = history.series[index]
            said.setdefault(series.unit, {})[series.signal] = float(history.value[i])
    known = [s for s in line.stations if _is_quick(s) and said.get(s.id, {}).keys() >= set(OF_OEE)]
    named = any(s.id == bottleneck for s in known)
    station = bottleneck if named else _busiest(line, known, said)
    if station is None:
        return dict.fromkeys(("oee_station", "oee", "availability", "effectiveness", "quality"))
    of = said[station]
    availability, quality = of["availability"], of["quality_ratio"]
    others = availability * quality
    return {
        "oee_station": station,
        "oee": of["oee_index"],
        "availability": availability,
        "effectiveness": of["oee_index"] / others if others else None,
        "quality": quality,
    }


def _is_quick(station: Station) -> bool:
    """Whether so many operations end in the hour of an OEE that those across its edges are few."""
    return mean_us(station.cycle_time) <= QUICK_US


def _busiest(line: Line, known: list[Station], said: dict[str, dict[str, float]]) -> str | None:
    """The station that waits least, of those alike the one with the least capacity by plan."""
    if not known:
        return None

    def key(station: Station) -> tuple[float, float]:
        waits = 1 - said[station.id]["busy_share"]
        return round(waits, 2), planned_station_units_per_h(line, station)

    return min(known, key=key).id
