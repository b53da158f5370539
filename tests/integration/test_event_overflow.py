"""Events that don't fit an item's queue are discarded, and the client hears of it by an event."""

from __future__ import annotations

from typing import Any

import pytest
from asyncua import ua
from test_alarms import Listener, Rig, rig

OVERFLOW = ua.NodeId(ua.ObjectIds.EventQueueOverflowEventType)
HOLDS = 2


@pytest.fixture
async def here(tmp_path):
    async with rig(tmp_path / "pki") as made:
        yield made


async def missed(here: Rig, *, discard_oldest: bool) -> list[tuple[float, list[Any]]]:
    """Let alarms go by while nothing is published, twice; from when on, and the events."""
    listener, told = Listener(), []
    subscription = await here.client.create_subscription(20, listener)
    item = await subscription.subscribe_alarms_and_conditions(
        evtypes=ua.ObjectIds.AlarmConditionType, queuesize=HOLDS
    )
    change = ua.MonitoredItemModifyRequest(item)
    change.RequestedParameters.ClientHandle = next(
        one.client_handle for one in subscription._monitored_items.values()
    )
    change.RequestedParameters.QueueSize = HOLDS
    change.RequestedParameters.DiscardOldest = discard_oldest
    params = ua.ModifyMonitoredItemsParameters(
        subscription.subscription_id, ua.TimestampsToReturn.Source, [change]
    )
    (result,) = await here.client.uaclient.modify_monitored_items(params)
    assert result.RevisedQueueSize == HOLDS
    for _ in range(2):
        listener.events.clear()
        await subscription.set_publishing_mode(False)
        for _ in range(3):
            last_unix_s = (here.clock.epoch_unix_us + here.clock.now_us()) / 1e6
            await here.command("A01", "ABORT")
            await here.command("A01", "CLEAR")
        await subscription.set_publishing_mode(True)
        await listener.until(lambda: len(listener.events) > HOLDS)
        told.append((last_unix_s, list(listener.events)))
    return told


@pytest.mark.parametrize("discard_oldest", [True, False])
async def test_a_client_is_told_once_that_it_has_missed_events(here, discard_oldest) -> None:
    for last_unix_s, events in await missed(here, discard_oldest=discard_oldest):
        assert len(events) == HOLDS + 1
        place = 0 if discard_oldest else HOLDS
        assert [event.EventType == OVERFLOW for event in events] == [
            at == place for at in range(HOLDS + 1)
        ]
        overflow = events.pop(place)
        assert overflow.SourceNode == ua.NodeId(ua.ObjectIds.Server)
        assert overflow.SourceName == "Internal/EventQueueOverflow"
        assert overflow.Severity == 500
        # The client's own filter lets alarms through alone: this one passes it.
        assert all(event.ConditionName for event in events)
        # Those of the last fault push the older ones out, or each other from the last place.
        assert [event.Time.timestamp() >= last_unix_s for event in events] == [
            discard_oldest or at == HOLDS - 1 for at in range(HOLDS)
        ]


async def test_an_item_that_is_not_there_is_not_changed(here) -> None:
    subscription = await here.client.create_subscription(20, Listener())
    params = ua.ModifyMonitoredItemsParameters(
        subscription.subscription_id,
        ua.TimestampsToReturn.Source,
        [ua.MonitoredItemModifyRequest(4711)],
    )
    (result,) = await here.client.uaclient.modify_monitored_items(params)
    assert result.StatusCode.name == "BadMonitoredItemIdInvalid"
