"""Which of the servers of a redundant PLC is held: one that says it serves as well as any.

A server says by its ServiceLevel how well it serves; what counts is the range that the level is in
(OPC 10000-4, 6.6.2.4.2): a healthy server is kept though another says a higher number, so that two
that differ by little do not take turns.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from enum import IntEnum

from asyncua import Client, ua

from opcua.connect import close, connect
from opcua.security import ClientSecurity
from opcua.subscribing import Options
from twin.errors import NotConnected

__all__ = ["Served", "better_endpoint", "served"]

_LEVEL = ua.NodeId(ua.ObjectIds.Server_ServiceLevel)
_PROBE_S = 1.0
_HIGHEST = 255


class Served(IntEnum):
    """The ranges of a ServiceLevel, from the worst on."""

    MAINTENANCE = 0
    NO_DATA = 1
    DEGRADED = 2
    HEALTHY = 3


def served(level: int) -> Served:
    """Tell the range of a ServiceLevel.

    Args:
        level: 0 to 255.

    >>> [served(level).name for level in (0, 1, 2, 199, 200, 255)]
    ['MAINTENANCE', 'NO_DATA', 'DEGRADED', 'DEGRADED', 'HEALTHY', 'HEALTHY']
    """
    if level >= 200:
        return Served.HEALTHY
    return Served(min(level, Served.DEGRADED))


async def better_endpoint(
    client: Client,
    urls: Sequence[str],
    held: int,
    security: ClientSecurity | None,
    options: Options,
) -> tuple[int, str]:
    """Wait until another server serves better than the one that is held.

    Args:
        client: connected to the one that is held.
        urls: all of them.
        held: place of the one that is held.
        security: who we are.
        options: how often to look.

    Returns:
        Its place in `urls`, and why, in words.

    Raises:
        UaError, ConnectionError, TimeoutError: the one that is held does not answer.
    """
    # While none is better the others are not asked at every look.
    asked, rested_s = Served.HEALTHY, 0.0
    while True:
        level = await _level(client)
        now = served(level)
        if now < asked or (now < Served.HEALTHY and rested_s >= options.back_off_s[1]):
            rested_s = 0.0
            others = [place for place in range(len(urls)) if place != held]
            levels = await asyncio.gather(*(_asked(urls[i], security, options) for i in others))
            best, place = max(zip(levels, (-place for place in others), strict=True))
            if best >= 0 and served(best) > now:
                return -place, f"its service level is {level}, that of {urls[-place]} is {best}"
        asked = now
        await options.sleep(options.service_level_s)
        rested_s += options.service_level_s


async def _level(client: Client) -> int:
    (value,) = await client.uaclient.read_attributes([_LEVEL], ua.AttributeIds.Value)
    level = None if value.Value is None else value.Value.Value
    # One that does not say is as good as any: then only its loss makes another take over.
    return level if isinstance(level, int) else _HIGHEST


async def _asked(url: str, security: ClientSecurity | None, options: Options) -> int:
    """Ask another server; -1: it does not answer."""
    try:
        client = await connect(url, security, min(_PROBE_S, options.timeout_s))
    except NotConnected:
        return -1
    try:
        return await _level(client)
    except (ConnectionError, OSError, TimeoutError, ua.UaError):
        return -1
    finally:
        await close(client, polite=True)
