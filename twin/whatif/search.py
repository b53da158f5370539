"""Search over machines and buffers under a budget: every choice, or a sampler if they are many."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from twin.errors import EngineError, ScenarioError
from twin.model.line import Line
from twin.whatif.experiment import Plan, runs_of
from twin.whatif.place import find_places
from twin.whatif.scenario import BASELINE, Scenario, Variant, applied
from twin.whatif.selection import FIRST, Race, race, sampler
from twin.whatif.warm_up import find_warm_up
from twin.whatif.workers import Workers

__all__ = ["Choice", "Found", "affordable", "pick", "search"]

ALL_TRIED = 400
"""Up to so many choices each is tried; of more, a sampler picks which."""
FINALISTS = 20
MOST_COMBINATIONS = 50_000_000


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing that may be chosen.

    Args:
        path: where in the line; see `find_places`.
        values: what it may be.
        unit_cost: what one more than now costs, in whatever the budget is counted in: money,
            places, square metres.
    """

    path: str
    values: tuple[int, ...]
    unit_cost: float = 0.0

    def cost(self, line: Line, value: int) -> float:
        """What a value costs; below the present one it gives back nothing."""
        now = [place.value for place in find_places(line, self.path)]
        return sum(max(0.0, value - (old or 0)) * self.unit_cost for old in now)


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What a search has found.

    Args:
        scenarios: every alternative that was in the race.
        variants: the baseline and these, made.
        costs: of each variant.
        race: how the race ended, over `variants`.
        tried: how many choices were looked at, and of how many.
        affordable: how many there are within the budget; None: too many to count.
    """

    scenarios: tuple[Scenario, ...]
    variants: tuple[Variant, ...]
    costs: tuple[float, ...]
    race: Race
    tried: int
    affordable: int | None

    @property
    def best(self) -> Scenario | None:
        """The winner; None if nothing is better than the line as it is."""
        return self.scenarios[self.race.best - 1] if self.race.best else None


def pick(
    line: Line,
    scenarios: Sequence[Scenario],
    *,
    plan: Plan,
    workers: Workers,
    indifference: float = 0.005,
    more_is_better: bool = True,
    probability: float = 0.95,
    most: int = 2_000,
) -> Iterator[Found]:
    """Find the best of some scenarios and the line as it is; see `race`.

    Args:
        line: a checked line.
        scenarios: the alternatives.
        plan: how each is run; its precision is not looked at. A warm-up that is to be found is
            found on the line as it is.
        workers: who runs.
        indifference: a difference, as a share of the baseline, that is not worth telling apart.
        more_is_better, probability, most: see `race`.

    Yields:
        What is found after each look.

    Raises:
        ScenarioError: a scenario does not fit the line.
        EngineError: an argument makes no sense.
    """
    variants = (Variant(BASELINE, line, ()), *(applied(line, one) for one in scenarios))
    plan = _with_warm_up(variants[0], plan, workers)
    sample = sampler(variants, plan, workers, plan.warm_up_us or 0)
    base = abs(float(np.mean(sample([0], range(FIRST)))))
    for state in race(
        sample,
        len(variants),
        indifference=indifference * base or indifference,
        more_is_better=more_is_better,
        probability=probability,
        most=most,
    ):
        none = (0.0,) * len(variants)
        yield Found(tuple(scenarios), variants, none, state, len(scenarios), len(scenarios))


def _with_warm_up(baseline: Variant, plan: Plan, workers: Workers) -> Plan:
    if plan.warm_up_us is not None:
        return plan
    found = find_warm_up(runs_of([baseline], plan)[0], workers)
    return replace(plan, warm_up_us=found.us)


def affordable(
    line: Line, choices: Sequence[Choice], budget: float | None
) -> list[tuple[int, ...]]:
    """Every combination of values that the budget allows, the cheapest first.

    >>> from twin.model import Line, Station
    >>> line = Line(id="L", stations=(Station(id="A", cycle_time="2 s"),))
    >>> affordable(line, [Choice("stations.A.machines", (1, 2, 3), unit_cost=5.0)], 6.0)
    [(1,), (2,)]
    """
    total = math.prod(len(choice.values) for choice in choices)
    if total > MOST_COMBINATIONS:
        raise EngineError(
            f"{total:,} combinations are too many: must be at most "
            f"{MOST_COMBINATIONS:,}; give fewer values, or fewer paths at a time"
        )
    priced = [[(c.cost(line, value), value) for value in c.values] for c in choices]
    found = [
        (sum(price for price, _ in combination), tuple(value for _, value in combination))
        for combination in itertools.product(*priced)
    ]
    return [values for cost, values in sorted(found) if budget is None or cost <= budget]


def search(
    line: Line,
    choices: Sequence[Choice],
    *,
    plan: Plan,
    workers: Workers,
    budget: float | None = None,
    indifference: float = 0.005,
    more_is_better: bool = True,
    probability: float = 0.95,
    trials: int = 200,
) -> Iterator[Found]:
    """Find the best choice within a budget.

    Up to 400 affordable choices are all in the race, and its promise holds for all of them. Of
    more, Optuna's TPE sampler picks `trials`, and the promise is about the best twenty of these.

    Args:
        line: a checked line.
        choices: what may be chosen.
        plan: how each is run; its precision is not looked at.
        workers: who runs.
        budget: what may be spent; None: no limit.
        indifference: a difference, as a share of the baseline, that is not worth money.
        more_is_better, probability: see `race`.
        trials: how many the sampler may try.

    Yields:
        What is found after each look.

    Raises:
        ScenarioError: a path leads nowhere, or a value makes no sense.
        EngineError: nothing is affordable, or Optuna is needed and not installed.
    """
    for choice in choices:
        try:
            find_places(line, choice.path)
        except LookupError as error:
            raise ScenarioError([error.args[0]]) from None
    combinations = affordable(line, choices, budget)
    if not combinations:
        cheapest = sum(min(c.cost(line, value) for value in c.values) for c in choices)
        raise EngineError(
            f"the budget must allow one of the choices, got {budget:g}: the cheapest costs "
            f"{cheapest:g}; raise it, or offer less"
        )
    plan = _with_warm_up(Variant(BASELINE, line, ()), plan, workers)
    tried = len(combinations)
    finalists = combinations
    if len(combinations) > ALL_TRIED:
        tried = min(trials, len(combinations))
        finalists = _sampled(line, choices, combinations, plan, workers, more_is_better, tried)
    others = [values for values in finalists if not _is_present(line, choices, values)]
    scenarios = tuple(_scenario(choices, values) for values in others)
    costs = (0.0, *(_cost(line, choices, values) for values in others))
    for found in pick(
        line,
        scenarios,
        plan=plan,
        workers=workers,
        indifference=indifference,
        more_is_better=more_is_better,
        probability=probability,
    ):
        yield replace(found, costs=costs, tried=tried, affordable=len(combinations))


def _scenario(choices: Sequence[Choice], values: Sequence[int]) -> Scenario:
    changes = {c.path: value for c, value in zip(choices, values, strict=True)}
    said = [f"{path.removeprefix('stations.')} {value}" for path, value in changes.items()]
    return Scenario.of(", ".join(said), changes)


def _is_present(line: Line, choices: Sequence[Choice], values: Sequence[int]) -> bool:
    pairs = zip(choices, values, strict=True)
    return all(place.value == v for c, v in pairs for place in find_places(line, c.path))


def _cost(line: Line, choices: Sequence[Choice], values: Sequence[int]) -> float:
    return sum(c.cost(line, value) for c, value in zip(choices, values, strict=True))


def _sampled(
    line: Line,
    choices: Sequence[Choice],
    combinations: Sequence[tuple[int, ...]],
    plan: Plan,
    workers: Workers,
    more_is_better: bool,
    trials: int,
) -> list[tuple[int, ...]]:
    """Let Optuna pick; the best twenty of what it tried."""
    try:
        import optuna  # noqa: PLC0415 - an extra
    except ImportError:
        raise EngineError(
            f"{len(combinations):,} affordable choices are searched with Optuna, which is not "
            "installed: pip install 'linetwin[search]'"
        ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    allowed = set(combinations)
    study = optuna.create_study(
        direction="maximize" if more_is_better else "minimize",
        sampler=optuna.samplers.TPESampler(seed=plan.seed, constant_liar=False),
    )
    known: dict[tuple[int, ...], float] = {}
    worst = -math.inf if more_is_better else math.inf
    for _ in range(trials * 20):
        if len(known) >= trials:
            break
        trial = study.ask()
        values = tuple(trial.suggest_categorical(c.path, list(c.values)) for c in choices)
        if values not in allowed:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            continue
        if values not in known:
            here = _is_present(line, choices, values)
            variant = (
                Variant(BASELINE, line, ()) if here else applied(line, _scenario(choices, values))
            )
            sample = sampler([variant], plan, workers, plan.warm_up_us or 0)
            mean = float(np.mean(sample([0], range(FIRST))))
            known[values] = worst if math.isnan(mean) else mean
        study.tell(trial, known[values])
    ranked = sorted(known, key=lambda values: known[values], reverse=more_is_better)
    return ranked[:FINALISTS]
