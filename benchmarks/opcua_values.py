"""Values a second from an emulated PLC to our subscriber, and what each costs either side in CPU.

    python benchmarks/opcua_values.py [--tags 1000 5000] [--runs 3] [--seconds 8]

Server and subscriber are two processes on one machine: encrypted (Basic256Sha256, signed and
encrypted), publishing and scan every 500 ms, every tag changes in every scan. The spread is over
the runs: least and greatest.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import platform
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

from opcua.clock import WallClock
from opcua.emulated_plc import serve_line
from opcua.readings import Message
from opcua.security import client_security, make_pki, server_security
from opcua.subscriber import Options, Subscriber
from opcua.tag_map import tag_map
from twin.model.line import Line
from twin.model.packml import Mode, State
from twin.model.status import LineStatus, MachineStatus

PERIOD_S = 0.5
VARIABLES = 20


def line_of(tags: int) -> Line:
    """A line whose process variables alone are so many tags; nothing else of it changes."""
    variables = tuple(
        {"id": f"V{i}", "unit": "degC", "nominal": 20.0, "low": 0.0, "high": 1e12}
        for i in range(VARIABLES)
    )
    station = {
        "id": "A",
        "machines": tags // VARIABLES,
        "cycle_time": "1 s",
        "variables": variables,
    }
    return Line.model_validate({"id": "BENCH", "stations": (station,)})


class Changing:
    """A plant of which every variable changes at every instant, at no cost."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.now_us = 0
        self._units = [
            station.machine_id(m) for station in line.stations for m in range(station.machines)
        ]

    def advance(self, to_us: int) -> None:
        self.now_us = to_us

    def status(self) -> LineStatus:
        now = float(self.now_us)
        machine = MachineStatus(
            State.EXECUTE, Mode.PRODUCE, False, False, 0, 1, 0, 0, 0, 0, 0, 0, (now,) * VARIABLES
        )
        return LineStatus(self.now_us, dict.fromkeys(self._units, machine), {})


def serve(tags: int, pki: Path, pipe: Connection) -> None:
    """The server's process: tells its URL, then at each question its CPU time so far."""

    async def main() -> None:
        began = time.process_time()
        plant = Changing(line_of(tags))
        async with serve_line(plant, WallClock(0), server_security(pki), scan_s=PERIOD_S) as served:
            pipe.send((served.endpoints["PLC"], time.process_time() - began))
            run = asyncio.create_task(served.run())
            asyncio.get_running_loop().add_reader(
                pipe.fileno(),
                lambda: (
                    pipe.send((time.process_time(), served.overruns))
                    if pipe.recv()
                    else run.cancel()
                ),
            )
            await asyncio.gather(run, return_exceptions=True)

    asyncio.run(main())


async def measure(tags: int, url: str, pki: Path, pipe: Connection, seconds: float) -> dict:
    """Follow for a while and count."""
    counted = 0
    warm = asyncio.Event()

    def take(message: Message) -> None:
        nonlocal counted
        if isinstance(message, tuple):
            counted += len(message)
            if counted > 3 * tags:
                warm.set()

    plc = tag_map(line_of(tags), {"PLC": url}).plcs[0]
    options = Options(publishing_s=PERIOD_S)
    run = asyncio.create_task(Subscriber(plc, client_security(pki), take, options).run())
    await warm.wait()
    pipe.send(True)
    server_cpu, overruns = await asyncio.to_thread(pipe.recv)
    began, cpu, count = time.perf_counter(), time.process_time(), counted
    await asyncio.sleep(seconds)
    took, cpu, count = time.perf_counter() - began, time.process_time() - cpu, counted - count
    pipe.send(True)
    server_cpu_after, overruns_after = await asyncio.to_thread(pipe.recv)
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)
    return {
        "values/s": count / took,
        "share of due": count / took / (tags / PERIOD_S),
        "server us/value": (server_cpu_after - server_cpu) / count * 1e6,
        "subscriber us/value": cpu / count * 1e6,
        "overruns": overruns_after - overruns,
    }


def one_run(tags: int, seconds: float) -> dict:
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as directory:
        pki = Path(directory) / "pki"
        make_pki(pki)
        ours, theirs = context.Pipe()
        child = context.Process(target=serve, args=(tags, pki, theirs))
        child.start()
        url, start_cpu_s = ours.recv()
        result = asyncio.run(measure(tags, url, pki, ours, seconds))
        ours.send(False)
        child.join(10)
    return {**result, "start CPU s": start_cpu_s}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tags", type=int, nargs="+", default=[1000, 5000])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8)
    given = parser.parse_args()
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, "
        f"Python {platform.python_version()}, publishing and scan {PERIOD_S} s, encrypted"
    )
    for tags in given.tags:
        runs = [one_run(tags, given.seconds) for _ in range(given.runs)]
        print(f"{tags} tags, all changing, {given.runs} runs of {given.seconds:g} s:")
        for name in runs[0]:
            found = sorted(run[name] for run in runs)
            print(
                f"  {name:22}{found[len(found) // 2]:12.2f}   ({found[0]:.2f} to {found[-1]:.2f})"
            )


if __name__ == "__main__":
    main()
