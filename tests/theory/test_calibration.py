"""A plant that is not as its line file says is found to be as it is, from a day of its points."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hidden_plant import SMALL, hidden_line, record, truth_of, value_at
from scipy import stats

from lines.edits import unit_at
from lines.loader import load, load_text, plants, read_text
from lines.spans import spans
from twin.calibration.calibrate import HELD_BACK, calibrate
from twin.calibration.finding import Finding, Outcome
from twin.calibration.judging import Figure, judge
from twin.calibration.seen import span_of
from twin.calibration.times import Times
from twin.calibration.together import judge_together
from twin.historian.memory import MemoryHistorian
from twin.model import durations as d
from twin.model.line import Line

EXPONENTIAL = d.Exponential(distribution="exponential", mean="1 h")
LOGNORMAL = d.Lognormal(distribution="lognormal", mean="1 h", sigma=0.7)
PATH = ("stations", 0, "failures", 0, "mttr")


def calibrated(text: str, really: Line, seed: int, hours: float, warm_h: float) -> list[Finding]:
    line, root, store = load_text(text), spans(text), MemoryHistorian()
    record(store, really, seed=seed, hours=hours, warm_h=warm_h)
    span = span_of(store, line, None, None, HELD_BACK)
    assert span is not None
    return calibrate(store, line, span, lambda path, value: unit_at(root, path, value))[1]


@dataclass(frozen=True)
class Told:
    """A number that was fitted, or what a station's failures that were fitted together make up."""

    kind: str
    seen: int
    mean: float
    low: float
    high: float
    truth: float


def told(found: list[Finding], really: Line) -> list[Told]:
    made, groups = [], defaultdict(list)
    for one in found:
        kind = str(one.path[4] if one.path[2] == "failures" else one.path[2])
        if one.together:
            groups[one.station, kind].append(one)
        elif one.fitted is not None:
            truth = truth_of(really, one.path)
            made.append(Told(kind, one.seen, one.mean, one.low, one.high, truth))
    for (_, kind), of in groups.items():
        # Each of them may have changed by a factor of its own: what is found is the sum of all.
        def whole(value: Callable[[Finding], float], of=of, kind=kind) -> float:
            if kind == "mtbf":
                return 1 / sum(1 / value(one) for one in of)
            return sum(one.seen * value(one) for one in of) / sum(one.seen for one in of)

        made.append(
            Told(
                kind,
                of[0].together,
                whole(lambda one: one.mean),
                whole(lambda one: one.low),
                whole(lambda one: one.high),
                whole(lambda one: truth_of(really, one.path)),
            )
        )
    return made


def checked(found: list[Finding], really: Line) -> str:
    """Hold findings to the truth; return what was counted, in words."""
    numbers = told(found, really)
    errors = {
        kind: [abs(one.mean / one.truth - 1) for one in numbers if (one.kind == kind)
               and one.seen >= 30]
        for kind in ("cycle_time", "mtbf", "mttr")
    }  # fmt: skip
    held = sum(one.low * (1 - 1e-3) <= one.truth <= one.high * (1 + 1e-3) for one in numbers)
    families = [
        one.fitted.distribution == value_at(really, one.path).distribution
        for one in found
        if not isinstance(one.fitted, float | None) and not one.together
    ]
    # 95 % of the intervals should hold the truth; fewer than this come once in a thousand times.
    assert held >= stats.binom.ppf(0.001, len(numbers), 0.95), (held, len(numbers))
    assert np.mean(families) >= 0.8
    assert np.median(errors["cycle_time"]) < 0.001
    shown = "; ".join(
        f"{kind}: {len(of)} with 30 or more, {sum(e < limit for e in of)} within {limit:.0%}, "
        f"median error {np.median(of):.3%}, worst {max(of):.2%}"
        for (kind, of), limit in zip(errors.items(), (0.01, 0.1, 0.1), strict=True)
        if of
    )
    return (
        f"{shown}; {held} of {len(numbers)} intervals hold the truth; family right in "
        f"{sum(families)} of {len(families)}"
    )


@pytest.mark.parametrize(
    "seed", [4, *(pytest.param(seed, marks=pytest.mark.nightly) for seed in range(5, 15))]
)
def test_a_small_line_is_found_from_a_day_of_points(seed: int) -> None:
    really = hidden_line(load_text(SMALL), seed)
    found = calibrated(SMALL, really, seed, hours=24, warm_h=24)
    sys.stdout.write(f"small line, seed {seed}: {checked(found, really)}\n")
    cycles = [one for one in found if one.what == "cycle time"]
    assert [one.outcome for one in cycles] == [Outcome.CHANGED] * 3
    for one in cycles:
        assert one.mean == pytest.approx(truth_of(really, one.path), rel=0.01)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", plants())
def test_both_lines_are_found_from_a_day_of_points(name: str, seed: int) -> None:
    really = hidden_line(load(name), seed)
    found = calibrated(read_text(name)[1], really, seed, hours=24, warm_h=96)
    sys.stdout.write(f"{name}, seed {seed}: {checked(found, really)}\n")


def figures(rng: np.random.Generator, counts: tuple[int, ...], factor: float) -> list[Figure]:
    made = []
    for count in counts:
        seen = 3600 * factor * rng.lognormal(-(0.7**2) / 2, 0.7, count)
        every, early = Times(exact_s=seen), Times(exact_s=seen[: count * 2 // 3])
        made.append(Figure(PATH, "A", "time to repair", "repair", LOGNORMAL, "h", every, early))
    return made


def outcomes(make: Callable[[], list[Figure]], count: int) -> list[list[Finding]]:
    return [judge_together(made, [judge(one) for one in made]) for made in
            (make() for _ in range(count))]  # fmt: skip


def test_failures_too_rare_one_by_one_are_judged_together() -> None:
    rng = np.random.default_rng(7)
    for found in outcomes(lambda: figures(rng, (9, 12, 15), 2.0), 20):
        assert {one.together for one in found} == {36}
        assert {one.outcome for one in found} <= {Outcome.CHANGED, Outcome.REFUSED}
        assert all(one.low < one.mean < one.high for one in found)
    means = [one[0].mean for one in outcomes(lambda: figures(rng, (9, 12, 15), 2.0), 40)]
    assert np.mean(means) == pytest.approx(7200, rel=0.05)
    ((alone, few),) = outcomes(lambda: figures(rng, (200, 5), 2.0), 1)
    assert (alone.outcome, few.outcome) == (Outcome.CHANGED, Outcome.TOO_FEW)


def test_what_is_as_the_line_file_says_is_left_alone() -> None:
    rng = np.random.default_rng(11)
    found = [judge(figures(rng, (60,), 1.0)[0]) for _ in range(60)]
    assert sum(one.outcome is Outcome.KEPT for one in found) >= 50
    together = outcomes(lambda: figures(rng, (10, 12), 1.0), 60)
    assert sum(one[0].outcome is Outcome.KEPT for one in together) >= 50


def test_a_fit_of_what_has_changed_since_is_refused() -> None:
    """Two thirds of the time repairs took twice as long; then they are as the file says again."""
    rng = np.random.default_rng(13)
    early, late = figures(rng, (60,), 2.5)[0].every, figures(rng, (30,), 1.0)[0].every
    every = Times(exact_s=np.concatenate([early.exact_s, late.exact_s]))
    figure = Figure(PATH, "A", "time to repair", "repair", LOGNORMAL, "h", every, early)
    found = judge(figure)
    assert found.outcome is Outcome.REFUSED
    assert found.fitted_score > found.present_score


def test_a_constant_of_which_hardly_any_word_comes_without_a_stop() -> None:
    """A stop in each operation; of one no word came, and that alone says what is not so."""
    rng = np.random.default_rng(17)
    low = 2337 + rng.uniform(-2, 0, 29)
    every = Times(exact_s=np.array([2514.0]), low_s=low, high_s=low + 2)
    early = Times(low_s=low[:20], high_s=low[:20] + 2)
    present = d.Constant(mean="2571 s")
    path = ("stations", 0, "cycle_time")
    found = judge(Figure(path, "A", "cycle time", "cycle", present, "s", every, early, early, 30))
    assert found.outcome is Outcome.CHANGED
    assert found.mean == pytest.approx(2337, rel=1e-3)


def test_what_no_family_fits_is_proposed_as_it_was_measured() -> None:
    rng = np.random.default_rng(19)

    def two_kinds(count: int) -> Times:
        kinds = rng.random(count) < 0.5
        return Times(
            exact_s=np.where(kinds, rng.normal(10, 0.3, count), rng.normal(20, 0.3, count))
        )

    early, late = two_kinds(800), two_kinds(400)
    every = Times(exact_s=np.concatenate([early.exact_s, late.exact_s]))
    present = d.Normal(distribution="normal", mean="15 s", cv=0.3)
    path = ("stations", 0, "cycle_time")
    found = judge(Figure(path, "A", "cycle time", "cycle", present, "s", every, early, late))
    assert found.outcome is Outcome.CHANGED
    assert found.fits is False
    assert isinstance(found.fitted, d.Empirical)
    assert found.mean == pytest.approx(15, rel=0.03)
