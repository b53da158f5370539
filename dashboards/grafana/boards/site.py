"""The site: what each line makes against its target, how well, with how much energy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboards.grafana.boards.choices import OF_LINE, OF_STATION, several_lines
from dashboards.grafana.panels import Row, alert_list, board, board_link, chart, stat, table
from dashboards.grafana.queries import LINE, Question, now_of, over_time
from twin.model.line import Line

__all__ = ["make"]

_TO_LINE = board_link("line", "The line", "line")


def _last(name: str) -> Question:
    return over_time(f'last("{name}")', "line", LINE, by=["line"], alias="$tag_line")


def make(lines: Sequence[Line]) -> dict[str, Any]:
    """Make the board.

    Args:
        lines: the plant's; the target of each is drawn beside its output.
    """
    units = ", ".join(f"{line.id}: {line.product.unit}s" for line in lines)
    rolled = {
        name: over_time(
            f'mean("{name}_mean")', "line", LINE, by=["line"], alias="$tag_line", rolled=True
        )
        for name in ("output_share", "oee_index", "yield_ratio", "energy_kwh_per_unit")
    }
    now = Row(
        "Now",
        (
            stat(
                "Output against target",
                OF_LINE["output_share"],
                _last("output_share"),
                links=(_TO_LINE,),
            ),
            stat(
                f"Good units an hour ({units})",
                OF_LINE["output_per_h"],
                _last("output_per_h"),
                links=(_TO_LINE,),
            ),
            stat("OEE", OF_LINE["oee_index"], _last("oee_index"), links=(_TO_LINE,)),
            stat(
                "Yield",
                OF_LINE["yield_ratio"],
                _last("yield_ratio"),
                links=(board_link("quality", "Quality", "line"),),
            ),
            chart(
                "Output and target",
                OF_LINE["output_per_h"],
                over_time(
                    'last("output_per_h")', "line", LINE, by=["line"], alias="$tag_line output"
                ),
                over_time(
                    'last("target_per_h")', "line", LINE, by=["line"], alias="$tag_line target"
                ),
            ),
            chart(
                "Good units at the end of the shift, as forecast: 5, 50, 95 %, and the target",
                OF_LINE["forecast_units"],
                *(
                    over_time(
                        f'last("forecast_{name}units")',
                        "line",
                        LINE,
                        by=["line"],
                        alias=f"$tag_line {words}",
                    )
                    for name, words in (
                        ("low_", "5 %"),
                        ("", "50 %"),
                        ("high_", "95 %"),
                        ("target_", "target"),
                    )
                ),
            ),
            stat(
                "Probability of the shift's target",
                OF_LINE["forecast_reach_ratio"],
                _last("forecast_reach_ratio"),
                links=(_TO_LINE,),
            ),
            alert_list("Alerts"),
            stat(
                "Energy a good unit",
                OF_LINE["energy_kwh_per_unit"],
                _last("energy_kwh_per_unit"),
                links=(board_link("energy", "Energy", "line"),),
            ),
            stat("Good units since the twin began", OF_LINE["good_units"], _last("good_units")),
            stat(
                "Stations that are down",
                OF_STATION["down_s"],
                over_time('max("down_s")', "station", LINE, by=["line"], alias="$tag_line"),
                links=(_TO_LINE,),
                text="how long the longest of them has been down",
            ),
            stat(
                "Scrapped units since the twin began", OF_LINE["scrap_units"], _last("scrap_units")
            ),
            table(
                "Lines",
                [
                    (name, OF_LINE[name])
                    for name in (
                        "output_per_h",
                        "target_per_h",
                        "output_share",
                        "oee_index",
                        "yield_ratio",
                        "energy_kwh_per_unit",
                    )
                ],
                now_of(
                    ", ".join(
                        f'last("{name}") AS "{name}"'
                        for name in (
                            "output_per_h",
                            "target_per_h",
                            "output_share",
                            "oee_index",
                            "yield_ratio",
                            "energy_kwh_per_unit",
                        )
                    ),
                    "line",
                    LINE,
                    by=["line"],
                ),
                height=5,
            ),
        ),
    )
    long = Row(
        "Over weeks, from what is rolled up to a minute",
        tuple(
            chart(title, OF_LINE[name], rolled[name])
            for name, title in (
                ("output_share", "Output against target"),
                ("oee_index", "OEE"),
                ("yield_ratio", "Yield"),
                ("energy_kwh_per_unit", "Energy a good unit"),
            )
        ),
    )
    return board("site", "Site overview", [several_lines()], [now, long])
