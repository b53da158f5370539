"""Snapshots of lines in a given state, with remaining times drawn afresh."""

from __future__ import annotations

from typing import Any

import numpy as np
from theory_lines import S, line_of

from twin.engine.simpy_engine import SimpyEngine
from twin.engine.snapshot import SAVED, Snapshot, Tables, snapshot_of, tables_of
from twin.model.status import Condition
from twin.whatif.markov import STARVED, Plan, State

__all__ = ["GivenState"]

IN_LANE, IN_LOAD, NO_FAILURE = 0, 1, -1


def _row(table: str, **values: int) -> list[int]:
    assert not values.keys() - set(SAVED[table])
    return [values.get(column, 0) for column in SAVED[table]]


class GivenState:
    """A state of a plan as snapshots at instant 0.

    Service and repair are exponential and so without memory: what is left of them, and of each
    machine's time to failure, is drawn anew for each snapshot.

    Args:
        plan: of exponential services, and of failures that depend on operation.
        state: of it; no machine is blocked.
    """

    def __init__(self, plan: Plan, state: State) -> None:
        self.plan, self.state = plan, state
        self.line = line_of(plan)
        empty = SimpyEngine(self.line).snapshot()
        self._mark = empty.line
        self._tables = self._filled(tables_of(empty), empty.places.lead[0])

    def _filled(self, tables: Tables, first: int) -> Tables:
        """The rows but for the times; parts are numbered from the line's end to its beginning."""
        stages, up, levels = self.state
        lanes: list[list[int]] = []
        loads: list[list[int]] = []
        walked = waiting = 0
        for i in reversed(range(len(stages))):
            works = stages[i] != STARVED
            number = first + walked
            condition = Condition.STARVED if not works else Condition.FAULT
            if works and up[i]:
                condition = Condition.EXECUTE
            load: dict[str, Any] = {"loaded": 1, "operation": walked, "lead": number}
            waiting += not works
            wait: dict[str, Any] = {"waits_for": 1, "turn": waiting}
            tables["places"][i] = _row("places", condition=condition, **(load if works else wait))
            if works and i:
                loads.append(_row("parts", held_in=IN_LOAD, holder=i, number=number))
            tables["stations"][i] = _row("stations", started=walked + works, completed=walked)
            tables["machines"][i, SAVED["machines"].index("down")] = 0 if not up[i] else NO_FAILURE
            walked += works
            for _ in range(levels[i - 1] if i else 0):
                lanes.append(
                    _row("parts", held_in=IN_LANE, holder=i - 1, number=first + walked,
                         entered=len(lanes) + 1)
                )  # fmt: skip
                walked += 1
        rows = sorted(lanes, key=lambda row: row[1]) + loads[::-1]
        tables["parts"] = np.array(rows, dtype=np.int64).reshape(-1, len(SAVED["parts"]))
        return tables

    def snapshot(self, rng: np.random.Generator) -> Snapshot:
        """The state, with times of its own."""

        def drawn(rate: float) -> int:
            return max(1, round(rng.exponential(S / rate)))

        tables = {name: rows.copy() for name, rows in self._tables.items()}
        times = [SAVED["places"].index(name) for name in ("drawn_us", "left_us")]
        mode = 0
        for i, machine in enumerate(self.plan.machines):
            if self.state[0][i] != STARVED:
                tables["places"][i, times] = drawn(machine.rate)
            if machine.failure_rate:
                strikes_at = drawn(machine.failure_rate) if self.state[1][i] else 0
                tables["modes"][mode] = _row("modes", strikes_at=strikes_at)
                mode += 1
            if not self.state[1][i]:
                ends = SAVED["machines"].index("ends_us")
                tables["machines"][i, ends] = drawn(machine.repair_rate)
        return snapshot_of(self._mark, 1, 0, 0, 0, tables)
