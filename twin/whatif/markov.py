"""Exact throughput, variance and look-ahead of Markovian lines: a chain built state by state.

Independent of both engines and of the published tables: it knows a line as rates, stages and buffer
sizes, walks through every state that the line can be in, and solves the chain's equations.
Stations in series, blocking after service, work resumes after a repair. Time has no unit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, stats
from scipy.sparse import linalg

__all__ = ["Chain", "Machine", "Plan", "State"]

Floats = NDArray[np.float64]
STARVED = -1


@dataclass(frozen=True, slots=True)
class Machine:
    """A station with one machine.

    Args:
        rate: operations in a unit of time while it works.
        stages: of its Erlang service time; 1: exponential.
        failure_rate, repair_rate: exponential; no failures if 0.
        by_time: whether it fails at any time when it is up, or only while it works.
    """

    rate: float = 1.0
    stages: int = 1
    failure_rate: float = 0.0
    repair_rate: float = 0.0
    by_time: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """A line: machines in series, and the places between each two of them."""

    machines: tuple[Machine, ...]
    buffers: tuple[int, ...]

    @property
    def most_states(self) -> int:
        """What the number of the line's states can't exceed."""
        ups = [2 if machine.failure_rate else 1 for machine in self.machines]
        stages = [machine.stages + 2 for machine in self.machines]
        return math.prod([*ups, *stages, *(size + 1 for size in self.buffers)])

    @property
    def reversed(self) -> Plan:
        """The same line run from its end to its beginning."""
        return Plan(self.machines[::-1], self.buffers[::-1])


State = tuple[tuple[int, ...], tuple[bool, ...], tuple[int, ...]]
"""For each machine the stage of its work (STARVED; its number of stages: done and blocked), for
each whether it is up, and for each buffer the parts in it."""


def _settled(plan: Plan, stage: list[int], level: list[int]) -> tuple[tuple[int, ...], ...]:
    """Let parts move until none can."""
    done = [machine.stages for machine in plan.machines]
    moving = True
    while moving:
        moving = False
        if stage[0] == STARVED:
            stage[0] = 0
        for i, room in enumerate(plan.buffers):
            if level[i] and stage[i + 1] == STARVED:
                level[i] -= 1
                stage[i + 1] = 0
                moving = True
            hand_to_hand = stage[i + 1] == STARVED
            if stage[i] == done[i] and (level[i] < room or hand_to_hand):
                stage[i] = STARVED
                if hand_to_hand:
                    stage[i + 1] = 0
                else:
                    level[i] += 1
                moving = True
    return tuple(stage), tuple(level)


def _steps(plan: Plan, state: State) -> Iterator[tuple[State, float, bool]]:
    """What can happen in a state: the next state, the rate, whether a part leaves the line."""
    stages, up, levels = state
    last = len(plan.machines) - 1
    for i, machine in enumerate(plan.machines):
        works = 0 <= stages[i] < machine.stages
        if works and up[i]:
            stage = list(stages)
            stage[i] += 1
            leaves = i == last and stage[i] == machine.stages
            if leaves:
                stage[i] = STARVED
            moved = _settled(plan, stage, list(levels))
            yield (moved[0], up, moved[1]), machine.rate * machine.stages, leaves
        changed = (*up[:i], not up[i], *up[i + 1 :])
        if not up[i]:
            yield (stages, changed, levels), machine.repair_rate, False
        elif machine.failure_rate and (works or machine.by_time):
            yield (stages, changed, levels), machine.failure_rate, False


class Chain:
    """The continuous-time Markov chain of a line.

    Args:
        plan: the line.

    >>> round(Chain(Plan((Machine(), Machine()), (0,))).throughput, 6)
    0.666667
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        k = len(plan.machines)
        stage, level = _settled(plan, [STARVED] * k, [0] * len(plan.buffers))
        self.empty: State = (stage, (True,) * k, level)
        self.number: dict[State, int] = {self.empty: 0}
        moves: list[tuple[int, int, float]] = []
        leaving: list[tuple[int, int, float]] = []
        found = [self.empty]
        for state in found:
            for after, rate, leaves in _steps(plan, state):
                if after not in self.number:
                    self.number[after] = len(found)
                    found.append(after)
                (leaving if leaves else moves).append(
                    (self.number[state], self.number[after], rate)
                )
        self._leaving = self._matrix(leaving)
        generator = self._matrix(moves) + self._leaving
        self._generator = (generator - sparse.diags_array(generator.sum(axis=1))).tocsc()
        self._output: Floats = self._leaving.sum(axis=1)

    def _matrix(self, entries: list[tuple[int, int, float]]) -> sparse.csc_array:
        rows, columns, rates = zip(*entries, strict=True)
        n = len(self.number)
        return sparse.csc_array(
            sparse.coo_array((np.array(rates, dtype=float), (rows, columns)), shape=(n, n))
        )

    @cached_property
    def _bordered(self) -> linalg.SuperLU:
        """The generator with its last column, which the others determine, replaced by ones."""
        n = len(self.number)
        ones = sparse.csc_array(np.ones((n, 1)))
        return linalg.splu(sparse.hstack([self._generator[:, : n - 1], ones], format="csc"))

    @cached_property
    def _stationary(self) -> Floats:
        right = np.zeros(len(self.number))
        right[-1] = 1
        return np.asarray(self._bordered.solve(right, trans="T"))

    @cached_property
    def throughput(self) -> float:
        """Parts in a unit of time, in the long run."""
        return float(self._stationary @ self._output)

    @cached_property
    def variance_rate(self) -> float:
        """Var[N(T)]/T in the long run, N(T) being the parts that have left by T.

        With h from Poisson's equation Q h = throughput - output, it is throughput + 2 pi D1 h;
        adding a constant to h adds it times 2 throughput, so pi h must be 0 (Asmussen, Applied
        Probability and Queues, section XI.1).
        """
        # Q with its last column replaced: the last unknown stands for h's last entry as 0, and
        # comes out as the right side's stationary mean, which is 0.
        h = self._bordered.solve(self.throughput - self._output)
        h[-1] = 0
        h -= self._stationary @ h
        return self.throughput + 2 * float(self._stationary @ (self._leaving @ h))

    def output_by(self, horizon: float, start: State | None = None) -> Floats:
        """The distribution of N(T): probabilities of 0, 1, 2, ... parts.

        Args:
            horizon: T.
            start: from which state; None: from the empty line, its first machine at work.
        """
        pace = 1.02 * float(-self._generator.diagonal().min())
        most = int(stats.poisson.isf(1e-13, pace * horizon)) + 1
        weights = stats.poisson.pmf(np.arange(most + 1), pace * horizon)
        identity = sparse.eye_array(len(self.number))
        inside = sparse.csr_array(identity + (self._generator - self._leaving) / pace).T
        leaves = sparse.csr_array(self._leaving / pace).T
        at_most = int(stats.poisson.isf(1e-13, horizon * float(self._output.max()))) + 2
        now = np.zeros((len(self.number), at_most + 1))
        now[self.number[start or self.empty], 0] = 1
        total = np.zeros(at_most + 1)
        for weight in weights:
            total += weight * now.sum(axis=0)
            after = inside @ now
            after[:, 1:] += leaves @ now[:, :-1]
            now = after
        return total
