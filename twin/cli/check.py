"""`twin check`: is a line file right?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from lines.loader import load
from lines.supply_file import load_supply, supply_file_of
from twin.cli.screen import STDOUT, several
from twin.errors import Fault, ScenarioError
from twin.model.line import Line
from twin.whatif.supply_case import named_case

__all__ = ["EXAMPLES", "check"]

EXAMPLES = "Examples:  twin check my_line.yaml   |   twin check storage_line"


def check(
    file: Annotated[str, typer.Argument(help="A line file, or the name of a packaged line.")],
) -> None:
    """Check a line file, and the supply file beside it; name every fault, where, and the remedy."""
    line = load(file)
    machines = sum(station.machines for station in line.stations)
    STDOUT.print(
        f"{file}: line {line.id} is right: "
        f"{several(len(line.stations), 'station')}, {several(machines, 'machine')}, "
        f"{several(len(line.buffers), 'buffer')}, {several(len(line.plcs) or 1, 'PLC')}",
        soft_wrap=True,
        highlight=False,
    )
    supply_file = supply_file_of(file)
    if supply_file.is_file():
        _check_supply(line, supply_file)


def _check_supply(line: Line, file: Path) -> None:
    supply = load_supply(line, file)
    faults: list[Fault] = []
    for scenario in supply.scenarios:
        try:
            named_case(line, supply, scenario.id)
        except ScenarioError as error:
            faults += [replace(fault, path=f"{file}: {fault.path}") for fault in error.faults]
    if faults:
        raise ScenarioError(faults)
    STDOUT.print(
        f"{file}: the supply is right: {several(len(supply.materials), 'material')}, "
        f"{several(len(supply.tiers), 'tier')}, {several(len(supply.scenarios), 'scenario')}",
        soft_wrap=True,
        highlight=False,
    )
