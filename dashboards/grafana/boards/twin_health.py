"""The twin itself: whom it hears, how old what it knows is, how its history gets away."""

from __future__ import annotations

from typing import Any

from dashboards.grafana.boards.choices import OF_PLC, OF_TWIN, several_lines
from dashboards.grafana.panels import Row, bars, board, chart, stat, timeline
from dashboards.grafana.queries import LINE, Question, changes_of, gain_of, over_time

__all__ = ["make"]


def make() -> dict[str, Any]:
    """Make the board."""

    def plc(name: str) -> Question:
        return over_time(
            f'last("{name}")', "plc", LINE, by=["line", "plc"], alias="$tag_line $tag_plc"
        )

    def itself(name: str) -> Question:
        return over_time(f'last("{name}")', "twin", LINE, by=["line"], alias="$tag_line")

    return board(
        "twin",
        "The twin",
        [several_lines()],
        [
            Row(
                "PLCs",
                (
                    timeline(
                        "Connected",
                        OF_PLC["connected"],
                        changes_of(
                            'last("connected")',
                            "plc",
                            LINE,
                            by=["line", "plc"],
                            alias="$tag_line $tag_plc",
                        ),
                    ),
                    chart("How long nothing has been heard", OF_PLC["silent_s"], plc("silent_s")),
                    chart("Scan times", OF_PLC["scan_time_s"], plc("scan_time_s")),
                    chart("Plant behind its clock", OF_PLC["plant_lag_s"], plc("plant_lag_s")),
                    bars(
                        "Scans left out",
                        OF_PLC["scan_overruns"],
                        gain_of(
                            "scan_overruns",
                            "plc",
                            LINE,
                            by=["line", "plc"],
                            alias="$tag_line $tag_plc",
                        ),
                    ),
                ),
            ),
            Row(
                "The way to the database",
                (
                    stat("Points that wait", OF_TWIN["spool_points"], itself("spool_points")),
                    stat("The oldest has waited", OF_TWIN["spool_age_s"], itself("spool_age_s")),
                    stat(
                        "Dropped for want of room",
                        OF_TWIN["spool_dropped"],
                        itself("spool_dropped"),
                    ),
                    stat(
                        "Refused by the database", OF_TWIN["spool_refused"], itself("spool_refused")
                    ),
                    chart("Points that wait", OF_TWIN["spool_points"], itself("spool_points")),
                    chart(
                        "Points a second that the database takes",
                        OF_TWIN["spool_drained_per_s"],
                        itself("spool_drained_per_s"),
                    ),
                ),
            ),
        ],
    )
