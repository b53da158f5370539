"""Job orders over the wire: stored, started, counted from the physics, ended, reported."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from asyncua import Client, ua

from opcua.clock import ManualClock
from opcua.connect import close, connect
from opcua.emulated_plc import ServedLine, serve_line
from opcua.jobs.book import Return
from opcua.standards import JOB_CONTROL, JOBS
from opcua.structure_codec import decoded, structure
from opcua.wire_values import Ref
from twin.engine.plant import SimulatedPlant
from twin.model import Buffer, Line, Station
from twin.model.packml import State

S = 1_000_000
LINE = Line(
    id="L1",
    stations=(Station(id="A", cycle_time="1 s"), Station(id="B", cycle_time="2 s")),
    buffers=(Buffer(id="AB", sources="A", sinks="B", capacity=3),),
)
NS = "urn:linetwin:ENTERPRISE:SITE:L1"
ORDER, RESPONSE = Ref(JOB_CONTROL, 3008), Ref(JOB_CONTROL, 3013)
ORDER_AND_STATE, STATE = Ref(JOB_CONTROL, 3015), Ref(JOB_CONTROL, 3006)
NO_COMMENT = ua.Variant([], ua.VariantType.LocalizedText)


class Stand:
    """A line with a manual clock, and a plain asyncua client that gives it orders."""

    def __init__(self, served: ServedLine, clock: ManualClock, client: Client) -> None:
        self.served, self.clock, self.client = served, clock, client

    async def look(self) -> None:
        self.own, self.control_ns, self.jobs_ns = [
            await self.client.get_namespace_index(uri) for uri in (NS, JOB_CONTROL, JOBS)
        ]

    def node(self, path: str):
        return self.client.get_node(ua.NodeId(path, self.own))

    async def run(self, seconds: float) -> None:
        self.clock.move(round(seconds * S))
        await self.served.scan()

    def sent(self, data_type: Ref, fields: dict) -> ua.ExtensionObject:
        made = structure(data_type, fields)
        return ua.ExtensionObject(ua.NodeId(made.encoding.ident, self.control_ns), made.body)

    async def call(self, part: str, name: str, *given: ua.Variant) -> ua.CallMethodResult:
        node = self.node(f"plc:PLC/JobManagement/{part}")
        (method,) = [
            r.NodeId
            for r in await node.get_references(ua.ObjectIds.HasComponent)
            if r.IsForward and r.BrowseName == ua.QualifiedName(name, self.control_ns)
        ]
        request = ua.CallMethodRequest(node.nodeid, method, list(given))
        (result,) = await self.client.uaclient.call([request])
        return result

    async def order(self, name: str, order_id: str, **fields: object) -> int:
        order = self.sent(ORDER, {"JobOrderID": order_id, **fields})
        result = await self.call("JobOrderControl", name, ua.Variant(order), NO_COMMENT)
        return result.OutputArguments[0].Value

    async def tell(self, name: str, order_id: str) -> int:
        result = await self.call("JobOrderControl", name, ua.Variant(order_id), NO_COMMENT)
        return result.OutputArguments[0].Value

    async def response(self, order_id: str) -> dict:
        result = await self.call(
            "JobOrderResults", "RequestJobResponseByJobOrderID", ua.Variant(order_id)
        )
        assert result.StatusCode.is_good()
        assert result.OutputArguments[1].Value == Return.NO_ERROR
        return decoded(RESPONSE, result.OutputArguments[0].Value.Body)

    async def listed(self) -> dict[str, str]:
        node = self.node("plc:PLC/JobManagement/JobOrderControl/JobOrderList")
        found = [decoded(ORDER_AND_STATE, each.Body) for each in await node.read_value()]
        return {
            each["JobOrder"]["JobOrderID"]: each["State"][0]["StateText"].Text for each in found
        }


@asynccontextmanager
async def stand():
    clock = ManualClock(epoch_unix_us=1_700_000_000 * S)
    async with serve_line(SimulatedPlant(LINE), clock, None) as served:
        (url,) = served.endpoints.values()
        client = await connect(url, None)
        at = Stand(served, clock, client)
        try:
            await at.look()
            yield at
        finally:
            await close(client, polite=True)


def wanted(number: str) -> dict:
    return {"MaterialRequirements": [{"MaterialUse": "Material Produced", "Quantity": number}]}


def made(response: dict) -> int:
    (material,) = response["MaterialActuals"]
    return int(material["Quantity"])


async def test_an_order_is_stored_started_counted_ended_and_reported() -> None:
    async with stand() as at:
        await at.run(20)
        assert await at.order("Store", "J1", Priority=3, **wanted("5")) == Return.NO_ERROR
        assert await at.listed() == {"J1": "NotAllowedToStart"}
        await at.run(10)
        assert await at.tell("Start", "J1") == Return.NO_ERROR
        assert await at.listed() == {"J1": "AllowedToStart"}
        await at.run(0.1)
        assert await at.listed() == {"J1": "Running"}
        count = at.node("L1/B/B01/Admin/ProdProcessedCount")
        before = await count.read_value()
        await at.run(6)
        assert made(await at.response("J1")) == await count.read_value() - before == 3
        await at.run(60)
        response = await at.response("J1")
        assert made(response) == 5
        assert response["JobState"][0]["StateText"].Text == "Ended"
        assert response["StartTime"] == datetime.fromtimestamp(1_700_000_030.1, UTC)
        assert response["EndTime"] == datetime.fromtimestamp(1_700_000_096.1, UTC)
        data = {each["ID"]: each["Value"].Value for each in response["JobResponseData"]}
        assert data == {"Produced": 5, "Scrapped": 0, "Wanted": 5}
        assert await at.tell("Clear", "J1") == Return.NO_ERROR
        assert await at.listed() == {}


async def test_a_pause_holds_the_machines_and_resuming_lets_them_go_on() -> None:
    async with stand() as at:
        await at.run(20)
        assert await at.order("StoreAndStart", "J1") == Return.NO_ERROR
        await at.run(10)
        assert await at.tell("Pause", "J1") == Return.NO_ERROR
        await at.run(30)
        assert await at.listed() == {"J1": "Interrupted"}
        state = at.node("L1/B/B01/Status/StateCurrent")
        assert await state.read_value() == State.HELD
        count = made(await at.response("J1"))
        await at.run(30)
        assert made(await at.response("J1")) == count
        assert await at.tell("Resume", "J1") == Return.NO_ERROR
        await at.run(30)
        assert made(await at.response("J1")) >= count + 14


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"EquipmentRequirements": [{"ID": "Z"}]}, Return.UNABLE_TO_ACCEPT),
        ({"WorkMasterID": [{"ID": "other"}]}, Return.UNABLE_TO_ACCEPT),
        (wanted("many"), Return.UNABLE_TO_ACCEPT),
        (wanted("0"), Return.UNABLE_TO_ACCEPT),
        ({"JobOrderID": ""}, Return.INVALID_REQUEST),
        ({"EquipmentRequirements": [{"ID": "B"}], "WorkMasterID": [{"ID": "L1"}]}, Return.NO_ERROR),
    ],
)
async def test_an_order_for_what_the_plc_has_not_is_refused(fields, code) -> None:
    async with stand() as at:
        order_id = fields.get("JobOrderID", "J1")
        fields = {name: value for name, value in fields.items() if name != "JobOrderID"}
        assert await at.order("Store", order_id, **fields) == code
        assert (await at.listed() == {}) is (code is not Return.NO_ERROR)


async def test_what_is_no_order_and_what_is_unknown_is_said_so() -> None:
    async with stand() as at:
        for garbage in (
            ua.Variant(7),
            ua.Variant(ua.ExtensionObject(ua.NodeId(5014, at.control_ns), b"\xff" * 9)),
        ):
            result = await at.call("JobOrderControl", "Store", garbage, NO_COMMENT)
            assert result.StatusCode.value == ua.StatusCodes.Uncertain
            assert result.OutputArguments[0].Value == Return.INVALID_REQUEST
        assert await at.tell("Start", "nobody's") == Return.UNKNOWN_ORDER
        result = await at.call(
            "JobOrderResults", "RequestJobResponseByJobOrderID", ua.Variant("nobody's")
        )
        assert [a.VariantType.name for a in result.OutputArguments] == ["ExtensionObject", "UInt64"]
        assert result.OutputArguments[1].Value == Return.UNKNOWN_ORDER


async def test_responses_by_state() -> None:
    async with stand() as at:
        for order_id in ("J1", "J2", "J3"):
            await at.order("StoreAndStart", order_id)
        await at.run(1)
        await at.tell("Abort", "J3")
        for state, ids in ((3, ["J1"]), (2, ["J2"]), (6, ["J3"]), (5, [])):
            asked = ua.Variant([at.sent(STATE, {"StateNumber": state})])
            result = await at.call("JobOrderResults", "RequestJobResponseByJobOrderState", asked)
            found = result.OutputArguments[0].Value or []
            assert [decoded(RESPONSE, each.Body)["JobOrderID"] for each in found] == ids
            assert result.OutputArguments[1].Value == Return.NO_ERROR


async def test_orders_are_kept_over_a_warm_start_and_gone_after_a_cold_one() -> None:
    async with stand() as at:
        await at.order("StoreAndStart", "J1")
        (server,) = at.served.plcs
        await server.power_off()
        await at.run(30)
        await server.power_on(at.served.source_us)
        at.client = await connect(server.url, None)
        assert await at.listed() == {"J1": "AllowedToStart"}
        server.jobs.forget()
        await server.power_off()
        await server.power_on(at.served.source_us)
        at.client = await connect(server.url, None)
        assert await at.listed() == {}
