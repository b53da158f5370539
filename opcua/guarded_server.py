"""An asyncua server whose doors are shut: one user, over a channel with a trusted certificate.

asyncua by itself lets `admin` in with any password and anonymous without one, checks no client
certificate, takes the certificate that a client *names* for the one that it holds, accepts a
password over a channel without encryption, and hands a live session to whoever sends its number,
before it asks who that is. Each is closed here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from asyncua import Server, ua
from asyncua.common.utils import ServiceError
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.address_space import AttributeValue
from asyncua.server.internal_server import InternalServer
from asyncua.server.internal_session import InternalSession
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from opcua.framing import GuardedTransports
from opcua.history import History
from opcua.history_read import HistoryReads, show_history
from opcua.limited_session import LimitedSession
from opcua.limits import NO_LIMITS, Limits, show_limits
from opcua.logins import Logins
from opcua.password_check import PasswordChecks
from opcua.quiet import quiet_asyncua
from opcua.security import SERVER_URI, ServerSecurity
from opcua.standard_space import standard_nodes
from opcua.standards import STANDARD_URIS
from opcua.subscriptions import BulkSubscriptions
from opcua.tag_table import TagTable
from opcua.ua_values import Namespaces
from opcua.wire_values import BASE

__all__ = ["guarded_server", "namespace_table"]

_SESSION_TIMEOUT_MS = 60_000.0
_POLICIES = (
    # A client that takes the first gets what all of them know, encrypted.
    ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt,
    ua.SecurityPolicyType.Basic256Sha256_Sign,
    ua.SecurityPolicyType.Aes128Sha256RsaOaep_SignAndEncrypt,
    ua.SecurityPolicyType.Aes128Sha256RsaOaep_Sign,
    ua.SecurityPolicyType.Aes256Sha256RsaPss_SignAndEncrypt,
    ua.SecurityPolicyType.Aes256Sha256RsaPss_Sign,
)
_CHUNK_BYTES = 65_535
_UNACKNOWLEDGED = 64
"""Notifications that are kept for a client to ask for again; each may be of some 100 kB."""


async def guarded_server(
    name: str,
    url: str,
    security: ServerSecurity | None,
    namespaces: Namespaces,
    limits: Limits = NO_LIMITS,
) -> Server:
    """Make a server, not started yet.

    Args:
        name: what it calls itself, as `LDES1 PLC1`.
        url: where it will listen, as `opc.tcp://127.0.0.1:0`.
        security: whom to let in, over a channel that is signed, or signed and encrypted; None:
            everybody, with neither.
        namespaces: as `namespace_table` numbers them.
        limits: what it allows.
    """
    quiet_asyncua()
    internal = _Internal(security, namespaces, limits)
    server = Server(iserver=internal)
    await server.init()
    await server.set_application_uri(SERVER_URI)
    for uri, index in list(namespaces.items())[2:]:
        if await server.register_namespace(uri) != index:
            raise ValueError(f"{uri}: the server numbers its namespaces otherwise")
    server.set_endpoint(url)
    server.set_server_name(name)
    server.disable_clock()
    server.limits.max_message_size = limits.message_bytes
    server.limits.max_chunk_count = -(-limits.message_bytes // _CHUNK_BYTES)
    if security is None:
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        server.set_identity_tokens([ua.AnonymousIdentityToken])
        return server
    server.set_security_policy(list(_POLICIES))
    tokens = [ua.UserNameIdentityToken, ua.X509IdentityToken]
    if security.anonymous is not None:
        tokens.append(ua.AnonymousIdentityToken)
    server.set_identity_tokens(tokens)
    internal.certificate = x509.load_der_x509_certificate(security.certificate)
    internal.private_key = load_pem_private_key(security.key, None)
    internal.certificate_validator = _Trusted(security)
    return server


def namespace_table(uri: str, shift: int = 0, libraries: Sequence[str] = ()) -> Namespaces:
    """Number the namespaces of a server: what it publishes comes before the companion standards.

    Args:
        uri: the namespace of what it publishes.
        shift: namespaces that come before it, as after a change of the PLC's program.
        libraries: namespaces that a make of PLC has before that of its variables.

    >>> namespace_table("urn:l")["urn:l"], namespace_table("urn:l", 3)["urn:l"]
    (2, 5)
    """
    before = (f"urn:linetwin:library:{number}" for number in range(shift))
    uris = (BASE, SERVER_URI, *before, *libraries, uri, *STANDARD_URIS)
    # Each once, where it comes first.
    return {each: index for index, each in enumerate(dict.fromkeys(uris))}


class _Trusted:
    """Accepts the client certificates on a list, by their bytes, while they are valid."""

    def __init__(self, security: ServerSecurity) -> None:
        self._security = security

    async def __call__(self, certificate: x509.Certificate, _: ua.ApplicationDescription) -> None:
        named = certificate.public_bytes(Encoding.DER)
        if not self._security.trusts(named):
            self._security.reject(named)
            raise ServiceError(ua.StatusCodes.BadCertificateUntrusted)
        now = datetime.now(UTC)
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise ServiceError(ua.StatusCodes.BadCertificateTimeInvalid)


class _Internal(InternalServer):  # type: ignore[misc]  # no types
    """The parts of asyncua's inner server that must not stay as they are."""

    def __init__(
        self, security: ServerSecurity | None, namespaces: Namespaces, limits: Limits
    ) -> None:
        self._namespaces = namespaces
        self._limits = limits
        super().__init__(user_manager=Logins(security))
        self.max_session_timeout_ms = _SESSION_TIMEOUT_MS
        self.max_unacked_messages_per_subscription = _UNACKNOWLEDGED
        self.table = TagTable(self.aspace)
        self.subscription_service = BulkSubscriptions(self.aspace, self, self.table, limits)
        self.isession.subscription_service = self.subscription_service
        self.allow_remote_admin = False
        self.max_connections = limits.connections
        self._passwords = PasswordChecks()
        self.asyncio_transports = GuardedTransports(_CHUNK_BYTES, self._passwords.watch)

    async def load_standard_address_space(self, shelf_file: Any = None) -> None:
        self.aspace._nodes = standard_nodes(self._namespaces)  # noqa: SLF001 -- asyncua's own cache does the same

    def create_session(
        self, name: str, user: User | None = None, external: bool = False
    ) -> InternalSession:
        most = self._limits.sessions
        if external and most and len(self._external_sessions) >= most:
            raise ServiceError(ua.StatusCodes.BadTooManySessions)
        session = LimitedSession(
            self,
            self.aspace,
            self.subscription_service,
            name,
            user=user or User(role=UserRole.Anonymous),
            external=external,
        )
        session.limits = self._limits
        return session

    def lookup_external_session(self, auth_token: ua.NodeId) -> InternalSession | None:
        # asyncua would hand the session over before it looks at who asks; numbers can be guessed.
        # A client that comes back makes a new session.
        return None

    def register_server(self, server: Any, conf: Any = None) -> None:
        raise ServiceError(ua.StatusCodes.BadServiceUnsupported)

    async def start(self) -> None:
        await super().start()
        show_limits(self.aspace, self._limits)
        # Every tag is in the table by now.
        history = History(self.table, points=self._limits.history_points)
        self.history_manager = HistoryReads(self.aspace, self.table, history)
        show_history(self.aspace)
        # Read when asked for, instead of a task that writes them every second.
        now = _attribute(self, ua.ObjectIds.Server_ServerStatus_CurrentTime)
        status = _attribute(self, ua.ObjectIds.Server_ServerStatus)
        running = status.value.Value.Value

        def current_time(*_: Any) -> ua.DataValue:
            at = datetime.now(UTC)
            return ua.DataValue(ua.Variant(at, ua.VariantType.DateTime), SourceTimestamp=at)

        def current_status(*_: Any) -> ua.DataValue:
            running.CurrentTime = datetime.now(UTC)
            return ua.DataValue(ua.Variant(running), SourceTimestamp=running.CurrentTime)

        now.value_callback = current_time
        status.value_callback = current_status

    async def stop(self) -> None:
        # asyncua keeps the session of a client that went away, with two tasks, until it times out.
        for session in list(self._external_sessions.values()):
            await session.close_session(True)
        await super().stop()
        self._passwords.close()


def _attribute(server: InternalServer, object_id: int) -> AttributeValue:
    return server.aspace[ua.NodeId(object_id)].attributes[ua.AttributeIds.Value]
