"""What the routes of the page share."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from fastapi import HTTPException

from dashboards.live.board import Board
from dashboards.live.experiments import Experiments
from dashboards.live.guard import Guard
from dashboards.live.notebook import AuditEntry, Notebook
from dashboards.live.sessions import Session
from dashboards.live.watched import Watched, WatchedLine
from twin.model.line import Line

__all__ = ["Page", "now_us", "wrong"]


def now_us() -> int:
    """Now by the twin's clock, microseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1000


def wrong(where: str, *faults: str) -> HTTPException:
    """What a request that can't be meant so is answered: 422, in the form that the API describes.

    Args:
        where: the field that is wrong.
        faults: what is wrong with it.
    """
    return HTTPException(
        422, [{"loc": [where], "msg": fault, "type": "value_error"} for fault in faults]
    )


@dataclass(slots=True)
class Page:
    """Everything that the page is served from.

    Args:
        watched: the lines and their history.
        board: their live values; keys are `<line>|<key>`, and `health`.
        guard: who may do what.
        notebook: what people did.
        experiments: what-ifs that are on their way.
        line_files: path or packaged name of each line, by its id.
        closing: whether the page is about to end.
    """

    watched: Watched
    board: Board
    guard: Guard
    notebook: Notebook
    experiments: Experiments
    line_files: dict[str, str]
    lines: dict[str, Line] = field(init=False)
    closing: bool = False

    def __post_init__(self) -> None:
        self.lines = {one.line.id: one.line for one in self.watched.lines}

    def line(self, line_id: str) -> Line:
        """A watched line.

        Raises:
            HTTPException: 404, there is none of that id.
        """
        line = self.lines.get(line_id)
        if line is None:
            known = ", ".join(self.lines)
            raise HTTPException(404, f"no line {line_id!r} is watched; there are: {known}")
        return line

    def watched_line(self, line_id: str) -> WatchedLine:
        """A line with what is known of it; see `line` for one that is not watched."""
        self.line(line_id)
        return next(one for one in self.watched.lines if one.line.id == line_id)

    def audit(self, session: Session | None, action: str, detail: str = "", who: str = "") -> None:
        """Write down what somebody did, or tried."""
        name = session.user if session else who
        role = session.role.name.lower() if session else ""
        self.notebook.audit(AuditEntry(now_us(), name[:64], role, action, detail[:500]))
