"""What a plant puts out from the state that its signals tell: the exact distribution holds.

The plant is in a given state, its PLCs say so, a mirror hears it, and what is put together from the
mirror is run on.
"""

from __future__ import annotations

import numpy as np
import pytest
from exact_values import LOOK_AHEAD, LookAhead
from given_states import GivenState
from plant_seen import Published, connected
from test_look_ahead import OTHERS, assert_drawn_from, exact, moments, needs_kernel
from theory_lines import S

from twin.engine.opening import Opening
from twin.engine.plant import SimulatedPlant
from twin.live.restored import restored


@needs_kernel
@pytest.mark.parametrize("case", [*LOOK_AHEAD, *OTHERS], ids=lambda case: case.name)
def test_look_ahead_from_signals(case: LookAhead) -> None:
    replications, horizons = 1000, list(case.means)
    given = GivenState(case.plan, case.start)
    start = given.snapshot(np.random.default_rng(1))
    published = Published(SimulatedPlant(given.line, start=start))
    mirror = connected(given.line)
    mirror.handle(published.scan(start.at_us))
    found = restored(mirror)
    assert not found.unheard_us
    opening = Opening(given.line, "kernel", start=found.snapshot)
    values = np.zeros((replications, len(horizons)), dtype=np.int64)
    for k in range(replications):
        running = opening.opened(k + 1, anew=True)
        before = int(running.counters().good[-1])
        for column, horizon in enumerate(horizons):
            running.advance(found.snapshot.at_us + horizon * S)
            values[k, column] = int(running.counters().good[-1]) - before
    for column, pmf in zip(values.T, exact(case).values(), strict=True):
        mean, variance = moments(pmf)
        assert abs(column.mean() - mean) < 3.5 * (variance / replications) ** 0.5
        assert_drawn_from(column, pmf)
