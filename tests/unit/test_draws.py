from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from twin.engine.draws import MASK64, Key, Purpose, draw_index, key_for, threshold, word, words

u64 = st.integers(0, MASK64)


@given(u64, u64, st.integers(0, MASK64 - 50))
def test_a_block_is_the_words_one_by_one(k0: int, k1: int, start: int) -> None:
    key = Key(k0, k1)
    assert words(key, start, 50).tolist() == [word(key, start + i) for i in range(50)]


def test_words_are_known_values() -> None:
    """Held fast, since recorded runs and other engines depend on these very bits."""
    assert word(Key(0, 0), 0) == 0x48218226FF3CD4BF
    assert word(Key(1, 2), 3) == 0x7E94F8844774E2CC
    key = key_for(1, 0, Purpose.SERVICE, "STK")
    assert words(key, 0, 2).tolist() == [0xA9A83824858670D5, 0xC8B4F8377893BFB5]


def test_every_part_of_a_key_counts() -> None:
    keys = {
        key_for(seed, replication, purpose, station, machine, detail)
        for seed in (1, 2)
        for replication in (0, 1)
        for purpose in (Purpose.FAIL, Purpose.REPAIR)
        for station in ("A", "B")
        for machine in (-1, 0, 1)
        for detail in ("", "f")
    }
    assert len(keys) == 2 * 2 * 2 * 2 * 3 * 2


def test_words_are_uniform_and_streams_unrelated() -> None:
    one = words(key_for(1, 0, Purpose.SERVICE, "A"), 0, 100_000) / 2.0**64
    two = words(key_for(1, 0, Purpose.SERVICE, "B"), 0, 100_000) / 2.0**64
    assert abs(one.mean() - 0.5) < 4 * (1 / 12 / 1e5) ** 0.5
    assert abs(np.corrcoef(one, two)[0, 1]) < 4 / 1e5**0.5
    assert abs(np.corrcoef(one[1:], one[:-1])[0, 1]) < 4 / 1e5**0.5


@given(st.integers(0, 1 << 62), st.integers(0, 50))
def test_a_pass_has_an_index_of_its_own(number: int, rework_pass: int) -> None:
    index = draw_index(number, rework_pass)
    assert 0 <= index <= MASK64
    assert (index == number) == (rework_pass == 0)


def test_thresholds_never_and_always_strike() -> None:
    assert threshold(0.0) == 0
    assert threshold(1.0) > MASK64 >> 1
