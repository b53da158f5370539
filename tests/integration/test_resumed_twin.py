"""A twin that is killed, and one that begins after it: from the history, then from the plant."""

from __future__ import annotations

import json
import re
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from test_main_job import MINI, Job, twin

from twin.historian.duckdb_store import DuckDBHistorian
from twin.historian.port import Query

SPEED = ("--speed", "10")


def line_file(where: Path) -> Path:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    path = where / "mini.yaml"
    path.write_text(MINI.replace("{id: PLC-M}", f"{{id: PLC-M, port: {port}}}"), "utf-8")
    return path


def stored(data: Path, signal_: str) -> int:
    store = DuckDBHistorian(data / "history.duckdb")
    try:
        return len(store.read(Query("MINI", signal=signal_)))
    finally:
        store.close()


async def known_at(mini: Path, data: Path, *when: str) -> dict[str, Any]:
    async with twin("live", "at", mini, *when, "--json", "--data", data) as asked:
        assert await asked.ended() == 0, asked.err
    return json.loads("\n".join(asked.out))


async def seconds_until(job: Job, holds: Callable[[], object]) -> float:
    began_s = time.monotonic()
    await job.until(holds)
    return time.monotonic() - began_s


async def test_killed_it_resumes_from_history_and_plant(tmp_path: Path) -> None:
    mini, data = line_file(tmp_path), tmp_path / "data"
    watch = ("run", mini, "--plcs-are-there", "--plain", "--data", data, *SPEED)
    async with twin("plc", mini, "--data", data, *SPEED) as plant:
        await plant.until(lambda: plant.said("Ctrl-C"))
        async with twin(*watch, "--no-page") as first:
            await first.until(lambda: first.out)
            first.process.kill()
            assert await first.ended() == -signal.SIGKILL
        then = await known_at(mini, data)
        assert then["plcs"]["PLC-M"]["known"]
        assert {one["state"]["basis"] for one in then["machines"].values()} == {"reported"}
        assert then["buffers"]["MADE"]["basis"] == "reported"

        async with twin(*watch, "--no-page") as second:
            await second.until(lambda: second.said("MINI: last known at"))
            took_s = await seconds_until(second, lambda: second.said("PLC-M is back after"))
            assert took_s < 15
            # It goes on counting from what the plant says now, and takes nothing for lost.
            await second.until(lambda: second.out)
            assert not second.said("set back")
            second.process.kill()
            await second.ended()
        assert stored(data, "watched") >= 3
    # The plant is gone too: there is nothing but the history.
    gap = then["at_us"] + 1_000_000
    iso = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(gap // 1_000_000))
    between = await known_at(mini, data, iso)
    assert not between["plcs"]["PLC-M"]["known"]
    assert {one["state"]["basis"] for one in between["machines"].values()} == {"unknown"}
    assert between["counters"] == then["counters"]

    last = await known_at(mini, data)
    async with twin(*watch, "--page-port", "0") as third:
        await third.until(lambda: third.said("the live page: "))
        url = re.search(r"http://\S+", third.said("the live page: ")[0]).group()
        values = await page_values(third, url)
    station = values["MINI|s/MAKE"]
    assert abs(station["unknown_since_us"] - last["at_us"]) <= 5_000_000
    assert values["MINI|m/MAKE01"] == "?"
    assert values["MINI|b/MADE"] is None


async def page_values(job: Job, url: str) -> dict[str, Any]:
    async with httpx.AsyncClient() as client:
        while True:
            assert job.process.returncode is None, job.err
            values = (await client.get(f"{url}/api/v1/now")).json()["values"]
            if "MINI|line" in values:
                return dict(values)
