"""A benchmark's figures: the median of several turns with its spread, beside what is wanted.

Each is printed as it is found; under `run_all.py` each is a row of the table at the end, too.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

TABLE = "LINETWIN_BENCH_TABLE"
"""Names the file that rows are added to, one JSON object a line."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure, from the lowest to the highest turn.

    Args:
        what: what was measured.
        unit: of the three values.
        least, most: the bound that is wanted, if there is one.
    """

    what: str
    low: float
    median: float
    high: float
    unit: str
    least: float | None = None
    most: float | None = None

    @property
    def wanted(self) -> str:
        """The bound and whether the median keeps it; empty if there is none."""
        if self.least is not None:
            return f"at least {self.least:g}: {'yes' if self.median >= self.least else 'NO'}"
        if self.most is not None:
            return f"at most {self.most:g}: {'yes' if self.median <= self.most else 'NO'}"
        return ""

    def row(self) -> str:
        """The figure as a line of text."""
        return "  {:50} {:>9} {:8} {:19} {}".format(*self.cells()).rstrip()

    def cells(self) -> tuple[str, str, str, str, str]:
        """What stands in its row: what, median, unit, spread, wanted."""
        spread = f"{self.low:.4g} to {self.high:.4g}"
        return self.what, f"{self.median:.4g}", self.unit, spread, self.wanted


def show(
    what: str,
    values: Sequence[float],
    unit: str,
    *,
    scale: float = 1.0,
    least: float | None = None,
    most: float | None = None,
) -> None:
    """Add the figure of some turns."""
    low, median, high = min(values), statistics.median(values), max(values)
    add(Figure(what, low / scale, median / scale, high / scale, unit, least, most))


def add(figure: Figure) -> None:
    """Print a figure, and add it to the table."""
    print(figure.row(), flush=True)
    if path := os.environ.get(TABLE):
        with Path(path).open("a", encoding="utf-8") as table:
            table.write(json.dumps(asdict(figure)) + "\n")


def machine() -> str:
    """What the figures were measured on, and how busy it is with other work."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    model = next((text.partition(": ")[2] for text in lines if text.startswith("model name")), "")
    load = f", load average {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    python = sys.version.split()[0]
    return f"{model or platform.machine()}, {os.cpu_count()} cores, Python {python}{load}"
