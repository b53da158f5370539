"""Exact throughputs, variances and look-aheads of Markovian lines, to hold the engines to.

Each was solved exactly as a Markov chain of the line; they agree with Hunt (1956) and with Hillier
and Boling (1967). Blocking is after service, B places lie between two stations, work resumes after
a repair. Rates are in parts per unit of time.

The published two-station lines with geometric failures in discrete time (Gershwin and Buzacott) are
left out: a line file has no geometric times, and its clock has no steps in which a repair comes
before the buffers are looked at.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CASES", "LOOK_AHEAD", "VARIANCE_RATES", "Case"]


@dataclass(frozen=True)
class Case:
    """A line and its exact throughput."""

    name: str
    rates: tuple[float, ...]
    buffers: tuple[int, ...]
    throughput: float
    stages: int = 1
    clock: str = ""
    failure_rate: float = 0.0
    repair_rate: float = 0.0


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


def _cases() -> list[Case]:
    found = []
    for stages, table in ((1, _BALANCED), (2, _ERLANG_2)):
        for k, values in table.items():
            for b, value in enumerate(values):
                name = f"{k} stations, buffers of {b}, {stages} stages"
                found.append(Case(name, (1,) * k, (b,) * (k - 1), value, stages))
    for rates, buffers, value in _UNBALANCED:
        found.append(Case(f"rates {rates}, buffers {buffers}", rates, buffers, value))
    for k, b, operation, time in _UNRELIABLE:
        for clock, value in (("operation", operation), ("time", time)):
            name = f"{k} stations, buffers of {b}, failures by {clock}"
            found.append(Case(name, (1,) * k, (b,) * (k - 1), value, 1, clock, 0.01, 0.1))
    return found


CASES = _cases()

VARIANCE_RATES = ((2, 0, 0.370370), (2, 4, 0.530612), (3, 0, 0.232337), (3, 2, 0.341128))
"""Stations, buffers, Var[N(T)]/T in the long run; exponential, mean 1."""

LOOK_AHEAD = {10: 5.10261, 20: 12.27291, 50: 34.27529}
"""Three stations, buffers of 2, empty at the start: E[N(T)]; N(10) has variance 3.701."""

LOOK_AHEAD_VARIANCE = 3.701
LOOK_AHEAD_QUANTILES = (2, 5, 8)
