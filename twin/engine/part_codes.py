"""How parts are numbered: their maker's code, shifted, plus a count from 0 (rule S4)."""

from __future__ import annotations

import hashlib

from twin.model.line import Line

__all__ = ["MICRO", "NUMBER_BITS", "part_codes"]

NUMBER_BITS = 40
CODES = 1 << 22

MICRO = 1_000_000
"""Amounts of material are counted in millionths of their unit."""


def part_codes(line: Line) -> dict[str, int]:
    """A code for each station that makes parts, from its id alone unless two would share one."""
    taken: dict[int, str] = {}
    for station in line.stations:
        digest = hashlib.blake2b(
            station.id.encode(), digest_size=8, person=b"linetwin-part"
        ).digest()
        code = int.from_bytes(digest, "little") % CODES
        while code in taken:
            code = (code + 1) % CODES
        taken[code] = station.id
    return {station: code for code, station in taken.items()}
