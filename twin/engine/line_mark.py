"""What a snapshot remembers of its line: enough to tell whether another line is the same."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import Field

from twin.model.base import Frozen
from twin.model.line import Line

__all__ = ["LineMark", "differences", "line_mark"]

TOLD_BY_NAME = {"id", "name"}
CHANGES_NOTHING = {
    "stations": {"area", "kind", "plc", "automation", "product_units"}
    | {"energy", "variables", "alarms"},
    "materials": {"unit", "price_cny"},
}
"""Fields with no part in what a line does; whatever is not named here has one."""

ELEMENTS = ("stations", "buffers", "calendars", "crews", "materials", "defects")


class LineMark(Frozen):
    """A line's behaviour as hashes.

    Names, descriptions, energy, process variables and the like leave it as it is.

    Args:
        id: the line's.
        digest: of all of it, 128 bits, hexadecimal.
        elements: for the line itself and each of its elements, as `stations[STK]`, the hashes of
            its fields that are not as by default, 32 bits each.
    """

    id: str
    digest: str = Field(pattern="^[0-9a-f]{32}$")
    elements: dict[str, dict[str, str]]


def _hash(value: Any, size: int) -> str:
    text = json.dumps(value, separators=(",", ":"), sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=size, person=b"linetwin-line").hexdigest()


def _without_names(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_names(v) for k, v in value.items() if k != "name"}
    return [_without_names(v) for v in value] if isinstance(value, list) else value


def line_mark(line: Line) -> LineMark:
    """Work out a line's mark."""
    itself: dict[str, Any] = {"calendar": line.calendar}
    fields: dict[str, dict[str, Any]] = {"line": itself}
    for table in ELEMENTS:
        left_out = TOLD_BY_NAME | CHANGES_NOTHING.get(table, set())
        # The order of the file decides ties, and which lane or draw belongs to whom.
        itself[table] = [element.id for element in getattr(line, table)]
        for element in getattr(line, table):
            known = element.model_dump(mode="json", exclude=left_out, exclude_defaults=True)
            if "defects" in known:
                # Which one arises is read off running sums, so here the order counts, too.
                known["defects"] = list(known["defects"].items())
            fields[f"{table}[{element.id}]"] = known
    elements = {
        name: {field: _hash(_without_names(value), 4) for field, value in known.items()}
        for name, known in fields.items()
    }
    return LineMark(id=line.id, digest=_hash([line.id, _without_names(fields)], 16),
                    elements=elements)  # fmt: skip


def differences(ours: LineMark, theirs: LineMark) -> list[str]:
    """Say how a snapshot's line (`theirs`) differs from a line; empty if it doesn't.

    Returns:
        Texts as `stations[STK]: cycle_time, machines`.
    """
    if ours.digest == theirs.digest:
        return []
    found = [] if ours.id == theirs.id else [f"line {theirs.id} and not {ours.id}"]
    for name in sorted({*ours.elements, *theirs.elements} - {"line"}):
        a, b = ours.elements.get(name), theirs.elements.get(name)
        if a is None or b is None:
            found.append(f"{name}: only in the {'line' if b is None else 'snapshot'}")
            continue
        fields = sorted(field for field in {*a, *b} if a.get(field) != b.get(field))
        if fields:
            found.append(f"{name}: {', '.join(fields)}")
    a, b = ours.elements.get("line", {}), theirs.elements.get("line", {})
    others = sorted(field for field in {*a, *b} if a.get(field) != b.get(field))
    if others and (others != ["stations"] or not found):
        found.append(f"line: {', '.join(others)}")
    return found or ["its hash"]
