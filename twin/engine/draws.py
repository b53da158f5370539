"""Random draws that depend on nothing but what they are for (rule S2).

A draw is `mix64(mix64(k0 + (n + 1) G) xor k1)`: a counter-based generator with a 128-bit key in
place of a state. Asked again it gives the same word, in any order, in any process.

Sources: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (OOPSLA 2014) for the
counter; Stafford's variant 13 for the mixing constants; Salmon et al., "Parallel random numbers: as
easy as 1, 2, 3" (SC 2011) for the idea.
"""

from __future__ import annotations

import hashlib
from enum import Enum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "MASK64",
    "REWORK_STEP",
    "Key",
    "Purpose",
    "draw_index",
    "key_for",
    "run_text",
    "stream_text",
    "threshold",
    "word",
    "words",
    "words_at",
]

MASK64 = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15
MULTIPLY_1 = 0xBF58476D1CE4E5B9
MULTIPLY_2 = 0x94D049BB133111EB
REWORK_STEP = 0xD6E8FEB86659FD93
"""Odd, so that no two (part, pass) pairs of a run share an index in practice."""


class Purpose(Enum):
    """What a draw decides."""

    SERVICE = "service"
    ARISE = "arise"
    DETECT = "detect"
    FALSE_REJECT = "false_reject"
    OUTCOME = "outcome"
    ROUTE = "route"
    FAIL = "fail"
    REPAIR = "repair"
    CHANGEOVER_DUE = "changeover_due"
    CHANGEOVER = "changeover"
    PROCESS = "process"
    LEFT = "left"


class Key(NamedTuple):
    """A 128-bit key: two unsigned 64-bit words."""

    k0: int
    k1: int


SEPARATOR = "\x1f"


def run_text(seed: int, replication: int) -> str:
    """How the texts begin that a run's keys are made of."""
    return f"{seed}{SEPARATOR}{replication}{SEPARATOR}"


def stream_text(purpose: Purpose, station: str, machine: int = -1, detail: str = "") -> str:
    """How the text ends that a stream's key is made of; arguments as `key_for`."""
    return SEPARATOR.join([purpose.value, station, str(machine), detail])


def key_for(
    seed: int, replication: int, purpose: Purpose, station: str, machine: int = -1, detail: str = ""
) -> Key:
    """Derive a stream's key from what the stream is for.

    Args:
        seed, replication: of the run; any whole numbers that fit in 64 bits.
        purpose: what its draws decide.
        station: the station's id.
        machine: counted from 0; -1 where the draw belongs to a part.
        detail: failure mode or defect class.

    >>> key_for(1, 0, Purpose.SERVICE, "STK") == key_for(1, 0, Purpose.SERVICE, "STK")
    True
    """
    text = run_text(seed, replication) + stream_text(purpose, station, machine, detail)
    digest = hashlib.blake2b(text.encode(), digest_size=16, person=b"linetwin-draw").digest()
    return Key(int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little"))


def draw_index(number: int, rework_pass: int) -> int:
    """The index of a part's draws on one rework pass."""
    return (number + rework_pass * REWORK_STEP) & MASK64


def _mix64(z: int) -> int:
    z = ((z ^ (z >> 30)) * MULTIPLY_1) & MASK64
    z = ((z ^ (z >> 27)) * MULTIPLY_2) & MASK64
    return z ^ (z >> 31)


def word(key: Key, index: int) -> int:
    """Draw one 64-bit word.

    Args:
        key: the stream.
        index: which draw of it, 0 to 2^64 - 1.

    Returns:
        A whole number from 0 to 2^64 - 1.
    """
    return _mix64(_mix64((key.k0 + (index + 1) * GOLDEN) & MASK64) ^ key.k1)


def _mix64_block(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(MULTIPLY_1)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(MULTIPLY_2)
    return z ^ (z >> np.uint64(31))


def words(key: Key, start: int, count: int) -> NDArray[np.uint64]:
    """Draw the words `start` to `start + count - 1`, the same as `word` gives one by one."""
    index = np.arange(1, count + 1, dtype=np.uint64) + np.uint64(start & MASK64)
    z = np.uint64(key.k0) + index * np.uint64(GOLDEN)
    return _mix64_block(_mix64_block(z) ^ np.uint64(key.k1))


def words_at(key: Key, index: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Draw the words of any indices, the same as `word` gives one by one."""
    z = np.uint64(key.k0) + (index + np.uint64(1)) * np.uint64(GOLDEN)
    return _mix64_block(_mix64_block(z) ^ np.uint64(key.k1))


def threshold(probability: float) -> int:
    """The whole number that a draw shifted right by one must be below, for this probability.

    Shifted by one, so that probability 1 fits in 64 bits and always strikes.

    >>> threshold(1.0) == 1 << 63, threshold(0.0)
    (True, 0)
    """
    return round(probability * (1 << 63))
