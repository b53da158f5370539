"""Other numbers in the text of a line file, with all its comments, notes and columns left alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from lines.spans import Spanned, spans
from twin.model import durations as d
from twin.model.quantity import TIME_US

__all__ = ["Path", "edited", "shown", "time_text", "unit_at"]

Path: TypeAlias = tuple[str | int, ...]
Edit: TypeAlias = tuple[int, int, str]
SOURCE: Final = "history"
"""What a number's `source` says that was fitted to a history."""
BEFORE: Final = {"scrap": "cycle_time", "false_reject": "detects"}
"""Where a number is put that has not been there."""
_UNIT: Final = re.compile(r"[\d.]\s*([a-z]+)\s*$")


def time_text(us: float, unit: str) -> str:
    """A time as a line file has it.

    >>> time_text(75_500_000, "s"), time_text(45_000_000_000, "h")
    ('75.5 s', '12.5 h')
    """
    return f"{us / TIME_US[unit]:.12g} {unit}"


def shown(value: d.Duration | float, unit: str) -> str:
    """A distribution or a rate as a line file has it.

    >>> shown(d.Gamma(distribution="gamma", mean="2 s", cv=0.3), "s"), shown(0.0045, "s")
    ('{distribution: gamma, mean: 2 s, cv: 0.3}', '0.45 %')
    """
    fields = _fields(value, unit)
    if "value" in fields:
        return fields["value"]
    return "{" + ", ".join(f"{key}: {text}" for key, text in fields.items()) + "}"


def _fields(value: d.Duration | float, unit: str) -> dict[str, str]:
    if isinstance(value, float):
        return {"value": f"{value * 100:.10g} %"}
    if isinstance(value, d.Constant):
        return {"value": time_text(value.mean_us, unit)}
    fields: dict[str, str] = {"distribution": value.distribution}
    if isinstance(value, d.Empirical):
        values = ", ".join(time_text(us, unit) for us in value.values_us)
        return {**fields, "values": f"[{values}]"}
    if isinstance(value, d.Triangular | d.Mix):
        raise TypeError(f"no fit is {value.distribution}")
    fields["mean"] = time_text(value.mean_us, unit)
    for key in ("cv", "sigma", "shape", "stages"):
        number = getattr(value, key, None)
        if number is not None:
            fields[key] = f"{number:.10g}"
    return fields


def unit_at(root: Spanned, path: Path, duration: d.Duration) -> str:
    """In which unit a line file has a time; one that is easy to read where it says none.

    >>> root = spans("id: L\\nstations: [{id: A, cycle_time: {distribution: normal, mean: 2 min}}]")
    >>> unit_at(root, ("stations", 0, "cycle_time"), d.Constant(mean="1 s"))
    'min'
    """
    node, rest, _ = root.at(path)
    for key in ("value", "mean", "mode"):
        node = node.entries.get(key, node)
    unit = None if rest or node.value is None else _UNIT.search(node.value)
    if unit is not None and unit[1] in TIME_US:
        return unit[1]
    us = getattr(duration, "mean_us", TIME_US["s"])
    return "h" if us >= 2 * TIME_US["h"] else "s" if us >= TIME_US["s"] / 2 else "us"


def edited(text: str, changes: Mapping[Path, d.Duration | float]) -> tuple[str, list[Path]]:
    """Put other numbers into a line file's text.

    Args:
        text: of a line file that is right.
        changes: the new values, by path. Each then says that its source is the history.

    Returns:
        The text, and the paths whose values can't be changed alone, as the text says them in one
        place together with others (an anchor).

    >>> text = "id: L\\nstations:\\n  - {id: A, cycle_time: 10 s}  # by stopwatch\\n"
    >>> print(edited(text, {("stations", 0, "cycle_time"): d.Constant(mean="9.8 s")})[0], end="")
    id: L
    stations:
      - {id: A, cycle_time: {value: 9.8 s, source: history}}  # by stopwatch
    """
    root = spans(text)
    edits: list[Edit] = []
    stuck: list[Path] = []
    for path, value in changes.items():
        node, rest, shared = root.at(path)
        unit = "s" if isinstance(value, float) else unit_at(root, path, value)
        if shared or len(rest) > 1:
            stuck.append(path)
        elif rest:
            edits += _inserted(text, node, str(rest[0]), shown_with_source(value, unit))
        elif node.alias or node.anchor is not None:
            own = _own(text, root, node, set(changes))
            if own is None:
                stuck.append(path)
            else:
                edits += [*own, (node.start, node.end, shown_with_source(value, unit))]
        else:
            edits += _replaced(text, node, value, unit)
    for start, end, new in sorted(set(edits), reverse=True):
        text = text[:start] + new + text[end:]
    return text, stuck


def shown_with_source(value: d.Duration | float, unit: str, more: str = "") -> str:
    """A value with the history as its source."""
    fields = {**_fields(value, unit), "source": SOURCE}
    return "{" + ", ".join(f"{key}: {text}" for key, text in fields.items()) + more + "}"


def _inserted(text: str, parent: Spanned, key: str, value: str) -> list[Edit]:
    at = parent.keys[BEFORE[key]]
    if parent.flow:
        return [(at, at, f"{key}: {value}, ")]
    return [(at, at, f"{key}: {value}\n{' ' * _column(text, at)}")]


def _replaced(text: str, node: Spanned, value: d.Duration | float, unit: str) -> list[Edit]:
    fields = _fields(value, unit)
    present = node.entries.keys() - {"source", "note"}
    if node.value is not None or present != fields.keys():
        note = node.entries.get("note")
        more = "" if note is None else f", note: {text[note.start : note.end]}"
        return [(node.start, node.end, shown_with_source(value, unit, more))]
    edits = []
    for key, new in fields.items():
        old = node.entries[key]
        edits.append((old.start, old.end, new))
    source = node.entries.get("source")
    if source is not None:
        return [*edits, (source.start, source.end, SOURCE)]
    last = max(node.entries[key].end for key in fields)
    if node.flow:
        return [*edits, (last, last, f", source: {SOURCE}")]
    # On a line of its own, behind what else is said of the last value.
    line_end = text.find("\n", last)
    last = len(text) if line_end < 0 else line_end
    indent = " " * _column(text, min(node.keys.values()))
    return [*edits, (last, last, f"\n{indent}source: {SOURCE}")]


def _column(text: str, at: int) -> int:
    return at - (text.rfind("\n", 0, at) + 1)


def _own(text: str, root: Spanned, node: Spanned, changes: set[Path]) -> list[Edit] | None:
    """Say what an anchor stands for wherever else it is repeated; None where that is not possible.

    An alias has nothing to be said for: it is replaced, and the anchor stays.
    """
    if node.alias:
        return []
    changed = {root.at(path)[0].start for path in changes}
    said = re.sub(r"^&\S+\s+", "", text[node.start : node.end])
    others = [one for one in _repeats(root, node.anchor) if one.start not in changed]
    if others and "\n" in said:
        return None
    return [(one.start, one.end, said) for one in others]


def _repeats(node: Spanned, anchor: str | None) -> Iterator[Spanned]:
    if node.alias:
        if node.anchor == anchor:
            yield node
        return
    for each in (*node.entries.values(), *node.items):
        yield from _repeats(each, anchor)
