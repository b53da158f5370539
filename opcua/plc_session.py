"""What one connection to a PLC does: reads everything, subscribes or polls, and watches itself."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from asyncua import Client, ua

from opcua.belief import Belief
from opcua.monitored import code_name, monitor
from opcua.own_types import learn_types
from opcua.plc_requests import Portions, ask_raw, resolve
from opcua.publications import Columns, Publication, decode_message, decode_publication
from opcua.readings import NotificationsLost, TagMissing, TagsPolled
from opcua.subscribing import Options, Sink
from opcua.tag_map import PlcMap
from opcua.translation import Translation
from twin.errors import NotConnected

__all__ = ["PlcSession"]

_log = logging.getLogger(__name__)
_GONE = {ua.StatusCodes.BadNodeIdUnknown, ua.StatusCodes.BadNodeIdInvalid}
_AHEAD = 2
"""Publish requests that wait at the server, for each subscription."""
_MOST_AHEAD = 20
"""For all of them: servers take few of one session."""


@dataclass(slots=True)
class _Stream:
    """One subscription: what comes next of it, and when it was heard last.

    Args:
        heard_us: by the options' clock.
        heard_s: by the loop's.
    """

    heard_us: int
    heard_s: float
    next_sequence: int = 1


class PlcSession:
    """One connection's work.

    Args:
        client: connected.
        plc: what is read.
        translation: makes readings of it; goes on from connection to connection, for the
            counters' sake.
        options: how to go about it.
        sink: takes what comes, in order.
    """

    def __init__(
        self,
        client: Client,
        plc: PlcMap,
        translation: Translation,
        options: Options,
        sink: Sink,
    ) -> None:
        self._client = client
        self._plc = plc
        self._translation = translation
        self._options = options
        self._sink = sink
        self._portions = Portions(options.nodes_per_request)
        self._node_ids: list[ua.NodeId | None] = []
        # By handle: what was read and not yet seen in a notification, which repeats it.
        self._read_already: dict[int, tuple[Any, int]] = {}
        self._watched: list[int] = []
        self._polled: list[int] = []
        self._polled_last: dict[int, tuple[Any, int, int]] = {}
        self._streams: dict[int, _Stream] = {}
        self._watchdog_s = options.watchdog_s
        self._belief = Belief(plc, translation, options, sink)

    async def begin(self) -> None:
        """Find the nodes and read them all; raises `NotConnected` where nothing is to be had."""
        translation = self._translation
        await self._portions.learn(self._client)
        addresses = translation.addresses
        self._node_ids, lacking = await resolve(self._client, addresses, self._portions)
        if addresses and not any(self._node_ids):
            table = await self._client.get_namespace_array()
            wanted = ", ".join(sorted(lacking)) or "the nodes of the tag map"
            raise NotConnected(
                f"{self._plc.url}: the server must have the namespace {wanted}, "
                f"it has {', '.join(table[1:])}; is it this line's PLC?"
            )
        structured = (self._node_ids[handle] for handle in translation.structured)
        await learn_types(self._client, self._plc.plc, filter(None, structured))
        self._first = await self.read(self._known())

    def _known(self) -> list[int]:
        return [handle for handle, node_id in enumerate(self._node_ids) if node_id is not None]

    async def serve(self) -> None:
        """Hand on what there is, then follow it until an error ends it; raises `NotConnected`."""
        values = self._first
        gone = {handle for handle, value in values.items() if _code(value) in _GONE}
        there = [handle for handle in values if handle not in gone]
        self._hand_on_missing(set(range(len(self._node_ids))) - set(there))
        self._hand_on_read({handle: values[handle] for handle in there})
        live = self._translation.live
        if live in there:
            self._belief.begin(values[live])
        made = await monitor(
            self._client,
            self._plc.plc,
            {handle: self._node_ids[handle] for handle in there},
            self._translation.deadband,
            self._options,
            self._portions,
        )
        heard_us, heard_s = self._options.now_us(), asyncio.get_running_loop().time()
        self._streams = {number: _Stream(heard_us, heard_s) for number in made.subscriptions}
        self._watchdog_s = made.watchdog_s
        self._watched, self._polled = made.watched, made.polled
        self._belief.watchdog_s = made.watchdog_s
        if made.refused:
            self._hand_on_missing(made.refused, code_name(next(iter(made.refused.values()))))
        if made.polled:
            self._say_polled(made.polled)
        tasks: list[Coroutine[Any, Any, None]] = [self._watch()]
        if self._watched:
            tasks.append(self._follow())
        if self._polled:
            tasks.append(self._poll())
        await _all_of(tasks)

    # -- reading ---------------------------------------------------------------------------------

    async def read(self, handles: Sequence[int]) -> dict[int, ua.DataValue]:
        """Read nodes, by their handles."""

        async def portion(some: Sequence[int]) -> list[ua.DataValue]:
            node_ids = [self._node_ids[handle] for handle in some]
            read = await self._client.uaclient.read_attributes(node_ids, ua.AttributeIds.Value)
            return list(read)

        values = await self._portions.each("read", handles, portion)
        return dict(zip(handles, values, strict=True))

    async def _read_afresh(self) -> None:
        self._hand_on_read(await self.read([*self._watched, *self._polled]))

    def _hand_on_read(self, values: dict[int, ua.DataValue]) -> None:
        columns = Columns()
        for handle, value in values.items():
            columns.add(handle, value)
        self._read_already = {
            handle: (value, at_us)
            for handle, value, at_us in zip(
                columns.handles, columns.values, columns.source_us, strict=True
            )
        }
        self._hand_on(columns)

    def _hand_on(self, columns: Columns) -> None:
        self._belief.note_live(columns)
        readings = self._translation.readings(columns, self._options.now_us())
        readings = self._belief.believed(readings)
        if readings:
            self._sink(readings)

    def _hand_on_missing(self, handles: Iterable[int], why: str = "") -> None:
        chosen = sorted(handles)
        keys = self._translation.keys_of(chosen)
        if not keys:
            return
        _log.warning(
            "%s: the server has no node %s%s%s",
            self._plc.plc,
            self._translation.addresses[chosen[0]],
            f" and {len(chosen) - 1} more of the tag map" if len(chosen) > 1 else "",
            f" ({why})" if why else "",
        )
        self._sink(TagMissing(self._plc.plc, keys, self._options.now_us()))

    def _say_polled(self, handles: Sequence[int]) -> None:
        keys, every_s = self._translation.keys_of(handles), self._options.publishing_s
        _log.info("%s: %d nodes are read every %g s", self._plc.plc, len(handles), every_s)
        self._sink(TagsPolled(self._plc.plc, keys, every_s, self._options.now_us()))

    # -- following -------------------------------------------------------------------------------

    async def _follow(self) -> None:
        """Hand on what is published, until silence or an error ends it.

        asyncua's own loop is not used: it asks for one batch at a time, makes a task for each
        value, and logs a traceback each second while a server is away.
        """
        done: list[tuple[int, int]] = []
        waiting: deque[asyncio.Task[Publication]] = deque()
        now_s = asyncio.get_running_loop().time
        ahead = min(_MOST_AHEAD, _AHEAD * len(self._streams))
        try:
            while True:
                while len(waiting) < ahead:
                    waiting.append(asyncio.create_task(self._publish(done)))
                    done = []
                silent_since_s = min(stream.heard_s for stream in self._streams.values())
                try:
                    async with asyncio.timeout_at(silent_since_s + self._watchdog_s):
                        publication = await waiting[0]
                except ua.uaerrors.BadTooManyPublishRequests:
                    waiting.popleft()
                    ahead = max(1, len(waiting))
                    continue
                waiting.popleft()
                stream = self._streams.get(publication.subscription)
                if stream is None:
                    continue
                numbers = await self._in_order(stream, publication)
                if not publication.keep_alive:
                    numbers.append(publication.sequence)
                done += [(publication.subscription, number) for number in numbers]
                stream.heard_us, stream.heard_s = self._options.now_us(), now_s()
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    async def _publish(self, done: Sequence[tuple[int, int]]) -> Publication:
        request = ua.PublishRequest()
        request.Parameters.SubscriptionAcknowledgements = [
            ua.SubscriptionAcknowledgement(subscription, number) for subscription, number in done
        ]
        return decode_publication(await ask_raw(self._client, request, timeout_s=0))

    async def _in_order(self, stream: _Stream, publication: Publication) -> list[int]:
        """Take in a publication after those that should have come before it; which those were."""
        missing = _between(stream.next_sequence, publication.sequence)
        if missing is None:
            return []
        again: list[int] = []
        if missing:
            again = await self._repair(stream, publication.subscription, missing)
        if not publication.keep_alive:
            stream.next_sequence = publication.sequence % 0xFFFFFFFF + 1
            self._take(publication)
        elif missing:
            stream.next_sequence = publication.sequence
        return again

    async def _repair(self, stream: _Stream, subscription: int, missing: range) -> list[int]:
        """Ask again for publications that never came; where they are gone, read everything."""
        since_us, came = stream.heard_us, []
        for number in missing[: self._options.most_republished]:
            publication = await self._republish(subscription, number)
            if publication is None:
                break
            self._take(publication)
            came.append(number)
        repaired = len(came) == len(missing)
        now_us = self._options.now_us()
        self._sink(
            NotificationsLost(self._plc.plc, len(missing), since_us, now_us, repaired=repaired)
        )
        if not repaired:
            await self._read_afresh()
        return came

    async def _republish(self, subscription: int, number: int) -> Publication | None:
        request = ua.RepublishRequest()
        request.Parameters.SubscriptionId = subscription
        request.Parameters.RetransmitSequenceNumber = number
        try:
            data = await ask_raw(self._client, request)
        except ua.UaStatusCodeError:
            return None
        # The answer's type, and its header with neither diagnostics nor texts.
        ua.ua_binary.nodeid_from_binary(data)
        ua.ua_binary.struct_from_binary(ua.ResponseHeader, data)
        publication = decode_message(data, subscription)
        return publication if publication.sequence == number else None

    def _take(self, publication: Publication) -> None:
        if publication.ended:
            raise NotConnected(
                f"{self._plc.url}: subscription ended: {code_name(publication.ended)}"
            )
        columns = publication.changes
        if self._read_already:
            columns = self._new_only(columns)
        self._hand_on(columns)
        overflows = self._translation.overflows(columns)
        if overflows:
            since_us, now_us = (
                self._streams[publication.subscription].heard_us,
                self._options.now_us(),
            )
            self._sink(
                NotificationsLost(self._plc.plc, overflows, since_us, now_us, repaired=False)
            )

    def _new_only(self, columns: Columns) -> Columns:
        """Leave out the first value of each node where it only repeats what was read."""
        kept = Columns(odd=columns.odd)
        rows = zip(columns.handles, columns.values, columns.codes, columns.source_us, strict=True)
        for handle, value, code, at_us in rows:
            if self._read_already.pop(handle, None) == (value, at_us):
                continue
            kept.handles.append(handle)
            kept.values.append(value)
            kept.codes.append(code)
            kept.source_us.append(at_us)
        return kept

    async def _poll(self) -> None:
        """Read what can't be subscribed to, as often as it would be published."""
        while True:
            await self._options.sleep(self._options.publishing_s)
            columns = Columns()
            for handle, value in (await self.read(self._polled)).items():
                columns.add(handle, value)
            kept = Columns(odd=True)
            for row in zip(
                columns.handles, columns.values, columns.codes, columns.source_us, strict=True
            ):
                handle, value, code, at_us = row
                if self._polled_last.get(handle) == (value, code, at_us):
                    continue
                self._polled_last[handle] = (value, code, at_us)
                if self._read_already.pop(handle, None) == (value, at_us):
                    continue
                kept.handles.append(handle)
                kept.values.append(value)
                kept.codes.append(code)
                kept.source_us.append(at_us)
            self._hand_on(kept)

    async def _watch(self) -> None:
        """Look now and then whether what comes can be believed."""
        while True:
            await self._options.sleep(self._watchdog_s / 6)
            if await self._belief.look(self._read_live, polled=self._live_is_polled):
                await self._read_afresh()

    @property
    def _live_is_polled(self) -> bool:
        return self._translation.live in self._polled

    async def _read_live(self) -> ua.DataValue:
        handle = self._translation.live
        assert handle is not None  # noqa: S101 - only then is it asked for
        return (await self.read([handle]))[handle]


def _between(expected: int, sequence: int) -> range | None:
    """The numbers that are missing before one that came; None where it has come already."""
    if sequence < expected and expected - sequence < 0x7FFFFFFF:
        return None
    if sequence < expected:
        # It went round: 1 follows the greatest.
        return range(0)
    return range(expected, sequence)


def _code(value: ua.DataValue) -> int:
    return 0 if value.StatusCode is None else int(value.StatusCode.value)


async def _all_of(jobs: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Run jobs until the first one fails, then end the others and raise what it raised."""
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
