"""Alarms: which stand, which stood, which come most often, and what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboards.grafana.boards.choices import ALARM, several_lines, stations
from dashboards.grafana.panels import Row, alert_list, bars, board, board_link, stat, text, timeline
from dashboards.grafana.queries import LINE, STATION, Question, changes_of, rises_of
from twin.model.line import Line

__all__ = ["make"]

_TO_STATION = board_link("station", "The station", "line", "station")


def make(lines: Sequence[Line]) -> dict[str, Any]:
    """Make the board.

    Args:
        lines: the plant's, whose alarms are named.
    """
    here = (LINE, STATION)
    seen: dict[tuple[str, str, str], str] = {}
    for line in lines:
        for station in line.stations:
            for alarm in station.alarms:
                name = alarm.name.en if alarm.name else ""
                seen[line.id, station.id, alarm.id] = (
                    f"{alarm.category} | {alarm.severity} | {name}"
                )
    named = "\n".join(
        f"| {line} | {of} | {alarm} | {rest} |" for (line, of, alarm), rest in seen.items()
    )
    standing = Question(
        'SELECT sum("up") AS "standing" FROM (SELECT last("value") AS "up" FROM "alarm" '  # noqa: S608
        f'WHERE $timeFilter AND {LINE} AND {STATION} GROUP BY *) WHERE $timeFilter GROUP BY "line"',
        "$tag_line",
    )
    return board(
        "alarms",
        "Alarms",
        [several_lines(), stations(several=True)],
        [
            Row(
                "Now",
                (
                    stat(
                        "Alarms that stand",
                        ALARM,
                        standing,
                        shown={"unit": "short"},
                        height=8,
                        width=12,
                    ),
                    alert_list("Alert rules that fire"),
                ),
            ),
            Row(
                "In the time shown",
                (
                    bars(
                        "How often each came",
                        ALARM,
                        rises_of(
                            "value",
                            "alarm",
                            *here,
                            by=["line", "station", "alarm"],
                            alias="$tag_line $tag_station $tag_alarm",
                        ),
                        shown={"unit": "short"},
                        height=14,
                        width=24,
                    ),
                    timeline(
                        "When they stood",
                        ALARM,
                        changes_of(
                            'max("value")',
                            "alarm",
                            *here,
                            by=["line", "station", "alarm"],
                            alias="$tag_line $tag_station $tag_alarm",
                        ),
                        height=20,
                        links=(_TO_STATION,),
                    ),
                ),
            ),
            Row(
                "The twin's own",
                (
                    timeline(
                        "History is being lost",
                        ALARM,
                        changes_of(
                            'max("value")',
                            "alarm",
                            LINE,
                            "\"alarm\" = 'spool_drops'",
                            by=["line"],
                            alias="$tag_line spool_drops",
                        ),
                    ),
                ),
            ),
            Row(
                "What they mean",
                (
                    text(
                        "Alarms",
                        "| line | station | alarm | category | severity | |\n"
                        f"|---|---|---|---|---|---|\n{named}",
                        16,
                    ),
                ),
            ),
        ],
    )
