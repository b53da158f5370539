"""Draws of what a plant doesn't say, each given what is known of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np

from twin.engine.draws import Key, Purpose, key_for, word, words
from twin.engine.quantiles import QuantileTable, share_below, variate, variates

__all__ = ["Guesses", "longer"]

TRIES = 4096
BLOCK = 64


@dataclass(slots=True)
class Guesses:
    """Draws by name: the same name, the same draw.

    Args:
        seed: of all of them.
        named: what was drawn for want of a signal, a line each.
    """

    seed: int
    named: list[str] = field(default_factory=list)
    key: Key = field(init=False)

    def __post_init__(self) -> None:
        self.key = key_for(self.seed, 0, Purpose.LEFT, "mirror")

    def word(self, name: str) -> int:
        """A 64-bit draw."""
        digest = hashlib.blake2b(name.encode(), digest_size=8, person=b"linetwin-mirror").digest()
        return word(self.key, int.from_bytes(digest, "little"))

    def uniform(self, name: str) -> float:
        """A draw from 0 to 1, 1 left out."""
        return (self.word(name) >> 11) * 2.0**-53

    def left_us(self, table: QuantileTable, elapsed_us: int, name: str) -> int:
        """What is left of a time that has lasted so long already; at least 1 us.

        >>> from twin.engine.quantiles import quantile_table
        >>> from twin.model import Station
        >>> time = quantile_table(Station(id="A", cycle_time="5 s").cycle_time)
        >>> Guesses(1).left_us(time, 3_000_000, "A01")
        2000000
        """
        if table.constant_us:
            return max(1, table.constant_us - elapsed_us)
        below = share_below(table, elapsed_us)
        if below >= 1:
            return 1
        share = min(below + (1 - below) * self.uniform(name), 1 - 2.0**-53)
        return max(1, variate(table, int(share * 2.0**64)) - elapsed_us)


def longer(key: Key, table: QuantileTable, elapsed_us: int) -> tuple[int, int]:
    """The first draw of a clock that is longer than what has passed: its number, and the draw.

    A draw is a function of how often the clock has run down (rule S2), and a plant does not say how
    often; so the number is free, and the first draw that is long enough is one from the
    distribution given that it is longer. `twin.engine.redraw` reads the clock's age off it.

    Where none of very many is, the clock has outlasted what it may last: it runs down at once.
    """
    if table.constant_us:
        return 0, table.constant_us
    for start in range(0, TRIES, BLOCK):
        whole = variates(table, words(key, start, BLOCK))
        fits = np.flatnonzero(whole > elapsed_us)
        if len(fits):
            return start + int(fits[0]), int(whole[fits[0]])
    return TRIES, elapsed_us + 1
