"""Monitored items on a tag table: what changed is found and encoded for all tags at once.

They keep what the service is to keep (OPC 10000-4, 5.13 and 7.22): triggers, deadbands, queue size,
which value is discarded and the overflow bit, monitoring modes, the timestamps that were asked for.
A tag is published this way once a subscription; whatever else a client asks for goes to asyncua.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from asyncua import ua
from asyncua.ua.ua_binary import struct_to_binary

from opcua.tag_table import SCALARS, Codes, Ints, Raw, TagTable

__all__ = ["FastItems", "is_nothing"]

_STATUS_ONLY, _WITH_TIME = ua.DataChangeTrigger.Status, ua.DataChangeTrigger.StatusValueTimestamp
_OVERFLOW = 0x480
"""Info type DataValue, and its bit Overflow."""
_SOURCE, _SERVER = 0x04, 0x08
_TIMES = {
    ua.TimestampsToReturn.Source: _SOURCE,
    ua.TimestampsToReturn.Server: _SERVER,
    ua.TimestampsToReturn.Both: _SOURCE | _SERVER,
    ua.TimestampsToReturn.Neither: 0,
}
_ENCODED = ua.NodeId(ua.ObjectIds.DataChangeNotification_Encoding_DefaultBinary)
_MOST_ODD = 10_000
"""So many faulty values wait at most for a client that does not fetch them."""
_NO_DIAGNOSTICS = struct.pack("<i", -1)
_SIZES = np.zeros(32, np.uint8)
for _kind, _dtype in SCALARS.items():
    _SIZES[_kind.value] = _dtype.itemsize

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Batch:
    """Changes in the order in which they came: tags, bits, status codes and times."""

    tags: Ints
    raw: Raw
    status: Codes
    ticks: Ints


class FastItems:
    """The monitored items of one subscription that are published in bulk.

    Args:
        table: the server's values.
    """

    def __init__(self, table: TagTable) -> None:
        self._table = table
        size = len(table.kinds)
        self._wanted = np.zeros(size, np.bool_)
        self._reports = np.zeros(size, np.bool_)
        self._handles = np.zeros(size, np.uint32)
        self._queues = np.ones(size, np.int64)
        self._oldest = np.ones(size, np.bool_)
        self._triggers = np.ones(size, np.uint8)
        self._deadbands: Floats = np.zeros(size)
        self._times = np.zeros(size, np.uint8)
        self._last_raw = np.zeros(size, np.uint64)
        self._last_status = np.zeros(size, np.uint32)
        self._last_ticks = np.zeros(size, np.int64)
        self._tags: dict[int, int] = {}
        self._batches: list[_Batch] = []
        self._odd: list[tuple[int, ua.DataValue, list[_Batch]]] = []
        self._waiting = 0
        self._room = 0
        table.takers.append(self)

    @property
    def has_changes(self) -> bool:
        """Whether something waits to be published."""
        return (self._waiting > 0 and bool(self._reports.any())) or bool(self._odd)

    def __len__(self) -> int:
        return len(self._tags)

    def __contains__(self, item: int) -> bool:
        return item in self._tags

    def can_take(self, asked: ua.MonitoredItemCreateRequest) -> int | None:
        """Find the tag that an item is of, if it can be published in bulk."""
        what = asked.ItemToMonitor
        tag = self._table.index.get(what.NodeId)
        if tag is None or tag >= len(self._wanted) or self._wanted[tag]:
            return None
        if what.AttributeId != ua.AttributeIds.Value or what.IndexRange:
            return None
        wanted = asked.RequestedParameters.Filter
        if is_nothing(wanted):
            return tag
        filtered = _change_filter(wanted)
        percent = filtered is None or filtered.DeadbandType == ua.DeadbandType.Percent
        return None if percent else tag

    def add(
        self,
        item: int,
        tag: int,
        mode: ua.MonitoringMode,
        asked: ua.MonitoringParameters,
        queue: int,
        times: ua.TimestampsToReturn,
    ) -> None:
        """Begin an item; its tag's present value is the first that it has.

        Args:
            item: its id.
            tag: as `can_take` found it.
            mode: whether it samples and reports.
            asked: what the client asked for.
            queue: values that are kept between two publications, at least 1.
            times: the timestamps to return.
        """
        self._tags[item] = tag
        self._times[tag] = _TIMES[times]
        self.change(item, asked, queue)
        self.set_mode(item, mode)

    def change(self, item: int, asked: ua.MonitoringParameters, queue: int) -> None:
        """Change what a client asked for."""
        tag = self._tags[item]
        self._room += queue - (int(self._queues[tag]) if self._wanted[tag] else 0)
        self._handles[tag] = asked.ClientHandle
        self._queues[tag] = queue
        self._oldest[tag] = bool(asked.DiscardOldest)
        wanted = _change_filter(asked.Filter)
        trigger = ua.DataChangeTrigger.StatusValue if wanted is None else wanted.Trigger
        self._triggers[tag] = trigger
        self._deadbands[tag] = 0.0
        if wanted is not None and wanted.DeadbandType == ua.DeadbandType.Absolute:
            self._deadbands[tag] = wanted.DeadbandValue

    def set_mode(self, item: int, mode: ua.MonitoringMode) -> None:
        """Let an item sample and report, only sample, or neither."""
        tag = self._tags[item]
        sampled = bool(self._wanted[tag])
        self._wanted[tag] = mode != ua.MonitoringMode.Disabled
        self._reports[tag] = mode == ua.MonitoringMode.Reporting
        if not self._wanted[tag]:
            self._forget(tag)
        elif not sampled:
            one = np.array([tag])
            table = self._table
            self._enqueue(one, table.raw[one], table.status[one], table.ticks[one])

    def remove(self, item: int) -> None:
        """End an item."""
        tag = self._tags.pop(item)
        self._room -= int(self._queues[tag])
        self._wanted[tag] = self._reports[tag] = False
        self._forget(tag)

    def close(self) -> None:
        """End all of them."""
        self._tags.clear()
        self._batches.clear()
        if self in self._table.takers:
            self._table.takers.remove(self)

    def take(self, tags: Ints, raw: Raw, status: Codes, ticks: Ints) -> None:
        """Keep what has changed of what was written."""
        known = tags < len(self._wanted)
        chosen = np.zeros(len(tags), np.bool_)
        chosen[known] = self._wanted[tags[known]]
        if not chosen.any():
            return
        tags, raw, status, ticks = tags[chosen], raw[chosen], status[chosen], ticks[chosen]
        triggers = self._triggers[tags]
        changed = status != self._last_status[tags]
        values = (raw != self._last_raw[tags]) & (triggers != _STATUS_ONLY)
        bands = self._deadbands[tags]
        if bands.any():
            moved = np.abs(
                self._table.numbers(tags, raw) - self._table.numbers(tags, self._last_raw[tags])
            )
            values &= (bands <= 0) | (moved > bands)
        timed = (ticks != self._last_ticks[tags]) & (triggers == _WITH_TIME)
        # A deadband is for values; a client that has set one wants no word of the time alone.
        changed |= values | (timed & (bands <= 0))
        if changed.any():
            self._enqueue(tags[changed], raw[changed], status[changed], ticks[changed])

    def take_odd(self, tag: int, value: ua.DataValue) -> None:
        """Keep what a fault shows of a tag; what came before it stays before it."""
        if tag < len(self._reports) and self._reports[tag]:
            self._odd.append((tag, value, self._batches))
            self._batches, self._waiting = [], 0
            del self._odd[:-_MOST_ODD]
            # Whatever comes next is a change.
            self._last_status[tag] = 0xFFFFFFFF

    def _enqueue(self, tags: Ints, raw: Raw, status: Codes, ticks: Ints) -> None:
        self._last_raw[tags], self._last_status[tags] = raw, status
        self._last_ticks[tags] = ticks
        self._batches.append(_Batch(tags, raw.copy(), status.copy(), ticks.copy()))
        self._waiting += len(tags)
        if self._waiting > 2 * self._room + 1000:
            # Nobody fetches it: what the queues would discard must not pile up.
            self._batches = [self._kept(self._joined())]
            self._waiting = len(self._batches[0].tags)

    def _forget(self, tag: int) -> None:
        if self._batches:
            joined = self._joined()
            stays = joined.tags != tag
            self._batches = [_chosen(joined, stays)]
            self._waiting = int(stays.sum())

    def _joined(self) -> _Batch:
        if len(self._batches) == 1:
            return self._batches[0]
        return _Batch(
            np.concatenate([batch.tags for batch in self._batches]),
            np.concatenate([batch.raw for batch in self._batches]),
            np.concatenate([batch.status for batch in self._batches]),
            np.concatenate([batch.ticks for batch in self._batches]),
        )

    def _kept(self, batch: _Batch) -> _Batch:
        """Discard what does not fit into the queues, and mark where something is lacking."""
        counts = np.bincount(batch.tags, minlength=len(self._queues))
        full = counts > self._queues
        if not full.any():
            return batch
        order = np.argsort(batch.tags, kind="stable")
        tags = batch.tags[order]
        first = np.searchsorted(tags, tags)
        place = np.arange(len(tags)) - first
        count, queue, oldest = counts[tags], self._queues[tags], self._oldest[tags]
        # Of n values and a queue of q: the last q; or the first q - 1 and the very last.
        keep = np.where(oldest, place >= count - queue, (place < queue - 1) | (place == count - 1))
        marked = keep & full[tags] & (queue > 1)
        marked &= np.where(oldest, place == count - queue, place == count - 1)
        status = batch.status.copy()
        status[order[marked]] |= _OVERFLOW
        stays = np.zeros(len(tags), np.bool_)
        stays[order[keep]] = True
        return _chosen(_Batch(batch.tags, batch.raw, status, batch.ticks), stays)

    def pop(self, now_ticks: int, *, repeats: bool = False) -> ua.ExtensionObject | None:
        """Take what is to be published, encoded as one DataChangeNotification.

        Args:
            now_ticks: the server's time, for clients that ask for it.
            repeats: each change twice, as a faulty server does.
        """
        parts: list[tuple[int, bytes]] = []
        for tag, value, before in self._odd:
            rest, self._batches = self._batches, before
            parts.append(self._popped(now_ticks, repeats=repeats))
            self._batches = [*self._batches, *rest]
            notification = ua.MonitoredItemNotification(int(self._handles[tag]), value)
            times = 2 if repeats else 1
            parts.append((times, struct_to_binary(notification) * times))
        self._odd.clear()
        parts.append(self._popped(now_ticks, repeats=repeats))
        count = sum(number for number, _ in parts)
        if not count:
            return None
        body = b"".join(part for _, part in parts)
        return ua.ExtensionObject(_ENCODED, struct.pack("<i", count) + body + _NO_DIAGNOSTICS)

    def _popped(self, now_ticks: int, *, repeats: bool) -> tuple[int, bytes]:
        """Take the changes of plain values: how many, and encoded."""
        if not self._batches:
            return 0, b""
        batch = self._kept(self._joined())
        reports = self._reports[batch.tags]
        silent = _chosen(batch, ~reports)
        self._batches = [silent] if len(silent.tags) else []
        self._waiting = len(silent.tags)
        out = _chosen(batch, np.repeat(np.flatnonzero(reports), 2) if repeats else reports)
        return len(out.tags), self._encoded(out, now_ticks) if len(out.tags) else b""

    def _encoded(self, batch: _Batch, now_ticks: int) -> bytes:
        # Values of one size have records of one size. What is bad has no value, and no fixed size;
        # it is rare, and an item's values must stay in order.
        if (batch.status >> 31).any():
            return b"".join(self._record(batch, i, now_ticks) for i in range(len(batch.tags)))
        sizes = _SIZES[self._table.kinds[batch.tags]]
        forms = sizes.astype(np.int64) << 8 | self._times[batch.tags]
        parts = []
        for form in np.unique(forms):
            chosen = forms == form
            parts.append(self._records(_chosen(batch, chosen), int(form), now_ticks))
        return b"".join(parts)

    def _records(self, batch: _Batch, form: int, now_ticks: int) -> bytes:
        size, times = form >> 8, form & 0xFF
        fields: list[tuple[str, str]] = [
            ("handle", "<u4"),
            ("mask", "u1"),
            ("kind", "u1"),
            ("value", f"<u{size}"),
            ("status", "<u4"),
        ]
        if times & _SOURCE:
            fields.append(("source", "<i8"))
        if times & _SERVER:
            fields.append(("server", "<i8"))
        records = np.empty(len(batch.tags), np.dtype(fields))
        records["handle"] = self._handles[batch.tags]
        records["mask"] = 0x03 | times
        records["kind"] = self._table.kinds[batch.tags]
        records["value"] = batch.raw.astype(f"<u{size}")
        records["status"] = batch.status
        if times & _SOURCE:
            records["source"] = batch.ticks
        if times & _SERVER:
            records["server"] = now_ticks
        return records.tobytes()

    def _record(self, batch: _Batch, i: int, now_ticks: int) -> bytes:
        tag, status = int(batch.tags[i]), int(batch.status[i])
        times, kind = int(self._times[tag]), int(self._table.kinds[tag])
        bad = status >> 31
        body = struct.pack("<IB", int(self._handles[tag]), (0x02 if bad else 0x03) | times)
        if not bad:
            raw = int(batch.raw[i]).to_bytes(8, "little")[: int(_SIZES[kind])]
            body += bytes((kind,)) + raw
        body += struct.pack("<I", status)
        if times & _SOURCE:
            body += struct.pack("<q", int(batch.ticks[i]))
        if times & _SERVER:
            body += struct.pack("<q", now_ticks)
        return body


def _change_filter(sent: Any) -> Any:
    """The filter, if it is one for changes of a value: asyncua has two classes of that name."""
    return sent if type(sent).__name__ == "DataChangeFilter" else None


def is_nothing(sent: object) -> bool:
    """Whether what came is no filter: asyncua reads an empty extension object as one."""
    return sent is None or (isinstance(sent, ua.ExtensionObject) and sent.TypeId.is_null())


def _chosen(batch: _Batch, mask: npt.NDArray[Any]) -> _Batch:
    return _Batch(batch.tags[mask], batch.raw[mask], batch.status[mask], batch.ticks[mask])
