"""`twin certs`: the keys, certificates and users of a line's PLCs and of the twin."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from opcua.certificate_files import Held, Side, certificates, make_new, read_der, renew
from opcua.roles import Role
from opcua.users import Account, add_user, read_users, with_password
from twin.cli.places import DEFAULT_DATA, DataPlaces
from twin.cli.screen import print_json
from twin.errors import UsageError

__all__ = ["app"]

_SOON_DAYS = 60

app = typer.Typer(
    help="The keys, certificates and users of a line's PLCs and of the twin.",
    no_args_is_help=True,
)
Data = Annotated[Path, typer.Option(help="Where keys and passwords are kept, below `pki`.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]


def make(data: Data = DEFAULT_DATA) -> None:
    """Make keys and certificates for the PLCs and the twin, and a password; overwrites nothing."""
    pki = DataPlaces(data).pki
    make_new(pki)
    typer.echo(f"{pki}: made")
    _print(certificates(pki))


def show(data: Data = DEFAULT_DATA, as_json: AsJson = False) -> None:
    """Show every certificate, until when it is valid, and the users with their roles.

    Exit code 1 if one of our own has ended.
    """
    pki = DataPlaces(data).pki
    held, now = certificates(pki), datetime.now(UTC)
    users = [{"name": user.name, "role": user.role.name.lower()} for user in read_users(pki)]
    if as_json:
        shown = [
            {
                "file": one.file,
                "subject": one.subject,
                "uri": one.uri,
                "from": one.from_.isoformat(),
                "until": one.until.isoformat(),
                "days_left": one.days_left(now),
                "key_bits": one.key_bits,
                "sha256": one.sha256,
            }
            for one in held
        ]
        print_json({"pki": str(pki), "certificates": shown, "users": users})
    else:
        _print(held)
        for user in users:
            typer.echo(f"user {user['name']}: may {user['role']}")
    if any(one.days_left(now) < 0 for one in held if "/" not in one.file):
        raise typer.Exit(1)


def renewed(
    side: Annotated[str, typer.Argument(help="Whose: server or client.")],
    data: Data = DEFAULT_DATA,
) -> None:
    """Make a new key and certificate in the place of one; the old ones are kept beside them.

    PLCs that run show a renewed server's when they are started again; a renewed client is trusted
    at once.
    """
    if side not in ("server", "client"):
        raise UsageError(f"must be server or client, got {side!r}")
    which: Side = "server" if side == "server" else "client"
    pki = DataPlaces(data).pki
    certificates(pki)
    _print((renew(pki, which),))


def user(
    name: Annotated[str, typer.Argument(help="Who logs on.")],
    role: Annotated[
        str, typer.Option(help="observe, operate (command, acknowledge) or engineer (set).")
    ] = "observe",
    certificate: Annotated[
        Path | None,
        typer.Option(help="Logs on with this certificate (DER) instead of a password."),
    ] = None,
    data: Data = DEFAULT_DATA,
) -> None:
    """Add a user to the PLCs; prints the password that was drawn, once.

    PLCs that run know it at once.
    """
    roles = {each.name.lower(): each for each in Role}
    if role not in roles:
        raise UsageError(f"--role: must be one of {', '.join(roles)}, got {role!r}")
    pki = DataPlaces(data).pki
    certificates(pki)
    if certificate is not None:
        add_user(pki, Account(name, roles[role], certificate=read_der(certificate)))
        typer.echo(f"{name} may {role}, with the certificate {certificate}")
        return
    word = secrets.token_urlsafe(18)
    add_user(pki, with_password(name, roles[role], word))
    typer.echo(f"{name} may {role}; password, shown this once:", err=True)
    typer.echo(word)


def _print(held: tuple[Held, ...]) -> None:
    now = datetime.now(UTC)
    for one in held:
        days = one.days_left(now)
        left = f"{days} days left" if days >= 0 else "ENDED"
        warns = "; renew it soon" if 0 <= days < _SOON_DAYS else ""
        typer.echo(f"{one.file}: {one.subject}, until {one.until:%Y-%m-%d}, {left}{warns}")
        typer.echo(f"  {one.uri or 'no application URI'}, RSA {one.key_bits}, sha256 {one.sha256}")


app.command("make", epilog="Examples:  twin certs make   |   twin certs make --data plant7")(make)
app.command("show", epilog="Examples:  twin certs show   |   twin certs show --json")(show)
app.command("renew", epilog="Examples:  twin certs renew server   |   twin certs renew client")(
    renewed
)
app.command(
    "user",
    epilog="Examples:  twin certs user olga   |   twin certs user oscar --role operate   |   "
    "twin certs user erin --role engineer --certificate erin.der",
)(user)
