"""A server with little room for monitored items is watched by several subscriptions, or polled."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest
from fault_rig import LINE, rig, until

from opcua.limits import Limits
from opcua.readings import ConnectionChanged, Message, NotificationsLost, TagsPolled
from opcua.subscriber import Options, Subscriber
from opcua.tag_map import tag_map
from opcua.virtual_time import run_virtual
from twin.live.mirror import Mirror

OPTIONS = Options(publishing_s=0.5, timeout_s=2.0, back_off_s=(0.2, 1.0), jitter=lambda: 0.5)
WATCHDOG_S = OPTIONS.watchdog_s


class Listening:
    """A mirror behind a subscriber, every message, and what it says to people."""

    def __init__(self) -> None:
        self.mirror = Mirror(LINE)
        self.messages: list[Message] = []
        self.notices: list[str] = []
        self.twice: list[tuple] = []
        self.last: dict[tuple[str, str], tuple] = {}

    def take(self, message: Message) -> None:
        self.notices += [notice.text for notice in self.mirror.handle(message).notices]
        self.mirror.validate()
        self.messages.append(message)
        for one in message if isinstance(message, tuple) else ():
            if self.last.get((one.unit, one.signal)) == (one.value, one.source_us):
                self.twice.append(one)
            self.last[one.unit, one.signal] = (one.value, one.source_us)

    def of(self, kind: type) -> list:
        return [message for message in self.messages if isinstance(message, kind)]


@asynccontextmanager
async def followed(limits: Limits):
    async with rig(watch=False) as at:
        service = at.served.plcs[0].subscriptions
        service._limits = limits
        (plc,) = tag_map(LINE, at.served.endpoints).plcs
        listening = Listening()
        run = asyncio.create_task(Subscriber(plc, None, listening.take, OPTIONS).run())
        try:
            await until(lambda: len(listening.last) == len(plc.nodes))
            await at.run(5)
            yield at, service, plc, listening
        finally:
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)


async def settled(at, listening: Listening) -> None:
    """The plant stands still for a while: what is known is what it shows, tag by tag."""
    at.served.clock.pause()
    await asyncio.sleep(2)
    shown = {
        key: float(value)
        for key, value in at.served.values.items()
        if listening.mirror.reported(*key) is not None
    }
    assert len(shown) > 20
    assert {key: listening.mirror.value(*key) for key in shown} == shown
    at.served.clock.resume()


@pytest.mark.parametrize("room", [1, 7, 10])
def test_several_subscriptions_take_what_one_has_no_room_for(room: int) -> None:
    async def story() -> None:
        async with followed(Limits(items_a_subscription=room)) as (at, service, _, listening):
            items = [len(one.monitored_item_srv) for one in service.subscriptions.values()]
            assert len(items) > 2
            assert max(items) == room
            assert sum(items) == service.monitored_items >= len(listening.last)
            assert listening.of(TagsPolled) == []
            assert listening.of(NotificationsLost) == []
            await at.run(30)
            assert listening.twice == []
            await settled(at, listening)

    run_virtual(story())


@pytest.mark.parametrize(
    ("limits", "subscriptions"),
    [
        (Limits(monitored_items=20), 1),
        (Limits(monitored_items=20, items_a_subscription=8), 3),
        (Limits(items_a_subscription=8, subscriptions=2), 2),
    ],
)
def test_what_there_is_no_room_for_is_polled_and_said(limits: Limits, subscriptions: int) -> None:
    async def story() -> None:
        async with followed(limits) as (at, service, plc, listening):
            assert len(service.subscriptions) == subscriptions
            (polled,) = listening.of(TagsPolled)
            watched = service.monitored_items
            assert watched == min(20, 8 * subscriptions) if limits.items_a_subscription else 20
            assert len(plc.nodes) - watched <= len(polled.keys) <= len(plc.nodes) - watched + 1
            (notice,) = [text for text in listening.notices if "no room" in text]
            assert notice.startswith("PLC has no room to watch ")
            assert notice.endswith(": read every 0.5 s")
            await at.run(30)
            await settled(at, listening)
            assert [m.connected for m in listening.of(ConnectionChanged)] == [True]

    run_virtual(story())


def test_one_of_several_subscriptions_that_falls_silent_is_seen() -> None:
    async def story() -> None:
        async with followed(Limits(items_a_subscription=10)) as (at, service, _, listening):
            dead = list(service.subscriptions.values())[1]

            async def says_nothing(*_: object) -> bool:
                return False

            dead.publish_results = says_nothing
            loop = asyncio.get_running_loop()
            began_s = loop.time()
            await until(lambda: len(listening.of(ConnectionChanged)) == 3, 60)
            assert loop.time() - began_s <= WATCHDOG_S + 1.0
            await at.run(3)
            await settled(at, listening)

    run_virtual(story())


def test_what_one_of_several_subscriptions_lost_is_had_again() -> None:
    async def story() -> None:
        async with followed(Limits(items_a_subscription=10)) as (at, _, _, listening):
            number = await at.fault("notifications_lost", share=0.3)
            await at.run(20)
            await at.end(number)
            await at.run(3)
            lost = listening.of(NotificationsLost)
            assert lost
            assert all(one.repaired for one in lost)
            await settled(at, listening)

    run_virtual(story())
