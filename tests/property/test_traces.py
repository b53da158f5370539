"""Traces of any line: the same hash from both engines, and files of both that compare equal."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_lines import lines

from lines.loader import load
from twin.engine.kernel import kernel_library
from twin.engine.trace import compare_traces, open_trace, record_trace
from twin.model import Line

pytestmark = pytest.mark.skipif(
    kernel_library() is None, reason="the compiled engine is not installed: no C compiler"
)
SECOND = 1_000_000


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(line=lines(), until_us=st.integers(0, 60 * SECOND), seed=st.integers(0, 2**32))
def test_random_lines_have_the_same_trace(line: Line, until_us: int, seed: int) -> None:
    with tempfile.TemporaryDirectory() as here:
        by_simpy, by_kernel = Path(here) / "simpy.parquet", Path(here) / "kernel.csv"
        a = record_trace(line, until_us=until_us, seed=seed, engine="simpy", out=by_simpy)
        b = record_trace(line, until_us=until_us, seed=seed, engine="kernel", out=by_kernel)
        assert (a.events, a.digest) == (b.events, b.digest)
        assert (open_trace(by_simpy).header, open_trace(by_kernel).header) == (a, b)
        assert compare_traces(by_simpy, by_kernel) is None


@pytest.mark.parametrize(("name", "hours"), [("storage_line", 12), ("tube_line", 5.5)])
def test_the_packaged_lines_have_the_same_trace(name: str, hours: float, tmp_path: Path) -> None:
    line, until_us = load(name), round(hours * 3600 * SECOND)
    paths = [tmp_path / "simpy.parquet", tmp_path / "kernel.parquet"]
    a = record_trace(line, until_us=until_us, engine="simpy", out=paths[0])
    b = record_trace(line, until_us=until_us, engine="kernel", out=paths[1])
    assert a.events == b.events > 1000
    assert a.digest == b.digest
    assert compare_traces(*paths) is None
