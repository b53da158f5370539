"""Each make of PLC over the wire: its node ids, its namespaces, and each limit, hit by a client."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from asyncua import Client, ua

from opcua.clock import ManualClock
from opcua.emulated_plc import serve_line
from opcua.export import tags_csv
from opcua.naming import Naming
from opcua.personality import PERSONALITIES, own_uri, personality
from twin.engine.plant import SimulatedPlant
from twin.errors import UsageError
from twin.model.line import Line

MAKES = ("s7-1200", "s7-1500", "twincat", "codesys")
LINE = Line.model_validate(
    {
        "id": "L1",
        "stations": (
            {
                "id": "CUT",
                "cycle_time": "1 s",
                "variables": (
                    {"id": "Temp", "unit": "degC", "nominal": 80.0, "low": 0.0, "high": 200.0},
                ),
            },
        ),
    }
)
STATE = {
    "generic": "ns=2;s=L1/CUT/CUT01/Status/StateCurrent",
    "s7-1200": 'ns=3;s="CUT"."CUT01"."Status"."StateCurrent"',
    "s7-1500": 'ns=3;s="CUT"."CUT01"."Status"."StateCurrent"',
    "twincat": "ns=4;s=MAIN.CUT.CUT01.Status.StateCurrent",
    "codesys": "ns=4;s=|var|CODESYS Control Win V3 x64.Application.PLC_PRG"
    ".CUT.CUT01.Status.StateCurrent",
}
TEMP = STATE["s7-1200"].replace("Status", "ProcessVariables").replace("StateCurrent", "Temp")


@asynccontextmanager
async def served(make: str, clients: int = 1):
    plant = SimulatedPlant(LINE)
    like = personality(make)
    async with serve_line(plant, ManualClock(), None, personality=like) as line:
        (url,) = line.endpoints.values()
        made = [Client(url) for _ in range(clients)]
        try:
            for client in made:
                await client.connect()
            yield line, made[0] if clients == 1 else made
        finally:
            await asyncio.gather(*(client.disconnect() for client in made), return_exceptions=True)


def reads(count: int, node: str = "i=2258") -> ua.ReadParameters:
    one = ua.ReadValueId(ua.NodeId.from_string(node), ua.AttributeIds.Value)
    return ua.ReadParameters(NodesToRead=[one] * count)


def items(subscription, node: str, count: int, **asked) -> ua.CreateMonitoredItemsParameters:
    return ua.CreateMonitoredItemsParameters(
        subscription.subscription_id,
        ua.TimestampsToReturn.Both,
        [
            ua.MonitoredItemCreateRequest(
                ua.ReadValueId(ua.NodeId.from_string(node), ua.AttributeIds.Value),
                ua.MonitoringMode.Reporting,
                ua.MonitoringParameters(ClientHandle=handle, QueueSize=1, **asked),
            )
            for handle in range(count)
        ],
    )


class Nobody:
    def datachange_notification(self, *_) -> None: ...


@pytest.mark.parametrize("make", PERSONALITIES)
async def test_ids_and_namespaces_are_the_makes_own(make) -> None:
    async with served(make) as (line, client):
        line.clock.move(10_000_000)
        await line.scan()
        node = client.get_node(STATE[make])
        assert await node.read_value() == 6
        namespaces = await client.get_namespace_array()
        own = namespaces[node.nodeid.NamespaceIndex]
        assert own == own_uri(personality(make), LINE)
        # What an engineer exports is what a client finds.
        rows = tags_csv(LINE, personality(make)).splitlines()
        assert any(
            f"nsu={own};s={node.nodeid.Identifier}" in row.replace('""', '"') for row in rows
        )


@pytest.mark.parametrize("make", MAKES)
async def test_commands_and_setpoints_act_under_a_makes_names(make) -> None:
    async with served(make) as (line, client):
        syntax, index = personality(make).syntax, int(STATE[make][3])

        def node(path: str):
            return client.get_node(ua.NodeId(syntax.ident(path), index))

        commands = node("L1/CUT/CUT01/Commands")
        await commands.call_method(node("L1/CUT/CUT01/Commands/Stop").nodeid, 3)
        factor = node("L1/CUT/CUT01/Setpoints/CycleTimeFactor")
        await factor.write_value(2.0)
        line.clock.move(1_000_000)
        await line.scan()
        assert await client.get_node(STATE[make]).read_value() == 2
        assert await factor.read_value() == 2.0


@pytest.mark.parametrize("make", MAKES)
async def test_stations_are_found_from_the_device_set_down(make) -> None:
    async with served(make) as (_, client):
        index = await client.get_namespace_index("http://opcfoundation.org/UA/DI/")
        at = client.get_node(ua.NodeId(5001, index))
        for ident in personality(make).top:
            (at,) = [one for one in await at.get_children() if one.nodeid.Identifier == ident]
        assert [str((await one.read_browse_name()).Name) for one in await at.get_children()] == [
            "CUT"
        ]


@pytest.mark.parametrize("make", MAKES)
async def test_a_request_for_too_many_nodes_is_refused_as_a_whole(make) -> None:
    limits = personality(make).limits
    async with served(make) as (_, client):
        session = client.uaclient
        state = ua.NodeId.from_string(STATE[make])
        browse = ua.BrowseDescription(NodeId=state)
        type_definition = ua.NodeId(ua.ObjectIds.HasTypeDefinition)
        path = ua.BrowsePath(
            state,
            ua.RelativePath(
                [ua.RelativePathElement(type_definition, TargetName=ua.QualifiedName("None"))]
            ),
        )
        write = ua.WriteValue(state, ua.AttributeIds.Value, Value=ua.DataValue(ua.Variant(1)))
        naming = Naming(state.NamespaceIndex, personality(make).syntax)
        commands = naming.node_id("L1/CUT/CUT01/Commands")
        # It runs already: refused, and nothing changes.
        call = ua.CallMethodRequest(commands, naming.below(commands, "Start"))
        for most, ask in (
            (limits.nodes_a_read, lambda n: session.read(reads(n))),
            (
                limits.nodes_a_browse,
                lambda n: session.browse(ua.BrowseParameters(NodesToBrowse=[browse] * n)),
            ),
            (
                limits.paths_a_translate,
                lambda n: session.translate_browsepaths_to_nodeids([path] * n),
            ),
            (
                limits.nodes_a_write,
                lambda n: session.write(ua.WriteParameters(NodesToWrite=[write] * n)),
            ),
            (limits.nodes_a_call, lambda n: session.call([call] * n)),
        ):
            if not most:
                assert len(await ask(300)) == 300
                continue
            assert len(await ask(most)) == most
            with pytest.raises(ua.uaerrors.BadTooManyOperations):
                await ask(most + 1)


@pytest.mark.parametrize("make", MAKES)
async def test_limits_are_where_clients_look_for_them(make) -> None:
    made = personality(make)
    async with served(make) as (_, client):
        read = client.get_node(
            ua.ObjectIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead
        )
        assert await read.read_value() == made.limits.nodes_a_read
        product = client.get_node(ua.ObjectIds.Server_ServerStatus_BuildInfo_ManufacturerName)
        assert await product.read_value() == made.manufacturer


@pytest.mark.parametrize(
    ("make", "publishing_ms", "sampling_ms"),
    [("s7-1200", 200.0, 100.0), ("codesys", 100.0, 100.0), ("s7-1500", 20.0, 20.0)],
)
async def test_intervals_are_revised(make, publishing_ms, sampling_ms) -> None:
    async with served(make) as (_, client):
        subscription = await client.create_subscription(20, Nobody())
        asked = ua.CreateSubscriptionParameters(RequestedPublishingInterval=20.0)
        made = await client.uaclient.create_subscription(asked, lambda _: None)
        assert made.RevisedPublishingInterval == publishing_ms
        for node in (STATE[make], "i=2258"):
            wanted = items(subscription, node, 1, SamplingInterval=10.0)
            (item,) = await client.uaclient.create_monitored_items(wanted)
            assert item.RevisedSamplingInterval == sampling_ms
            wanted = items(subscription, node, 1, SamplingInterval=5000.0)
            (item,) = await client.uaclient.create_monitored_items(wanted)
            if personality(make).limits.least_sampling_ms:
                assert item.RevisedSamplingInterval == 5000.0


async def test_an_s7_1200_takes_no_filter_and_a_thousand_items() -> None:
    async with served("s7-1200") as (_, client):
        subscription = await client.create_subscription(500, Nobody())
        deadband = ua.DataChangeFilter(
            ua.DataChangeTrigger.StatusValue, ua.DeadbandType.Absolute, 1.0
        )
        wanted = items(subscription, TEMP, 1, Filter=deadband)
        (item,) = await client.uaclient.create_monitored_items(wanted)
        assert item.StatusCode.name == "BadFilterNotAllowed"
        with pytest.raises(ua.uaerrors.BadTooManyOperations):
            await client.uaclient.create_monitored_items(items(subscription, TEMP, 1001))
        made = await client.uaclient.create_monitored_items(items(subscription, TEMP, 990))
        assert all(one.StatusCode.is_good() for one in made)
        other = await client.create_subscription(500, Nobody())
        made = await client.uaclient.create_monitored_items(items(other, TEMP, 12))
        names = [one.StatusCode.name for one in made]
        assert names == ["Good"] * 10 + ["BadTooManyMonitoredItems"] * 2
        await client.uaclient.delete_monitored_items(
            ua.DeleteMonitoredItemsParameters(other.subscription_id, [made[0].MonitoredItemId])
        )
        (again,) = await client.uaclient.create_monitored_items(items(other, TEMP, 1))
        assert again.StatusCode.is_good()
        for _ in range(3):
            await client.create_subscription(500, Nobody())
        with pytest.raises(ua.uaerrors.BadTooManySubscriptions):
            await client.create_subscription(500, Nobody())


async def test_a_session_more_than_there_may_be_is_refused() -> None:
    most = personality("s7-1200").limits.sessions
    async with served("s7-1200", clients=most) as (line, clients):
        (url,) = line.endpoints.values()
        with pytest.raises(ua.uaerrors.BadTooManySessions):
            await Client(url).connect()
        await clients[0].disconnect()
        await clients[0].connect()


def test_one_that_there_is_not_is_refused() -> None:
    with pytest.raises(UsageError, match="must be one of generic, s7-1200"):
        personality("logo")


def test_the_reference_says_what_the_data_says() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "personalities.md").read_text(
        "utf-8"
    )
    rows = {
        cells[1]: dict(zip(PERSONALITIES, cells[2:], strict=False))
        for line in page.splitlines()
        if len(cells := [cell.strip() for cell in line.replace("\\|", "!").split("|")]) > 6
    }
    for row, names in {
        "sessions": ("sessions",),
        "subscriptions of a session": ("subscriptions",),
        "monitored items in all": ("monitored_items",),
        "monitored items a request": ("items_a_call",),
        "nodes a read, write": ("nodes_a_read", "nodes_a_write"),
        "nodes a browse": ("nodes_a_browse",),
        "methods a call, paths a translate": ("nodes_a_call", "paths_a_translate"),
        "least sampling interval": ("least_sampling_ms",),
    }.items():
        for make, said in rows[row].items():
            number = float(said.removesuffix(" ms") or 0)
            for name in names:
                assert getattr(personality(make).limits, name) == number, (row, make)
    for made in PERSONALITIES.values():
        for source in made.sources:
            assert source.says in page
