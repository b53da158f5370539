"""A line simulated for a table: what `twin energy` and `twin labour` share."""

from __future__ import annotations

from typing import Annotated

import typer

from twin.cli.numbers import number, whole
from twin.cli.screen import progress_bar
from twin.engine.results import Results
from twin.engine.simulation import EngineName, simulate
from twin.model.line import Line

__all__ = ["Days", "Times", "simulated"]

DAY_US = 86_400_000_000

Days = Annotated[
    float,
    typer.Option(
        parser=number("--days", 0.01, 3650),
        metavar="NUMBER",
        help="That each replication counts, after the line's warm-up.",
    ),
]
Times = Annotated[
    int,
    typer.Option(
        parser=whole("--replications", 2, 10_000), metavar="NUMBER", help="Independent runs."
    ),
]


def simulated(line: Line, days: float, replications: int, seed: int, engine: EngineName) -> Results:
    """Simulate a line with its own warm-up, its progress on show."""
    with progress_bar(f"simulating {line.id}") as progress:
        return simulate(
            line,
            engine=engine,
            seed=seed,
            replications=replications,
            until=round(days * DAY_US),
            progress=progress,
        )
