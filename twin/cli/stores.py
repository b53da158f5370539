"""Which history a command means: the embedded one, or a plant's InfluxDB behind a spool."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit

import typer

from twin.cli.places import DataPlaces
from twin.errors import LinetwinError, UsageError
from twin.historian.duckdb_store import DuckDBHistorian
from twin.historian.port import Historian
from twin.model.line import Line
from twin.model.spool_status import SpoolStatus

if TYPE_CHECKING:  # they need the extra `influx`
    from twin.historian.influx import InfluxAddress

__all__ = [
    "DATABASE",
    "ORG",
    "Database",
    "InfluxUrl",
    "Org",
    "Store",
    "TokenFile",
    "influx_address",
    "open_reader",
    "open_store",
    "token_from",
]

DATABASE: Final = "linetwin"
ORG: Final = "linetwin"
TOKEN, TOKEN_FILE = "INFLUX_TOKEN", "INFLUX_TOKEN_FILE"

InfluxUrl = Annotated[
    str | None,
    typer.Option("--influx", metavar="URL", help="Keep history in the InfluxDB at this address."),
]
Database = Annotated[
    str, typer.Option("--influx-database", help="Its database; in 2.x the bucket.")
]
Org = Annotated[str, typer.Option("--influx-org", help="Its organisation; 2.x only.")]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--influx-token-file",
        help=f"A file with its token, or with user:password for 1.x. Else {TOKEN} has it, or a "
        f"file that {TOKEN_FILE} names.",
    ),
]

SPOOL_EVERY_S: Final = 0.2
"""A point is on disk within half a second of being made, with time to spare for a slow disk."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,59}")


@dataclass(frozen=True, slots=True)
class Store:
    """A history that is written to.

    Args:
        historian: the store.
        where: what it is called in a message.
        every_s: time from batch to batch.
        status: how the spool before it is; None where it has none.
        newest_us: an instant after all that has gone through that spool; 0 before the first.
    """

    historian: Historian
    where: str
    every_s: float
    status: Callable[[], SpoolStatus] | None = None
    newest_us: Callable[[], int] = lambda: 0


def open_store(places: DataPlaces, lines: Sequence[Line], address: InfluxAddress | None) -> Store:
    """Open the history that a twin writes to.

    Args:
        places: the twin's files.
        lines: what it watches.
        address: of an InfluxDB; None for the embedded history.
    """
    if address is None:
        return Store(DuckDBHistorian(places.history), str(places.history), every_s=1.0)
    from twin.historian.spooled_influx import SpooledInflux  # noqa: PLC0415 - needs the extra

    store = SpooledInflux(address, places.spool, lines)
    where = f"{address.url}, database {address.database}"
    return Store(store, where, SPOOL_EVERY_S, store.status, store.newest_us)


def open_reader(places: DataPlaces, address: InfluxAddress | None) -> Historian:
    """Open the history that a command reads."""
    if address is not None:
        from twin.historian.influx_store import InfluxHistorian  # noqa: PLC0415 - needs the extra

        return InfluxHistorian(address)
    if not places.history.exists():
        raise UsageError(
            f"there is no history at {places.history}; 'twin run' makes it, --data names another"
        )
    return DuckDBHistorian(places.history)


def influx_address(
    url: str | None, database: str, org: str, token_file: Path | None
) -> InfluxAddress | None:
    """Put options together to an address; None where no `--influx` is given.

    Raises:
        UsageError: an option is wrong.
        LinetwinError: the extra `influx` is not installed.
    """
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(f"--influx must be an address as http://127.0.0.1:8086, got {url!r}")
    if "@" in parts.netloc or parts.query:
        raise UsageError(
            "--influx must be an address without a password or token, since others can see a "
            f"command's options; put it in {TOKEN}, or in a file that --influx-token-file names"
        )
    if not _NAME.fullmatch(database):
        raise UsageError(
            "--influx-database must be letters, digits and '-', which every version of InfluxDB "
            f"takes, at most 60, got {database!r}"
        )
    try:
        from twin.historian.influx import InfluxAddress  # noqa: PLC0415 - needs the extra
    except ModuleNotFoundError as error:
        raise LinetwinError(
            f"--influx needs {error.name}, which is not installed; pip install 'linetwin[influx]'"
        ) from None
    token = token_from(token_file, "--influx-token-file", TOKEN, TOKEN_FILE)
    return InfluxAddress(url.rstrip("/"), database, org, token=token)


def token_from(named: Path | None, option: str, variable: str, file_variable: str) -> str:
    """Find a secret: in a file that an option or a variable names, or in a variable.

    Args:
        named: the file that the option names.
        option: the option, for messages.
        variable, file_variable: of the environment.

    Raises:
        UsageError: the file can't be read, or holds no single line.
    """
    in_environment = os.environ.get(file_variable)
    path = named or (Path(in_environment) if in_environment else None)
    if path is None:
        return os.environ.get(variable, "").strip()
    option = option if named else file_variable
    try:
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise UsageError(f"{option} must name a file with a token, got {path}: {reason}") from None
    if not token or "\n" in token:
        found = "nothing" if not token else "several lines"
        raise UsageError(f"{option} must name a file with one line, the token; {path} has {found}")
    return token
