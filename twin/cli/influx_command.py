"""`twin influx`: make an InfluxDB ready for the twin, and what it refused."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twin.cli.places import DEFAULT_DATA, DataPlaces
from twin.cli.screen import STDERR, print_json
from twin.cli.stores import DATABASE, ORG, Database, InfluxUrl, Org, TokenFile, influx_address
from twin.errors import UsageError
from twin.historian.spool_tally import refused_in

__all__ = ["EXAMPLES", "app", "refused", "setup"]

EXAMPLES = (
    "Examples:  twin influx setup --influx http://127.0.0.1:8086   |   "
    "INFLUX_TOKEN=$(cat token) twin influx setup --influx https://influx.plant:8086"
)

REFUSED_EXAMPLES = (
    "Examples:  twin influx refused   |   twin influx refused --data /srv/twin --json"
)

app = typer.Typer(
    help="Make an InfluxDB ready for the twin, and see what it refused.", no_args_is_help=True
)


def setup(
    influx: InfluxUrl = None,
    database: Database = DATABASE,
    org: Org = ORG,
    token_file: TokenFile = None,
    as_json: bool = typer.Option(False, "--json", help="Print JSON for a program."),
) -> None:
    """Make the databases (buckets), their retention, and what InfluxQL needs to find them.

    Points are kept as they came for 30 days, and rolled up to a minute for 2 years. What is there
    already stays as it is, so the command may be given again and again. The token must be allowed
    to make databases; the one that 'twin run' gets need only write and read them.
    """
    address = influx_address(influx, database, org, token_file)
    if address is None:
        raise UsageError("--influx must be given, as --influx http://127.0.0.1:8086")
    from twin.historian.influx import InfluxDoor  # noqa: PLC0415 - needs the extra
    from twin.historian.influx_setup import set_up  # noqa: PLC0415

    door = InfluxDoor(address)
    try:
        version = ".".join(map(str, door.version()))
        made = set_up(door)
    finally:
        door.close()
    if as_json:
        databases = [{"name": m.name, "days": m.days, "done": m.done} for m in made]
        print_json({"url": address.url, "version": version, "databases": databases})
        return
    typer.echo(f"{address.url}: InfluxDB {version}")
    for one in made:
        typer.echo(f"{one.name}: kept for {one.days} days, {one.done}")


app.command("setup", epilog=EXAMPLES)(setup)


def refused(
    data: Annotated[Path, typer.Option(help="The data directory of 'twin run'.")] = DEFAULT_DATA,
    as_json: bool = typer.Option(False, "--json", help="Print JSON for a program."),
) -> None:
    """Show the points that the database refused, the latest 10,000, with its reason for each.

    A line of line protocol each, as it was sent. A twin that runs has its spool to itself: end it
    first. Its log and its page tell how many were refused meanwhile.
    """
    found = refused_in(DataPlaces(data).spool)
    if as_json:
        print_json([{"line": each.text, "reason": each.reason} for each in found])
        return
    for each in found:
        typer.echo(f"{each.text}    {each.reason}")
    STDERR.print(f"{len(found):,} points refused", highlight=False, soft_wrap=True)


app.command("refused", epilog=REFUSED_EXAMPLES)(refused)
