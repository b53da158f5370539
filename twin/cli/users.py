"""`twin users`: who may use the live page."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from dashboards.live.users import Role, hashed, load_users, save_users
from twin.cli.places import DEFAULT_DATA, DataPlaces
from twin.cli.screen import STDERR, STDOUT
from twin.errors import UsageError

__all__ = ["app"]

PASSWORD = "LINETWIN_PASSWORD"  # noqa: S105 - the name of a variable
EXAMPLES = (
    "Examples:  twin users add mei --role operate   |   twin users list   |   twin users remove mei"
)
app = typer.Typer(
    help="Who may use the live page. Without users everybody on this machine may, and nobody else.",
    no_args_is_help=True,
    epilog=EXAMPLES,
)
Data = Annotated[Path, typer.Option(help="Where the users are kept.")]
Name = Annotated[str, typer.Argument(help="As it is typed to log in.")]


@app.command(epilog=EXAMPLES)
def add(
    name: Name,
    role: Annotated[str, typer.Option(help="view, operate (acknowledge, what-if) or admin.")] = (
        "view"
    ),
    data: Data = DEFAULT_DATA,
) -> None:
    """Add somebody, or give them another role and password.

    The password is asked for; a script puts it into LINETWIN_PASSWORD, never on the command line.
    """
    try:
        chosen = Role[role.upper()]
    except KeyError:
        raise UsageError(f"--role must be one of view, operate, admin, got {role!r}") from None
    password = os.environ.get(PASSWORD)
    if password is None:
        if not sys.stdin.isatty():
            raise UsageError(f"there is no terminal to ask for a password; put it in {PASSWORD}")
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    path = DataPlaces(data).users
    users = load_users(path)
    before = name in users
    users[name] = hashed(name, chosen, password)
    save_users(path, users)
    STDERR.print(
        f"{name} {'now has' if before else 'may use the page with'} the role {role.lower()}",
        highlight=False,
    )


@app.command("list", epilog=EXAMPLES)
def list_users(data: Data = DEFAULT_DATA) -> None:
    """Print who may use the page."""
    users = load_users(DataPlaces(data).users)
    if not users:
        STDERR.print("no users: everybody on this machine may use the page", highlight=False)
    for user in users.values():
        STDOUT.print(f"{user.name}\t{user.role.name.lower()}", highlight=False)


@app.command(epilog=EXAMPLES)
def remove(name: Name, data: Data = DEFAULT_DATA) -> None:
    """Remove somebody; whoever is logged in under that name is logged out."""
    path = DataPlaces(data).users
    users = load_users(path)
    if users.pop(name, None) is None:
        known = ", ".join(load_users(path)) or "nobody"
        raise UsageError(f"there is no user {name!r}; there is {known}")
    save_users(path, users)
    STDERR.print(f"{name} may no longer use the page", highlight=False)
