"""A line's PLCs in a process of their own, for tests: forked from a template where that can be.

The template has imported asyncua and built the standard nodes, so a fork of it listens at once. It
is told to stop by the end of its standard input; a PLC by the end of its connection. So nothing is
left behind, however who asked for them ends.

    python -m opcua.plc_process [--once]      the key on standard input; the port on standard output
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
import tempfile
import threading
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from typing import Any

from opcua.clock import ManualClock, WallClock
from opcua.collection import keep_for_good
from opcua.emulated_plc import ServedLine, serve_line
from opcua.faults.script import fault_order
from opcua.personality import personality
from opcua.recorder import Recorder
from opcua.security import server_security
from opcua.standard_space import standard_nodes
from twin.engine.plant import SimulatedPlant
from twin.model.line import Line
from twin.model.packml import Mode
from twin.model.packml_table import Command

__all__ = ["TEST_LINE", "PlcOptions", "main"]

MONDAY_UNIX_US = 1_767_571_200_000_000

TEST_LINE = Line.model_validate(
    {
        "id": "TEST1",
        "defects": ({"id": "scratch"},),
        "stations": (
            {
                "id": "CUT",
                "machines": 2,
                "cycle_time": "4 s",
                "variables": (
                    {"id": "Temp", "unit": "degC", "nominal": 80.0, "low": 0.0, "high": 200.0},
                ),
                "alarms": ({"id": "EQP1", "category": "EQP", "severity": 700, "when": "fault"},),
            },
            {
                "id": "TST",
                "cycle_time": "1.5 s",
                "defects": {"scratch": 0.05},
                "inspection": {"detects": {"scratch": 0.9}, "false_reject": 0.01},
            },
            {"id": "PACK", "cycle_time": "1 s"},
        ),
        "buffers": (
            {"id": "CUT-out", "from": "CUT", "to": "TST", "capacity": 5},
            {"id": "TST-out", "from": "TST", "to": "PACK", "capacity": 5},
        ),
    }
)
"""The line of a test that asks for none: cutting, testing and packing."""


@dataclass(frozen=True, slots=True)
class PlcOptions:
    """What a process is to serve.

    Args:
        line: which line.
        seed: of the plant, of jitter and of faults.
        scan_s: time from scan to scan.
        speed: plant seconds a second; None: the plant stands until it is advanced.
        pki: directory of keys, for an encrypted PLC; None: open, on loopback.
        plcs: ids of the PLCs to serve; None: all.
        personality: the make of PLC to be like, as `s7-1200`.
    """

    line: Line = field(default_factory=lambda: TEST_LINE)
    seed: int = 1
    scan_s: float = 0.1
    speed: float | None = 1.0
    pki: Path | None = None
    plcs: tuple[str, ...] | None = None
    personality: str = "generic"


class _Served:
    """What a test asks of its PLCs: each public method, by its name."""

    def __init__(self, served: ServedLine, options: PlcOptions, recorder: Recorder) -> None:
        self._served = served
        self._scan_s = options.scan_s
        self._recorder = recorder

    async def endpoints(self) -> dict[str, str]:
        return self._served.endpoints

    async def pid(self) -> int:
        return os.getpid()

    async def advance(self, seconds: float) -> float:
        """Let plant time pass; scan by scan where the clock is moved by hand."""
        clock = self._served.clock
        left_us = round(seconds * 1e6)
        if isinstance(clock, WallClock):
            clock.step(left_us)
            await self._served.scan()
            return self._served.plant.now_us / 1e6
        assert isinstance(clock, ManualClock)  # noqa: S101 - there are two
        scan_us = round(self._scan_s * 1e6)
        while True:
            clock.move(min(left_us, scan_us))
            await self._served.scan()
            left_us -= scan_us
            if left_us <= 0:
                return self._served.plant.now_us / 1e6

    async def set_clock(self, speed: float | None, paused: bool | None) -> None:
        clock = self._served.clock
        if not isinstance(clock, WallClock):
            raise TypeError("a clock that is moved by hand has no speed")
        if speed is not None:
            clock.set_speed(speed)
        if paused is not None:
            (clock.pause if paused else clock.resume)()

    async def begin(self, words: dict[str, Any]) -> int:
        return await self._served.faults.begin(fault_order(words))

    async def end(self, number: int) -> None:
        await self._served.faults.end(number)

    async def clear(self) -> None:
        await self._served.faults.clear()

    async def active(self) -> dict[int, str]:
        return {number: order.kind for number, order in self._served.faults.active.items()}

    async def command(self, unit: str, command: Command, reason: int) -> None:
        await self._served.requests.command(unit, command, reason)

    async def set_mode(self, unit: str, mode: Mode) -> None:
        await self._served.requests.set_mode(unit, mode)

    async def set(self, unit: str, setpoint: str, value: float) -> None:
        await self._served.requests.set(unit, setpoint, value)

    async def values(self) -> dict[tuple[str, str], Any]:
        return self._served.values

    async def actions(self) -> list[dict[str, Any]]:
        return [asdict(action) for action in self._recorder.actions]

    async def forget_actions(self) -> None:
        self._recorder.actions.clear()


async def _serve(connection: Connection, options: PlcOptions) -> None:
    loop = asyncio.get_running_loop()
    clock: ManualClock | WallClock
    if options.speed is None:
        clock = ManualClock(MONDAY_UNIX_US)
    else:
        clock = WallClock(MONDAY_UNIX_US, speed=options.speed)
    plant = SimulatedPlant(options.line, seed=options.seed)
    recorder = Recorder(lambda: plant.now_us)
    async with AsyncExitStack() as stack:
        served = await stack.enter_async_context(
            serve_line(
                plant,
                clock,
                server_security(options.pki) if options.pki else None,
                plcs=options.plcs,
                ports={plc.id: 0 for plc in options.line.plcs},
                scan_s=options.scan_s,
                seed=options.seed,
                recorder=recorder,
                personality=personality(options.personality),
            )
        )
        scans = None
        if options.speed is not None:
            scans = asyncio.ensure_future(served.run())
        asked = _Served(served, options, recorder)
        over = asyncio.Event()

        def answer() -> None:
            try:
                while True:
                    name, args = connection.recv()
                    work = asyncio.run_coroutine_threadsafe(getattr(asked, name)(*args), loop)
                    try:
                        said = (True, work.result())
                    except Exception as error:  # noqa: BLE001 -- it goes to who asked
                        said = (False, error)
                    connection.send(said)
            except (EOFError, OSError):
                loop.call_soon_threadsafe(over.set)

        connection.send((True, served.endpoints))
        threading.Thread(target=answer, daemon=True).start()
        await over.wait()
        if scans is not None:
            scans.cancel()
            with suppress(asyncio.CancelledError):
                await scans


def _run(connection: Connection) -> None:
    """Serve what is asked for first, until the connection ends."""
    try:
        options = connection.recv()
        asyncio.run(_serve(connection, options))
    except EOFError:
        return
    except Exception as error:  # noqa: BLE001 -- it goes to who asked
        with suppress(OSError):
            connection.send((False, error))
    finally:
        connection.close()


def _warm_up() -> None:
    """Do once what every PLC would do again: nodes of the standards, tables of the test line."""
    standard_nodes()

    async def once() -> None:
        async with serve_line(SimulatedPlant(TEST_LINE), ManualClock(), None) as served:
            await served.scan()

    asyncio.run(once())
    keep_for_good()


def main() -> None:
    """Be the template, or with `--once` a single PLC."""
    key = bytes.fromhex(sys.stdin.readline().strip())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    once = "--once" in sys.argv[1:]
    if not once:
        _warm_up()
    with Listener(("127.0.0.1", 0), backlog=64, authkey=key) as listener:
        sys.stdout.write(f"{listener.address[1]}\n")
        sys.stdout.flush()
        if once:
            _run(listener.accept())
            return
        # A PLC that has ended needs nobody to wait for it.
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        _fork_for_each(listener)


def _fork_for_each(listener: Listener) -> None:
    doors = listener._listener._socket  # type: ignore[attr-defined]  # noqa: SLF001
    while True:
        ready, _, _ = select.select([doors, sys.stdin], [], [])
        if sys.stdin in ready:
            return
        connection = listener.accept()
        if os.fork():
            connection.close()
            continue
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        doors.close()
        _be_a_plc(connection)


def _be_a_plc(connection: Connection) -> None:
    """Run in a forked process, which must not go on as its template would."""
    try:
        _run(connection)
        os._exit(0)
    finally:
        os._exit(1)


if __name__ == "__main__":
    os.chdir(tempfile.gettempdir())
    main()
