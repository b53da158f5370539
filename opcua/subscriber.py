"""One PLC's subscriber: keeps connected, and hands on every value and every change of state.

The contract of what it hands on, for each PLC:

- `ConnectionChanged(True)`, then every value afresh (and `TagMissing`, once, where nodes of the map
  are not there), then values as they are published, in that order.
- `ConnectionChanged(False)` once when the connection is lost, or could not be made at first; then
  nothing until it is back. Nothing is invented: what was missed while it was away stays missed,
  except that the fresh values say how things stand.
- `TagsPolled` where the server has no room to watch all tags, not in several subscriptions either:
  what is left is read at the publishing interval.
- `NotificationsLost` where the server's numbers show that some never came: they are fetched again,
  or, where the server has them no more, every value is read afresh.
- `StaleChanged` where values can't be believed though the connection is up: the live counter stands
  still, or a value does while its own counter runs on.
- Of several endpoints the next takes over where one is lost, and one that says it serves better
  (`opcua.redundancy`) where this one says that it serves badly: `ConnectionChanged(False)`, then
  `ConnectionChanged(True)` with the other's URL.
- A value is handed on once: the same value with the same source timestamp does not come twice in
  one connection, but for a re-reading.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from asyncua import Client, ua

from opcua.connect import close, connect
from opcua.plc_session import PlcSession
from opcua.readings import ConnectionChanged
from opcua.redundancy import better_endpoint
from opcua.security import ClientSecurity
from opcua.subscribing import Options, Sink
from opcua.tag_map import PlcMap
from opcua.translation import Translation
from twin.errors import NotConnected, UsageError

__all__ = ["Credentials", "Options", "Sink", "Subscriber"]

_log = logging.getLogger(__name__)

Credentials: TypeAlias = ClientSecurity | Callable[[], ClientSecurity | None] | None
"""Who we are; a function may say another thing each time, as certificates are renewed."""


class Subscriber:
    """Reads one PLC of a tag map for as long as `run` runs.

    Args:
        plc: the PLC, its endpoints and its tags.
        security: who we are; None: anonymous, unencrypted. A function is asked at every connect,
            and now and then between: what it returns may be renewed, which reconnects.
        sink: takes what comes, in order.
        options: how to go about it.

    Example:
        async with asyncio.TaskGroup() as group:
            for plc in tag_map.plcs:
                group.create_task(Subscriber(plc, security, mirror.take).run())
    """

    def __init__(
        self, plc: PlcMap, security: Credentials, sink: Sink, options: Options | None = None
    ) -> None:
        self._plc = plc
        self._security = security if callable(security) else lambda: security
        self._sink = sink
        self._options = _asked(plc, options or Options())
        self._translation = Translation(plc, self._unfit)
        self._connected: bool | None = None
        self._attempts = 0
        self._endpoint = 0
        self._tried = 0

    @property
    def url(self) -> str:
        """The endpoint that is tried, or held, now."""
        return self._plc.urls[self._endpoint]

    async def run(self) -> None:
        """Stay connected until cancelled; then say goodbye, and leave nothing behind."""
        while True:
            try:
                await self._serve_once()
            except _Renewed:
                continue
            except _ChangeOver as over:
                self._say(connected=False, reason=str(over))
                self._endpoint = over.endpoint
                continue
            except NotConnected as error:
                self._say(connected=False, reason=str(error))
            _stop_if_asked()
            self._endpoint = (self._endpoint + 1) % len(self._plc.urls)
            self._tried += 1
            # Of several endpoints each is tried before a pause is made.
            if self._tried >= len(self._plc.urls):
                self._tried = 0
                await self._options.sleep(self._pause_s())

    async def _serve_once(self) -> None:
        options = self._options
        try:
            security = self._security()
        except UsageError as error:
            raise NotConnected(str(error)) from error
        client = await connect(self.url, security, options.timeout_s)
        polite = False
        try:
            _stop_if_asked()
            session = PlcSession(client, self._plc, self._translation, options, self._sink)
            await session.begin()
            self._say(connected=True)
            self._attempts = self._tried = 0
            _stop_if_asked()
            await self._serve(client, session, security)
        except (asyncio.CancelledError, _Renewed, _ChangeOver):
            polite = True
            raise
        except TimeoutError as error:
            raise NotConnected(f"{self.url}: silent for too long") from error
        except (ConnectionError, OSError, ua.UaError) as error:
            raise NotConnected(f"{self.url}: {error}") from error
        finally:
            await close(client, polite=polite)

    async def _serve(
        self, client: Client, session: PlcSession, security: ClientSecurity | None
    ) -> None:
        tasks = [
            asyncio.ensure_future(session.serve()),
            asyncio.ensure_future(self._renewed(security)),
        ]
        if len(self._plc.urls) > 1:
            tasks.append(asyncio.ensure_future(self._surpassed(client, security)))
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _surpassed(self, client: Client, security: ClientSecurity | None) -> None:
        """Wait until another endpoint serves better than this one."""
        urls, held = self._plc.urls, self._endpoint
        place, why = await better_endpoint(client, urls, held, security, self._options)
        raise _ChangeOver(place, f"{self.url} gives way: {why}")

    async def _renewed(self, security: ClientSecurity | None) -> None:
        """Wait until our certificate, or the server's that we trust, is another than at first."""
        while True:
            await asyncio.sleep(self._options.renewal_s)
            try:
                renewed = self._security() != security
            except UsageError:
                # Half of them are there: somebody is at it.
                continue
            if renewed:
                _log.info("%s: certificates are renewed; connecting anew", self._plc.plc)
                raise _Renewed

    def _say(self, *, connected: bool, reason: str = "") -> None:
        """Hand on and log a change of the connection; say nothing where there is none."""
        if connected == self._connected:
            return
        self._connected = connected
        if connected:
            _log.info("%s: connected to %s", self._plc.plc, self.url)
        else:
            _log.warning("%s: not connected: %s", self._plc.plc, reason)
        now_us = self._options.now_us()
        self._sink(ConnectionChanged(self._plc.plc, connected, now_us, reason, self.url))

    def _unfit(self, key: tuple[str, str], why: str) -> None:
        _log.warning("%s: %s.%s: %s", self._plc.plc, *key, why)

    def _pause_s(self) -> float:
        first, longest = self._options.back_off_s
        pause = min(longest, first * 2.0 ** min(self._attempts, 30))
        self._attempts += 1
        # Many subscribers that lost one network must not all come back at the same instant.
        return pause * (0.5 + self._options.jitter() / 2)


def _asked(plc: PlcMap, options: Options) -> Options:
    """What the map says of a PLC goes before what holds for all."""
    return replace(
        options,
        publishing_s=options.publishing_s if plc.publishing_s is None else plc.publishing_s,
        sampling_s=options.sampling_s if plc.sampling_s is None else plc.sampling_s,
        queue_size=options.queue_size if plc.queue_size is None else plc.queue_size,
    )


class _Renewed(Exception):
    """Certificates are renewed: connect again with them."""


class _ChangeOver(Exception):
    """Another endpoint serves better: connect to that one."""

    def __init__(self, endpoint: int, why: str) -> None:
        super().__init__(why)
        self.endpoint = endpoint


def _stop_if_asked() -> None:
    """Stop where a request to stop has been swallowed: asyncua and Python 3.11's wait_for do so."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
