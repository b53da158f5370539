"""Structures of the companion standards, encoded as OPC UA binary (OPC 10000-6, 5.2.6)."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta

from opcua.standards import PACKML, binary_encoding
from opcua.units import UNITS_URI, unit_number
from opcua.wire_values import Ref, Structure

__all__ = ["count", "instant"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<i", len(data)) + data


def _localized(text: str) -> bytes:
    return b"\x02" + _string(text)


def count(name: str, unit: str, value: int) -> Structure:
    """Encode a PackMLCountDataType.

    Args:
        name: what is counted.
        unit: of the count, as on a screen.
        value: since the start, not negative; its Int32 goes back to 0 after 2147483647.

    >>> len(count("parts", "1", 5).body)
    83
    """
    wrapped = value & 0x7FFFFFFF
    unit_info = (
        _string(UNITS_URI) + struct.pack("<i", unit_number(unit)) + _localized(unit) + b"\x00"
    )
    body = struct.pack("<i", 0) + _string(name) + unit_info + struct.pack("<ii", wrapped, wrapped)
    return Structure(binary_encoding(Ref(PACKML, 14)), body)


def instant(unix_us: int) -> datetime:
    """Turn microseconds since 1970-01-01 UTC into an instant, exactly."""
    return _EPOCH + timedelta(microseconds=unix_us)
