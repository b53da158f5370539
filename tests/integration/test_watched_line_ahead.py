"""A line that is watched is looked ahead: the band is in the history, what came is settled."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from plant_seen import EPOCH_US, Published, S

from twin.cli.look_ahead import LookAhead, Shift
from twin.cli.watch import LiveLine
from twin.engine.plant import SimulatedPlant
from twin.engine.simulation import resolved_engine
from twin.historian.duckdb_store.forecasts import ForecastStore
from twin.historian.memory import MemoryHistorian
from twin.historian.port import Point
from twin.live.readings import ConnectionChanged
from twin.model import Line

HOUR_S = 3600
needs_kernel = pytest.mark.skipif(resolved_engine("auto") != "kernel", reason="no compiled engine")


def line() -> Line:
    return Line.model_validate(
        {
            "id": "L",
            "time_zone": "UTC",
            "target": "500 /h",
            "shifts": {"start": "0 h", "length": "2 h"},
            "stations": (
                {
                    "id": "A",
                    "cycle_time": {"distribution": "lognormal", "mean": "6 s", "cv": 0.3},
                    "failures": (
                        {
                            "id": "jam",
                            "mtbf": {"distribution": "exponential", "mean": "10 min"},
                            "mttr": "1 min",
                        },
                    ),
                },
                {"id": "B", "cycle_time": "5 s"},
            ),
            "buffers": ({"id": "A-B", "from": "A", "to": "B", "capacity": 5},),
        }
    )


class Watched:
    """A plant whose twin looks ahead; time passes where the test lets it."""

    def __init__(self, directory: Path, before: Watched | None = None) -> None:
        self.points: list[Point] = [] if before is None else before.points
        self.published = before.published if before else Published(SimulatedPlant(line()))
        self.published.last.clear()
        self.twin = LiveLine(line(), self.points.extend)
        self.store = ForecastStore(directory / "forecasts.duckdb")
        self.history = MemoryHistorian()
        self.ahead = LookAhead(self.twin, self.store, history=self.history)
        for plc in self.twin.mirror.plcs:
            self.connect(plc, connected=True)

    def connect(self, plc: str, *, connected: bool) -> None:
        at_us = EPOCH_US + self.published.plant.now_us
        self.twin.take(ConnectionChanged(plc, connected, at_us, ""))

    def pass_to(self, at_s: int) -> None:
        while self.published.plant.now_us < at_s * S:
            self.twin.take(self.published.scan(self.published.plant.now_us + 10 * S))

    def settle_what_was_left(self) -> list[float | None]:
        self.history.write(self.points)
        self.ahead.settle_what_was_left()
        return self.outcomes()

    def really_made(self) -> float:
        """By the plant itself, which no twin can see."""
        return float(self.published.plant.status().machines["B01"].good)

    def band(self) -> dict[str, Point]:
        return {p.series.signal: p for p in self.points if p.series.signal.startswith("forecast_")}

    def outcomes(self) -> list[float | None]:
        return [row.outcome for row in self.store.rows("L")]


@needs_kernel
def test_the_band_is_told_and_what_came_is_settled(tmp_path: Path) -> None:
    async def main() -> None:
        watched = Watched(tmp_path)
        watched.pass_to(HOUR_S)
        began = watched.twin.meter.good_units()
        await watched.ahead.forecast(1)
        band = watched.band()
        low, middle, high = (band[f"forecast_{name}units"].value for name in ("low_", "", "high_"))
        assert began < low < middle < high <= began + HOUR_S / 5
        assert band["forecast_target_units"].value == began + 500
        assert 0 <= band["forecast_reach_ratio"].value <= 1
        assert band["forecast_units"].at_us == EPOCH_US + HOUR_S * S
        assert watched.outcomes() == [None]
        watched.pass_to(2 * HOUR_S - 10)
        before = watched.twin.meter.good_units()
        assert watched.ahead.look() == []
        watched.pass_to(2 * HOUR_S + 10)
        after = watched.twin.meter.good_units()
        ((due, made),) = watched.ahead.look()
        assert due.to_us == EPOCH_US + 2 * HOUR_S * S
        assert made == (before + after) / 2
        await watched.ahead.settle(due, made)
        assert watched.outcomes() == [made - began]
        assert watched.ahead.look() == []

    asyncio.run(main())


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Another process has the file."""
    code = f"import duckdb, sys; c = duckdb.connect({str(path)!r}); print(1, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"1\n"
        yield
        other.communicate(b"\n")


@needs_kernel
def test_while_somebody_else_has_the_file_nothing_is_lost(tmp_path: Path) -> None:
    async def main() -> None:
        watched = Watched(tmp_path)
        watched.pass_to(HOUR_S)
        await watched.ahead.forecast(1)
        with held(watched.store.path):
            await watched.ahead.forecast(2)
        await watched.ahead.forecast(3)
        assert watched.outcomes() == [None] * 3
        watched.pass_to(2 * HOUR_S - 10)
        watched.ahead.look()
        watched.pass_to(2 * HOUR_S + 10)
        ((due, made),) = watched.ahead.look()
        with held(watched.store.path):
            assert not await watched.ahead.settle(due, made)
        # The same hour of a week before was another forecast's.
        before = replace(due, made_since_us=due.made_since_us + 10**12)
        assert await watched.ahead.settle(before, made)
        assert watched.outcomes() == [None] * 3
        assert await watched.ahead.settle(due, made)
        assert len(set(watched.outcomes())) == 1
        assert None not in watched.outcomes()

    asyncio.run(main())


@needs_kernel
def test_what_nobody_heard_is_not_settled(tmp_path: Path) -> None:
    async def main() -> None:
        watched = Watched(tmp_path)
        watched.pass_to(HOUR_S)
        await watched.ahead.forecast(1)
        (plc,) = watched.twin.mirror.plcs
        watched.connect(plc, connected=False)
        assert watched.ahead.look() == []
        watched.connect(plc, connected=True)
        watched.published.last.clear()
        watched.pass_to(2 * HOUR_S + 10)
        assert watched.ahead.look() == []
        assert watched.outcomes() == [None]

    asyncio.run(main())


def left(tmp_path: Path) -> tuple[Watched, float]:
    """A twin that has made a forecast of its shift and ends before the shift does."""
    watched = Watched(tmp_path)
    watched.pass_to(HOUR_S)
    began = watched.really_made()
    asyncio.run(watched.ahead.forecast(1))
    watched.pass_to(HOUR_S + 1800)
    return watched, began


@needs_kernel
def test_the_next_twin_settles_what_one_left(tmp_path: Path) -> None:
    """It has counted from nothing; what came is in the plant's counters, which went on."""
    first, began = left(tmp_path)
    (plc,) = first.twin.mirror.plcs
    first.connect(plc, connected=False)
    first.published.plant.advance((HOUR_S + 2700) * S)
    second = Watched(tmp_path, first)
    assert second.settle_what_was_left() == [None]
    second.pass_to(2 * HOUR_S)
    made = second.really_made()
    second.pass_to(2 * HOUR_S + 60)
    assert second.settle_what_was_left() == [made - began]
    assert made - began > 100


@needs_kernel
def test_what_came_while_no_twin_looked_is_not_made_up(tmp_path: Path) -> None:
    first, _ = left(tmp_path)
    (plc,) = first.twin.mirror.plcs
    first.connect(plc, connected=False)
    first.published.plant.advance((2 * HOUR_S + 1800) * S)
    second = Watched(tmp_path, first)
    second.pass_to(3 * HOUR_S)
    assert second.settle_what_was_left() == [None]


@needs_kernel
def test_what_another_plant_made_is_not_taken_for_the_one_before(tmp_path: Path) -> None:
    first, _ = left(tmp_path)
    second = Watched(tmp_path, first)
    second.ahead.plant_since_us = EPOCH_US + (HOUR_S + 1800) * S
    second.pass_to(2 * HOUR_S + 60)
    assert second.settle_what_was_left() == [None]
    # Nor where its counters begin at 0 and nobody says so.
    third = Watched(tmp_path, second)
    for point in [p for p in third.points if p.at_us > EPOCH_US + (HOUR_S + 1800) * S]:
        third.points.remove(point)
        third.points.append(replace(point, value=max(0.0, point.value - 400.0)))
    assert third.settle_what_was_left() == [None]


def test_before_anything_is_heard_there_is_no_forecast(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    asyncio.run(watched.ahead.forecast(1))
    assert not watched.points
    assert not watched.store.path.exists()


def test_a_shift_that_is_watched_in_part_has_its_share_of_the_target() -> None:
    shift = Shift(EPOCH_US + HOUR_S * S, EPOCH_US + 2 * HOUR_S * S, 40.0)
    assert shift.target_units(line()) == 540.0
    without = Line.model_validate(line().model_dump() | {"target": None})
    assert shift.target_units(without) is None
