"""Simulate a line over a span of time, with a warm-up that isn't counted."""

from __future__ import annotations

from collections.abc import Callable

from twin.engine.events import EventLog
from twin.engine.results import Results
from twin.engine.simpy_engine import SimpyEngine
from twin.errors import EngineError
from twin.model.line import Line

__all__ = ["simulate"]

SLICES = 200
Progress = Callable[[float], None]


def simulate(
    line: Line,
    *,
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
        seed: every draw follows from it; the same seed gives the same events in any process.
        replications: independent runs, at least 1.
        warm_up_us: simulated and not counted; None: as the line says.
        span_us: counted after the warm-up, at least 1.
        log: where the events go, of the warm-up too; only with one replication.
        progress: called now and then with the share that is done, 0 to 1.

    Returns:
        The counters of each replication.

    Raises:
        EngineError: there is nothing to run, or one log for several replications.

    >>> from twin.model import Line, Station
    >>> line = Line(id="L", stations=(Station(id="A", cycle_time="2 s"),))
    >>> simulate(line, span_us=3_600_000_000).good_per_h().mean
    1800.0
    """
    if replications < 1 or span_us < 1:
        raise EngineError("needs at least one replication and a span greater than 0")
    if log is not None and replications > 1:
        raise EngineError("can keep the events of one replication only")
    warm_up = line.warm_up_us if warm_up_us is None else warm_up_us
    end = warm_up + span_us
    counted = []
    for replication in range(replications):
        engine = SimpyEngine(line, seed=seed, replication=replication, log=log)

        def run(to_us: int, engine: SimpyEngine = engine, before: int = replication) -> None:
            while engine.now_us < to_us:
                engine.advance(min(to_us, engine.now_us + max(1, end // SLICES)))
                if progress is not None:
                    progress((before + engine.now_us / end) / replications)

        run(warm_up)
        origin = engine.counters()
        run(end)
        counted.append(engine.counters().since(origin))
    return Results(line, "simpy", seed, warm_up, end, tuple(counted))
