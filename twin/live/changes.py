"""What the mirror hands out: reported values, what a message changed, notices for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from twin.historian.port import Point, Quality

__all__ = ["Changes", "Notice", "Reported", "listed", "several"]


@dataclass(frozen=True, slots=True)
class Reported:
    """The last value of a tag.

    Args:
        value: what the plant said last.
        source_us: the plant's timestamp, microseconds since 1970-01-01 UTC.
        arrival_us: when it came in, by the twin's clock.
        quality: how far to trust it; BAD from the moment at which its PLC is lost.
    """

    value: float
    source_us: int
    arrival_us: int
    quality: Quality


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that a person should know, in a line."""

    at_us: int
    plc: str
    stations: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What a message changed.

    Args:
        points: to store.
        notices: to show.
        set_back: PLCs whose clock was found to have been set back.
    """

    points: tuple[Point, ...] = ()
    notices: tuple[Notice, ...] = ()
    set_back: tuple[str, ...] = ()


def several(count: int, noun: str) -> str:
    """Say how many there are.

    >>> several(1, "tag"), several(2, "tag")
    ('1 tag', '2 tags')
    """
    return f"{count} {noun}{'' if count == 1 else 's'}"


def listed(keys: Sequence[tuple[str, str]], most: int = 5) -> str:
    """Name tags, the first few of many.

    >>> listed([("A01", "consumed")])
    'A01.consumed'
    """
    names = ", ".join(f"{unit}.{signal}" for unit, signal in keys[:most])
    return names + (f" and {len(keys) - most} more" if len(keys) > most else "")
