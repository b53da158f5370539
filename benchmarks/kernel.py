"""Speed of the compiled engine beside SimPy's and beside the bare event list, in one run.

The plain line and both example lines, from full speed on, log off and all statistics on. The
SimPy engine goes on from the compiled one's snapshot. They take turns, so that a noisy machine
treats them alike. Counted are operations completed and
parts moved (good, defective and reworked) for each second of CPU, on one core. The bare event list
is `event_list.c`, compiled for the run, with one slot for each place, as a place has one pending
event: `python benchmarks/kernel.py`.
"""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from figures import machine, show
from plain_line import plain_line

from lines.loader import load
from twin.engine.counters import Counters
from twin.engine.kernel import KernelEngine
from twin.engine.simpy_engine import SimpyEngine
from twin.model import Line

TURNS = 9
EVENTS = 5_000_000
HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Case:
    """A line, and how far both engines run it before the turns and in each: the same events."""

    line: Line
    warm_up_us: int
    span_us: int
    over_simpy: float | None


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


def compare(case: Case, run: Callable[[int, int], int]) -> None:
    """Print the figures of one line."""
    line = case.line
    kernel = KernelEngine(line)
    kernel.advance(case.warm_up_us)
    simpy = SimpyEngine.from_snapshot(line, kernel.snapshot())
    slots = sum(station.machines * station.places for station in line.stations)
    slow: list[Speed] = []
    fast: list[Speed] = []
    bare: list[float] = []
    for _ in range(TURNS):
        slow.append(measured(simpy, case.span_us))
        fast.append(measured(kernel, case.span_us))
        bare.append(events_per_s(run, slots))
    over_simpy = [f.operations / s.operations for f, s in zip(fast, slow, strict=True)]
    operation = [b / f.operations for f, b in zip(fast, bare, strict=True)]
    move = [b / f.moves for f, b in zip(fast, bare, strict=True)]
    show(f"{line.id}: SimPy, operations/s", [s.operations for s in slow], "k", scale=1e3)
    show(f"{line.id}: SimPy, parts moved/s", [s.moves for s in slow], "k", scale=1e3)
    show(f"{line.id}: kernel, operations/s", [s.operations for s in fast], "M", scale=1e6)
    show(f"{line.id}: kernel, parts moved/s", [s.moves for s in fast], "M", scale=1e6)
    show(f"{line.id}: kernel / SimPy", over_simpy, "times", least=case.over_simpy)
    show(f"{line.id}: bare event list, {slots} slots, events/s", bare, "M", scale=1e6)
    show(f"{line.id}: an operation / an event of the bare list", operation, "times")
    show(f"{line.id}: a part moved / an event of the bare list", move, "times", most=6)


def main() -> None:
    """The plain line and both example lines."""
    print(f"{machine()}; median of {TURNS} turns, lowest to highest, what is wanted")
    run = event_list()
    for case in (
        Case(plain_line(), 2 * HOUR_US, 2 * HOUR_US, None),
        Case(load("tube_line"), 13 * HOUR_US, HOUR_US, 250),
        Case(load("storage_line"), 120 * HOUR_US, 96 * HOUR_US, 250),
    ):
        compare(case, run)


if __name__ == "__main__":
    main()
