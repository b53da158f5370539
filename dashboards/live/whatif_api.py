"""Asking what-if on the page, and the answers that are kept."""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from dashboards.live.experiments import Asked, Experiment, figures_of
from dashboards.live.guard import HEADERS, REPORT_POLICY
from dashboards.live.knobs import knobs_of
from dashboards.live.page import Page, wrong
from dashboards.live.present import present_state
from dashboards.live.users import Role
from lines.loader import packaged
from twin.errors import LinetwinError, ScenarioError
from twin.model.line import Line
from twin.whatif.experiment import Plan
from twin.whatif.figures import FIGURES
from twin.whatif.report_html import html_report
from twin.whatif.result import Origin, SavedAnswer
from twin.whatif.scenario import Scenario, applied
from twin.whatif.scenario_file import change_from_text

__all__ = ["whatif_api"]

HOUR_US = 3_600_000_000
MOST_CHANGES = 30


class Question(BaseModel):
    """What somebody wants to know.

    Args:
        line: the line's id.
        title: what they call it.
        changes: as on the command line, `stations.STK.machines=6`; none: the line as it is.
        span_h: hours that each replication counts.
        start: `empty`; `steady`: after the line's warm-up; or `present`: from the state in which
            the plant is now, as far as the twin knows it.
        figure: what is compared.
        precision: half-width at which the answer is good enough, as a share of the mean.
        seed: the same one, the same answer.
    """

    line: str
    title: str = Field(default="what if", min_length=1, max_length=80)
    changes: list[str] = Field(default_factory=list, max_length=MOST_CHANGES)
    span_h: float = Field(default=168.0, gt=0, le=24 * 60)
    start: Literal["empty", "steady", "present"] = "steady"
    figure: str = "good_per_h"
    precision: float = Field(default=0.005, ge=0.0005, lt=0.5)
    seed: int = Field(default=1, ge=0, le=2**31 - 1)


def whatif_api(page: Page) -> APIRouter:
    """The routes of `/api/v1` that are about what-if."""
    api = APIRouter(tags=["what-if"])
    offered = {line_id: knobs_of(line) for line_id, line in page.lines.items()}

    @api.get("/lines/{line_id}/knobs")
    async def knobs(request: Request, line_id: str) -> list[dict[str, Any]]:
        """What the page offers to change."""
        page.guard.need(request, Role.VIEW)
        return [
            {
                "path": knob.path,
                "of": knob.of,
                "name": {"en": knob.name.en, "zh": knob.name.zh},
                "kind": knob.kind,
                "now": knob.now,
                "low": knob.low,
                "high": knob.high,
            }
            for knob in offered[page.line(line_id).id]
        ]

    @api.post("/whatif", status_code=202)
    async def ask(request: Request, question: Question) -> dict[str, str]:
        """Ask; the answer grows under its id. Takes the role operate."""
        session = page.guard.need(request, Role.OPERATE)
        line = page.line(question.line)
        wait_s = page.guard.whatifs.wait_s(session.user, time.monotonic())
        if wait_s:
            retry = {"Retry-After": str(int(wait_s) + 1)}
            raise HTTPException(429, f"too many what-ifs; wait {wait_s:.0f} s", headers=retry)
        asked = await run_in_threadpool(_asked, page, line, question, session.user)
        try:
            one = page.experiments.ask(asked)
        except LinetwinError as error:
            raise HTTPException(429, str(error)) from None
        said = ", ".join(question.changes) or "as it is"
        page.audit(session, "what-if", f"{line.id} {one.id}: {said}")
        return {"id": one.id}

    @api.get("/whatif")
    async def kept(request: Request) -> list[dict[str, Any]]:
        """The answers that are kept, the newest first."""
        page.guard.need(request, Role.VIEW)
        found = await run_in_threadpool(page.notebook.answers)
        return [
            {"id": a.id, "at_us": a.at_us, "who": a.who, "line": a.line, "title": a.title}
            for a in found
        ]

    @api.get("/whatif/{answer_id}")
    async def answer(request: Request, answer_id: str) -> dict[str, Any]:
        """An answer as it stands."""
        page.guard.need(request, Role.VIEW)
        one = page.experiments.of(answer_id)
        if one is not None:
            return _progress(one)
        return await run_in_threadpool(_kept_answer, page, answer_id)

    @api.delete("/whatif/{answer_id}")
    async def stop(request: Request, answer_id: str) -> dict[str, str]:
        """End one that runs, with the answer so far."""
        session = page.guard.need(request, Role.OPERATE)
        one = page.experiments.of(answer_id)
        if one is None:
            raise HTTPException(404, f"no what-if {answer_id!r} is on its way")
        one.stop.set()
        page.audit(session, "what-if ended", answer_id)
        return {"status": "ending"}

    @api.get("/whatif/{answer_id}/report", response_class=HTMLResponse)
    async def report(request: Request, answer_id: str) -> HTMLResponse:
        """An answer's report: one file that needs nothing else."""
        page.guard.need(request, Role.VIEW)
        text = await run_in_threadpool(lambda: html_report(_saved(page, answer_id)))
        disposition = f'attachment; filename="whatif-{answer_id}.html"'
        headers = HEADERS | {
            "Content-Security-Policy": REPORT_POLICY,
            "Content-Disposition": disposition,
        }
        return HTMLResponse(text, headers=headers)

    return api


def _asked(page: Page, line: Line, question: Question, who: str) -> Asked:
    if question.figure not in [figure.name for figure in FIGURES]:
        names = ", ".join(figure.name for figure in FIGURES)
        raise wrong("figure", f"figure must be one of {names}")
    scenarios: tuple[Scenario, ...] = ()
    if question.changes:
        try:
            changes = tuple(change_from_text(text) for text in question.changes)
            scenarios = (Scenario(question.title, changes),)
            applied(line, scenarios[0])
        except ScenarioError as error:
            raise wrong("changes", *(str(fault) for fault in error.faults[:20])) from None
    warm_up_us = line.warm_up_us if question.start == "steady" else 0
    name = page.line_files.get(line.id, line.id)
    origin = Origin(name, _sha256(name))
    start = None
    if question.start == "present":
        present = present_state(page, line.id, question.seed)
        start = present.snapshot
        at = datetime.fromtimestamp(present.at_us / 1e6, ZoneInfo(line.time_zone))
        origin = replace(origin, start=f"the plant's state at {at:%Y-%m-%d %H:%M:%S}")
    plan = Plan(
        start=start,
        span_us=max(1, round(question.span_h * HOUR_US)),
        warm_up_us=(warm_up_us or None) if question.start == "steady" else 0,
        seed=question.seed,
        figure=question.figure,
        precision=question.precision,
    )
    return Asked(line, scenarios, plan, origin, who, question.title)


def _sha256(name: str) -> str:
    path = Path(name) if Path(name).is_file() else packaged().get(name)
    return hashlib.sha256(path.read_bytes()).hexdigest() if path else ""


def _progress(one: Experiment) -> dict[str, Any]:
    answer, plan = one.answer, one.asked.plan
    return {
        "id": one.id,
        "line": one.asked.line.id,
        "title": one.asked.title,
        "who": one.asked.who,
        "at_us": one.at_us,
        "state": one.state,
        "error": one.error,
        "figure": plan.figure,
        "precision_asked": plan.precision,
        "precision": None if answer is None else _finite(answer.precision),
        "replications": 0 if answer is None else answer.replications,
        "stopped_by": "" if answer is None else answer.stopped_by,
        "variants": [] if answer is None else figures_of(answer),
    }


def _finite(value: float) -> float | None:
    return value if abs(value) < float("inf") else None


def _saved(page: Page, answer_id: str) -> SavedAnswer:
    one = page.experiments.of(answer_id)
    if one is not None and one.kept is not None:
        return one.kept
    kept = page.notebook.answer(answer_id)
    if kept is None:
        raise HTTPException(404, f"no answer {answer_id!r} is kept")
    return SavedAnswer.from_json(kept.result)


def _kept_answer(page: Page, answer_id: str) -> dict[str, Any]:
    kept = page.notebook.answer(answer_id)
    if kept is None:
        raise HTTPException(404, f"no what-if {answer_id!r} is known")
    saved = SavedAnswer.from_json(kept.result)
    return {
        "id": kept.id,
        "line": kept.line,
        "title": kept.title,
        "who": kept.who,
        "at_us": kept.at_us,
        "state": "done",
        "error": "",
        "figure": saved.figure,
        "precision_asked": saved.precision_asked,
        "precision": saved.precision_reached,
        "replications": saved.replications,
        "stopped_by": saved.stopped_by,
        "variants": figures_of(saved.answer()),
    }
