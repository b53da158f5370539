"""`twin check`: is a line file right?"""

from __future__ import annotations

from typing import Annotated

import typer

from lines.loader import load
from twin.cli.screen import STDOUT, several

__all__ = ["EXAMPLES", "check"]

EXAMPLES = "Examples:  twin check my_line.yaml   |   twin check storage_line"


def check(
    file: Annotated[str, typer.Argument(help="A line file, or the name of a packaged line.")],
) -> None:
    """Check a line file; name every fault with file, line, column and remedy."""
    line = load(file)
    machines = sum(station.machines for station in line.stations)
    STDOUT.print(
        f"{file}: line {line.id} is right: "
        f"{several(len(line.stations), 'station')}, {several(machines, 'machine')}, "
        f"{several(len(line.buffers), 'buffer')}, {several(len(line.plcs) or 1, 'PLC')}",
        soft_wrap=True,
        highlight=False,
    )
