"""`twin lines`: which lines come with linetwin."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from lines.loader import load, packaged
from twin.cli.screen import plural, print_json, print_table, several

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
    table = Table(box=None, show_header=False, padding=(0, 2, 1, 0))
    table.add_column(no_wrap=True)
    table.add_column()
    for name, line in loaded.items():
        about = (
            several(len(line.stations), "station"),
            several(sum(s.machines for s in line.stations), "machine"),
            *([f"{line.target:,.0f} {plural(line.product.unit)}/h"] if line.target else []),
        )
        title = line.name.en if line.name else line.id
        table.add_row(
            Text(name, style="bold"),
            Text(f"{title}\n{', '.join(about)}   {line.enterprise}/{line.site}/{line.id}"),
        )
    print_table(table)
