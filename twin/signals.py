"""The one table of signals: what a machine, a buffer or a lane says, and how it is read.

The OPC UA address space, the historian's series and the reference page are made from this table.
A fact about a signal is written here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from twin.model.base import Text
from twin.model.buffer import Buffer
from twin.model.line import Line
from twin.model.packml import Mode, State
from twin.model.station import Station
from twin.model.status import BufferStatus, LineStatus, MachineStatus

__all__ = [
    "BUFFER_SIGNALS",
    "FALSE_REJECTS",
    "MACHINE_SIGNALS",
    "MISSED",
    "TWIN_SIGNALS",
    "Family",
    "Signal",
    "Tag",
    "ValueType",
    "alarm_signals",
    "defect_signals",
    "lane_id",
    "lane_signal",
    "machine_signals",
    "read_all",
    "tags",
    "variable_signals",
]

Value = bool | int | float

FALSE_REJECTS, MISSED = "FalseRejects", "Missed"
"""What an inspection counts beside the kinds of defects that it finds."""


class ValueType(Enum):
    """How a signal is typed on the wire."""

    BOOLEAN = "Boolean"
    INT32 = "Int32"
    INT64 = "Int64"
    DOUBLE = "Double"


class Family(Enum):
    """Signals that are kept together: a measurement in a database, a folder on a screen.

    `unit_tag` is what the unit is called there, and empty where the family has no unit. Where a
    signal's name is `<measurement>.<id>`, `member_tag` is what the id is called.
    """

    MACHINE = ("machine", "machine", "")
    VARIABLE = ("variable", "machine", "variable")
    ALARM = ("alarm", "machine", "alarm")
    DEFECT = ("defect", "machine", "defect")
    BUFFER = ("buffer", "buffer", "")
    LANE = ("lane", "lane", "")
    TWIN = ("twin", "", "")
    LINE = ("line", "", "")
    STATION = ("station", "station", "")
    PLC = ("plc", "plc", "")

    def __init__(self, measurement: str, unit_tag: str, member_tag: str) -> None:
        self.measurement = measurement
        self.unit_tag = unit_tag
        self.member_tag = member_tag


@dataclass(frozen=True, slots=True)
class Signal:
    """One kind of value.

    Args:
        name: its name in history and in the twin, `state_current`.
        path: browse names below its unit's node, the last one the variable's own.
        text: what it means.
        unit: as on a screen; `1` for none.
        value_type: type on the wire.
        low, high: range (EURange); None where there is none.
        alarm_low, alarm_high: limits of normal operation; None where there is none.
        counter: whether it only ever grows.
        values: for an enumeration the name of each value.
        read: reads it from the status of its unit.
        family: which signals it is kept with.
    """

    name: str
    path: tuple[str, ...]
    text: Text
    unit: str
    value_type: ValueType
    read: Callable[[Any], Value]
    low: float | None = None
    high: float | None = None
    alarm_low: float | None = None
    alarm_high: float | None = None
    counter: bool = False
    values: tuple[tuple[int, str], ...] = ()
    family: Family = Family.MACHINE

    @property
    def field(self) -> str:
        """What its value is called in its family's measurement."""
        return "value" if self.family.member_tag else self.name

    @property
    def member(self) -> str:
        """Which of its family's many it is, as `temperature`; empty where the name says it."""
        return self.name.partition(".")[2] if self.family.member_tag else ""

    @property
    def rolled_as(self) -> tuple[str, ...]:
        """What is kept of its values when a minute of them is rolled up, as InfluxQL calls it."""
        if self.counter or self.values:
            return ("last",)
        if self.value_type is ValueType.BOOLEAN:
            return ("max", "last")
        return ("mean", "min", "max", "last")

    @property
    def whole(self) -> bool:
        """Whether it is kept as a whole number; a boolean is 0 or 1, so that it can be summed."""
        return self.value_type is not ValueType.DOUBLE


def _count(name: str, path: str, en: str, zh: str, read: Callable[[MachineStatus], int]) -> Signal:
    return Signal(
        name, ("Admin", path), Text.of(en, zh), "1", ValueType.INT64, read, low=0, counter=True
    )


def _names(enum: type[State] | type[Mode]) -> tuple[tuple[int, str], ...]:
    return tuple((int(member), member.name.title()) for member in enum)


MACHINE_SIGNALS: tuple[Signal, ...] = (
    Signal(
        "state_current",
        ("Status", "StateCurrent"),
        Text.of("PackML state", "PackML 状态"),
        "1",
        ValueType.INT32,
        lambda m: int(m.state),
        low=1,
        high=17,
        values=_names(State),
    ),
    Signal(
        "unit_mode_current",
        ("Status", "UnitModeCurrent"),
        Text.of("PackML mode", "PackML 模式"),
        "1",
        ValueType.INT32,
        lambda m: int(m.mode),
        low=0,
        high=3,
        values=_names(Mode),
    ),
    Signal(
        "starved",
        ("Status", "EquipmentStarved"),
        Text.of("waits for parts or material", "待料"),
        "1",
        ValueType.BOOLEAN,
        lambda m: m.starved,
    ),
    Signal(
        "blocked",
        ("Status", "EquipmentBlocked"),
        Text.of("waits for room downstream", "堵料"),
        "1",
        ValueType.BOOLEAN,
        lambda m: m.blocked,
    ),
    Signal(
        "stop_reason",
        ("Admin", "StopReason"),
        Text.of("what holds the machine, 0 for nothing", "停机原因，0 为无"),
        "1",
        ValueType.INT32,
        lambda m: m.stop_reason,
        low=0,
    ),
    Signal(
        "occupied",
        ("Status", "OccupiedPlaces"),
        Text.of("places with parts in them", "占用位数"),
        "1",
        ValueType.INT32,
        lambda m: m.occupied,
        low=0,
    ),
    Signal(
        "cycle_time_s",
        ("Status", "CycleTime"),
        Text.of("last operation, from start to end", "上一循环时间"),
        "s",
        ValueType.DOUBLE,
        lambda m: m.cycle_time_us / 1e6,
        low=0,
        high=2_592_000,
    ),
    Signal(
        "waiting_time_s",
        ("Admin", "WaitingTime"),
        Text.of("time starved or blocked since the start", "累计待料与堵料时间"),
        "s",
        ValueType.DOUBLE,
        lambda m: m.waiting_us / 1e6,
        low=0,
        high=3_153_600_000,
        counter=True,
    ),
    _count("consumed", "ProdConsumedCount", "parts taken", "投入数", lambda m: m.consumed),
    _count(
        "processed",
        "ProdProcessedCount",
        "parts processed, good or not",
        "加工数",
        lambda m: m.good + m.defective + m.reworked,
    ),
    _count("defective", "ProdDefectiveCount", "parts scrapped", "报废数", lambda m: m.defective),
    _count("reworked", "ProdReworkedCount", "parts sent back", "返工数", lambda m: m.reworked),
    _count("failures", "FailureCount", "failures", "故障次数", lambda m: m.failures),
)

BUFFER_SIGNALS: tuple[Signal, ...] = (
    Signal(
        "level",
        ("Level",),
        Text.of("parts in the buffer", "缓存数量"),
        "1",
        ValueType.INT64,
        lambda b: b.level,
        low=0,
        family=Family.BUFFER,
    ),
    Signal(
        "rework_level",
        ("ReworkLevel",),
        Text.of("parts back for rework", "返工待处理数"),
        "1",
        ValueType.INT64,
        lambda b: b.rework_level,
        low=0,
        family=Family.BUFFER,
    ),
)


def lane_signal(lane: int) -> Signal:
    """The signal of a buffer's lane, counted from 0."""
    return Signal(
        "level",
        ("Level",),
        Text.of("parts in the lane", "通道数量"),
        "1",
        ValueType.INT64,
        lambda b: b.lane_levels[lane],
        low=0,
        family=Family.LANE,
    )


TWIN_SIGNALS: tuple[Signal, ...] = (
    Signal(
        "spool_points",
        ("Twin", "SpoolPoints"),
        Text.of("points that wait for the database", "待写入数据点"),
        "1",
        ValueType.INT64,
        lambda s: s.points,
        low=0,
        family=Family.TWIN,
    ),
    Signal(
        "spool_age_s",
        ("Twin", "SpoolAge"),
        Text.of("how long the oldest of them has waited", "最早待写入时间"),
        "s",
        ValueType.DOUBLE,
        lambda s: s.age_s,
        low=0,
        alarm_high=60,
        family=Family.TWIN,
    ),
    Signal(
        "spool_drained_per_s",
        ("Twin", "SpoolDrainRate"),
        Text.of("points a second that the database takes", "写入速率"),
        "1/s",
        ValueType.DOUBLE,
        lambda s: s.drained_per_s,
        low=0,
        family=Family.TWIN,
    ),
    Signal(
        "spool_dropped",
        ("Twin", "SpoolDropped"),
        Text.of("points dropped for want of room", "丢弃数据点"),
        "1",
        ValueType.INT64,
        lambda s: s.dropped,
        low=0,
        counter=True,
        family=Family.TWIN,
    ),
    Signal(
        "spool_refused",
        ("Twin", "SpoolRefused"),
        Text.of("points that the database can't take", "拒绝数据点"),
        "1",
        ValueType.INT64,
        lambda s: s.refused,
        low=0,
        counter=True,
        family=Family.TWIN,
    ),
    Signal(
        "alarm.spool_drops",
        ("Twin", "Alarms", "SpoolDrops"),
        Text.of("history is being lost: the spool is full", "历史数据丢失：缓存已满"),
        "1",
        ValueType.BOOLEAN,
        lambda s: s.dropping,
        family=Family.ALARM,
    ),
)
"""What the twin says of itself, of each line that it watches; read from a `SpoolStatus`."""


def variable_signals(station: Station) -> tuple[Signal, ...]:
    """The signals of a station's process variables, one for each."""

    def signal(index: int) -> Signal:
        variable = station.variables[index]
        return Signal(
            f"variable.{variable.id}",
            ("ProcessVariables", variable.id),
            variable.name or Text.of(variable.id),
            variable.unit,
            ValueType.DOUBLE,
            lambda m: m.variables[index],
            low=variable.low,
            high=variable.high,
            alarm_low=variable.alarm_low,
            alarm_high=variable.alarm_high,
            family=Family.VARIABLE,
        )

    return tuple(signal(index) for index in range(len(station.variables)))


def alarm_signals(station: Station) -> tuple[Signal, ...]:
    """The signals of a station's alarms, true while the alarm stands."""

    def signal(index: int) -> Signal:
        alarm = station.alarms[index]
        return Signal(
            f"alarm.{alarm.id}",
            ("Alarms", alarm.id),
            alarm.name or Text.of(alarm.id),
            "1",
            ValueType.BOOLEAN,
            lambda m: m.alarms[index],
            family=Family.ALARM,
        )

    return tuple(signal(index) for index in range(len(station.alarms)))


def defect_signals(station: Station) -> tuple[Signal, ...]:
    """The counters of an inspection: each kind that it looks for, false rejects, what it missed.

    A camera counts from when it was switched on. What it rejects wrongly or misses it can't know
    by itself: an emulated one says so of every part, a real one of the parts that are looked at
    again.
    """
    if station.inspection is None:
        return ()
    known = [
        (kind, f"parts rejected with {kind}", f"检出 {kind}") for kind in station.inspection.detects
    ]
    known += [
        (FALSE_REJECTS, "good parts rejected", "误判"),
        (MISSED, "parts passed with a defect", "漏检"),
    ]

    def signal(index: int, name: str, en: str, zh: str) -> Signal:
        return Signal(
            f"defect.{name}",
            ("Inspection", name),
            Text.of(en, zh),
            "1",
            ValueType.INT64,
            lambda m: m.findings[index],
            low=0,
            counter=True,
            family=Family.DEFECT,
        )

    return tuple(signal(index, *of) for index, of in enumerate(known))


def machine_signals(station: Station) -> tuple[Signal, ...]:
    """Everything that each machine of a station says."""
    return (
        MACHINE_SIGNALS
        + variable_signals(station)
        + alarm_signals(station)
        + defect_signals(station)
    )


def lane_id(buffer: Buffer, lane: int) -> str:
    """Name a lane, counted from 0: `CUT-out-L01` is lane 0 of `CUT-out`."""
    return f"{buffer.id}-L{lane + 1:02d}"


@dataclass(frozen=True, slots=True)
class Tag:
    """A signal of one unit of a line: what is published, mapped and stored.

    Args:
        plc: id of the PLC that publishes it.
        area: ISA-95 area of its unit.
        station: its station's id; for a buffer the station that feeds it.
        unit: machine, buffer or lane, as `STK03`, `STK-out`, `CUT-out-L01`.
        owner: the machine or buffer in a `LineStatus` that it is read from.
        signal: its kind.
    """

    plc: str
    area: str
    station: str
    unit: str
    owner: str
    signal: Signal

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from every other tag of the line: (unit, signal's name)."""
        return self.unit, self.signal.name


def tags(line: Line) -> Iterator[Tag]:
    """Every tag of a line: machines station by station, then buffers, in the file's order."""
    for station in line.stations:
        plc, signals = line.plc_of(station.id), machine_signals(station)
        for machine in range(station.machines):
            unit = station.machine_id(machine)
            for signal in signals:
                yield Tag(plc, station.area, station.id, unit, unit, signal)
    for buffer in line.buffers:
        station = line.station_by_id[buffer.sources[0]]
        plc = line.plc_of(station.id)
        for signal in BUFFER_SIGNALS:
            yield Tag(plc, station.area, station.id, buffer.id, buffer.id, signal)
        if buffer.lanes > 1:
            for lane in range(buffer.lanes):
                unit = lane_id(buffer, lane)
                yield Tag(plc, station.area, station.id, unit, buffer.id, lane_signal(lane))


def read_all(tag_list: tuple[Tag, ...], status: LineStatus) -> list[Value]:
    """Read every tag's value from a status, in the order of the tags."""
    units: dict[str, MachineStatus | BufferStatus] = {**status.machines, **status.buffers}
    return [tag.signal.read(units[tag.owner]) for tag in tag_list]
