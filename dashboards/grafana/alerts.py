"""Alert rules: what people are told of without looking. Their limits are the table of signals'."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from dashboards.grafana.boards.choices import ALARM, OF_LINE, OF_PLC, OF_STATION, OF_TWIN
from twin.signals import Signal

__all__ = ["RULES", "Rule", "rule_groups"]

EXPRESSIONS: Final = "__expr__"
LOOK_BACK_S: Final = 600
EVERY: Final = "30s"


@dataclass(frozen=True, slots=True)
class Rule:
    """An alert rule: a question, of whose answers each has its own alert.

    Args:
        uid: its id in Grafana.
        title: what is wrong.
        query: InfluxQL with one value a series over the time looked back on.
        beyond: `gt` or `lt`: when it fires.
        limit: of the value.
        lasts: how long it must be so.
        board: the board that shows more.
        summary: what people read; `$labels` are the series' tags.
        severity: `critical`, `warning`.
        silent_is_bad: whether no answer at all is an alert too.
    """

    uid: str
    title: str
    query: str
    beyond: str
    limit: float
    lasts: str
    board: str
    summary: str
    severity: str = "warning"
    silent_is_bad: bool = False


def _low(signal: Signal) -> float:
    assert signal.alarm_low is not None, signal.name  # noqa: S101
    return signal.alarm_low


def _high(signal: Signal) -> float:
    assert signal.alarm_high is not None, signal.name  # noqa: S101
    return signal.alarm_high


def _asked(what: str, measurement: str, tags: str, where: str = "") -> str:
    return (
        f'SELECT {what} FROM "{measurement}" WHERE $timeFilter{where} '  # noqa: S608
        f"GROUP BY time($__interval), {tags} fill(none)"
    )


RULES: Final = (
    Rule(
        "linetwin-behind",
        "Output behind target",
        _asked('last("output_share")', "line", '"line"'),
        "lt",
        _low(OF_LINE["output_share"]),
        "10m",
        "site",
        "{{ $labels.line }} makes {{ humanizePercentage $values.B.Value }} of its target",
    ),
    Rule(
        "linetwin-down",
        "Station down longer than its limit",
        _asked('last("down_s") / last("down_limit_s")', "station", '"line", "station"'),
        "gt",
        1.0,
        "0s",
        "station",
        "{{ $labels.line }} {{ $labels.station }} is down for "
        "{{ humanize $values.B.Value }} times its limit",
        "critical",
    ),
    Rule(
        "linetwin-drift",
        "The plant has drifted from its line file",
        _asked('last("drift_share")', "station", '"line", "station"'),
        "gt",
        _high(OF_STATION["drift_share"]),
        "0s",
        "station",
        "{{ $labels.line }} {{ $labels.station }} no longer does what the line file says: the "
        "station's board and the twin's notices name the parameter",
    ),
    Rule(
        "linetwin-silent",
        "PLC silent",
        _asked('last("silent_s")', "plc", '"line", "plc"'),
        "gt",
        _high(OF_PLC["silent_s"]),
        "0s",
        "twin",
        "{{ $labels.line }} {{ $labels.plc }}: nothing heard for "
        "{{ humanizeDuration $values.B.Value }}",
        "critical",
        silent_is_bad=True,
    ),
    Rule(
        "linetwin-spool",
        "Spool growing",
        _asked('min("spool_age_s")', "twin", '"line"'),
        "gt",
        _high(OF_TWIN["spool_age_s"]),
        "1m",
        "twin",
        "history of {{ $labels.line }} has waited for {{ humanizeDuration $values.B.Value }}",
    ),
    Rule(
        "linetwin-lost",
        "History is being lost",
        _asked(
            'max("value")', ALARM.family.measurement, '"line"', " AND \"alarm\" = 'spool_drops'"
        ),
        "gt",
        0.0,
        "0s",
        "twin",
        "the spool of {{ $labels.line }} is full: the oldest process values are dropped",
        "critical",
    ),
)
assert "down_limit_s" in OF_STATION  # noqa: S101


def rule_groups() -> dict[str, Any]:
    """The rules as Grafana provisions them."""
    group = {
        "orgId": 1,
        "name": "linetwin",
        "folder": "linetwin",
        "interval": EVERY,
        "rules": [_provisioned(rule) for rule in RULES],
    }
    return {"apiVersion": 1, "groups": [group]}


def _provisioned(rule: Rule) -> dict[str, Any]:
    return {
        "uid": rule.uid,
        "title": rule.title,
        "condition": "C",
        "data": [
            {
                "refId": "A",
                "relativeTimeRange": {"from": LOOK_BACK_S, "to": 0},
                "datasourceUid": "linetwin",
                "model": {
                    "refId": "A",
                    "query": rule.query,
                    "rawQuery": True,
                    "resultFormat": "time_series",
                    "intervalMs": 10_000,
                    "maxDataPoints": 1_000,
                },
            },
            _expression("B", {"type": "reduce", "expression": "A", "reducer": "last"}),
            _expression(
                "C",
                {
                    "type": "threshold",
                    "expression": "B",
                    "conditions": [{"evaluator": {"type": rule.beyond, "params": [rule.limit]}}],
                },
            ),
        ],
        "noDataState": "Alerting" if rule.silent_is_bad else "OK",
        "execErrState": "Error",
        "for": rule.lasts,
        "annotations": {
            "summary": rule.summary,
            "__dashboardUid__": f"linetwin-{rule.board}",
            "__panelId__": "2",
        },
        "labels": {"severity": rule.severity, "source": "linetwin"},
        "isPaused": False,
    }


def _expression(name: str, model: dict[str, Any]) -> dict[str, Any]:
    return {
        "refId": name,
        "relativeTimeRange": {"from": LOOK_BACK_S, "to": 0},
        "datasourceUid": EXPRESSIONS,
        "model": {
            "refId": name,
            "datasource": {"type": EXPRESSIONS, "uid": EXPRESSIONS},
            **model,
        },
    }
