"""Experiments: the same answer whoever works, kept and made again bit for bit, honest when cut."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lines.loader import load
from twin import whatif
from twin.engine.simulation import open_engine, simulate
from twin.errors import EngineError
from twin.model.line import Line
from twin.whatif.estimates import quantile
from twin.whatif.figures import FIGURES, Readings
from twin.whatif.run import Run, counted
from twin.whatif.warm_up import mser

HOUR_US = 3_600_000_000
MIN_US = 60_000_000
PLAN = whatif.Plan(span_us=20 * MIN_US, warm_up_us=2 * MIN_US, precision=None, most=7)
BIGGER = whatif.Scenario.of("bigger", {"buffers.*.capacity": "x2"})
SLOWER = whatif.Scenario.of("slower", {"stations.M3.cycle_time": "+20%"})


@pytest.fixture(scope="module")
def line() -> Line:
    return load("five_stations")


@pytest.fixture(scope="module")
def whole(line: Line) -> whatif.Answer:
    with whatif.open_workers(jobs=1) as one:
        return whatif.compare(line, [BIGGER, SLOWER], plan=PLAN, workers=one)


def _same(a: whatif.Answer, b: whatif.Answer) -> bool:
    return a.values.tobytes() == b.values.tobytes()


@pytest.mark.parametrize("jobs", [2, 3, 8])
def test_the_number_of_threads_changes_no_bit(line: Line, whole: whatif.Answer, jobs: int) -> None:
    with whatif.open_workers(jobs=jobs) as workers:
        assert _same(whatif.compare(line, [BIGGER, SLOWER], plan=PLAN, workers=workers), whole)


def test_processes_with_simpy_change_no_bit(line: Line) -> None:
    plan = replace(PLAN, span_us=2 * MIN_US, most=4)
    with whatif.open_workers(jobs=1) as one:
        kernel = whatif.compare(line, [SLOWER], plan=plan, workers=one)
    with whatif.open_workers(jobs=2, engine="simpy") as processes:
        assert "processes" in processes.name
        simpy = whatif.compare(
            line, [SLOWER], plan=replace(plan, engine="simpy"), workers=processes
        )
    assert simpy.engine == "simpy"
    assert _same(simpy, kernel)


def test_a_process_that_is_killed_costs_time_and_not_the_answer() -> None:
    with whatif.open_workers(jobs=2, engine="simpy") as workers:
        me = os.getpid()
        tasks = [(number, me, number == 3) for number in range(8)]
        done = dict(workers.results(_killed_once, tasks))
    assert done == {number: number * number for number in range(8)}


def _killed_once(number: int, parent: int, dies: bool) -> int:
    flag = f"/tmp/linetwin-test-killed-{parent}"  # noqa: S108 - both processes must know it
    if dies and not os.path.exists(flag):  # noqa: PTH110
        with open(flag, "w", encoding="utf-8"):  # noqa: PTH123
            pass
        os.kill(os.getpid(), signal.SIGKILL)
    if dies:
        os.unlink(flag)  # noqa: PTH108
    return number * number


class _Breaks(ThreadPoolExecutor):
    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_exception(BrokenProcessPool("died"))
        return future


def test_a_job_that_kills_every_worker_is_given_up() -> None:
    asked = []

    def executor() -> Executor:
        asked.append(1)
        return _Breaks(1)

    workers = whatif.Workers("w", 1, 1, executor)
    with pytest.raises(EngineError, match="5 times a worker died"):
        list(workers.results(abs, [(1,)]))
    assert len(asked) == 5


def test_random_numbers_are_common(whole: whatif.Answer) -> None:
    """The draws of a replication don't depend on the line: paired differences vary little."""
    paired = np.var(whole.of(1) - whole.of(0), ddof=1)
    assert paired < np.var(whole.of(1), ddof=1) + np.var(whole.of(0), ddof=1)


def test_an_answer_gets_better_until_it_is_precise(line: Line) -> None:
    plan = replace(PLAN, precision=0.004, least=10, most=500)
    with whatif.open_workers(jobs=2) as workers:
        found = list(whatif.answers(line, [BIGGER], plan=plan, workers=workers))
    counts = [answer.replications for answer in found]
    assert counts == sorted(counts)
    assert [answer.stopped_by for answer in found[:-1]] == [""] * (len(found) - 1)
    assert found[-1].stopped_by == "precision"
    assert found[-1].precision <= 0.004
    assert 10 <= found[-1].replications < 500


def test_an_answer_that_never_gets_precise_says_so(line: Line) -> None:
    plan = replace(PLAN, span_us=MIN_US, precision=1e-6, least=10, most=12)
    with whatif.open_workers(jobs=2) as workers:
        answer = whatif.compare(line, [BIGGER], plan=plan, workers=workers)
    assert (answer.stopped_by, answer.replications) == ("replications", 12)


def test_when_the_time_is_up_the_answer_so_far_is_given(line: Line) -> None:
    plan = replace(PLAN, most=100_000, budget_s=0.0)
    with whatif.open_workers(jobs=1) as one:
        answer = whatif.compare(line, [BIGGER], plan=plan, workers=one)
    assert answer.stopped_by == "time"
    assert 2 <= answer.replications < 100


def test_figures_are_those_of_simulate() -> None:
    storage = load("storage_line")
    run = Run(storage, None, 3, 0, 8 * 24 * HOUR_US, "auto")
    figures = Readings.of(storage).figures(*counted(run, 0))
    results = simulate(storage, seed=3, warmup=0, until=8 * 24 * HOUR_US)
    expected = [
        results.good_per_h().mean,
        results.good_units(results.replications[0]),
        results.yield_ratio().mean,
        results.kwh_per_unit().mean,
    ]
    assert figures == pytest.approx(expected, rel=1e-12)
    assert figures[1] > 0


def test_no_replication_from_a_snapshot_knows_the_plants_own_future(line: Line) -> None:
    plant = open_engine(line, seed=1)
    plant.advance(HOUR_US)
    start = plant.snapshot()
    plant.advance(HOUR_US + 20 * MIN_US)
    future = plant.counters().since(open_engine(line, start=start).counters())
    run = Run(line, start, 1, 0, 20 * MIN_US, "auto")
    for replication in range(5):
        counters, begin, _ = counted(run, replication)
        assert begin == HOUR_US
        assert counters.good.tolist() != future.good.tolist()


def test_a_changed_line_goes_on_from_the_lines_own_state(line: Line) -> None:
    plant = open_engine(line, seed=5)
    plant.advance(HOUR_US)
    plan = replace(PLAN, start=plant.snapshot(), warm_up_us=0, figure="good")
    smaller = whatif.Scenario.of("smaller", {"buffers.*.capacity": 0})
    answer = whatif.compare(line, [smaller, BIGGER], plan=plan)
    assert answer.gain(1).mean < 0 < answer.gain(2).mean
    assert any(note.startswith("smaller: buffers[") for note in answer.notes)
    kept = whatif.SavedAnswer.from_json(_kept(line, answer, [smaller, BIGGER]))
    with whatif.open_workers(jobs=2) as workers:
        assert whatif.differences_of(answer, whatif.rerun(kept, workers)) == []


def _kept(line: Line, answer: whatif.Answer, scenarios: Sequence[whatif.Scenario]) -> str:
    origin = whatif.Origin("five_stations", "ab" * 32, command="twin whatif")
    return whatif.saved(answer, tuple(scenarios), origin, "2 threads").to_json()


def test_a_result_is_made_again_bit_for_bit(line: Line, whole: whatif.Answer) -> None:
    kept = whatif.SavedAnswer.from_json(_kept(line, whole, [BIGGER, SLOWER]))
    assert _same(kept.answer(), whole)
    with whatif.open_workers(jobs=3) as workers:
        assert whatif.differences_of(kept.answer(), whatif.rerun(kept, workers)) == []


def test_a_result_from_a_snapshot_is_made_again_bit_for_bit(line: Line) -> None:
    plant = open_engine(line, seed=5)
    plant.advance(HOUR_US)
    plan = replace(PLAN, start=plant.snapshot(), warm_up_us=0, figure="good")
    answer = whatif.compare(line, plan=plan)
    kept = whatif.SavedAnswer.from_json(_kept(line, answer, []))
    assert kept.start is not None
    assert kept.start.at_us == HOUR_US
    with whatif.open_workers(jobs=1) as workers:
        assert whatif.differences_of(answer, whatif.rerun(kept, workers)) == []


def test_what_is_not_the_same_is_named(whole: whatif.Answer) -> None:
    values = whole.values.copy()
    values[1, 3, 0] = np.nextafter(values[1, 3, 0], np.inf)
    (said,) = whatif.differences_of(whole, replace(whole, values=values))
    assert said.startswith("bigger, replication 3, good_per_h: ")


def test_a_result_says_how_it_was_made(line: Line, whole: whatif.Answer) -> None:
    kept = json.loads(_kept(line, whole, [BIGGER, SLOWER]))
    assert kept["line_sha256"] == "ab" * 32
    assert (kept["seed"], kept["replications"], kept["span_us"]) == (1, 7, 20 * MIN_US)
    assert kept["warm_up"] == {
        "us": 2 * MIN_US, "how": "given", "interval_us": 0, "curve": [],
    }  # fmt: skip
    assert kept["scenarios"][1]["differences"][0] == "buffer B1 capacity: 2 -> 4"
    assert set(kept["summary"]) == {"as it is", "bigger", "slower"}
    found = kept["summary"]["bigger"]["good_per_h"]
    assert found["difference"]["mean"] == pytest.approx(whole.gain(1).mean)


@pytest.mark.parametrize(
    ("text", "says"),
    [("", "no result of a what-if"), ("{}", "version|made_at"), ("[1]", "no result")],
)
def test_what_is_no_result_is_refused(text: str, says: str) -> None:
    with pytest.raises(EngineError, match=says):
        whatif.SavedAnswer.from_json(text)


def _without_scenarios(kept: dict[str, Any]) -> None:
    kept["scenarios"] = []


def _ragged(kept: dict[str, Any]) -> None:
    kept["scenarios"][1]["values"]["good"].pop()


def _of_another_number(kept: dict[str, Any]) -> None:
    kept["replications"] = 8


def _no_line(kept: dict[str, Any]) -> None:
    kept["line"] = "{}"


def _a_figure_less(kept: dict[str, Any]) -> None:
    del kept["scenarios"][0]["values"]["good"]


@pytest.mark.parametrize(
    "damage", [_without_scenarios, _ragged, _of_another_number, _no_line, _a_figure_less]
)
def test_a_result_that_does_not_fit_together_is_refused(
    line: Line, whole: whatif.Answer, damage: Callable[[dict[str, Any]], None]
) -> None:
    kept = json.loads(_kept(line, whole, [BIGGER, SLOWER]))
    damage(kept)
    with pytest.raises(EngineError, match="does not fit together"):
        whatif.SavedAnswer.from_json(json.dumps(kept)).answer()


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        ({"span_us": 0}, "span must be greater than 0"),
        ({"figure": "wealth"}, "must be one of good_per_h"),
        ({"precision": 0.0}, "precision must be greater than 0"),
        ({"precision": 0.1, "least": 5}, "10 <= least"),
        ({"most": 1}, "at least 2 replications"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(line: Line, plan: dict[str, Any], says: str) -> None:
    with pytest.raises(EngineError, match=says):
        whatif.compare(line, plan=replace(PLAN, **plan))


def test_two_scenarios_of_one_name_are_refused(line: Line) -> None:
    with pytest.raises(EngineError, match="twice: bigger"):
        whatif.compare(line, [BIGGER, BIGGER], plan=PLAN)


def test_mser_cuts_off_the_transient_and_no_more() -> None:
    rng = np.random.default_rng(1)
    steady = rng.normal(10, 1, 400)
    ramp = np.minimum(1.0, np.arange(400) / 100)
    assert 50 <= mser(steady * ramp) <= 130
    assert mser(steady) <= 40


def test_a_warm_up_that_is_found_is_shown(line: Line) -> None:
    filling = load("five_stations").model_copy(update={"warm_up_us": 0})
    plan = replace(PLAN, warm_up_us=None, most=3)
    answer = whatif.compare(filling, plan=plan)
    assert "MSER-5" in answer.warm_up.how
    assert len(answer.warm_up.curve) == 400
    assert answer.warm_up.us % answer.warm_up.interval_us == 0


@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_a_quantiles_interval_covers_it(share: float) -> None:
    rng = np.random.default_rng(7)
    truth = -np.log(1 - share)
    covered = 0
    for _ in range(400):
        found = quantile(rng.exponential(size=200), share)
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= truth <= found.high
    assert covered >= 0.93 * 400


def test_too_few_replications_leave_an_end_open() -> None:
    found = quantile(np.arange(20.0), 0.05)
    assert found.low is None
    assert found.high is not None


def _reports(line: Line, answer: whatif.Answer) -> Iterator[str]:
    from twin.whatif.report_html import html_report
    from twin.whatif.report_markdown import markdown_report

    kept = whatif.SavedAnswer.from_json(_kept(line, answer, [BIGGER, SLOWER]))
    yield html_report(kept)
    yield markdown_report(kept)


def test_reports_hold_the_answer_and_need_nothing_else(line: Line, whole: whatif.Answer) -> None:
    html, markdown = _reports(line, whole)
    mean = f"{whole.gain(1).mean:+,.1f}"
    for text in (html, markdown):
        assert mean in text
        assert "slower: less, surely" in text
        assert f"{whole.quantile(1, 0.5).value:,.1f} (" in text
        assert "buffer B1 capacity: 2 -&gt; 4" in text or "capacity: 2 -\\> 4" in text
        assert "answer so far" not in text
    assert "http://" not in html.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in html
    assert "<script" not in html
    assert html.count("<svg") == 3
    for figure in FIGURES[:1]:
        assert figure.words.replace("{unit}", "parts") in html


def test_an_answer_that_was_cut_short_is_marked(line: Line, whole: whatif.Answer) -> None:
    for text in _reports(line, replace(whole, stopped_by="interrupted")):
        assert "The answer so far: less precise than asked for." in text


def test_a_figure_that_is_0_in_every_replication_has_a_report(line: Line) -> None:
    """So it is of a line that begins empty, for less time than a part takes through it."""
    plan = replace(PLAN, span_us=1_000_000, warm_up_us=0)
    nothing = whatif.compare(line, [BIGGER, SLOWER], plan=plan)
    assert not nothing.of(0).any()
    for text in _reports(line, nothing):
        assert "bigger" in text


def test_names_can_do_a_page_no_harm(line: Line) -> None:
    nasty = whatif.Scenario.of("<script>alert('x')</script> | `x`", {"buffers.B1.capacity": 9})
    answer = whatif.compare(line, [nasty], plan=replace(PLAN, most=3))
    from twin.whatif.report_html import html_report

    origin = whatif.Origin("<b>", "")
    assert "<script" not in html_report(whatif.saved(answer, (nasty,), origin, "w"))
