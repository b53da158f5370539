"""Quality: which defects, where, and how well the inspections find them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboards.grafana.boards.choices import DEFECT, MACHINE, OF_LINE, OF_STATION, several_lines
from dashboards.grafana.panels import Row, bars, board, board_link, chart, stat, text
from dashboards.grafana.queries import LINE, gain_of, over_time
from twin.model.line import Line
from twin.signals import FALSE_REJECTS, MISSED

__all__ = ["make"]

_TO_STATION = board_link("station", "The station", "line", "station")
_KINDS = f'"defect" !~ /^({FALSE_REJECTS}|{MISSED})$/'
_OTHERS = f'"defect" =~ /^({FALSE_REJECTS}|{MISSED})$/'


def make(lines: Sequence[Line]) -> dict[str, Any]:
    """Make the board.

    Args:
        lines: the plant's, whose defects are named.
    """
    names = "\n".join(
        f"| {line.id} | {defect.id} | {defect.name.en if defect.name else ''} |"
        for line in lines
        for defect in line.defects
    )
    last = {
        name: over_time(
            f'last("{name}")',
            "station",
            LINE,
            by=["line", "station"],
            alias="$tag_line $tag_station",
        )
        for name in ("quality_ratio", "detection_ratio", "false_reject_ratio")
    }
    return board(
        "quality",
        "Quality",
        [several_lines()],
        [
            Row(
                "Yield",
                (
                    stat(
                        "Yield",
                        OF_LINE["yield_ratio"],
                        over_time(
                            'last("yield_ratio")', "line", LINE, by=["line"], alias="$tag_line"
                        ),
                        height=8,
                    ),
                    chart(
                        "Yield over time",
                        OF_LINE["yield_ratio"],
                        over_time(
                            'last("yield_ratio")', "line", LINE, by=["line"], alias="$tag_line"
                        ),
                        width=18,
                    ),
                    chart(
                        "First pass yield of each station",
                        OF_STATION["quality_ratio"],
                        last["quality_ratio"],
                        links=(_TO_STATION,),
                    ),
                    bars(
                        "Parts scrapped, by station",
                        MACHINE["defective"],
                        gain_of(
                            "defective",
                            "machine",
                            LINE,
                            by=["line", "station"],
                            alias="$tag_line $tag_station",
                        ),
                    ),
                    bars(
                        "Parts sent back, by station",
                        MACHINE["reworked"],
                        gain_of(
                            "reworked",
                            "machine",
                            LINE,
                            by=["line", "station"],
                            alias="$tag_line $tag_station",
                        ),
                    ),
                    bars(
                        "Defects found, the most frequent first",
                        DEFECT,
                        gain_of(
                            "value",
                            "defect",
                            LINE,
                            _KINDS,
                            by=["line", "defect"],
                            alias="$tag_line $tag_defect",
                        ),
                        text="parts rejected for each kind of defect",
                    ),
                ),
            ),
            Row(
                "Inspections",
                (
                    stat(
                        "Defects that are detected",
                        OF_STATION["detection_ratio"],
                        last["detection_ratio"],
                    ),
                    stat(
                        "Good parts rejected",
                        OF_STATION["false_reject_ratio"],
                        last["false_reject_ratio"],
                    ),
                    bars(
                        "False rejects and missed defects",
                        DEFECT,
                        gain_of(
                            "value",
                            "defect",
                            LINE,
                            _OTHERS,
                            by=["line", "station", "defect"],
                            alias="$tag_line $tag_station $tag_defect",
                        ),
                        text="an emulated camera knows them of every part, a real one of those "
                        "that are looked at again",
                    ),
                ),
            ),
            Row(
                "What the defects are called",
                (text("Defects", f"| line | defect | |\n|---|---|---|\n{names}", 8),),
            ),
        ],
    )
