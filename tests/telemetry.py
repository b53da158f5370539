"""What a plant's PLCs say of it, as points: read at every scan, and only what has changed."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np

from twin.engine.plant import SimulatedPlant
from twin.historian.port import Point, Series
from twin.signals import read_all, tags

__all__ = ["T0", "lossy", "telemetry"]

T0 = 1_700_000_000_000_000


def telemetry(
    plant: SimulatedPlant,
    until_us: int,
    scan_us: int = 1_000_000,
    signals: Collection[str] = (),
) -> Iterator[tuple[Point, ...]]:
    """Run a plant on and yield what its PLCs publish, a scan at a time.

    Args:
        plant: runs on to `until_us`, its own time.
        scan_us: time from scan to scan.
        signals: only these, and those of inspections; none: all.
    """
    said = tuple(
        tag
        for tag in tags(plant.line)
        if not signals or tag.signal.name in signals or tag.signal.name.startswith("defect.")
    )
    series = [Series(plant.line.id, tag.unit, tag.signal.name) for tag in said]
    before: list[object] = [None] * len(said)
    for now_us in range(plant.now_us + scan_us, until_us + 1, scan_us):
        plant.advance(now_us)
        values = read_all(said, plant.status())
        yield tuple(
            Point(of, T0 + now_us, float(value))
            for of, value, old in zip(series, values, before, strict=True)
            if value != old
        )
        before = values


def lossy(points: list[Point], share: float, seed: int) -> list[Point]:
    """Points of which a share got lost, each by its own chance."""
    kept = np.random.default_rng(seed).random(len(points)) >= share
    return [point for point, stays in zip(points, kept, strict=True) if stays]
