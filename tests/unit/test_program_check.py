"""What comes to the kernel is looked at first: tables that lie about their sizes are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lines.loader import load
from twin.engine import Operations
from twin.engine.kernel import KernelEngine, kernel_library
from twin.engine.kernel_library import as_struct as through_the_border
from twin.engine.kernel_start import KernelStart
from twin.engine.program import LAYOUT, Program, lower
from twin.engine.program_check import RANGES, REFERENCES, VALUES, check_program
from twin.errors import EngineError
from twin.model import Line

ANYTHING = ("_k0", "_k1", "_below", ".below", ".bytes")
"""Keys, thresholds and texts: any bits will do."""


@pytest.fixture
def program() -> Program:
    return lower(load("storage_line"))


def changed(program: Program, table: str, column: str, row: int, value: int) -> Program:
    tables = {name: rows.copy() for name, rows in program.tables.items()}
    tables[table][row, LAYOUT[table].index(column)] = value
    return Program(tables)


def test_every_column_has_a_rule() -> None:
    ruled = set()
    for rules in (REFERENCES, VALUES):
        ruled |= {f"{table}.{column}" for table, columns in rules.items() for column in columns}
    for table, columns in RANGES.items():
        ruled |= {f"{table}.{column}_{end}" for column in columns for end in ("from", "count")}
    known = {f"{table}.{column}" for table, columns in LAYOUT.items() for column in columns}
    assert ruled <= known
    assert {name for name in known - ruled if not name.endswith(ANYTHING)} == set()


@pytest.mark.parametrize("name", ["storage_line", "tube_line"])
def test_programs_of_the_packaged_lines_are_sound(name: str) -> None:
    check_program(lower(load(name)))


@pytest.mark.parametrize(
    ("table", "column", "value", "why"),
    [
        ("places", "machine", 10_000, "row 0 says 10000, must be 0 to"),
        ("places", "machine", -1, "row 0 says -1, must be 0 to"),
        ("places", "number", 1, "counted from 0 in each machine"),
        ("stations", "machines_count", -1, "machines_count: row 0 says -1"),
        ("stations", "machines_from", 10_000, "machines_from: row 0 says 10000"),
        ("machines", "places_count", 10_000, "places_count: row 0 says 10000"),
        ("machines", "places_count", 0, "places_count: row 0 says 0, must be 1 to"),
        ("groups", "inlets_count", 1 << 62, "inlets_count: row 0 says"),
        ("stations", "table", 1 << 40, "table: row 0 says"),
        ("stations", "calendar", -2, "must be -1 to"),
        ("stations", "by_time", 2, "must be 0 to 1"),
        ("lanes", "capacity", -(1 << 63), "capacity: row 0 says"),
        ("stops", "every_us", 0, "must be 1 to"),
        ("stops", "lasts_us", 1 << 61, "must be less than every_us"),
        ("tables", "quantile", 1 << 61, "quantiles must not fall"),
        ("tables", "quantile", 0, "must be 1 to"),
        ("streams", "text_from", 1 << 40, "reaches beyond the"),
        ("streams", "text_count", 1 << 40, "reaches beyond the"),
        ("buffers", "rework_lane", 10_000, "rework_lane: row 0 says 10000"),
    ],
)
def test_a_number_that_lies_is_refused(
    program: Program, table: str, column: str, value: int, why: str
) -> None:
    with pytest.raises(EngineError, match=why):
        through_the_border(changed(program, table, column, 0, value))


def test_a_range_that_reaches_beyond_the_end_is_refused(program: Program) -> None:
    rows = len(program.tables["machines"])
    liar = changed(program, "stations", "machines_from", 0, rows - 1)
    liar = changed(liar, "stations", "machines_count", 0, 2)
    with pytest.raises(EngineError, match=f"machines: reaches beyond the {rows} rows of machines"):
        through_the_border(liar)


@pytest.mark.parametrize(
    ("table", "make", "why"),
    [
        ("stations", lambda rows: rows[:-1], "must be 0 to"),
        ("tables", lambda rows: rows[:-1], "tables: must have 2050 rows for each"),
        ("places", lambda rows: rows[:, :2].copy(), "must have 3 columns, got 2"),
        ("places", lambda rows: rows.astype(np.int32), "must be rows of int64"),
        ("places", np.asfortranarray, "must be rows of int64"),
        ("lanes", lambda rows: rows[:0], "there is nothing to point at"),
        ("streams", lambda rows: rows[:-1], "streams: must have"),
        ("stream_texts", lambda rows: rows[:1], "reaches beyond the 8 bytes"),
        ("machines", lambda _: None, "machines: missing"),
    ],
)
def test_a_table_of_another_shape_is_refused(
    program: Program, table: str, make: Any, why: str
) -> None:
    with pytest.raises(EngineError, match=why):
        through_the_border(Program({**program.tables, table: make(program.tables[table])}))


def test_a_missing_table_and_a_strange_one_are_refused(program: Program) -> None:
    tables = dict(program.tables)
    tables["robots"] = tables.pop("crews")
    with pytest.raises(EngineError, match=r"robots: no such table; crews: missing"):
        through_the_border(Program(tables))


@pytest.mark.skipif(kernel_library() is None, reason="the compiled engine is not installed")
@pytest.mark.parametrize("name", ["storage_line", "tube_line"])
def test_a_program_changed_anywhere_is_refused_or_runs(name: str) -> None:
    """Random cells of every table, with numbers that hurt; the sanitiser build looks closer."""
    line, refused = load(name), 0
    program = lower(line)
    rng = np.random.default_rng(len(name))
    hurts = (-(1 << 63), -2, -1, 0, 1, 2, 1 << 31, (1 << 62) - 1, (1 << 63) - 1)
    # Something due each microsecond is sound, and slow.
    slow = {"every_us", "has_delivery"}
    cells = [
        (t, c)
        for t, columns in LAYOUT.items()
        for c in columns
        if len(program.tables[t]) and c not in slow
    ]
    for table, column in cells:
        row, value = rng.integers(len(program.tables[table])), int(rng.choice(hurts))
        try:
            run(line, changed(program, table, column, int(row), value))
        except EngineError:
            refused += 1
    assert refused > len(cells) // 4


def run(line: Line, program: Program) -> None:
    """Half an hour of a program in the kernel."""

    def put(library: Any, tables: Any) -> Any:
        return library.linetwin_empty(tables, 10 * HOUR)

    engine = KernelEngine.from_start(KernelStart(line, program, put, start_us=10 * HOUR))
    engine.advance(10 * HOUR + HOUR // 2, Operations(20_000))
    engine.counters()


HOUR = 3_600_000_000
