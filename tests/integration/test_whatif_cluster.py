"""A Dask cluster gives the same bits as one thread, and a worker that is killed costs time only."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lines.loader import load
from twin import whatif
from twin.errors import NotConnected

distributed = pytest.importorskip("distributed")

DEADLINE_S = 120.0
MIN_US = 60_000_000
PLAN = whatif.Plan(span_us=20 * MIN_US, warm_up_us=2 * MIN_US, precision=None, most=12)
BIGGER = whatif.Scenario.of("bigger", {"buffers.*.capacity": "x2"})


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    local = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", host="127.0.0.1"
    )
    with local:
        yield local


def test_two_workers_give_the_bits_of_one_thread(cluster: Any) -> None:
    line = load("five_stations")
    with whatif.open_workers(jobs=1) as one:
        here = whatif.compare(line, [BIGGER], plan=PLAN, workers=one)
    with whatif.open_workers(cluster=cluster.scheduler_address) as workers:
        assert workers.size == 2
        there = whatif.compare(line, [BIGGER], plan=PLAN, workers=workers)
    assert here.values.tobytes() == there.values.tobytes()


def _kill_who_works(cluster: Any, killed: list[int]) -> None:
    """Wait until a worker has tasks in hand, and kill its process."""
    with distributed.Client(cluster.scheduler_address, set_as_default=False) as client:
        deadline = time.monotonic() + DEADLINE_S
        while not killed and time.monotonic() < deadline:
            busy = {address for address, tasks in client.processing().items() if tasks}
            for nanny in cluster.workers.values():
                if nanny.worker_address in busy and not killed:
                    killed.append(nanny.pid)
                    os.kill(nanny.pid, signal.SIGKILL)


def test_an_experiment_whose_worker_is_killed_gives_the_same_bits(cluster: Any) -> None:
    line = load("five_stations")
    long = replace(PLAN, span_us=4 * 1440 * MIN_US, most=16)
    with whatif.open_workers(jobs=1) as one:
        here = whatif.compare(line, [BIGGER], plan=long, workers=one)
    killed: list[int] = []
    with whatif.open_workers(cluster=cluster.scheduler_address) as workers:
        killer = threading.Thread(target=_kill_who_works, args=(cluster, killed))
        killer.start()
        there = whatif.compare(line, [BIGGER], plan=long, workers=workers)
        killer.join()
    assert len(killed) == 1
    assert not Path(f"/proc/{killed[0]}").exists()
    assert here.values.tobytes() == there.values.tobytes()


def _killed_in_the_midst(number: int, flag: str) -> int:
    if number == 5 and not Path(flag).exists():
        Path(flag).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def test_a_worker_that_is_killed_costs_time_and_not_the_answer(
    cluster: Any, tmp_path: Path
) -> None:
    flag = str(tmp_path / "killed")
    with whatif.open_workers(cluster=cluster.scheduler_address) as workers:
        tasks = [(number, flag) for number in range(12)]
        done = dict(workers.results(_killed_in_the_midst, tasks))
    assert Path(flag).exists()
    assert done == {number: number * number for number in range(12)}


def test_a_cluster_that_is_not_there_is_said_so() -> None:
    with (
        pytest.raises(NotConnected, match=r"no Dask scheduler at tcp://127\.0\.0\.1:9"),
        whatif.open_workers(cluster="tcp://127.0.0.1:9"),
    ):
        pass
