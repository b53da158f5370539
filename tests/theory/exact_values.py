"""Published exact values of Markovian lines, to hold the solver and the engines to.

They agree with Hunt (1956) and with Hillier and Boling (1967). Blocking is after service, B places
lie between two stations, work resumes after a repair. Rates are in parts per unit of time.
"""

from __future__ import annotations

from dataclasses import dataclass

from twin.whatif.markov import Machine, Plan, State

__all__ = ["CASES", "GEOMETRIC", "LOOK_AHEAD", "VARIANCE_RATES", "Case", "LookAhead"]


@dataclass(frozen=True)
class Case:
    """A line and its exact throughput, as printed."""

    name: str
    plan: Plan
    throughput: float


_BALANCED = {
    2: (0.666667, 0.750000, 0.800000, 0.833333),
    3: (0.564103, 0.670466, 0.734017, 0.776712),
    4: (0.514775, 0.631153, 0.700713, 0.747710),
}
_ERLANG_2 = {
    2: (0.727273, 0.821429, 0.868217, 0.895683),
    3: (0.640409, 0.761307, 0.821886, 0.857953),
}
_UNBALANCED = (
    ((1, 1.1), (0,), 0.697885),
    ((1, 2), (3,), 0.984127),
    ((2, 1), (3,), 0.984127),
    ((1, 1.2, 0.9), (1, 2), 0.717932),
    ((0.9, 1.2, 1), (2, 1), 0.717932),
    ((1, 1.1, 1.2, 1.3), (1, 1, 1), 0.709882),
)
_UNRELIABLE = (
    (2, 0, 0.589955, 0.558129),
    (2, 4, 0.741359, 0.725283),
    (3, 0, 0.486200, 0.438962),
    (3, 4, 0.671315, 0.644499),
)


def _balanced(k: int, b: int, machine: Machine) -> Plan:
    return Plan((machine,) * k, (b,) * (k - 1))


def _cases() -> list[Case]:
    found = []
    for stages, table in ((1, _BALANCED), (2, _ERLANG_2)):
        for k, values in table.items():
            for b, value in enumerate(values):
                name = f"{k} stations, buffers of {b}, {stages} stages"
                found.append(Case(name, _balanced(k, b, Machine(stages=stages)), value))
    for rates, buffers, value in _UNBALANCED:
        plan = Plan(tuple(Machine(rate) for rate in rates), buffers)
        found.append(Case(f"rates {rates}, buffers {buffers}", plan, value))
    for k, b, operation, time in _UNRELIABLE:
        for clock, value in (("operation", operation), ("time", time)):
            name = f"{k} stations, buffers of {b}, failures by {clock}"
            machine = Machine(1, 1, 0.01, 0.1, clock == "time")
            found.append(Case(name, _balanced(k, b, machine), value))
    return found


CASES = _cases()

VARIANCE_RATES = tuple(
    (_balanced(k, b, Machine()), value)
    for k, b, value in ((2, 0, 0.370370), (2, 4, 0.530612), (3, 0, 0.232337), (3, 2, 0.341128))
)
"""Lines and Var[N(T)]/T in the long run."""


@dataclass(frozen=True)
class LookAhead:
    """What a line puts out within T from a given state.

    Args:
        means: T and E[N(T)].
        variance, quantiles: of N(10), where printed: variance; 5, 50 and 95 %.
    """

    name: str
    plan: Plan
    start: State
    means: dict[int, float]
    variance: float | None = None
    quantiles: tuple[int, int, int] | None = None


_THREE = _balanced(3, 2, Machine())
_TWO = _balanced(2, 4, Machine(1, 1, 0.01, 0.1))
_UP = (True, True, True)
LOOK_AHEAD = (
    LookAhead("empty", _THREE, ((0, -1, -1), _UP, (0, 0)),
              {10: 5.10261, 20: 12.27291, 50: 34.27529}, 3.701, (2, 5, 8)),
    LookAhead("all working", _THREE, ((0, 0, 0), _UP, (1, 1)),
              {10: 7.80618, 20: 15.15195, 50: 37.17293}, 3.946, (5, 8, 11)),
    LookAhead("both up", _TWO, ((0, 0), (True, True), (2,)),
              {10: 8.43785, 60: 45.84470, 480: 357.21633}),
    LookAhead("first down", _TWO, ((0, 0), (False, True), (2,)),
              {10: 5.00311, 60: 39.15728, 480: 350.51375}),
)  # fmt: skip

GEOMETRIC = {4: 0.840936, 10: 0.856175, 40: 0.884106}
"""Two stations, a cycle of 1, failures 0.01 and repairs 0.1 in a cycle (Gershwin and Buzacott):
for each buffer N the throughput in parts a cycle."""
