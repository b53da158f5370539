"""What this shift has made so far, beside what it should have, read from any store of history."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from twin.engine.planned_time import monday_before, open_time_us
from twin.historian.port import Historian, Quality, Query
from twin.live.reports import planned_station_units_per_h
from twin.model.line import Line
from twin.model.station import Station

__all__ = ["shift_of", "shift_so_far"]

DAY_US = 86_400_000_000
SAMPLE_US = 60_000_000
STEP_US = 600_000_000
"""Between two points of the curves of a shift."""
OF_OEE = ("oee_index", "availability", "quality_ratio", "busy_share")


def shift_of(line: Line, at_us: int) -> tuple[int, int]:
    """When the shift begins and ends in which an instant is; the day, where a line has no shifts.

    Args:
        line: whose shifts, in whose time zone.
        at_us: microseconds since 1970-01-01 UTC.

    Returns:
        The half-open interval, microseconds since 1970-01-01 UTC.

    >>> from twin.model import Line, Station
    >>> line = Line(id="L", stations=(Station(id="A", cycle_time="2 s"),))
    >>> shift_of(line, 90_000_000_000)
    (86400000000, 172800000000)
    """
    zone = ZoneInfo(line.time_zone)
    start_us = line.shifts.start_us if line.shifts else 0
    length_us = line.shifts.length_us if line.shifts else DAY_US
    local = datetime.fromtimestamp(at_us / 1e6, zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    # By the wall clock: on the days on which it is moved a shift is an hour longer or shorter.
    begins = [
        midnight + timedelta(days=day, microseconds=start_us + number * length_us)
        for day in (-1, 0, 1)
        for number in range(DAY_US // length_us)
    ]
    edges = sorted(round(edge.timestamp()) * 1_000_000 for edge in begins)
    last = max(i for i, edge in enumerate(edges) if edge <= at_us)
    return edges[last], edges[last + 1]


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
        `watched_from_us`; `planned`, what the target asks for from then to the end of the shift.
    """
    from_us, to_us = shift_of(line, now_us)
    gained: dict[str, float | None] = {}
    watched_from_us: int | None = None
    made: list[tuple[int, float]] = []
    for signal in ("good_units", "scrap_units", "energy_kwh"):
        asked = Query(line.id, "", signal, from_us=from_us, to_us=now_us + 1)
        samples = store.sampled(asked, SAMPLE_US)
        if len(samples):
            steps = np.diff(samples.last)
            # The twin counts from 0 again when it begins anew; what it made then is a step up.
            steps = np.where(steps >= 0, steps, samples.last[1:])
            gained[signal] = float(steps.sum())
            if signal == "good_units":
                watched_from_us = int(samples.at_us[0])
                made = _curve(samples.at_us, np.concatenate([[0.0], steps.cumsum()]))
    good, scrap = gained.get("good_units"), gained.get("scrap_units")
    energy = gained.get("energy_kwh")
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


def _oee(store: Historian, line: Line, now_us: int, bottleneck: str | None) -> dict[str, Any]:
    since_us = now_us - 10 * SAMPLE_US
    said: dict[str, dict[str, float]] = {}
    for signal in OF_OEE:
        history = store.last(Query(line.id, None, signal, from_us=since_us, to_us=now_us + 1))
        for i, index in enumerate(history.series_index.tolist()):
            if history.quality[i] != Quality.BAD:
                said.setdefault(history.series[index].unit, {})[signal] = float(history.value[i])
    known = bottleneck is not None and said.get(bottleneck, {}).keys() >= set(OF_OEE)
    station = bottleneck if known else _busiest(line, said)
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


def _busiest(line: Line, said: dict[str, dict[str, float]]) -> str | None:
    """The station that waits least, of those alike the one with the least capacity by plan."""
    known = [s for s in line.stations if said.get(s.id, {}).keys() >= set(OF_OEE)]
    if not known:
        return None

    def key(station: Station) -> tuple[float, float]:
        waits = 1 - said[station.id]["busy_share"]
        return round(waits, 2), planned_station_units_per_h(line, station)

    return min(known, key=key).id
