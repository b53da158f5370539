"""Whether values can still be believed: those that stand still while they should not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from opcua.readings import Reading
from opcua.tag_map import MappedNode

__all__ = ["Liveness", "Pace"]

Key = tuple[str, str]


@dataclass(slots=True)
class Pace:
    """How often something changes that must: how long it may stand still follows from that.

    Args:
        least_s: it may stand still for so long in any case, seconds.
        at_first_s: and for so long while its pace is not known.
        value: what it shows.
        changed_s: when that came.
    """

    least_s: float
    at_first_s: float
    value: object
    changed_s: float
    longest_s: float = 0.0

    def note(self, value: object, now_s: float) -> bool:
        """Take in what it shows; whether it has changed."""
        if value == self.value:
            return False
        # Old hiccups are forgotten, a tenth a change.
        self.longest_s = max(now_s - self.changed_s, 0.9 * self.longest_s)
        self.value, self.changed_s = value, now_s
        return True

    @property
    def allowed_s(self) -> float:
        """For how long it may stand still.

        >>> pace = Pace(3.0, 30.0, 0, 0.0)
        >>> pace.allowed_s
        30.0
        >>> pace.note(1, 2.0), pace.allowed_s
        (True, 6.0)
        """
        if not self.longest_s:
            return self.at_first_s
        return max(self.least_s, 3 * self.longest_s)


@dataclass(slots=True)
class _Watched:
    """A value that must change while its counter runs on."""

    steps: int
    value: object = None
    counter: object = None
    counted: int = 0
    since_s: float = 0.0


@dataclass(slots=True)
class Liveness:
    """The values of one PLC that must change while a counter runs on.

    Args:
        nodes: its tags.

    >>> node = MappedNode("A01", "cycle_time_s", (), moves_with="processed", steps=2)
    >>> liveness = Liveness((node,))
    >>> bool(liveness)
    True
    """

    nodes: Iterable[MappedNode]
    stale: set[Key] = field(default_factory=set)
    _watched: dict[Key, _Watched] = field(init=False)
    _by_counter: dict[Key, list[_Watched]] = field(init=False)

    def __post_init__(self) -> None:
        chosen = [node for node in self.nodes if node.moves_with]
        self._watched = {(n.unit, n.signal): _Watched(n.steps) for n in chosen}
        self._by_counter = {}
        for node in chosen:
            watched = self._watched[node.unit, node.signal]
            self._by_counter.setdefault((node.unit, node.moves_with), []).append(watched)

    def __bool__(self) -> bool:
        return bool(self._watched)

    def forget(self) -> None:
        """Begin anew, as after a connection."""
        for watched in self._watched.values():
            watched.value = watched.counter = None
            watched.counted = 0

    def note(self, readings: Iterable[Reading], now_s: float) -> None:
        """Take in what came.

        Args:
            readings: in order.
            now_s: by any clock that runs evenly, seconds.
        """
        for reading in readings:
            if reading.value is None:
                continue
            key = (reading.unit, reading.signal)
            watched = self._watched.get(key)
            if watched is not None and reading.value != watched.value:
                watched.value, watched.counted, watched.since_s = reading.value, 0, now_s
            for of in self._by_counter.get(key, ()):
                if reading.value != of.counter:
                    of.counted += of.counter is not None
                    of.counter = reading.value

    def judge(self, now_s: float, within_s: float) -> tuple[tuple[Key, ...], tuple[Key, ...]]:
        """Say which values are stale since the last time that this was asked, and which no longer.

        Args:
            now_s: by the same clock.
            within_s: a value may stand still for so long in any case, seconds.
        """
        still = {
            key
            for key, one in self._watched.items()
            if one.counted >= one.steps and now_s - one.since_s >= within_s
        }
        new, over = tuple(sorted(still - self.stale)), tuple(sorted(self.stale - still))
        self.stale = still
        return new, over
