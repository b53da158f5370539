"""Energy: of the lines, of each unit, of the stations; by the figures of the line files."""

from __future__ import annotations

from typing import Any

from dashboards.grafana.boards.choices import OF_LINE, OF_STATION, several_lines
from dashboards.grafana.panels import Row, bars, board, board_link, chart, pie, stat
from dashboards.grafana.queries import LINE, gain_of, over_time

__all__ = ["make"]

_TO_STATION = board_link("station", "The station", "line", "station")


def make() -> dict[str, Any]:
    """Make the board."""
    per_unit = over_time(
        'last("energy_kwh_per_unit")', "line", LINE, by=["line"], alias="$tag_line"
    )
    power = 'non_negative_derivative(last("{}"), 1h)'
    return board(
        "energy",
        "Energy",
        [several_lines()],
        [
            Row(
                "Lines",
                (
                    stat("Energy a good unit", OF_LINE["energy_kwh_per_unit"], per_unit, height=8),
                    chart("Energy a good unit", OF_LINE["energy_kwh_per_unit"], per_unit, width=18),
                    bars(
                        "Energy in the time shown",
                        OF_LINE["energy_kwh"],
                        gain_of("energy_kwh", "line", LINE, by=["line"], alias="$tag_line"),
                    ),
                    chart(
                        "Power",
                        OF_LINE["energy_kwh"],
                        over_time(
                            power.format("energy_kwh"), "line", LINE, by=["line"], alias="$tag_line"
                        ),
                        shown={"unit": "kwatt", "min": 0},
                    ),
                ),
            ),
            Row(
                "Stations",
                (
                    bars(
                        "Energy in the time shown",
                        OF_STATION["station_energy_kwh"],
                        gain_of(
                            "station_energy_kwh",
                            "station",
                            LINE,
                            by=["line", "station"],
                            alias="$tag_line $tag_station",
                        ),
                        height=12,
                        links=(_TO_STATION,),
                    ),
                    pie(
                        "Shares",
                        OF_STATION["station_energy_kwh"],
                        gain_of(
                            "station_energy_kwh",
                            "station",
                            LINE,
                            by=["line", "station"],
                            alias="$tag_line $tag_station",
                        ),
                        height=12,
                    ),
                    chart(
                        "Power",
                        OF_STATION["station_energy_kwh"],
                        over_time(
                            power.format("station_energy_kwh"),
                            "station",
                            LINE,
                            by=["line", "station"],
                            alias="$tag_line $tag_station",
                        ),
                        shown={"unit": "kwatt", "min": 0},
                        width=24,
                    ),
                ),
            ),
        ],
    )
