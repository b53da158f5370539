"""Every command of `twin`, put together."""

from __future__ import annotations

import typer

from twin.cli import (
    bottleneck,
    calibrate,
    certs,
    check,
    command,
    compare,
    energy,
    forecast,
    grafana_command,
    history,
    influx_command,
    labour,
    lines_command,
    live,
    plc,
    run_command,
    search,
    simulate,
    snapshot,
    supply,
    tags,
    trace,
    users,
    whatif,
)
from twin.cli.faults import GatheredCommand

__all__ = ["app"]

app = typer.Typer(
    name="twin",
    help="A digital twin of production lines: simulate them, serve their PLCs, watch them live.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    epilog="Exit codes: 0 done; 1 it failed, the reason is on stderr; 2 the call is wrong; "
    "130 interrupted.",
)
app.command("check", epilog=check.EXAMPLES)(check.check)
app.command("lines", epilog=lines_command.EXAMPLES)(lines_command.lines)
app.command("simulate", cls=GatheredCommand, epilog=simulate.EXAMPLES)(simulate.simulate)
app.command("snapshot", cls=GatheredCommand, epilog=snapshot.EXAMPLES)(snapshot.snapshot)
app.add_typer(trace.app, name="trace")
app.command("whatif", cls=GatheredCommand, epilog=whatif.EXAMPLES)(whatif.whatif)
app.command("compare", cls=GatheredCommand, epilog=compare.EXAMPLES)(compare.compare)
app.command("search", cls=GatheredCommand, epilog=search.EXAMPLES)(search.find)
app.command("bottleneck", cls=GatheredCommand, epilog=bottleneck.EXAMPLES)(bottleneck.bottleneck)
app.command("supply", cls=GatheredCommand, epilog=supply.EXAMPLES)(supply.supply)
app.command("energy", cls=GatheredCommand, epilog=energy.EXAMPLES)(energy.energy)
app.command("labour", cls=GatheredCommand, epilog=labour.EXAMPLES)(labour.labour)
app.command("forecast", cls=GatheredCommand, epilog=forecast.EXAMPLES)(forecast.forecast)
app.command("calibrate", epilog=calibrate.EXAMPLES)(calibrate.calibrate_line)
app.command("plc", epilog=plc.EXAMPLES)(plc.plc)
app.add_typer(certs.app, name="certs")
app.command("run", epilog=run_command.EXAMPLES)(run_command.run)
app.add_typer(users.app, name="users")
app.command("history", epilog=history.EXAMPLES)(history.history)
app.add_typer(tags.app, name="tags")
app.add_typer(live.app, name="live")
app.command("command", epilog=command.EXAMPLES)(command.command)
app.add_typer(influx_command.app, name="influx")
app.add_typer(grafana_command.app, name="grafana")
