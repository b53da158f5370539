"""`twin snapshot`: the state of a simulated line at an instant, as a file to go on from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer

from lines.loader import load
from twin.cli.experiment_options import EngineOption
from twin.cli.faults import Faults
from twin.cli.numbers import whole
from twin.cli.screen import STDERR, progress_bar
from twin.cli.times import time_option
from twin.engine import Snapshot, open_engine
from twin.errors import EngineError, UsageError

__all__ = ["EXAMPLES", "read_snapshot", "snapshot", "write_snapshot"]

EXAMPLES = (
    "Examples:  twin snapshot storage_line --at '30 h' --out monday.json   |   "
    "twin snapshot storage_line --start monday.json --at '54 h' --out tuesday.json"
)
SLICES = 200


def snapshot(
    line: Annotated[str, typer.Argument(help="A line file, or the name of a packaged line.")],
    at: Annotated[str, typer.Option(help="Since the run's start, as '30 h'.")],
    out: Annotated[Path, typer.Option(help="The file to write, JSON.")],
    engine: EngineOption = "auto",
    seed: Annotated[
        int | None,
        typer.Option(
            parser=whole("--seed"),
            metavar="NUMBER",
            help="The same seed gives the same run. [1, or the snapshot's]",
        ),
    ] = None,
    replication: Annotated[
        int | None,
        typer.Option(
            parser=whole("--replication", 0),
            metavar="NUMBER",
            help="Which of the seed's runs. [0, or the snapshot's]",
        ),
    ] = None,
    start: Annotated[
        Path | None, typer.Option(help="Go on from this snapshot, not from an empty line.")
    ] = None,
) -> None:
    """Run a line up to an instant and write its state, for --start of other commands."""
    faults = Faults()
    at_us, before = 0, None
    with faults.noted():
        at_us = time_option("--at", at)
    with faults.noted():
        if start is not None and seed is not None:
            raise UsageError("a snapshot brings its own seed; give --start or --seed, not both")
    with faults.noted():
        if not out.parent.is_dir():
            raise UsageError(f"--out: {out.parent} must be a directory; create it first")
    with faults.noted():
        before = None if start is None else read_snapshot(start)
    with faults.needed():
        loaded = load(line)
    faults.tell()
    running = open_engine(loaded, engine, seed=seed, replication=replication, start=before)
    began = running.now_us
    if at_us < began:
        raise UsageError(f"--at must not be before the snapshot's own {began / 3.6e9:g} h")
    with progress_bar(f"running {loaded.id}") as progress:
        for done in range(1, SLICES + 1):
            running.advance(began + (at_us - began) * done // SLICES)
            progress(done / SLICES)
    write_snapshot(out, running.snapshot().to_json())
    STDERR.print(f"{loaded.id} after {at} written to {out}", highlight=False, soft_wrap=True)


def write_snapshot(path: Path, text: str) -> None:
    """Write a file whole or not at all, in place of an older one.

    Raises:
        EngineError: it can't be written.
    """
    part = path.with_name(f".{path.name}.{uuid4().hex}.part")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise EngineError(f"{path}: can't be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


def read_snapshot(path: Path) -> Snapshot:
    """Read a file of `twin snapshot`, or one of `Snapshot.to_bytes`.

    Raises:
        UsageError: there is no such file, or it holds no snapshot; the message names it.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"--start: {path}: {error.strerror}; 'twin snapshot' makes such a file"
        ) from error
    try:
        return Snapshot.from_json(data) if data[:1] in (b"{", b"") else Snapshot.from_bytes(data)
    except EngineError as error:
        raise UsageError(f"--start: {path}: {error}") from error
