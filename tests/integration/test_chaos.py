"""The project's own client in a plant that breaks and mends, over and over, in virtual time."""

from __future__ import annotations

import asyncio
import random
import sys
from contextlib import suppress

import pytest
from asyncua import Client, ua
from fault_rig import LINE, rig, until

from opcua.connect import close, connect
from opcua.faults.stand import FaultOrder
from opcua.readings import ConnectionChanged, Message
from opcua.subscriber import Options, Subscriber
from opcua.tag_map import tag_map
from opcua.virtual_time import run_virtual
from twin.errors import NotConnected

BREAKS = (
    ("power_off", {"start": "warm"}),
    ("cable_cut", {"how": "reset"}),
    ("cable_cut", {"how": "black_hole"}),
    ("no_answer", {}),
    ("session_dropped", {}),
    ("subscription_dropped", {}),
    ("subscription_dead", {}),
    ("slow_network", {"delay_s": 0.05, "jitter_s": 0.05}),
)
OPTIONS = Options(
    publishing_s=0.1,
    watchdog_s=0.9,
    timeout_s=0.6,
    queue_size=100,
    back_off_s=(0.05, 0.3),
    jitter=lambda: 0.5,
)


class Seen:
    """What the client was told: the latest of each tag, and every beat of each connection."""

    def __init__(self, plc: str) -> None:
        self.plc = plc
        self.latest: dict[tuple[str, str], object] = {}
        self.beats: list[int] = []
        self.doubled: list[object] = []
        self.connected = False
        self._once: set[object] = set()

    def take(self, message: Message) -> None:
        if isinstance(message, ConnectionChanged):
            self.connected = message.connected
            self.beats, self._once = [], set()
            return
        for reading in message:
            what = (reading.unit, reading.signal, reading.source_us, reading.value)
            if what in self._once:
                self.doubled.append(what)
            self._once.add(what)
            self.latest[reading.unit, reading.signal] = reading.value
            if (reading.unit, reading.signal) == (self.plc, "heartbeat"):
                self.beats.append(reading.value)


class Writer:
    """Writes a setpoint again and again; knows what was acknowledged, and what may have been."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.possible = {1.0}
        self.acknowledged = 0

    async def run(self) -> None:
        value = 1.0
        while True:
            client: Client | None = None
            with suppress(NotConnected, OSError, ua.UaError, TimeoutError, asyncio.TimeoutError):
                client = await connect(self.url, None, 0.6)
                index = await client.get_namespace_index("urn:linetwin:ENTERPRISE:SITE:L1")
                node = client.get_node(ua.NodeId("L1/B/B01/Setpoints/CycleTimeFactor", index))
                while True:
                    value = 0.5 if value > 1.9 else round(value + 0.001, 3)
                    self.possible.add(value)
                    await node.write_value(value)
                    self.possible = {value}
                    self.acknowledged += 1
                    await asyncio.sleep(0.21)
            if client is not None:
                await close(client)
            await asyncio.sleep(0.1)


async def cycles(count: int, seed: int) -> tuple[int, float]:
    """Break and mend so many times; how many writes were acknowledged, and the longest recovery."""
    rng, loop = random.Random(seed), asyncio.get_running_loop()
    longest_s = 0.0
    async with rig(watch=False, scan_s=0.1, seed=seed) as at:
        (plc,) = tag_map(LINE, at.served.endpoints).plcs
        seen, writer = Seen(plc.plc), Writer(at.url)
        tasks = [
            asyncio.create_task(Subscriber(plc, None, seen.take, OPTIONS).run()),
            asyncio.create_task(writer.run()),
        ]
        try:
            for cycle in range(count):
                await until(lambda: seen.connected and len(seen.beats) > 3)
                kind, settings = rng.choice(BREAKS)
                number = await at.served.faults.begin(FaultOrder(kind, settings=settings))
                await asyncio.sleep(rng.uniform(0.05, 4))
                await at.served.faults.end(number)
                ended_s, scans = loop.time(), at.served.values
                beat = at.served.plcs[0]._values[plc.plc, "heartbeat"]
                await until(lambda b=beat: bool(seen.beats) and seen.beats[-1] > b, 10)
                took_s = loop.time() - ended_s
                longest_s = max(longest_s, took_s)
                assert took_s <= 2.0, (cycle, kind, settings, took_s)
                await asyncio.sleep(0.5)
                story = (cycle, kind, settings)
                assert seen.doubled == [], story
                beats = seen.beats
                assert beats == list(range(beats[0], beats[0] + len(beats))), story
                truth = at.served.requests.values["B01", "cycle_time_factor"]
                assert truth in writer.possible, story
                assert scans
            # All is quiet: what the client has is what the plant shows, tag by tag.
            at.served.clock.pause()
            await asyncio.sleep(1)
            shown = at.served.values
            assert {key: seen.latest[key] for key in shown} == shown
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    return writer.acknowledged, longest_s


def test_the_client_lives_through_chaos() -> None:
    written, longest_s = run_virtual(cycles(25, seed=1))
    assert written > 50
    assert 0 < longest_s <= 2


def test_chaos_is_the_same_from_the_same_seed() -> None:
    assert run_virtual(cycles(6, seed=5)) == run_virtual(cycles(6, seed=5))


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(10))
def test_the_client_lives_through_five_hundred_cycles(seed) -> None:
    written, longest_s = run_virtual(cycles(50, seed=100 + seed))
    sys.stdout.write(f"{written} writes acknowledged, recovered within {longest_s:.2f} s\n")
