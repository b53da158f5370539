"""A forecast of the state that a mirror knows, made in a process of its own.

To put the state of a full line together takes Python up to seconds, in which a twin that did it
itself would hear no PLC. The process gets the mirror by its standard input and gives its answer by
its standard output; it gives way to the twin and ends with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import sys
import time
from dataclasses import dataclass, replace

from twin.errors import LinetwinError
from twin.live.inferred import Levels
from twin.live.mirror import Mirror
from twin.live.restored import restored
from twin.twin_signals import ForecastReport
from twin.whatif.forecast import Forecast, State, forecast
from twin.whatif.forecast_scores import Kept, kept
from twin.whatif.horizons import Horizon
from twin.whatif.workers import open_workers

__all__ = ["Answer", "Asked", "answer_of", "answered", "main"]

FUTURES = 59
"""The 3rd smallest and largest of 59 hold 90 % of what comes."""
NICENESS = 10
BEGIN = (
    f"import os; hasattr(os, 'nice') and os.nice({NICENESS}); "
    f"from {__name__} import main; raise SystemExit(main())"
)
"""It gives way before it imports anything: that takes longer than most forecasts."""
LONGEST_S = 300.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be forecast.

    Args:
        mirror: of a line that is watched.
        levels: of the same mirror.
        seed: of the futures, and of what no signal says.
        horizon: up to when.
        good_units: off the line so far.
        target_units: that should be off the line by then; None: nobody said.
    """

    mirror: Mirror
    levels: Levels
    seed: int
    horizon: Horizon
    good_units: float
    target_units: float | None


@dataclass(frozen=True, slots=True)
class Answer:
    """A forecast.

    Args:
        at_us: when the state was so, microseconds since 1970-01-01 UTC by the plant's clock.
        report: as the twin's signals say it.
        kept: as it is stored.
    """

    at_us: int
    report: ForecastReport
    kept: Kept


def answered(asked: Asked) -> Answer:
    """Make the forecast here.

    Raises:
        EngineError: there is no state yet, or the horizon is over.
    """
    line, horizon = asked.mirror.line, asked.horizon
    state = restored(asked.mirror, seed=asked.seed, levels=asked.levels)
    targets = {}
    if asked.target_units is not None:
        targets = {horizon.name: asked.target_units - asked.good_units}
    begins = State(state.snapshot, unknown=state.unheard_us, name="the live twin")
    with open_workers(jobs=1, engine="kernel") as workers:
        made = forecast(
            line, begins, horizons=[horizon], targets=targets, replications=FUTURES,
            seed=asked.seed, engine="kernel", workers=workers,
        )  # fmt: skip
    (row,) = kept(made, time.time_ns() // 1000)
    return Answer(state.at_us, _told(made, asked), replace(row, plant_us=state.at_us))


def _told(made: Forecast, asked: Asked) -> ForecastReport:
    (outlook,) = made.outlooks
    reaches, so_far = outlook.reaches, asked.good_units
    return ForecastReport(
        forecast_low_units=so_far + outlook.quantile(0.05),
        forecast_units=so_far + outlook.quantile(0.5),
        forecast_high_units=so_far + outlook.quantile(0.95),
        forecast_target_units=asked.target_units,
        forecast_reach_ratio=(
            None if reaches is None or asked.target_units is None else reaches.share
        ),
    )


async def answer_of(asked: Asked) -> Answer:
    """Have the forecast made in a process of its own; cancelled, it is killed.

    Raises:
        LinetwinError: it can't be made; the text says why.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", BEGIN),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(LONGEST_S):
            told, said = await process.communicate(pickle.dumps(asked))
    except TimeoutError:
        raise LinetwinError(f"it was not made in {LONGEST_S:.0f} s") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode:
        words = said.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        raise LinetwinError(f"its process ended with {process.returncode}: {words[-1]}")
    found = pickle.loads(told)  # noqa: S301 - written by our own process
    assert isinstance(found, Answer)  # noqa: S101 - it writes nothing else
    return found


def main() -> int:
    """Answer what standard input asks; 1 and its reason where that can't be done."""
    asked = pickle.load(sys.stdin.buffer)  # noqa: S301 - written by our own twin
    try:
        found = answered(asked)
    except LinetwinError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.buffer.write(pickle.dumps(found))
    return 0
