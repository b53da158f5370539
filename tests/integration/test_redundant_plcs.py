"""Of two servers of one PLC the one that serves takes over: in time, and no part twice or never."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from fault_rig import LINE, Rig, rig, until

from opcua.readings import ConnectionChanged, Message
from opcua.subscriber import Options, Subscriber
from opcua.tag_map import tag_map
from opcua.virtual_time import run_virtual
from twin.live.mirror import Mirror

OPTIONS = Options(publishing_s=0.5, timeout_s=2.0, back_off_s=(0.2, 10.0), jitter=lambda: 0.5)
COUNTERS = [(unit, "processed") for unit in ("A01", "B01")]


class Listening:
    """A mirror behind a subscriber, and what became of its connections."""

    def __init__(self) -> None:
        self.mirror = Mirror(LINE)
        self.changes: list[ConnectionChanged] = []
        self.began: dict[tuple[str, str], float] = {}

    def take(self, message: Message) -> None:
        self.mirror.handle(message)
        self.mirror.validate()
        if isinstance(message, ConnectionChanged):
            self.changes.append(message)
        for key in COUNTERS:
            value = self.mirror.value(*key)
            if value is not None:
                self.began.setdefault(key, value)

    @property
    def whole(self) -> bool:
        """Whether every tag is known and trusted now."""
        lacking = (self.mirror.value(*key) is None for key in COUNTERS)
        return self.mirror.lost_since("PLC") is None and not any(lacking)

    @property
    def counted(self) -> list[float]:
        return [self.began[key] + self.mirror.gained_by(*key) for key in COUNTERS]


def made(at: Rig) -> list[float]:
    """What a plant shows of its counters."""
    return [float(at.served.values[key]) for key in COUNTERS]


@asynccontextmanager
async def pair():
    """Two servers of equal plants, which are one plant to whoever listens."""
    async with rig(watch=False) as one, rig(watch=False) as other:
        (plc,) = tag_map(LINE, one.served.endpoints).plcs
        listening = Listening()
        plc = replace(plc, urls=(one.url, other.url))
        run = asyncio.create_task(Subscriber(plc, None, listening.take, OPTIONS).run())
        try:
            await until(lambda: listening.whole)
            yield one, other, listening
        finally:
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)


async def changed_over(listening: Listening, changes: int, within_s: float) -> None:
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    await until(lambda: len(listening.changes) == changes and listening.whole)
    assert loop.time() - began_s <= within_s


async def counted_whole(at: Rig, listening: Listening) -> None:
    """Nothing is lost or doubled: what is counted is what the plant has made."""
    await asyncio.sleep(20)
    at.served.clock.pause()
    await asyncio.sleep(2)
    assert listening.counted == made(at)
    assert min(listening.counted) > 10
    at.served.clock.resume()


@pytest.mark.parametrize(
    ("fault", "settings"),
    [
        ("power_off", {}),
        ("service_level", {"level": 100}),
        ("service_level", {"level": 1}),
        ("service_level", {"level": 0}),
    ],
)
def test_the_other_takes_over_within_two_seconds(fault: str, settings: dict) -> None:
    async def story() -> None:
        async with pair() as (one, other, listening):
            await asyncio.sleep(10)
            await one.fault(fault, **settings)
            await changed_over(listening, 3, 2.0)
            assert [c.url for c in listening.changes] == [one.url, one.url, other.url]
            if settings:
                assert f"service level is {settings['level']}, that of" in (
                    listening.changes[1].reason
                )
            await counted_whole(other, listening)
            # It stays: the first one being well again is no reason to go.
            assert len(listening.changes) == 3

    run_virtual(story())


def test_of_two_that_serve_badly_the_less_bad_is_held() -> None:
    async def story() -> None:
        async with pair() as (one, other, listening):
            await other.fault("service_level", level=50)
            first = await one.fault("service_level", level=150)
            await asyncio.sleep(10)
            # Both are degraded: 150 and 50 are no reason to change.
            assert len(listening.changes) == 1
            await one.end(first)
            second = await one.fault("service_level", level=1)
            await changed_over(listening, 3, 2.0)
            await one.end(second)
            await changed_over(listening, 5, OPTIONS.back_off_s[1] + 2.0)
            assert listening.changes[-1].url == one.url
            await counted_whole(one, listening)

    run_virtual(story())


def test_there_and_back_many_times_without_a_part_too_many() -> None:
    async def story() -> None:
        async with pair() as (one, other, listening):
            for turn in range(6):
                held, free = (one, other) if turn % 2 == 0 else (other, one)
                number = await held.fault("service_level", level=10)
                await changed_over(listening, 3 + 2 * turn, 2.0)
                assert listening.changes[-1].url == free.url
                await held.end(number)
                await asyncio.sleep(7.3)
            await counted_whole(one, listening)

    run_virtual(story())
