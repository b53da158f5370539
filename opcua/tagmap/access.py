"""Keys, certificates and passwords of a tag map's PLCs: read anew whenever they are asked for."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from opcua.security import ClientSecurity, client_security
from opcua.tagmap.model import Security
from twin.errors import UsageError

__all__ = ["access_to"]


def access_to(
    plc: str, security: Security | None, pki: Path
) -> Callable[[], ClientSecurity | None]:
    """Make the function that says who we are to a PLC.

    Args:
        plc: its id, for messages.
        security: what the map says; None: as to the twin's own emulated PLCs.
        pki: the twin's own keys.

    Returns:
        What it returns is read from the files at every call, so that renewed ones are taken up.

    Raises (the function):
        UsageError: a file or an environment variable is not there.

    >>> access_to("PLC", Security(policy="none"), Path("pki"))() is None
    True
    """
    if security is None:
        return lambda: client_security(pki)
    if security.policy == "none":
        return lambda: None
    asked = security

    def read() -> ClientSecurity:
        own = _own(plc, Path(asked.pki) if asked.pki else pki, asked)
        return replace(own, user=asked.user, password=_password(plc, asked))

    return read


def _own(plc: str, folder: Path, asked: Security) -> ClientSecurity:
    server = Path(asked.server_certificate) if asked.server_certificate else None
    return ClientSecurity(
        certificate=_bytes(plc, folder / "client.cert.der"),
        key=_bytes(plc, folder / "client.key.pem"),
        server_certificate=_bytes(plc, server or folder / "server.cert.der"),
        user="",
        password="",
        policy=asked.policy,
        mode=asked.mode,
    )


def _password(plc: str, asked: Security) -> str:
    if asked.password_file:
        return _bytes(plc, Path(asked.password_file)).decode().strip()
    if not asked.password_env:
        return ""
    found = os.environ.get(asked.password_env)
    if found is None:
        raise UsageError(
            f"{plc}: password_env: the environment must have {asked.password_env}, it has not"
        )
    return found


def _bytes(plc: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{plc}: {path} must be a file that can be read: {error.strerror}"
        ) from None
