"""The forecasts that were made of a line, beside what came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from twin.whatif.forecast_scores import Kept, scores_of

__all__ = ["foretold"]

SHOWN = 20


def foretold(rows: Sequence[Kept]) -> dict[str, Any]:
    """Put the last forecasts and how all of them did into words for the page.

    Args:
        rows: forecasts, the oldest first.

    Returns:
        `scores`: how many have been settled, the share `coverage` of what came between 5 and 95 %
        with its 95 % interval, and the mean errors `crps` and `rate_crps`; None before the first.
        `last`: the newest first: `horizon`, and `state_us` and `horizon_us` since Monday 00:00 of
        the line's time zone; `low`, `middle`, `high` and, once it has come, `outcome`, in good
        units from the state on; `target`, and the `probability` that was given for it.
    """
    settled = [row for row in rows if row.outcome is not None]
    scores: dict[str, Any] | None = None
    if settled:
        did = scores_of(settled)
        scores = {
            "count": did.count,
            "coverage": did.coverage,
            "crps": did.crps,
            "rate_crps": did.rate_crps,
        }
    return {"scores": scores, "last": [_told(row) for row in reversed(rows[-SHOWN:])]}


def _told(row: Kept) -> dict[str, Any]:
    low, middle, high = np.quantile(row.values, (0.05, 0.5, 0.95), method="weibull").tolist()
    return {
        "horizon": row.horizon,
        "state_us": row.state_us,
        "horizon_us": row.horizon_us,
        "low": low,
        "middle": middle,
        "high": high,
        "outcome": row.outcome,
        "target": row.target,
        "probability": row.probability,
    }
