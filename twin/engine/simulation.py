"""Simulate a line over a span of time or up to a condition, with a warm-up that isn't counted."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from twin.engine.counters import Counters
from twin.engine.events import EventLog, Events
from twin.engine.opening import Engine, EngineName, Opening, open_engine, resolved_engine
from twin.engine.results import Results
from twin.engine.snapshot import Snapshot
from twin.engine.stops import Stop, check_stop, counted_from
from twin.errors import EngineError, QuantityError
from twin.model.line import Line
from twin.model.quantity import parse_duration

__all__ = ["Engine", "EngineName", "open_engine", "resolved_engine", "simulate"]

FINE = 1 << 18
SLICE_S = 0.1
MOST_PLACE_US = (1 << 63) - 1
Progress = Callable[[float], None]


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
    halted: Callable[[], bool] = lambda: False,
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
        halted: asked now and then, from any thread, whether to end with what has been counted so
            far: the replications that are whole, or, before the first, what there is of each.

    Returns:
        The counters of each replication, and the events that were asked for.

    Raises:
        EngineError: there is nothing to run or to stop at, or no such engine or replication; the
            snapshot is not of this line, or comes with a seed beside it; it was halted before
            anything was counted; the span is longer than a station's place-time can be counted (29
            years of 10,000 places).
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
    _check_countable(line, end - started)
    first = 0 if start is None else start.replication
    opening = Opening(line, name, seed=seed, start=start)
    done = [0.0] * replications

    def replicate(replication: int) -> _Replication:
        log = EventLog() if record in ("each", replication) else None
        running = opening.opened(
            first + replication, anew=start is not None and replication > 0, log=log
        )

        slice_us = max(1, (end - started) // FINE)

        def run(to_us: int, stop: Stop | None = None) -> bool:
            nonlocal slice_us
            stopped, now = False, running.now_us
            while now < to_us and not stopped and not halted():
                began_s = time.perf_counter()
                stopped = running.advance(min(to_us, now + slice_us), stop)
                # However slow a line is, it can be halted; however quick, its threads rarely come
                # back and wait for each other. What it does depends on no slice.
                quick = time.perf_counter() - began_s < SLICE_S
                slice_us = 2 * slice_us if quick else max(1, slice_us // 2)
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
    whole = tuple(run for run in ran if run.stopped or run.ended_us == end)
    interrupted = len(whole) < len(ran)
    if interrupted:
        ran = whole or tuple(run for run in ran if run.ended_us > counted_from_us)
        if not ran:
            raise EngineError("it was halted before anything was counted")
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
        interrupted=interrupted,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Replication:
    counters: Counters
    ended_us: int
    stopped: bool
    events: Events | None


def _check_countable(line: Line, span_us: int) -> None:
    """See to it that the times of all places of a station add up to less than 2^63 us."""
    biggest = max(line.stations, key=lambda station: station.machines * station.places)
    most_us = MOST_PLACE_US // (biggest.machines * biggest.places)
    if span_us > most_us:
        raise EngineError(
            f"can't count {span_us} us of station {biggest.id} with {biggest.machines} x "
            f"{biggest.places} places: at most {most_us} us, warm-up included; begin anew from a "
            "snapshot"
        )


def _micros(name: str, value: int | str) -> int:
    """Read a time; a number is whole microseconds, as in a line that Python code makes."""
    try:
        micros = parse_duration(value) if isinstance(value, str) else value
    except QuantityError as error:
        raise QuantityError(f"{name} {error}, got {value!r}") from None
    if micros < 0:
        raise EngineError(f"{name} must not be negative, got {value} us")
    return micros
