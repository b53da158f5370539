"""A trace: every event of one run, hashed, and written to a file if wanted."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path

from twin.engine.events import EventLog
from twin.engine.line_mark import line_mark
from twin.engine.simulation import EngineName, open_engine, resolved_engine
from twin.engine.snapshot import Snapshot
from twin.engine.trace_diff import Difference, Happened, compare_traces, tell
from twin.engine.trace_file import Trace, TraceWriter, open_trace
from twin.engine.trace_header import BufferEnds, TraceHeader
from twin.errors import EngineError
from twin.model.line import Line

__all__ = [
    "Difference",
    "Happened",
    "Trace",
    "TraceHeader",
    "compare_traces",
    "open_trace",
    "record_trace",
    "tell",
]

SLICES = 400
RUNNING = 0.7
"""Share of the work in running, where a file is written afterwards: an estimate, for the bar."""

Progress = Callable[[float], None]


def record_trace(
    line: Line,
    *,
    until_us: int,
    engine: EngineName = "auto",
    seed: int | None = None,
    replication: int | None = None,
    start: Snapshot | None = None,
    out: Path | None = None,
    progress: Progress | None = None,
) -> TraceHeader:
    """Run a line and hash all its events; with a file, write them too.

    Memory stays bounded: events go to disk in blocks as they come.

    Args:
        line: a checked line.
        until_us: how long it runs, microseconds, at least 0.
        engine: `simpy`, `kernel`, or `auto`: the compiled one if it is installed.
        seed, replication: with them every draw is fixed; None: 1 and 0, or the snapshot's.
        start: a snapshot to go on from; None: an empty line at engine time 0.
        out: `.parquet` or `.csv`, written whole or not at all; None: only the hash is wanted.
        progress: called now and then with the share that is done, 0 to 1.

    Returns:
        What stands at the head of the file; `digest` is the hash.

    Raises:
        EngineError: the line can't run so, or the snapshot isn't of it.
        TraceError: the file can't be written.

    >>> from twin.model import Line, Station
    >>> line = Line(id="L", stations=(Station(id="A", cycle_time="2 s"),))
    >>> by_simpy = record_trace(line, until_us=3_600_000_000, engine="simpy")
    >>> by_kernel = record_trace(line, until_us=3_600_000_000)
    >>> by_simpy.events, by_simpy.digest == by_kernel.digest
    (5402, True)
    """
    if until_us < 0:
        raise EngineError(f"can't run for {until_us} us")
    name = resolved_engine(engine)
    share = 1.0 if out is None else RUNNING
    with ExitStack() as stack:
        writer = None if out is None else stack.enter_context(TraceWriter(line, out))
        log = EventLog(keep=False, to=None if writer is None else writer.add)
        running = open_engine(line, name, seed=seed, replication=replication, start=start, log=log)
        began = running.now_us
        for done in range(1, SLICES + 1):
            running.advance(began + until_us * done // SLICES)
            if progress is not None:
                progress(share * done / SLICES)
        log.flush()
        header = TraceHeader(
            linetwin=version("linetwin"),
            line=line_mark(line),
            engine=name,
            seed=start.seed if start else 1 if seed is None else seed,
            replication=replication
            if replication is not None
            else start.replication
            if start
            else 0,
            from_us=began,
            to_us=running.now_us,
            events=log.count,
            digest=log.digest(),
            buffers={b.id: BufferEnds(sources=b.sources, sinks=b.sinks) for b in line.buffers},
        )
        if writer is not None:
            writer.write(
                header,
                None if progress is None else lambda done: progress(share + (1 - share) * done),
            )
    if progress is not None:
        progress(1.0)
    return header
