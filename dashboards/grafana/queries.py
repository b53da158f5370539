"""Questions in InfluxQL, with Grafana's macros: the one language that InfluxDB 1, 2 and 3 share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

__all__ = [
    "LINE",
    "MACHINE",
    "STATION",
    "Question",
    "changes_of",
    "gain_of",
    "now_of",
    "over_time",
    "rises_of",
    "targets",
]

LINE: Final = '"line" =~ /^$line$/'
STATION: Final = '"station" =~ /^$station$/'
MACHINE: Final = '"machine" =~ /^$machine$/'


@dataclass(frozen=True, slots=True)
class Question:
    """What a panel asks.

    Args:
        query: InfluxQL.
        alias: what each series is called, `$tag_station`; empty: its column's name.
        table: asked as a table of rows in place of series over time.
        rolled: asked of what is rolled up to a minute, which is kept for two years.
    """

    query: str
    alias: str = ""
    table: bool = False
    rolled: bool = False


def over_time(
    what: str,
    measurement: str,
    *where: str,
    by: Sequence[str] = (),
    alias: str = "",
    fill: str = "none",
    every: str = "$__interval",
    rolled: bool = False,
) -> Question:
    """Ask for series over time, a value an interval.

    >>> over_time('last("level")', "buffer", LINE, by=["buffer"], alias="$tag_buffer").query
    'SELECT last("level") FROM "buffer" WHERE $timeFilter AND "line" =~ /^$line$/ GROUP BY \
time($__interval), "buffer" fill(none)'
    """
    groups = ", ".join([f"time({every})", *_quoted(by)])
    query = f"SELECT {what} {_source(measurement, where)} GROUP BY {groups} fill({fill})"
    return Question(query, alias, rolled=rolled)


def now_of(
    what: str, measurement: str, *where: str, by: Sequence[str] = (), alias: str = ""
) -> Question:
    """Ask for one value a series: over all of the time shown."""
    query = f"SELECT {what} {_source(measurement, where)}"
    return Question(query + (f" GROUP BY {', '.join(_quoted(by))}" if by else ""), alias)


def changes_of(
    what: str, measurement: str, *where: str, by: Sequence[str] = (), alias: str = ""
) -> Question:
    """Ask for what is said only when it changes: what was said last holds on."""
    return over_time(what, measurement, *where, by=by, alias=alias, fill="previous")


def gain_of(
    field: str, measurement: str, *where: str, by: Sequence[str], alias: str = ""
) -> Question:
    """Ask how far counters have grown; one that began again takes nothing back."""
    return _grown(f'non_negative_difference(last("{field}"))', measurement, where, by, alias)


def rises_of(
    field: str, measurement: str, *where: str, by: Sequence[str], alias: str = ""
) -> Question:
    """Ask how often something that is 0 or 1 has become 1."""
    return _grown(f'non_negative_difference(max("{field}"))', measurement, where, by, alias)


def _grown(
    step: str, measurement: str, where: Sequence[str], by: Sequence[str], alias: str
) -> Question:
    groups = ", ".join(_quoted(by))
    # By everything, so that one machine's counter is not taken for the next one's.
    inner = (
        f'SELECT {step} AS "step" {_source(measurement, where)} '
        "GROUP BY time($__interval), * fill(none)"
    )
    return Question(
        f'SELECT sum("step") AS "sum" FROM ({inner}) WHERE $timeFilter GROUP BY {groups}',  # noqa: S608
        alias,
    )


def targets(questions: Sequence[Question]) -> Iterator[dict[str, Any]]:
    """Turn questions into what a panel holds."""
    for number, question in enumerate(questions):
        target = {
            "refId": chr(ord("A") + number),
            "datasource": source(question),
            "query": question.query,
            "rawQuery": True,
            "resultFormat": "table" if question.table else "time_series",
        }
        yield target | ({"alias": question.alias} if question.alias else {})


def source(question: Question) -> dict[str, str]:
    """The data source that a question is for."""
    return {"type": "influxdb", "uid": "linetwin-1m" if question.rolled else "linetwin"}


def _quoted(names: Sequence[str]) -> list[str]:
    return [f'"{name}"' for name in names]


def _source(measurement: str, where: Sequence[str]) -> str:
    conditions = " AND ".join(["$timeFilter", *where])
    return f'FROM "{measurement}" WHERE {conditions}'
