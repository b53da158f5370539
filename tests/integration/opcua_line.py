"""A small line, a fake plant whose state is a pure function of time, and a sink that waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from opcua.clock import ManualClock
from opcua.emulated_plc import ServedLine, serve_line
from opcua.readings import ConnectionChanged, Message, Reading, TagMissing
from opcua.security import ServerSecurity, server_security
from opcua.subscriber import Options
from twin.model.line import Line
from twin.model.packml import Mode, State
from twin.model.status import BufferStatus, LineStatus, MachineStatus

LINE = Line.model_validate(
    {
        "id": "L1",
        "enterprise": "ACME",
        "site": "NORTH",
        "plcs": ({"id": "PLC1"}, {"id": "PLC2", "name": {"en": "Packing", "zh": "包装"}}),
        "stations": (
            {
                "id": "CUT",
                "area": "FRONT",
                "plc": "PLC1",
                "machines": 3,
                "cycle_time": "2 s",
                "variables": (
                    {
                        "id": "Speed",
                        "name": {"en": "web speed", "zh": "走带速度"},
                        "unit": "m/min",
                        "nominal": 20.0,
                        "low": 0.0,
                        "high": 60.0,
                    },
                    {"id": "Ratio", "unit": "1", "nominal": 0.5, "low": 0.0, "high": 1.0},
                ),
                "alarms": ({"id": "EQP001", "category": "EQP", "severity": 700, "when": "fault"},),
            },
            {"id": "PACK", "area": "BACK", "plc": "PLC2", "machines": 2, "cycle_time": "1 s"},
        ),
        "buffers": ({"id": "CUT-out", "from": "CUT", "to": "PACK", "capacity": 9, "lanes": 2},),
    }
)


class FakePlant:
    """A plant that is anywhere at once: everything that it shows follows from the time."""

    def __init__(self, line: Line = LINE, now_us: int = 0) -> None:
        self.line = line
        self.now_us = now_us

    def advance(self, to_us: int) -> None:
        assert to_us >= self.now_us
        self.now_us = to_us

    def status(self) -> LineStatus:
        return self.status_at(self.now_us)

    def status_at(self, at_us: int) -> LineStatus:
        second = at_us // 1_000_000
        machines = {}
        for s, station in enumerate(self.line.stations):
            for m in range(station.machines):
                k = (second * 2_654_435_761 + s * 97 + m * 31) >> 3
                machines[station.machine_id(m)] = MachineStatus(
                    state=State(k % 17 + 1),
                    mode=Mode(k % 4),
                    starved=k % 3 == 0,
                    blocked=k % 5 == 0,
                    stop_reason=k % 201,
                    occupied=k % 7,
                    consumed=second + m,
                    good=second // 2,
                    defective=second // 7,
                    reworked=2**40 + second // 5,
                    failures=second // 9,
                    cycle_time_us=k % 10_000_019,
                    variables=tuple(k % 1000 / 7 for _ in station.variables),
                    alarms=tuple(k % 2 == 0 for _ in station.alarms),
                )
        buffers = {
            b.id: BufferStatus(second % 19, tuple((second + i) % 5 for i in range(b.lanes)), 1)
            for b in self.line.buffers
        }
        return LineStatus(at_us, machines, buffers)


class Collector:
    """A sink that keeps everything and can be waited for."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.latest: dict[tuple[str, str], Reading] = {}
        self._came = asyncio.Event()

    def __call__(self, message: Message) -> None:
        self.messages.append(message)
        if isinstance(message, tuple):
            self.latest.update({(r.unit, r.signal): r for r in message})
        self._came.set()

    @property
    def changes(self) -> list[ConnectionChanged]:
        return [m for m in self.messages if isinstance(m, ConnectionChanged)]

    @property
    def missing(self) -> list[TagMissing]:
        return [m for m in self.messages if isinstance(m, TagMissing)]

    def value(self, unit: str, signal: str) -> object:
        reading = self.latest.get((unit, signal))
        return None if reading is None else reading.value

    async def until(self, holds: Callable[[], bool], deadline_s: float = 30) -> None:
        """Wait until a condition on what has come in holds."""
        async with asyncio.timeout(deadline_s):
            while not holds():
                self._came.clear()
                await self._came.wait()


QUICK = Options(publishing_s=0.05, watchdog_s=5.0, back_off_s=(0.05, 0.2))


def serve(
    pki: Path | ServerSecurity | None, clock: ManualClock, plant: FakePlant | None = None, **more
):
    """Serve the small line with a fake plant."""
    security = server_security(pki) if isinstance(pki, Path) else pki
    return serve_line(plant or FakePlant(), clock, security, **more)


__all__ = ["LINE", "QUICK", "Collector", "FakePlant", "ServedLine", "serve"]
