"""The live page on a real port, over a made-up line whose PLC says what a test wants it to say."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from dashboards.live.board import Board
from dashboards.live.serve import Address, hang, served
from dashboards.live.watched import StoreHealth, Watched
from twin.historian.memory import MemoryHistorian
from twin.historian.port import Historian, Point, Quality, Series
from twin.live.changes import Notice
from twin.live.inferred import Levels
from twin.live.mirror import Mirror
from twin.live.output import OutputMeter
from twin.live.readings import ConnectionChanged, Message, Reading
from twin.model import Line
from twin.whatif.forecast_scores import Kept

T0 = 1_767_571_200_000_000
SECOND = 1_000_000
HOUR = 3600 * SECOND
PASSWORD = "a password for tests"  # noqa: S105 - nobody else has it


def made_up() -> Line:
    """Three stations: two machines, a shared buffer with two lanes, an alarm and a variable."""
    return Line.model_validate(
        {
            "id": "MADE",
            "name": {"en": "A made-up line", "zh": "虚构产线"},
            "plcs": ({"id": "PLC-A"}, {"id": "PLC-B"}),
            "target": "600 /h",
            "product": {"name": {"en": "box", "zh": "盒"}, "unit": "box"},
            "shifts": {"start": "6 h", "length": "8 h"},
            "stations": (
                {
                    "id": "CUT",
                    "name": {"en": "Cutting", "zh": "切割"},
                    "machines": 2,
                    "lanes": 2,
                    "cycle_time": {"distribution": "lognormal", "mean": "6 s", "cv": 0.3},
                    "plc": "PLC-A",
                    "failures": (
                        {
                            "id": "jam",
                            "mtbf": {"distribution": "exponential", "mean": "1 h"},
                            "mttr": "5 min",
                        },
                    ),
                    "variables": (
                        {
                            "id": "Speed",
                            "unit": "m/min",
                            "nominal": 10,
                            "low": 0,
                            "high": 20,
                            "alarm_high": 15,
                        },
                    ),
                    "alarms": (
                        {
                            "id": "EQP001",
                            "category": "EQP",
                            "severity": 700,
                            "when": "fault",
                            "name": {"en": "Down", "zh": "停机"},
                        },
                    ),
                },
                {"id": "FOLD", "cycle_time": "3 s", "plc": "PLC-A", "lanes": 1},
                {"id": "PACK", "cycle_time": "3 s", "plc": "PLC-B"},
            ),
            "buffers": (
                {"id": "CUT-out", "from": "CUT", "to": "FOLD", "capacity": 5, "lanes": 2},
                {"id": "FOLD-out", "from": "FOLD", "to": "PACK", "capacity": 10},
            ),
        }
    )


@dataclass
class MadeLine:
    """A line that is watched, and the words that its PLCs are given."""

    line: Line
    store: Historian
    notices: deque[Notice] = field(default_factory=deque)
    loop: asyncio.AbstractEventLoop | None = None
    told: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.mirror = Mirror(self.line)
        self.meter = OutputMeter(self.mirror)
        self.levels = Levels(self.mirror)

    def take(self, message: Message) -> None:
        """Take a message in where the page's values are read."""

        async def there() -> None:
            self._take(message)

        if self.loop is None:
            self._take(message)
        else:
            asyncio.run_coroutine_threadsafe(there(), self.loop).result(timeout=30)

    def _take(self, message: Message) -> None:
        changes = self.mirror.handle(message)
        self.store.write(changes.points)
        self.notices.extend(changes.notices)
        self.meter.sample()
        self.levels.take()
        self.told.set()

    def connect(self, *plcs: str, at_us: int = T0) -> None:
        for plc in plcs:
            self.take(ConnectionChanged(plc, True, at_us, ""))

    def say(self, unit: str, signal: str, value: float, at_us: int = T0) -> None:
        plc = next(t.plc for k, t in self.mirror._tags.items() if k == (unit, signal))
        self.take((Reading(plc, unit, signal, value, at_us, at_us, Quality.GOOD),))

    def report(self, unit: str, signal: str, value: float, at_us: int) -> None:
        """Store what the twin works out."""
        self.store.write([Point(Series(self.line.id, unit, signal), at_us, value)])


@dataclass
class Rig:
    url: str
    made: MadeLine
    users_file: Path
    directory: Path
    forecasts: list[Kept]
    board: Board

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=30)

    @contextmanager
    def logged_in(self, name: str) -> Iterator[httpx.Client]:
        with self.client() as client:
            answer = client.post("/api/v1/login", json={"name": name, "password": PASSWORD})
            assert answer.status_code == 200, answer.text
            client.headers["X-CSRF-Token"] = answer.json()["csrf"]
            yield client


@contextmanager
def page_rig(directory: Path, address: Address | None = None) -> Iterator[Rig]:
    """Serve the page of the made-up line until the context ends."""
    made = MadeLine(made_up(), MemoryHistorian())
    made.connect("PLC-A", "PLC-B")
    health = StoreHealth(12, 0, 3, 0, "", None)
    forecasts: list[Kept] = []
    watched = Watched([made], made.store, lambda: health, lambda _: forecasts)
    board = Board()
    users_file = directory / "users.json"
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def until_told() -> None:
        hanging = asyncio.create_task(hang(watched, board, made.told))
        await stop.wait()
        hanging.cancel()
        await asyncio.wait([hanging])

    thread = threading.Thread(target=lambda: loop.run_until_complete(until_told()))
    thread.start()
    made.loop = loop
    try:
        with served(
            watched,
            board,
            address or Address(port=0),
            users_file,
            directory / "page.sqlite",
            {"MADE": "made_up"},
        ) as url:
            yield Rig(url, made, users_file, directory, forecasts, board)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
