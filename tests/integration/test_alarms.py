"""Alarms and conditions over the wire, by asyncua's client: seen, acknowledged, shelved, refreshed.

The clients filter and select as asyncua's own `subscribe_alarms_and_conditions` does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from asyncua import Client, ua

from opcua.address_space import namespace_uri
from opcua.clock import ManualClock
from opcua.connect import close, connect
from opcua.emulated_plc import ServedLine, serve_line
from opcua.faults.stand import FaultOrder
from opcua.security import client_security, server_security
from twin.engine.plant import SimulatedPlant
from twin.model.line import Line
from twin.model.packml_table import Command

LINE = Line.model_validate(
    {
        "id": "L1",
        "stations": (
            {
                "id": "A",
                "area": "FRONT",
                "machines": 2,
                "cycle_time": "2 s",
                "variables": (
                    {
                        "id": "T",
                        "unit": "degC",
                        "nominal": 80.0,
                        "low": 0.0,
                        "high": 200.0,
                        "alarm_low": 60.0,
                        "alarm_high": 90.0,
                    },
                ),
                "alarms": (
                    {
                        "id": "EQP1",
                        "name": {"en": "drive tripped", "zh": "驱动跳闸"},
                        "category": "EQP",
                        "severity": 700,
                        "when": "fault",
                    },
                    {"id": "PRC1", "category": "PRC", "severity": 300, "when": "T"},
                    {"id": "SAF1", "category": "SAF", "severity": 900, "when": "blocked"},
                ),
            },
            {"id": "B", "area": "BACK", "cycle_time": "1 s"},
        ),
        "buffers": ({"id": "AB", "from": "A", "to": "B", "capacity": 3},),
    }
)
REFRESHES = (ua.ObjectIds.RefreshStartEventType, ua.ObjectIds.RefreshEndEventType)


@dataclass
class Listener:
    """A client's handler that keeps events, and can be waited for."""

    events: list[Any] = field(default_factory=list)
    changes: list[Any] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    def event_notification(self, event: Any) -> None:
        self.events.append(event)
        self.came.set()

    def datachange_notification(self, _: Any, value: Any, __: Any) -> None:
        self.changes.append(value)
        self.came.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not holds():
                self.came.clear()
                await self.came.wait()

    @property
    def latest(self) -> dict[tuple[str, str], Any]:
        """The last event of each condition, by source and name."""
        return {
            (event.SourceName, event.ConditionName): event
            for event in self.events
            if getattr(event, "ConditionName", None)
        }

    @property
    def refreshed(self) -> int:
        """How many refreshes have ended."""
        end = ua.NodeId(ua.ObjectIds.RefreshEndEventType)
        return sum(event.EventType == end for event in self.events)


@dataclass
class Rig:
    """A line that is moved by hand, and a client."""

    served: ServedLine
    clock: ManualClock
    client: Client
    url: str
    pki: Any

    async def advance(self, seconds: float = 0.1) -> None:
        self.clock.move(round(seconds * 1e6))
        await self.served.scan()

    async def command(self, unit: str, name: str) -> None:
        await self.served.requests.command(unit, Command[name])
        await self.advance(5)

    async def subscribed(self, client: Client | None = None, **more: Any) -> tuple[Listener, Any]:
        listener = Listener()
        subscription = await (client or self.client).create_subscription(20, listener)
        kind = {"evtypes": ua.ObjectIds.AlarmConditionType}
        await subscription.subscribe_alarms_and_conditions(**(kind | more))
        return listener, subscription

    async def node(self, path: str) -> Any:
        index = await self.client.get_namespace_index(namespace_uri(LINE))
        return self.client.get_node(ua.NodeId(f"L1/{path}", index))

    async def call(self, event: Any, method: str, *given: Any) -> None:
        await self.client.get_node(event.NodeId).call_method(f"0:{method}", *given)

    async def refresh(self, subscription: Any, item: int | None = None) -> None:
        given = [ua.Variant(subscription.subscription_id, ua.VariantType.UInt32)]
        if item is not None:
            given.append(ua.Variant(item, ua.VariantType.UInt32))
        of = self.client.get_node(ua.ObjectIds.ConditionType)
        await of.call_method(f"0:ConditionRefresh{'2' if item is not None else ''}", *given)


@asynccontextmanager
async def rig(pki: Any, **more: Any) -> AsyncIterator[Rig]:
    clock = ManualClock(1_767_571_200_000_000)
    async with serve_line(SimulatedPlant(LINE), clock, server_security(pki), **more) as served:
        (url,) = served.endpoints.values()
        client = await connect(url, client_security(pki))
        try:
            yield Rig(served, clock, client, url, pki)
        finally:
            await close(client, polite=True)


@pytest.fixture
async def here(tmp_path):
    async with rig(tmp_path / "pki") as made:
        yield made


def text(words: str) -> ua.Variant:
    return ua.Variant(ua.LocalizedText(words, "en"), ua.VariantType.LocalizedText)


async def test_an_alarm_comes_is_acknowledged_goes_and_is_confirmed(here) -> None:
    listener, _ = await here.subscribed()
    await here.command("A01", "ABORT")
    await here.advance()
    await listener.until(lambda: ("A01", "EQP1") in listener.latest)
    event = listener.latest["A01", "EQP1"]
    assert event.EventType == ua.NodeId(ua.ObjectIds.OffNormalAlarmType)
    assert event.NodeId == (await here.node("A/A01/Conditions/EQP1")).nodeid
    assert event.SourceNode == (await here.node("A/A01")).nodeid
    assert (event.Severity, event.Message.Text) == (700, "drive tripped")
    assert getattr(event, "ActiveState/Id")
    assert not getattr(event, "AckedState/Id")
    assert event.Retain
    assert event.BranchId.is_null()
    assert event.Time == event.ReceiveTime
    await here.call(event, "Acknowledge", event.EventId, text("seen"))
    await listener.until(lambda: getattr(listener.latest["A01", "EQP1"], "AckedState/Id"))
    event = listener.latest["A01", "EQP1"]
    assert event.Comment.Text == "seen"
    assert event.ClientUserId == "twin"
    assert not getattr(event, "ConfirmedState/Id")
    with pytest.raises(ua.uaerrors.BadConditionBranchAlreadyAcked):
        await here.call(event, "Acknowledge", event.EventId, text("again"))
    await here.command("A01", "CLEAR")
    await listener.until(lambda: not getattr(listener.latest["A01", "EQP1"], "ActiveState/Id"))
    event = listener.latest["A01", "EQP1"]
    assert event.Retain
    await here.call(event, "Confirm", event.EventId, text("drive changed"))
    await listener.until(lambda: not listener.latest["A01", "EQP1"].Retain)
    assert getattr(listener.latest["A01", "EQP1"], "ConfirmedState/Id")
    with pytest.raises(ua.uaerrors.BadConditionBranchAlreadyConfirmed):
        await here.call(event, "Confirm", event.EventId, text("again"))


async def test_a_condition_is_a_node_with_all_that_its_type_makes_mandatory(here) -> None:
    for name, kind, extra in (
        ("EQP1", ua.ObjectIds.OffNormalAlarmType, {"NormalState"}),
        ("PRC1", ua.ObjectIds.ExclusiveLevelAlarmType, {"HighLimit", "LowLimit"}),
    ):
        node = await here.node(f"A/A01/Conditions/{name}")
        assert await node.read_type_definition() == ua.NodeId(kind)
        found = {child.Name for child in await _children(node)}
        type_node = here.client.get_node(kind)
        while type_node.nodeid != ua.NodeId(ua.ObjectIds.BaseObjectType):
            for part in await type_node.get_children():
                rules = await part.get_referenced_nodes(ua.ObjectIds.HasModellingRule)
                mandatory = ua.NodeId(ua.ObjectIds.ModellingRule_Mandatory)
                if any(rule.nodeid == mandatory for rule in rules):
                    assert (await part.read_browse_name()).Name in found
            (type_node,) = await type_node.get_referenced_nodes(
                ua.ObjectIds.HasSubtype, ua.BrowseDirection.Inverse
            )
        assert extra | {"Confirm", "ConfirmedState", "ShelvingState", "MaxTimeShelved"} <= found
    machine = await here.node("A/A01")
    conditions = await machine.get_referenced_nodes(ua.ObjectIds.HasCondition)
    names = {(await condition.read_browse_name()).Name for condition in conditions}
    assert names == {"EQP1", "PRC1", "SAF1"}
    without = await (await here.node("B/B01")).get_referenced_nodes(ua.ObjectIds.HasCondition)
    assert [(await each.read_browse_name()).Name for each in without] == ["Fault"]


async def _children(node: Any) -> list[ua.QualifiedName]:
    found = await node.get_children_descriptions()
    return [each.BrowseName for each in found]


async def test_its_nodes_show_its_state_and_can_be_subscribed_to(here) -> None:
    active = await here.node("A/A01/Conditions/EQP1/ActiveState/Id")
    assert await active.read_value() is False
    listener = Listener()
    subscription = await here.client.create_subscription(20, listener)
    await subscription.subscribe_data_change(active)
    await here.command("A01", "ABORT")
    await here.advance()
    await listener.until(lambda: listener.changes == [False, True])
    shown = await (await here.node("A/A01/Conditions/EQP1/ActiveState")).read_value()
    assert shown.Text == "Active"
    assert await (await here.node("A/A01/Conditions/EQP1/Retain")).read_value() is True
    with pytest.raises(ua.UaStatusCodeError):
        await active.write_value(False)


async def test_a_level_says_which_limit_it_is_beyond(here) -> None:
    listener, _ = await here.subscribed()
    number = await here.served.faults.begin(
        FaultOrder("alarm_flood", units=("A01",), signals=("alarm.PRC1",), settings={"share": 1.0})
    )
    await here.advance()
    await listener.until(lambda: ("A01", "PRC1") in listener.latest)
    event = listener.latest["A01", "PRC1"]
    assert event.EventType == ua.NodeId(ua.ObjectIds.ExclusiveLevelAlarmType)
    limit = await (await here.node("A/A01/Conditions/PRC1/LimitState/CurrentState")).read_value()
    assert limit.Text == "High"
    assert await (await here.node("A/A01/Conditions/PRC1/HighLimit")).read_value() == 90.0
    class_id = await (await here.node("A/A01/Conditions/SAF1/ConditionClassId")).read_value()
    assert class_id == ua.NodeId(ua.ObjectIds.SafetyConditionClassType)
    await here.served.faults.end(number)
    await here.advance()
    await listener.until(lambda: not getattr(listener.latest["A01", "PRC1"], "ActiveState/Id"))


async def test_shelved_for_a_time_until_it_goes_and_taken_out_again(here) -> None:
    listener, _ = await here.subscribed()
    await here.command("A01", "ABORT")
    await here.advance()
    await listener.until(lambda: ("A01", "EQP1") in listener.latest)
    shelving = await here.node("A/A01/Conditions/EQP1/ShelvingState")

    def is_shelved() -> bool:
        return bool(listener.latest["A01", "EQP1"].SuppressedOrShelved)

    for_ms = ua.Variant(60_000.0, ua.VariantType.Double)
    await shelving.call_method("0:TimedShelve", for_ms)
    await listener.until(is_shelved)
    assert 0 < await (await shelving.get_child("0:UnshelveTime")).read_value() <= 60_000
    await here.advance(59)
    assert is_shelved()
    await here.advance(2)
    await listener.until(lambda: not is_shelved())
    with pytest.raises(ua.uaerrors.BadConditionNotShelved):
        await shelving.call_method("0:Unshelve")
    for wrong in (0.0, -1.0, 1e12, float("nan")):
        with pytest.raises(ua.uaerrors.BadShelvingTimeOutOfRange):
            await shelving.call_method("0:TimedShelve", ua.Variant(wrong, ua.VariantType.Double))
    await shelving.call_method("0:OneShotShelve")
    await listener.until(is_shelved)
    with pytest.raises(ua.uaerrors.BadConditionAlreadyShelved):
        await shelving.call_method("0:OneShotShelve")
    await here.command("A01", "CLEAR")
    await listener.until(lambda: not is_shelved())
    await shelving.call_method("0:TimedShelve", for_ms)
    await listener.until(is_shelved)
    await shelving.call_method("0:Unshelve")
    await listener.until(lambda: not is_shelved())


async def test_disabled_it_says_nothing_and_enabled_it_is_looked_at_anew(here) -> None:
    listener, _ = await here.subscribed()
    condition = await here.node("A/A01/Conditions/EQP1")
    await condition.call_method("0:Disable")
    await listener.until(lambda: ("A01", "EQP1") in listener.latest)
    assert not getattr(listener.latest["A01", "EQP1"], "EnabledState/Id")
    with pytest.raises(ua.uaerrors.BadConditionAlreadyDisabled):
        await condition.call_method("0:Disable")
    count = len(listener.events)
    await here.command("A01", "ABORT")
    await here.command("A02", "ABORT")
    await here.advance()
    await listener.until(lambda: ("A02", "EQP1") in listener.latest)
    assert [e for e in listener.events[count:] if e.SourceName == "A01"] == []
    event = listener.latest["A01", "EQP1"]
    with pytest.raises(ua.uaerrors.BadConditionDisabled):
        await here.call(event, "AddComment", event.EventId, text("?"))
    await condition.call_method("0:Enable")
    await listener.until(lambda: getattr(listener.latest["A01", "EQP1"], "ActiveState/Id"))


async def test_what_is_asked_amiss_is_refused_with_the_right_code(here) -> None:
    condition = await here.node("A/A01/Conditions/EQP1")
    errors = ua.uaerrors
    for given, code in (
        ((b"never told", text("x")), errors.BadEventIdUnknown),
        ((b"one",), errors.BadArgumentsMissing),
        ((b"one", text("x"), text("y")), errors.BadTooManyArguments),
        ((7, text("x")), errors.BadInvalidArgument),
    ):
        with pytest.raises(code):
            await condition.call_method("0:Acknowledge", *given)
    kind = here.client.get_node(ua.ObjectIds.AcknowledgeableConditionType)
    with pytest.raises(errors.BadNodeIdUnknown):
        await kind.call_method("0:Acknowledge", b"x", text("x"))


async def test_a_refresh_tells_what_is_of_interest_to_who_comes_late(here, tmp_path) -> None:
    await here.command("A01", "ABORT")
    await here.command("A02", "ABORT")
    await here.advance()
    late, subscription = await here.subscribed()
    await here.refresh(subscription)
    await late.until(lambda: late.refreshed == 1)
    kinds = [event.EventType.Identifier for event in late.events]
    assert (kinds[0], kinds[-1]) == REFRESHES
    told = {key for key, event in late.latest.items() if event.Retain}
    assert {("A01", "EQP1"), ("A02", "EQP1")} <= told
    assert all(event.Retain for event in late.latest.values())
    # The same events again: they have the ids that they had.
    event = late.latest["A01", "EQP1"]
    await here.call(event, "Acknowledge", event.EventId, text("seen"))
    one, two = Listener(), Listener()
    for listener in (one, two):
        mine = await here.client.create_subscription(20, listener)
        item = await mine.subscribe_alarms_and_conditions()
        if listener is two:
            await here.refresh(mine, item)
    await two.until(lambda: two.refreshed == 1)
    assert one.events == []
    other = await connect(here.url, client_security(here.pki))
    try:
        number = ua.Variant(subscription.subscription_id, ua.VariantType.UInt32)
        kind = other.get_node(ua.ObjectIds.ConditionType)
        with pytest.raises(ua.uaerrors.BadSubscriptionIdInvalid):
            await kind.call_method("0:ConditionRefresh", number)
    finally:
        await close(other, polite=True)


async def test_several_clients_select_and_filter_each_for_itself(here) -> None:
    everything, _ = await here.subscribed()
    of_line, _ = await here.subscribed(
        sourcenode=(await here.node("A")), evtypes=ua.ObjectIds.OffNormalAlarmType
    )
    of_other, _ = await here.subscribed(sourcenode=(await here.node("B")))
    grave = ua.EventFilter()
    grave.SelectClauses = [_clause("SourceName"), _clause("Severity"), _clause("ActiveState", "Id")]
    of_type = ua.ContentFilterElement(
        ua.FilterOperator.OfType,
        [ua.LiteralOperand(ua.Variant(ua.NodeId(ua.ObjectIds.AlarmConditionType)))],
    )
    is_grave = ua.ContentFilterElement(
        ua.FilterOperator.GreaterThan,
        [_clause("Severity"), ua.LiteralOperand(ua.Variant(500, ua.VariantType.UInt16))],
    )
    both = ua.ContentFilterElement(
        ua.FilterOperator.And, [ua.ElementOperand(1), ua.ElementOperand(2)]
    )
    grave.WhereClause = ua.ContentFilter([both, of_type, is_grave])
    filtered, _ = await here.subscribed(evfilter=grave)
    await here.served.faults.begin(
        FaultOrder("alarm_flood", units=("A02",), signals=("alarm.*",), settings={"share": 1.0})
    )
    await here.advance()
    await everything.until(lambda: len(everything.events) == 3)
    await filtered.until(lambda: len(filtered.events) == 2)
    await of_line.until(lambda: len(of_line.events) == 2)
    assert {event.Severity for event in filtered.events} == {700, 900}
    assert {event.ConditionName for event in of_line.events} == {"EQP1", "SAF1"}
    assert of_other.events == []


def _clause(*path: str) -> ua.SimpleAttributeOperand:
    return ua.SimpleAttributeOperand(
        ua.NodeId(ua.ObjectIds.BaseEventType),
        [ua.QualifiedName(name, 0) for name in path],
        ua.AttributeIds.Value,
    )


async def test_a_restart_of_the_plc_keeps_what_was_acknowledged(here) -> None:
    listener, _ = await here.subscribed()
    await here.command("A01", "ABORT")
    await here.advance()
    await listener.until(lambda: ("A01", "EQP1") in listener.latest)
    event = listener.latest["A01", "EQP1"]
    await here.call(event, "Acknowledge", event.EventId, text("seen"))
    number = await here.served.faults.begin(FaultOrder("power_off"))
    await here.served.faults.end(number)
    await here.advance()
    again = await connect(here.url, client_security(here.pki))
    try:
        index = await again.get_namespace_index(namespace_uri(LINE))
        base = "L1/A/A01/Conditions/EQP1"
        acked = again.get_node(ua.NodeId(f"{base}/AckedState/Id", index))
        comment = again.get_node(ua.NodeId(f"{base}/Comment", index))
        assert await acked.read_value() is True
        assert (await comment.read_value()).Text == "seen"
    finally:
        await close(again)
