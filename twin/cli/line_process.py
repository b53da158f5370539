"""The emulated plant of a line as a process of its own, as a plant is to a twin."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from twin.errors import LinetwinError

__all__ = ["LineProcess"]

_log = logging.getLogger("twin.live")

STOP_S = 5.0
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 10.0


@dataclass(slots=True)
class LineProcess:
    """A `twin plc` process. If it dies it is started again, as a PLC's watchdog would do.

    The new one runs the same plant from the same beginning up to the present before it listens, on
    the same ports, so its counters go on as if the old one had lived.

    Args:
        line: file or packaged name.
        speed: times real speed.
        seed: of the plant.
        data: the data directory.
        ports: port by PLC, 0 for any free one.
        since_us: when the plant began, microseconds since 1970-01-01 UTC.
        warming: called with the share of the warm-up that is done.
    """

    line: str
    speed: float
    seed: int
    data: Path
    ports: dict[str, int]
    since_us: int
    warming: Callable[[float], None]
    endpoints: dict[str, str] = field(default_factory=dict)
    listening: asyncio.Event = field(default_factory=asyncio.Event)
    clock_us: int | None = None
    pid: int = 0

    async def run(self) -> None:
        """Keep the process up until cancelled, then end it.

        Raises:
            LinetwinError: it ends before it ever listened; its reason is in the text.
        """
        pause_s, told = SHORTEST_PAUSE_S, ""
        while True:
            code, reason, listened = await self._run_once()
            if not self.listening.is_set():
                reason = reason.removeprefix("twin: ") or f"exit code {code}"
                raise LinetwinError(f"the PLCs of {self.line} did not start: {reason}")
            pause_s = SHORTEST_PAUSE_S if listened else min(LONGEST_PAUSE_S, 2 * pause_s)
            if reason and reason != told:
                # One that is killed says nothing; that it is lost is for the mirror to say.
                _log.warning("the PLCs of %s have ended: %s", self.line, reason.splitlines()[-1])
                told = reason
            await asyncio.sleep(pause_s)

    async def _run_once(self) -> tuple[int, str, bool]:
        """Run it to its end; tell its exit code, its last words, and whether it ever listened."""
        # Once they have listened they keep the ports that they got.
        had = {plc: int(url.rsplit(":", 1)[1]) for plc, url in self.endpoints.items()}
        ports = [f"--port={plc}={port}" for plc, port in (self.ports | had).items()]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "twin", "plc", self.line, "--json", f"--speed={self.speed}"),
            *(f"--seed={self.seed}", f"--data={self.data}", f"--since-us={self.since_us}"),
            *(() if self.clock_us is None else (f"--clock-us={self.clock_us}",)),
            *ports,
            "--end-with-stdin",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            # Ctrl-C is for the twin, which then ends its plants in order.
            start_new_session=True,
        )
        self.pid = process.pid
        assert process.stderr is not None  # noqa: S101 - asked for above
        errors = asyncio.ensure_future(process.stderr.read())
        try:
            listened = await self._listen(process)
            code = await process.wait()
            return code, (await errors).decode(errors="replace").strip(), listened
        finally:
            errors.cancel()
            await _end(process)

    async def _listen(self, process: asyncio.subprocess.Process) -> bool:
        listened = False
        assert process.stdout is not None  # noqa: S101 - asked for above
        async for text in process.stdout:
            event = json.loads(text)
            if event["event"] == "warming":
                self.warming(event["done"])
            elif event["event"] == "listening":
                self.endpoints = event["endpoints"]
                self.clock_us = event["clock_us"]
                self.listening.set()
                listened = True
        return listened


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_S)
    except TimeoutError:
        process.kill()
        await process.wait()
