"""A plant as a mirror sees it, without a wire: scan by scan, what changed."""

from __future__ import annotations

from dataclasses import dataclass, field

from twin.engine.plant import Plant, SimulatedPlant
from twin.engine.simulation import open_engine
from twin.historian.port import Quality
from twin.live.mirror import Mirror
from twin.live.readings import ConnectionChanged, Reading
from twin.model.line import Line
from twin.signals import Tag, Value, read_all, tags

EPOCH_US = 1_767_571_200_000_000  # Monday 2026-01-05 00:00 UTC
S = 1_000_000


@dataclass
class Published:
    """What the PLCs of a plant would publish.

    Args:
        plant: whose.
        skew_us: by how much a PLC's clock is ahead.
        hidden: signals that nobody maps.
    """

    plant: Plant
    skew_us: dict[str, int] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    tags: tuple[Tag, ...] = field(init=False)
    last: dict[tuple[str, str], Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        every = tuple(tags(self.plant.line))
        self.tags = tuple(tag for tag in every if tag.signal.name not in self.hidden)

    def reading(self, tag: Tag, value: Value, at_us: int) -> Reading:
        source_us = EPOCH_US + at_us + self.skew_us.get(tag.plc, 0)
        return Reading(
            tag.plc, tag.unit, tag.signal.name, value, source_us, EPOCH_US + at_us, Quality.GOOD
        )

    def scan(self, to_us: int) -> tuple[Reading, ...]:
        """Let the plant run on; what changed since the last scan."""
        self.plant.advance(to_us)
        fresh = read_all(self.tags, self.plant.status())
        beats = [
            Reading(plc, plc, "heartbeat", to_us, EPOCH_US + to_us + self.skew_us.get(plc, 0),
                    EPOCH_US + to_us, Quality.GOOD)
            for plc in dict.fromkeys(tag.plc for tag in self.tags)
        ]  # fmt: skip
        said = [
            self.reading(tag, value, to_us)
            for tag, value in zip(self.tags, fresh, strict=True)
            if self.last.get(tag.key) != value
        ]
        self.last = {tag.key: value for tag, value in zip(self.tags, fresh, strict=True)}
        return (*said, *beats)


def at_work(line: Line, seed: int, ran_s: int = 2 * 86_400 + 9 * 3600) -> SimulatedPlant:
    """A plant that has run since Monday; by default up to Wednesday morning."""
    engine = open_engine(line, seed=seed, start_us=0)
    engine.advance(ran_s * S)
    return SimulatedPlant(line, seed=seed, start=engine.snapshot())


def connected(line: Line) -> Mirror:
    """A mirror whose PLCs are all there."""
    mirror = Mirror(line)
    for plc in mirror.plcs:
        mirror.handle(ConnectionChanged(plc, connected=True, at_us=EPOCH_US, reason=""))
    return mirror


def followed(published: Published, mirror: Mirror, until_us: int, step_us: int) -> None:
    """Let a plant run on in steps, and its mirror hear of each."""
    while published.plant.now_us < until_us:
        mirror.handle(published.scan(min(until_us, published.plant.now_us + step_us)))
