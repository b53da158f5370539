"""The mirror's state as a snapshot that engines go on from.

What the plant says is taken as it is. What it doesn't say is drawn from the model: what is left of
work, of a repair and of a failure clock, each given how long it has lasted; and what is not known
at all (a level that nobody reports, how long a work has gone on that nobody saw begin). Each thing
that was drawn for want of a signal is named. Where the plant's values contradict the line's rules
for a moment, as between two scans, the engine lets go what can go (rule S37) before it runs on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.engine.draws import Purpose, key_for
from twin.engine.line_mark import line_mark
from twin.engine.planned_time import is_closed, monday_before
from twin.engine.quantiles import QuantileTable, quantile_table, share_below, variate
from twin.engine.snapshot import NONE, SAVED, Snapshot, snapshot_of
from twin.engine.snapshot_rows import stops_of
from twin.errors import EngineError
from twin.live.guesses import Guesses, longer
from twin.live.inferred import Levels, waits
from twin.live.machine_memory import MachineMemory
from twin.live.mirror import Mirror
from twin.live.part_guesses import PartNumbers
from twin.live.restored_parts import IN_LOAD, Holding, finished, in_lanes, load, part_rows
from twin.model.failures import Failure
from twin.model.quantity import MILLI
from twin.model.station import Station
from twin.model.status import Condition

__all__ = ["Restored", "restored"]

SETUPS_FROM, SERVICES_FROM = 101, 201
HELD = {Condition.FAULT, Condition.SETUP, Condition.MAINTENANCE}
COUNTED = {"consumed": "consumed", "defective": "defective", "reworked": "reworked",
           "failures": "failures"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Restored:
    """A state of a plant.

    Args:
        snapshot: the state; engine time counts from `epoch_us`.
        epoch_us: a Monday 00:00 in the line's time zone, microseconds since 1970-01-01 UTC.
        unheard_us: for how long nothing has been heard of a station, by its id; the others are
            known.
        drawn: what was drawn because no signal says it, a line each.
    """

    snapshot: Snapshot
    epoch_us: int
    unheard_us: Mapping[str, int]
    drawn: tuple[str, ...]

    @property
    def at_us(self) -> int:
        """When it was so, by the plant's clock, microseconds since 1970-01-01 UTC."""
        return self.epoch_us + self.snapshot.at_us


def restored(mirror: Mirror, *, seed: int = 1, levels: Levels | None = None) -> Restored:
    """Put a line's state together from what its mirror knows.

    Args:
        mirror: the line's.
        seed: of what is drawn.
        levels: what follows from counters, as far as the mirror was followed; None: nothing.

    Returns:
        The state at the mirror's newest instant, what was drawn for it, and of which stations
        nothing has been heard.

    Raises:
        EngineError: nothing has been heard from any PLC.
    """
    if not mirror.newest_us:
        raise EngineError(f"{mirror.line.id}: no PLC has said anything yet, so it has no state")
    state = _State(mirror, seed, levels or Levels(mirror))
    for station in mirror.line.stations:
        state.station(station)
    state.crews()
    state.materials()
    return state.result(state.parts())


class _State:
    """The rows while they are put together."""

    def __init__(self, mirror: Mirror, seed: int, levels: Levels) -> None:
        self.levels = levels
        self.mirror, self.line, self.seed = mirror, mirror.line, seed
        self.now_us = mirror.newest_us
        self.epoch_us = monday_before(self.line.time_zone, self.now_us)
        self.at_us = self.now_us - self.epoch_us
        self.guesses = Guesses(seed)
        self.rows: dict[str, list[dict[str, int]]] = {name: [] for name in SAVED}
        self.holdings: list[Holding] = []
        self.unheard: dict[str, int] = {}
        self.repairs: dict[str, list[tuple[int, int]]] = {crew.id: [] for crew in self.line.crews}
        self.waits: list[tuple[int, int]] = []
        self.busy: dict[str, int] = {}
        self.heard_us = 0

    # -- a station -------------------------------------------------------------------------------

    def value(self, unit: str, signal: str) -> int | None:
        """A signal's last value, trusted or not."""
        held = self.mirror.reported(unit, signal)
        return None if held is None else int(held.value)

    def station(self, station: Station) -> None:
        line, mirror = self.line, self.mirror
        # A machine's times are by its own PLC's clock, which may be ahead of the line's.
        since_us, now_us = mirror.unknown_since(station), mirror.now_us(line.plc_of(station.id))
        if since_us is not None:
            self.unheard[station.id] = max(0, now_us - since_us) if since_us else self.at_us
        # Of a PLC that is lost the state is what it was when it was last heard.
        self.heard_us = since_us or now_us
        taken = sum(station.takes_from(b.id) for b in line.inputs[station.id])
        first_place, started = len(self.rows["places"]), 0.0
        for number in range(station.machines):
            unit = station.machine_id(number)
            self.machine(station, number, unit, mirror.machine(unit))
            if taken:
                started += (self.value(unit, "consumed") or 0) * MILLI / taken
            else:
                made = self.value(unit, "processed") or 0
                started += made * MILLI / (station.gives_milli or MILLI)
        loaded = [r for r in self.rows["places"][first_place:] if r["loaded"]]
        self.busy[station.id] = len(loaded)
        whole = round(started) + (0 if taken else len(loaded))
        self.rows["stations"].append({"started": whole, "completed": whole})

    def machine(self, station: Station, number: int, unit: str, memory: MachineMemory) -> None:
        condition = memory.last
        if condition is None:
            condition = Condition.STARVED
            self.guesses.named.append(f"{unit}: its state is not known; taken for one that waits")
        elif condition in {Condition.STARVED, Condition.BLOCKED}:
            condition = self.waits_as(station, number, condition)
        gained = {name: int(self.mirror.gained_by(unit, told)) for name, told in COUNTED.items()}
        made = int(self.mirror.gained_by(unit, "processed"))
        good = max(0, made - gained["defective"] - gained["reworked"])
        row = dict.fromkeys(SAVED["machines"], 0) | gained | {"good": good}
        row |= {"down": NONE, "service": NONE, "ends_us": NONE}
        row["cycle_time_us"] = round(1e6 * (self.value(unit, "cycle_time_s") or 0))
        places = self.places(station, unit, memory, condition)
        machine_row = len(self.rows["machines"])
        held = self.held_by(station, unit, memory, condition)
        by_time = any(f.depends_on == "time" for f in station.failures)
        ages = [
            memory.age_us(_reason(station, k), self.heard_us, by_time=by_time)
            * (1 if by_time else max(1, places if station.places > 1 else 1))
            for k in range(len(stops_of(station)))
        ]
        reading = max(ages, default=0)
        row["clock_us" if by_time else "worked_us"] = reading
        for k, stop in enumerate(stops_of(station)):
            holds = held == ("down", k)
            self.rows["modes"].append(
                self.mode(station, number, stop, reading, None if holds else ages[k])
            )
            if holds:
                row["down"] = k
                elapsed_us = max(0, self.heard_us - memory.since_us)
                lasts = stop.mttr if isinstance(stop, Failure) else stop.lasts
                purpose = Purpose.REPAIR if isinstance(stop, Failure) else Purpose.CHANGEOVER
                key = key_for(self.seed, 0, purpose, station.id, number, stop.id)
                count, whole_us = longer(key, quantile_table(lasts), elapsed_us)
                self.rows["modes"][-1]["count"] = count
                row["ends_us"] = self.at_us + max(1, whole_us - elapsed_us)
                if isinstance(stop, Failure) and stop.crew is not None:
                    self.repairs[stop.crew].append((memory.since_us, machine_row))
        for k, plan in enumerate(station.maintenance):
            self.rows["services"].append({"due": 0})
            if held == ("service", k):
                row["service"] = k
                passed = max(0, self.heard_us - memory.since_us)
                row["ends_us"] = self.at_us + max(1, plan.lasts_us - passed)
                if plan.crew is not None:
                    self.repairs[plan.crew].append((memory.since_us, machine_row))
        self.rows["machines"].append(row)

    def waits_as(self, station: Station, number: int, condition: Condition) -> Condition:
        """What a suspended machine waits for, where its signals leave it open."""
        unit = station.machine_id(number)
        if None not in (self.mirror.value(unit, name) for name in ("starved", "blocked")):
            return condition
        found = waits(self.levels, station, number)
        if found is None or not any(found):
            return condition
        return Condition.BLOCKED if found[1] else Condition.STARVED

    def held_by(
        self, station: Station, unit: str, memory: MachineMemory, condition: Condition
    ) -> tuple[str, int] | None:
        """Which failure, changeover or maintenance holds a machine, if one does."""
        if condition not in HELD:
            return None
        reason = memory.reason
        failures, setups, plans = station.failures, station.changeovers, station.maintenance
        if condition == Condition.MAINTENANCE:
            if not plans:
                return None
            return "service", min(max(0, reason - SERVICES_FROM), len(plans) - 1)
        if condition == Condition.SETUP and setups:
            k = min(max(0, reason - SETUPS_FROM), len(setups) - 1)
            return "down", len(failures) + k
        if condition == Condition.FAULT and failures:
            if not 1 <= reason <= len(failures):
                self.guesses.named.append(f"{unit}: which failure holds it")
                reason = 1 + int(self.guesses.uniform(f"{unit}/mode") * len(failures))
            return "down", reason - 1
        return None

    def mode(
        self, station: Station, number: int, stop: object, reading: int, age_us: int | None
    ) -> dict[str, int]:
        """A clock of a machine; `age_us` None: it has run down."""
        if age_us is None:
            return {"count": 0, "strikes_at": reading}
        failure = isinstance(stop, Failure)
        due = stop.mtbf if failure else stop.every  # type: ignore[attr-defined]
        purpose = Purpose.FAIL if failure else Purpose.CHANGEOVER_DUE
        key = key_for(self.seed, 0, purpose, station.id, number, stop.id)  # type: ignore[attr-defined]
        count, whole_us = longer(key, quantile_table(due), age_us)
        return {"count": count, "strikes_at": reading + max(1, whole_us - age_us)}

    # -- places ----------------------------------------------------------------------------------

    def places(
        self, station: Station, unit: str, memory: MachineMemory, condition: Condition
    ) -> int:
        """Put down a machine's places; how many of them have work in hand."""
        outputs = bool(self.line.outputs[station.id])
        occupied = self.value(unit, "occupied")
        if occupied is None:
            empty = condition in {Condition.STARVED, Condition.PLANNED_STOP}
            occupied = 0 if empty else station.places
            if station.places > 1:
                self.guesses.named.append(f"{unit}: how many of its places are occupied")
        occupied = min(max(0, occupied), station.places)
        is_out = condition in {Condition.BLOCKED, Condition.PLANNED_STOP} or (
            condition in HELD and station.places == 1 and memory.before == Condition.BLOCKED
        )
        table = quantile_table(station.cycle_time, 1 / station.effectiveness)
        elapsed = [] if is_out else list(self.elapsed(station, unit, memory, occupied, table))
        since_us = max(0, self.at_us - max(0, self.heard_us - memory.since_us))
        calendar = self.line.calendar_of(station.id)
        closed = calendar is not None and is_closed(calendar, self.at_us)
        loaded = 0
        for k in range(station.places):
            row = dict.fromkeys(SAVED["places"], 0) | {"condition": int(condition)}
            row["since_us"] = since_us
            place = len(self.rows["places"])
            works = k < len(elapsed)
            over = works and station.places > 1 and share_below(table, elapsed[k]) >= 1
            if works and not over:
                left_us = self.guesses.left_us(table, elapsed[k], f"{unit}/{k}/work")
                row |= {"loaded": 1, "left_us": left_us, "drawn_us": elapsed[k] + left_us}
                row["started_us"] = max(0, self.at_us - elapsed[k])
                loaded += 1
                self.holdings += load(self.line, station, place)
            elif k < occupied:
                made = self.value(unit, "processed") or 0
                self.holdings.append(finished(self.line, station, place, made))
                if outputs:
                    row["waits_for"] = 2
                    self.waits.append((since_us, place))
            elif condition == Condition.STARVED and not closed:
                row["waits_for"] = 1
                self.waits.append((since_us, place))
            self.rows["places"].append(row)
        return loaded

    def elapsed(
        self, station: Station, unit: str, memory: MachineMemory, occupied: int,
        table: QuantileTable,
    ) -> Iterator[int]:  # fmt: skip
        """For how long each work in hand of a machine has gone on, the oldest first."""
        known = list(memory.loads)[max(0, len(memory.loads) - occupied) :]
        unseen = occupied - len(known)
        if unseen:
            self.guesses.named.append(
                f"{unit}: how long its work has gone on ({unseen} of {occupied})"
            )
        newest_us = memory.worked_for_us(known[0], self.heard_us) if known else 0
        for k in range(unseen):
            whole_us = variate(table, self.guesses.word(f"{unit}/{k}/whole"))
            # Spread evenly over the time that is left for them: one place after another is loaded.
            share = (unseen - k - 1 + self.guesses.uniform(f"{unit}/{k}/share")) / unseen
            yield newest_us + int(share * max(0, whole_us - newest_us))
        for begun in known:
            yield memory.worked_for_us(begun, self.heard_us)

    # -- the rest --------------------------------------------------------------------------------

    def crews(self) -> None:
        for crew in self.line.crews:
            at_work = sorted(self.repairs[crew.id])
            for turn, (_, machine) in enumerate(at_work[crew.size :], 1):
                self.rows["machines"][machine] |= {"ends_us": NONE, "crew_turn": turn}
            self.rows["crews"].append({"free": max(0, crew.size - len(at_work))})

    def materials(self) -> None:
        for material in self.line.materials:
            level = NONE if material.stock is None else round(material.stock * 1e6)
            if material.stock is not None:
                self.guesses.named.append(f"{material.id}: what its store holds; taken for full")
            self.rows["materials"].append({"level": level, "used": 0})

    def parts(self) -> dict[str, NDArray[np.int64]]:
        """Give every part its number and its defects."""
        line = self.line
        self.holdings += in_lanes(line, self.levels, self.guesses)
        numbers = PartNumbers(line, {})
        for held in self.holdings:
            numbers.expect(held.maker, held.count)
        for station, row in zip(line.stations, self.rows["stations"], strict=True):
            gives, busy = station.gives_milli or MILLI, self.busy[station.id]
            least = -(-numbers.inside(station.id) * MILLI // gives) + 1 + busy
            row["started"] = max(row["started"], least)
            row["completed"] = row["started"] - busy
            numbers.next_made[station.id] = row["completed"] * gives // MILLI
        rows = part_rows(line, self.holdings, numbers, self.guesses.key)
        loads = np.flatnonzero(rows["held_in"] == IN_LOAD)
        places, first = np.unique(rows["holder"][loads], return_index=True)
        leads = dict(zip(places.tolist(), rows["number"][loads[first]].tolist(), strict=True))
        self.number_operations(numbers, leads)
        return rows

    def number_operations(self, numbers: PartNumbers, leads: Mapping[int, int]) -> None:
        """Work under way: which of its station's operations, and whose draws it has (rule S2)."""
        place = 0
        for station, run in zip(self.line.stations, self.rows["stations"], strict=True):
            operation = run["completed"]
            gives, code = station.gives_milli or MILLI, numbers.code(station.id)
            for _ in range(station.machines * station.places):
                row = self.rows["places"][place]
                if row["loaded"]:
                    row["operation"] = operation
                    row["lead"] = leads.get(place, code + operation * gives // MILLI)
                    operation += 1
                place += 1

    def result(self, parts: Mapping[str, NDArray[np.int64]]) -> Restored:
        for turn, (_, place) in enumerate(sorted(self.waits), 1):
            self.rows["places"][place]["turn"] = turn
        tables = {
            name: np.array(
                [[row[column] for column in columns] for row in self.rows[name]], dtype=np.int64
            ).reshape(-1, len(columns))
            for name, columns in SAVED.items()
        }
        tables["parts"] = np.ascontiguousarray(np.array(list(parts.values())).T)
        watched_us = min(self.mirror.watched_us, self.at_us)
        snapshot = snapshot_of(
            line_mark(self.line), self.seed, 0, self.at_us - watched_us, self.at_us, tables
        ).model_copy(update={"settled": False})
        return Restored(snapshot, self.epoch_us, self.unheard, tuple(self.guesses.named))


def _reason(station: Station, stop: int) -> int:
    """The stop reason of a failure or changeover, counted as `modes` are."""
    failures = len(station.failures)
    return stop + 1 if stop < failures else SETUPS_FROM + stop - failures
