"""The command line's front door: `twin COMMAND`, its errors and its exit codes."""

from __future__ import annotations

import atexit
import gc
import os
import sys

from twin.cli.interrupt import Interrupted
from twin.errors import LineFileError, LinetwinError, UsageError

__all__ = ["run"]

EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130


def run() -> None:
    """Run the command line; the entry point of `twin`."""
    try:
        _run()
    except SystemExit as ended:
        if gc.get_freeze_count():
            _leave(ended.code)
        raise


def _leave(code: int | str | None) -> None:
    """End a process that keeps its heap for good: to take that to pieces would take seconds."""
    atexit._run_exitfuncs()  # noqa: SLF001 - the one way to what others want done at the end
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else EXIT_FAILED if code else 0)


def _run() -> None:
    try:
        try:
            # Loading all that the commands need takes a second, and Ctrl-C may come in it.
            from twin.cli.app import app  # noqa: PLC0415

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
    except Interrupted as error:
        sys.stderr.write(f"twin: {error}\n")
        sys.exit(EXIT_INTERRUPTED)
    except LinetwinError as error:
        sys.stderr.write(f"twin: {error}\n")
        sys.exit(EXIT_FAILED)
    except KeyboardInterrupt:
        _interrupted()
    except SystemExit as ended:
        # Typer makes of a KeyboardInterrupt an exit that says nothing.
        if ended.code == EXIT_INTERRUPTED:
            _interrupted()
        raise
    except BrokenPipeError:
        # The reader of our output has gone; the interpreter's own flush at exit must not fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_FAILED)


def _interrupted() -> None:
    sys.stderr.write("twin: interrupted\n")
    sys.exit(EXIT_INTERRUPTED)
