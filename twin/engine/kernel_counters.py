"""The counters of the compiled engine, read off its tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.engine.counters import Counters
from twin.engine.program import LAYOUT, NONE, Program, number_lanes
from twin.engine.snapshot import SAVED, Tables
from twin.engine.wait_causes import wait_causes
from twin.model.line import Line
from twin.model.status import Condition

__all__ = ["STATE", "KernelReading", "place_times"]

Ints = NDArray[np.int64]
State = Callable[[str], NDArray[np.void]]
KINDS = len(Condition)
FIRST_TIME = SAVED["machines"].index("execute_us")


def _row(text: str) -> np.dtype[np.void]:
    """A struct of the kernel's: names in order; int64 or a pointer, or as what follows a colon."""
    fields = [(name, kind or "i8") for name, _, kind in (w.partition(":") for w in text.split())]
    return np.dtype(fields, align=True)


STATE = {
    "stations": _row("plan quantiles constant_us service:2i8 started completed plain:i4 closed:i4"),
    "groups": _row(
        "head tail waiting station single_lane single way_out short_way inlet inlets outlets "
        "inlets_count:i4 outlets_count:i4 uses_count:i4 makes_one:i4 hand_to_hand:i4 "
        "tells_causes:i4 starved short_of"
    ),
    "inlets": _row("lanes lanes_count milli whole starved_us"),
    "outlets": _row("head tail waiting lanes lanes_count share_below blocked blocked_us"),
    "lanes": _row(
        "first next begin end count room capacity level_us taker giver takers givers "
        "takers_count givers_count gained_parts:i4 gained_room:i4 tells_causes"
    ),
    "machines": _row(
        "station group inner leaf hindered worked_us next_strike cycle_time_us consumed good "
        f"time_us:{KINDS}i8 tells_causes defective reworked failures places places_count "
        "down service services_due plan modes clock_us clock_since clock_runs crew_next"
    ),
    "uses": _row("starved_us"),
    "places": _row(
        "machine since_us condition:i1 pending:i1 loaded:i1 waits:i1 wants:i4 "
        "parts:2i8 count:u4 elsewhere:u4 what_it_does:7i8"
    ),
}
"""The rows of the kernel's state that are read here, as its structs have them."""


def _column(program: Program, table: str, name: str) -> Ints:
    return program.tables[table][:, LAYOUT[table].index(name)]


def place_times(program: Program, tables: Tables, at_us: int) -> Ints:
    """Time of all places of each station in each condition, by a snapshot; int64, (stations, 7)."""
    machines, places = tables["machines"], tables["places"]
    times = machines[:, FIRST_TIME : FIRST_TIME + KINDS].copy()
    machine_of = np.repeat(np.arange(len(machines)), _column(program, "machines", "places_count"))
    condition, since_us = (places[:, SAVED["places"].index(n)] for n in ("condition", "since_us"))
    np.add.at(times, (machine_of, condition), at_us - since_us)
    total = np.zeros((len(program.tables["stations"]), KINDS), dtype=np.int64)
    np.add.at(total, _column(program, "machines", "station"), times)
    return total


@dataclass(frozen=True, slots=True, eq=False)
class KernelReading:
    """Where in an engine's tables its counters are, worked out once for a line.

    Args:
        program: the line's.
        buffer_of: of each lane.
        ends: stations without an output buffer.
        starved_alone, blocked_alone: for each station which entry of the times by cause has its
            only cause; -1 if it has none or several.
        starved_rows: of each group that has several, which entry has its first cause; else -1.
        inlet_row, use_row, outlet_row: which entry an inlet's, a use's, an outlet's time goes to;
            -1 where the station's own time tells it.
        causes: how many entries there are of times starved and blocked by cause.
        buffers: how many there are.
    """

    program: Program
    buffer_of: Ints
    ends: Ints
    starved_alone: Ints
    blocked_alone: Ints
    starved_rows: Ints
    inlet_row: Ints
    use_row: Ints
    outlet_row: Ints
    causes: tuple[int, int]
    buffers: int

    @classmethod
    def of(cls, line: Line, program: Program) -> KernelReading:
        """Work out where a line's counters are."""
        lanes = number_lanes(line)
        buffer_of = np.empty(len(lanes.capacity), dtype=np.int64)
        for index, buffer in enumerate(line.buffers):
            buffer_of[lanes.own[buffer.id]] = index
            if buffer.id in lanes.rework:
                buffer_of[lanes.rework[buffer.id]] = index
        causes = wait_causes(line)
        starved = np.array([len(c) for c in causes.starved], dtype=np.int64)
        blocked = np.array([len(c) for c in causes.blocked], dtype=np.int64)
        first_starved, first_blocked = np.cumsum(starved) - starved, np.cumsum(blocked) - blocked
        station = _column(program, "groups", "station")
        rows = {
            name: np.full(len(program.tables[name]), NONE, dtype=np.int64)
            for name in ("inlets", "outlets", "uses")
        }
        for group in range(len(station)):
            at = station[group]
            if starved[at] > 1:
                _number(rows["inlets"], program, "groups", "inlets", group, int(first_starved[at]))
            if blocked[at] > 1:
                _number(
                    rows["outlets"], program, "groups", "outlets", group, int(first_blocked[at])
                )
        for at in np.nonzero(starved > 1)[0]:
            inputs = len(line.inputs[line.stations[at].id])
            first = int(first_starved[at]) + inputs
            _number(rows["uses"], program, "stations", "uses", int(at), first)
        ends = [i for i, s in enumerate(line.stations) if not line.outputs[s.id]]
        return cls(
            program=program,
            buffer_of=buffer_of,
            ends=np.array(ends, dtype=np.int64),
            starved_alone=np.where(starved == 1, first_starved, NONE),
            blocked_alone=np.where(blocked == 1, first_blocked, NONE),
            starved_rows=np.where(starved > 1, first_starved, NONE)[station],
            inlet_row=rows["inlets"],
            use_row=rows["uses"],
            outlet_row=rows["outlets"],
            causes=(int(starved.sum()), int(blocked.sum())),
            buffers=len(line.buffers),
        )

    def counters(
        self, state: State, hourly: Ints, began: Ints | None, span_us: int, now_us: int
    ) -> Counters:
        """Read the counters.

        Args:
            state: gives the rows of one of the engine's tables.
            hourly: what the engine has noted at full hours.
            began: where places' time had gone when the engine began; None: nowhere.
            span_us, now_us: since the start of the run; engine time.
        """
        machines, stations, places = state("machines"), state("stations"), state("places")
        station_of = _column(self.program, "machines", "station")
        machine_of = _column(self.program, "places", "machine")
        times = machines["time_us"].copy()
        np.add.at(times, (machine_of, places["condition"]), now_us - places["since_us"])

        def by_station(values: Ints) -> Ints:
            total = np.zeros((len(stations), *values.shape[1:]), dtype=np.int64)
            np.add.at(total, station_of, values)
            return total

        time_us = by_station(times)
        since = time_us if began is None else time_us - began
        lanes = state("lanes")
        level_us = np.zeros(self.buffers, dtype=np.int64)
        np.add.at(level_us, self.buffer_of, lanes["level_us"] + lanes["count"] * np.int64(now_us))
        return Counters(
            span_us=span_us,
            started=stations["started"].copy(),
            completed=stations["completed"].copy(),
            consumed=by_station(machines["consumed"]),
            good=by_station(machines["good"]),
            defective=by_station(machines["defective"]),
            reworked=by_station(machines["reworked"]),
            failures=by_station(machines["failures"]),
            time_us=time_us,
            level_us=level_us,
            starved_by_us=self._starved(state, since[:, Condition.STARVED], now_us),
            blocked_by_us=self._blocked(state, since[:, Condition.BLOCKED], now_us),
            ends=self.ends,
            good_by_hour=hourly.reshape(-1, len(self.ends)),
        )

    def _starved(self, state: State, starved_us: Ints, now_us: int) -> Ints:
        by_cause = np.zeros(self.causes[0], dtype=np.int64)
        _add(by_cause, self.starved_alone, starved_us)
        if (self.starved_rows >= 0).any():
            _add(by_cause, self.inlet_row, state("inlets")["starved_us"])
            _add(by_cause, self.use_row, state("uses")["starved_us"])
            groups = state("groups")
            row = np.where(self.starved_rows >= 0, self.starved_rows + groups["short_of"], NONE)
            _add(by_cause, row, groups["starved"] * np.int64(now_us))
        return by_cause

    def _blocked(self, state: State, blocked_us: Ints, now_us: int) -> Ints:
        by_cause = np.zeros(self.causes[1], dtype=np.int64)
        _add(by_cause, self.blocked_alone, blocked_us)
        if (self.outlet_row >= 0).any():
            outlets = state("outlets")
            spans = outlets["blocked_us"] + outlets["blocked"] * np.int64(now_us)
            _add(by_cause, self.outlet_row, spans)
        return by_cause


def _number(rows: Ints, program: Program, table: str, name: str, row: int, first: int) -> None:
    """Number the rows of a range, from a number on."""
    start, count = (_column(program, table, f"{name}_{end}")[row] for end in ("from", "count"))
    rows[start : start + count] = np.arange(first, first + count)


def _add(total: Ints, rows: Ints, values: Ints) -> None:
    """Add values up by their row; those without one are left out."""
    has_row = rows >= 0
    np.add.at(total, rows[has_row], values[has_row])
