"""Where runs of a line begin, in either engine: empty, or in the state of a snapshot."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Literal, Protocol

from twin.engine.counters import Counters
from twin.engine.events import EventLog
from twin.engine.kernel import KernelEngine, kernel_library
from twin.engine.kernel_start import KernelStart
from twin.engine.redraw import redrawn
from twin.engine.simpy_engine import SimpyEngine
from twin.engine.snapshot import Snapshot
from twin.engine.stops import Stop
from twin.errors import EngineError
from twin.model.line import Line

__all__ = ["Engine", "EngineName", "Opening", "open_engine", "resolved_engine"]

_log = logging.getLogger(__name__)

EngineName = Literal["auto", "simpy", "kernel"]


class Engine(Protocol):
    """What every engine can do; see `SimpyEngine`."""

    @property
    def now_us(self) -> int:
        """How far it has run; engine time."""

    def advance(self, to_us: int, stop: Stop | None = None) -> bool:
        """Run on until everything up to and at an instant has happened, or right up to the event
        that brings a condition about; whether it holds.
        """

    def counters(self) -> Counters:
        """What has been counted since the start, up to now."""

    def deliver(self, material: str, amount: float) -> None:
        """Bring material to its store now, after everything else at this instant (rule S42)."""

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


class Opening:
    """Where a line's runs begin, worked out and checked once: one more costs the compiled engine a
    fraction of a millisecond.

    Args:
        line: a checked line.
        engine: `simpy`, `kernel`, or `auto`: the compiled one if it is installed.
        seed: with the replication it fixes every draw, the same in both engines; None: 1.
        start_us: engine time at which the empty line starts; None: 0.
        start: a snapshot to go on from; it brings its own seed and time.

    Raises:
        EngineError: the compiled engine is asked for and not installed; the snapshot is not of
            this line, or comes with a seed or start beside it.

    >>> from twin.model import Line, Station
    >>> opening = Opening(Line(id="L", stations=(Station(id="A", cycle_time="2 s"),)))
    >>> [opening.opened(replication).now_us for replication in range(3)]
    [0, 0, 0]
    """

    def __init__(
        self,
        line: Line,
        engine: EngineName = "auto",
        *,
        seed: int | None = None,
        start_us: int | None = None,
        start: Snapshot | None = None,
    ) -> None:
        if start is not None and (seed is not None or start_us is not None):
            raise EngineError("a snapshot brings its own seed and time; give neither beside it")
        self._line, self._start = line, start
        self._seed = 1 if seed is None else seed
        self._start_us = start_us or 0
        self._kernel: KernelStart | None = None
        if resolved_engine(engine) == "kernel":
            self._kernel = (
                KernelStart.empty(line, self._start_us)
                if start is None
                else KernelStart.of_snapshot(line, start)
            )

    def opened(
        self,
        replication: int | None = None,
        *,
        anew: bool = False,
        log: EventLog | None = None,
    ) -> Engine:
        """One more engine at the beginning.

        Args:
            replication: of its draws; None: 0, or the snapshot's.
            anew: whether what is left of all that goes on in the snapshot is drawn anew (see
                `redrawn`), or is as it was drawn.
            log: where events go; None: nowhere.

        Raises:
            EngineError: there is no memory for it.
        """
        if self._kernel is not None:
            taken = None if log is None else log.add_block
            return KernelEngine.from_start(
                self._kernel, seed=self._seed, replication=replication, anew=anew, on_events=taken
            )
        line, start = self._line, self._start
        if start is not None:
            number = start.replication if replication is None else replication
            own = redrawn(line, start, number) if anew else start
            return SimpyEngine.from_snapshot(line, own, replication=number, log=log)
        return SimpyEngine(
            line, seed=self._seed, replication=replication or 0, start_us=self._start_us, log=log
        )


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
    opening = Opening(line, engine, seed=seed, start_us=start_us, start=start)
    return opening.opened(replication, log=log)
