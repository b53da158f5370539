"""Lines that run inside a PLC of one's own, so that its values are those of a station."""

from __future__ import annotations

from collections.abc import Callable

from twin.engine.plant import SimulatedPlant, warmed_plant
from twin.model.line import Line
from twin.signals import Tag, Value, read_all, tags

__all__ = ["DrivingLines"]


class DrivingLines:
    """Plants that run with a clock, one a line, filled with work in process.

    Args:
        epoch_unix_us: the clock's engine time 0, microseconds since 1970-01-01 UTC.
        seed: of the plants.
    """

    def __init__(self, epoch_unix_us: int, seed: int) -> None:
        self._epoch_us = epoch_unix_us
        self._seed = seed
        self._running: dict[str, _Running] = {}

    def follow(self, line: Line, unit: str, signal: str) -> Callable[[int], Value]:
        """Make the function that a signal of a line follows.

        Args:
            line: a checked line.
            unit, signal: one of its tags.

        Returns:
            The value at an instant of the clock, asked for in the order of time.
        """
        running = self._running.get(line.id)
        if running is None:
            running = self._running[line.id] = _Running(line, self._seed, self._epoch_us)
        place = running.place(unit, signal)
        return lambda at_us: running.at(at_us)[place]


class _Running:
    def __init__(self, line: Line, seed: int, epoch_us: int) -> None:
        self._line = line
        self._seed = seed
        self._epoch_us = epoch_us
        self._tags: tuple[Tag, ...] = tuple(tags(line))
        self._plant: SimulatedPlant | None = None
        self._behind_us = 0
        self._values: list[Value] = []

    def place(self, unit: str, signal: str) -> int:
        return [tag.key for tag in self._tags].index((unit, signal))

    def at(self, at_us: int) -> list[Value]:
        """Every value at an instant; the plant begins at the first that it is asked for."""
        if self._plant is None:
            now_unix_us = self._epoch_us + at_us
            self._plant, _ = warmed_plant(self._line, seed=self._seed, now_unix_us=now_unix_us)
            self._behind_us = self._plant.now_us - at_us
        due_us = at_us + self._behind_us
        if due_us > self._plant.now_us or not self._values:
            self._plant.advance(max(due_us, self._plant.now_us))
            self._values = read_all(self._tags, self._plant.status())
        return self._values
