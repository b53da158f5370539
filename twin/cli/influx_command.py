"""`twin influx`: make an InfluxDB ready for the twin."""

from __future__ import annotations

import typer

from twin.cli.screen import print_json
from twin.cli.stores import DATABASE, ORG, Database, InfluxUrl, Org, TokenFile, influx_address
from twin.errors import UsageError

__all__ = ["EXAMPLES", "app", "setup"]

EXAMPLES = (
    "Examples:  twin influx setup --influx http://127.0.0.1:8086   |   "
    "INFLUX_TOKEN=$(cat token) twin influx setup --influx https://influx.plant:8086"
)

app = typer.Typer(help="Make an InfluxDB ready for the twin.", no_args_is_help=True)


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
