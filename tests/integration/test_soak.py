"""The twin's receiving end for a long time at the tube line's full rate: nothing grows or is left.

In CI as many readings are taken as come in five minutes at full rate, from plants that run faster;
`make nightly` takes two hours by the clock, or LINETWIN_SOAK_S seconds. PLCs are cut off again and
again meanwhile.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from lines.loader import load
from opcua.security import client_security
from opcua.tag_map import tag_map
from twin.cli.places import DataPlaces
from twin.cli.watch import LiveLine
from twin.historian.port import Point

NAME = "tube_line"
FULL_RATE_PER_S = 390
"""Readings a second of the tube line at its own speed, scan 0.5 s."""
CI_READINGS = 300 * FULL_RATE_PER_S
SAMPLES = 12
DEADLINE_S = 120.0
PAGE = os.sysconf("SC_PAGE_SIZE")
GROWTH_MB = 12.0
"""What the last third may have more than the first: the mirror's own tables still fill then."""

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks into /proc")


@dataclass
class Soaked:
    """What was taken, and what was held at each look."""

    readings: int = 0
    cut: int = 0
    memory_mb: list[float] = field(default_factory=list)
    tasks: list[int] = field(default_factory=list)
    sockets: list[int] = field(default_factory=list)

    def keep(self, points: tuple[Point, ...]) -> None:
        self.readings += len(points)

    def look(self) -> None:
        """See what this process holds."""
        gc.collect()
        resident = int(Path("/proc/self/statm").read_text().split()[1])
        self.memory_mb.append(resident * PAGE / 1e6)
        self.tasks.append(len(asyncio.all_tasks()))
        self.sockets.append(sockets_held())


def sockets_held() -> int:
    """Sockets of this process."""
    held = 0
    for one in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            held += str(one.readlink()).startswith("socket:")
    return held


@asynccontextmanager
async def plcs(data: Path, speed: float) -> AsyncIterator[dict[str, Any]]:
    """The tube line's PLCs in a process of their own; gives what they say when they listen."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        control = probe.getsockname()[1]
    words = ("plc", NAME, "--speed", str(speed), "--ports-from", "0", "--json")
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "twin", *words),
        *("--control", str(control), "--data", str(data)),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert child.stdout is not None
        async with asyncio.timeout(DEADLINE_S):
            async for text in child.stdout:
                event = json.loads(text)
                if event["event"] == "listening":
                    break
        yield event
    finally:
        with suppress(ProcessLookupError):
            child.send_signal(signal.SIGINT)
        await asyncio.wait_for(child.communicate(), DEADLINE_S)


async def until(told: asyncio.Event, holds: Callable[[], bool], deadline_s: float) -> None:
    """Wait until something holds; it is looked at whenever a PLC has said something."""
    async with asyncio.timeout(deadline_s):
        while not holds():
            told.clear()
            await told.wait()


async def soaked(data: Path, speed: float, readings: int, seconds: float) -> Soaked:
    """Take in so many readings, and for so long, with a cut of a PLC before each look."""
    found, line, told = Soaked(), load(NAME), asyncio.Event()
    live = LiveLine(line, found.keep, told.set, speed)

    def lost() -> bool:
        return any(live.mirror.lost_since(plc) is not None for plc in live.mirror.plcs)

    async with plcs(data, speed) as event, httpx.AsyncClient(timeout=30) as control:
        faults = f"{event['control']}/faults"
        security = partial(client_security, DataPlaces(data).pki)
        watching = asyncio.create_task(live.watch(tag_map(line, event["endpoints"]), security()))
        await until(told, lambda: not lost(), DEADLINE_S)
        began_s = time.monotonic()

        def due(number: int) -> bool:
            passed_s = time.monotonic() - began_s
            share = number / SAMPLES
            return found.readings >= readings * share and passed_s >= seconds * share

        for number in range(1, SAMPLES + 1):
            await until(told, partial(due, number), DEADLINE_S + seconds)
            order = {"fault": "cable_cut", "plcs": line.plcs[number % len(line.plcs)].id}
            begun = (await control.post(faults, json=order)).raise_for_status()
            await until(told, lost, DEADLINE_S)
            (await control.delete(f"{faults}/{begun.json()['number']}")).raise_for_status()
            await until(told, lambda: not lost(), DEADLINE_S)
            found.cut += 1
            found.look()
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
    return found


def assert_nothing_grew(found: Soaked, tasks_before: int, sockets_before: int) -> None:
    third = SAMPLES // 3
    sys.stdout.write(
        f"{found.readings:,} readings, {found.cut} cuts; memory "
        f"{', '.join(f'{mb:.0f}' for mb in found.memory_mb)} MB; tasks {found.tasks}; "
        f"sockets {found.sockets}\n"
    )
    assert max(found.tasks[-third:]) <= max(found.tasks[:third])
    assert max(found.sockets[-third:]) <= max(found.sockets[:third])
    assert max(found.memory_mb[-third:]) <= max(found.memory_mb[:third]) + GROWTH_MB
    assert (len(asyncio.all_tasks()), sockets_held()) == (tasks_before, sockets_before)


@pytest.mark.timeout(900)
async def test_as_much_as_five_minutes_at_full_rate_leaves_nothing_behind(tmp_path: Path) -> None:
    before = len(asyncio.all_tasks()), sockets_held()
    found = await soaked(tmp_path, 20, CI_READINGS, 0)
    assert found.readings >= CI_READINGS
    assert_nothing_grew(found, *before)


@pytest.mark.nightly
@pytest.mark.timeout(14400)
async def test_two_hours_at_full_rate_leave_nothing_behind(tmp_path: Path) -> None:
    before = len(asyncio.all_tasks()), sockets_held()
    found = await soaked(tmp_path, 1, 0, float(os.environ.get("LINETWIN_SOAK_S", "7200")))
    assert_nothing_grew(found, *before)
