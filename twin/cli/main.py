"""The command line's front door: `twin COMMAND`, its errors and its exit codes."""

from __future__ import annotations

import os
import sys

import typer

from twin.cli import (
    check,
    compare,
    history,
    lines_command,
    plc,
    run_command,
    simulate,
    snapshot,
    trace,
    whatif,
)
from twin.errors import LineFileError, LinetwinError, UsageError

__all__ = ["app", "run"]

EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130

app = typer.Typer(
    name="twin",
    help="A digital twin of production lines: simulate them, serve their PLCs, watch them live.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    epilog="Exit codes: 0 done; 1 it failed, the reason is on stderr; 2 the call is wrong.",
)
app.command("check", epilog=check.EXAMPLES)(check.check)
app.command("lines", epilog=lines_command.EXAMPLES)(lines_command.lines)
app.command("simulate", epilog=simulate.EXAMPLES)(simulate.simulate)
app.command("snapshot", epilog=snapshot.EXAMPLES)(snapshot.snapshot)
app.add_typer(trace.app, name="trace")
app.command("whatif", epilog=whatif.EXAMPLES)(whatif.whatif)
app.command("compare", epilog=compare.EXAMPLES)(compare.compare)
app.command("plc", epilog=plc.EXAMPLES)(plc.plc)
app.command("run", epilog=run_command.EXAMPLES)(run_command.run)
app.command("history", epilog=history.EXAMPLES)(history.history)


def run() -> None:
    """Run the command line; the entry point of `twin`."""
    try:
        try:
            app(prog_name="twin")
        finally:
            # Here and not at the interpreter's end, where a reader that has gone is a traceback.
            sys.stdout.flush()
    except UsageError as error:
        sys.stderr.write(f"twin: {error}\n")
        sys.exit(EXIT_USAGE)
    except LineFileError as error:
        count = len(error.faults)
        sys.stderr.write(f"{error}\n{count} fault{'s' if count != 1 else ''} found\n")
        sys.exit(EXIT_FAILED)
    except LinetwinError as error:
        sys.stderr.write(f"twin: {error}\n")
        sys.exit(EXIT_FAILED)
    except KeyboardInterrupt:
        sys.stderr.write("twin: interrupted\n")
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output has gone; the interpreter's own flush at exit must not fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_FAILED)
