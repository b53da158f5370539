"""A line as JSON and back, for programs; people write YAML (`lines.load`)."""

from __future__ import annotations

import json
from typing import Any

from twin.model.line import Line
from twin.model.quantity import MILLI

__all__ = ["line_from_json", "line_to_json"]


def line_to_json(line: Line) -> str:
    """Write a line; where its numbers come from (`provenance`) is left out.

    Returns:
        JSON, times in microseconds, the same text for the same line.
    """
    document: dict[str, Any] = line.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    for station in document["stations"]:
        if "takes" in station:
            station["takes"] = {key: milli / MILLI for key, milli in station["takes"].items()}
        if "gives" in station:
            station["gives"] /= MILLI
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def line_from_json(text: str) -> Line:
    """Read what `line_to_json` wrote.

    Raises:
        ValueError: it is no line.

    >>> from twin.model import Line, Station
    >>> line = Line(id="L", stations=(Station(id="A", cycle_time="2 s", gives=187.7),))
    >>> line_from_json(line_to_json(line)) == line
    True
    """
    return Line.model_validate_json(text)
