"""`twin grafana`: boards, alert rules and data sources for Grafana."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from dashboards.grafana.boards import all_boards
from dashboards.grafana.files import differences, write_files
from lines.loader import load, plants
from twin.cli.screen import STDERR, print_json, several
from twin.cli.stores import token_from
from twin.cli.times import time_option
from twin.errors import LinetwinError, UsageError
from twin.whatif.result import SavedAnswer

__all__ = ["EXAMPLES", "app", "build", "push"]

EXAMPLES_BUILD = (
    "Examples:  twin grafana build --out grafana   |   "
    "twin grafana build my_line.yaml --out grafana"
    "   |   twin grafana build --out grafana --check"
)
EXAMPLES = (
    "Examples:  twin grafana push --grafana http://127.0.0.1:3000 --grafana-token-file token   |   "
    "GRAFANA_TOKEN=$(cat token) twin grafana push my_line.yaml --grafana https://grafana.plant "
    "--whatif result.json"
)
TOKEN, TOKEN_FILE = "GRAFANA_TOKEN", "GRAFANA_TOKEN_FILE"

app = typer.Typer(help="Boards, alert rules and data sources for Grafana.", no_args_is_help=True)

Lines = Annotated[
    list[str] | None,
    typer.Argument(help="Line files or packaged names. Default: the packaged plants."),
]


def build(
    lines: Lines = None,
    out: Annotated[Path, typer.Option(help="The directory to write to.")] = Path("grafana"),
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if a file is not as it would be.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
) -> None:
    """Write the files that Grafana provisions: boards, data sources, alert rules.

    Put `provisioning` where Grafana looks for it (/etc/grafana/provisioning), `boards` to
    /etc/linetwin/boards, the address of the InfluxDB into INFLUX_URL of Grafana's environment, and
    a token that reads it into /run/secrets/influx_token.
    """
    loaded = [load(name) for name in lines or plants()]
    changed = differences(loaded, out) if check else write_files(loaded, out)
    if as_json:
        print_json({"directory": str(out), "changed": changed, "written": not check})
    elif not changed:
        typer.echo(f"{out}: as it would be written")
    else:
        for path in changed:
            typer.echo(f"{out / path}: {'differs' if check else 'written'}")
    if check and changed:
        raise LinetwinError(
            f"{several(len(changed), 'file')} of {out} must be as the lines and the table of "
            "signals have it; write anew with: twin grafana build"
        )


def push(
    lines: Lines = None,
    grafana: Annotated[
        str | None, typer.Option("--grafana", metavar="URL", help="A Grafana that runs.")
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--grafana-token-file",
            help="A file with a service account's token, or user:password. Else GRAFANA_TOKEN has "
            "it, or a file that GRAFANA_TOKEN_FILE names.",
        ),
    ] = None,
    shifts: Annotated[
        str, typer.Option(help="Mark the changes of shifts so long before and after now.")
    ] = "7 d",
    whatif: Annotated[
        list[Path] | None, typer.Option(help="Mark when this result of 'twin whatif' was made.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
) -> None:
    """Send the boards, their folder and marks to a Grafana that runs; again changes nothing."""
    around_us = time_option("--shifts", shifts)
    url = _checked(grafana)
    token = token_from(token_file, "--grafana-token-file", TOKEN, TOKEN_FILE)
    if not token:
        raise UsageError(
            f"a token must be given, in {TOKEN} or in a file that --grafana-token-file names"
        )
    try:
        from dashboards.grafana.annotations import shift_changes, whatif_run  # noqa: PLC0415
        from dashboards.grafana.push import GrafanaAddress  # noqa: PLC0415 - needs the extra
        from dashboards.grafana.push import push as send  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise LinetwinError(
            f"push needs {error.name}, which is not installed; pip install 'linetwin[grafana]'"
        ) from None
    loaded = [load(name) for name in lines or plants()]
    now_us = time.time_ns() // 1000
    marks = [
        *shift_changes(loaded, now_us - around_us, now_us + around_us),
        *(whatif_run(_answer(path)) for path in whatif or ()),
    ]
    pushed = send(GrafanaAddress(url, token), all_boards(loaded), marks)
    if as_json:
        print_json(
            {
                "url": url,
                "boards": pushed.boards,
                "marks": pushed.marks,
                "known": pushed.known_marks,
            }
        )
        return
    for uid in pushed.boards:
        typer.echo(f"{url}/d/{uid}")
    STDERR.print(
        f"{several(len(pushed.boards), 'board')}, {several(pushed.marks, 'new mark')}, "
        f"{pushed.known_marks} there already",
        highlight=False,
    )


def _checked(url: str | None) -> str:
    if url is None:
        raise UsageError("--grafana must be given, as --grafana http://127.0.0.1:3000")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(f"--grafana must be an address as http://127.0.0.1:3000, got {url!r}")
    if "@" in parts.netloc or parts.query:
        raise UsageError(
            "--grafana must be an address without a password or token, since others can see a "
            f"command's options; put it in {TOKEN}, or in a file that --grafana-token-file names"
        )
    return url.rstrip("/")


def _answer(path: Path) -> SavedAnswer:
    try:
        return SavedAnswer.from_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"--whatif must name a result, got {path}: {error.strerror}") from None


app.command("build", epilog=EXAMPLES_BUILD)(build)
app.command("push", epilog=EXAMPLES)(push)
