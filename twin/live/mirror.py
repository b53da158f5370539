"""The mirror: the line's reported state, and for each value how old it is and how far to trust it.

`Mirror.handle` is the only way in. It does no input or output and reads no clock: time is what the
messages say. What it returns are the changes that others act on: points for the historian and
notices for people.

Two clocks are told apart. The plant's is in its timestamps, and whatever is said of the plant goes
by it; the twin's says when messages came in. They differ where a plant runs faster than the wall.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

from twin.historian.port import Point, Quality, Series
from twin.live.changes import Changes, Notice, Reported, listed, several
from twin.live.clocks import Clocks
from twin.live.counting import WAITING, most_counted
from twin.live.machine_memory import REMEMBERED, MachineMemory, memories
from twin.live.readings import (
    ConnectionChanged,
    Message,
    NotificationsLost,
    Reading,
    Recalled,
    StaleChanged,
    TagMissing,
    TagsPolled,
)
from twin.model.line import Line
from twin.model.station import Station
from twin.signals import Family, Tag, tags

__all__ = ["Mirror"]


@dataclass(slots=True)
class Mirror:
    """What is known of a line.

    Args:
        line: the line that is watched.
        rate: the plant's clocks run so many times as fast as the twin's.
    """

    line: Line
    rate: float = 1.0
    clocks: Clocks = field(init=False)
    _tags: dict[tuple[str, str], Tag] = field(init=False)
    _values: dict[tuple[str, str], Reported] = field(init=False, default_factory=dict)
    _gained: dict[tuple[str, str], float] = field(init=False, default_factory=dict)
    _old: set[tuple[str, str]] = field(init=False, default_factory=set)
    _heard_us: dict[str, int] = field(init=False)
    _lost_since: dict[str, int] = field(init=False)
    _ever: set[str] = field(init=False, default_factory=set)
    _since_us: dict[str, int] = field(init=False)
    _watched_us: dict[str, int] = field(init=False)
    _machines: dict[str, MachineMemory] = field(init=False)
    # While a clock may have been set back: what waits until that is sure, by PLC.
    _waiting: dict[str, list[Reading]] = field(init=False, default_factory=dict)
    # Of a clock that was: when, by the twin's, and by how much; what nobody has said since.
    _set_back: dict[str, tuple[int, int]] = field(init=False, default_factory=dict)
    _before: set[tuple[str, str]] = field(init=False, default_factory=set)
    # Where each PLC was heard last; those of which another server has taken over since.
    _urls: dict[str, str] = field(init=False, default_factory=dict)
    _taken_over: set[str] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        self._tags = {tag.key: tag for tag in tags(self.line)}
        self._lost_since = {tag.plc: 0 for tag in self._tags.values()}
        self._heard_us = dict.fromkeys(self._lost_since, 0)
        # Of each PLC: where the stretch began in which it is watched, and how long it was before.
        self._since_us = dict.fromkeys(self._lost_since, 0)
        self._watched_us = dict.fromkeys(self._lost_since, 0)
        self._machines = memories(self.line)
        self.clocks = Clocks(tuple(self._heard_us), self.rate)

    # What can be worked out of the line does not travel to another process with it.
    def __getstate__(self) -> dict[str, Any]:
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "_tags"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)
        self._tags = {tag.key: tag for tag in tags(self.line)}

    # -- the way in ------------------------------------------------------------------------------

    def handle(self, message: Message) -> Changes:
        """Take in what came from the plant.

        Args:
            message: a batch of readings, or what became of a connection.

        Returns:
            What it changed. A value older than the one that is held changes nothing but is stored.
        """
        match message:
            case ConnectionChanged():
                return self._connection(message)
            case TagMissing():
                return self._missing(message)
            case TagsPolled():
                return self._polled(message)
            case NotificationsLost():
                return self._lost(message)
            case StaleChanged():
                return self._stale(message)
            case Recalled():
                return self._recalled(message)
            case _:
                return self._readings(message)

    def _readings(self, readings: tuple[Reading, ...]) -> Changes:
        timely, notices = self._timely(readings)
        changes = self._taken(timely, in_order=bool(notices))
        if not notices:
            return changes
        set_back = tuple(notice.plc for notice in notices)
        return Changes(changes.points, (*notices, *changes.notices), set_back)

    def _timely(self, readings: tuple[Reading, ...]) -> tuple[Sequence[Reading], list[Notice]]:
        """Say which readings hold now: all of them, but while a PLC's clock may be set back."""
        spoke: dict[str, list[int]] = {}
        behind: set[str] = set()
        for reading in readings:
            plc, source_us = reading.plc, reading.source_us
            if source_us < self._heard_us.get(plc, 0):
                held = self._values.get((reading.unit, reading.signal))
                if held is not None and source_us == held.source_us:
                    continue  # said again, as when it is not to be believed: no stamp of now
                if held is not None and source_us < held.source_us and reading.value != held.value:
                    behind.add(plc)
            newest = spoke.get(plc)
            if newest is None:
                spoke[plc] = [source_us, reading.arrival_us]
            elif source_us > newest[0]:
                newest[0] = source_us
        timely: Sequence[Reading] = readings
        notices: list[Notice] = []
        for plc, (newest_us, arrival_us) in spoke.items():
            if plc not in self._heard_us or plc in self._lost_since:
                continue
            late = plc in behind or newest_us < self._heard_us[plc]
            step_us = self.clocks.note(plc, newest_us, arrival_us, behind=late)
            if step_us:
                notices.append(self._goes_on(plc, step_us, newest_us))
            if self.clocks.suspects(plc):
                self._waiting.setdefault(plc, []).extend(r for r in timely if r.plc == plc)
                timely = [r for r in timely if r.plc != plc]
            elif plc in self._waiting:
                waited = sorted(self._waiting.pop(plc), key=attrgetter("arrival_us"))
                timely = (*waited, *timely)
        return timely, notices

    def _goes_on(self, plc: str, step_us: int, now_us: int) -> Notice:
        """Bring what is known of a PLC to its clock as it was set back."""
        self._set_back[plc] = self.clocks.suspected_us(plc), step_us
        for key, held in self._values.items():
            if self._tags[key].plc == plc:
                self._before.add(key)
                source_us = held.source_us - step_us
                self._values[key] = Reported(held.value, source_us, held.arrival_us, held.quality)
        stations = self.stations_of(plc)
        for machine in self._machines.values():
            if machine.station.id in stations:
                machine.set_back(step_us)
        self._heard_us[plc] -= step_us
        if self._since_us[plc]:
            self._since_us[plc] -= step_us
        text = f"{plc}: its clock was set back by {step_us / 1e6:.1f} s; it goes on from there"
        return Notice(now_us, plc, stations, text)

    def _taken(self, readings: Sequence[Reading], *, in_order: bool) -> Changes:
        """Take in readings; `in_order`: each holds from when it came, whatever its timestamp."""
        points: list[Point] = []
        shrunk: dict[str, list[tuple[str, str]]] = {}
        newest_us = 0
        for reading in readings:
            if reading.plc not in self._heard_us:
                continue
            key = (reading.unit, reading.signal)
            tag = self._tags.get(key)
            if tag is not None and tag.plc == reading.plc:
                if in_order:
                    self._before.add(key)
                newest_us = max(newest_us, reading.source_us)
                points += self._take(key, tag, reading, shrunk)
            elif reading.unit != reading.plc:
                continue
            # What a PLC says of itself is not the line's, but it tells how far the plant is.
            if reading.plc not in self._lost_since:
                self._heard_us[reading.plc] = max(self._heard_us[reading.plc], reading.source_us)
        for plc, heard_us in self._heard_us.items():
            if plc not in self._lost_since:
                self._since_us[plc] = self._since_us[plc] or heard_us
        notices = tuple(self._counters_lost(plc, keys, newest_us) for plc, keys in shrunk.items())
        return Changes(tuple(points), notices)

    def _take(
        self,
        key: tuple[str, str],
        tag: Tag,
        reading: Reading,
        shrunk: dict[str, list[tuple[str, str]]],
    ) -> Iterator[Point]:
        """Take in one reading of a tag; note in `shrunk` where a counter went down."""
        held = self._values.get(key)
        value, quality = reading.value, reading.quality
        if value is None or not math.isfinite(value):
            # The PLC has no value to give: the last one stands, and is not to be trusted.
            if held is None:
                return
            value, quality = held.value, Quality.BAD
        value = float(value)
        at_us, late, stored_us = reading.source_us, False, reading.source_us
        if tag.plc in self._taken_over and tag.signal.counter and key in self._old:
            # A server that takes over may lag behind the other: that is no counter set back.
            behind = held is not None and value < held.value and at_us < held.source_us
            if behind:
                yield Point(Series(self.line.id, *key), stored_us, value, quality)
                return
        if held is not None and held.quality != quality and key not in self._old:
            # That it is trusted no longer, or again, came later than the value: stores keep both.
            since_us = max(self._heard_us[tag.plc], held.source_us + 1)
            stored_us = since_us if at_us <= held.source_us else at_us
        if self._set_back and tag.plc in self._set_back:
            since_us, step_us = self._set_back[tag.plc]
            late = reading.arrival_us < since_us and self.clocks.stamped_before(
                tag.plc, at_us, reading.arrival_us
            )
            at_us -= step_us if late else 0
        # After a connection every value comes afresh, and holds though the PLC's clock went back.
        # One that comes late is older, though a clock set back since may have stamped it later.
        if (
            held is None
            or (at_us >= held.source_us and reading.arrival_us >= held.arrival_us)
            or key in self._old
            or (key in self._before and not late)
        ):
            if tag.signal.counter and quality != Quality.BAD:
                fell = self._count(key, held, value, reading)
                # A camera counts from when it was switched on: that is no loss.
                if fell and tag.signal.family is not Family.DEFECT:
                    shrunk.setdefault(tag.plc, []).append(key)
                held_value = value
            else:
                # A counter that is not to be trusted moves nothing that is counted.
                held_value = held.value if tag.signal.counter and held is not None else value
            lost = tag.plc in self._lost_since
            if key[1] in REMEMBERED and quality != Quality.BAD and not lost:
                before = None if held is None else held.value
                self._machines[key[0]].take(key[1], before, value, at_us, afresh=key in self._old)
            self._values[key] = Reported(
                held_value,
                at_us,
                reading.arrival_us,
                Quality.BAD if lost else quality,
            )
            self._old.discard(key)
            self._before.discard(key)
        yield Point(Series(self.line.id, *key), stored_us, value, quality)

    def _count(
        self, key: tuple[str, str], held: Reported | None, value: float, reading: Reading
    ) -> bool:
        """Add to what a counter has gained; say whether it went down."""
        if key not in self._gained:
            self._gained[key] = 0.0
        elif held is not None and not (key[1] == WAITING and key in self._old):
            # What a machine waited while nobody saw it is not counted: nor is that time.
            if value >= held.value:
                self._gained[key] += value - held.value
                return False
            # The clock may have been set back with the counter; then the twin's own goes by.
            passed_us = max(
                reading.source_us - held.source_us, reading.arrival_us - held.arrival_us, 0
            )
            if 0 <= value <= most_counted(self._machines[key[0]].station, key[1], passed_us):
                self._gained[key] += value  # it began at 0 again, and has come so far since
            return True
        return False

    def _counters_lost(self, plc: str, keys: list[tuple[str, str]], at_us: int) -> Notice:
        stations = tuple(dict.fromkeys(self._tags[key].station for key in keys))
        text = (
            f"{plc} has set back {several(len(keys), 'counter')} ({listed(keys)}); "
            f"what {', '.join(stations)} made is counted on from there"
        )
        return Notice(at_us, plc, stations, text)

    def _connection(self, message: ConnectionChanged) -> Changes:
        plc = message.plc
        if plc not in self._heard_us:
            return Changes()
        # What waits can't be judged any more: it holds in the order in which it came.
        waiting = self._waiting.pop(plc, ())
        waited = self._taken(sorted(waiting, key=attrgetter("arrival_us")), in_order=True)
        changes = self._connected(message)
        return Changes(waited.points + changes.points, waited.notices + changes.notices)

    def _connected(self, message: ConnectionChanged) -> Changes:
        plc, stations = message.plc, self.stations_of(message.plc)
        names = ", ".join(stations)
        if message.connected:
            text = f"{plc} connected: {names}"
            if plc in self._lost_since and plc in self._ever:
                lost_for = max(0, message.at_us - self._lost_since[plc]) / 1e6
                text = f"{plc} is back after {lost_for:.1f} s; known again: {names}"
            self._distrust(plc)
            if self._urls.get(plc, message.url) != message.url:
                self._taken_over.add(plc)
            else:
                self._taken_over.discard(plc)
            self._urls[plc] = message.url
            self._heard_us[plc] = 0
            self.clocks.forget(plc)
            self._set_back.pop(plc, None)
            self._lost_since.pop(plc, None)
            self._ever.add(plc)
            return Changes(notices=(Notice(message.at_us, plc, stations, text),))
        if self._lost_since.get(plc):
            return Changes()
        self._lost_since[plc] = message.at_us
        self._distrust(plc)
        since = "the start"
        if self._heard_us[plc]:
            zone = ZoneInfo(self.line.time_zone)
            heard = datetime.fromtimestamp(self._heard_us[plc] / 1e6, zone)
            since = f"{heard:%Y-%m-%d %H:%M:%S} {self.line.time_zone} by the plant's clock"
        text = f"{plc} is lost: {names} unknown since {since}; {message.reason}"
        return Changes(notices=(Notice(message.at_us, plc, stations, text),))

    def _recalled(self, message: Recalled) -> Changes:
        """Take a history's last words for what was known when they were said."""
        away = self._lost_since.copy()
        self._lost_since.clear()
        for reading in message.readings:
            key = (reading.unit, reading.signal)
            tag = self._tags.get(key)
            if tag is not None and tag.plc == reading.plc:
                for _ in self._take(key, tag, reading, {}):
                    pass
        self._gained.clear()
        for plc, heard_us in message.heard_us.items():
            self._heard_us[plc] = heard_us
            self.clocks.recall(plc, message.ahead_us.get(plc, 0))
        for plc, since_us in away.items():
            self._lost_since[plc] = message.lost_us.get(plc, since_us)
            self._distrust(plc)
        self._ever.update(message.lost_us)
        return Changes()

    def _distrust(self, plc: str) -> None:
        """Trust nothing that a PLC has said so far."""
        for key, held in self._values.items():
            if self._tags[key].plc == plc:
                self._old.add(key)
                self._values[key] = Reported(
                    held.value, held.source_us, held.arrival_us, Quality.BAD
                )
        for machine in self._machines.values():
            if self.line.plc_of(machine.station.id) == plc:
                machine.forget()
        if self._since_us[plc]:
            self._watched_us[plc] += max(0, self._heard_us[plc] - self._since_us[plc])
            self._since_us[plc] = 0

    def _missing(self, message: TagMissing) -> Changes:
        stations = tuple(
            dict.fromkeys(self._tags[k].station for k in message.keys if k in self._tags)
        )
        count = several(len(message.keys), "tag")
        text = f"{message.plc} lacks {count} of the map: {listed(message.keys)}"
        return Changes(notices=(Notice(message.at_us, message.plc, stations, text),))

    def _polled(self, message: TagsPolled) -> Changes:
        stations = tuple(
            dict.fromkeys(self._tags[k].station for k in message.keys if k in self._tags)
        )
        if not stations:
            return Changes()
        text = (
            f"{message.plc} has no room to watch {several(len(message.keys), 'tag')} of the map "
            f"({listed(message.keys)}): read every {message.every_s:g} s"
        )
        return Changes(notices=(Notice(message.at_us, message.plc, stations, text),))

    def _lost(self, message: NotificationsLost) -> Changes:
        if message.plc not in self._heard_us:
            return Changes()
        fate = "asked for again and here" if message.repaired else "lost; what holds now is read"
        count = several(message.count, "notification")
        text = f"{message.plc}: {count} did not come: {fate}"
        return Changes(
            notices=(Notice(message.at_us, message.plc, self.stations_of(message.plc), text),)
        )

    def _stale(self, message: StaleChanged) -> Changes:
        stations = tuple(
            dict.fromkeys(self._tags[k].station for k in message.keys if k in self._tags)
        )
        if message.plc not in self._heard_us:
            return Changes()
        what = f"{several(len(message.keys), 'value')} ({listed(message.keys)})"
        fate = "can't be believed" if message.stale else "can be believed again"
        why = f"; {message.reason}" if message.reason else ""
        text = f"{message.plc}: {what} {fate}{why}"
        return Changes(notices=(Notice(message.at_us, message.plc, stations, text),))

    # -- what is known ---------------------------------------------------------------------------

    @property
    def newest_us(self) -> int:
        """How far the plant is, by the newest timestamp that came since its PLCs are connected.

        By the clock that most of its PLCs agree on, see `Clocks`. 0 before the first. It goes back
        only where a PLC comes back and its clock is behind, or where a clock is found to be ahead.
        """
        ahead_us = self.clocks.ahead_us
        return max(us - ahead_us(plc) if us else 0 for plc, us in self._heard_us.items())

    def now_us(self, plc: str) -> int:
        """`newest_us` as a PLC's own clock says it."""
        return self.newest_us + self.clocks.ahead_us(plc)

    def reported(self, unit: str, signal: str) -> Reported | None:
        """A tag's last value, trusted or not; None if none ever came."""
        return self._values.get((unit, signal))

    def value(self, unit: str, signal: str) -> float | None:
        """A tag's value if it is known now, else None."""
        held = self._values.get((unit, signal))
        return None if held is None or held.quality == Quality.BAD else held.value

    def machine(self, unit: str) -> MachineMemory:
        """What is remembered of a machine, to say how long things have lasted."""
        return self._machines[unit]

    def heard_us(self, plc: str) -> int:
        """How far a PLC is, by the newest of its own timestamps; 0 before the first."""
        return self._heard_us[plc]

    def lost_since(self, plc: str) -> int | None:
        """Since when a PLC is away (us since 1970-01-01 UTC); 0: never seen; None: it is here."""
        return self._lost_since.get(plc)

    @property
    def plcs(self) -> tuple[str, ...]:
        """The ids of the line's PLCs."""
        return tuple(dict.fromkeys(tag.plc for tag in self._tags.values()))

    def plc_of(self, unit: str, signal: str) -> str:
        """The PLC that gives a tag."""
        return self._tags[unit, signal].plc

    def stations_of(self, plc: str) -> tuple[str, ...]:
        """The stations that a PLC speaks for, in the line's order."""
        return tuple(s.id for s in self.line.stations if self.line.plc_of(s.id) == plc)

    def unknown_since(self, station: Station) -> int | None:
        """Since when nothing is known of a station, by the plant's clock.

        Returns:
            Microseconds since 1970-01-01 UTC of the last that was heard; 0 if nothing ever was;
            None if the station is known.
        """
        plc = self.line.plc_of(station.id)
        return self._heard_us[plc] if plc in self._lost_since else None

    def total(self, station: Station, signal: str) -> float | None:
        """A counter over all machines of a station, since the plant's start; None if unknown."""
        values = [self.reported(station.machine_id(m), signal) for m in range(station.machines)]
        if any(value is None for value in values):
            return None
        return sum(value.value for value in values if value is not None)

    def gained(self, station: Station, signal: str) -> float:
        """How far a counter has grown since the twin first saw it, over a station's machines.

        Only steps up count: a PLC that lost its counters takes nothing back and invents nothing.
        """
        units = (station.machine_id(m) for m in range(station.machines))
        return sum(self.gained_by(unit, signal) for unit in units)

    def gained_by(self, unit: str, signal: str) -> float:
        """How far a counter of one machine has grown since the twin first saw it."""
        return self._gained.get((unit, signal), 0.0)

    @property
    def watched_us(self) -> int:
        """For how long the whole line has been watched, by the plant's clock."""
        return min(self._watched(plc) for plc in self._since_us)

    def _watched(self, plc: str) -> int:
        since_us = self._since_us[plc]
        on_us = max(0, self._heard_us[plc] - since_us) if since_us else 0
        return self._watched_us[plc] + on_us

    def waiting_share(self, station: Station) -> float | None:
        """Share of the watched time in which a station's machines were starved or blocked.

        By the PLC's own count, since samples of the state would miss what happens between them. Of
        a machine with many places it is the mean over the places. None before a minute is seen.
        """
        span_us = self._watched(self.line.plc_of(station.id))
        if span_us < 60_000_000:
            return None
        return min(1.0, self.gained(station, WAITING) * 1e6 / (span_us * station.machines))

    def standing_alarms(self) -> Iterator[tuple[Tag, Reported]]:
        """The alarms that stand now and are known to."""
        for key, held in self._values.items():
            tag = self._tags[key]
            if tag.signal.name.startswith("alarm.") and held.value and held.quality != Quality.BAD:
                yield tag, held

    def validate(self) -> None:
        """Check every invariant of the mirror.

        Raises:
            AssertionError: one does not hold; its text says which, and of what.
        """
        for key, held in self._values.items():
            tag = self._tags[key]
            lost = tag.plc in self._lost_since
            assert not lost or held.quality == Quality.BAD, f"{key} is trusted and its PLC lost"  # noqa: S101
            trusted = held.quality != Quality.BAD
            heard_us = self._heard_us[tag.plc]
            assert not trusted or held.source_us <= heard_us, f"{key} is of the future"  # noqa: S101
            assert not trusted or key not in self._old, f"{key} is trusted and not said afresh"  # noqa: S101
        for key, gained in self._gained.items():
            assert gained >= 0, f"{key} has lost what it made"  # noqa: S101
        for plc, since_us in self._since_us.items():
            lost = plc in self._lost_since
            assert not lost or not since_us, f"{plc} is watched and lost"  # noqa: S101
