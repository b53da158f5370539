"""A process that makes points and keeps its history in an InfluxDB, as a twin does.

    python plant_of_points.py URL DATABASE SPOOL POINTS_PER_S SECONDS

It prints the number of the newest point of each batch that it has made, once a batch, and `empty`
when it ends with everything in the database. Point number n has the value n and, as its timestamp,
the first one's plus n microseconds; so every point is told from every other, and when each was
made is known.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import time
from pathlib import Path

from twin.cli.watch import History
from twin.historian.influx import InfluxAddress
from twin.historian.port import Point, Series
from twin.historian.spooled_influx import SpooledInflux

SERIES = [Series("OUTAGE", f"MC{n:02d}", "power_kw") for n in range(20)]
TICK_S = 0.02


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def point(number: int, start_us: int) -> Point:
    return Point(SERIES[number % len(SERIES)], start_us + number, float(number))


async def make(history: History, per_s: float, seconds: float, start_us: int) -> None:
    began, made = time.monotonic(), 0
    running = asyncio.create_task(history.run())
    while (now := time.monotonic()) < began + seconds:
        due = int((now - began) * per_s)
        history.keep(tuple(point(number, start_us) for number in range(made, due)))
        made = due
        say(f"{made} {time.time_ns()}")
        await asyncio.sleep(TICK_S)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


def main() -> None:
    url, database, spool, per_s, seconds, start_us = sys.argv[1:]
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s")
    address = InfluxAddress(url, database, timeout_s=5.0)
    store = SpooledInflux(address, Path(spool))
    cpu_s = time.process_time()
    asyncio.run(make(History(store, every_s=0.2), float(per_s), float(seconds), int(start_us)))
    say(f"cpu {time.process_time() - cpu_s:.3f}")
    if store.wait_until_empty(60.0):
        say("empty")
    store.close()


if __name__ == "__main__":
    main()
