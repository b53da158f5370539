"""A changed line file for people to accept: the same text, with other numbers in it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lines.edits import edited
from lines.loader import load_text
from lines.place import written
from twin.calibration.finding import Finding, Outcome, Path
from twin.errors import LinetwinError

__all__ = ["Proposal", "propose"]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A changed line file.

    Args:
        text: the whole file.
        diff: what changes, as a unified diff; empty where nothing does.
        stuck: the paths whose numbers have to be changed by hand, as one text says several.
    """

    text: str
    diff: str
    stuck: tuple[str, ...]


def propose(text: str, file: str, findings: Iterable[Finding]) -> Proposal:
    """Put what was found into a line file's text.

    Args:
        text: the file's.
        file: what it is called in the diff.
        findings: those that are to change do.

    Raises:
        LinetwinError: the text would not be the line that was meant; it is not shown then.
    """
    changes = {
        one.path: one.fitted
        for one in findings
        if one.outcome is Outcome.CHANGED and one.fitted is not None
    }
    new, stuck = edited(text, changes)
    meant: dict[str, Any] = load_text(text, file).model_dump(mode="python")
    line = load_text(new, file)
    for path, value in changes.items():
        if path not in stuck:
            _put(meant, path, value if isinstance(value, float) else value.model_dump())
    if line.model_dump(mode="python") != meant:
        raise LinetwinError(
            f"{file}: the numbers can't be put into its text so that all else stays as it is; "
            "--json gives them, to be written by hand"
        )
    diff = difflib.unified_diff(
        text.splitlines(keepends=True), new.splitlines(keepends=True), f"a/{file}", f"b/{file}"
    )
    return Proposal(new, "".join(diff), tuple(written(path) for path in stuck))


def _put(tree: Any, path: Path, value: Any) -> None:
    for item in path[:-1]:
        tree = tree[item]
    tree[path[-1]] = value
