"""The users of a line's PLCs: name, role, and a password or a certificate; in `users.json`.

Passwords are kept as scrypt's hashes, with a salt each (RFC 7914).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from opcua.roles import Role
from twin.errors import UsageError

__all__ = ["Account", "add_user", "read_users", "with_password"]

_FILE = "users.json"
_NAME = re.compile(r"[\w.@-]{1,64}")
_COST, _BLOCK, _THREADS = 2**14, 8, 1


@dataclass(frozen=True, slots=True)
class Account:
    """A user.

    Args:
        name: its own.
        role: what it may do.
        salt, digest: of its password; empty: it has none.
        certificate: that it logs on with, DER; empty: none.
    """

    name: str
    role: Role
    salt: bytes = b""
    digest: bytes = b""
    certificate: bytes = b""

    def knows(self, password: str) -> bool:
        """Tell whether a password is its own; takes as long either way.

        >>> with_password("eve", Role.OBSERVE, "s3cret").knows("s3cret")
        True
        """
        found = _digest(password, self.salt)
        return bool(self.digest) and hmac.compare_digest(found, self.digest)


def with_password(name: str, role: Role, password: str) -> Account:
    """Make a user with a password."""
    salt = secrets.token_bytes(16)
    return Account(name, role, salt, _digest(password, salt))


def _digest(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=_COST, r=_BLOCK, p=_THREADS)


def read_users(directory: Path) -> tuple[Account, ...]:
    """Read the users of a directory of keys; none where nobody has been added.

    Raises:
        UsageError: the file is not what `add_user` wrote.
    """
    path = directory / _FILE
    try:
        entries = json.loads(path.read_text())
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: must be a list of users in JSON, {error}") from error
    try:
        return tuple(
            Account(
                entry["name"],
                Role[entry["role"].upper()],
                *(
                    base64.b64decode(entry.get(part, ""))
                    for part in ("salt", "digest", "certificate")
                ),
            )
            for entry in entries
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        roles = ", ".join(role.name.lower() for role in Role)
        raise UsageError(
            f"{path}: each user must have a name and a role of {roles}, {error}; "
            "mend it, or remove it and add the users again"
        ) from error


def add_user(directory: Path, account: Account) -> None:
    """Add a user to a directory of keys.

    Raises:
        UsageError: the name is taken or none, or the file can't be written.
    """
    if _NAME.fullmatch(account.name) is None:
        raise UsageError(f"user: must be 1 to 64 letters, digits and . _ @ -, got {account.name!r}")
    users = read_users(directory)
    if any(account.name == other.name for other in users):
        raise UsageError(
            f"{directory / _FILE}: has a user {account.name} already; choose another name"
        )
    _write_users(directory, (*users, account))


def _write_users(directory: Path, users: Iterable[Account]) -> None:
    entries = [
        {
            "name": user.name,
            "role": user.role.name.lower(),
            **{
                part: base64.b64encode(getattr(user, part)).decode()
                for part in ("salt", "digest", "certificate")
                if getattr(user, part)
            },
        }
        for user in users
    ]
    path = directory / _FILE
    fresh = path.with_suffix(f".{os.getpid()}")
    try:
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump(entries, file, indent=1)
        # A reader sees the old list or the new one.
        fresh.replace(path)
    except OSError as error:
        raise UsageError(f"{path}: must be writable, {error.strerror or error}") from error
