"""What each role may do over the wire, and how somebody proves who they are."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from asyncua import Client, ua
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256
from asyncua.crypto.uacrypto import CertProperties
from opcua_line import LINE

from opcua.address_space import namespace_uri
from opcua.clock import ManualClock
from opcua.connect import AccessRefused, close, connect
from opcua.emulated_plc import serve_line
from opcua.roles import Role
from opcua.security import client_security, server_security
from opcua.users import Account, add_user, read_users, with_password
from twin.engine.plant import SimulatedPlant
from twin.errors import UsageError

WORDS = {"olga": "look-1", "oscar": "turn-2", "erin": "set-3"}
ROLES = {"olga": Role.OBSERVE, "oscar": Role.OPERATE, "erin": Role.ENGINEER}
DENIED = ua.uaerrors.BadUserAccessDenied


@asynccontextmanager
async def served(pki: Any, anonymous: Role | None = None):
    security = replace(server_security(pki), anonymous=anonymous)
    plant = SimulatedPlant(LINE)
    async with serve_line(
        plant, ManualClock(), security, plcs=("PLC1",), test_methods=True
    ) as line:
        yield line.endpoints["PLC1"]


@pytest.fixture
async def url(tmp_path):
    for name, word in WORDS.items():
        server_security(tmp_path / "pki")
        add_user(tmp_path / "pki", with_password(name, ROLES[name], word))
    async with served(tmp_path / "pki") as made:
        yield made


async def logged_on(url: str, pki: Any, name: str) -> Client:
    return await connect(url, replace(client_security(pki), user=name, password=WORDS[name]))


async def node(client: Client, path: str) -> Any:
    index = await client.get_namespace_index(namespace_uri(LINE))
    return client.get_node(ua.NodeId(f"L1/CUT/{path}", index))


@pytest.mark.parametrize("name", WORDS)
async def test_each_role_does_what_it_may_and_no_more(url, tmp_path, name) -> None:
    role = ROLES[name]
    client = await logged_on(url, tmp_path / "pki", name)
    try:
        unit = await node(client, "CUT01")
        assert await (await node(client, "CUT01/Status/StateCurrent")).read_value() == 6
        index = unit.nodeid.NamespaceIndex
        condition = await node(client, "CUT01/Conditions/EQP001")
        factor = await node(client, "CUT01/Setpoints/CycleTimeFactor")

        async def stop() -> None:
            await (await node(client, "CUT01/Commands")).call_method(f"{index}:Stop", 0)

        async def acknowledge() -> None:
            given = ua.Variant(ua.LocalizedText("x"), ua.VariantType.LocalizedText)
            with pytest.raises(ua.uaerrors.BadEventIdUnknown):
                await condition.call_method("0:Acknowledge", b"never", given)

        async def write() -> None:
            await factor.write_value(ua.Variant(1.5, ua.VariantType.Double))

        async def disable() -> None:
            await condition.call_method("0:Disable")

        for act, least in (
            (stop, Role.OPERATE),
            (acknowledge, Role.OPERATE),
            (write, Role.ENGINEER),
            (disable, Role.ENGINEER),
        ):
            if role >= least:
                await act()
            else:
                with pytest.raises(DENIED):
                    await act()
        # What it may do is shown.
        level = await factor.read_attribute(ua.AttributeIds.UserAccessLevel)
        writes = bool(level.Value.Value & ua.AccessLevel.CurrentWrite.mask)
        assert writes == (role >= Role.ENGINEER)
        method = await (await node(client, "CUT01/Commands")).get_child(f"{index}:Stop")
        shown = await method.read_attribute(ua.AttributeIds.UserExecutable)
        assert shown.Value.Value == (role >= Role.OPERATE)
        own = await method.read_attribute(ua.AttributeIds.UserRolePermissions)
        assert [one.RoleId for one in own.Value.Value] == [role.node]
        every = await method.read_attribute(ua.AttributeIds.RolePermissions)
        assert {one.RoleId for one in every.Value.Value} == {each.node for each in Role}
        # Nobody writes what is measured.
        state = await node(client, "CUT01/Status/StateCurrent")
        with pytest.raises(DENIED):
            await state.write_value(ua.Variant(1, ua.VariantType.Int32))
    finally:
        await close(client, polite=True)


async def test_every_method_of_a_plc_is_for_operators_at_least_but_those_that_only_tell(
    url, tmp_path
) -> None:
    client = await logged_on(url, tmp_path / "pki", "olga")
    try:
        called, waiting, seen = set(), [client.nodes.objects, client.nodes.types], set()
        while waiting:
            at = waiting.pop()
            if at.nodeid in seen:
                continue
            seen.add(at.nodeid)
            for found in await at.get_references(ua.ObjectIds.HierarchicalReferences):
                if not found.IsForward:
                    continue
                if found.NodeClass == ua.NodeClass.Method:
                    code = await _code_of(client, at.nodeid, found.NodeId)
                    if code != ua.StatusCodes.BadUserAccessDenied:
                        called.add((found.BrowseName.Name, ua.StatusCode(code).name))
                else:
                    waiting.append(client.get_node(found.NodeId))
    finally:
        await close(client, polite=True)
    names = {name for name, code in called if code != "BadNothingToDo"}
    assert names == {
        "ConditionRefresh",
        "ConditionRefresh2",
        "RequestJobResponseByJobOrderID",
        "RequestJobResponseByJobOrderState",
    }


async def _code_of(client: Client, above: ua.NodeId, method: ua.NodeId) -> int:
    request = ua.CallMethodRequest(above, method, [])
    (result,) = await client.uaclient.call([request])
    return int(result.StatusCode.value)


async def test_a_wrong_password_an_unknown_user_and_nobody_are_kept_out(url, tmp_path) -> None:
    security = client_security(tmp_path / "pki")
    for user, word in (("olga", "turn-2"), ("nemo", "look-1"), ("olga", "")):
        with pytest.raises(AccessRefused):
            await connect(url, replace(security, user=user, password=word))
    with pytest.raises(AccessRefused, match="wants a user and a password"):
        await connect(url, replace(security, user="", password=""))


async def test_nobody_may_look_if_that_is_asked_for(tmp_path) -> None:
    pki = tmp_path / "pki"
    async with served(pki, anonymous=Role.OBSERVE) as url:
        client = await connect(url, replace(client_security(pki), user="", password=""))
        try:
            assert await (await node(client, "CUT01/Status/StateCurrent")).read_value() == 6
            index = await client.get_namespace_index(namespace_uri(LINE))
            commands = await node(client, "CUT01/Commands")
            with pytest.raises(DENIED):
                await commands.call_method(f"{index}:Stop", 0)
        finally:
            await close(client, polite=True)


async def test_a_user_logs_on_with_a_certificate_of_its_own(url, tmp_path) -> None:
    pki, ours = tmp_path / "pki", client_security(tmp_path / "pki")
    users, strangers = (client_security(tmp_path / each) for each in ("erin", "stranger"))
    add_user(pki, Account("erin2", Role.OPERATE, certificate=users.certificate))
    for certificate, key, let_in in (
        (users.certificate, tmp_path / "erin", True),
        (strangers.certificate, tmp_path / "stranger", False),
        (users.certificate, tmp_path / "stranger", False),
    ):
        client = Client(url, timeout=4, watchdog_intervall=1e9)
        client.application_uri = "urn:linetwin:twin"
        await client.set_security(
            SecurityPolicyBasic256Sha256,
            CertProperties(ours.certificate, "der"),
            CertProperties(ours.key, "pem"),
            server_certificate=CertProperties(ours.server_certificate, "der"),
            mode=ua.MessageSecurityMode.SignAndEncrypt,
        )
        shown = tmp_path / "user.der"
        shown.write_bytes(certificate)
        await client.load_client_certificate(str(shown))
        await client.load_private_key(str(key / "client.key.pem"))
        try:
            await client.connect()
            assert let_in
            index = await client.get_namespace_index(namespace_uri(LINE))
            await (await node(client, "CUT01/Commands")).call_method(f"{index}:Stop", 0)
            factor = await node(client, "CUT01/Setpoints/CycleTimeFactor")
            with pytest.raises(DENIED):
                await factor.write_value(ua.Variant(1.5, ua.VariantType.Double))
        except ua.UaStatusCodeError:
            assert not let_in
        finally:
            await close(client)


def test_users_are_kept_without_their_passwords_and_never_twice(tmp_path) -> None:
    add_user(tmp_path, with_password("eve", Role.OPERATE, "s3cret"))
    assert "s3cret" not in (tmp_path / "users.json").read_text()
    (eve,) = read_users(tmp_path)
    assert (eve.knows("s3cret"), eve.knows("other"), eve.role) == (True, False, Role.OPERATE)
    with pytest.raises(UsageError, match="has a user eve already"):
        add_user(tmp_path, with_password("eve", Role.ENGINEER, "x"))
    with pytest.raises(UsageError, match="1 to 64 letters"):
        add_user(tmp_path, with_password("e/e", Role.ENGINEER, "x"))
    (tmp_path / "users.json").write_text('[{"name": "x", "role": "king"}]')
    with pytest.raises(UsageError, match="a role of observe, operate, engineer"):
        read_users(tmp_path)
