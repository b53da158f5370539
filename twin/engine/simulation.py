"""Simulate a line over a span of time or up to a condition, with a warm-up that isn't counted."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, Protocol

from twin.engine.counters import Counters
from twin.engine.events import EventLog, Events
from twin.engine.kernel import KernelEngine, kernel_library
from twin.engine.redraw import redrawn
from twin.engine.results import Results
from twin.engine.simpy_engine import SimpyEngine
from twin.engine.snapshot import Snapshot
from twin.engine.stops import Stop, check_stop, counted_from
from twin.errors import EngineError, QuantityError
from twin.model.line import Line
from twin.model.quantity import parse_duration

__all__ = ["Engine", "EngineName", "open_engine", "resolved_engine", "simulate"]

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

    def advance_until(self, to_us: int, stop: Stop) -> bool:
        """Run on as `advance` does, or right up to the event that brings a condition about."""

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


def resolved_engine(engine: EngineName) -> Literal["simpy", "kernel"]:
    """Which engine a name means here; says once if the compiled one is missing."""
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
        if resolved_engine(engine) == "simpy":
            return SimpyEngine.from_snapshot(line, start, replication=replication, log=log)
        taken = None if log is None else log.add_block
        return KernelEngine.from_snapshot(line, start, replication=replication, on_events=taken)
    seed = 1 if seed is None else seed
    replication, start_us = replication or 0, start_us or 0
    if resolved_engine(engine) == "simpy":
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
    seed: int | None = None,
    replications: int = 1,
    warmup: int | str | None = None,
    until: int | str,
    start: Snapshot | None = None,
    stop: Stop | None = None,
    record: int | Literal["each"] | None = None,
    progress: Progress | None = None,
) -> Results:
    """Run a line, from empty or from a snapshot, and count what it does after the warm-up.

    Args:
        line: a checked line.
        engine: `simpy`, `kernel`, or `auto`: the compiled one if it is installed.
        seed: every draw follows from it; the same seed gives the same events in any process and
            in both engines. None: 1, or the snapshot's, which brings its own.
        replications: independent runs, at least 1; the compiled engine runs them in threads, one
            a processor.
        warmup: simulated and not counted; a time as `2 h`, or whole microseconds. None: as the
            line says, and none after a snapshot.
        until: how long is counted after the warm-up, greater than 0; as `warmup`.
        start: a state of the line to go on from in every replication. The first goes on as the run
            that it was taken from, the others with draws of their own, of what is left of all that
            goes on too.
        stop: what each replication stops at, if that comes before its end; counts and looks
            begin after the warm-up.
        record: which replication's events to keep, counted from 0, or those of `each`; 56 bytes an
            event, those of the warm-up too.
        progress: called now and then with the share that is done, 0 to 1.

    Returns:
        The counters of each replication, and the events that were asked for.

    Raises:
        EngineError: there is nothing to run or to stop at, or no such engine or replication; the
            snapshot is not of this line, or comes with a seed beside it.
        QuantityError: a text is no time.

    >>> from twin.engine import EventKind, GoodParts
    >>> from twin.model import Line, Station
    >>> line = Line(id="L", stations=(Station(id="A", cycle_time="2 s"),))
    >>> simulate(line, until="1 h").good_per_h().mean
    1800.0
    >>> results = simulate(line, until="1 h", stop=GoodParts("A", 3), record=0)
    >>> results.ended_us, results.stopped
    ((6000000,), (True,))
    >>> [EventKind(kind).name for kind in results.events[0]["kind"][-2:]]
    ['PART_PASSED', 'OPERATION_STARTED']
    """
    span = _micros("until", until)
    if replications < 1 or span < 1:
        raise EngineError("needs at least one replication and a span greater than 0")
    if isinstance(record, int) and not 0 <= record < replications:
        raise EngineError(
            f"can record replications 0 to {replications - 1} or 'each', got {record}"
        )
    if start is not None and seed is not None:
        raise EngineError("a snapshot brings its own seed; give none beside it")
    if stop is not None:
        check_stop(line, stop)
    name = resolved_engine(engine)
    started = 0 if start is None else start.at_us
    of_line = line.warm_up_us if start is None else 0
    counted_from_us = started + (of_line if warmup is None else _micros("warmup", warmup))
    end = counted_from_us + span
    first = 0 if start is None else start.replication
    done = [0.0] * replications

    def replicate(replication: int) -> _Replication:
        log = EventLog() if record in ("each", replication) else None
        own = redrawn(line, start, first + replication) if start and replication else start
        running = open_engine(
            line,
            name,
            seed=None if start else seed,
            replication=first + replication,
            start=own,
            log=log,
        )

        def run(to_us: int, stop: Stop | None = None) -> bool:
            stopped = False
            while running.now_us < to_us and not stopped:
                next_us = min(to_us, running.now_us + max(1, (end - started) // SLICES))
                if stop is None:
                    running.advance(next_us)
                else:
                    stopped = running.advance_until(next_us, stop)
                now = end if stopped else running.now_us
                done[replication] = (now - started) / (end - started)
                if progress is not None:
                    progress(sum(done) / replications)
            return stopped

        run(counted_from_us)
        origin = running.counters()
        stopped = run(end, stop and counted_from(line, stop, origin))
        return _Replication(
            running.counters().since(origin),
            running.now_us,
            stopped,
            None if log is None else log.events(),
        )

    if name == "simpy" or replications == 1:
        ran = tuple(map(replicate, range(replications)))
    else:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            ran = tuple(pool.map(replicate, range(replications)))
    return Results(
        line=line,
        engine=name,
        seed=start.seed if start else 1 if seed is None else seed,
        start_us=started,
        from_us=counted_from_us,
        to_us=end,
        replications=tuple(run.counters for run in ran),
        ended_us=tuple(run.ended_us for run in ran),
        stopped=tuple(run.stopped for run in ran),
        events=tuple(run.events for run in ran),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Replication:
    counters: Counters
    ended_us: int
    stopped: bool
    events: Events | None


def _micros(name: str, value: int | str) -> int:
    """Read a time; a number is whole microseconds, as in a line that Python code makes."""
    try:
        micros = parse_duration(value) if isinstance(value, str) else value
    except QuantityError as error:
        raise QuantityError(f"{name} {error}, got {value!r}") from None
    if micros < 0:
        raise EngineError(f"{name} must not be negative, got {value} us")
    return micros
