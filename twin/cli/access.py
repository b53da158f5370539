"""Options of `twin plc` that say whom a PLC lets in, and how much of anything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from opcua.limits import TOLD, limited
from opcua.personality import GENERIC, Personality, personality
from opcua.roles import Role
from opcua.security import ServerSecurity, server_security
from twin.cli.faults import Faults
from twin.errors import UsageError

__all__ = ["ANONYMOUS_HELP", "LIMIT_HELP", "access_of", "make_told", "role_told"]

_ROLES = ", ".join(role.name.lower() for role in Role)
ANONYMOUS_HELP = (
    f"Let in who gives no name, over a trusted channel, as ROLE: {_ROLES}. Without, nobody."
)
LIMIT_HELP = f"NAME=NUMBER: what a client may have at most. Names: {', '.join(TOLD)}."


def make_told(make: str, limits: Iterable[str], faults: Faults) -> Personality:
    """Find a make of PLC, with limits of one's own.

    Args:
        make: its name.
        limits: NAME=NUMBER each.
        faults: notes what is wrong; what is returned then is of no use.
    """
    found = GENERIC
    with faults.noted():
        found = personality(make)
    allowed = found.limits
    with faults.noted():
        allowed = limited(allowed, limits)
    return replace(found, limits=allowed)


def role_told(anonymous: str | None, security: bool) -> Role | None:
    """Read what somebody without a name may do.

    Args:
        anonymous: a role's name; None: they are kept out.
        security: whether the PLC is encrypted.

    Raises:
        UsageError: no role, or nobody is asked for a name.

    >>> role_told("observe", True)
    <Role.OBSERVE: 1>
    """
    if anonymous is None:
        return None
    known = {role.name.lower(): role for role in Role}
    if anonymous not in known:
        raise UsageError(f"--anonymous must be one of {_ROLES}, got {anonymous!r}")
    if not security:
        raise UsageError(
            "--anonymous is for a PLC that asks who its clients are; with --no-security it does "
            "not: leave one of the two out"
        )
    return known[anonymous]


def access_of(pki: Path, security: bool, anonymous: Role | None) -> ServerSecurity | None:
    """Say whom a PLC lets in; None: everybody, unencrypted."""
    return server_security(pki, anonymous) if security else None
