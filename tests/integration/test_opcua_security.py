"""Who is kept out, and how plainly that is said; what asyncua alone would have let through."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import shutil
import stat
from dataclasses import replace
from functools import partial

import pytest
from asyncua import Client, ua
from asyncua.crypto.security_policies import (
    SecurityPolicyAes128Sha256RsaOaep,
    SecurityPolicyAes256Sha256RsaPss,
    SecurityPolicyBasic256Sha256,
)
from asyncua.crypto.uacrypto import CertProperties
from asyncua.ua.ua_binary import struct_from_binary
from opcua_line import LINE, QUICK, Collector, FakePlant, serve

from opcua.address_space import namespace_uri
from opcua.clock import ManualClock
from opcua.connect import AccessRefused, close, connect
from opcua.plc_server import PlcServer
from opcua.security import client_security, make_pki, server_security
from opcua.subscriber import Subscriber
from opcua.tag_map import tag_map
from twin.errors import NotConnected, UsageError

GUESS = "guess-123"
LEVEL = "L1/CUT/CUT-out/Level"


@pytest.fixture
async def url(tmp_path):
    """One PLC, served with security from `tmp_path / "pki"`."""
    async with serve(tmp_path / "pki", ManualClock(), plcs=("PLC1",)) as served:
        yield served.endpoints["PLC1"]


async def level(client: Client) -> object:
    index = await client.get_namespace_index(namespace_uri(LINE))
    return await client.get_node(ua.NodeId(LEVEL, index)).read_value()


async def test_the_right_one_is_let_in_and_may_not_write(url, tmp_path) -> None:
    client = await connect(url, client_security(tmp_path / "pki"))
    try:
        assert await level(client) == 0
        index = await client.get_namespace_index(namespace_uri(LINE))
        node = client.get_node(ua.NodeId(LEVEL, index))
        with pytest.raises(ua.uaerrors.BadUserAccessDenied):
            await node.write_value(ua.Variant(7, ua.VariantType.Int64))
        with pytest.raises(ua.uaerrors.BadUserAccessDenied):
            await node.add_folder(index, "mine")
        assert await level(client) == 0
    finally:
        await close(client, polite=True)


async def test_a_wrong_password_is_refused(url, tmp_path) -> None:
    security = client_security(tmp_path / "pki")
    for wrong in (replace(security, password=GUESS), replace(security, user="admin")):
        with pytest.raises(AccessRefused, match="user or password is refused"):
            await connect(url, wrong)


async def test_anonymous_is_refused(url, tmp_path) -> None:
    nobody = replace(client_security(tmp_path / "pki"), user="", password="")
    with pytest.raises(AccessRefused, match="wants a user and a password"):
        await connect(url, nobody)


async def test_an_untrusted_certificate_is_refused(url, tmp_path) -> None:
    ours, other = client_security(tmp_path / "pki"), client_security(tmp_path / "other")
    stranger = replace(ours, certificate=other.certificate, key=other.key)
    with pytest.raises(AccessRefused, match=r"certificate is not trusted.*trusted_clients"):
        await connect(url, stranger)


POLICIES = (
    SecurityPolicyBasic256Sha256,
    SecurityPolicyAes128Sha256RsaOaep,
    SecurityPolicyAes256Sha256RsaPss,
)
MODES = (ua.MessageSecurityMode.Sign, ua.MessageSecurityMode.SignAndEncrypt)


async def test_every_policy_lets_the_right_one_in_and_the_wrong_one_not(url, tmp_path) -> None:
    ours, other = client_security(tmp_path / "pki"), client_security(tmp_path / "other")
    for policy in POLICIES:
        for mode in MODES:
            for security, let_in in (
                (ours, True),
                (replace(ours, password=GUESS), False),
                (replace(ours, certificate=other.certificate, key=other.key), False),
            ):
                client = Client(url, timeout=4, watchdog_intervall=1e9)
                client.application_uri = "urn:linetwin:twin"
                await client.set_security(
                    policy,
                    CertProperties(security.certificate, "der"),
                    CertProperties(security.key, "pem"),
                    server_certificate=CertProperties(security.server_certificate, "der"),
                    mode=mode,
                )
                client.set_user(security.user)
                client.set_password(security.password)
                try:
                    await client.connect()
                    assert let_in
                    assert await level(client) == 0
                except ua.UaStatusCodeError:
                    assert not let_in
                finally:
                    await close(client)


async def test_what_is_offered_is_nothing_old_and_nothing_open(url) -> None:
    client = Client(url, timeout=4)
    offered = await client.connect_and_get_server_endpoints()
    names = {(e.SecurityPolicyUri.rpartition("#")[2], e.SecurityMode.name) for e in offered}
    assert names == {
        (policy, mode)
        for policy in ("Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss")
        for mode in ("Sign", "SignAndEncrypt")
    }


async def test_a_refused_certificate_is_kept_and_can_be_trusted_without_a_restart(url, tmp_path):
    ours, other = client_security(tmp_path / "pki"), client_security(tmp_path / "other")
    stranger = replace(ours, certificate=other.certificate, key=other.key)
    for _ in range(2):
        with pytest.raises(AccessRefused, match="certificate is not trusted"):
            await connect(url, stranger)
    (kept,) = (tmp_path / "pki" / "rejected_clients").iterdir()
    assert kept.read_bytes() == other.certificate
    kept.rename(tmp_path / "pki" / "trusted_clients" / kept.name)
    client = await connect(url, stranger)
    assert await level(client) == 0
    await close(client, polite=True)


async def test_a_certificate_without_its_key_is_refused(url, tmp_path) -> None:
    ours, other = client_security(tmp_path / "pki"), client_security(tmp_path / "other")
    with pytest.raises(NotConnected):
        await connect(url, replace(ours, key=other.key), timeout_s=1)


async def test_a_server_with_another_certificate_is_refused(url, tmp_path) -> None:
    ours, other = client_security(tmp_path / "pki"), client_security(tmp_path / "other")
    mistaken = replace(ours, server_certificate=other.server_certificate)
    with pytest.raises(NotConnected, match="certificate or encryption is not what"):
        await connect(url, mistaken, timeout_s=1)


async def test_no_encryption_is_refused(url) -> None:
    with pytest.raises(AccessRefused, match="does not offer no encryption"):
        await connect(url, None)


async def test_the_subscriber_says_why_once(url, tmp_path, caplog) -> None:
    wrong = replace(client_security(tmp_path / "pki"), password=GUESS)
    seen = Collector()
    tries = []
    enough = asyncio.Event()

    async def sleep(_: float) -> None:
        tries.append(1)
        if len(tries) == 3:
            enough.set()
            await asyncio.Event().wait()

    plc = tag_map(LINE, {"PLC1": url}).plcs[0]
    run = asyncio.create_task(Subscriber(plc, wrong, seen, replace(QUICK, sleep=sleep)).run())
    async with asyncio.timeout(30):
        await enough.wait()
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)
    assert len(seen.messages) == 1
    assert "user or password is refused" in seen.changes[0].reason
    assert len(caplog.records) == 1


class Intruder:
    """A client that opens no encrypted channel and says what it likes."""

    def __init__(self, url: str) -> None:
        self.client = Client(url, timeout=4)

    async def __aenter__(self) -> Intruder:
        await self.client.connect_socket()
        await self.client.send_hello()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.client.disconnect_socket()
        await self.client.close_session()

    async def send(self, request: object, kind: type) -> object:
        protocol = self.client.uaclient.protocol
        data = await protocol.send_request(request, 4)
        return struct_from_binary(kind, data)

    async def make_session(self, certificate: bytes | None = None) -> None:
        request = ua.CreateSessionRequest()
        request.Parameters.EndpointUrl = self.client.server_url.geturl()
        request.Parameters.RequestedSessionTimeout = 60_000
        request.Parameters.ClientNonce = b"0" * 32
        request.Parameters.ClientCertificate = certificate
        request.Parameters.ClientDescription.ApplicationUri = "urn:linetwin:twin"
        await self.send(request, ua.CreateSessionResponse)

    async def read(self) -> object:
        request = ua.ReadRequest()
        request.Parameters.NodesToRead = [
            ua.ReadValueId(ua.NodeId(LEVEL, 2), ua.AttributeIds.Value)
        ]
        response = await self.send(request, ua.ReadResponse)
        return response.Results[0].Value.Value


@pytest.mark.parametrize("opens_a_channel", [True, False])
async def test_a_session_that_is_not_activated_reads_nothing(url, tmp_path, opens_a_channel):
    named = client_security(tmp_path / "pki").certificate
    async with Intruder(url) as intruder:
        if opens_a_channel:
            await intruder.client.open_secure_channel()
        with pytest.raises(ua.UaStatusCodeError):
            await intruder.read()
        for certificate in (None, named):
            await intruder.make_session(certificate)
            with pytest.raises(ua.uaerrors.BadSessionNotActivated):
                await intruder.read()


async def test_the_password_alone_does_not_do_without_encryption(url, tmp_path) -> None:
    security = client_security(tmp_path / "pki")
    async with Intruder(url) as intruder:
        await intruder.client.open_secure_channel()
        await intruder.make_session(security.certificate)
        request = ua.ActivateSessionRequest()
        request.Parameters.UserIdentityToken = ua.UserNameIdentityToken(
            "username", security.user, security.password.encode(), None
        )
        with pytest.raises(ua.uaerrors.BadUserAccessDenied):
            await intruder.send(request, ua.ActivateSessionResponse)
        with pytest.raises(ua.uaerrors.BadSessionNotActivated):
            await intruder.read()


async def test_a_live_session_is_not_handed_to_who_guesses_its_number(url, tmp_path) -> None:
    owner = await connect(url, client_security(tmp_path / "pki"))
    try:
        async with Intruder(url) as intruder:
            await intruder.client.open_secure_channel()
            token = owner.uaclient.session.authentication_token
            intruder.client.uaclient.protocol.authentication_token = token
            with pytest.raises(ua.UaStatusCodeError):
                await intruder.send(ua.ActivateSessionRequest(), ua.ActivateSessionResponse)
            with pytest.raises(ua.UaStatusCodeError):
                await intruder.read()
        assert await level(owner) == 0
    finally:
        await close(owner, polite=True)


async def test_no_secret_gets_into_a_log(tmp_path, caplog) -> None:
    pki = tmp_path / "pki"
    with caplog.at_level(logging.DEBUG):
        async with serve(pki, ManualClock(), plcs=("PLC1",)) as served:
            security = client_security(pki)
            await close(await connect(served.endpoints["PLC1"], security), polite=True)
            with pytest.raises(AccessRefused):
                await connect(served.endpoints["PLC1"], replace(security, password=GUESS))
    said = caplog.text + repr(security) + repr(server_security(pki))
    assert security.password not in said
    assert GUESS not in said
    assert "PRIVATE KEY" not in said


async def test_no_encryption_only_when_asked_for_and_only_here(tmp_path) -> None:
    with pytest.raises(UsageError, match=r"must listen on a loopback address, got 192\.0\.2\.1"):
        PlcServer(LINE, "PLC1", None, host="192.0.2.1")
    async with serve(None, ManualClock(), FakePlant(), plcs=("PLC1",)) as served:
        client = await connect(served.endpoints["PLC1"], None)
        try:
            assert await level(client) == 0
        finally:
            await close(client, polite=True)
        with pytest.raises(NotConnected, match="certificate or encryption is not what"):
            await connect(served.endpoints["PLC1"], client_security(tmp_path / "pki"), timeout_s=1)


def test_the_directory_is_for_its_owner_only(tmp_path) -> None:
    pki = tmp_path / "deep" / "pki"
    first = server_security(pki)
    assert stat.S_IMODE(pki.stat().st_mode) == 0o700
    for path in pki.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert server_security(pki) == first
    assert [p.name for p in pki.parent.iterdir()] == ["pki"]
    assert first.trusted == {client_security(pki).certificate}


def test_a_directory_with_a_part_missing_is_refused(tmp_path) -> None:
    make_pki(tmp_path / "pki")
    (tmp_path / "pki" / "password").unlink()
    with pytest.raises(UsageError, match="password missing"):
        make_pki(tmp_path / "pki")


def _read(pki, start, results) -> None:
    start.wait()
    results.put(server_security(pki))


def test_processes_that_start_at_once_agree(tmp_path) -> None:
    context = multiprocessing.get_context("spawn")
    start, results = context.Event(), context.Queue()
    children = [
        context.Process(target=_read, args=(tmp_path / "pki", start, results)) for _ in range(3)
    ]
    for child in children:
        child.start()
    start.set()
    found = [results.get(timeout=60) for _ in children]
    for child in children:
        child.join(60)
    assert found[0] == found[1] == found[2] == server_security(tmp_path / "pki")
    assert [p.name for p in tmp_path.iterdir()] == ["pki"]


async def test_renewed_certificates_are_taken_up_without_a_word(tmp_path) -> None:
    pki, newer = tmp_path / "pki", tmp_path / "newer"
    make_pki(pki)
    make_pki(newer)
    async with serve(pki, ManualClock(0), plcs=("PLC1",)) as served:
        seen = Collector()
        (plc,) = tag_map(LINE, served.endpoints).plcs
        options = replace(QUICK, renewal_s=0.05)
        access = partial(client_security, pki)
        run = asyncio.create_task(Subscriber(plc, access, seen, options).run())
        try:
            await seen.until(lambda: len(seen.latest) == len(plc.nodes))
            batches = len(seen.messages)
            (pki / "trusted_clients" / "twin.der").unlink()
            shutil.copy(newer / "client.cert.der", pki / "trusted_clients" / "newer.der")
            for name in ("client.key.pem", "client.cert.der"):
                shutil.copy(newer / name, pki / name)
            # Everything is read afresh, over a channel that only the new certificate opens.
            await seen.until(
                lambda: any(
                    isinstance(m, tuple) and len(m) == len(plc.nodes)
                    for m in seen.messages[batches:]
                )
            )
            assert [change.connected for change in seen.changes] == [True]
        finally:
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)
