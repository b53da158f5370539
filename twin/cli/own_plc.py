"""`twin plc --nodeset`, `--fast`, `--slow`: serve a PLC that is no line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opcua.clock import WallClock
from opcua.own_plc import load_nodes, serve_own_plc
from opcua.personality import Personality
from opcua.roles import Role
from opcua.rules import read_rules
from opcua.security import make_pki
from twin.cli.access import access_of
from twin.cli.places import DataPlaces
from twin.errors import UsageError

__all__ = ["OwnPlcCall", "serve_own"]


@dataclass(frozen=True, slots=True)
class OwnPlcCall:
    """What the command line says of it; see `twin plc --help`."""

    nodeset: Path | None
    rules: Path | None
    fast: str | None
    slow: str | None
    speed: float
    seed: int
    data: Path
    security: bool
    port: list[str]
    like: Personality
    anonymous: Role | None = None


def serve_own(
    call: OwnPlcCall,
    say: Callable[[dict[str, object]], None],
    until_told_to_stop: Callable[[asyncio.Future[None]], Coroutine[Any, Any, None]],
) -> None:
    """Serve it until Ctrl-C.

    Args:
        call: what is to be served.
        say: tells where it listens.
        until_told_to_stop: runs the work until then.
    """
    if len(call.port) > 1 or not all(_port(text) is not None for text in call.port):
        raise UsageError(f"--port must be a number here, as 4840, got {', '.join(call.port)}")
    port = (_port(call.port[0]) or 0) if call.port else 0
    rules = read_rules(call.rules) if call.rules else ()
    given = (("fast", call.fast), ("slow", call.slow))
    load = [load_nodes(name, text) for name, text in given if text is not None]
    pki = DataPlaces(call.data).pki
    if call.security:
        make_pki(pki)

    async def serve() -> None:
        access = access_of(pki, call.security, call.anonymous)
        clock = WallClock.of_this_week("UTC", call.speed)
        async with serve_own_plc(
            clock,
            access,
            nodeset=call.nodeset,
            rules=rules,
            load=load,
            port=port,
            seed=call.seed,
            limits=call.like.limits,
        ) as plc:
            say({"event": "listening", "endpoints": {"PLC": plc.url}, "moves": plc.moves})
            await until_told_to_stop(asyncio.ensure_future(plc.run()))

    asyncio.run(serve())


def _port(text: str) -> int | None:
    return int(text) if text.isdecimal() and int(text) < 65536 else None
