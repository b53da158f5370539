"""A station: what its machines did, how long they take, how they fail, what they measure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from dashboards.grafana.boards.choices import (
    ALARM,
    MACHINE,
    OF_STATION,
    VARIABLE,
    machines,
    one_line,
    stations,
    variables,
)
from dashboards.grafana.panels import Row, bars, board, chart, histogram, pie, stat, timeline
from dashboards.grafana.queries import (
    LINE,
    STATION,
    Question,
    changes_of,
    gain_of,
    over_time,
    rises_of,
)
from dashboards.grafana.queries import (
    MACHINE as ON_MACHINE,
)
from dashboards.grafana.shown import limits, unit_of
from twin.model.line import Line
from twin.signals import Signal, variable_signals

__all__ = ["make"]

_TIMES = {
    "execute_s": "at work",
    "starved_s": "without parts",
    "blocked_s": "without room",
    "fault_s": "in a fault",
    "setup_s": "set-up, maintenance",
    "planned_stop_s": "planned stop",
}
_HERE = (LINE, STATION)
_MACHINES = (LINE, STATION, ON_MACHINE)


def make(lines: Sequence[Line]) -> dict[str, Any]:
    """Make the board.

    Args:
        lines: the plant's; each process variable has its own unit, range and limits.
    """
    said = [
        stat(title, OF_STATION[name], _last(name), width=4)
        for name, title in (
            ("oee_index", "OEE"),
            ("availability", "Availability"),
            ("quality_ratio", "First pass yield"),
            ("mtbf_s", "MTBF"),
            ("mttr_s", "MTTR"),
            ("down_s", "Down for"),
        )
    ]
    times = [
        gain_of(name, "station", *_HERE, by=["station"], alias=f"{title}")
        for name, title in _TIMES.items()
    ]
    # Of each value that came, not of means: a distribution of means is narrower.
    each_cycle = Question(
        f'SELECT "cycle_time_s" FROM "machine" WHERE $timeFilter AND {" AND ".join(_MACHINES)} '  # noqa: S608
        'AND "cycle_time_s" > 0 GROUP BY "station" LIMIT 20000',
        "$tag_station",
    )
    return board(
        "station",
        "Station",
        [one_line(), stations(several=False), machines(), variables()],
        [
            Row("The station", tuple(said)),
            Row(
                "Machines",
                (
                    timeline(
                        "States",
                        MACHINE["state_current"],
                        changes_of(
                            'last("state_current")',
                            "machine",
                            *_MACHINES,
                            by=["machine"],
                            alias="$tag_machine",
                        ),
                        height=10,
                    ),
                    timeline(
                        "What holds them (1, 2 ... failures; 101 ... set-ups; 201 ... maintenance)",
                        MACHINE["stop_reason"],
                        changes_of(
                            'last("stop_reason")',
                            "machine",
                            *_MACHINES,
                            by=["machine"],
                            alias="$tag_machine",
                        ),
                    ),
                    pie("Where the time went", OF_STATION["execute_s"], *times),
                    bars(
                        "Failures",
                        MACHINE["failures"],
                        gain_of(
                            "failures", "machine", *_MACHINES, by=["machine"], alias="$tag_machine"
                        ),
                    ),
                ),
            ),
            Row(
                "Cycle times",
                (
                    histogram("Distribution", MACHINE["cycle_time_s"], each_cycle),
                    chart(
                        "Drift from the line file: evidence over its limit",
                        OF_STATION["drift_share"],
                        over_time(
                            'last("drift_share")',
                            "station",
                            *_HERE,
                            by=["station"],
                            alias="$tag_station",
                        ),
                    ),
                    timeline(
                        "What has drifted",
                        OF_STATION["drift_parameter"],
                        changes_of(
                            'last("drift_parameter")',
                            "station",
                            *_HERE,
                            by=["station"],
                            alias="$tag_station",
                        ),
                    ),
                    chart(
                        "Over time",
                        MACHINE["cycle_time_s"],
                        over_time(
                            'mean("cycle_time_s")',
                            "machine",
                            *_MACHINES,
                            '"cycle_time_s" > 0',
                            by=["machine"],
                            alias="$tag_machine",
                        ),
                    ),
                    bars(
                        "Parts processed",
                        MACHINE["processed"],
                        gain_of(
                            "processed", "machine", *_MACHINES, by=["machine"], alias="$tag_machine"
                        ),
                    ),
                    bars(
                        "Parts scrapped",
                        MACHINE["defective"],
                        gain_of(
                            "defective", "machine", *_MACHINES, by=["machine"], alias="$tag_machine"
                        ),
                    ),
                ),
            ),
            Row(
                "Process variables, with their limits",
                (
                    chart(
                        "$variable",
                        VARIABLE,
                        changes_of(
                            'mean("value")',
                            "variable",
                            *_MACHINES,
                            '"variable" =~ /^$variable$/',
                            by=["line", "station", "variable", "machine"],
                            alias="$tag_line $tag_station $tag_variable $tag_machine",
                        ),
                        repeat="variable",
                        overrides=tuple(_overrides(lines)),
                        custom={
                            "lineWidth": 1,
                            "fillOpacity": 0,
                            "spanNulls": True,
                            "showPoints": "never",
                            "thresholdsStyle": {"mode": "dashed"},
                        },
                        text="dashed: the limits of normal operation",
                    ),
                ),
            ),
            Row(
                "Alarms",
                (
                    timeline(
                        "Alarms that stood",
                        ALARM,
                        changes_of(
                            'max("value")',
                            "alarm",
                            *_MACHINES,
                            by=["alarm", "machine"],
                            alias="$tag_machine $tag_alarm",
                        ),
                        height=10,
                    ),
                    bars(
                        "How often they came",
                        ALARM,
                        rises_of("value", "alarm", *_MACHINES, by=["alarm"], alias="$tag_alarm"),
                    ),
                ),
            ),
        ],
    )


def _last(name: str) -> Question:
    return over_time(f'last("{name}")', "station", *_HERE, by=["station"], alias="$tag_station")


def _overrides(lines: Sequence[Line]) -> Iterator[dict[str, Any]]:
    """The unit, range and limits of each station's variables, found by the names of the series."""
    for line in lines:
        for station in line.stations:
            for signal in variable_signals(station):
                yield _override(f"{line.id} {station.id} {signal.member} ", signal)


def _override(begins: str, signal: Signal) -> dict[str, Any]:
    # An id has no character that means anything to a regular expression.
    properties: list[dict[str, Any]] = [{"id": "unit", "value": unit_of(signal.unit)}]
    if signal.alarm_low is not None or signal.alarm_high is not None:
        properties.append(
            {"id": "thresholds", "value": limits(signal.alarm_low, signal.alarm_high)}
        )
    return {
        "matcher": {"id": "byRegexp", "options": f"/^{begins}/"},
        "properties": properties,
    }
