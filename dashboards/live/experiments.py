"""What-ifs that were asked for on the page: run one after the other beside the twin."""

from __future__ import annotations

import queue
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from twin.errors import LinetwinError
from twin.model.line import Line
from twin.whatif.experiment import Answer, Plan, answers
from twin.whatif.result import Origin, SavedAnswer, saved
from twin.whatif.scenario import Scenario
from twin.whatif.workers import open_workers

__all__ = ["Asked", "Experiment", "Experiments", "figures_of"]

MOST_WAITING = 8
KEPT = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """An experiment as somebody asked for it.

    Args:
        line: the line as it is.
        scenarios: what to compare with it.
        plan: how.
        origin: where its parts come from.
        who: who asked.
        title: what they call it.
    """

    line: Line
    scenarios: tuple[Scenario, ...]
    plan: Plan
    origin: Origin
    who: str
    title: str


@dataclass(slots=True)
class Experiment:
    """An experiment on its way.

    Args:
        id: its address.
        asked: what was asked.
        at_us: when, microseconds since 1970-01-01 UTC.
        state: `waiting`, `running`, `done`, `failed`.
        answer: the best so far.
        error: why it failed.
        kept: the whole answer, once done.
    """

    id: str
    asked: Asked
    at_us: int
    state: str = "waiting"
    answer: Answer | None = None
    error: str = ""
    kept: SavedAnswer | None = None
    stop: threading.Event = field(default_factory=threading.Event)


class Experiments:
    """Runs experiments in a thread of its own, one at a time, on half of the machine.

    Args:
        done: called with each that has an answer, in that thread.
        jobs: replications at the same time.
    """

    def __init__(self, done: Callable[[Experiment], None], jobs: int = 1) -> None:
        self._done = done
        self._jobs = jobs
        self._queue: queue.Queue[Experiment | None] = queue.Queue()
        self._known: dict[str, Experiment] = {}
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="what-if", daemon=True)
        self._thread.start()

    def ask(self, asked: Asked) -> Experiment:
        """Take an experiment on.

        Raises:
            LinetwinError: too many wait already.
        """
        with self._lock:
            waiting = sum(one.state in ("waiting", "running") for one in self._known.values())
            if waiting >= MOST_WAITING:
                raise LinetwinError(f"{waiting} what-ifs wait already; try again when one is done")
            one = Experiment(secrets.token_urlsafe(9), asked, time.time_ns() // 1000)
            self._known[one.id] = one
            ended = [k for k, e in self._known.items() if e.state in ("done", "failed")]
            for key in ended[: max(0, len(self._known) - KEPT)]:
                del self._known[key]
        self._queue.put(one)
        return one

    def of(self, experiment_id: str) -> Experiment | None:
        """An experiment by its address; None where it is not known, or no longer."""
        with self._lock:
            return self._known.get(experiment_id)

    def close(self) -> None:
        """End what runs, with the answer so far, and take on nothing more."""
        with self._lock:
            for one in self._known.values():
                one.stop.set()
        self._queue.put(None)
        self._thread.join(timeout=10)

    def _work(self) -> None:
        while (one := self._queue.get()) is not None:
            if one.stop.is_set():
                one.state, one.error = "failed", "ended before it began"
                continue
            one.state = "running"
            try:
                self._run(one)
            except LinetwinError as error:
                one.state, one.error = "failed", str(error)

    def _run(self, one: Experiment) -> None:
        asked = one.asked
        with open_workers(self._jobs, engine=asked.plan.engine) as workers:
            for answer in answers(asked.line, asked.scenarios, plan=asked.plan, workers=workers):
                one.answer = answer
                if one.stop.is_set():
                    if not answer.stopped_by:
                        one.answer = replace(answer, stopped_by="interrupted")
                    break
            if one.answer is None:
                one.state, one.error = "failed", "the experiment gave no answer"
                return
            one.kept = saved(one.answer, asked.scenarios, asked.origin, workers.name)
        self._done(one)
        one.state = "done"


def figures_of(answer: Answer) -> list[Mapping[str, Any]]:
    """An answer for a plot: of each variant its mean, interval and difference."""
    rows: list[Mapping[str, Any]] = []
    for i, variant in enumerate(answer.variants):
        mean, gain = answer.mean(i), answer.gain(i)
        quantiles = [answer.quantile(i, share).value for share in (0.05, 0.5, 0.95)]
        rows.append(
            {
                "name": variant.name,
                "differences": [str(difference) for difference in variant.differences],
                "mean": mean.mean,
                "half_width_95": mean.half_width_95,
                "gain": gain.mean if i else None,
                "gain_half_width_95": gain.half_width_95 if i else None,
                "quantiles": quantiles,
                "yield_ratio": answer.mean(i, "yield_ratio").mean,
                "kwh_per_unit": answer.mean(i, "kwh_per_unit").mean,
            }
        )
    return rows
