"""Marks on the boards: where shifts change, and when a what-if run was made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboards.grafana.panels import TAG
from twin.model.line import Line
from twin.model.shift_times import shifts_between
from twin.whatif.result import SavedAnswer

__all__ = ["Mark", "shift_changes", "whatif_run"]


@dataclass(frozen=True, slots=True)
class Mark:
    """An annotation.

    Args:
        at_ms: when, milliseconds since 1970-01-01 UTC.
        text: what people read.
        tags: what boards find it by.
    """

    at_ms: int
    text: str
    tags: tuple[str, ...]


def shift_changes(lines: Sequence[Line], from_us: int, to_us: int) -> Iterator[Mark]:
    """The changes of shifts in an interval, of the lines that have any.

    >>> from lines.loader import load
    >>> marks = shift_changes([load("tube_line")], 1_700_000_000_000_000, 1_700_030_000_000_000)
    >>> [mark.text for mark in marks]
    ['TUBE1: shift 1 of 2023-11-15 begins']
    """
    for line in lines:
        for shift in shifts_between(line, from_us, to_us) if line.shifts else ():
            if from_us <= shift.from_us:
                text = f"{line.id}: shift {shift.number} of {shift.day} begins"
                yield Mark(shift.from_us // 1000, text, (TAG, "shift", line.id))


def whatif_run(answer: SavedAnswer) -> Mark:
    """When an answer was made, and what was asked."""
    at_ms = round(datetime.fromisoformat(answer.made_at).timestamp() * 1000)
    compared = ", ".join(scenario.name for scenario in answer.scenarios)
    text = f"{answer.line_id}: what-if on {answer.figure} of {compared}"
    return Mark(at_ms, text, (TAG, "what-if", answer.line_id))
