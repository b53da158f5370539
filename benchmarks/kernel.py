"""Speed of the compiled engine beside SimPy's and beside the bare event list, in one run.

Both example lines, from full speed on, log off and all statistics on; the engines take turns, so
that a noisy machine treats them alike. Counted are operations completed and parts moved (good,
defective and reworked) for each second of CPU, on one core. The bare event list is
`event_list.c`, compiled for the run, with one slot for each machine: `python benchmarks/kernel.py`.
"""

from __future__ import annotations

import ctypes
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lines.loader import load
from twin.engine.counters import Counters
from twin.engine.kernel import KernelEngine
from twin.engine.simpy_engine import SimpyEngine
from twin.model import Line

RUNS = 5
WARM_UP_US = 12 * 3_600_000_000
EVENTS = 5_000_000
SPANS_US = {"tube_line": 1 * 3_600_000_000, "storage_line": 120 * 3_600_000_000}
"""How far both engines run each line in each turn: the same events in both."""


@dataclass(frozen=True, slots=True)
class Speed:
    """What an engine got done in a second of CPU."""

    operations: float
    moves: float


def _moves(counters: Counters) -> int:
    return int((counters.good + counters.defective + counters.reworked).sum())


def measured(engine: SimpyEngine | KernelEngine, span_us: int) -> Speed:
    """Run an engine on by a span and count."""
    before, began = engine.counters(), time.process_time()
    engine.advance(engine.now_us + span_us)
    spent, after = time.process_time() - began, engine.counters()
    done = int((after.completed - before.completed).sum())
    return Speed(done / spent, (_moves(after) - _moves(before)) / spent)


def event_list() -> Callable[[int, int], int]:
    """Compile `event_list.c`."""
    source = Path(__file__).with_name("event_list.c")
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "event_list.so"
        command = ["cc", "-std=c11", "-O3", "-shared", "-fPIC", str(source), "-o", str(library)]
        subprocess.run(command, check=True)
        run = ctypes.CDLL(str(library)).event_list_run
    run.argtypes, run.restype = [ctypes.c_int64, ctypes.c_int64], ctypes.c_int64
    return run


def events_per_s(run: Callable[[int, int], int], slots: int) -> float:
    """Fire events of the bare list."""
    began = time.process_time()
    run(slots, EVENTS)
    return EVENTS / (time.process_time() - began)


def _row(what: str, values: list[float], unit: str, scale: float) -> str:
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"  {what:34} {middle / scale:9.2f} {unit}  ({low / scale:.2f} to {high / scale:.2f})"


def compare(line: Line, span_us: int, run: Callable[[int, int], int]) -> None:
    """Print the figures of one line."""
    simpy, kernel = SimpyEngine(line), KernelEngine(line)
    simpy.advance(WARM_UP_US)
    kernel.advance(WARM_UP_US)
    slots = sum(station.machines for station in line.stations)
    slow: list[Speed] = []
    fast: list[Speed] = []
    bare: list[float] = []
    for _ in range(RUNS):
        slow.append(measured(simpy, span_us))
        fast.append(measured(kernel, span_us))
        bare.append(events_per_s(run, slots))
    ratios = [f.operations / s.operations for f, s in zip(fast, slow, strict=True)]
    print(f"{line.id}: {slots} machines; medians of {RUNS} turns, lowest and highest")
    print(_row("SimPy, operations/s", [s.operations for s in slow], "k", 1e3))
    print(_row("SimPy, parts moved/s", [s.moves for s in slow], "k", 1e3))
    print(_row("kernel, operations/s", [s.operations for s in fast], "M", 1e6))
    print(_row("kernel, parts moved/s", [s.moves for s in fast], "M", 1e6))
    print(_row("kernel / SimPy", ratios, "x", 1.0))
    print(_row(f"bare event list, {slots} slots", bare, "M events/s", 1e6))


def main() -> None:
    """Both lines."""
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {sys.version.split()[0]}")
    run = event_list()
    for name, span_us in SPANS_US.items():
        compare(load(name), span_us, run)


if __name__ == "__main__":
    main()
