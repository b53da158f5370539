"""Who may use the page: names, roles and password hashes in one file.

Passwords are kept as scrypt hashes (RFC 7914) with a salt each, at the cost that OWASP's password
storage cheat sheet asks for.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Final

from twin.errors import UsageError

__all__ = ["Role", "User", "Users", "hashed", "load_users", "save_users"]

COST: Final = {"n": 2**17, "r": 8, "p": 1, "maxmem": 256 * 2**20}
SHORTEST = 10


class Role(IntEnum):
    """What somebody may do; each role may do what those before it may."""

    VIEW = 1
    OPERATE = 2
    ADMIN = 3


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may use the page.

    Args:
        name: as it is typed to log in.
        role: what they may do.
        salt, digest: of the password.
    """

    name: str
    role: Role
    salt: bytes
    digest: bytes

    def has_password(self, password: str) -> bool:
        """Whether a password is the right one; takes as long for a wrong one."""
        return hmac.compare_digest(_scrypt(password, self.salt), self.digest)


Users = dict[str, User]


def hashed(name: str, role: Role, password: str) -> User:
    """Make a user of a name and a password.

    Raises:
        UsageError: the password is too short, or the name is none.
    """
    if not name or len(name) > 64 or not name.isprintable():
        raise UsageError(f"a user's name must be 1 to 64 printable characters, got {name!r}")
    if len(password) < SHORTEST:
        raise UsageError(f"a password must have at least {SHORTEST} characters")
    salt = secrets.token_bytes(16)
    return User(name, role, salt, _scrypt(password, salt))


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, dklen=32, **COST)


def load_users(path: Path) -> Users:
    """Read the users' file; nobody where there is none.

    Raises:
        UsageError: it is no such file.
    """
    if not path.exists():
        return {}
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["users"]
        users = [
            User(
                row["name"],
                Role[row["role"].upper()],
                base64.b64decode(row["salt"]),
                base64.b64decode(row["digest"]),
            )
            for row in rows
        ]
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{path} is no file of users ({error!r}); 'twin users add NAME' makes one"
        ) from None
    return {user.name: user for user in users}


def save_users(path: Path, users: Users) -> None:
    """Write the users' file, readable for its owner alone, all or nothing."""
    rows = [
        {
            "name": user.name,
            "role": user.role.name.lower(),
            "salt": base64.b64encode(user.salt).decode(),
            "digest": base64.b64encode(user.digest).decode(),
        }
        for user in users.values()
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump({"users": rows}, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
