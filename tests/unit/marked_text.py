"""Texts in which a mark tells where a fault is expected."""

from __future__ import annotations

from lines import load_text
from twin.errors import Fault, LineFileError

__all__ = ["MARK", "faults_of", "marks_in", "unmarked"]

MARK = "§"


def unmarked(text: str) -> str:
    """Return the text without its marks."""
    return text.replace(MARK, "")


def marks_in(text: str) -> list[tuple[int, int]]:
    """Return line and column of each mark, counted as if the marks were not there."""
    return [
        (number, len(before.replace(MARK, "")) + 1)
        for number, line in enumerate(text.splitlines(), 1)
        for before in _before_marks(line)
    ]


def _before_marks(line: str) -> list[str]:
    parts = line.split(MARK)
    return [MARK.join(parts[:n]) for n in range(1, len(parts))]


def faults_of(text: str) -> list[Fault]:
    """Load a text without its marks; return the faults, none if it is a line."""
    try:
        load_text(unmarked(text), file="t.yaml")
    except LineFileError as error:
        return list(error.faults)
    return []
