"""`twin lines`: which lines come with linetwin."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from lines.loader import load, packaged
from twin.cli.screen import print_json, print_table

__all__ = ["EXAMPLES", "lines"]

EXAMPLES = "Examples:  twin lines   |   twin lines --json"


def lines(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
) -> None:
    """List the packaged lines; any file that `twin check` accepts is as good."""
    loaded = {name: load(name) for name in packaged()}
    if as_json:
        print_json(
            [
                {
                    "name": name,
                    "id": line.id,
                    "title": line.name.en if line.name else line.id,
                    "enterprise": line.enterprise,
                    "site": line.site,
                    "stations": len(line.stations),
                    "machines": sum(s.machines for s in line.stations),
                    "target_per_h": line.target,
                    "product": line.product.unit,
                }
                for name, line in loaded.items()
            ]
        )
        return
    table = Table("name", "line", "what it is", "stations", "machines", "target")
    for column in (0, 5):
        table.columns[column].no_wrap = True
    table.columns[1].overflow = "fold"
    for name, line in loaded.items():
        table.add_row(
            name,
            f"{line.enterprise}/{line.site}/{line.id}",
            line.name.en if line.name else line.id,
            str(len(line.stations)),
            str(sum(s.machines for s in line.stations)),
            f"{line.target:,.0f} {line.product.unit}/h" if line.target else "",
        )
    print_table(table)
