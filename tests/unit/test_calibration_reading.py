"""What a history is taken to tell: cut at the split, at gaps and at connections that broke."""

from __future__ import annotations

import numpy as np
import pytest

from lines.loader import load_text
from twin.calibration.calibrate import calibrate
from twin.calibration.finding import Outcome
from twin.calibration.scores import crps_s, log_score
from twin.calibration.seen import gaps, look_through, span_of
from twin.calibration.times import Times
from twin.historian.memory import MemoryHistorian
from twin.historian.port import Point, Series
from twin.model import durations as d

S = 1_000_000
EXECUTE, ABORTED = 6.0, 9.0
LINE = load_text(
    "id: L\nstations: [{id: A, cycle_time: 10 s, failures: [{id: jam, "
    "mtbf: {distribution: exponential, mean: 1 h}, mttr: 1 min}]}]\n"
)


def store_of(*told: tuple[str, str, float, float]) -> MemoryHistorian:
    store = MemoryHistorian()
    store.write([Point(Series("L", unit, signal), round(at * S), value)
                 for unit, signal, at, value in told])  # fmt: skip
    return store


def failure(at: float, lasts: float) -> list[tuple[str, str, float, float]]:
    return [("A01", "state_current", at, ABORTED), ("A01", "stop_reason", at, 1.0),
            ("A01", "state_current", at + lasts, EXECUTE),
            ("A01", "stop_reason", at + lasts, 0.0)]  # fmt: skip


def works(*at: float) -> list[tuple[str, str, float, float]]:
    return [("A01", "state_current", each, EXECUTE) for each in at]


def watched(*between: tuple[int, int]) -> list[tuple[str, str, float, float]]:
    """What the twin says of the line while it watches it."""
    return [("", "good_units", at, at) for low, high in between for at in range(low, high, 5)]


def jam(store: MemoryHistorian, held_back: float = 1 / 3):
    span = span_of(store, LINE, None, None, held_back)
    assert span is not None
    seen = look_through(store, LINE, span)
    return seen.uptimes["A", "jam"], seen.repairs["A", "jam"]


def test_what_goes_on_at_the_split_was_known_to_last_so_long() -> None:
    store = store_of(*works(0), *failure(100, 20), *failure(420, 60), *works(600))
    ups, repairs = jam(store, held_back=0.25)  # at 450 s, in the second repair
    early, every = ups.times(before=True), ups.times(before=False)
    assert (early.rest_s.tolist(), early.exact_s.tolist()) == ([100.0], [300.0])
    assert early.longer_s.tolist() == []
    assert every.longer_s.tolist() == pytest.approx([120.0])
    assert repairs.times(before=True).longer_s.tolist() == pytest.approx([30.0])
    assert repairs.times(before=False).exact_s.tolist() == [20.0, 60.0]


def test_nothing_is_known_of_a_gap() -> None:
    told = (*works(0), *failure(60, 20), *works(3600), *failure(3700, 10), *works(4000))
    store = store_of(*told, *watched((0, 300), (3540, 4000)))
    span = span_of(store, LINE, None, None, 1 / 3)
    assert span is not None
    assert gaps(store, LINE, span) == [(300 * S, 3540 * S)]
    every = jam(store)[0].times(before=False)
    assert every.longer_s.tolist() == pytest.approx([220.0, 290.0])
    assert every.rest_s.tolist() == [60.0, 100.0]
    assert every.exact_s.tolist() == []


def test_a_recording_has_a_hole_where_nothing_changes_for_long() -> None:
    store = store_of(*works(0), *failure(60, 20), *works(400), *works(4000), *failure(4060, 9))
    span = span_of(store, LINE, None, None, 1 / 3)
    assert span is not None
    assert gaps(store, LINE, span) == [(420 * S, 3960 * S)]


def test_a_connection_that_breaks_cuts_what_its_machines_did() -> None:
    told = (*works(0), *failure(60, 20), *works(500), *failure(560, 20), *works(700))
    broken = (("PLC", "connected", 200.0, 0.0), ("PLC", "connected", 205.0, 0.0))
    every = jam(store_of(*told, *broken, *watched((0, 700))))[0].times(before=False)
    assert every.longer_s.tolist() == pytest.approx([120.0, 120.0])
    assert every.rest_s.tolist() == [60.0, 60.0]


def test_no_history_is_no_span_and_little_changes_nothing() -> None:
    assert span_of(MemoryHistorian(), LINE, None, None, 1 / 3) is None
    store = store_of(*works(0), *failure(60, 20), ("A01", "cycle_time_s", 90, 12.0))
    span = span_of(store, LINE, None, None, 1 / 3)
    assert span is not None
    _, found = calibrate(store, LINE, span, lambda path, value: "s")
    assert {one.outcome for one in found} == {Outcome.TOO_FEW}
    assert [one.needed for one in found] == [30, 20, 20]


@pytest.mark.parametrize("wrong", [0.8, 1.25])
def test_nothing_scores_better_than_the_truth(wrong: float) -> None:
    rng = np.random.default_rng(7)
    drawn = rng.exponential(100, 4000)
    cut = np.minimum(drawn, 120)
    times = Times(
        exact_s=drawn[drawn < 120], longer_s=cut[drawn >= 120], rest_s=rng.exponential(100, 500)
    )
    true = d.Exponential(distribution="exponential", mean="100 s")
    other = d.Exponential(distribution="exponential", mean_us=round(100e6 * wrong))
    assert crps_s(true, drawn) < crps_s(other, drawn)
    assert log_score(true, times) > log_score(other, times)
    # CRPS of an exponential distribution at y, in closed form, on average: half of its mean.
    assert crps_s(true, drawn) == pytest.approx(50, rel=0.03)
