"""The boards, one a file; `all_boards` has them all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboards.grafana.boards import alarms, energy, line, quality, site, station, twin_health
from twin.model.line import Line

__all__ = ["all_boards"]


def all_boards(lines: Sequence[Line]) -> dict[str, dict[str, Any]]:
    """Every board by its name.

    Args:
        lines: the lines of the plant; what is particular to a station, as its limits, is theirs.
    """
    return {
        "site": site.make(lines),
        "line": line.make(),
        "station": station.make(lines),
        "quality": quality.make(lines),
        "energy": energy.make(),
        "alarms": alarms.make(lines),
        "twin": twin_health.make(),
    }
