"""Numbers on the command line: read, and refused in the words of every other fault."""

from __future__ import annotations

from collections.abc import Callable

from twin.errors import UsageError

__all__ = ["number", "whole"]


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
        raise UsageError(f"{option} must be a number {bounds}, got {text!r}")

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
        raise UsageError(f"{option} must be a whole number{bound}, got {text!r}")

    return parse


def _plain(value: float) -> str:
    return f"{value:,.6f}".rstrip("0").rstrip(".")
