"""Stored forecasts, held to what came: `twin forecast scores`."""

from __future__ import annotations

from pathlib import Path

from twin.cli.screen import STDOUT, print_json
from twin.cli.snapshot import read_snapshot
from twin.errors import UsageError
from twin.historian.duckdb_store.forecasts import ForecastStore
from twin.model.line import Line
from twin.whatif.forecast_scores import made_by, scores_of
from twin.whatif.words import spoken_time

__all__ = ["show_scores"]


def _settle(store: ForecastStore, line: Line, path: Path) -> None:
    """Say what came of the forecasts that end at a later state of their run."""
    later = read_snapshot(path)
    mark, at = later.line, spoken_time(later.at_us)
    if mark.id != line.id:
        raise UsageError(f"--came: {path} is a state of {mark.id} and not of {line.id}")
    made = made_by(line, later)
    if store.settle(mark.id, mark.digest, horizon_us=later.at_us, made=made):
        return
    waiting = sorted({row.horizon_us for row in store.rows(line.id) if row.outcome is None})
    ends = ", ".join(map(spoken_time, waiting))
    remedy = f"forecasts that wait end at {ends}" if waiting else "no forecast waits"
    raise UsageError(f"--came: {path} is at {at}, and no forecast ends there; {remedy}")


def show_scores(store: ForecastStore, line: Line | None, came: list[Path], as_json_: bool) -> None:
    """Say what came where that is known now, and print how the stored forecasts did.

    Args:
        store: where they are; it outlives the twin that filled it.
        line: of this line only.
        came: later states of the same runs.
        as_json_: for a program.

    Raises:
        UsageError: a state is not one that a forecast waits for.
        EngineError: nothing has come yet.
    """
    for path in came:
        if line is None:
            raise UsageError("--came needs the line: twin forecast scores LINE --came FILE")
        _settle(store, line, path)
    found = scores_of(store.rows(None if line is None else line.id))
    if as_json_:
        print_json({name: getattr(found, name) for name in found.__slots__})
        return
    if found.waiting:
        which = "forecast waits" if found.waiting == 1 else "forecasts wait"
        STDOUT.print(f"{found.waiting} {which} for what comes, or nobody saw it.", highlight=False)
    low, high = found.coverage[1:]
    which = "forecast has" if found.count == 1 else "forecasts have"
    STDOUT.print(f"{found.count} {which} been scored.", highlight=False)
    STDOUT.print(
        f"{found.coverage[0]:.1%} of what came lay between 5 and 95 % (95 % interval {low:.1%} to "
        f"{high:.1%}; 90 % is right).",
        highlight=False, soft_wrap=True,
    )  # fmt: skip
    beside = "" if found.rate_crps is None else f"; rate times time {found.rate_crps:,.2f}"
    STDOUT.print(f"CRPS {found.crps:,.2f}{beside}; less is better.", highlight=False)
    if found.brier is not None and found.promised is not None and found.reached is not None:
        STDOUT.print(
            f"The target was reached in {found.reached:.1%}, and {found.promised:.1%} were "
            f"promised (Brier score {found.brier:.3f}).",
            highlight=False, soft_wrap=True,
        )  # fmt: skip
