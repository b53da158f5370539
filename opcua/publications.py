"""What a server publishes, decoded in columns: asyncua makes six objects of each value.

The layout is that of OPC 10000-6, 5.2.2.17 (DataValue) and OPC 10000-4, 7.25 (notifications).
Values of one size in a row, as most servers send them, are read as one array; a value without a
fixed size (a text, an array, a structure) is left to asyncua.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import from_binary, nodeid_from_binary, struct_from_binary

from opcua.clock import unix_us
from opcua.tag_table import SCALARS, ticks_of

__all__ = ["Columns", "Publication", "decode_changes", "decode_message", "decode_publication"]

_EPOCH_TICKS = ticks_of(0)
_DATA_CHANGE = ua.ObjectIds.DataChangeNotification_Encoding_DefaultBinary
_STATUS_CHANGE = ua.ObjectIds.StatusChangeNotification_Encoding_DefaultBinary
_VALUE, _STATUS, _SOURCE, _SERVER = 0x01, 0x02, 0x04, 0x08
_SOURCE_FRACTION, _SERVER_FRACTION = 0x10, 0x20
_FIXED = {kind.value: dtype for kind, dtype in SCALARS.items()}
_FEW = 16
_BOOLEAN = ua.VariantType.Boolean.value


@dataclass(slots=True)
class Columns:
    """Values, each with its handle, status code and time, in the order of publication.

    Args:
        handles: the client's numbers of the monitored items.
        values: as plain Python; None where a status is bad, or there is none.
        codes: status codes; 0 is good.
        source_us: source timestamps, microseconds since 1970-01-01 UTC; 0 where none was sent.
        odd: whether there may be values that are no numbers.
    """

    handles: list[int] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    source_us: list[int] = field(default_factory=list)
    odd: bool = False

    def add(self, handle: int, data: ua.DataValue) -> None:
        """Add a value as asyncua has it."""
        self.handles.append(handle)
        self.values.append(None if data.Value is None else data.Value.Value)
        self.codes.append(0 if data.StatusCode is None else data.StatusCode.value)
        self.source_us.append(0 if data.SourceTimestamp is None else unix_us(data.SourceTimestamp))
        self.odd = True


@dataclass(frozen=True, slots=True)
class Publication:
    """One answer to a publish request.

    Args:
        subscription: its id.
        sequence: number of this notification; of a keep-alive that of the next one.
        keep_alive: whether it only says that the server is alive.
        changes: what has changed.
        ended: status code with which the subscription has ended; 0: it has not.
    """

    subscription: int
    sequence: int
    keep_alive: bool
    changes: Columns
    ended: int


def decode_publication(data: Buffer) -> Publication:
    """Decode a PublishResponse.

    Args:
        data: the message's body, from its type id on.

    Raises:
        UaStatusCodeError: the server refuses to publish.
    """
    nodeid_from_binary(data)
    struct_from_binary(ua.ResponseHeader, data).ServiceResult.check()
    (subscription, available) = struct.unpack("<Ii", data.read(8))
    data.skip(4 * max(0, available) + 1)
    return decode_message(data, subscription)


def decode_message(data: Buffer, subscription: int) -> Publication:
    """Decode a NotificationMessage, from its sequence number on."""
    (sequence, _, count) = struct.unpack("<Iqi", data.read(16))
    changes, ended = Columns(), 0
    for _ in range(count):
        kind = nodeid_from_binary(data)
        has_body = data.read(1)[0] & 1
        size = struct.unpack("<i", data.read(4))[0] if has_body else 0
        body = data.read(max(0, size))
        if kind.Identifier == _DATA_CHANGE:
            decode_changes(bytes(body), changes)
        elif kind.Identifier == _STATUS_CHANGE:
            (ended,) = struct.unpack_from("<I", body)
    return Publication(subscription, sequence, count <= 0, changes, ended)


@dataclass(frozen=True, slots=True)
class _Form:
    """The records of values of one built-in type that say the same about themselves."""

    row: np.dtype[Any]
    one: struct.Struct
    names: tuple[str, ...]


@cache
def _form(mask: int, kind: int) -> _Form | None:
    """Find how records of a mask and a type are laid out; None: they have no fixed size."""
    fields: list[tuple[str, str]] = [("handle", "<u4"), ("mask", "u1")]
    if mask & _VALUE:
        if kind not in _FIXED:
            return None
        fields += [("kind", "u1"), ("value", "?" if kind == _BOOLEAN else _FIXED[kind].str)]
    if mask & _STATUS:
        fields.append(("code", "<u4"))
    if mask & _SOURCE:
        fields.append(("source", "<i8"))
    if mask & _SOURCE_FRACTION:
        fields.append(("source_fraction", "<u2"))
    if mask & _SERVER:
        fields.append(("server", "<i8"))
    if mask & _SERVER_FRACTION:
        fields.append(("server_fraction", "<u2"))
    row = np.dtype(fields)
    letters = {"<u4": "I", "<i8": "q", "<u2": "H", "u1": "B", "|u1": "B", "|i1": "b", "?": "?"}
    letters |= {"<i2": "h", "<i4": "i", "<u8": "Q", "<f4": "f", "<f8": "d"}
    one = struct.Struct("<" + "".join(letters[form] for _, form in fields))
    return _Form(row, one, tuple(name for name, _ in fields))


def decode_changes(body: bytes, columns: Columns) -> None:
    """Decode the body of a DataChangeNotification to the end of columns.

    Args:
        body: count, records, diagnostics.
        columns: what the values are added to.
    """
    (left,) = struct.unpack_from("<i", body)
    at = 4
    while left > 0:
        mask = body[at + 4]
        kind = body[at + 5] if mask & _VALUE else 0
        form = _form(mask, kind)
        if form is None:
            rest = Buffer(body, at)
            item = from_binary(ua.MonitoredItemNotification, rest)
            columns.add(item.ClientHandle, item.Value)
            at, left = rest.cur_pos, left - 1
            continue
        size = form.row.itemsize
        following = at + size
        alike = left > 1 and body[following + 4] == mask
        if alike and (not mask & _VALUE or body[following + 5] == kind):
            rows = _run(body, at, left, form, mask, kind)
            _add_rows(rows, mask, columns)
            at, left = at + size * len(rows), left - len(rows)
        else:
            _add_one(dict(zip(form.names, form.one.unpack_from(body, at), strict=True)), columns)
            at, left = following, left - 1


def _run(body: bytes, at: int, left: int, form: _Form, mask: int, kind: int) -> npt.NDArray[Any]:
    """Find the records from here on that are laid out alike; looked for further and further."""
    most = min(left, (len(body) - at) // form.row.itemsize)
    seen = min(most, _FEW)
    while True:
        rows = np.frombuffer(body, form.row, seen, at)
        same = rows["mask"] == mask
        if mask & _VALUE:
            same &= rows["kind"] == kind
        if not same.all():
            return rows[: int(same.argmin())]
        if seen == most:
            return rows
        seen = min(most, seen * 4)


def _add_rows(rows: npt.NDArray[Any], mask: int, columns: Columns) -> None:
    count = len(rows)
    columns.handles += rows["handle"].tolist()
    columns.values += rows["value"].tolist() if mask & _VALUE else [None] * count
    columns.codes += rows["code"].tolist() if mask & _STATUS else [0] * count
    if mask & _SOURCE:
        ticks = rows["source"]
        columns.source_us += np.where(ticks > 0, (ticks - _EPOCH_TICKS) // 10, 0).tolist()
    else:
        columns.source_us += [0] * count


def _add_one(record: dict[str, Any], columns: Columns) -> None:
    columns.handles.append(record["handle"])
    columns.values.append(record.get("value"))
    columns.codes.append(record.get("code", 0))
    ticks = record.get("source", 0)
    columns.source_us.append((ticks - _EPOCH_TICKS) // 10 if ticks > 0 else 0)
