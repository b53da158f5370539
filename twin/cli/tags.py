"""`twin tags`: what a server has, a draft of a tag map, and whether a map is right."""

from __future__ import annotations

import asyncio
import fnmatch
import os
from collections.abc import Coroutine
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from lines.loader import load, packaged
from opcua.connect import close, connect
from opcua.security import ClientSecurity, client_security
from opcua.tagmap.access import access_to
from opcua.tagmap.browse import Variable, browse
from opcua.tagmap.checking import CheckedTag, check_plc
from opcua.tagmap.file import LoadedTagMap, line_named_in, load_tag_map
from opcua.tagmap.matches import best_matches
from opcua.tagmap.model import Security
from opcua.tagmap.suggest import suggest as drafted
from opcua.tagmap.units import units_of
from twin.cli.numbers import number
from twin.cli.places import DEFAULT_DATA, DataPlaces
from twin.cli.screen import STDERR, print_json, print_rows, several
from twin.errors import LinetwinError, UsageError
from twin.model.line import Line
from twin.model.nearest import did_you_mean

__all__ = ["app", "loaded_map"]

app = typer.Typer(
    help="Where a real PLC's tags are: look at a server, draft a map, check it.",
    no_args_is_help=True,
)
BROWSE = (
    "Examples:  twin tags browse opc.tcp://192.168.0.10:4840 --no-security   |   "
    "twin tags browse opc.tcp://127.0.0.1:4841 --line five_stations --match '*Count*'"
)
SUGGEST = (
    "Examples:  twin tags suggest five_stations opc.tcp://127.0.0.1:4841 > tags.yaml   |   "
    "twin tags suggest my_line.yaml opc.tcp://plc7:4840 --plc PLC-B --user twin "
    "--password-env PLC_PASSWORD"
)
CHECK = (
    "Examples:  twin tags check tags.yaml   |   "
    "twin tags check tags.yaml --line my_line.yaml --for 30 --all"
)
_T = TypeVar("_T")

Data = Annotated[Path, typer.Option(help="Where keys and passwords are kept.")]
Secure = Annotated[
    bool,
    typer.Option("--security/--no-security", help="Signed and encrypted; without: nobody logs on."),
]
User = Annotated[str, typer.Option(help="Who logs on; default: the twin's own user.")]
PasswordEnv = Annotated[str, typer.Option(help="Environment variable with the password.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]


def _security(data: Path, secure: bool, user: str, password_env: str) -> ClientSecurity | None:
    pki = DataPlaces(data).pki
    if not secure:
        return None
    if not user:
        return client_security(pki)
    if password_env not in os.environ:
        raise UsageError("--password-env must name an environment variable that is set")
    client_security(pki)
    return access_to("--user", Security(user=user, password_env=password_env), pki)()


async def _variables(endpoint: str, security: ClientSecurity | None) -> list[Variable]:
    client = await connect(endpoint, security, 10.0)
    try:
        return await browse(client)
    finally:
        await close(client, polite=True)


def _asked(job: Coroutine[Any, Any, _T]) -> _T:
    return asyncio.run(job)


def browse_server(
    endpoint: Annotated[str, typer.Argument(help="As opc.tcp://192.168.0.10:4840.")],
    line: Annotated[
        str | None, typer.Option(help="A line: shows which of its signals each may be.")
    ] = None,
    plc: Annotated[str, typer.Option(help="The PLC of the line that it is.")] = "",
    match: Annotated[str, typer.Option(help="Only paths like this, with *.")] = "*",
    data: Data = DEFAULT_DATA,
    security: Secure = True,
    user: User = "",
    password_env: PasswordEnv = "",
    as_json: AsJson = False,
) -> None:
    """List a server's variables: path, node id, type, value, and what of a line each may be."""
    variables = _asked(_variables(endpoint, _security(data, security, user, password_env)))
    shown = [v for v in variables if fnmatch.fnmatchcase("/".join(v.names), match)]
    may_be: dict[str, str] = {}
    if line is not None:
        loaded = load(line)
        units = units_of(loaded, _plc(loaded, plc))
        for found in best_matches(variables, units.values()).values():
            sure = found.by if found.by == "type" else f"{found.score:.0%}"
            may_be[found.variable.full] = f"{found.unit}.{found.signal} ({sure})"
    if as_json:
        print_json([
            {
                "path": "/".join(v.names),
                "node": v.full,
                "type": v.data_type + v.shape,
                "value": v.value if isinstance(v.value, bool | int | float | str) else None,
                "status": v.status,
                "may_be": may_be.get(v.full),
            }
            for v in shown
        ])  # fmt: skip
        return
    titles = ("path", "node", "type", "value", *(["may be"] if line is not None else []))
    rows = [
        (
            "/".join(v.names),
            v.full,
            v.data_type + v.shape,
            str(v.value)[:30] if v.status == "Good" else v.status,
            *([may_be.get(v.full, "")] if line is not None else []),
        )
        for v in shown
    ]
    print_rows(titles, rows)
    STDERR.print(f"{several(len(shown), 'variable')} of {len(variables):,}", highlight=False)


def suggest(
    line: Annotated[str, typer.Argument(help="A line file, or the name of a packaged line.")],
    endpoint: Annotated[str, typer.Argument(help="As opc.tcp://192.168.0.10:4840.")],
    plc: Annotated[str, typer.Option(help="The PLC of the line that it is.")] = "",
    data: Data = DEFAULT_DATA,
    security: Secure = True,
    user: User = "",
    password_env: PasswordEnv = "",
) -> None:
    """Write a draft of a tag map to stdout: every signal of the line that a variable looks like."""
    loaded = load(line)
    name = _plc(loaded, plc)
    who = _security(data, security, user, password_env)
    variables = _asked(_variables(endpoint, who))
    written = "" if who is not None and not user else "{policy: none}"
    if user:
        written = f"{{user: {user}, password_env: {password_env}}}"
    draft = drafted(loaded, endpoint, variables, name, written)
    typer.echo(draft.text, nl=False)
    lacking = draft.lacking
    STDERR.print(
        f"{several(draft.found, 'signal')} found among {several(len(variables), 'variable')}; "
        + (
            f"nothing for {len(lacking)}: "
            + ", ".join(f"{unit}.{signal}" for unit, signal in lacking[:5])
            + (" ..." if len(lacking) > 5 else "")
            if lacking
            else "nothing is lacking"
        ),
        highlight=False,
        soft_wrap=True,
    )


def check(
    file: Annotated[Path, typer.Argument(help="The tag map.")],
    line: Annotated[
        str | None, typer.Option(help="Its line file; default: the packaged line of that id.")
    ] = None,
    seconds: Annotated[
        float,
        typer.Option(
            "--for",
            parser=number("--for", 0.1, 3600),
            metavar="NUMBER",
            help="How long the PLCs are watched, seconds.",
        ),
    ] = 10.0,
    everything: Annotated[bool, typer.Option("--all", help="Show what is right too.")] = False,
    offline: Annotated[bool, typer.Option(help="Only read the file; connect to nothing.")] = False,
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """Check a tag map, and ask its PLCs: is each tag there, of its type, moving, plausible?"""
    loaded, made = loaded_map(file, line)
    tags = sum(len(plc.nodes) for plc in made.map.plcs)
    if offline:
        typer.echo(
            f"{file}: the map of {loaded.id} is right: {several(len(made.map.plcs), 'PLC')}, "
            f"{several(tags, 'tag')}"
        )
        return
    access = made.access(DataPlaces(data).pki)

    async def every() -> list[CheckedTag]:
        found = await asyncio.gather(
            *(check_plc(loaded, plc, access[plc.plc], seconds) for plc in made.map.plcs)
        )
        return [one for of_plc in found for one in of_plc]

    found = _asked(every())
    bad = [one for one in found if one.wrong]
    still = [one for one in found if not one.changes and not one.wrong]
    if as_json:
        print_json([asdict(one) for one in found])
    else:
        _show(found if everything else [one for one in found if one.wrong or one.doubt])
        typer.echo(
            f"{file}: {several(len(found), 'tag')} in {seconds:g} s: {len(bad)} wrong, "
            f"{sum(bool(one.doubt) for one in found)} doubtful, "
            f"{len(still)} right but not seen to change"
        )
    if bad:
        raise LinetwinError(f"{file}: {several(len(bad), 'tag')} of the map must be mended")


def _show(found: list[CheckedTag]) -> None:
    if not found:
        return
    rows = [
        (
            f"{one.unit}.{one.signal}",
            one.node,
            one.data_type,
            "" if one.value is None else f"{one.value:g}",
            str(one.changes),
            "; ".join((*one.wrong, *one.doubt)) or "right",
        )
        for one in found
    ]
    print_rows(("tag", "node", "type", "value", "changes", "verdict"), rows)


def loaded_map(file: Path, line: str | None) -> tuple[Line, LoadedTagMap]:
    """Read a tag map and the line that it is for.

    Args:
        file: the map.
        line: the line's file or packaged name; None: the packaged line that the map names.

    Raises:
        UsageError: no packaged line has the id that the map names.
    """
    if line is None:
        wanted = line_named_in(file)
        by_id = {load(name).id: name for name in packaged()}
        if wanted not in by_id:
            hint = did_you_mean(wanted, by_id)
            raise UsageError(
                f"{file}: line: must be the id of a packaged line, or --line must name its file, "
                f"got {wanted!r}; {hint}"
            )
        line = by_id[wanted]
    loaded = load(line)
    return loaded, load_tag_map(file, loaded)


def _plc(line: Line, name: str) -> str:
    known = list(dict.fromkeys(line.plc_of(station.id) for station in line.stations))
    if not name and len(known) == 1:
        return known[0]
    if name not in known:
        raise UsageError(
            f"--plc must be one of {', '.join(known)}" + (f", got {name!r}" if name else "")
        )
    return name


app.command("browse", epilog=BROWSE)(browse_server)
app.command("suggest", epilog=SUGGEST)(suggest)
app.command("check", epilog=CHECK)(check)
