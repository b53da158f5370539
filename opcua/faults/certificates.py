"""Certificates that a client must refuse: out of date, or not the one that it knows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from opcua.security import ServerSecurity

__all__ = ["expired", "renewed"]


def expired(security: ServerSecurity) -> ServerSecurity:
    """Return the same key with a certificate that ended yesterday."""
    key = load_pem_private_key(security.key, None)
    assert isinstance(key, rsa.RSAPrivateKey)  # noqa: S101 - OPC UA's policies know no other
    now = datetime.now(UTC)
    certificate = _like(security.certificate, key, now - timedelta(400), now - timedelta(1))
    return replace(security, certificate=certificate)


def renewed(security: ServerSecurity) -> ServerSecurity:
    """Return another key and certificate of the same name."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    now = datetime.now(UTC)
    certificate = _like(security.certificate, key, now - timedelta(1), now + timedelta(3650))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return replace(security, certificate=certificate, key=pem)


def _like(der: bytes, key: rsa.RSAPrivateKey, start: datetime, end: datetime) -> bytes:
    """Make a self-signed certificate that says what another says."""
    old = x509.load_der_x509_certificate(der)
    builder = (
        x509.CertificateBuilder()
        .subject_name(old.subject)
        .issuer_name(old.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
    )
    for extension in old.extensions:
        value = extension.value
        if isinstance(value, x509.SubjectKeyIdentifier):
            value = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        builder = builder.add_extension(value, critical=extension.critical)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
