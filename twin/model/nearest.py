"""The nearest of some known words to one that is not known: what a person probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["did_you_mean", "nearest"]

MANY = 2_000
"""Above so many known words only those that begin alike are compared, to stay quick."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that looks most like a word, or None where none looks like it.

    >>> nearest("cycletime", ["cycle_time", "calendar"])
    'cycle_time'
    """
    by_lower = {k.lower(): k for k in known}
    lower = word[:64].lower()
    if len(by_lower) > MANY:
        by_lower = {k: v for k, v in by_lower.items() if k[:2] == lower[:2]}
    found = get_close_matches(lower, by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str], none: str = "") -> str:
    """Return the remedy for an unknown word: the nearest known one, or all if they are few.

    Args:
        word: what was found.
        known: what is allowed.
        none: the remedy where nothing is known at all.

    >>> did_you_mean("STKK", ["STK", "COAT"])
    "did you mean 'STK'?"
    >>> did_you_mean("X", ["STK", "COAT"])
    'known: STK, COAT'
    """
    words = list(known)
    found = nearest(word, words)
    if found is not None:
        return f"did you mean '{found}'?"
    if not words:
        return none
    shown = ", ".join(words[:12])
    return f"known: {shown}" + (f" and {len(words) - 12} more" if len(words) > 12 else "")
