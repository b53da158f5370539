"""Fits are what scipy's are, say how sure they are, and find the family where it can be found."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from twin.calibration.families import FAMILIES
from twin.calibration.fitting import best_fit, fit_family, fits_well, interval
from twin.calibration.times import Times

POINTS = {
    "exponential": (60.0,),
    "gamma": (60.0, 0.5),
    "lognormal": (60.0, 0.7),
    "weibull": (60.0, 2.0),
    "normal": (60.0, 0.2),
}


def drawn(name: str, count: int, rng: np.random.Generator) -> np.ndarray:
    family = FAMILIES[name]
    arguments, scale = family.arguments(POINTS[name])
    return family.scipy.rvs(*arguments, scale, size=count, random_state=rng)


def watched(name: str, machines: int, span_s: float, rng: np.random.Generator) -> Times:
    """Times to failure of machines that have run for long, watched for some time (no repairs)."""
    exact, longer, rest, longer_rest = [], [], [], []
    for _ in range(machines):
        ends = np.cumsum(drawn(name, 400, rng)) - 10_000
        ends = ends[ends > 0]
        first = ends[0]
        (rest if first < span_s else longer_rest).append(min(first, span_s))
        inside = ends[ends < span_s]
        exact += list(np.diff(inside))
        if len(inside):
            longer.append(span_s - inside[-1])
    return Times(
        exact_s=np.array(exact),
        longer_s=np.array(longer),
        rest_s=np.array(rest),
        longer_rest_s=np.array(longer_rest),
    )


@pytest.mark.parametrize("name", POINTS)
def test_a_fit_is_scipys_own(name: str) -> None:
    """Where all times are whole or right-censored, scipy.stats fits the same."""
    x = drawn(name, 300, np.random.default_rng(7))
    cut = x > 90
    times = Times(exact_s=x[~cut], longer_s=np.full(cut.sum(), 90.0))
    fit = fit_family(FAMILIES[name], times)
    data = stats.CensoredData(uncensored=x[~cut], right=np.full(cut.sum(), 90.0))
    named = FAMILIES[name].scipy
    held = {} if name == "normal" else {"floc": 0}
    theirs = named.fit(data, **held)
    mean = named(*theirs).mean()
    assert fit.point[0] == pytest.approx(mean, rel=2e-3)
    assert (
        fit.log_likelihood
        >= named(*theirs).logpdf(x[~cut]).sum()
        + cut.sum() * float(named(*theirs).logsf(90.0))
        - 0.01
    )


@pytest.mark.parametrize("name", ["gamma", "lognormal", "weibull", "exponential"])
def test_times_that_were_cut_off_count_as_such(name: str) -> None:
    """A window as long as two mean times, of many machines: whoever takes what ended is wrong."""
    rng = np.random.default_rng(11)
    times = watched(name, 2000, 120.0, rng)
    fit = fit_family(FAMILIES[name], times)
    assert fit.point == pytest.approx(POINTS[name], rel=0.05)
    assert times.exact_s.mean() < 0.85 * POINTS[name][0]


@pytest.mark.parametrize("name", POINTS)
def test_an_interval_holds_the_truth_as_often_as_it_says(name: str) -> None:
    rng = np.random.default_rng(13)
    held, of = 0, 60
    for _ in range(of):
        times = Times(exact_s=drawn(name, 40, rng))
        low, high = interval(fit_family(FAMILIES[name], times), times)
        held += low <= POINTS[name][0] <= high
    assert stats.binomtest(held, of, 0.95).pvalue > 0.001, held / of


@pytest.mark.parametrize("name", POINTS)
def test_the_family_is_found(name: str) -> None:
    rng = np.random.default_rng(17)
    found = [best_fit(Times(exact_s=drawn(name, 400, rng)))[0].family.name for _ in range(20)]
    assert found.count(name) >= 16, found


def test_of_two_that_hardly_differ_the_line_files_is_kept() -> None:
    rng = np.random.default_rng(19)
    times = [Times(exact_s=60 + 2 * rng.standard_normal(60)) for _ in range(10)]
    for present in ("normal", "lognormal", "gamma"):
        found = [best_fit(one, present=present)[0].family.name for one in times]
        assert found.count(present) >= 8
    assert best_fit(times[0], present="exponential")[0].family.name != "exponential"


@pytest.mark.parametrize("name", POINTS)
def test_a_good_fit_is_refused_once_in_a_hundred_times(name: str) -> None:
    rng = np.random.default_rng(23)
    refused, of = 0, 100
    for _ in range(of):
        times = Times(exact_s=drawn(name, 60, rng))
        refused += not fits_well(fit_family(FAMILIES[name], times), times)[0]
    assert stats.binomtest(refused, of, 0.01).pvalue > 0.001, refused / of


def test_a_good_fit_of_times_that_were_cut_off_is_none_the_worse() -> None:
    rng = np.random.default_rng(29)
    refused = 0
    for _ in range(60):
        times = watched("weibull", 40, 120.0, rng)
        refused += not fits_well(fit_family(FAMILIES["weibull"], times), times)[0]
    assert refused <= 3
    times = watched("lognormal", 400, 120.0, rng)
    assert not fits_well(fit_family(FAMILIES["exponential"], times), times)[0]
