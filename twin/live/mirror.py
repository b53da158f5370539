"""The mirror: the line's reported state, and for each value how old it is and how far to trust it.

`Mirror.handle` is the only way in. It does no input or output and reads no clock: time is what the
messages say. What it returns are the changes that others act on: points for the historian and
notices for people.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from twin.historian.port import Point, Quality, Series
from twin.live.readings import ConnectionChanged, Message, Reading, TagMissing
from twin.model.line import Line
from twin.model.packml import State
from twin.model.station import Station
from twin.signals import Tag, tags

__all__ = ["Changes", "Mirror", "Notice", "Reported"]


@dataclass(frozen=True, slots=True)
class Reported:
    """The last value of a tag.

    Args:
        value: what the plant said last.
        source_us: the plant's timestamp, microseconds since 1970-01-01 UTC.
        arrival_us: when it came in, by the twin's clock.
        quality: how far to trust it; BAD from the moment at which its PLC is lost.
    """

    value: float
    source_us: int
    arrival_us: int
    quality: Quality


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that a person should know, in a line."""

    at_us: int
    plc: str
    stations: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What a message changed: points to store, notices to show."""

    points: tuple[Point, ...] = ()
    notices: tuple[Notice, ...] = ()


@dataclass(slots=True)
class _Machine:
    """Time of one machine in each PackML state, by the plant's timestamps."""

    state: int = 0
    since_us: int = 0
    waiting_us: float = 0.0
    known_us: float = 0.0
    waiting_share: float = 0.0


@dataclass(slots=True)
class Mirror:
    """What is known of a line.

    Args:
        line: the line that is watched.
    """

    line: Line
    _tags: dict[tuple[str, str], Tag] = field(init=False)
    _values: dict[tuple[str, str], Reported] = field(init=False, default_factory=dict)
    _first: dict[tuple[str, str], float] = field(init=False, default_factory=dict)
    _lost_since: dict[str, int] = field(init=False)
    _ever: set[str] = field(init=False, default_factory=set)
    _machines: dict[str, _Machine] = field(init=False)
    _places: dict[str, int] = field(init=False)
    _newest_us: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._tags = {tag.key: tag for tag in tags(self.line)}
        self._lost_since = {tag.plc: 0 for tag in self._tags.values()}
        self._places = {
            station.machine_id(m): station.places
            for station in self.line.stations
            for m in range(station.machines)
        }
        self._machines = {unit: _Machine() for unit in self._places}

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
            case _:
                return Changes(points=tuple(self._points(message)))

    def _points(self, readings: tuple[Reading, ...]) -> Iterator[Point]:
        for reading in readings:
            key = (reading.unit, reading.signal)
            tag = self._tags.get(key)
            if tag is None or reading.value is None:
                continue
            held = self._values.get(key)
            value = float(reading.value)
            if held is None or reading.source_us >= held.source_us:
                self._values[key] = Reported(
                    value, reading.source_us, reading.arrival_us, reading.quality
                )
                self._first.setdefault(key, value)
                self._newest_us = max(self._newest_us, reading.source_us)
                if reading.signal in {"state_current", "occupied"} and reading.unit in self._places:
                    self._account(reading.unit, reading.source_us)
            yield Point(
                Series(self.line.id, reading.unit, reading.signal),
                reading.source_us,
                value,
                reading.quality,
            )

    def _account(self, unit: str, at_us: int) -> None:
        """Close the stretch of time up to now, and see how the machine waits from here on."""
        machine = self._machines[unit]
        if machine.since_us:
            span = max(0, at_us - machine.since_us)
            machine.known_us += span
            machine.waiting_us += span * machine.waiting_share
        machine.since_us = max(at_us, machine.since_us)
        state = self.value(unit, "state_current")
        machine.state = int(state or 0)
        waits = machine.state in {State.SUSPENDED, State.STOPPED}
        machine.waiting_share = 1.0 if waits else 0.0
        places = self._places[unit]
        if places > 1 and machine.state == State.EXECUTE:
            machine.waiting_share = 1 - min(1.0, (self.value(unit, "occupied") or 0) / places)

    def _connection(self, message: ConnectionChanged) -> Changes:
        plc, stations = message.plc, self.stations_of(message.plc)
        names = ", ".join(stations)
        if message.connected:
            back = plc in self._ever
            lost_for = message.at_us - self._lost_since.get(plc, message.at_us)
            self._lost_since.pop(plc, None)
            self._ever.add(plc)
            text = (
                f"{plc} is back after {lost_for / 1e6:.1f} s; known again: {names}"
                if back
                else f"{plc} connected: {names}"
            )
            return Changes(notices=(Notice(message.at_us, plc, stations, text),))
        self._lost_since[plc] = message.at_us
        for key, held in self._values.items():
            if self._tags[key].plc == plc:
                self._values[key] = Reported(
                    held.value, held.source_us, held.arrival_us, Quality.BAD
                )
        for unit in self._units_of(plc):
            # What the machine did while nobody saw it is not known and not counted.
            self._machines[unit].since_us = 0
        text = f"{plc} is lost ({message.reason}); unknown from now on: {names}"
        return Changes(notices=(Notice(message.at_us, plc, stations, text),))

    def _missing(self, message: TagMissing) -> Changes:
        names = ", ".join(f"{unit}.{signal}" for unit, signal in message.keys[:5])
        more = f" and {len(message.keys) - 5} more" if len(message.keys) > 5 else ""
        stations = tuple(
            dict.fromkeys(self._tags[k].station for k in message.keys if k in self._tags)
        )
        text = f"{message.plc} lacks {len(message.keys)} tags of the map: {names}{more}"
        return Changes(notices=(Notice(message.at_us, message.plc, stations, text),))

    # -- what is known ---------------------------------------------------------------------------

    @property
    def newest_us(self) -> int:
        """The newest timestamp of any value: the plant's now; 0 before the first."""
        return self._newest_us

    def reported(self, unit: str, signal: str) -> Reported | None:
        """A tag's last value, trusted or not; None if none ever came."""
        return self._values.get((unit, signal))

    def value(self, unit: str, signal: str) -> float | None:
        """A tag's value if it is known now, else None."""
        held = self._values.get((unit, signal))
        return None if held is None or held.quality == Quality.BAD else held.value

    def lost_since(self, plc: str) -> int | None:
        """Since when a PLC is away (us since 1970-01-01 UTC); 0: never seen; None: it is here."""
        return self._lost_since.get(plc)

    @property
    def plcs(self) -> tuple[str, ...]:
        """The ids of the line's PLCs."""
        return tuple(dict.fromkeys(tag.plc for tag in self._tags.values()))

    def stations_of(self, plc: str) -> tuple[str, ...]:
        """The stations that a PLC speaks for, in the line's order."""
        return tuple(s.id for s in self.line.stations if self.line.plc_of(s.id) == plc)

    def _units_of(self, plc: str) -> Iterator[str]:
        for station in self.line.stations:
            if self.line.plc_of(station.id) == plc:
                yield from (station.machine_id(m) for m in range(station.machines))

    def unknown_since(self, station: Station) -> int | None:
        """Since when nothing is known of a station; None if it is known; 0 if it never was."""
        return self._lost_since.get(self.line.plc_of(station.id))

    def total(self, station: Station, signal: str) -> float | None:
        """A counter over all machines of a station, since the plant's start; None if unknown."""
        values = [self.reported(station.machine_id(m), signal) for m in range(station.machines)]
        if any(value is None for value in values):
            return None
        return sum(value.value for value in values if value is not None)

    def gained(self, station: Station, signal: str) -> float:
        """How far a counter has grown since the twin first saw it, over a station's machines."""
        gained = 0.0
        for m in range(station.machines):
            key = (station.machine_id(m), signal)
            held = self._values.get(key)
            if held is not None:
                gained += held.value - self._first[key]
        return gained

    def waiting_share(self, station: Station) -> float | None:
        """Share of the watched time in which a station's machines waited or stood as planned.

        For a machine with many places, empty places wait. None before a minute has been seen.
        """
        known = waiting = 0.0
        for m in range(station.machines):
            unit = station.machine_id(m)
            machine = self._machines[unit]
            open_us = max(0, self._newest_us - machine.since_us) if machine.since_us else 0
            known += machine.known_us + open_us
            waiting += machine.waiting_us + open_us * machine.waiting_share
        return waiting / known if known >= 60_000_000 * station.machines else None

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
            assert held.source_us <= self._newest_us, f"{key} is newer than the newest"  # noqa: S101
        for unit, machine in self._machines.items():
            assert 0 <= machine.waiting_us <= machine.known_us + 1, f"{unit} waited too long"  # noqa: S101
