"""How the compiled engine's cost grows with the line: operations a second of CPU, log off.

    python benchmarks/growth.py [--csv FILE] [--plot FILE.svg]

Against stations in series (10 to 1,000), machines side by side and places in racks (10 to 20,000,
up to 100 in a rack), and parts in process (a thousand to a million, in full buffers). Each line is
run until it is full, then timed; sizes take turns. The plot needs matplotlib (`make bench-plot`).
"""

from __future__ import annotations

import argparse
import csv
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from figures import machine, show
from plain_line import plain_line

from twin.engine.kernel import KernelEngine
from twin.model import Buffer, Line, Station

TURNS = 5
OPERATIONS = 300_000
RACK = 100
SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Point:
    """What one size of line gave.

    Args:
        sweep: what grows.
        size: how many of it.
        low, median, high: million operations a second of CPU, over the turns.
    """

    sweep: str
    size: int
    low: float
    median: float
    high: float


def _exponential(mean_us: int) -> dict[str, object]:
    return {"distribution": "exponential", "mean": mean_us}


def _between(load: Station, middle: Station) -> Line:
    unload = Station(id="UNLOAD", cycle_time=_exponential(SECOND_US // 2))
    return Line(
        id="RACKS",
        stations=(load, middle, unload),
        buffers=(
            Buffer(id="IN", sources="LOAD", sinks=middle.id, capacity=20),
            Buffer(id="OUT", sources=middle.id, sinks="UNLOAD", capacity=20),
        ),
    )


def stations(count: int) -> tuple[Line, int]:
    """The plain line, longer; the time until parts have come through it."""
    return plain_line(count), 4 * count * SECOND_US


def side_by_side(count: int) -> tuple[Line, int]:
    """One station with so many machines, nine of ten busy."""
    load = Station(id="LOAD", cycle_time=_exponential(SECOND_US))
    middle = Station(id="MIDDLE", machines=count, cycle_time=_exponential(count * 900_000))
    return _between(load, middle), 4 * count * SECOND_US


def racks(count: int) -> tuple[Line, int]:
    """Racks with so many places in all, nine of ten taken."""
    load = Station(id="LOAD", cycle_time=_exponential(SECOND_US))
    middle = Station(
        id="MIDDLE",
        machines=math.ceil(count / RACK),
        places=min(count, RACK),
        cycle_time=_exponential(count * 900_000),
    )
    return _between(load, middle), 4 * count * SECOND_US


def parts(count: int) -> tuple[Line, int]:
    """Twelve stations, the last one the slowest, so that the buffers hold that many parts."""
    line = plain_line(capacity=count // 11)
    last = line.stations[-1]
    quick = tuple(
        station.model_copy(
            update={"cycle_time": last.cycle_time.model_copy(update={"mean_us": us})}
        )
        for station, us in zip(line.stations, [SECOND_US // 5] * 11 + [SECOND_US], strict=True)
    )
    return line.model_copy(update={"stations": quick}), int(1.2 * count / 4 * SECOND_US)


SWEEPS: dict[str, tuple[Callable[[int], tuple[Line, int]], tuple[int, ...]]] = {
    "stations": (stations, (10, 30, 100, 300, 1_000)),
    "machines side by side": (side_by_side, (10, 100, 1_000, 10_000)),
    "places in racks": (racks, (10, 100, 1_000, 5_000, 20_000)),
    "parts in process": (parts, (1_000, 10_000, 100_000, 1_000_000)),
}


def operations_per_us(engine: KernelEngine) -> float:
    """How many operations a simulated microsecond of the full line has."""
    before, began = engine.counters(), engine.now_us
    engine.advance(began + 1_000 * SECOND_US)
    done = engine.counters().since(before).completed.sum()
    return float(done) / (engine.now_us - began)


def timed(engine: KernelEngine, span_us: int) -> float:
    """Million operations a second of CPU."""
    before, began = engine.counters(), time.process_time()
    engine.advance(engine.now_us + span_us)
    spent = time.process_time() - began
    return float(engine.counters().since(before).completed.sum()) / spent / 1e6


def sweep(name: str) -> list[Point]:
    """Run all sizes of one sweep."""
    make, sizes = SWEEPS[name]
    engines, spans = [], []
    for size in sizes:
        line, full_us = make(size)
        engine = KernelEngine(line)
        engine.advance(full_us)
        engines.append(engine)
        spans.append(round(OPERATIONS / operations_per_us(engine)))
    turns = [
        [timed(engine, span) for engine, span in zip(engines, spans, strict=True)]
        for _ in range(TURNS)
    ]
    points = []
    for size, speeds in zip(sizes, zip(*turns, strict=True), strict=True):
        show(f"{size:,} {name}: operations/s", speeds, "M")
        points.append(Point(name, size, min(speeds), statistics.median(speeds), max(speeds)))
    return points


def plot(points: list[Point], path: Path) -> None:
    """Draw all sweeps on one pair of axes."""
    import matplotlib as mpl  # noqa: PLC0415 - only the picture needs it

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "linetwin", "font.size": 10, "svg.fonttype": "none"})
    from matplotlib import pyplot  # noqa: PLC0415

    figure, axes = pyplot.subplots(figsize=(8, 4.2), layout="constrained")
    for name, marker in zip(SWEEPS, "osD^", strict=True):
        mine = [point for point in points if point.sweep == name]
        axes.errorbar(
            [point.size for point in mine],
            [point.median for point in mine],
            yerr=[
                [point.median - point.low for point in mine],
                [point.high - point.median for point in mine],
            ],
            marker=marker,
            capsize=3,
            label=name,
        )
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("how many")
    axes.set_ylabel("million operations a second")
    axes.grid(visible=True, alpha=0.3)
    axes.legend(frameon=False, ncols=2)
    figure.savefig(path, metadata={"Date": None}, facecolor="white")


def main() -> None:
    """Measure, print, and write what was asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--csv", type=Path, help="write the figures there")
    parser.add_argument("--plot", type=Path, help="draw them there, as SVG")
    arguments = parser.parse_args()
    print(f"{machine()}; median of {TURNS} turns, lowest to highest")
    points = [point for name in SWEEPS for point in sweep(name)]
    if arguments.csv:
        with arguments.csv.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow([field.name for field in fields(Point)])
            rows.writerows(
                [[*astuple(p)[:2], *(f"{v:.3f}" for v in astuple(p)[2:])] for p in points]
            )
    if arguments.plot:
        plot(points, arguments.plot)


if __name__ == "__main__":
    main()
