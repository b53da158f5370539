"""What fields mean, read from the models' docstrings: a meaning is written once."""

from __future__ import annotations

import inspect
import re
from functools import cache

from lines.shape import fields_of
from twin.model.base import Frozen

__all__ = ["about", "meanings"]

COMMON = {
    "id": "what the rest of the file calls it.",
    "name": "what people call it.",
    "distribution": "which distribution this is.",
    "mean": "the mean time.",
    "cv": "coefficient of variation: standard deviation over mean.",
}
ENTRY = re.compile(r"^    (?P<names>\w+(, \w+)*): (?P<text>.*)$")


def about(model: type[Frozen]) -> str:
    """Return what a model's docstring says before its list of fields, as one paragraph a line."""
    text = inspect.getdoc(model) or ""
    before = text.split("\nArgs:\n")[0].strip()
    return "\n\n".join(" ".join(part.split()) for part in before.split("\n\n"))


@cache
def meanings(model: type[Frozen]) -> dict[str, str]:
    """Return what each field of a model means, by the key that a file uses.

    Where the docstring tells of several fields at once, each gets the whole.

    >>> from twin.model import Buffer
    >>> meanings(Buffer)["lanes"]
    'parallel queues, each with its own capacity.'
    """
    _, _, arguments = (inspect.getdoc(model) or "").partition("\nArgs:\n")
    told: dict[str, str] = {}
    names: list[str] = []
    for line in arguments.splitlines():
        entry = ENTRY.match(line)
        if entry:
            names = entry["names"].split(", ")
            told.update(dict.fromkeys(names, entry["text"]))
        elif line.strip():
            for name in names:
                told[name] += f" {line.strip()}"
        else:
            names = []
    return {
        key: told.get(field.name) or COMMON.get(key, "") for key, field in fields_of(model).items()
    }
