"""The shop floor of a running line: its parts, lanes, places and machines, as they are now.

Only state; what happens to it is in `flow` and `stoppages`, how it comes from a line in
`floor_from_line`.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Any

from twin.engine.draws import Key
from twin.engine.part_draws import PartDraws
from twin.engine.quantiles import QuantileTable
from twin.model.calendar import Calendar
from twin.model.station import Station
from twin.model.status import Condition

__all__ = [
    "FOREVER",
    "UNLIMITED",
    "Crew",
    "Floor",
    "Group",
    "Inlet",
    "Lane",
    "Machine",
    "Outlet",
    "Part",
    "Place",
    "Service",
    "StationRun",
    "StopMode",
    "Store",
]

UNLIMITED = 1 << 62
FOREVER = 1 << 62


class Part:
    """A part: number, times reworked, defects as bits, and its turn in the lane it is in."""

    __slots__ = ("defects", "entered", "number", "rework_pass")

    def __init__(self, number: int, rework_pass: int, defects: int) -> None:
        self.number = number
        self.rework_pass = rework_pass
        self.defects = defects
        self.entered = 0


@dataclass(slots=True, eq=False)
class Lane:
    """One first-in-first-out queue of a buffer, and who waits at its two ends.

    `gained_parts` and `gained_room` say that it is on the list of rule S26 for that reason; `built`
    is the line file's capacity, which `capacity` can be set below (rule S35). `level_us` counts
    what lies in it (rule S38): an entering takes its instant off, a leaving adds it; so the
    integral up to now is that and, for each part inside, now. `tells_causes`: a taker of it does.
    """

    index: int
    buffer: int
    capacity: int
    parts: deque[Part] = field(default_factory=deque)
    takers: list[Group] = field(default_factory=list)
    givers: list[Outlet] = field(default_factory=list)
    gained_parts: bool = False
    gained_room: bool = False
    built: int = 0
    level_us: int = 0
    tells_causes: bool = False

    def __post_init__(self) -> None:
        self.built = self.capacity


@dataclass(slots=True, eq=False)
class Inlet:
    """What a group takes from one buffer: its lanes of it, thousandths of parts each time."""

    lanes: tuple[Lane, ...]
    milli: int


@dataclass(slots=True, eq=False)
class Outlet:
    """Where a group's parts can go, and the places that wait for room there, with their turn.

    `blocked` places of it are blocked for want of room here; `blocked_us` counts their time as
    `Lane.level_us` counts parts, where the group has several outlets (rule S40).
    """

    lanes: tuple[Lane, ...]
    waiting: OrderedDict[Place, int] = field(default_factory=OrderedDict)
    blocked: int = 0
    blocked_us: int = 0


@dataclass(slots=True, eq=False)
class Store:
    """A material: what is in the store and what has been used, in millionths of its unit."""

    index: int
    level: int
    used: int = 0


@dataclass(slots=True, eq=False)
class Crew:
    """People who repair: how many are free, and who waits for them."""

    free: int
    waiting: deque[Machine] = field(default_factory=deque)


@dataclass(slots=True, eq=False)
class StopMode:
    """A failure or changeover of one machine: its draws and what it does."""

    index: int
    is_setup: bool
    stop_reason: int
    due: QuantileTable
    due_key: Key
    lasts: QuantileTable
    lasts_key: Key
    after: str
    stops_handling: bool
    crew: Crew | None
    count: int = 0
    strikes_at: int = FOREVER


@dataclass(slots=True, eq=False)
class Service:
    """Preventive maintenance of one machine."""

    index: int
    every_us: int
    lasts_us: int
    first_us: int
    crew: Crew | None
    due_rank: int = 0
    end_rank: int = 0
    due: bool = False


@dataclass(slots=True, eq=False)
class StationRun:
    """A station as it runs: its draws, its groups and machines, its counters.

    `left`: the good parts of it that have left the line, if it has no way out.
    """

    station: Station
    index: int
    downstream_rank: int
    draws: PartDraws
    code: int
    gives_milli: int
    passes_on: bool
    share_key: Key | None
    share_below: tuple[int, ...]
    calendar: Calendar | None
    uses: tuple[tuple[Store, int], ...]
    rework_lane: Lane | None = None
    reject_lane: Lane | None = None
    groups: list[Group] = field(default_factory=list)
    machines: list[Machine] = field(default_factory=list)
    closed: bool = False
    started: int = 0
    completed: int = 0
    left: int = 0


@dataclass(slots=True, eq=False)
class Group:
    """The machines of a station that work with the same lanes; its places that wait for a load.

    `starved_us` is, for each input and then each material, the time of places that starved for
    want of it, counted as `Lane.level_us`; `starved` of its places do so now, for want of
    `short_of` (rule S39). Only kept up where there are several causes: `tells_causes`.
    """

    station: StationRun
    inlets: tuple[Inlet, ...]
    outlets: tuple[Outlet, ...]
    single: Lane | None
    waiting: OrderedDict[Place, int] = field(default_factory=OrderedDict)
    tells_causes: bool = False
    starved: int = 0
    short_of: int = 0
    starved_us: list[int] = field(init=False)

    def __post_init__(self) -> None:
        causes = len(self.inlets) + len(self.station.uses)
        self.tells_causes = causes > 1
        self.starved_us = [0] * causes


@dataclass(slots=True, eq=False)
class Machine:
    """A machine: what holds it, its failure clocks, its counters.

    Operation-dependent modes strike at an amount of working time (`worked_us`), time-dependent
    ones at an amount of time on a clock that `clock_since` and `clock_us` tell. `ends_us` is when
    the repair or maintenance that goes on will end; -1: none, or a crew is still to come.

    `held_as` is the condition that an operator's stop is booked as, -1 for none; `stands` says that
    it stops the work in hand too (rule S32). `pace_ppm` is the drawn time's millionths (rule S33).
    `tells_causes`: its places' starved or blocked time is counted cause by cause. `findings` are
    `MachineStatus`'s, of this run alone: no snapshot carries them.
    """

    station: StationRun
    index: int
    places: list[Place] = field(default_factory=list)
    modes: list[StopMode] = field(default_factory=list)
    by_time: bool = False
    next_strike: int = FOREVER
    worked_us: int = 0
    clock_us: int = 0
    clock_since: int = -1
    clock_rank: int = 0
    clock_timer: Any = None
    down: StopMode | None = None
    ends_us: int = -1
    services: list[Service] = field(default_factory=list)
    service: Service | None = None
    counts: list[int] = field(default_factory=lambda: [0] * len(Condition))
    time_us: list[int] = field(default_factory=lambda: [0] * len(Condition))
    consumed: int = 0
    good: int = 0
    defective: int = 0
    reworked: int = 0
    failures: int = 0
    cycle_time_us: int = 0
    occupied: int = 0
    held_as: int = -1
    stands: bool = False
    tells_causes: bool = False
    pace_ppm: int = 1_000_000
    findings: list[int] = field(init=False)

    def __post_init__(self) -> None:
        kinds = self.station.draws.kinds
        self.findings = [0] * (kinds + 2) if kinds else []


@dataclass(slots=True, eq=False)
class Place:
    """Where one operation at a time goes on.

    Args:
        parts: what it took, while at work; `loaded` says that an operation is under way (an
            operation of a source takes no part).
        out: parts that wait to leave, the first at the left.
        left_us: of the operation, when its work last began (`resumed_us`).
        timer: its one pending event.
        wants: which outlet is to blame for its being blocked, if its group has several.
    """

    machine: Machine
    group: Group
    number: int
    rank: int
    condition: int = Condition.STARVED
    since_us: int = 0
    loaded: bool = False
    parts: list[Part] = field(default_factory=list)
    out: deque[Part] = field(default_factory=deque)
    outlet: Outlet | None = None
    wants: Outlet | None = None
    operation: int = 0
    lead: int = 0
    rework_pass: int = 0
    redone: int = 0
    drawn_us: int = 0
    left_us: int = 0
    started_us: int = 0
    resumed_us: int = 0
    timer: Any = None


@dataclass(slots=True, eq=False)
class Floor:
    """Everything of a running line, each list in the order of the file."""

    stations: list[StationRun]
    lanes: list[Lane]
    buffer_lanes: list[list[Lane]]
    rework_lanes: dict[int, Lane]
    stores: list[Store]
    crews: dict[str, Crew]
