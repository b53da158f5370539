"""A line: its machines as a picture in time, its buffers, who waits and who holds it up."""

from __future__ import annotations

from typing import Any

from dashboards.grafana.boards.choices import (
    BUFFER,
    MACHINE,
    OF_LINE,
    OF_STATION,
    one_line,
    stations,
)
from dashboards.grafana.panels import (
    Row,
    bars,
    board,
    board_link,
    chart,
    gauge_bars,
    stat,
    table,
    timeline,
)
from dashboards.grafana.queries import LINE, STATION, changes_of, gain_of, now_of, over_time

__all__ = ["make"]

_TO_STATION = board_link("station", "The station", "line", "station")
_COLUMNS = (
    "oee_index",
    "availability",
    "quality_ratio",
    "busy_share",
    "mtbf_s",
    "mttr_s",
    "down_s",
    "down_limit_s",
)


def make() -> dict[str, Any]:
    """Make the board."""
    here = (LINE, STATION)
    of_line = [
        stat(
            title,
            OF_LINE[name],
            over_time(f'last("{name}")', "line", LINE, by=["line"], alias="$tag_line"),
        )
        for name, title in (
            ("output_share", "Output against target"),
            ("output_per_h", "Good units an hour"),
            ("oee_index", "OEE"),
            ("yield_ratio", "Yield"),
        )
    ]
    machines = timeline(
        "Machines",
        MACHINE["state_current"],
        changes_of(
            'last("state_current")',
            "machine",
            *here,
            by=["machine", "station", "line"],
            alias="$tag_machine",
        ),
        height=18,
        links=(_TO_STATION,),
    )
    waits = [
        (
            title,
            over_time(
                f'non_negative_derivative(last("{name}"), 1s)',
                "station",
                *here,
                by=["station"],
                alias="$tag_station",
            ),
        )
        for name, title in (
            ("starved_s", "Machines without parts"),
            ("blocked_s", "Machines without room"),
        )
    ]
    return board(
        "line",
        "Line",
        [one_line(), stations(several=True)],
        [
            Row("The line", tuple(of_line)),
            Row("Machines", (machines,)),
            Row(
                "Buffers",
                (
                    gauge_bars(
                        "Parts in buffers",
                        BUFFER["level"],
                        over_time(
                            'last("level")', "buffer", *here, by=["buffer"], alias="$tag_buffer"
                        ),
                        height=12,
                    ),
                    chart(
                        "Levels over time",
                        BUFFER["level"],
                        changes_of(
                            'last("level")', "buffer", *here, by=["buffer"], alias="$tag_buffer"
                        ),
                        height=12,
                    ),
                    chart(
                        "Parts back for rework",
                        BUFFER["rework_level"],
                        changes_of(
                            'last("rework_level")',
                            "buffer",
                            *here,
                            by=["buffer"],
                            alias="$tag_buffer",
                        ),
                    ),
                ),
            ),
            Row(
                "Who waits, and who holds the line up",
                (
                    timeline(
                        "Bottleneck: the station that waits least",
                        OF_STATION["slowest"],
                        changes_of(
                            'last("slowest")',
                            "station",
                            *here,
                            by=["station", "line"],
                            alias="$tag_station",
                        ),
                        height=10,
                        links=(_TO_STATION,),
                    ),
                    chart(
                        "Time not waiting",
                        OF_STATION["busy_share"],
                        over_time(
                            'last("busy_share")',
                            "station",
                            *here,
                            by=["station"],
                            alias="$tag_station",
                        ),
                    ),
                    bars(
                        "Time without parts",
                        OF_STATION["starved_s"],
                        gain_of(
                            "starved_s", "station", *here, by=["station"], alias="$tag_station"
                        ),
                    ),
                    bars(
                        "Time without room",
                        OF_STATION["blocked_s"],
                        gain_of(
                            "blocked_s", "station", *here, by=["station"], alias="$tag_station"
                        ),
                    ),
                    bars(
                        "Time in faults",
                        OF_STATION["fault_s"],
                        gain_of("fault_s", "station", *here, by=["station"], alias="$tag_station"),
                    ),
                    *(
                        chart(
                            title,
                            MACHINE["occupied"],
                            question,
                            text="how many of a station's machines, on average",
                        )
                        for title, question in waits
                    ),
                ),
            ),
            Row(
                "Stations",
                (
                    table(
                        "ISO 22400 figures of the last hour",
                        [(name, OF_STATION[name]) for name in _COLUMNS],
                        now_of(
                            ", ".join(f'last("{name}") AS "{name}"' for name in _COLUMNS),
                            "station",
                            *here,
                            by=["station"],
                        ),
                        height=14,
                    ),
                ),
            ),
        ],
    )
