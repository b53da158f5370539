"""Snapshots that lie: refused, or an engine that runs on with them, but never a crash.

`make sanitise` runs this with a compiled engine that checks its memory and its sums.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_lines import lines

from twin.engine.kernel import KernelEngine, kernel_library
from twin.engine.snapshot import SAVED, Snapshot
from twin.engine.stops import Operations
from twin.errors import EngineError
from twin.model import Line

pytestmark = pytest.mark.skipif(
    kernel_library() is None, reason="the compiled engine is not installed: no C compiler"
)
SECOND = 1_000_000
columns = st.sampled_from([(table, column) for table in SAVED for column in SAVED[table]])
edges = [-1, 0, 1, 2, 1 << 31, 1 << 32, 1 << 40, 1 << 53, 1 << 59, 1 << 60, 1 << 61, (1 << 62) - 1]
lies = st.lists(st.tuples(columns, st.integers(0, 1 << 20), st.sampled_from(edges)), min_size=1)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(line=lines(), at=st.integers(0, 90 * SECOND), lies=lies)
def test_an_engine_believes_a_snapshot_or_refuses_it(
    line: Line, at: int, lies: list[tuple[tuple[str, str], int, int]]
) -> None:
    engine = KernelEngine(line)
    engine.advance(at)
    tables = engine.snapshot().model_dump()
    for (table, column), row, value in lies:
        values = list(tables[table][column])
        if values:
            values[row % len(values)] = value
        tables[table][column] = tuple(values)
    try:
        believed = KernelEngine.from_snapshot(line, Snapshot.model_validate(tables))
    except EngineError:
        return
    for engine in (believed, believed.fork()):
        engine.advance(at + 60 * SECOND, Operations(5_000))
        engine.counters()
        engine.snapshot()
