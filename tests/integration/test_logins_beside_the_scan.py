"""A PLC scans while people log on: passwords are hashed beside its event loop."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import pytest
from asyncua import ua
from opcua_line import LINE

from opcua.clock import ManualClock
from opcua.connect import AccessRefused, close, connect
from opcua.emulated_plc import serve_line
from opcua.password_check import Unchecked, is_right
from opcua.roles import Role
from opcua.security import client_security, server_security
from opcua.users import Account, add_user, with_password
from twin.engine.plant import SimulatedPlant

LOGINS, CLIENTS = 100, 4
OLGAS, WRONG = "look-1", "look-2"


async def test_a_scan_passes_while_each_of_100_passwords_is_hashed(tmp_path, monkeypatch) -> None:
    pki = tmp_path / "pki"
    server_security(pki)
    add_user(pki, with_password("olga", Role.OBSERVE, OLGAS))
    clock, loop = ManualClock(), asyncio.get_running_loop()
    plant, security = SimulatedPlant(LINE), server_security(pki)
    scans: list[int] = []
    hashed = Account.knows
    async with serve_line(plant, clock, security, plcs=("PLC1",)) as line:

        async def scan() -> int:
            clock.move(100_000)
            return (await line.scan()).number

        def knows(account: Account, password: str) -> bool:
            # On the event loop nobody could scan now, and this would wait in vain.
            assert threading.current_thread() is not threading.main_thread()
            scans.append(asyncio.run_coroutine_threadsafe(scan(), loop).result(30))
            return hashed(account, password)

        monkeypatch.setattr(Account, "knows", knows)
        olga = replace(client_security(pki), user="olga", password=OLGAS)
        clients = [await connect(line.endpoints["PLC1"], olga) for _ in range(CLIENTS)]

        async def log_on_again(client, times: int) -> list[bool]:
            let_in = []
            for turn in range(times):
                try:
                    await client.activate_session("olga", OLGAS if turn % 4 else WRONG)
                    let_in.append(True)
                except ua.uaerrors.BadUserAccessDenied:
                    let_in.append(False)
            return let_in

        try:
            times = (LOGINS - CLIENTS) // CLIENTS
            answers = await asyncio.gather(*(log_on_again(each, times) for each in clients))
            assert answers == [[bool(turn % 4) for turn in range(times)]] * CLIENTS
            assert len(scans) == LOGINS
            assert scans == list(range(scans[0], scans[0] + LOGINS))
            with pytest.raises(AccessRefused):
                await connect(line.endpoints["PLC1"], replace(olga, password=WRONG))
        finally:
            for client in clients:
                await close(client)


async def test_who_sends_a_password_with_a_wrong_signature_costs_no_hash(
    tmp_path, monkeypatch
) -> None:
    pki = tmp_path / "pki"
    server_security(pki)
    add_user(pki, with_password("olga", Role.OBSERVE, OLGAS))
    olga = replace(client_security(pki), user="olga", password=OLGAS)
    plant, security = SimulatedPlant(LINE), server_security(pki)
    async with serve_line(plant, ManualClock(), security, plcs=("PLC1",)) as line:
        client = await connect(line.endpoints["PLC1"], olga)
        asked: list[str] = []
        monkeypatch.setattr(Account, "knows", lambda account, _: asked.append(account.name))
        try:
            cryptography = client.security_policy.asymmetric_cryptography
            monkeypatch.setattr(cryptography, "signature", lambda _: b"x" * 256)
            with pytest.raises(ua.UaError):
                await client.activate_session("olga", OLGAS)
        finally:
            await close(client)
        assert asked == []


def test_an_answer_is_for_one_account_and_one_password() -> None:
    account = with_password("olga", Role.OBSERVE, OLGAS)
    with pytest.raises(Unchecked) as asked:
        is_right(account, OLGAS)
    assert asked.value.account is account
    assert asked.value.password == OLGAS
