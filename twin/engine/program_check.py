"""Whether a program's tables hold together: checked before the compiled engine believes them.

The kernel follows row numbers without a second look; so whatever comes to it is looked at here, at
the border, whoever made it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from twin.engine.program import LAYOUT, NONE, Program
from twin.engine.quantiles import INTERVALS
from twin.errors import EngineError

__all__ = ["RANGES", "REFERENCES", "VALUES", "check_program"]

Ints = NDArray[np.int64]
LONG = 1 << 62
TABLE_LENGTH = 2 * (INTERVALS + 1)

REFERENCES: dict[str, dict[str, tuple[str, int]]] = {
    "stations": {
        "table": ("table_constants", 0),
        "calendar": ("calendars", NONE),
        "rework_lane": ("lanes", NONE),
        "reject_lane": ("lanes", NONE),
    },
    "groups": {"station": ("stations", 0), "single_lane": ("lanes", NONE)},
    "outlets": {"group": ("groups", 0)},
    "machines": {"station": ("stations", 0)},
    "places": {"machine": ("machines", 0), "group": ("groups", 0)},
    "modes": {
        "crew": ("crews", NONE),
        "due_table": ("table_constants", 0),
        "lasts_table": ("table_constants", 0),
    },
    "services": {"machine": ("machines", 0), "crew": ("crews", NONE)},
    "uses": {"material": ("materials", 0)},
    "buffers": {"rework_lane": ("lanes", NONE)},
    "inlet_lanes": {"lane": ("lanes", 0)},
    "outlet_lanes": {"lane": ("lanes", 0)},
    "lane_takers": {"group": ("groups", 0)},
    "lane_givers": {"outlet": ("outlets", 0)},
    "calendar_stations": {"station": ("stations", 0)},
    "material_stations": {"station": ("stations", 0)},
}
"""Columns that are row numbers: of which table, and the least; -1 stands for none."""

RANGES: dict[str, dict[str, tuple[str, int]]] = {
    "stations": {
        "machines": ("machines", 1),
        "groups": ("groups", 1),
        "uses": ("uses", 0),
        "arise": ("arise", 0),
        "detect": ("detect", 0),
    },
    "groups": {"inlets": ("inlets", 0), "outlets": ("outlets", 0)},
    "inlets": {"lanes": ("inlet_lanes", 1)},
    "outlets": {"lanes": ("outlet_lanes", 1)},
    "lanes": {"takers": ("lane_takers", 0), "givers": ("lane_givers", 0)},
    "machines": {"places": ("places", 1), "modes": ("modes", 0), "services": ("services", 0)},
    "calendars": {"stops": ("stops", 1), "stations": ("calendar_stations", 0)},
    "materials": {"stations": ("material_stations", 0)},
    "buffers": {"lanes": ("lanes", 1)},
}
"""Pairs of columns that are a first row and a number of rows: of which table, and the least."""

FLAG = (0, 1)
VALUES: dict[str, dict[str, tuple[int, int]]] = {
    "stations": {
        "passes_on": FLAG,
        "gives_milli": (0, LONG),
        "code": (0, LONG),
        "shares": FLAG,
        "plain": FLAG,
        "inspects": FLAG,
        "by_time": FLAG,
    },
    "inlets": {"milli": (0, LONG)},
    "lanes": {"capacity": (0, LONG)},
    "machines": {"number": (0, LONG)},
    "places": {"number": (0, LONG)},
    "modes": {"number": (0, LONG), "is_setup": FLAG, "after": (0, 2), "stops_handling": FLAG},
    "services": {"every_us": (1, LONG), "lasts_us": (1, LONG), "first_us": (0, LONG)},
    "stops": {"every_us": (1, LONG), "at_us": (0, LONG), "lasts_us": (1, LONG)},
    "materials": {
        "stock": (0, LONG),
        "has_delivery": FLAG,
        "every_us": (1, LONG),
        "first_us": (0, LONG),
        "amount": (0, LONG),
    },
    "uses": {"amount": (0, LONG)},
    "arise": {"bit": (0, (1 << 32) - 1)},
    "detect": {"bit": (0, (1 << 32) - 1)},
    "streams": {"text_from": (0, LONG), "text_count": (0, LONG)},
    "crews": {"size": (0, LONG)},
    "tables": {"quantile": (1, LONG)},
    "table_constants": {"us": (0, LONG)},
}
"""Columns that are numbers: the least and the most. Keys, thresholds and texts may be any."""


def check_program(program: Program) -> None:
    """Make sure that the kernel can follow a program.

    Raises:
        EngineError: a table is missing or no table, or points out of another; the message names
            all that is wrong.

    >>> from twin.engine.program import Program, lower
    >>> from twin.model import Line, Station
    >>> program = lower(Line(id="L", stations=(Station(id="A", cycle_time="2 s"),)))
    >>> check_program(program)
    >>> wrong = {**program.tables, "places": program.tables["places"] + 7}
    >>> check_program(Program(wrong))  # doctest: +NORMALIZE_WHITESPACE
    Traceback (most recent call last):
    twin.errors.EngineError: the program contradicts itself: places.machine: row 0 says 7, must be
    0 to 0; places.group: row 0 says 7, must be 0 to 0
    """
    wrong = list(_shapes(program.tables)) or list(_numbers(program.tables))
    wrong = wrong or list(_contradictions(program.tables))
    if wrong:
        raise EngineError(f"the program contradicts itself: {'; '.join(wrong)}")


def _shapes(tables: dict[str, Ints]) -> Iterator[str]:
    for name in tables.keys() - LAYOUT.keys():
        yield f"{name}: no such table"
    for name, columns in LAYOUT.items():
        table = tables.get(name)
        if not isinstance(table, np.ndarray):
            yield f"{name}: missing"
        elif table.dtype != np.int64 or table.ndim != 2 or not table.flags.c_contiguous:
            yield f"{name}: must be rows of int64, one after the other"
        elif table.shape[1] != len(columns):
            yield f"{name}: must have {len(columns)} columns, got {table.shape[1]}"


def _outside(name: str, values: Ints, least: int, most: int) -> Iterator[str]:
    if not len(values) or (least <= values.min() and values.max() <= most):
        return
    row = int(np.argmax((values < least) | (values > most)))
    meant = f"must be {least} to {most}" if most >= least else "there is nothing to point at"
    yield f"{name}: row {row} says {values[row]}, {meant}"


def _numbers(tables: dict[str, Ints]) -> Iterator[str]:
    for name, columns in LAYOUT.items():
        table = tables[name]
        place_of = {column: i for i, column in enumerate(columns)}
        for column, (least, most) in VALUES.get(name, {}).items():
            yield from _outside(f"{name}.{column}", table[:, place_of[column]], least, most)
        for column, (other, least) in REFERENCES.get(name, {}).items():
            last = len(tables[other]) - 1
            yield from _outside(f"{name}.{column}", table[:, place_of[column]], least, last)
        for column, (other, least) in RANGES.get(name, {}).items():
            first, count = (table[:, place_of[f"{column}_{end}"]] for end in ("from", "count"))
            rows = len(tables[other])
            yield from _outside(f"{name}.{column}_from", first, 0, rows)
            yield from _outside(f"{name}.{column}_count", count, least, rows)
            # Both are at most `rows` by now, or have been complained of: the sum is no overflow.
            if np.any((first <= rows) & (count <= rows) & (first + np.minimum(count, rows) > rows)):
                yield f"{name}.{column}: reaches beyond the {rows} rows of {other}"


def _contradictions(tables: dict[str, Ints]) -> Iterator[str]:
    """What is wrong though each number by itself could be right."""

    def column(table: str, name: str) -> Ints:
        return tables[table][:, LAYOUT[table].index(name)]

    constants, quantiles = len(tables["table_constants"]), tables["tables"]
    if len(quantiles) != constants * TABLE_LENGTH:
        yield (
            f"tables: must have {TABLE_LENGTH} rows for each of the {constants} rows of "
            f"table_constants, got {len(quantiles)}"
        )
    else:
        halves = quantiles.reshape(-1, INTERVALS + 1)
        if np.any(halves[:, 1:] < halves[:, :-1]):
            yield "tables: quantiles must not fall"
    streams = 5 * len(tables["stations"]) + 2 * len(tables["modes"]) + len(tables["detect"])
    if len(tables["streams"]) != streams:
        yield f"streams: must have {streams} rows, got {len(tables['streams'])}"
    ends, room = column("streams", "text_from"), 8 * len(tables["stream_texts"])
    if np.any(ends > room) or np.any(column("streams", "text_count") > room - ends):
        yield f"streams.text: reaches beyond the {room} bytes of stream_texts"
    for owned in ("places", "services"):
        owner = column(owned, "machine")
        first, count = column("machines", f"{owned}_from"), column("machines", f"{owned}_count")
        inside = np.arange(len(owner)) - first[owner]
        if count.sum() != len(owner) or np.any((inside < 0) | (inside >= count[owner])):
            yield f"{owned}: each must be in the rows of its machine, and of no other"
        elif owned == "places" and np.any(inside != column("places", "number")):
            yield "places.number: must be counted from 0 in each machine"
    by_time = column("stations", "by_time")[column("machines", "station")]
    if np.any((by_time == 1) & (column("machines", "modes_count") == 0)):
        yield "stations.by_time: a machine of it has no failure"
    station_of_place = column("machines", "station")[column("places", "machine")]
    if np.any(column("groups", "station")[column("places", "group")] != station_of_place):
        yield "places.group: of another station than the machine"
    if np.any(column("stops", "lasts_us") >= column("stops", "every_us")):
        yield "stops.lasts_us: must be less than every_us"
