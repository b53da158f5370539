"""Numbers and choices on the command line: read, and refused in the words of every other fault."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twin.cli.faults import refused

__all__ = ["number", "one_of", "whole"]


def number(option: str, least: float, most: float) -> Callable[[str], float]:
    """A parser of an option that takes a number within bounds, both included.

    >>> number("--speed", 0.001, 1_000)("nan")
    Traceback (most recent call last):
    twin.errors.UsageError: --speed must be a number from 0.001 to 1,000, got 'nan'
    """

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        # NaN is neither below nor above any bound.
        if least <= value <= most:
            return value
        bounds = f"from {_plain(least)} to {_plain(most)}"
        return refused(f"{option} must be a number {bounds}, got {text!r}", least)

    return parse


def whole(option: str, least: int | None = None, most: int | None = None) -> Callable[[str], int]:
    """A parser of an option that takes a whole number, within bounds where they are given.

    >>> whole("--limit", 1)("0")
    Traceback (most recent call last):
    twin.errors.UsageError: --limit must be a whole number of at least 1, got '0'
    """

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = None
        low = value is not None and least is not None and value < least
        high = value is not None and most is not None and value > most
        if value is not None and not low and not high:
            return value
        bound = "" if least is None else f" of at least {least:,}"
        bound += "" if most is None else f" and at most {most:,}"
        return refused(f"{option} must be a whole number{bound}, got {text!r}", least or 0)

    return parse


def one_of(option: str, choices: Sequence[str]) -> Callable[[str], Any]:
    """A parser of an option that takes one of some words.

    >>> one_of("--engine", ("auto", "simpy"))("fast")
    Traceback (most recent call last):
    twin.errors.UsageError: --engine must be one of auto, simpy, got 'fast'
    """

    def parse(text: str) -> str:
        if text in choices:
            return text
        return refused(f"{option} must be one of {', '.join(choices)}, got {text!r}", choices[0])

    return parse


def _plain(value: float) -> str:
    return f"{value:,.6f}".rstrip("0").rstrip(".")
