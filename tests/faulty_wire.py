"""A plant whose PLCs are heard badly: what a mirror gets of it, and what it can know at best.

There is no socket: the plant is the simulated one, the signals are those of the table, and between
them and the mirror lies what the subscriber promises of a bad wire. A notification that is lost is
noticed at the next; it is asked for again and comes late, or every value is read afresh. After a
cut every value comes afresh. Some notifications come twice. Clocks differ, and are set back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from plant_seen import EPOCH_US, S

from twin.engine.plant import Plant
from twin.historian.port import Quality
from twin.live.readings import ConnectionChanged, Message, NotificationsLost, Reading
from twin.signals import Family, Tag, Value, read_all, tags

Key = tuple[str, str]
UNSURE = 5


@dataclass(frozen=True)
class Rates:
    """How bad it is.

    Args:
        lost, repaired, twice: share of notifications that are lost, of those the share that comes
            late, and the share that comes twice.
        cut_every_s, restart_every_s, reset_every_s: mean time between a PLC's cuts, its restarts
            (every other one cold: its counters begin at 0), and resets of one of its counters.
        away_s: longest that a PLC is away.
        skew_s: most by which a PLC's clock is off; drawn anew at each restart.
        set_back_every_s: mean time between steps by which a PLC's clock is set back, by up to
            twice `skew_s`, with no restart that would tell of it.
    """

    lost: float = 0.05
    repaired: float = 0.5
    twice: float = 0.02
    cut_every_s: float = 1800.0
    restart_every_s: float = 7200.0
    reset_every_s: float = 3600.0
    away_s: float = 120.0
    skew_s: float = 5.0
    set_back_every_s: float = 7200.0


@dataclass
class _Plc:
    """What is going on with one PLC."""

    tags: list[int] = field(default_factory=list)
    published: dict[int, Value] = field(default_factory=dict)
    missed: list[tuple[Reading, ...]] = field(default_factory=list)
    missed_since_us: int = 0
    away_until_us: int = -1
    skew_us: int = 0
    next_cut_us: int = 0
    next_restart_us: int = 0
    next_reset_us: int = 0
    next_set_back_us: int = 0
    unsure: int = 0
    """Messages until it must be seen that its clock was set back."""


@dataclass
class FaultyWire:
    """A plant, heard badly.

    Args:
        plant: the plant.
        rates: how badly.
        seed: of what goes wrong.
    """

    plant: Plant
    rates: Rates
    seed: int
    tags: tuple[Tag, ...] = field(init=False)
    plcs: dict[str, _Plc] = field(init=False)
    truth: list[Value] = field(init=False)
    erased: dict[Key, int] = field(default_factory=dict)
    """Of each counter what its PLC lost before anyone could have heard of it."""
    counted: dict[str, int] = field(default_factory=dict)
    """How often what has gone wrong."""

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        # Process variables are noise to a mirror; each of the others has its part in the state.
        self.tags = tuple(
            tag for tag in tags(self.plant.line) if tag.signal.family is not Family.VARIABLE
        )
        self.index = {tag.key: k for k, tag in enumerate(self.tags)}
        self.truth = read_all(self.tags, self.plant.status())
        self.first = list(self.truth)
        self.bases: dict[int, list[tuple[int, Value]]] = {
            k: [(0, 0)] for k, tag in enumerate(self.tags) if tag.signal.counter
        }
        self.heard: dict[int, tuple[int, Value, Value]] = {}
        self.plcs = {tag.plc: _Plc() for tag in self.tags}
        for index, tag in enumerate(self.tags):
            self.plcs[tag.plc].tags.append(index)
        for plc in self.plcs.values():
            plc.skew_us = self._skew_us()
            plc.next_cut_us = self._after(self.rates.cut_every_s)
            plc.next_restart_us = self._after(self.rates.restart_every_s)
            plc.next_reset_us = self._after(self.rates.reset_every_s)
            plc.next_set_back_us = self._after(self.rates.set_back_every_s)

    def connect(self) -> Iterator[Message]:
        """Everything is there, and every value is read."""
        for name, plc in self.plcs.items():
            yield ConnectionChanged(name, connected=True, at_us=EPOCH_US, reason="")
            yield self._all(name, plc)

    def scan(self, to_us: int) -> Iterator[Message]:
        """Let the plant run on and each PLC publish; what comes of it."""
        self.plant.advance(to_us)
        self.truth = read_all(self.tags, self.plant.status())
        for name, plc in self.plcs.items():
            if plc.away_until_us >= 0:
                if to_us >= plc.away_until_us:
                    plc.away_until_us = -1
                    at_us = EPOCH_US + to_us
                    yield ConnectionChanged(name, connected=True, at_us=at_us, reason="")
                    yield self._all(name, plc)
                continue
            yield from self._trouble(name, plc, to_us)
            if plc.away_until_us < 0:
                yield from self._publish(name, plc)

    def settled(self, name: str) -> bool:
        """Whether a PLC is there and nothing that it said is missing."""
        plc = self.plcs[name]
        return plc.away_until_us < 0 and not plc.missed and not plc.unsure

    def made(self, index: int) -> int:
        """What a counter has really gained since the connection."""
        return int(self.truth[index] - self.first[index])

    # -- what goes wrong -------------------------------------------------------------------------

    def _trouble(self, name: str, plc: _Plc, to_us: int) -> Iterator[Message]:
        if to_us >= plc.next_reset_us:
            plc.next_reset_us = self._after(self.rates.reset_every_s)
            counters = [k for k in plc.tags if self.tags[k].signal.counter]
            self._reset([self.random.choice(counters)])
            self._note("counter set back")
        if to_us >= plc.next_set_back_us:
            plc.next_set_back_us = self._after(self.rates.set_back_every_s)
            plc.skew_us -= int(self.random.uniform(0.1, 2 * self.rates.skew_s) * S)
            plc.unsure += UNSURE
            self._note("clock set back")
        restart = to_us >= plc.next_restart_us
        if not restart and to_us < plc.next_cut_us:
            return
        reason = "the cable is cut"
        if restart:
            plc.next_restart_us = self._after(self.rates.restart_every_s)
            reason, cold = "it restarts", self.random.random() < 0.5
            plc.skew_us = self._skew_us()
            if cold:
                self._reset([k for k in plc.tags if self.tags[k].signal.counter])
            self._note("cold restart" if cold else "warm restart")
        else:
            plc.next_cut_us = self._after(self.rates.cut_every_s)
            self._note("cable cut")
        plc.missed.clear()
        plc.unsure = 0
        plc.away_until_us = to_us + int(self.random.uniform(1, self.rates.away_s) * S)
        yield ConnectionChanged(name, connected=False, at_us=EPOCH_US + to_us, reason=reason)

    def _reset(self, indices: list[int]) -> None:
        for k in indices:
            self.bases[k].append((self._now_us, self.truth[k]))

    def _publish(self, name: str, plc: _Plc) -> Iterator[Message]:
        changed = [k for k in plc.tags if plc.published.get(k) != self._shown(k)]
        plc.published.update((k, self._shown(k)) for k in changed)
        notification = (*(self._reading(plc, k) for k in changed), self._beat(name, plc))
        self._note("notification")
        if self.random.random() < self.rates.lost:
            self._note("notification lost")
            plc.missed_since_us = plc.missed_since_us or self._now_us
            plc.missed.append(notification)
            return
        plc.unsure = max(0, plc.unsure - 1)
        yield self._delivered(notification)
        if self.random.random() < self.rates.twice:
            self._note("notification twice")
            yield notification
        if plc.missed:
            repaired = self.random.random() < self.rates.repaired
            said = NotificationsLost(
                name, len(plc.missed), plc.missed_since_us, self._now_us, repaired
            )
            late, plc.missed, plc.missed_since_us = plc.missed, [], 0
            if repaired:
                for each in late:
                    yield self._delivered(each)
                yield said
            else:
                yield said
                yield self._all(name, plc)

    # -- what is said ----------------------------------------------------------------------------

    @property
    def _now_us(self) -> int:
        return EPOCH_US + self.plant.now_us

    def _after(self, mean_s: float) -> int:
        return self.plant.now_us + int(self.random.expovariate(1 / mean_s) * S)

    def _skew_us(self) -> int:
        return int(self.random.uniform(-1, 1) * self.rates.skew_s * S)

    def _note(self, what: str) -> None:
        self.counted[what] = self.counted.get(what, 0) + 1

    def _shown(self, k: int) -> Value:
        return self.truth[k] - self.bases[k][-1][1] if k in self.bases else self.truth[k]

    def _reading(self, plc: _Plc, k: int) -> Reading:
        tag, at_us = self.tags[k], self._now_us
        source_us = at_us + plc.skew_us
        return Reading(
            tag.plc, tag.unit, tag.signal.name, self._shown(k), source_us, at_us, Quality.GOOD
        )

    def _beat(self, name: str, plc: _Plc) -> Reading:
        at_us = self._now_us
        return Reading(name, name, "heartbeat", at_us, at_us + plc.skew_us, at_us, Quality.GOOD)

    def _all(self, name: str, plc: _Plc) -> tuple[Reading, ...]:
        plc.published = {k: self._shown(k) for k in plc.tags}
        whole = (*(self._reading(plc, k) for k in plc.tags), self._beat(name, plc))
        return self._delivered(whole)

    def _delivered(self, notification: tuple[Reading, ...]) -> tuple[Reading, ...]:
        """Note what has been heard of each counter, to know what nobody can know."""
        for reading in notification:
            k, value = self.index.get((reading.unit, reading.signal)), reading.value
            if k not in self.bases or value is None:
                continue
            heard_us, before, base_before = self.heard.get(k, (0, 0, 0))
            at_us = reading.arrival_us
            if at_us < heard_us:
                continue
            base = next(base for since_us, base in reversed(self.bases[k]) if since_us <= at_us)
            if heard_us and base != base_before:
                gained = value + base - before - base_before
                shown = value if value < before else value - before
                key = self.tags[k].key
                self.erased[key] = self.erased.get(key, 0) + int(gained - shown)
            self.heard[k] = at_us, value, base
        return notification
