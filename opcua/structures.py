"""Structures of the companion standards, encoded as OPC UA binary (OPC 10000-6, 5.2.6)."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta

from opcua.standards import PACKML, VISION, binary_encoding
from opcua.units import UNITS_URI, unit_number
from opcua.wire_values import Ref, Structure

__all__ = [
    "COMPLETED",
    "configuration_id",
    "count",
    "inspection_result",
    "instant",
    "job_id",
    "recipe_id",
    "result_id",
]

_TICKS_1601 = 11_644_473_600 * 10_000_000
"""From 1601-01-01, from which OPC UA counts, to 1970-01-01, in steps of 100 ns."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

COMPLETED = 1
"""A result's state (OPC 40100-1, 12.18): all of it is there."""


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


def inspection_result(unit: str, inspected: int, defective: int, at_unix_us: int) -> Structure:
    """Encode a ResultDataType: the latest result of a vision post.

    Its content is two Int64: parts inspected and parts found defective since the start.

    Args:
        unit: the machine.
        inspected, defective: counters.
        at_unix_us: when the result came, microseconds since 1970-01-01 UTC.
    """
    content = struct.pack("<i", 2) + b"".join(
        struct.pack("<Bq", 8, counter) for counter in (inspected, defective)
    )
    # Of the optional fields, in the standard's order: IsSimulated (1) and ResultContent (8).
    mask = 1 << 1 | 1 << 8
    body = (
        struct.pack("<I", mask)
        + result_id(unit, inspected).body
        + struct.pack("<??i", False, True, COMPLETED)
        + recipe_id(unit).body
        + configuration_id(unit).body
        + job_id(unit).body
        + struct.pack("<q", at_unix_us * 10 + _TICKS_1601)
        + content
    )
    return Structure(binary_encoding(Ref(VISION, 3006)), body)


def result_id(unit: str, inspected: int) -> Structure:
    """Encode a ResultIdDataType: the machine and the number of parts that it has inspected."""
    return Structure(binary_encoding(Ref(VISION, 3021)), _string(f"{unit}-{inspected}"))


def job_id(unit: str) -> Structure:
    """Encode a JobIdDataType: a vision post does one job without end."""
    return Structure(binary_encoding(Ref(VISION, 3016)), _string(unit))


def recipe_id(unit: str) -> Structure:
    """Encode a RecipeIdInternalDataType, with none of its optional fields."""
    return Structure(binary_encoding(Ref(VISION, 3013)), struct.pack("<I", 0) + _string(unit))


def configuration_id(unit: str) -> Structure:
    """Encode a ConfigurationIdDataType, with none of its optional fields."""
    return Structure(binary_encoding(Ref(VISION, 3008)), struct.pack("<I", 0) + _string(unit))


def instant(unix_us: int) -> datetime:
    """Turn microseconds since 1970-01-01 UTC into an instant, exactly."""
    return _EPOCH + timedelta(microseconds=unix_us)
