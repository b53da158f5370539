"""Open an OPC UA session, or say plainly why it can't be."""

from __future__ import annotations

import asyncio
import logging

from asyncua import Client, ua
from asyncua.crypto import security_policies
from asyncua.crypto.uacrypto import CertProperties
from cryptography.exceptions import InvalidSignature

from opcua.quiet import quiet_asyncua
from opcua.security import CLIENT_URI, ClientSecurity
from twin.errors import NotConnected

__all__ = ["AccessRefused", "close", "connect"]

_log = logging.getLogger(__name__)

_SESSION_TIMEOUT_MS = 30_000
_NEVER_S = 1e9


class AccessRefused(NotConnected):
    """A server is there and won't have us: user, password, certificate or encryption."""


_POLICIES = {
    "Basic256Sha256": security_policies.SecurityPolicyBasic256Sha256,
    "Aes128Sha256RsaOaep": security_policies.SecurityPolicyAes128Sha256RsaOaep,
    "Aes256Sha256RsaPss": security_policies.SecurityPolicyAes256Sha256RsaPss,
}
_REFUSALS = {
    ua.StatusCodes.BadUserAccessDenied: "user or password is refused; "
    "both ends must use the same pki directory, or the client be given the server's password",
    ua.StatusCodes.BadIdentityTokenRejected: "the server wants a user and a password; "
    "log on with security",
    ua.StatusCodes.BadIdentityTokenInvalid: "the server can't read the user and password; "
    "check the server's certificate",
    ua.StatusCodes.BadCertificateUntrusted: "the client's certificate is not trusted; "
    "put it among the server's trusted_clients",
    ua.StatusCodes.BadCertificateTimeInvalid: "the client's certificate is out of date; "
    "make a new one",
    ua.StatusCodes.BadSecurityChecksFailed: "one side's certificate or encryption is not what the "
    "other expects; both ends must use the same pki directory, or the client's certificate be "
    "among the server's trusted_clients",
    ua.StatusCodes.BadSecurityPolicyRejected: "the server refuses this encryption; "
    "it must offer Basic256Sha256, signed and encrypted",
}


async def connect(url: str, security: ClientSecurity | None, timeout_s: float = 4.0) -> Client:
    """Connect, log on, and return asyncua's client, which `close` closes.

    Args:
        url: as `opc.tcp://127.0.0.1:4840`.
        security: who we are and which server it must be; None: anonymous, unencrypted.
        timeout_s: longest wait for each answer, seconds, greater than 0.

    Raises:
        AccessRefused: the server won't have us, or is not the one that it must be.
        NotConnected: nobody answers.
    """
    quiet_asyncua()
    # Its own reconnecting is off: what is lost, and when, is for the subscriber to say.
    client = Client(url, timeout=timeout_s, watchdog_intervall=_NEVER_S)
    client.application_uri = CLIENT_URI
    client.name = client.description = "linetwin"
    client.session_timeout = _SESSION_TIMEOUT_MS
    if security is not None:
        await client.set_security(
            _POLICIES[security.policy],
            CertProperties(security.certificate, "der"),
            CertProperties(security.key, "pem"),
            server_certificate=CertProperties(security.server_certificate, "der"),
            mode=ua.MessageSecurityMode[security.mode],
        )
        if security.user:
            client.set_user(security.user)
            client.set_password(security.password)
    try:
        await client.connect()
    except asyncio.CancelledError:
        await close(client)
        raise
    except Exception as error:
        await close(client)
        raise _translated(url, error, security) from error
    return client


def _translated(
    url: str, error: Exception, security: ClientSecurity | None
) -> NotConnected | AccessRefused:
    if isinstance(error, ua.UaStatusCodeError):
        why = _REFUSALS.get(error.code)
        if why:
            return AccessRefused(f"{url}: {why} ({ua.StatusCode(error.code).name})")
        return NotConnected(f"{url}: {ua.StatusCode(error.code).name}")
    if isinstance(error, AssertionError | InvalidSignature | ValueError):
        return AccessRefused(
            f"{url}: the secure channel can't be opened: one side's certificate is not what the "
            "other expects; both ends must use the same pki directory"
        )
    if isinstance(error, ua.UaError):
        wanted = "no encryption" if security is None else f"{security.policy}, {security.mode}"
        return AccessRefused(f"{url}: the server does not offer {wanted} ({error})")
    if isinstance(error, TimeoutError):
        # asyncua's server does not answer what it can't decrypt or offers no encryption for.
        hint = (
            ""
            if security is None
            else (
                "; where a server is there, its certificate or encryption is not what is expected, "
                "and both ends must use the same pki directory"
            )
        )
        return NotConnected(f"{url}: no answer in time{hint}")
    return NotConnected(f"{url}: {error.__class__.__name__}: {error}")


async def close(client: Client, *, polite: bool = False) -> None:
    """Close a client, whatever state it is in; nothing of it is left behind.

    Args:
        client: as `connect` returned it.
        polite: say goodbye first. For a server that still answers; one that does not costs the
            client's timeout.
    """
    if not polite:
        client.disconnect_socket()
    try:
        await client.disconnect()
    except Exception as error:  # noqa: BLE001 -- a dead peer may fail in any way; we are leaving
        _log.debug("%s: while closing: %s", client, error)
