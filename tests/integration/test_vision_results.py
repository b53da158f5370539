"""Results of vision posts over the wire (OPC 40100-1): shown, asked for, listed, told of."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

from asyncua import Client, ua

from opcua.clock import ManualClock
from opcua.connect import close, connect
from opcua.emulated_plc import ServedLine, serve_line
from opcua.jobs.book import COMMANDS
from opcua.jobs.nodes import STORING
from opcua.roles import Role, may_call
from opcua.standards import JOB_CONTROL, VISION
from opcua.structure_codec import decoded, structure
from opcua.vision.results import KEPT
from opcua.wire_values import Ref
from twin.engine.plant import SimulatedPlant
from twin.model import Buffer, Line, Station

S = 1_000_000
LINE = Line(
    id="L1",
    defects=({"id": "dent"}, {"id": "burr"}),
    stations=(
        Station(id="A", cycle_time="1 s", defects={"dent": 0.3, "burr": 0.2}),
        Station(
            id="V",
            machines=2,
            cycle_time="1 s",
            inspection={"detects": {"dent": 0.9, "burr": 0.8}, "false_reject": 0.05},
        ),
    ),
    buffers=(Buffer(id="AV", sources="A", sinks="V", capacity=3),),
)
NS = "urn:linetwin:ENTERPRISE:SITE:L1"
RESULT, RESULT_ID = Ref(VISION, 3006), Ref(VISION, 3021)
NO_TIMEOUT = ua.Variant(0, ua.VariantType.Int32)
NULL = ua.Variant(ua.ExtensionObject(), ua.VariantType.ExtensionObject)


class Stand:
    """A line with a manual clock, and a plain asyncua client that asks for results."""

    def __init__(self, served: ServedLine, clock: ManualClock, client: Client) -> None:
        self.served, self.clock, self.client = served, clock, client

    async def look(self) -> None:
        self.own = await self.client.get_namespace_index(NS)
        self.vision = await self.client.get_namespace_index(VISION)

    def node(self, path: str):
        return self.client.get_node(ua.NodeId(f"L1/V/{path}", self.own))

    async def run(self, seconds: float) -> None:
        self.clock.move(round(seconds * S))
        await self.served.scan()

    async def call(self, unit: str, name: str, *given: ua.Variant) -> list[object]:
        management = self.node(f"{unit}/VisionSystem/ResultManagement")
        (method,) = [
            r.NodeId
            for r in await management.get_references(ua.ObjectIds.HasComponent)
            if r.IsForward and r.BrowseName == ua.QualifiedName(name, self.vision)
        ]
        request = ua.CallMethodRequest(management.nodeid, method, list(given))
        (result,) = await self.client.uaclient.call([request])
        result.StatusCode.check()
        return [each.Value for each in result.OutputArguments]

    def id(self, text: str) -> ua.Variant:
        made = structure(RESULT_ID, {"Id": text})
        type_id = ua.NodeId(made.encoding.ident, self.vision)
        return ua.Variant(ua.ExtensionObject(type_id, made.body))

    def unsigned(self, number: int) -> ua.Variant:
        return ua.Variant(number, ua.VariantType.UInt32)

    async def listed(self, unit: str, *, most: int = 0, first: int = 0, job: object = NULL):
        return await self.call(
            unit, "GetResultListFiltered", NO_TIMEOUT, *[NULL] * 7, job,
            self.unsigned(most), self.unsigned(first), NO_TIMEOUT,
        )  # fmt: skip

    async def counters(self, unit: str) -> dict[str, int]:
        names = {
            "Inspected": "Admin/ProdProcessedCount",
            "Scrapped": "Admin/ProdDefectiveCount",
            "Reworked": "Admin/ProdReworkedCount",
            "dent": "Inspection/dent",
            "burr": "Inspection/burr",
        }
        return {n: await self.node(f"{unit}/{path}").read_value() for n, path in names.items()}


@asynccontextmanager
async def stand():
    clock = ManualClock()
    async with serve_line(SimulatedPlant(LINE), clock, None) as served:
        (url,) = served.endpoints.values()
        client = await connect(url, None)
        at = Stand(served, clock, client)
        try:
            await at.look()
            yield at
        finally:
            await close(client, polite=True)


def content(result: dict) -> dict[str, int]:
    return {each.Value.Key.Name: each.Value.Value.Value for each in result["ResultContent"]}


async def test_a_result_is_what_the_post_counted_from_scan_to_scan() -> None:
    async with stand() as at:
        latest = at.node("V01/VisionSystem/ResultManagement/Results/Latest")
        value = await latest.read_data_value(raise_on_bad_status=False)
        assert value.StatusCode.value == ua.StatusCodes.BadNoData
        before, found = await at.counters("V01"), {}
        for _ in range(40):
            await at.run(5)
            after = await at.counters("V01")
            shown = decoded(RESULT, (await latest.read_value()).Body)
            grown = {name: after[name] - before[name] for name in after}
            said = content(shown)
            passed = grown["Inspected"] - grown["Scrapped"] - grown["Reworked"]
            assert said.pop("Passed") == passed
            assert said == {
                name: count
                for name, count in grown.items()
                if count or name in ("Inspected", "Scrapped", "Reworked")
            }
            assert shown["ResultId"] == {"Id": f"V01-{after['Inspected']}"}
            found[shown["ResultId"]["Id"]] = shown
            before = after
        assert sum(content(each).get("dent", 0) for each in found.values()) == after["dent"] > 0
        for result_id, shown in found.items():
            handle, result, error = await at.call(
                "V01", "GetResultById", at.id(result_id), NO_TIMEOUT
            )
            assert (decoded(RESULT, result.Body), error) == (shown, 0)
            assert await at.call("V01", "ReleaseResultHandle", at.unsigned(handle)) == [0]
            assert await at.call("V01", "ReleaseResultHandle", at.unsigned(handle)) == [-1]


async def test_a_result_that_is_not_known_is_an_error_and_no_failure() -> None:
    async with stand() as at:
        await at.run(5)
        for name, count in (("GetResultById", 3), ("GetResultComponentsById", 17)):
            said = await at.call("V02", name, at.id("V02-9999"), NO_TIMEOUT)
            assert (len(said), said[-1]) == (count, -1)


async def test_results_are_listed_the_newest_first_in_parts_and_by_job() -> None:
    async with stand() as at:
        for _ in range(6):
            await at.run(5)
        complete, count, handle, results, error = await at.listed("V02")
        numbers = [
            int(decoded(RESULT, r.Body)["ResultId"]["Id"].partition("-")[2]) for r in results
        ]
        assert (complete, count, error) == (True, 6, 0)
        assert handle > 0
        assert numbers == sorted(numbers, reverse=True)
        complete, count, _, part, _ = await at.listed("V02", most=2, first=1)
        assert (complete, count) == (False, 2)
        assert [p.Body for p in part] == [r.Body for r in results[1:3]]
        job = structure(Ref(VISION, 3016), {"Id": "V01"})
        other = ua.Variant(ua.ExtensionObject(ua.NodeId(job.encoding.ident, at.vision), job.body))
        assert (await at.listed("V02", job=other))[:2] == [True, 0]
        assert (await at.listed("V01", job=other))[1] == 6


async def test_components_are_those_of_the_result() -> None:
    async with stand() as at:
        await at.run(5)
        _, _, _, (result,), _ = await at.listed("V01")
        whole = decoded(RESULT, result.Body)
        said = await at.call(
            "V01", "GetResultComponentsById", at.id(whole["ResultId"]["Id"]), NO_TIMEOUT
        )
        assert said[0] is False
        assert said[3] is whole["IsSimulated"] is True
        assert said[13] == whole["CreationTime"]
        assert said[15] == [each.Value for each in whole["ResultContent"]]
        assert said[16] == 0


async def test_only_so_many_are_kept_but_what_somebody_holds() -> None:
    async with stand() as at:
        await at.run(5)
        _, _, handle, (first,), _ = await at.listed("V01")
        first_id = decoded(RESULT, first.Body)["ResultId"]["Id"]
        for _ in range(KEPT):
            await at.run(5)
        assert (await at.listed("V01"))[1] == KEPT
        assert (await at.call("V01", "GetResultById", at.id(first_id), NO_TIMEOUT))[2] == 0
        for held in (handle, handle + 2):
            await at.call("V01", "ReleaseResultHandle", at.unsigned(held))
        at.served.plcs[0].vision.results("V01").held.clear()
        assert (await at.call("V01", "GetResultById", at.id(first_id), NO_TIMEOUT))[2] == -1


async def test_who_only_observes_may_ask_for_results_and_responses_but_not_order() -> None:
    async with stand() as at:
        (server,) = at.served.plcs
        space = server._server.iserver.aspace
        first = {
            path.rpartition("/")[2]: min(
                (role for role in Role if may_call(space, method, role)), default=None
            )
            for path, (_, method) in server._applied.methods.items()
            if "ResultManagement/" in path or "JobManagement/" in path
        }
    asks = {"GetResultById", "GetResultComponentsById", "GetResultListFiltered"}
    asks |= {"ReleaseResultHandle", "RequestJobResponseByJobOrderID"}
    asks |= {"RequestJobResponseByJobOrderState"}
    assert first == {
        **dict.fromkeys(asks, Role.OBSERVE),
        **dict.fromkeys((*STORING, *COMMANDS), Role.OPERATE),
    }


async def test_a_method_is_of_its_own_object_and_not_of_its_type() -> None:
    async with stand() as at:
        (server,) = at.served.plcs
        for name, type_id, uri in (
            ("GetResultById", 1007, VISION),
            ("Store", 1002, JOB_CONTROL),
        ):
            method = next(m for p, (_, m) in server._applied.methods.items() if p.endswith(name))
            above = ua.NodeId(type_id, await at.client.get_namespace_index(uri))
            (result,) = await at.client.uaclient.call([ua.CallMethodRequest(above, method, [])])
            assert result.StatusCode.value == ua.StatusCodes.BadMethodInvalid


class Heard:
    """Collects events."""

    def __init__(self) -> None:
        self.events: asyncio.Queue = asyncio.Queue()

    def event_notification(self, event: object) -> None:
        self.events.put_nowait(event)


async def test_a_new_result_is_an_event_of_the_post_and_of_the_server() -> None:
    async with stand() as at:
        await at.run(5)
        heard, ready = Heard(), at.client.get_node(ua.NodeId(1024, at.vision))
        subscription = await at.client.create_subscription(20, heard)
        await subscription.subscribe_events(at.node("V01/VisionSystem"), ready)
        await at.run(5)
        async with asyncio.timeout(20):
            event = await heard.events.get()
        _, _, _, (newest, _), _ = await at.listed("V01")
        result = decoded(RESULT, newest.Body)
        assert decoded(RESULT_ID, event.ResultId.Body) == result["ResultId"]
        assert event.EventType == ready.nodeid
        assert event.SourceNode == at.node("V01/VisionSystem").nodeid
        assert (event.ResultState, event.IsPartial) == (1, False)
        assert event.CreationTime == result["CreationTime"]
        await subscription.subscribe_events(at.client.nodes.server, ready)
        await at.run(5)
        async with asyncio.timeout(20):
            events = [await heard.events.get() for _ in range(3)]
        assert sorted(each.SourceName for each in events) == ["V01", "V01", "V02"]
