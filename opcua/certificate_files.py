"""The certificates of a directory of keys: what there is, until when, and new ones for old."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from opcua.security import (
    CLIENT_URI,
    SERVER_URI,
    make_pki,
    require_whole,
    self_signed,
    write_secret,
)
from twin.errors import UsageError

__all__ = ["Held", "Side", "certificates", "make_new", "read_der", "renew"]

Side = Literal["server", "client"]
_FOLDERS = ("", "trusted_clients", "rejected_clients")
_TRUSTED = Path("trusted_clients") / "twin.der"


@dataclass(frozen=True, slots=True)
class Held:
    """A certificate in a directory.

    Args:
        file: below the directory, as `trusted_clients/twin.der`.
        subject: whose it is.
        uri: the application's, as OPC UA wants one; empty: none.
        from_, until: when it is valid, UTC.
        key_bits: size of its RSA key; 0: it has none.
        sha256: its fingerprint, in hex.
    """

    file: str
    subject: str
    uri: str
    from_: datetime
    until: datetime
    key_bits: int
    sha256: str

    def days_left(self, now: datetime) -> int:
        """Whole days until it ends; negative when it has."""
        return (self.until - now).days


def certificates(directory: Path) -> tuple[Held, ...]:
    """List the certificates of a directory: its own, the trusted and the rejected ones.

    Raises:
        UsageError: there is no such directory, it is not whole, or a file is no certificate.
    """
    if not directory.is_dir():
        raise UsageError(f"{directory}: must be a directory of keys; make it: twin certs make")
    require_whole(directory)
    found, wrong = [], []
    for folder in _FOLDERS:
        for path in sorted((directory / folder).glob("*.der")):
            try:
                found.append(_held(path, directory))
            except ValueError:
                wrong.append(f"{path}: must be a certificate (DER); remove it, or convert it")
    if wrong:
        raise UsageError("\n".join(wrong))
    return tuple(found)


def _held(path: Path, directory: Path) -> Held:
    der = path.read_bytes()
    certificate = x509.load_der_x509_certificate(der)
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    except x509.ExtensionNotFound:
        uris = []
    key = certificate.public_key()
    return Held(
        str(path.relative_to(directory)),
        certificate.subject.rfc4514_string(),
        uris[0] if uris else "",
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
        key.key_size if isinstance(key, rsa.RSAPublicKey) else 0,
        hashlib.sha256(der).hexdigest(),
    )


def read_der(path: Path) -> bytes:
    """Read a certificate.

    Raises:
        UsageError: the file is none.
    """
    try:
        der = path.read_bytes()
        x509.load_der_x509_certificate(der)
    except (OSError, ValueError) as error:
        raise UsageError(f"--certificate: {path} must be a certificate (DER), {error}") from error
    return der


def make_new(directory: Path) -> None:
    """Make a directory of keys where there is none.

    Raises:
        UsageError: there is something already; nothing is overwritten.
    """
    if directory.is_dir() and any(directory.iterdir()):
        raise UsageError(
            f"{directory}: must be new or empty, it holds keys already; nothing was changed: "
            "see them with twin certs show, replace one with twin certs renew"
        )
    make_pki(directory)


def renew(directory: Path, side: Side, now: datetime | None = None) -> Held:
    """Put a new key and certificate in the place of a side's; the old ones are kept beside them.

    A renewed client is trusted at once; PLCs that run show a renewed server's when they are started
    again.

    Args:
        directory: of keys.
        side: whose.
        now: names the files that the old ones become; None: the wall's.

    Returns:
        The new certificate.

    Raises:
        UsageError: the directory is not whole, or can't be written.
    """
    require_whole(directory)
    uri, usage = (
        (SERVER_URI, ExtendedKeyUsageOID.SERVER_AUTH)
        if side == "server"
        else (CLIENT_URI, ExtendedKeyUsageOID.CLIENT_AUTH)
    )
    key, certificate = self_signed(side, uri, usage)
    stamp = (now or datetime.now(UTC)).strftime("%Y%m%dT%H%M%S%f")
    try:
        for name, content in ((f"{side}.key.pem", key), (f"{side}.cert.der", certificate)):
            # The old one keeps a name that nothing reads: `.der` ends what is listed and trusted.
            os.link(directory / name, directory / f"{name}.{stamp}")
            _replace(directory / name, content)
        if side == "client":
            _replace(directory / _TRUSTED, certificate)
    except OSError as error:
        raise UsageError(
            f"{directory}: must be a directory that can be written, {error.strerror or error}"
        ) from error
    return _held(directory / f"{side}.cert.der", directory)


def _replace(path: Path, content: bytes) -> None:
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    write_secret(fresh, content)
    # A reader finds the old one or the new one, whole.
    fresh.replace(path)
