"""`twin command`: tell a plant what its tag map names; a dry run unless told otherwise."""

from __future__ import annotations

import asyncio
import getpass
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from opcua.audit import Audit
from opcua.commanding import Order, give, point_of
from twin.cli.places import DEFAULT_DATA, DataPlaces
from twin.cli.screen import print_json
from twin.cli.tags import loaded_map
from twin.errors import UsageError

__all__ = ["EXAMPLES", "command"]

EXAMPLES = (
    "Examples:  twin command tags.yaml CUT03 stop 1 --role shift_lead   (checks, writes nothing)   "
    "|   twin command tags.yaml CUT03 stop 1 --role shift_lead --really   |   "
    "twin command tags.yaml --log"
)


def command(
    file: Annotated[Path, typer.Argument(help="The tag map that names the command.")],
    unit: Annotated[str | None, typer.Argument(help="The unit, as CUT03.")] = None,
    name: Annotated[str | None, typer.Argument(help="The command's name in the map.")] = None,
    value: Annotated[
        float | None, typer.Argument(help="What is written, or given to the method.")
    ] = None,
    role: Annotated[str, typer.Option(help="The role that it is given in.")] = "",
    really: Annotated[
        bool, typer.Option("--really", help="Do it; without, everything is checked only.")
    ] = False,
    line: Annotated[
        str | None, typer.Option(help="The line's file; default: the packaged line of that id.")
    ] = None,
    log: Annotated[bool, typer.Option("--log", help="Print what was asked so far.")] = False,
    data: Annotated[Path, typer.Option(help="Where keys and the audit log are kept.")] = (
        DEFAULT_DATA
    ),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
) -> None:
    """Give a command that the tag map names: checked, limited in rate, written down, read back."""
    places = DataPlaces(data)
    audit = Audit(places.audit)
    if log:
        _print_log(audit, as_json=as_json)
        return
    if unit is None or name is None or value is None:
        raise UsageError("must have a unit, a command and a value, as CUT03 stop 1; or --log")
    loaded, made = loaded_map(file, line)
    plc, point = point_of(made.map.plcs, unit, name)
    order = Order(loaded.id, value, getpass.getuser(), role, time.time_ns() // 1000, really)
    outcome = asyncio.run(give(plc, point, order, made.access(places.pki)[plc.plc], audit))
    if as_json:
        print_json(asdict(outcome) | {"really": really})
        return
    state = ", ".join(f"{signal} {shown:g}" for signal, shown in outcome.state.items())
    typer.echo(
        f"{unit} {name} {value:g}: {outcome.node} of {plc.plc}" + (f"; {state}" * bool(state))
    )
    if not really:
        typer.echo(
            f"dry run: it would have been done (it shows {outcome.before}); --really does it"
        )
    elif outcome.after is None:
        typer.echo("done; there is nothing to read back")
    else:
        typer.echo(f"done: {outcome.before} before, {outcome.after:g} read back")


def _print_log(audit: Audit, *, as_json: bool) -> None:
    entries = audit.entries()
    if as_json:
        print_json([asdict(entry) for entry in entries])
        return
    for entry in entries:
        at = datetime.fromtimestamp(entry.at_us / 1e6, UTC)
        typer.echo(
            f"{at:%Y-%m-%d %H:%M:%S}Z {entry.who} as {entry.role or '-'}: {entry.line} {entry.plc} "
            f"{entry.unit} {entry.command} {entry.value:g}: {entry.outcome}"
        )
    if not entries:
        typer.echo("nothing was asked of any plant")
