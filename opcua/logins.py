"""Who is let in, and as what: over a channel with a trusted certificate, by password, certificate,
or, if that is asked for, as nobody in particular."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Any

from asyncua import ua
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.internal_server import InternalServer

from opcua.password_check import is_right
from opcua.roles import Role
from opcua.security import ServerSecurity

__all__ = ["LoggedOn", "Logins", "role_of"]

_SIGNATURES = {
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "http://opcfoundation.org/UA/security/rsa-pss-sha2-256",
}
"""By which a user proves to hold a certificate's key; SHA-1 proves nothing any more."""


@dataclass
class LoggedOn(User):  # type: ignore[misc]  # no types
    """A user, as asyncua has one, and its role here."""

    access: Role = Role.OBSERVE


def role_of(user: User) -> Role:
    """Return a user's role; who has none may look."""
    return user.access if isinstance(user, LoggedOn) else Role.OBSERVE


class Logins:
    """Lets users in; asyncua's user manager.

    Args:
        security: whom; None: everybody, who may do everything.
    """

    def __init__(self, security: ServerSecurity | None) -> None:
        self._security = security
        self._token: Any = None

    def present(self, params: ua.ActivateSessionParameters, channel: bytes | None) -> None:
        """Look at how somebody logs on, before asyncua does.

        Args:
            params: what the client sends.
            channel: the channel's certificate, whose key the client has proved to hold: what it
                names when it makes the session proves nothing.

        Raises:
            UaStatusCodeError: they won't be let in.
        """
        self._token = params.UserIdentityToken
        if self._security is None:
            return
        if not self._security.trusts(channel):
            raise ua.uaerrors.BadUserAccessDenied
        by_certificate = isinstance(self._token, ua.X509IdentityToken)
        if by_certificate and params.UserTokenSignature.Algorithm not in _SIGNATURES:
            raise ua.uaerrors.BadUserSignatureInvalid

    def get_user(
        self,
        _: InternalServer,
        username: str | None = None,
        password: str | None = None,
        certificate: bytes | None = None,
    ) -> User | None:
        """Find who it is; None: nobody who is let in.

        Raises:
            Unchecked: a password has to be hashed first.
        """
        security, token = self._security, self._token
        if security is None:
            return LoggedOn(UserRole.User, None, Role.ENGINEER)
        if isinstance(token, ua.UserNameIdentityToken):
            return self._by_password(security, username or "", password or "")
        if isinstance(token, ua.X509IdentityToken):
            return next(
                (
                    LoggedOn(UserRole.User, account.name, account.role)
                    for account in security.accounts
                    if account.certificate and account.certificate == certificate
                ),
                None,
            )
        if security.anonymous is None:
            return None
        return LoggedOn(UserRole.User, None, security.anonymous)

    @staticmethod
    def _by_password(security: ServerSecurity, name: str, password: str) -> User | None:
        if hmac.compare_digest(name.encode(), security.user.encode()):
            right = hmac.compare_digest(password.encode(), security.password.encode())
            return LoggedOn(UserRole.User, name, Role.ENGINEER) if right else None
        account = next((each for each in security.accounts if each.name == name), None)
        if account is None or not is_right(account, password):
            return None
        return LoggedOn(UserRole.User, name, account.role)
