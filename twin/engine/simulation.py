"""Simulate a line over a span of time, with a warm-up that isn't counted."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Literal, Protocol

from twin.engine.counters import Counters
from twin.engine.events import EventLog
from twin.engine.kernel import KernelEngine, kernel_library
from twin.engine.results import Results
from twin.engine.simpy_engine import SimpyEngine
from twin.engine.snapshot import Snapshot
from twin.errors import EngineError
from twin.model.line import Line

__all__ = ["Engine", "EngineName", "open_engine", "simulate"]

_log = logging.getLogger(__name__)

SLICES = 200
EngineName = Literal["auto", "simpy", "kernel"]
Progress = Callable[[float], None]


class Engine(Protocol):
    """What every engine can do; see `SimpyEngine`."""

    @property
    def now_us(self) -> int:
        """How far it has run; engine time."""

    def advance(self, to_us: int) -> None:
        """Run on until everything up to and at an instant has happened."""

    def counters(self) -> Counters:
        """What has been counted since the start, up to now."""

    def snapshot(self) -> Snapshot:
        """The state of the line now, the same from every engine."""


@lru_cache(maxsize=1)
def _say_once_that_the_kernel_is_missing() -> None:
    _log.warning(
        "the compiled engine is not installed (it needs a C compiler, or the package ziglang, "
        "when linetwin is installed); the SimPy engine does the work, hundreds of times slower"
    )


def _resolved(engine: EngineName) -> Literal["simpy", "kernel"]:
    if engine != "auto":
        return engine
    if kernel_library() is not None:
        return "kernel"
    _say_once_that_the_kernel_is_missing()
    return "simpy"


def open_engine(
    line: Line,
    engine: EngineName = "auto",
    *,
    seed: int | None = None,
    replication: int | None = None,
    start_us: int | None = None,
    start: Snapshot | None = None,
    log: EventLog | None = None,
) -> Engine:
    """An engine with an empty line, or with one that goes on from a snapshot.

    Args:
        line: a checked line.
        engine: `simpy`, `kernel`, or `auto`: the compiled one if it is installed.
        seed: with the replication it fixes every draw, the same in both engines; None: 1.
        replication: None: 0, or the snapshot's.
        start_us: engine time at which the empty line starts; None: 0.
        start: a snapshot to go on from; it brings its own seed and time.
        log: where events go; None: nowhere.

    Raises:
        EngineError: the compiled engine is asked for and not installed; the snapshot is not of
            this line, or comes with a seed or start beside it.
    """
    if start is not None:
        if seed is not None or start_us is not None:
            raise EngineError("a snapshot brings its own seed and time; give neither beside it")
        if _resolved(engine) == "simpy":
            return SimpyEngine.from_snapshot(line, start, replication=replication, log=log)
        taken = None if log is None else log.add_block
        return KernelEngine.from_snapshot(line, start, replication=replication, on_events=taken)
    seed = 1 if seed is None else seed
    replication, start_us = replication or 0, start_us or 0
    if _resolved(engine) == "simpy":
        return SimpyEngine(line, seed=seed, replication=replication, start_us=start_us, log=log)
    return KernelEngine(
        line,
        seed=seed,
        replication=replication,
        start_us=start_us,
        on_events=None if log is None else log.add_block,
    )


def simulate(
    line: Line,
    *,
    engine: EngineName = "auto",
    seed: int = 1,
    replications: int = 1,
    warm_up_us: int | None = None,
    span_us: int,
    log: EventLog | None = None,
    progress: Progress | None = None,
) -> Results:
    """Run a line from empty, and count what it does after the warm-up.

    Args:
        line: a checked line.
        engine: `simpy`, `kernel`, or `auto`: the compiled one if it is installed.
        seed: every draw follows from it; the same seed gives the same events in any process and
            in both engines.
        replications: independent runs, at least 1; the compiled engine runs them in threads, one
            a processor.
        warm_up_us: simulated and not counted; None: as the line says.
        span_us: counted after the warm-up, at least 1.
        log: where the events go, of the warm-up too; only with one replication.
        progress: called now and then with the share that is done, 0 to 1.

    Returns:
        The counters of each replication.

    Raises:
        EngineError: there is nothing to run, one log for several replications, or no such engine.

    >>> from twin.model import Line, Station
    >>> line = Line(id="L", stations=(Station(id="A", cycle_time="2 s"),))
    >>> simulate(line, span_us=3_600_000_000).good_per_h().mean
    1800.0
    """
    if replications < 1 or span_us < 1:
        raise EngineError("needs at least one replication and a span greater than 0")
    if log is not None and replications > 1:
        raise EngineError("can keep the events of one replication only")
    name = _resolved(engine)
    warm_up = line.warm_up_us if warm_up_us is None else warm_up_us
    end = warm_up + span_us
    done = [0.0] * replications

    def replicate(replication: int) -> Counters:
        running = open_engine(line, name, seed=seed, replication=replication, log=log)

        def run(to_us: int) -> None:
            while running.now_us < to_us:
                running.advance(min(to_us, running.now_us + max(1, end // SLICES)))
                done[replication] = running.now_us / end
                if progress is not None:
                    progress(sum(done) / replications)

        run(warm_up)
        origin = running.counters()
        run(end)
        return running.counters().since(origin)

    if name == "simpy" or replications == 1:
        counted = tuple(map(replicate, range(replications)))
    else:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            counted = tuple(pool.map(replicate, range(replications)))
    return Results(line, name, seed, warm_up, end, counted)
