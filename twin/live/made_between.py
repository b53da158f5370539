"""What a line made between two past instants, by the plant's own counters in its history."""

from __future__ import annotations

import numpy as np

from twin.historian.port import Historian, Quality, Query
from twin.live.recollection import span_of
from twin.model.line import Line
from twin.model.product import product_units

__all__ = ["made_between"]

SIGNS = {"processed": 1, "defective": -1, "reworked": -1}
"""Of what a machine has processed the good parts are those neither scrapped nor sent back."""


def made_between(history: Historian, line: Line, from_us: int, to_us: int) -> float | None:
    """Ask a history for the good units that left a line between two instants.

    Args:
        history: of the line's twin.
        line: which.
        from_us, to_us: by the plant's clock, microseconds since 1970-01-01 UTC.

    Returns:
        Units of product; None where nobody can say: nobody looked at one of the instants, the
        history does not reach so far yet, or a counter fell between them, as one does when another
        plant begins.

    Raises:
        LinetwinError: the store is away, or needs mending.
    """
    span = span_of(history, line)
    if span is None or not span[0] <= from_us <= to_us <= span[1]:
        return None
    units = product_units(line)
    ends = [station for station in line.stations if not line.outputs[station.id]]
    plcs = {line.plc_of(station.id) for station in ends}
    if not all(_watched(history, line, plcs, at_us) for at_us in (from_us, to_us)):
        return None
    of_unit = {s.machine_id(m): units[s.id] for s in ends for m in range(s.machines)}
    asked = Query(line.id, tuple(of_unit), tuple(SIGNS), from_us + 1, to_us + 1)
    found, before = history.read(asked), history.last(Query(line.id, asked.unit, asked.signal,
                                                            to_us=from_us + 1))  # fmt: skip
    at_first = {
        before.series[index]: value
        for index, value in zip(before.series_index.tolist(), before.value.tolist(), strict=True)
    }
    made = 0.0
    for number, series in enumerate(found.series):
        rows = (found.series_index == number) & (found.quality != Quality.BAD)
        counted = found.value[rows]
        if series not in at_first:
            return None
        steps = np.diff(counted, prepend=at_first[series])
        if (steps < 0).any():
            return None
        made += SIGNS[series.signal] * of_unit[series.unit] * float(steps.sum())
    return made


def _watched(history: Historian, line: Line, plcs: set[str], at_us: int) -> bool:
    """Whether PLCs were heard at an instant."""
    found = history.last(Query(line.id, tuple(plcs), "watched", to_us=at_us + 1))
    return len(found) == len(plcs) and bool((found.value > 0).all())
