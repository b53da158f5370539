"""The pytest plugin: a PLC for each test, in a process of its own; it is quick, small and clean."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from asyncua import Client, ua
from asyncua.sync import Client as SyncClient

from opcua import pytest_plugin
from opcua.plc_process import TEST_LINE
from twin.errors import CommandRefused, UsageError

pytest_plugins = ("pytester",)
URI = "urn:linetwin:ENTERPRISE:SITE:TEST1"
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def listens(url: str) -> bool:
    host, port = url.removeprefix("opc.tcp://").split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


@asynccontextmanager
async def client_of(plc):
    async with Client(plc.url) as client:
        index = await client.get_namespace_index(URI)
        yield lambda path: client.get_node(ua.NodeId(f"TEST1/{path}", index))


def test_a_sync_client_sees_what_the_test_does(plc) -> None:
    client = SyncClient(plc.url)
    client.connect()
    try:
        index = client.get_namespace_index(URI)
        state = client.get_node(ua.NodeId("TEST1/CUT/CUT01/Status/StateCurrent", index))
        reason = client.get_node(ua.NodeId("TEST1/CUT/CUT01/Admin/StopReason", index))
        plc.station("CUT", 1).abort(17)
        plc.assert_eventually(lambda: state.read_value() == 9)
        assert reason.read_value() == 17
        assert plc.station("CUT", 1).state == "ABORTED"
        with pytest.raises(CommandRefused, match="in ABORTED it takes Clear"):
            plc.station("CUT", 1).command("Start")
    finally:
        client.disconnect()


async def test_an_async_client_sees_a_fault_come_and_go(plc) -> None:
    async with client_of(plc) as node:
        temp = node("CUT/CUT01/ProcessVariables/Temp")

        async def status() -> str:
            held = await temp.read_data_value(raise_on_bad_status=False)
            return held.StatusCode.name

        seen: list[str] = []

        async def watch() -> None:
            while True:
                seen.append(await status())
                await asyncio.sleep(0.02)

        watching = asyncio.ensure_future(watch())
        number = plc.fault("bad_quality", units=["CUT01"])
        await plc.assert_eventually(lambda: seen[-1:] == ["BadSensorFailure"])
        plc.end_fault(number)
        await plc.assert_eventually(lambda: seen[-1:] == ["Good"])
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def test_with_a_manual_clock_the_plant_stands_until_it_is_moved(plc, manual_clock) -> None:
    async with client_of(plc) as node:
        beat = node("CUT/CUT01/Admin/ProdProcessedCount")
        assert await beat.read_value() == 0
        manual_clock.advance(10)
        assert await beat.read_value() == 2
        assert plc.advance(600) == pytest.approx(610)
        assert 130 < await beat.read_value() <= 153
        with pytest.raises(TypeError, match="no speed"):
            plc.pause()


async def test_the_same_seed_gives_the_same_plant(plc_line, manual_clock) -> None:
    plcs = [plc_line(seed=seed) for seed in (3, 3, 4)]
    manual_clock.advance(200)
    first, second, other = (plc.ask("values") for plc in plcs)
    assert first == second != other


@pytest.mark.plc("tube_line", scan_s=0.5, plcs=("PLC-FIN",))
def test_a_mark_says_which_line(plc) -> None:
    assert plc.line.id == "TUBE1"
    assert list(plc.endpoints) == ["PLC-FIN"]
    assert listens(plc.url)


async def test_what_a_client_did_is_written_down(plc) -> None:
    async with client_of(plc) as node:
        factor = node("CUT/CUT02/Setpoints/CycleTimeFactor")
        await factor.write_value(0.5)
        with pytest.raises(ua.uaerrors.BadOutOfRange):
            await factor.write_value(0.0)
        commands = node("CUT/CUT02/Commands")
        await commands.call_method(
            f"{commands.nodeid.NamespaceIndex}:Hold", ua.Variant(5, ua.VariantType.Int32)
        )
        await factor.read_value()
    writes = plc.actions("write", "CUT02/Setpoints/CycleTimeFactor")
    assert [(one.value, one.status) for one in writes] == [(0.5, "Good"), (0.0, "BadOutOfRange")]
    assert [one.value for one in plc.actions("call", "CUT02/Commands/Hold")] == [(5,)]
    assert plc.actions("read", "CycleTimeFactor")
    assert len(plc.actions("connect")) == 1
    plc.forget_actions()
    assert plc.actions() == []


@pytest.mark.under_faults("frozen_value", {"fault": "cable_cut", "how": "black_hole"}, "noise")
def test_once_under_each_fault(plc, plc_fault) -> None:
    kind = plc_fault if isinstance(plc_fault, str) else plc_fault["fault"]
    assert list(plc.faults.values()) == [kind]
    plc.clear_faults()
    assert plc.faults == {}


def test_a_fault_that_there_is_not_is_refused(plc) -> None:
    with pytest.raises(UsageError, match="fault: must be one of"):
        plc.fault("gremlins")
    plc.fault("cable_cut", how="reset", after=5, lasts="3 s")
    assert plc.faults == {}
    plc.advance(6)
    plc.assert_eventually(lambda: list(plc.faults.values()) == ["cable_cut"])


def test_what_does_not_come_to_hold_fails_with_what_was_asserted(plc) -> None:
    def holds() -> bool:
        assert plc.station("PACK").state == "NOWHERE"
        return True

    with pytest.raises(AssertionError, match="NOWHERE"):
        plc.assert_eventually(holds, within_s=0.1)
    with pytest.raises(AssertionError, match=r"within 0.1 s"):
        plc.assert_eventually(lambda: False, within_s=0.1)


def test_it_stops_clean(plc_line) -> None:
    plc = plc_line()
    pid, url = plc.pid, plc.url
    assert listens(url)
    plc.close()
    plc.close()
    assert not listens(url)
    assert not pytest_plugin._is_there(pid)


def test_encrypted_with_keys_of_its_own(plc_line, tmp_path) -> None:
    from opcua.connect import close, connect
    from opcua.security import client_security, make_pki

    make_pki(tmp_path / "pki")
    plc = plc_line(pki=tmp_path / "pki")

    async def read() -> int:
        client = await connect(plc.url, client_security(tmp_path / "pki"))
        try:
            return await client.get_namespace_index(URI)
        finally:
            await close(client, polite=True)

    assert asyncio.run(read()) == 2


def test_where_it_cannot_fork_a_process_is_started_for_each(monkeypatch) -> None:
    monkeypatch.setattr(pytest_plugin, "CAN_FORK", False)
    from opcua.plc_process import PlcOptions

    template = pytest_plugin._Template()
    plc = template.start(PlcOptions(TEST_LINE))
    assert listens(plc.url)
    plc.close()
    assert not listens(plc.url)
    template.close()


@on_linux
def test_twenty_plcs_take_little_and_are_quick(plc_line) -> None:
    plc_line()  # the first makes the template
    took_s = []
    plcs = []
    for _ in range(20):
        began_s = time.perf_counter()
        plcs.append(plc_line())
        took_s.append(time.perf_counter() - began_s)
    assert all(listens(plc.url) for plc in plcs)
    pss_kb = 0
    for plc in plcs:
        rows = Path(f"/proc/{plc.pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
        pss_kb += next(int(row.split()[1]) for row in rows if row.startswith("Pss:"))
    sys.stdout.write(f"p95 {sorted(took_s)[18]:.3f} s, {pss_kb / 1024:.0f} MB in all\n")
    assert pss_kb < 1024 * 1024
    if os.environ.get("LINETWIN_QUIET_MACHINE"):
        assert sorted(took_s)[18] <= 0.150


def test_nothing_is_left_when_pytest_itself_is_killed(pytester) -> None:
    pytester.makepyfile(
        """
        import os, pathlib
        def test_dies(plc):
            pathlib.Path("pid").write_text(str(plc.pid))
            os._exit(9)
        """
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider")
    pid = int((pytester.path / "pid").read_text(encoding="ascii"))
    pytest_plugin._wait_for(lambda: not pytest_plugin._is_there(pid), 10, 0.02)


@pytest.mark.timeout(280)
def test_the_example_of_the_how_to_runs(pytester) -> None:
    page = Path(__file__).parents[2] / "docs" / "how-to" / "test-a-client.md"
    blocks = page.read_text(encoding="utf-8").split("```python\n")[1:]
    pytester.makepyfile(test_client="\n\n".join(block.split("```")[0] for block in blocks))
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-n", "2")
    outcomes = result.parseoutcomes()
    assert outcomes.get("failed", 0) == outcomes.get("errors", 0) == 0, result.stdout.str()
    assert outcomes["passed"] >= 5
