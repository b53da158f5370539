"""The line as it was, and how a station got on, read from any store of history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dashboards.live.shown_state import UNKNOWN, shown_state
from twin.historian.port import Historian, History, Quality, Query, Series
from twin.model.line import Line
from twin.model.station import Station
from twin.signals import lane_id, tags

__all__ = ["FOR_A_STATE", "curve", "cycle_times", "spells", "state_at"]

HOUR_US = 3_600_000_000
LOOK_BACK_US = 24 * HOUR_US
"""A value that is older than this at a past instant is taken for unknown."""
FOR_A_STATE = ("state_current", "starved", "blocked")
MOST_BINS = 60
Values = dict[str, Any]
Event = tuple[int, int, float | None]
"""When, which of `FOR_A_STATE`, and what it is from then on; None: unknown."""


def state_at(store: Historian, line: Line, at_us: int) -> Values:
    """The keys of `dashboards.live.state.state_of` that a past instant has: states and levels.

    Args:
        store: where the past is.
        line: whose.
        at_us: when, microseconds since 1970-01-01 UTC.
    """
    known: dict[tuple[str, str], float] = {}
    wanted = (*FOR_A_STATE, "level")
    history = store.last(
        Query(line=line.id, signal=wanted, from_us=at_us - LOOK_BACK_US, to_us=at_us + 1)
    )
    for i, index in enumerate(history.series_index.tolist()):
        if history.quality[i] != Quality.BAD:
            series = history.series[index]
            known[series.unit, series.signal] = float(history.value[i])
    values: Values = {}
    for station in line.stations:
        for m in range(station.machines):
            unit = station.machine_id(m)
            values[f"m/{unit}"] = shown_state(*(known.get((unit, s)) for s in FOR_A_STATE))
    for buffer in line.buffers:
        values[f"b/{buffer.id}"] = known.get((buffer.id, "level"))
        if buffer.lanes > 1:
            for lane in range(buffer.lanes):
                name = lane_id(buffer, lane)
                values[f"l/{name}"] = known.get((name, "level"))
    return values


def spells(
    store: Historian, line: Line, units: Sequence[str], from_us: int, to_us: int
) -> dict[str, list[tuple[int, str]]]:
    """When the shown states of machines changed.

    Args:
        store: where the past is.
        line: whose.
        units: the machines.
        from_us, to_us: half-open interval of source time.

    Returns:
        For each machine (since when, letter), the first at `from_us`, in order of time; each
        differs from the one before.
    """
    events: dict[str, list[Event]] = {unit: [] for unit in units}
    asked = Query(line.id, tuple(units), FOR_A_STATE, from_us=from_us, to_us=to_us)
    before = replace(asked, from_us=from_us - LOOK_BACK_US, to_us=from_us)
    for history in (store.last(before), store.read(asked)):
        for series, at_us, value in _told(history):
            number = FOR_A_STATE.index(series.signal)
            events[series.unit].append((max(at_us, from_us), number, value))
    return {unit: _letters(of, from_us) for unit, of in events.items()}


def _told(history: History) -> Iterator[tuple[Series, int, float | None]]:
    rows = zip(
        history.series_index.tolist(),
        history.at_us.tolist(),
        history.value.tolist(),
        (history.quality == Quality.BAD).tolist(),
        strict=True,
    )
    for index, at_us, value, bad in rows:
        yield history.series[index], at_us, None if bad else value


def _letters(events: list[Event], from_us: int) -> list[tuple[int, str]]:
    known: list[float | None] = [None] * len(FOR_A_STATE)
    found: list[tuple[int, str]] = [(from_us, UNKNOWN)]
    events.sort(key=lambda event: event[0])
    for at_us, together in groupby(events, key=lambda event: event[0]):
        for _, number, value in together:
            known[number] = value
        letter = shown_state(*known)
        if found[-1][0] == at_us:
            found.pop()
        if not found or found[-1][1] != letter:
            found.append((at_us, letter))
    return found


def curve(
    store: Historian, line: Line, unit: str, signal: str, from_us: int, to_us: int, every_us: int
) -> Values:
    """A signal over time, brought down to an interval: instants, means, lows and highs.

    Where its PLC was lost there is an instant without values, so that nobody draws a line across.
    """
    samples = store.sampled(Query(line.id, unit, signal, from_us=from_us, to_us=to_us), every_us)
    lost_us = _lost_us(store, line, unit, signal, from_us, to_us)
    where = np.searchsorted(samples.at_us, lost_us)
    at_us = np.insert(samples.at_us, where, lost_us)
    mean, low, high = (
        _plain(np.insert(values, where, np.nan))
        for values in (samples.mean, samples.low, samples.high)
    )
    return {
        "every_s": every_us / 1e6,
        "at_us": at_us.tolist(),
        "mean": mean,
        "low": low,
        "high": high,
    }


def _lost_us(
    store: Historian, line: Line, unit: str, signal: str, from_us: int, to_us: int
) -> NDArray[np.int64]:
    """When the PLC that gives a signal was lost."""
    plcs = tuple({tag.plc for tag in tags(line) if tag.key == (unit, signal)})
    said = store.read(Query(line.id, plcs, "watched", from_us=from_us, to_us=to_us))
    lost: NDArray[np.int64] = said.at_us[said.value == 0]
    return lost


def _plain(values: NDArray[np.float64]) -> list[float | None]:
    return [None if isnan(value) else float(f"{value:.6g}") for value in values.tolist()]


def cycle_times(store: Historian, line: Line, station: Station, from_us: int, to_us: int) -> Values:
    """How long a station's operations took, as a histogram.

    Returns:
        `operations`, their `mean_s`, the histogram's `edges_s` and `count`, and how many took
        `longer` than its last edge.
    """
    machines = tuple(station.machine_id(m) for m in range(station.machines))
    history = store.read(Query(line.id, machines, "cycle_time_s", from_us=from_us, to_us=to_us))
    seconds = history.value[(history.quality != Quality.BAD) & (history.value > 0)]
    if not len(seconds):
        return {"operations": 0, "longer": 0, "edges_s": [], "count": [], "mean_s": None}
    # One stop among a thousand operations must not squeeze all the others into one bar.
    upper = float(np.quantile(seconds, 0.99))
    lower = float(seconds.min())
    shown = seconds[seconds <= upper]
    bins = int(min(MOST_BINS, max(8, np.sqrt(len(shown)))))
    span = (lower, upper) if upper > lower else (lower * 0.9, lower * 1.1 + 1e-6)
    count, edges = np.histogram(shown, bins=bins, range=span)
    return {
        "operations": len(seconds),
        "longer": int((seconds > upper).sum()),
        "edges_s": _plain(edges),
        "count": count.tolist(),
        "mean_s": float(f"{seconds.mean():.6g}"),
    }
