"""What every request passes: hosts, headers, sessions, roles, and that it comes from our page."""

from __future__ import annotations

import ipaddress
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from fastapi import HTTPException, Request, Response

from dashboards.live.sessions import Limiter, Session, Sessions
from dashboards.live.users import Role, Users, load_users

__all__ = ["COOKIE", "HEADERS", "REPORT_POLICY", "Guard"]

COOKIE: Final = "linetwin_session"
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-cache",
}
REPORT_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
"""A report is a file of its own with its style inside; it may run and ask for nothing."""

LOCAL: Final = "local"


def is_loopback(host: str) -> bool:
    """Whether an address or name is this machine's own.

    >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "10.0.0.5")]
    [True, True, True, False]
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(slots=True)
class Guard:
    """Decides who may do what.

    Args:
        users_file: who may log in. Without users everybody on this machine may operate: the
            page then answers on loopback only.
        secure: whether browsers reach the page by https alone.
        any_host: whether requests for any host name are answered; else only those for loopback,
            so that a page elsewhere can't reach this one by a name that it points here.
    """

    users_file: Path
    secure: bool = False
    any_host: bool = False
    sessions: Sessions = field(default_factory=Sessions)
    logins: Limiter = field(default_factory=lambda: Limiter(most=5, seconds=60))
    tries: Limiter = field(default_factory=lambda: Limiter(most=30, seconds=60))
    whatifs: Limiter = field(default_factory=lambda: Limiter(most=20, seconds=60))
    _local: Session = field(init=False)
    _users: Users = field(init=False)
    _read_at: float = 0.0

    def __post_init__(self) -> None:
        now = time.monotonic()
        self._local = Session(LOCAL, Role.OPERATE, secrets.token_urlsafe(32), now, now)
        self._users = load_users(self.users_file)

    @property
    def users(self) -> Users:
        """Who may log in, read again when the file has changed."""
        changed = self.users_file.stat().st_mtime if self.users_file.exists() else 0.0
        if changed != self._read_at:
            self._users, self._read_at = load_users(self.users_file), changed
        return self._users

    def host_is_ours(self, request: Request) -> bool:
        """Whether the request names a host that this page is served under."""
        return self.any_host or is_loopback(request.url.hostname or "")

    def who(self, request: Request) -> Session | None:
        """Who asks; None where nobody is logged in and somebody has to be."""
        users = self.users
        if not users:
            return self._local
        session = self.sessions.of(request.cookies.get(COOKIE), time.monotonic())
        if session is None or session.user not in users:
            return None
        session.role = users[session.user].role
        return session

    def need(self, request: Request, role: Role) -> Session:
        """Who asks, if they may.

        Raises:
            HTTPException: 401 nobody is logged in; 403 their role does not allow it, or the
                request does not say what only our own page knows.
        """
        session = self.who(request)
        if session is None:
            raise HTTPException(401, "log in first")
        if request.method not in ("GET", "HEAD"):
            told = request.headers.get("x-csrf-token", "")
            if not secrets.compare_digest(told.encode(), session.csrf.encode()):
                raise HTTPException(403, "the request does not come from this page; load it again")
        if session.role < role:
            wanted, held = role.name.lower(), session.role.name.lower()
            raise HTTPException(403, f"this takes the role {wanted}, yours is {held}")
        return session

    def set_cookie(self, response: Response, token: str) -> None:
        """Give a browser its session."""
        response.set_cookie(
            COOKIE, token, httponly=True, samesite="strict", secure=self.secure, path="/"
        )
