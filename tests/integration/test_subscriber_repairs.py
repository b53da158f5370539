"""What a subscriber does about a plant that lies, loses and falls silent; in virtual time."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from fault_rig import LINE, rig, until

from opcua.readings import (
    ConnectionChanged,
    Message,
    NotificationsLost,
    Reading,
    StaleChanged,
    TagMissing,
)
from opcua.subscriber import Options, Subscriber
from opcua.tag_map import tag_map
from opcua.virtual_time import run_virtual
from twin.historian.port import Quality

WATCHDOG_S = 3.0
OPTIONS = Options(
    publishing_s=0.5, watchdog_s=WATCHDOG_S, timeout_s=2.0, back_off_s=(0.2, 1.0),
    queue_size=100, live_at_first_s=6.0, jitter=lambda: 0.5,
)  # fmt: skip


class Seen:
    """Every message with the time at which it came, and what is believed now."""

    def __init__(self) -> None:
        self.messages: list[tuple[float, Message]] = []
        self.believed: dict[tuple[str, str], Reading] = {}

    def take(self, message: Message) -> None:
        now_s = asyncio.get_running_loop().time()
        self.messages.append((now_s, message))
        if isinstance(message, ConnectionChanged):
            self.believed.clear()
        elif isinstance(message, tuple):
            for reading in message:
                key = (reading.unit, reading.signal)
                self.believed.pop(key, None)
                if reading.quality != Quality.BAD:
                    self.believed[key] = reading

    def of(self, kind: type) -> list:
        return [message for _, message in self.messages if isinstance(message, kind)]


@asynccontextmanager
async def followed(options: Options = OPTIONS, more=lambda plc: plc, **rigged):
    async with rig(watch=False, **rigged) as at:
        (plc,) = tag_map(LINE, at.served.endpoints).plcs
        seen = Seen()
        run = asyncio.create_task(Subscriber(more(plc), None, seen.take, options).run())
        try:
            await until(lambda: len(seen.believed) == len(plc.nodes))
            yield at, seen, plc
        finally:
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)


def shown(at) -> dict:
    return dict(at.served.values)


async def settled(at, seen: Seen) -> None:
    """The plant stands still for a while: what is believed is what it shows, tag by tag."""
    at.served.clock.pause()
    await asyncio.sleep(2)
    values = shown(at)
    assert {key: seen.believed[key].value for key in values} == values
    at.served.clock.resume()


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("power_off", {}),
        ("cable_cut", {"how": "black_hole"}),
        ("cable_cut", {"how": "reset"}),
        ("subscription_dead", {}),
        ("no_answer", {}),
    ],
)
def test_stale_within_three_missed_keep_alives(kind: str, settings: dict) -> None:
    async def story() -> float:
        async with followed() as (at, seen, _):
            await at.run(5)
            loop = asyncio.get_running_loop()
            number = await at.fault(kind, **settings)
            await until(lambda: not seen.believed, 60)
            # From the last that was heard: what is on its way when it happens still comes.
            took_s = loop.time() - max(s for s, m in seen.messages if isinstance(m, tuple))
            await at.end(number)
            await until(lambda: len(seen.believed) > 20, 60)
            await at.run(3)
            await settled(at, seen)
            assert len(seen.of(ConnectionChanged)) >= 3
            return took_s

    assert run_virtual(story()) <= WATCHDOG_S + 0.1


def test_a_subscription_that_only_keeps_alive_is_seen_to_be_dead() -> None:
    async def story() -> None:
        async with followed() as (at, seen, _):
            await at.run(5)
            for subscription in at.served.plcs[0].subscriptions.subscriptions.values():
                subscription.monitored_item_srv.fast.close()
            began_s = asyncio.get_running_loop().time()
            await until(lambda: not seen.believed, 60)
            assert asyncio.get_running_loop().time() - began_s <= WATCHDOG_S + 0.5
            lost = seen.of(ConnectionChanged)[-1]
            assert not lost.connected
            assert "silently dead" in lost.reason
            await until(lambda: len(seen.believed) > 20, 60)
            await settled(at, seen)

    run_virtual(story())


def test_a_plc_whose_program_stands_still_is_not_believed() -> None:
    async def story() -> None:
        async with followed() as (at, seen, plc):
            await at.run(5)
            number = await at.fault("frozen_value", units=("*",), signals=("heartbeat",))
            began_s = asyncio.get_running_loop().time()
            await until(lambda: bool(seen.of(StaleChanged)), 60)
            assert asyncio.get_running_loop().time() - began_s <= WATCHDOG_S + 1.0
            stale = seen.of(StaleChanged)[0]
            assert stale.stale
            assert len(stale.keys) == len(plc.nodes)
            assert "Heartbeat stands still" in stale.reason
            await at.end(number)
            await until(lambda: len(seen.of(StaleChanged)) == 2, 60)
            assert not seen.of(StaleChanged)[1].stale
            assert [m.connected for m in seen.of(ConnectionChanged)] == [True]
            await at.run(2)
            await settled(at, seen)

    run_virtual(story())


def test_a_value_that_stands_still_while_its_counter_runs_on_is_not_believed() -> None:
    key = ("B01", "consumed")

    def watched(plc):
        nodes = tuple(
            replace(node, moves_with="processed", steps=2) if (node.unit, node.signal) == key
            else node
            for node in plc.nodes
        )  # fmt: skip
        return replace(plc, nodes=nodes)

    async def story() -> None:
        async with followed(more=watched) as (at, seen, _):
            await at.run(20)
            assert seen.of(StaleChanged) == []
            number = await at.fault("frozen_value", units=("B01",), signals=("consumed",))
            began_s = asyncio.get_running_loop().time()
            await until(lambda: bool(seen.of(StaleChanged)), 60)
            # Three keep-alives, or as long as the counter takes for two steps (2 s each) and one.
            assert asyncio.get_running_loop().time() - began_s <= 2 * WATCHDOG_S + 0.5
            (stale,) = seen.of(StaleChanged)
            assert (stale.keys, stale.stale) == ((key,), True)
            assert key not in seen.believed
            assert ("B01", "processed") in seen.believed
            await at.end(number)
            await until(lambda: key in seen.believed, 60)
            await settled(at, seen)

    run_virtual(story())


@pytest.mark.parametrize("kept", ["yes", "no"])
def test_lost_notifications_are_seen_and_repaired(kept: str) -> None:
    async def story() -> None:
        async with followed() as (at, seen, _):
            number = await at.fault("notifications_lost", share=0.3, kept=kept)
            beats_before = len(beats(seen))
            await at.run(60)
            await at.end(number)
            await at.run(2)
            lost = seen.of(NotificationsLost)
            assert len(lost) > 10
            assert {one.repaired for one in lost} == {kept == "yes"}
            numbers = beats(seen)
            assert len(numbers) > beats_before + 60
            if kept == "yes":
                # Not one is lacking, and none came twice.
                assert numbers == list(range(numbers[0], numbers[-1] + 1))
            assert [m.connected for m in seen.of(ConnectionChanged)] == [True]
            await settled(at, seen)

    def beats(seen: Seen) -> list[int]:
        readings = [r for m in seen.of(tuple) for r in m if r.signal == "heartbeat"]
        return [reading.value for reading in readings]

    run_virtual(story())


def test_another_endpoint_takes_over() -> None:
    async def story() -> None:
        async with rig(watch=False) as one, rig(watch=False) as other:
            (plc,) = tag_map(LINE, one.served.endpoints).plcs
            plc = replace(plc, urls=(one.url, other.url))
            seen = Seen()
            run = asyncio.create_task(Subscriber(plc, None, seen.take, OPTIONS).run())
            await until(lambda: len(seen.believed) == len(plc.nodes))
            await one.fault("power_off")
            loop = asyncio.get_running_loop()
            began_s = loop.time()
            await until(lambda: len(seen.of(ConnectionChanged)) == 3)
            await until(lambda: len(seen.believed) == len(plc.nodes))
            assert loop.time() - began_s < 1.0
            changes = seen.of(ConnectionChanged)
            assert [c.connected for c in changes] == [True, False, True]
            assert (changes[0].url, changes[2].url) == (one.url, other.url)
            await settled(other, seen)
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)

    run_virtual(story())


def test_a_server_that_refuses_subscriptions_is_polled() -> None:
    async def story() -> None:
        async with rig(watch=False) as at:
            at.served.plcs[0].subscriptions.iserver.max_subscriptions = 0
            (plc,) = tag_map(LINE, at.served.endpoints).plcs
            seen = Seen()
            run = asyncio.create_task(Subscriber(plc, None, seen.take, OPTIONS).run())
            await until(lambda: len(seen.believed) == len(plc.nodes))
            await at.run(10)
            beats = [r.value for m in seen.of(tuple) for r in m if r.signal == "heartbeat"]
            assert len(beats) > 10
            assert len(set(beats)) == len(beats)
            await settled(at, seen)
            await at.fault("cable_cut", how="black_hole")
            began_s = asyncio.get_running_loop().time()
            await until(lambda: not seen.believed, 60)
            assert asyncio.get_running_loop().time() - began_s <= WATCHDOG_S
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)

    run_virtual(story())


def test_nodes_that_are_gone_cost_nothing_else() -> None:
    def haunted(plc):
        ghosts = tuple(
            replace(node, unit=f"G{i}", inputs=(replace(node.inputs[0], node=f"s=nowhere/{i}"),))
            for i, node in enumerate(plc.nodes[:3])
        )
        return replace(plc, nodes=(*ghosts, *plc.nodes))

    async def story() -> None:
        async with rig(watch=False) as at:
            (plc,) = tag_map(LINE, at.served.endpoints).plcs
            seen = Seen()
            run = asyncio.create_task(Subscriber(haunted(plc), None, seen.take, OPTIONS).run())
            await until(lambda: len(seen.believed) == len(plc.nodes))
            await at.run(5)
            (missing,) = seen.of(TagMissing)
            assert [unit for unit, _ in missing.keys] == ["G0", "G1", "G2"]
            await settled(at, seen)
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)

    run_virtual(story())
