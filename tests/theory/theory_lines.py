"""Lines of the theory as line files have them; a unit of time is a second."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from twin.model import Buffer, Line, Station
from twin.whatif.markov import Chain, Machine, Plan

__all__ = ["S", "line_of", "random_plans"]

S = 1_000_000


def _exponential(rate: float) -> dict[str, Any]:
    return {"distribution": "exponential", "mean": round(S / rate)}


def _station(name: str, machine: Machine) -> Station:
    service = _exponential(machine.rate)
    if machine.stages > 1:
        service |= {"distribution": "erlang", "stages": machine.stages}
    failures: Any = ()
    if machine.failure_rate:
        clock = "time" if machine.by_time else "operation"
        up, down = _exponential(machine.failure_rate), _exponential(machine.repair_rate)
        failures = ({"id": "f", "depends_on": clock, "mtbf": up, "mttr": down},)
    return Station(id=name, cycle_time=service, failures=failures)  # type: ignore[arg-type]


def line_of(plan: Plan) -> Line:
    """The line that a plan stands for."""
    names = [chr(ord("A") + i) for i in range(len(plan.machines))]
    ends = zip(pairwise(names), plan.buffers, strict=True)
    return Line(
        id="THEORY",
        stations=tuple(map(_station, names, plan.machines)),
        buffers=tuple(
            Buffer(id=f"q{i}", sources=a, sinks=b, capacity=size)  # type: ignore[arg-type]
            for i, ((a, b), size) in enumerate(ends)
        ),
    )


def _random_machine(rng: np.random.Generator, alike: bool, fails: bool) -> Machine:
    rate = 1.0 if alike else round(float(rng.uniform(0.7, 1.5)), 2)
    stages = int(rng.choice([1, 1, 2, 3, 4]))
    if not fails:
        return Machine(rate, stages)
    failure, repair = rng.uniform(-2.3, -1), rng.uniform(-1.2, -0.2)
    by_time = bool(rng.integers(2))
    return Machine(rate, stages, round(10**failure, 4), round(10**repair, 3), by_time)


def random_plans(seed: int, count: int, most_states: int = 1500) -> list[tuple[Plan, Chain]]:
    """Random plans, and their chains: balanced or not, with failures or without."""
    rng = np.random.default_rng(seed)
    found: list[tuple[Plan, Chain]] = []
    while len(found) < count:
        k = int(rng.integers(2, 6))
        alike, fails = (bool(flag) for flag in rng.integers(2, size=2))
        machines = tuple(_random_machine(rng, alike, fails) for _ in range(k))
        plan = Plan(machines, tuple(int(b) for b in rng.integers(0, 6, size=k - 1)))
        if plan.most_states <= most_states:
            found.append((plan, Chain(plan)))
    return found
