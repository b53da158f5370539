"""`twin live`: what the twin knows, or knew, of a line, and what it can know."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from lines.loader import load
from opcua.tagmap.file import load_tag_map
from twin.cli.live_at import EXAMPLES, at
from twin.cli.screen import STDERR, print_json, print_rows, several
from twin.live.coverage import Covered, coverage
from twin.signals import tags as every_tag

__all__ = ["app"]

app = typer.Typer(
    help="The live twin: what it knew of a line at a past instant, and what it can know.",
    no_args_is_help=True,
)
COVERAGE = (
    "Examples:  twin live coverage five_stations --tags opcua/tagmap/examples/s7-1500.yaml   |   "
    "twin live coverage my_line.yaml --tags tags.yaml --lacking --json"
)
_SHOWN = 3


app.command("at", epilog=EXAMPLES)(at)


@app.command("coverage", epilog=COVERAGE)
def covered(
    line: Annotated[str, typer.Argument(help="A line file, or the name of a packaged line.")],
    tags: Annotated[
        Path | None,
        typer.Option(help="Tag map of the plant; default: the line's own PLCs, which say all."),
    ] = None,
    lacking: Annotated[
        bool, typer.Option("--lacking", help="Only what the signals don't allow.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
) -> None:
    """Say of each KPI whether the signals that a plant gives allow it, and which it lacks."""
    loaded = load(line)
    if tags is None:
        given = {tag.key for tag in every_tag(loaded)}
    else:
        made = load_tag_map(tags, loaded)
        given = {(node.unit, node.signal) for plc in made.map.plcs for node in plc.nodes}
    found = list(coverage(loaded, given))
    shown = [one for one in found if one.missing] if lacking else found
    if as_json:
        print_json([asdict(one) | {"allowed": not one.missing} for one in shown])
        return
    print_rows(
        ("unit", "KPI", "allowed", "lacks"),
        [(one.unit or loaded.id, one.kpi, _verdict(one), _lacks(one.missing)) for one in shown],
    )
    without = sum(bool(one.missing) for one in found)
    STDERR.print(
        f"{loaded.id}: {several(len(found), 'KPI')}, {without} of them not allowed by "
        f"{several(len(given), 'signal')}",
        highlight=False,
    )


def _verdict(one: Covered) -> str:
    return "no" if one.missing else "inferred" if one.inferred else "yes"


def _lacks(missing: tuple[str, ...]) -> str:
    more = len(missing) - _SHOWN
    return ", ".join(missing[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
