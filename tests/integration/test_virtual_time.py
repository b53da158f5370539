"""Virtual time over real TCP: fast, and the same to the byte every time."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from opcua.virtual_time import MONDAY_UNIX_US, run_virtual

HERE = Path(__file__).parent
HOUR_S = 3600.0


def watch(minutes: float, seeds: Iterable[int], *more: str) -> list[dict]:
    """Watch a line in a process of its own for each seed, two at a time."""
    found, waiting, running = [], list(seeds)[::-1], []
    while waiting or running:
        while waiting and len(running) < 2:
            command = [sys.executable, str(HERE / "virtual_line.py"), str(minutes)]
            environment = {**os.environ, "PYTHONHASHSEED": str(len(waiting))}
            running.append(
                subprocess.Popen(
                    [*command, str(waiting.pop()), *more], stdout=subprocess.PIPE, env=environment
                )
            )
        process = running.pop(0)
        out, _ = process.communicate(timeout=600)
        assert process.returncode == 0
        found.append(json.loads(out))
    return found


def test_the_same_seed_gives_the_same_notifications_in_every_process() -> None:
    first, second, other = watch(4, (1, 1, 2))
    assert first["sha256"] == second["sha256"] != other["sha256"]
    assert first["notifications"] == second["notifications"] > 4000
    assert first["plant_s"] == pytest.approx(240, abs=0.5)


def test_encryption_changes_nothing_that_is_seen(tmp_path) -> None:
    plain, encrypted = watch(1, (1,)) + watch(1, (1,), str(tmp_path / "pki"))
    assert plain["sha256"] == encrypted["sha256"]


@pytest.mark.nightly
def test_in_a_hundred_processes_the_same_and_twenty_times_as_fast_as_life() -> None:
    found = watch(3, [7] * 100)
    assert len({one["sha256"] for one in found}) == 1
    # By the processor's time: others may be at work on the machine.
    assert min(one["plant_s"] / one["cpu_s"] for one in found) >= 20


def test_sleeping_costs_no_time_and_ends_on_the_dot() -> None:
    async def main() -> list[float]:
        loop, ends = asyncio.get_running_loop(), []

        async def nap(seconds: float) -> None:
            await asyncio.sleep(seconds)
            ends.append(loop.time())

        await asyncio.gather(nap(3 * HOUR_S), nap(1.5), nap(86_400))
        assert time.monotonic() == loop.time()
        assert time.time_ns() // 1000 == MONDAY_UNIX_US + 86_400_000_000
        return ends

    began = time.perf_counter()
    assert run_virtual(main()) == [1.5, 3 * HOUR_S, 86_400.0]
    assert time.perf_counter() - began < 5
    assert abs(time.time_ns() - time.clock_gettime_ns(time.CLOCK_REALTIME)) < 1e9


def test_time_stands_while_bytes_are_under_way_or_a_thread_works() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()

        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
            writer.close()

        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        block = os.urandom(4_000_000)
        writer.write(block)
        assert await asyncio.wait_for(reader.readexactly(len(block)), 1e-6) == block
        await asyncio.wait_for(asyncio.to_thread(time.get_clock_info, "monotonic"), 1e-6)
        assert loop.time() == 0
        writer.close()
        await writer.wait_closed()
        server.close()
        await server.wait_closed()

    run_virtual(main())


def test_sleeping_for_what_rounding_has_left_comes_to_an_end() -> None:
    async def main() -> int:
        looks = 0
        await asyncio.sleep(0.1)
        began_s = time.monotonic()
        while (left_s := 59.3 - (time.monotonic() - began_s)) > 0:
            looks += 1
            await asyncio.sleep(left_s if looks == 1 else 1e-17)
            if looks == 1:
                began_s += 1e-9
        return looks

    assert run_virtual(main()) < 5


def test_a_failure_comes_out_and_real_time_is_back() -> None:
    async def main() -> None:
        await asyncio.sleep(1e6)
        raise LookupError("as in real time")

    with pytest.raises(LookupError):
        run_virtual(main())
    assert time.monotonic() > 0
    assert asyncio.run(asyncio.sleep(0, "real again")) == "real again"
