"""`twin plc LINE --replay FILE`: serve again what a real plant did."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opcua.clock import WallClock
from opcua.personality import Personality
from opcua.recorded_points import RecordedPoints
from opcua.replayed_line import serve_replay
from opcua.roles import Role
from opcua.security import make_pki
from twin.cli.access import access_of
from twin.cli.places import DataPlaces
from twin.errors import UsageError
from twin.historian.duckdb_store import DuckDBHistorian
from twin.historian.port import History, Query
from twin.historian.recording import FORMS, read_recording
from twin.model.line import Line

__all__ = ["ReplayCall", "serve_replayed"]

_HISTORY = ".duckdb"


@dataclass(frozen=True, slots=True)
class ReplayCall:
    """What the command line says of it; see `twin plc --help`."""

    line: Line
    file: Path
    loop: bool
    speed: float
    scan_s: float
    ports: Mapping[str, int]
    data: Path
    security: bool
    like: Personality
    anonymous: Role | None = None


def serve_replayed(
    call: ReplayCall,
    say: Callable[[dict[str, object]], None],
    until_told_to_stop: Callable[[asyncio.Future[None]], Coroutine[Any, Any, None]],
) -> None:
    """Serve it until Ctrl-C; a recording that is over stands at its last values.

    Args:
        call: what is to be served.
        say: tells where it listens.
        until_told_to_stop: runs the work until then.
    """
    points = RecordedPoints(call.line, _history(call.file, call.line.id))
    pki = DataPlaces(call.data).pki
    if call.security:
        make_pki(pki)

    async def serve() -> None:
        access = access_of(pki, call.security, call.anonymous)
        clock = WallClock.of_this_week(call.line.time_zone, call.speed)
        async with serve_replay(
            call.line,
            points,
            clock,
            access,
            ports=call.ports,
            scan_s=call.scan_s,
            loop=call.loop,
            personality=call.like,
        ) as replayed:
            say(
                {
                    "event": "listening",
                    "line": call.line.id,
                    "endpoints": replayed.endpoints,
                    "signals": points.signals,
                    "length_s": points.length_us / 1e6,
                    "left_out": points.left_out,
                }
            )
            await until_told_to_stop(asyncio.ensure_future(replayed.run()))

    asyncio.run(serve())


def _history(file: Path, line: str) -> History:
    if file.suffix.lower() != _HISTORY:
        if file.suffix.lower() not in FORMS:
            raise UsageError(
                f"--replay must be a history ({_HISTORY}) or a file of points "
                f"({', '.join(FORMS)}), got {file}"
            )
        return read_recording(file, line)
    if not file.is_file():
        raise UsageError(f"--replay: {file} must be a history, there is no such file")
    store = DuckDBHistorian(file, read_only=True)
    try:
        return store.read(Query(line=line))
    finally:
        store.close()
