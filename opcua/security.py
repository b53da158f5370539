"""Keys, certificates and the password of a line's PLCs and its twin, in one directory.

    server.key.pem, server.cert.der      what every emulated PLC of the directory shows
    client.key.pem, client.cert.der      what the twin shows
    trusted_clients/*.der                the client certificates that a PLC accepts, and no other
    rejected_clients/*.der               those that it has refused; move one to trusted_clients
    password                             of the one user

Everything is made on first use, whole or not at all, readable by its owner only.
"""

from __future__ import annotations

import datetime
import hashlib
import logging
import os
import secrets
import shutil
import socket
import tempfile
from dataclasses import dataclass, field
from ipaddress import IPv4Address, ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from opcua.roles import Role
from opcua.users import Account, read_users
from twin.errors import UsageError

__all__ = [
    "CLIENT_URI",
    "SERVER_URI",
    "USER",
    "ClientSecurity",
    "ServerSecurity",
    "client_security",
    "is_loopback",
    "make_pki",
    "require_whole",
    "self_signed",
    "server_security",
    "write_secret",
]

SERVER_URI = "urn:linetwin:plc"
CLIENT_URI = "urn:linetwin:twin"
USER = "twin"

_YEARS = 10
_MOST_REJECTED = 100

_log = logging.getLogger(__name__)
_FILES = ("server.key.pem", "server.cert.der", "client.key.pem", "client.cert.der", "password")


@dataclass(frozen=True, slots=True)
class ServerSecurity:
    """What a PLC shows and whom it lets in.

    Args:
        certificate: its own, DER.
        key: its private key, PEM.
        trusted: client certificates that it accepts, DER.
        user, password: the one user.
        anonymous: what somebody who does not say who they are may do; None: they are kept out.
        folder: where more users are, and certificates that became trusted since, and where those
            go that are refused; None: neither.
    """

    certificate: bytes
    key: bytes = field(repr=False)
    trusted: frozenset[bytes]
    user: str
    password: str = field(repr=False)
    folder: Path | None = None
    anonymous: Role | None = None

    @property
    def accounts(self) -> tuple[Account, ...]:
        """The users beside the one, as they are now."""
        return () if self.folder is None else read_users(self.folder)

    def trusts(self, certificate: bytes | None) -> bool:
        """Tell whether a client's certificate (DER) is on the list, as it is now."""
        if certificate is None:
            return False
        return certificate in self.trusted or (
            self.folder is not None and certificate in _trusted(self.folder)
        )

    def reject(self, certificate: bytes) -> None:
        """Keep a certificate that was refused, for somebody to look at; a hundred at most."""
        if self.folder is None:
            return
        rejected = self.folder / "rejected_clients"
        name = hashlib.sha256(certificate).hexdigest()[:16]
        try:
            rejected.mkdir(mode=0o700, exist_ok=True)
            if len(list(rejected.iterdir())) < _MOST_REJECTED:
                write_secret(rejected / f"{name}.der", certificate)
        except OSError as error:
            if not isinstance(error, FileExistsError):
                _log.warning("%s: a refused certificate can't be kept: %s", rejected, error)


@dataclass(frozen=True, slots=True)
class ClientSecurity:
    """What a client shows and which server it talks to.

    Args:
        certificate: its own, DER.
        key: its private key, PEM.
        server_certificate: the only one that it accepts, DER.
        user, password: who it logs on as; an empty user: nobody.
        policy: encryption, by the last part of its URI.
        mode: whether messages are only signed, or encrypted too.
    """

    certificate: bytes
    key: bytes = field(repr=False)
    server_certificate: bytes
    user: str
    password: str = field(repr=False)
    policy: str = "Basic256Sha256"
    mode: str = "SignAndEncrypt"


def is_loopback(host: str) -> bool:
    """Tell whether a host can be reached from this machine only.

    >>> is_loopback("127.0.0.1"), is_loopback("0.0.0.0"), is_loopback("localhost")
    (True, False, True)
    """
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def make_pki(directory: Path) -> None:
    """Make a directory of keys, certificates and the password; leave one that is there alone.

    Two processes may do so at the same time: one's work stands, the other's is thrown away.

    Args:
        directory: where; its parents are made too.

    Raises:
        UsageError: the directory is there, with other things in it or a part missing, or it can't
            be made.
    """
    if directory.is_dir() and any(directory.iterdir()):
        require_whole(directory)
        return
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
    except OSError as error:
        raise UsageError(
            f"{directory.parent}: must be a directory that can be written, "
            f"{error.strerror or error}; name another with --data"
        ) from error
    try:
        _fill(made)
        # One rename, so that nobody ever sees a part of it.
        made.replace(directory)
    except OSError:
        # Somebody else was first: a directory that is not empty can't be replaced.
        require_whole(directory)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def server_security(directory: Path, anonymous: Role | None = None) -> ServerSecurity:
    """Read what a PLC needs, having made it where it is not there yet.

    Args:
        directory: where.
        anonymous: what somebody who does not say who they are may do; None: they are kept out.

    Raises:
        UsageError: the directory is not whole.
    """
    make_pki(directory)
    return ServerSecurity(
        certificate=(directory / "server.cert.der").read_bytes(),
        key=(directory / "server.key.pem").read_bytes(),
        trusted=_trusted(directory),
        user=USER,
        password=(directory / "password").read_text().strip(),
        folder=directory,
        anonymous=anonymous,
    )


def _trusted(directory: Path) -> frozenset[bytes]:
    return frozenset(path.read_bytes() for path in (directory / "trusted_clients").glob("*.der"))


def client_security(directory: Path) -> ClientSecurity:
    """Read what the twin needs, having made it where it is not there yet.

    Raises:
        UsageError: the directory is not whole.
    """
    make_pki(directory)
    return ClientSecurity(
        certificate=(directory / "client.cert.der").read_bytes(),
        key=(directory / "client.key.pem").read_bytes(),
        server_certificate=(directory / "server.cert.der").read_bytes(),
        user=USER,
        password=(directory / "password").read_text().strip(),
    )


def require_whole(directory: Path) -> None:
    """Refuse a directory in which a part is missing.

    Raises:
        UsageError: so it is.
    """
    missing = [name for name in _FILES if not (directory / name).is_file()]
    if missing:
        raise UsageError(
            f"{directory}: must hold a whole set of keys and certificates, "
            f"{', '.join(missing)} missing; name an empty directory, or remove this one"
        )


def _fill(directory: Path) -> None:
    directory.chmod(0o700)
    trusted = directory / "trusted_clients"
    trusted.mkdir(mode=0o700)
    for name, uri, usage in (
        ("server", SERVER_URI, ExtendedKeyUsageOID.SERVER_AUTH),
        ("client", CLIENT_URI, ExtendedKeyUsageOID.CLIENT_AUTH),
    ):
        key, certificate = self_signed(name, uri, usage)
        write_secret(directory / f"{name}.key.pem", key)
        write_secret(directory / f"{name}.cert.der", certificate)
        if name == "client":
            write_secret(trusted / "twin.der", certificate)
    write_secret(directory / "password", secrets.token_urlsafe(24).encode())


def write_secret(path: Path, content: bytes) -> None:
    """Write a new file that its owner alone can read."""
    # Never readable by others, not even for the instant between making and chmod.
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)


def self_signed(name: str, uri: str, usage: x509.ObjectIdentifier) -> tuple[bytes, bytes]:
    """Make a key (PEM) and its certificate (DER) as OPC 10000-6, 6.2.2 wants it."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, f"linetwin {name}"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "linetwin"),
        ]
    )
    now = datetime.datetime.now(datetime.UTC)
    hosts = dict.fromkeys(("localhost", socket.gethostname()))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # A day of grace, for a peer whose clock is behind.
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=365 * _YEARS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                content_commitment=True,
                key_encipherment=True,
                data_encipherment=True,
                key_agreement=False,
                key_cert_sign=True,
                crl_sign=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(
            x509.SubjectAlternativeName(
                [
                    x509.UniformResourceIdentifier(uri),
                    *(x509.DNSName(host) for host in hosts),
                    x509.IPAddress(IPv4Address("127.0.0.1")),
                ]
            ),
            critical=False,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem, certificate.public_bytes(Encoding.DER)
