"""How fast the embedded history is, and what the other ways of sharing its file would cost.

    python benchmarks/history_duckdb.py [--rows 5000000] [--batches 60] [--directory DIR]

It fills a history with one day of 1,000 signals and then measures one batch of 1,000 points a
commit, reading, and both at once from two processes. Every line gives the median, the 95th
percentile and the extremes, in milliseconds.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import duckdb
import numpy as np

from twin.historian.duckdb_store import DuckDBHistorian
from twin.historian.port import Point, Query, Series

SIGNALS = [Series("LDES1", f"STK{n // 10:03}", f"signal_{n % 10}") for n in range(1000)]
DAY_US = 86_400_000_000
MINUTE_US = 60_000_000
START_US = 1_700_000_000_000_000
END_US = START_US + DAY_US

ADD = """
    INSERT INTO {store}point SELECT * FROM batch ANTI JOIN (
        SELECT series_id, at_us FROM {store}point WHERE at_us BETWEEN ? AND ?
    ) USING (series_id, at_us)
"""


def fill(store: DuckDBHistorian, rows: int) -> float:
    """Write a day of history; return rows/s."""
    samples = rows // len(SIGNALS)
    step_us = DAY_US // samples
    values = np.random.default_rng(1)
    began = time.perf_counter()
    for first in range(0, samples, 100):
        instants = range(first, min(first + 100, samples))
        drawn = iter(values.normal(50, 10, len(instants) * len(SIGNALS)).round(2).tolist())
        store.write(
            [
                Point(series, START_US + at * step_us + n, next(drawn))
                for at in instants
                for n, series in enumerate(SIGNALS)
            ]
        )
    return samples * len(SIGNALS) / (time.perf_counter() - began)


def new_batches() -> Iterator[list[Point]]:
    """Give one second of every signal after another, following on from the day."""
    second = 0
    while True:
        at_us = END_US + second * 1_000_000
        yield [Point(series, at_us + n, second + n / 8) for n, series in enumerate(SIGNALS)]
        second += 1


def timed(call: Callable[[], object], times: int) -> list[float]:
    """Return how long a call takes, in milliseconds, `times` times."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        found.append((time.perf_counter() - began) * 1e3)
    return found


def show(what: str, found: list[float], note: str = "") -> None:
    found = sorted(found)
    p95 = found[min(len(found) - 1, int(0.95 * len(found)))]
    print(
        f"{what:<58}{statistics.median(found):9.1f}{p95:9.1f}{found[0]:9.1f}{found[-1]:9.1f}"
        f"{len(found):5}  {note}"
    )


def as_columns(second: int) -> tuple[dict[str, object], list[int]]:
    """A batch that needs no look-up of names, so that only DuckDB's own work is compared."""
    at_us = END_US + (100_000 + second) * 1_000_000 + np.arange(len(SIGNALS))
    batch = {
        "series_id": np.arange(len(SIGNALS), dtype=np.int32),
        "at_us": at_us,
        "value": np.full(len(SIGNALS), second + 0.5),
        "quality": np.zeros(len(SIGNALS), np.uint8),
    }
    return batch, [int(at_us[0]), int(at_us[-1])]


def compare_ways(path: Path, batches: int) -> None:
    """Time one commit for each way of sharing the file between processes."""
    seconds = iter(range(10**9))

    def add(engine: duckdb.DuckDBPyConnection, store: str = "") -> None:
        batch, limits = as_columns(next(seconds))
        engine.register("batch", batch)
        engine.execute(ADD.format(store=store), limits)

    def attach(engine: duckdb.DuckDBPyConnection, file: Path = path) -> None:
        engine.execute(f"ATTACH '{file}' AS store")
        add(engine, "store.")
        engine.execute("DETACH store")

    def connect() -> None:
        with duckdb.connect(path) as engine:
            add(engine)

    def connect_and_keep_the_log() -> None:
        with duckdb.connect(path) as engine:
            engine.execute("PRAGMA disable_checkpoint_on_shutdown")
            add(engine)

    with duckdb.connect() as engine:
        show("  attach, commit, detach (chosen)", timed(lambda: attach(engine), batches))
    show("  connect, commit, close", timed(connect, batches))
    show("  connect, commit, close without a checkpoint", timed(connect_and_keep_the_log, batches))
    with duckdb.connect(path) as engine:
        kept_open = timed(lambda: add(engine), batches)
    show("  commit, never let go (no reader gets in)", kept_open)
    indexed = path.with_name("indexed.duckdb")
    with duckdb.connect(indexed) as engine:
        engine.execute(f"ATTACH '{path}' AS plain (READ_ONLY)")
        engine.execute("CREATE TABLE point AS FROM plain.point")
        engine.execute("CREATE UNIQUE INDEX identity ON point (series_id, at_us)")
    sizes = f"file {megabytes(indexed)}, not {megabytes(path)}"
    with duckdb.connect() as engine:
        found = timed(lambda: attach(engine, indexed), batches)
    show("  attach, commit, detach, with a unique index", found, sizes)


def megabytes(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.0f} MB"


READ_ON = """
import sys, time
from twin.historian.duckdb_store import DuckDBHistorian
from twin.historian.port import Query
store = DuckDBHistorian(sys.argv[1], read_only=True)
until = time.monotonic() + float(sys.argv[2])
while time.monotonic() < until:
    began = time.perf_counter()
    store.read(Query(from_us=int(sys.argv[3]), to_us=int(sys.argv[4])))
    print((time.perf_counter() - began) * 1e3)
    time.sleep(0.1)
"""


@contextmanager
def another_process_reading(path: Path, seconds: float) -> Iterator[subprocess.Popen[str]]:
    arguments = [path, seconds, END_US - 15 * MINUTE_US, END_US]
    command = [sys.executable, "-c", READ_ON, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process


def both_at_once(store: DuckDBHistorian, path: Path, batches: Iterator[list[Point]]) -> None:
    """One batch a second, while another process reads 15 minutes ten times a second."""
    writes: list[float] = []
    with another_process_reading(path, 20) as reader:
        while reader.poll() is None:
            writes += one_write(store, batches)
            time.sleep(max(0.0, 1 - writes[-1] / 1e3))
        reads = [float(line) for line in reader.stdout or ()]
    show("write 1,000 points, every second", writes)
    show("read 15 minutes of all signals, ten times a second", reads)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--batches", type=int, default=60)
    parser.add_argument("--directory", type=Path, default=None, help="where the disk to measure is")
    options = parser.parse_args()
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, "
        f"Python {platform.python_version()}, DuckDB {duckdb.__version__}"
    )
    with tempfile.TemporaryDirectory(dir=options.directory) as name:
        path = Path(name) / "history.duckdb"
        with closing(DuckDBHistorian(path)) as store:
            rate = fill(store, options.rows)
            print(
                f"filled with {options.rows:,} rows at {rate:,.0f} rows/s, "
                f"batches of 100,000; file {megabytes(path)}\n"
            )
            print(f"{'':<58}{'median':>9}{'p95':>9}{'min':>9}{'max':>9}{'n':>5}   ms")
            batches = new_batches()
            found = [x for _ in range(options.batches) for x in one_write(store, batches)]
            rate = 1e6 / statistics.median(found)
            show("write 1,000 points", found, f"{rate:,.0f} rows/s")
            last = next(batches)
            store.write(last)
            show("  the same ones again", timed(lambda: store.write(last), 20))
            late = [Point(p.series, START_US + n * DAY_US // 1000, 1) for n, p in enumerate(last)]
            show("  late ones, all over the day", timed(lambda: store.write(late), 20))
            quarter = Query(from_us=END_US - 15 * MINUTE_US, to_us=END_US)
            found = timed(lambda: store.read(quarter), 20)
            show("read 15 minutes of all signals", found, f"{len(store.read(quarter)):,} rows")
            found = timed(lambda: store.sampled(quarter, 10_000_000), 20)
            rows = len(store.sampled(quarter, 10_000_000))
            show("  brought down to a row every 10 s", found, f"{rows:,} rows")
            of_one = Query(unit="STK042", signal="signal_7")
            found = timed(lambda: store.read(of_one), 20)
            show("read a day of one signal", found, f"{len(store.read(of_one)):,} rows")
            show("read the newest of every signal", timed(lambda: store.last(Query()), 10))
            for suffix in (".parquet", ".csv"):
                target = path.with_suffix(suffix)
                found = timed(partial(store.export, Query(), target), 1)
                show(f"export everything to {suffix}", found, megabytes(target))
                target.unlink()
            print("\nboth at once, in two processes")
            both_at_once(store, path, batches)
        print("\nDuckDB's part of a commit, by how the file is shared")
        copy = shutil.copy(path, path.with_name("copy.duckdb"))
        compare_ways(Path(copy), options.batches)


def one_write(store: DuckDBHistorian, batches: Iterator[list[Point]]) -> list[float]:
    batch = next(batches)
    return timed(lambda: store.write(batch), 1)


if __name__ == "__main__":
    main()
