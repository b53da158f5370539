"""Outages for real: the server away or killed, the twin killed. What is lost is counted."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import numpy as np
import pytest
from real_servers import Influxd

from twin.historian.influx import InfluxAddress, InfluxDoor
from twin.historian.influx_setup import set_up
from twin.historian.influx_store import InfluxHistorian
from twin.historian.port import Query
from twin.historian.spooled_influx import SpooledInflux

PER_S = 2_000
AGE_S = 0.5
"""Points older than this at a kill must all be there."""

DEADLINE_S = 60.0


class Made(NamedTuple):
    """So many points were made by this time."""

    count: int
    at_ns: int


class Plant:
    """The process of `plant_of_points.py`, and what it said."""

    def __init__(self, address: InfluxAddress, spool: Path, seconds: float) -> None:
        self.start_us = time.time_ns() // 1000
        self.made: list[Made] = []
        self.said: list[str] = []
        self.process = subprocess.Popen(
            [
                sys.executable,
                str(Path(__file__).with_name("plant_of_points.py")),
                *(address.url, address.database, str(spool)),
                *(str(PER_S), str(seconds), str(self.start_us)),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._more = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            words = line.split()
            with self._more:
                if len(words) == 2 and words[0] != "cpu":
                    self.made.append(Made(int(words[0]), int(words[1])))
                else:
                    self.said.append(line.strip())
                self._more.notify_all()

    def until(self, holds: Callable[[], bool]) -> None:
        with self._more:
            assert self._more.wait_for(holds, DEADLINE_S), self.said

    def until_made(self, count: int) -> None:
        self.until(lambda: bool(self.made) and self.made[-1].count >= count)

    def kill(self) -> int:
        """Kill it; return how many points were older than `AGE_S` then."""
        at_ns = time.time_ns()
        self.process.kill()
        self.end()
        return max(m.count for m in self.made if m.at_ns <= at_ns - AGE_S * 1e9)

    def end(self) -> int:
        code = self.process.wait(DEADLINE_S)
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


@contextmanager
def plant(address: InfluxAddress, spool: Path, seconds: float) -> Iterator[Plant]:
    running = Plant(address, spool, seconds)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
            running.end()


@pytest.fixture
def address(own_influxd: Influxd) -> InfluxAddress:
    address = own_influxd.address(f"outage-{uuid4().hex}")
    with closing(InfluxDoor(address)) as door:
        set_up(door)
    return address


def stored(address: InfluxAddress, start_us: int) -> tuple[int, list[int]]:
    """How many points the database has, and their numbers, each once."""
    with closing(InfluxHistorian(address)) as store:
        found = store.read(Query(line="OUTAGE"))
    numbers = found.at_us - start_us
    assert np.array_equal(numbers, found.value.astype(np.int64)), "each has its own value"
    return len(found), sorted(set(numbers.tolist()))


def check(address: InfluxAddress, start_us: int, must: int, record_property) -> None:
    """Check that the first so many points are there, each once."""
    count, numbers = stored(address, start_us)
    lost = must - sum(1 for number in numbers if number < must)
    doubled = count - len(numbers)
    for name, value in (("must be there", must), ("lost", lost), ("doubled", doubled)):
        record_property(name, value)
    assert (lost, doubled) == (0, 0), f"of {must} points {lost} are lost, {doubled} doubled"
    assert count >= must > 0


def drain_what_is_left(address: InfluxAddress, spool: Path) -> None:
    with closing(SpooledInflux(address, spool)) as store:
        store.write([])
        assert store.wait_until_empty(DEADLINE_S), store.status()


def test_the_server_is_away_for_a_while(own_influxd, address, tmp_path, record_property) -> None:
    with plant(address, tmp_path / "spool", seconds=9) as made:
        made.until_made(2 * PER_S)
        own_influxd.kill()
        made.until_made(5 * PER_S)
        own_influxd.start()
        made.until(lambda: "empty" in made.said)
        assert made.end() == 0
        check(address, made.start_us, made.made[-1].count, record_property)


def test_the_server_is_killed_while_it_is_written_to(
    own_influxd, address, tmp_path, record_property
) -> None:
    with plant(address, tmp_path / "spool", seconds=8) as made:
        for second in (1, 2, 3, 4, 5):
            made.until_made(second * PER_S)
            own_influxd.kill()
            own_influxd.start()
        made.until(lambda: "empty" in made.said)
        assert made.end() == 0
        check(address, made.start_us, made.made[-1].count, record_property)


def test_the_twin_is_killed_during_the_outage(
    own_influxd, address, tmp_path, record_property
) -> None:
    spool = tmp_path / "spool"
    with plant(address, spool, seconds=60) as made:
        made.until_made(2 * PER_S)
        own_influxd.kill()
        made.until_made(5 * PER_S)
        must = made.kill()
        own_influxd.start()
        drain_what_is_left(address, spool)
        check(address, made.start_us, must, record_property)


def test_the_twin_is_killed_while_it_writes(address, tmp_path, record_property) -> None:
    spool = tmp_path / "spool"
    with plant(address, spool, seconds=60) as made:
        made.until_made(3 * PER_S)
        must = made.kill()
        drain_what_is_left(address, spool)
        check(address, made.start_us, must, record_property)
