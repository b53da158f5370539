"""An answer as a file: everything that it takes to understand it, and to make it again."""

from __future__ import annotations

import base64
import hashlib
import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from twin.engine.line_mark import line_mark
from twin.engine.results import Estimate
from twin.engine.snapshot import Snapshot
from twin.errors import EngineError
from twin.model.base import Frozen
from twin.model.line_json import line_from_json, line_to_json
from twin.whatif.experiment import Answer, Plan, StoppedBy, answers
from twin.whatif.figures import FIGURES
from twin.whatif.scenario import Change, Scenario, Variant, applied
from twin.whatif.warm_up import WarmUp
from twin.whatif.workers import Workers

__all__ = ["Origin", "SavedAnswer", "differences_of", "rerun", "saved"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the parts of an experiment came from.

    Args:
        line_file: path or name of the line file; empty for a line made in Python.
        line_sha256: of the file's bytes.
        start: what the start state is called; empty: none.
        start_age_s: how old it was when the experiment began; None: unknown.
        command: the command that asked, if one did.
    """

    line_file: str = ""
    line_sha256: str = ""
    start: str = ""
    start_age_s: float | None = None
    command: str = ""


class SavedChange(Frozen):
    """A change: where, and to what."""

    path: str
    value: Any


class SavedScenario(Frozen):
    """A scenario, what it changed, and its figures, replication by replication."""

    name: str
    changes: tuple[SavedChange, ...]
    differences: tuple[str, ...]
    values: dict[str, tuple[float | None, ...]]


class SavedWarmUp(Frozen):
    """A warm-up and how it came about."""

    us: int
    how: str
    interval_us: int
    curve: tuple[float, ...]


class SavedStart(Frozen):
    """The state that every replication began from; `data` is the snapshot, base64."""

    name: str
    at_us: int
    age_s: float | None
    sha256: str
    data: str


class SavedAnswer(Frozen):
    """An answer and its provenance.

    Args:
        version: of this form.
        made_at: when, ISO 8601, UTC.
        linetwin: version of the program.
        command: what asked for it.
        line_id, line_file, line_sha256: which line; hash of the file.
        line_digest: hash of the line's behaviour.
        line: the line itself, as `line_to_json` writes it.
        engine, workers: what ran, and who.
        seed, replications, span_us, figure, precision_asked, precision_reached, stopped_by: how.
        warm_up, start: from where.
        notes: what became of the start state in the changed lines.
        scenarios: the baseline and what was compared with it.
        summary: means, intervals and quantiles, for readers; worked out anew when read.
    """

    version: Literal[1] = 1
    made_at: str
    linetwin: str
    command: str
    line_id: str
    line_file: str
    line_sha256: str
    line_digest: str
    line: str
    engine: str
    workers: str
    seed: int
    replications: int
    span_us: int
    figure: str
    precision_asked: float | None
    precision_reached: float | None
    stopped_by: StoppedBy
    warm_up: SavedWarmUp
    start: SavedStart | None
    notes: tuple[str, ...]
    scenarios: tuple[SavedScenario, ...]
    summary: dict[str, Any]

    def to_json(self) -> str:
        """Write it as JSON."""
        return self.model_dump_json(indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> SavedAnswer:
        """Read what `to_json` wrote.

        Raises:
            EngineError: it is no answer, or one of another version.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            faults = [
                f"{'.'.join(map(str, fault['loc'])) or 'file'}: {fault['msg']}"
                for fault in error.errors(include_url=False)[:5]
            ]
            raise EngineError(f"no result of a what-if: {'; '.join(faults)}") from error

    def answer(self) -> Answer:
        """The answer that was saved.

        Raises:
            EngineError: what is in the file does not fit together.
        """
        try:
            line = line_from_json(self.line)
            variants = [Variant(self.scenarios[0].name, line, ())]
            rows = [[one.values[figure.name] for figure in FIGURES] for one in self.scenarios]
            values = np.array(rows, dtype=np.float64).transpose(0, 2, 1)
            start = None if self.start is None else _snapshot(self.start)
        except (ValueError, LookupError) as error:
            raise EngineError(f"the result does not fit together: {error!r}") from error
        variants += [applied(line, scenario) for scenario in self.asked]
        if values.shape[1] != self.replications or values.shape[1] < 1:
            raise EngineError(
                f"the result does not fit together: {self.replications} replications, "
                f"and {values.shape[1]} values of each"
            )
        plan = Plan(
            span_us=self.span_us,
            start=start,
            warm_up_us=self.warm_up.us,
            seed=self.seed,
            figure=self.figure,
            precision=self.precision_asked,
            most=self.replications,
        )
        return Answer(
            plan,
            self.engine,
            WarmUp(**dict(self.warm_up)),
            tuple(variants),
            self.notes,
            np.ascontiguousarray(values),
            self.stopped_by,
        )

    @property
    def asked(self) -> list[Scenario]:
        """The scenarios as they were asked for."""
        return [
            Scenario(one.name, tuple(Change(c.path, c.value) for c in one.changes))
            for one in self.scenarios[1:]
        ]


def saved(
    answer: Answer, scenarios: tuple[Scenario, ...], origin: Origin, workers: str
) -> SavedAnswer:
    """Make an answer ready to be kept.

    Args:
        answer: what was found.
        scenarios: as they were asked for.
        origin: where the line and the start came from.
        workers: who ran, in words.
    """
    line, plan = answer.variants[0].line, answer.plan
    changes: list[tuple[Change, ...]] = [(), *(scenario.changes for scenario in scenarios)]
    kept = tuple(
        SavedScenario(
            name=variant.name,
            changes=tuple(SavedChange(path=c.path, value=c.value) for c in changes[i]),
            differences=tuple(map(str, variant.differences)),
            values={
                figure.name: tuple(map(_or_none, answer.of(i, figure.name).tolist()))
                for figure in FIGURES
            },
        )
        for i, variant in enumerate(answer.variants)
    )
    return SavedAnswer(
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        linetwin=version("linetwin"),
        command=origin.command,
        line_id=line.id,
        line_file=origin.line_file,
        line_sha256=origin.line_sha256,
        line_digest=line_mark(line).digest,
        line=line_to_json(line),
        engine=answer.engine,
        workers=workers,
        seed=plan.seed,
        replications=answer.replications,
        span_us=plan.span_us,
        figure=plan.figure,
        precision_asked=plan.precision,
        precision_reached=_or_none(answer.precision),
        stopped_by=answer.stopped_by,
        warm_up=SavedWarmUp(
            us=answer.warm_up.us,
            how=answer.warm_up.how,
            interval_us=answer.warm_up.interval_us,
            curve=answer.warm_up.curve,
        ),
        start=None if plan.start is None else _saved_start(plan.start, origin),
        notes=answer.notes,
        scenarios=kept,
        summary=_summary(answer),
    )


def _or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _saved_start(start: Snapshot, origin: Origin) -> SavedStart:
    data = start.to_bytes()
    return SavedStart(
        name=origin.start,
        at_us=start.at_us,
        age_s=origin.start_age_s,
        sha256=hashlib.sha256(data).hexdigest(),
        data=base64.b64encode(data).decode("ascii"),
    )


def _snapshot(start: SavedStart) -> Snapshot:
    data = base64.b64decode(start.data)
    if hashlib.sha256(data).hexdigest() != start.sha256:
        raise EngineError("the result's start state is damaged: its hash is another one")
    return Snapshot.from_bytes(data)


def _summary(answer: Answer) -> dict[str, Any]:
    def estimate(found: Estimate) -> dict[str, float | None]:
        half = found.half_width_95
        return {
            "mean": _or_none(found.mean),
            "half_width_95": None if half is None else _or_none(half),
        }

    summary: dict[str, Any] = {}
    for i, variant in enumerate(answer.variants):
        figures = {}
        for figure in FIGURES:
            shares = [answer.quantile(i, share, figure.name) for share in (0.05, 0.5, 0.95)]
            figures[figure.name] = {
                **estimate(answer.mean(i, figure.name)),
                "difference": estimate(answer.gain(i, figure.name)) if i else None,
                "quantiles": {
                    f"{q.share:g}": {"value": _or_none(q.value), "low_95": q.low, "high_95": q.high}
                    for q in shares
                },
            }
        summary[variant.name] = figures
    return summary


def rerun(kept: SavedAnswer, workers: Workers) -> Answer:
    """Make a saved answer again, from nothing but what it says of itself.

    Args:
        kept: the result.
        workers: who runs; it need not be who ran before.

    Returns:
        The answer now; `differences_of` says whether it is the same.

    Raises:
        EngineError: the result does not fit together, or its engine is not installed.
    """
    before = kept.answer()
    plan = replace(before.plan, precision=None)
    *_, last = answers(before.variants[0].line, kept.asked, plan=plan, workers=workers)
    return replace(last, plan=before.plan, warm_up=before.warm_up, stopped_by=before.stopped_by)


def differences_of(before: Answer, now: Answer) -> list[str]:
    """Where two answers are not the same, bit for bit; empty if nowhere."""
    if before.values.shape != now.values.shape:
        return [f"{before.values.shape} values before, {now.values.shape} now"]
    unlike = _bits(before.values) != _bits(now.values)
    found = []
    for i, n, f in zip(*np.nonzero(unlike), strict=True):
        was, became = before.values[i, n, f], now.values[i, n, f]
        name = before.variants[i].name
        found.append(f"{name}, replication {n}, {FIGURES[f].name}: {was!r}, now {became!r}")
    return found


def _bits(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Values as bits, so that NaN equals NaN and 0 is not -0."""
    same_nan = np.where(np.isnan(values), np.nan, values)
    return np.ascontiguousarray(same_nan).view(np.int64)
