"""Commands and setpoints from a client that nobody here wrote for it: they act on the plant."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest
from asyncua import Client, ua

from opcua.clock import ManualClock
from opcua.connect import close, connect
from opcua.emulated_plc import ServedLine, serve_line
from opcua.security import client_security, server_security
from twin.engine.plant import SimulatedPlant
from twin.errors import UsageError
from twin.model import Buffer, Line, Station
from twin.model.packml import State

S = 1_000_000
LINE = Line(
    id="L1",
    defects=({"id": "d"},),
    stations=(
        Station(id="A", cycle_time="2 s"),
        Station(
            id="B",
            cycle_time="1 s",
            defects={"d": 0.3},
            inspection={"detects": {"d": 0.5}, "false_reject": 0.1},
        ),
    ),
    buffers=(Buffer(id="AB", sources="A", sinks="B", capacity=3),),
)
NS = "urn:linetwin:ENTERPRISE:SITE:L1"


class Stand:
    """A line with a manual clock, and a plain asyncua client beside it."""

    def __init__(self, served: ServedLine, clock: ManualClock, client: Client, index: int) -> None:
        self.served = served
        self.clock = clock
        self.client = client
        self.index = index

    def node(self, path: str):
        return self.client.get_node(ua.NodeId(f"L1/{path}", self.index))

    async def run(self, seconds: float) -> None:
        self.clock.move(round(seconds * S))
        await self.served.scan()

    async def state(self, unit: str) -> State:
        return State(await self.node(f"{unit[0]}/{unit}/Status/StateCurrent").read_value())

    async def call(self, unit: str, method: str, *given: object) -> None:
        commands = self.node(f"{unit[0]}/{unit}/Commands")
        arguments = [ua.Variant(value, ua.VariantType.Int32) for value in given]
        await commands.call_method(f"{self.index}:{method}", *arguments)


@asynccontextmanager
async def stand(pki=None, url_of=None):
    clock = ManualClock()
    security = server_security(pki) if pki else None
    async with serve_line(SimulatedPlant(LINE), clock, security) as served:
        (url,) = served.endpoints.values()
        client = await connect(url, client_security(pki) if pki else None)
        try:
            yield Stand(served, clock, client, await client.get_namespace_index(NS))
        finally:
            await close(client, polite=True)


async def test_methods_act_on_the_physics_and_the_next_scan_shows_it(tmp_path) -> None:
    async with stand(tmp_path / "pki") as at:
        await at.run(5)
        made = at.node("A/A01/Admin/ProdProcessedCount")
        assert (await at.state("A01"), await made.read_value()) == (State.EXECUTE, 2)
        await at.call("A01", "Hold", 42)
        assert await at.state("A01") is State.EXECUTE  # no scan has been yet
        await at.run(0.1)
        assert await at.state("A01") is State.HOLDING
        assert await at.node("A/A01/Admin/StopReason").read_value() == 42
        await at.run(60)
        assert (await at.state("A01"), await made.read_value()) == (State.HELD, 2)
        assert await at.state("B01") is State.SUSPENDED
        await at.call("A01", "Unhold")
        await at.run(0.5)
        assert await at.state("A01") is State.EXECUTE
        await at.run(1)
        assert await made.read_value() == 3


async def test_packmls_own_methods_act_too_each_on_its_machine() -> None:
    async with stand() as at:
        await at.run(5)
        packml = await at.client.get_namespace_index("http://opcfoundation.org/UA/PackML/")
        machine = at.node("A/A01/BaseStateMachine/MachineState")
        execute = at.node("A/A01/BaseStateMachine/MachineState/ExecuteState")
        await execute.call_method(f"{packml}:Hold")
        await at.run(60)
        assert (await at.state("A01"), await at.state("B01")) == (State.HELD, State.SUSPENDED)
        shown = await execute.get_child("0:CurrentState")
        assert (await shown.read_value()).Text == "Held"
        with pytest.raises(ua.UaStatusCodeError) as refused:
            await execute.call_method(f"{packml}:Start")
        assert refused.value.code == ua.StatusCodes.BadInvalidState
        await machine.call_method(f"{packml}:Stop")
        await at.run(60)
        assert await at.state("A01") is State.STOPPED
        # What is inside a machine that does not run has no state at all.
        value = await shown.read_data_value(raise_on_bad_status=False)
        assert value.StatusCode.value == ua.StatusCodes.BadStateNotActive
        unit = at.node("A/A01")
        mode = ua.Variant(2, ua.VariantType.Int32)
        await unit.call_method(f"{packml}:SetUnitMode", mode)
        await at.run(1)
        assert await at.node("A/A01/Status/UnitModeCurrent").read_value() == 2


async def test_what_is_not_taken_is_refused_and_changes_nothing() -> None:
    async with stand() as at:
        await at.run(5)
        with pytest.raises(ua.UaStatusCodeError) as refused:
            await at.call("A01", "Start")
        assert refused.value.code == ua.StatusCodes.BadInvalidState
        with pytest.raises(ua.UaStatusCodeError) as refused:
            await at.call("A01", "SetUnitMode", 2)
        assert refused.value.code == ua.StatusCodes.BadInvalidState
        with pytest.raises(ua.UaStatusCodeError) as refused:
            await at.call("A01", "SetUnitMode", 9)
        assert refused.value.code == ua.StatusCodes.BadInvalidArgument
        factor = at.node("A/A01/Setpoints/CycleTimeFactor")
        for value, code in (
            (ua.Variant(0.0, ua.VariantType.Double), ua.StatusCodes.BadOutOfRange),
            (ua.Variant(float("nan"), ua.VariantType.Double), ua.StatusCodes.BadOutOfRange),
            (ua.Variant(1, ua.VariantType.Int32), ua.StatusCodes.BadTypeMismatch),
            (ua.Variant("1", ua.VariantType.String), ua.StatusCodes.BadTypeMismatch),
        ):
            with pytest.raises(ua.UaStatusCodeError) as refused:
                await factor.write_value(value)
            assert refused.value.code == code
        assert await factor.read_value() == 1.0
        with pytest.raises(ua.UaStatusCodeError) as refused:
            await at.node("A/A01/Status/StateCurrent").write_value(
                ua.Variant(6, ua.VariantType.Int32)
            )
        assert refused.value.code == ua.StatusCodes.BadUserAccessDenied
        assert not at.served.plant._engine.interventions.in_force


async def test_setpoints_are_written_and_take_effect(tmp_path) -> None:
    async with stand(tmp_path / "pki") as at:
        limit = at.node("A/AB/Setpoints/CapacityLimit")
        await limit.write_value(ua.Variant(1, ua.VariantType.Int64))
        await at.call("B01", "Stop")
        await at.run(30)
        assert await at.node("A/AB/Level").read_value() == 1
        assert await at.node("A/A01/Status/EquipmentBlocked").read_value()
        await limit.write_value(ua.Variant(3, ua.VariantType.Int64))
        await at.run(30)
        assert await at.node("A/AB/Level").read_value() == 3
        assert await limit.read_value() == 3
        for method in ("Reset", "Start"):
            await at.call("B01", method)
            await at.run(0.5)
        await at.node("A/A01/Setpoints/CycleTimeFactor").write_value(0.5)
        await at.run(20)
        made = at.node("A/A01/Admin/ProdProcessedCount")
        before = await made.read_value()
        await at.run(100)
        assert await made.read_value() - before == 100
        scrapped = at.node("B/B01/Admin/ProdDefectiveCount")
        shares = []
        for threshold in (10.0, 0.0, -10.0):
            await at.node("B/Setpoints/RejectThreshold").write_value(threshold)
            before = await scrapped.read_value()
            await at.run(1000)
            shares.append((await scrapped.read_value() - before) / 1000)
        assert shares[0] == 0
        assert 0.15 < shares[1] < 0.3
        assert shares[2] == 1


async def test_a_request_during_a_scan_waits_for_its_end() -> None:
    async with stand() as at:
        await at.run(5)
        at.clock.move(3600 * S)
        scan = asyncio.ensure_future(at.served.scan())
        await asyncio.sleep(0)
        await at.call("A01", "Stop")
        assert scan.done()
        assert await at.state("A01") is not State.STOPPING
        await at.run(0)
        assert await at.state("A01") is State.STOPPING


async def test_a_scan_begins_late_by_no_more_than_its_jitter() -> None:
    now, sleeps = [0.0], []

    async def sleep(seconds: float) -> None:
        sleeps.append(seconds)
        now[0] += seconds
        await asyncio.sleep(0)
        if len(sleeps) == 50:
            raise asyncio.CancelledError

    served = ServedLine(
        SimulatedPlant(LINE), ManualClock(), (), 0.1, lambda: now[0], sleep, jitter_s=0.05
    )
    with pytest.raises(asyncio.CancelledError):
        await served.run()
    begun = [sum(sleeps[: i + 1]) - 0.1 * (i + 1) for i in range(50)]
    assert all(-1e-9 < late < 0.05 for late in begun)
    assert max(begun) > 0.04
    assert len({round(late, 6) for late in begun}) > 40
    with pytest.raises(UsageError, match="from 0 to less than the scan"):
        ServedLine(SimulatedPlant(LINE), ManualClock(), (), 0.1, jitter_s=0.1)
