"""A forecast in rows of text and as a document for programs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from twin.whatif.forecast import Coming, Forecast, Outlook
from twin.whatif.words import spoken_time

__all__ = ["COMING_HEADINGS", "HEADINGS", "as_json", "coming_rows", "facts", "rows"]

HEADINGS = ("by", "5 %", "50 %", "95 %", "target", "reached with probability", "rate x time")
COMING_HEADINGS = ("what", "comes", "probability", "after 5 %", "50 %", "95 %")
SHARES = (0.05, 0.5, 0.95)
MOST_STOPS = 5
LIKELY = 0.05
INTERVALS = (
    "5 to 95 % holds nine of ten outcomes, if the line is as its file says; the probability's own "
    "interval is that of so many futures (Clopper, Pearson)"
)


def rows(made: Forecast) -> list[tuple[str, ...]]:
    """What is made by each horizon, and when an order is done."""
    found = []
    for outlook in made.outlooks:
        reaches = outlook.reaches
        found.append(
            (
                f"{outlook.horizon.name} ({spoken_time(outlook.horizon.at_us)})",
                *(f"{outlook.quantile(share):,.0f}" for share in SHARES),
                "" if outlook.target is None else f"{outlook.target:,.0f}",
                "" if reaches is None else _chance(reaches.share, reaches.low, reaches.high),
                "" if outlook.rate_times_time is None else f"{outlook.rate_times_time:,.0f}",
            )
        )
    if made.order is not None:
        begin = made.state.now_us
        when = np.quantile(made.order_us, SHARES, method="inverted_cdf")
        left = (
            "later" if math.isinf(us) else f"in {spoken_time(round(us - begin, -6))}" for us in when
        )
        found.append((f"order of {made.order:,.0f} done", *left, "", "", ""))
    return found


def _chance(share: float, low: float, high: float) -> str:
    return f"{share:.1%} ({low:.1%} to {high:.1%})"


def coming_rows(made: Forecast) -> list[tuple[str, ...]]:
    """The stops that come first, and what buffers run empty or full and are not so now."""

    def order(one: Coming) -> tuple[float, float]:
        return (one.after_us[1], -one.chance.share)

    stops = sorted((c for c in made.coming if c.kind == "stop"), key=order)[:MOST_STOPS]
    levels = sorted(
        (
            one
            for one in made.coming
            if one.kind != "stop" and not one.now and one.chance.share >= LIKELY
        ),
        key=order,
    )
    words = {"stop": "a machine stops", "empty": "runs empty", "full": "runs full"}
    return [
        (
            one.what,
            words[one.kind],
            _chance(one.chance.share, one.chance.low, one.chance.high),
            *(spoken_time(us) for us in one.after_us),
        )
        for one in [*stops, *levels]
    ]


def facts(made: Forecast) -> list[tuple[str, str]]:
    """How it was made, and what it began with."""
    state = made.state
    silent = ", ".join(f"{name} for {spoken_time(us)}" for name, us in state.unknown.items())
    stop = made.planned_stop_us
    begin = f"engine time {spoken_time(state.snapshot.at_us)}, {spoken_time(state.age_us)} old"
    return [
        ("state", f"{state.name or 'given'}, {begin}"),
        ("unknown", f"nothing heard of {silent}: drawn" if silent else "nothing"),
        ("planned stop", "none" if stop is None else f"at {spoken_time(stop)}"),
        ("futures", f"{made.replications}, seed {made.seed}, engine {made.engine}"),
        ("times left", "drawn given how long each has gone on"),
        ("intervals", INTERVALS),
    ]


def _outlook(outlook: Outlook) -> dict[str, Any]:
    reaches = outlook.reaches
    return {
        "horizon": outlook.horizon.name,
        "at_us": outlook.horizon.at_us,
        "quantiles": {f"{share:g}": outlook.quantile(share) for share in SHARES},
        "mean": float(outlook.values.mean()),
        "target": outlook.target,
        "probability": None
        if reaches is None
        else {"share": reaches.share, "low_95": reaches.low, "high_95": reaches.high},
        "rate_times_time": outlook.rate_times_time,
    }


def as_json(made: Forecast) -> dict[str, Any]:
    """The object that `twin forecast --json` prints; other programs rely on its names."""
    order = None
    if made.order is not None:
        when = np.quantile(made.order_us, SHARES, method="inverted_cdf")
        order = {
            "units": made.order,
            "done_us": {
                f"{share:g}": None if math.isinf(us) else int(us)
                for share, us in zip(SHARES, when, strict=True)
            },
        }
    return {
        "line": made.line.id,
        "state": {
            "name": made.state.name,
            "at_us": made.state.snapshot.at_us,
            "age_us": made.state.age_us,
            "unknown_us": dict(made.state.unknown),
        },
        "replications": made.replications,
        "whole": made.whole,
        "seed": made.seed,
        "engine": made.engine,
        "outlooks": [_outlook(outlook) for outlook in made.outlooks],
        "order": order,
        "planned_stop_us": made.planned_stop_us,
        "coming": [
            {
                "what": one.what,
                "kind": one.kind,
                "now": one.now,
                "probability": {
                    "share": one.chance.share,
                    "low_95": one.chance.low,
                    "high_95": one.chance.high,
                },
                "after_us": dict(zip(map("{:g}".format, SHARES), one.after_us, strict=True)),
            }
            for one in made.coming
        ],
    }
