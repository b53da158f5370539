"""What the twin works out of a line, its stations and its PLCs, as signals for its history.

The plant's own signals are in `twin.signals`. These are read from a report of the live twin; a
value that is not known yet is None there and is not stored. A limit (`alarm_low`, `alarm_high`) is
what people are to be told of when it is passed: boards colour it, alert rules go by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from operator import attrgetter

from twin.model.base import Text
from twin.signals import Family, Signal, ValueType

__all__ = [
    "FORECAST_SIGNALS",
    "HEARING_SIGNALS",
    "LINE_SIGNALS",
    "PLC_SIGNALS",
    "STATION_SIGNALS",
    "Drifting",
    "ForecastReport",
    "HearingReport",
    "LineReport",
    "PlcReport",
    "StationReport",
]


class Drifting(IntEnum):
    """What of a station is watched for drift."""

    NOTHING = 0
    CYCLE_TIME = 1
    TIME_TO_FAILURE = 2
    TIME_TO_REPAIR = 3

    @property
    def shown(self) -> str:
        """Its name as people read it.

        >>> Drifting.TIME_TO_FAILURE.shown
        'time to failure'
        """
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True, slots=True)
class LineReport:
    """A line at one instant; what each is, `LINE_SIGNALS` says. None: not known yet."""

    good_units: float
    scrap_units: float
    output_per_h: float | None
    target_per_h: float | None
    output_share: float | None
    yield_ratio: float | None
    oee_index: float | None
    energy_kwh: float
    energy_kwh_per_unit: float | None


@dataclass(frozen=True, slots=True)
class ForecastReport:
    """What a shift will end with; what each is, `FORECAST_SIGNALS` says. None: there is no target.

    Units are counted as `good_units` are, so that a band can be drawn beside that counter.
    """

    forecast_low_units: float
    forecast_units: float
    forecast_high_units: float
    forecast_target_units: float | None
    forecast_reach_ratio: float | None


@dataclass(frozen=True, slots=True)
class StationReport:
    """A station at one instant; what each is, `STATION_SIGNALS` says. None: not known yet."""

    execute_s: float
    starved_s: float
    blocked_s: float
    fault_s: float
    setup_s: float
    planned_stop_s: float
    oee_index: float | None
    availability: float | None
    quality_ratio: float | None
    detection_ratio: float | None
    false_reject_ratio: float | None
    busy_share: float | None
    slowest: bool
    mtbf_s: float | None
    mttr_s: float | None
    down_s: float
    down_limit_s: float | None
    station_energy_kwh: float
    drift_share: float
    drift_parameter: int


@dataclass(frozen=True, slots=True)
class PlcReport:
    """A PLC as the twin hears it; what each is, `PLC_SIGNALS` says. None: not known yet."""

    connected: bool
    silent_s: float | None
    scan_time_s: float | None
    scan_overruns: float | None
    plant_lag_s: float | None


@dataclass(frozen=True, slots=True)
class HearingReport:
    """How far a PLC is heard, by its own clock; what each is, `HEARING_SIGNALS` says."""

    watched: bool
    clock_skew_s: float | None
    clock_corrected_s: float | None


def _signal(
    family: Family,
    name: str,
    en: str,
    zh: str,
    unit: str,
    kind: ValueType = ValueType.DOUBLE,
    *,
    counter: bool = False,
    low: float | None = 0,
    alarm_low: float | None = None,
    alarm_high: float | None = None,
    values: tuple[tuple[int, str], ...] = (),
) -> Signal:
    path = ("Twin", "".join(word.title() for word in name.split("_")))
    return Signal(
        name,
        path,
        Text.of(en, zh),
        unit,
        kind,
        attrgetter(name),
        low=low,
        alarm_low=alarm_low,
        alarm_high=alarm_high,
        counter=counter,
        values=values,
        family=family,
    )


_line = partial(_signal, Family.LINE)
_station = partial(_signal, Family.STATION)
_plc = partial(_signal, Family.PLC)

LINE_SIGNALS: tuple[Signal, ...] = (
    _line(
        "good_units", "good units off the line since the twin began", "累计良品", "1", counter=True
    ),
    _line("scrap_units", "units scrapped since the twin began", "累计报废", "1", counter=True),
    _line(
        "output_per_h",
        "good units an hour of planned busy time, over the last hour",
        "小时良品产量",
        "1/h",
    ),
    _line("target_per_h", "good units an hour that the line is to make", "小时目标产量", "1/h"),
    _line("output_share", "output over target", "产量达成率", "ratio", alarm_low=0.9),
    _line("yield_ratio", "good over good and scrapped units, over the last hour", "良率", "ratio"),
    _line(
        "oee_index",
        "output over what the slowest station makes by plan (OEE)",
        "设备综合效率",
        "ratio",
    ),
    _line(
        "energy_kwh",
        "energy since the twin began, by the line file's figures",
        "累计能耗",
        "kWh",
        counter=True,
    ),
    _line("energy_kwh_per_unit", "energy a good unit, over the last hour", "单位能耗", "kWh"),
)

FORECAST_SIGNALS: tuple[Signal, ...] = (
    _line(
        "forecast_low_units",
        "good units that the shift ends with, more with 95 % probability",
        "预测班末产量（5%）",
        "1",
    ),
    _line("forecast_units", "good units that the shift ends with, median", "预测班末产量", "1"),
    _line(
        "forecast_high_units",
        "good units that the shift ends with, fewer with 95 % probability",
        "预测班末产量（95%）",
        "1",
    ),
    _line(
        "forecast_target_units",
        "good units that the shift is to end with, by the line's target since it is watched",
        "班末目标产量",
        "1",
    ),
    _line(
        "forecast_reach_ratio",
        "probability that the shift's target is reached",
        "达成目标概率",
        "ratio",
    ),
)

STATION_SIGNALS: tuple[Signal, ...] = (
    _station("execute_s", "machine time at work", "运行时间", "s", counter=True),
    _station("starved_s", "machine time without parts or material", "待料时间", "s", counter=True),
    _station("blocked_s", "machine time without room downstream", "堵料时间", "s", counter=True),
    _station("fault_s", "machine time in a fault", "故障时间", "s", counter=True),
    _station(
        "setup_s",
        "machine time in set-up, maintenance or held by people",
        "换型与保养时间",
        "s",
        counter=True,
    ),
    _station("planned_stop_s", "machine time in planned stops", "计划停机时间", "s", counter=True),
    _station(
        "oee_index",
        "planned run time of good parts over planned busy time, last hour (OEE)",
        "设备综合效率",
        "ratio",
    ),
    _station(
        "availability",
        "machine time at work over planned busy time, last hour (APT/PBT)",
        "可用率",
        "ratio",
    ),
    _station(
        "quality_ratio", "parts good at the first pass, last hour (GQ/PQ)", "一次合格率", "ratio"
    ),
    _station(
        "detection_ratio",
        "parts with a defect that its inspection rejects, since the twin began",
        "检出率",
        "ratio",
    ),
    _station(
        "false_reject_ratio",
        "good parts that its inspection rejects, since the twin began",
        "误判率",
        "ratio",
    ),
    _station(
        "busy_share",
        "share of the time not starved and not blocked, last hour",
        "不等待占比",
        "ratio",
    ),
    _station("slowest", "it waits least of all stations", "瓶颈工位", "1", kind=ValueType.BOOLEAN),
    _station("mtbf_s", "machine time at work a failure (MTBF)", "平均故障间隔", "s"),
    _station("mttr_s", "machine time down a failure (MTTR)", "平均修复时间", "s"),
    _station("down_s", "how long a machine of it has been down, the longest", "当前停机时长", "s"),
    _station(
        "down_limit_s",
        "how long one may be: twice its longest mean time to repair",
        "停机时限",
        "s",
    ),
    _station(
        "station_energy_kwh",
        "energy since the twin began, by the line file's figures",
        "累计能耗",
        "kWh",
        counter=True,
    ),
    _station(
        "drift_share",
        "evidence that the plant has drifted from the line file, over its alarm limit",
        "漂移统计量与报警限之比",
        "ratio",
        alarm_high=1,
    ),
    _station(
        "drift_parameter",
        "which parameter has drifted the most, 0 while none has",
        "漂移的参数，0 为无",
        "1",
        kind=ValueType.INT32,
        values=tuple((int(each), each.shown) for each in Drifting),
    ),
)

PLC_SIGNALS: tuple[Signal, ...] = (
    _plc("connected", "it is connected", "已连接", "1", kind=ValueType.BOOLEAN),
    _plc("silent_s", "how long nothing has been heard of it", "静默时长", "s", alarm_high=15),
    _plc("scan_time_s", "time that its last scan took", "上次扫描耗时", "s"),
    _plc(
        "scan_overruns",
        "scans left out because one took too long",
        "超时跳过的扫描数",
        "1",
        kind=ValueType.INT64,
        counter=True,
    ),
    _plc("plant_lag_s", "plant time behind the plant's clock", "模型时间滞后", "s"),
)

HEARING_SIGNALS: tuple[Signal, ...] = (
    _plc(
        "watched",
        "the twin hears it, by its own clock: between a 0 and the next 1 its state is not known",
        "孪生正在监听",
        "1",
        kind=ValueType.BOOLEAN,
    ),
    _plc(
        "clock_skew_s",
        "its clock is so far ahead of the line's other PLCs', as messages come in",
        "时钟偏差",
        "s",
        low=None,
    ),
    _plc(
        "clock_corrected_s",
        "so much is taken off its timestamps where they are put beside others'",
        "时钟校正量",
        "s",
        low=None,
    ),
)
"""Of a PLC as `PLC_SIGNALS`, but by the PLC's clock, as the values are that they are about."""
