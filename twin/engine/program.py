"""A line as arrays of whole numbers: what the compiled engine runs.

A line is lowered once, whatever is drawn: its rows have room for the keys of draws, and each run
makes its own there, of the texts that say what each stream is for.

`lower` reads the line itself and shares nothing with the reference engine's floor but the keys of
the draws, the quantile tables, the part codes and the order of the stations, so that the two check
each other. The fields are those of the structs in `kernel.c`, in their order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from twin.engine.draws import Purpose, stream_text, threshold
from twin.engine.identity import Same
from twin.engine.part_codes import MICRO, NUMBER_BITS, part_codes
from twin.engine.quantiles import QuantileTable, quantile_table
from twin.model.durations import Duration
from twin.model.failures import Changeover, Failure
from twin.model.line import Line
from twin.model.quantity import MILLI
from twin.model.station import Station
from twin.model.topology import downstream_rank

__all__ = ["LAYOUT", "Lanes", "Program", "lower", "number_lanes", "streams_of"]

NONE = -1
UNLIMITED = 1 << 62
AFTER = {"resume": 0, "restart": 1, "scrap": 2}


def _fields(text: str) -> tuple[str, ...]:
    names: list[str] = []
    for word in text.split():
        name, _, kind = word.partition(":")
        names += {
            "": [name],
            "range": [f"{name}_from", f"{name}_count"],
            "key": [f"{name}_k0", f"{name}_k1"],
        }[kind]
    return tuple(names)


LAYOUT: dict[str, tuple[str, ...]] = {
    "stations": _fields(
        "machines:range groups:range uses:range arise:range detect:range "
        "passes_on gives_milli code table calendar rework_lane reject_lane shares plain "
        "inspects false_below scrap_below outcome_below by_time "
        "service:key route:key arise_key:key false_reject:key outcome:key"
    ),
    "groups": _fields("station inlets:range outlets:range single_lane"),
    "inlets": _fields("lanes:range milli"),
    "outlets": _fields("group lanes:range share_below"),
    "lanes": _fields("capacity takers:range givers:range"),
    "machines": _fields("station number places:range modes:range services:range"),
    "places": _fields("machine group number"),
    "modes": _fields(
        "number is_setup after stops_handling crew due_table lasts_table due:key lasts:key"
    ),
    "services": _fields("machine every_us lasts_us first_us crew"),
    "calendars": _fields("stops:range stations:range"),
    "stops": _fields("every_us at_us lasts_us"),
    "materials": _fields("stock has_delivery every_us first_us amount stations:range"),
    "uses": _fields("material amount"),
    "arise": _fields("below bit"),
    "detect": _fields("bit below key:key"),
    "buffers": _fields("lanes:range rework_lane"),
    "streams": _fields("text:range"),
    "stream_texts": ("bytes",),
    "crews": ("size",),
    "inlet_lanes": ("lane",),
    "outlet_lanes": ("lane",),
    "lane_takers": ("group",),
    "lane_givers": ("outlet",),
    "calendar_stations": ("station",),
    "material_stations": ("station",),
    "tables": ("quantile",),
    "table_constants": ("us",),
}
"""For each table the names of its columns; a range is where its rows are in another table. Keys are
0: they belong to a run. Texts are counted in bytes, eight of them in a row.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """A line, lowered.

    Args:
        tables: int64, (rows, columns), C-contiguous, one for each entry of `LAYOUT`, in its order.
    """

    tables: dict[str, NDArray[np.int64]]


class _Rows:
    """Rows under construction."""

    def __init__(self) -> None:
        self.rows: dict[str, list[tuple[int, ...]]] = {name: [] for name in LAYOUT}
        self.table_of: dict[int, int] = {}
        self.kept: list[QuantileTable] = []

    def add(self, table: str, /, **values: int) -> int:
        """Put a row at the end of a table; its number."""
        rows = self.rows[table]
        rows.append(tuple(values.pop(name) for name in LAYOUT[table]))
        assert not values, f"{table} has no {', '.join(values)}"  # noqa: S101 - a slip of ours
        return len(rows) - 1

    def add_list(self, table: str, values: Iterable[int]) -> dict[str, int]:
        """Put plain numbers at the end of a table; where they lie."""
        rows = self.rows[table]
        start = len(rows)
        rows.extend((value,) for value in values)
        return {"from": start, "count": len(rows) - start}

    def quantiles(self, duration: Duration, stretch: float = 1.0) -> int:
        """The number of a distribution's table, each stored once."""
        table = quantile_table(duration, stretch)
        if id(table) not in self.table_of:
            self.table_of[id(table)] = len(self.kept)
            self.kept.append(table)
        return self.table_of[id(table)]


def _signed(word: int) -> int:
    """The int64 with the bits of an unsigned word; the kernel reads it back as unsigned."""
    return word - (1 << 64) if word >> 63 else word


def _no_key(*names: str) -> dict[str, int]:
    return {f"{name}_{half}": 0 for name in names for half in ("k0", "k1")}


def streams_of(line: Line) -> Iterator[str]:
    """What each stream of a line's draws is for, in the order in which the kernel numbers them:
    five of each station, two of each machine's failures and changeovers, one of each detection.
    """
    for station in line.stations:
        for purpose in (
            Purpose.SERVICE,
            Purpose.ROUTE,
            Purpose.ARISE,
            Purpose.FALSE_REJECT,
            Purpose.OUTCOME,
        ):
            yield stream_text(purpose, station.id)
    for station in line.stations:
        stops: tuple[Failure | Changeover, ...] = (*station.failures, *station.changeovers)
        for machine in range(station.machines):
            for stop in stops:
                failure = isinstance(stop, Failure)
                due = Purpose.FAIL if failure else Purpose.CHANGEOVER_DUE
                lasts = Purpose.REPAIR if failure else Purpose.CHANGEOVER
                yield stream_text(due, station.id, machine, stop.id)
                yield stream_text(lasts, station.id, machine, stop.id)
    for station in line.stations:
        for defect in station.inspection.detects if station.inspection else ():
            yield stream_text(Purpose.DETECT, station.id, detail=defect)


def _range(name: str, span: dict[str, int]) -> dict[str, int]:
    return {f"{name}_from": span["from"], f"{name}_count": span["count"]}


@dataclass(frozen=True, slots=True)
class Lanes:
    """Numbers of the lanes of each buffer, and of its rework lane if it has one.

    Args:
        own: by the buffer's id; rule S12's lanes, in their order.
        rework: by the buffer's id; after all others.
        capacity: of each lane, by its number.
    """

    own: dict[str, list[int]]
    rework: dict[str, int]
    capacity: list[int]


def number_lanes(line: Line) -> Lanes:
    """Number a line's lanes, in the order of the file, as events and snapshots name them."""
    back_to = {s.rework.to for s in line.stations if s.rework} | {
        s.inspection.rejects_to for s in line.stations if s.inspection
    }
    own: dict[str, list[int]] = {}
    capacity: list[int] = []
    for buffer in line.buffers:
        own[buffer.id] = list(range(len(capacity), len(capacity) + buffer.lanes))
        capacity += [UNLIMITED if buffer.capacity is None else buffer.capacity] * buffer.lanes
    rework = {}
    for buffer in line.buffers:
        if back_to.intersection(buffer.sinks):
            rework[buffer.id] = len(capacity)
            capacity.append(UNLIMITED)
    return Lanes(own, rework, capacity)


def _falling_to(lanes: list[int], groups: int, group: int) -> list[int]:
    """Rule S12."""
    n = len(lanes)
    if n >= groups:
        return [lane for position, lane in enumerate(lanes) if position * groups // n == group]
    return [lanes[group * n // groups]]


def lower(line: Line) -> Program:
    """Lower a line; a line that has been lowered lately is not lowered again.

    Args:
        line: a checked line.

    Returns:
        Tables that refer to each other by row number and to nothing else; not to be changed.
    """
    return _lowered(Same(line))


@lru_cache(maxsize=32)
def _lowered(same: Same[Line]) -> Program:
    line = same.value
    rows = _Rows()
    lanes = number_lanes(line)
    rank = downstream_rank(line)
    order = sorted(line.stations, key=lambda station: rank[station.id])
    number = {station.id: i for i, station in enumerate(line.stations)}
    crew = {c.id: rows.add("crews", size=c.size) for c in line.crews}
    takers: list[list[int]] = [[] for _ in lanes.capacity]
    givers: list[list[int]] = [[] for _ in lanes.capacity]

    first_group = _add_groups(line, rows, lanes, takers, givers)
    first_machine: dict[str, int] = {}
    total = 0
    for station in line.stations:
        first_machine[station.id] = total
        total += station.machines
    first_place: dict[str, int] = {}
    for station in order:
        first_place[station.id] = len(rows.rows["places"])
        for m in range(station.machines):
            group = first_group[station.id] + m * station.lanes // station.machines
            for p in range(station.places):
                rows.add("places", machine=first_machine[station.id] + m, group=group, number=p)

    codes = part_codes(line)
    for station in line.stations:
        _add_machines(station, rows, crew, number, first_machine, first_place)
        _add_station(line, station, rows, lanes, codes, first_group, first_machine)
    for lane, capacity in enumerate(lanes.capacity):
        rows.add(
            "lanes",
            capacity=capacity,
            **_range("takers", rows.add_list("lane_takers", takers[lane])),
            **_range("givers", rows.add_list("lane_givers", givers[lane])),
        )
    for buffer in line.buffers:
        own = lanes.own[buffer.id]
        lanes_of = {"lanes_from": own[0], "lanes_count": len(own)}
        rows.add("buffers", **lanes_of, rework_lane=lanes.rework.get(buffer.id, NONE))
    _add_streams(line, rows)
    for calendar in line.calendars:
        start = len(rows.rows["stops"])
        for stop in calendar.stops:
            rows.add("stops", every_us=stop.every_us, at_us=stop.at_us, lasts_us=stop.lasts_us)
        followers = [number[s.id] for s in order if (s.calendar or line.calendar) == calendar.id]
        rows.add(
            "calendars",
            stops_from=start,
            stops_count=len(calendar.stops),
            **_range("stations", rows.add_list("calendar_stations", followers)),
        )
    for material in line.materials:
        users = [number[s.id] for s in order if any(u.material == material.id for u in s.uses)]
        delivery = material.delivery
        rows.add(
            "materials",
            stock=UNLIMITED if material.stock is None else round(material.stock * MICRO),
            has_delivery=int(delivery is not None),
            every_us=delivery.every_us if delivery else 1,
            first_us=delivery.first_us if delivery else 0,
            amount=round(delivery.amount * MICRO) if delivery else 0,
            **_range("stations", rows.add_list("material_stations", users)),
        )
    for table in rows.kept:
        rows.add("table_constants", us=table.constant_us)
    tables = {
        name: np.array(rows.rows[name], dtype=np.int64).reshape(-1, len(columns))
        for name, columns in LAYOUT.items()
        if name != "tables"
    }
    flat = [np.concatenate([table.main, table.tail]) for table in rows.kept]
    quantiles = np.concatenate(flat) if flat else np.empty(0, dtype=np.int64)
    tables["tables"] = np.ascontiguousarray(quantiles, dtype=np.int64).reshape(-1, 1)
    return Program({name: np.ascontiguousarray(tables[name]) for name in LAYOUT})


def _add_streams(line: Line, rows: _Rows) -> None:
    texts = b""
    for text in streams_of(line):
        encoded = text.encode()
        rows.add("streams", text_from=len(texts), text_count=len(encoded))
        texts += encoded
    texts += bytes(-len(texts) % 8)
    rows.add_list("stream_texts", np.frombuffer(texts, dtype=np.int64).tolist())


def _add_groups(
    line: Line, rows: _Rows, lanes: Lanes, takers: list[list[int]], givers: list[list[int]]
) -> dict[str, int]:
    """Add every station's groups with what they take and where they put."""
    first: dict[str, int] = {}
    for i, station in enumerate(line.stations):
        inputs, outputs = line.inputs[station.id], line.outputs[station.id]
        first[station.id] = len(rows.rows["groups"])
        for g in range(station.lanes):
            group = len(rows.rows["groups"])
            inlets = len(rows.rows["inlets"])
            taken: list[list[int]] = []
            for buffer in inputs:
                own = _falling_to(lanes.own[buffer.id], station.lanes, g)
                if buffer.id in lanes.rework:
                    own = [*own, lanes.rework[buffer.id]]
                taken.append(own)
                rows.add(
                    "inlets",
                    milli=station.takes_from(buffer.id),
                    **_range("lanes", rows.add_list("inlet_lanes", own)),
                )
                for lane in own:
                    takers[lane].append(group)
            ways = [(_falling_to(lanes.own[b.id], station.lanes, g), b.share) for b in outputs]
            shared = any(share is not None for _, share in ways)
            if ways and not shared:
                ways = [([lane for way, _ in ways for lane in way], None)]
            outlets = len(rows.rows["outlets"])
            total = 0.0
            for way, share in ways:
                total += share or 0.0
                outlet = rows.add(
                    "outlets",
                    group=group,
                    share_below=_signed(threshold(min(total, 1.0))),
                    **_range("lanes", rows.add_list("outlet_lanes", way)),
                )
                for lane in way:
                    givers[lane].append(outlet)
            single = (
                len(taken) == 1
                and len(taken[0]) == 1
                and station.takes_from(inputs[0].id) == MILLI
                and not station.uses
            )
            rows.add(
                "groups",
                station=i,
                inlets_from=inlets,
                inlets_count=len(inputs),
                outlets_from=outlets,
                outlets_count=len(ways),
                single_lane=taken[0][0] if single else NONE,
            )
    return first


def _add_machines(
    station: Station,
    rows: _Rows,
    crew: dict[str, int],
    number: dict[str, int],
    first_machine: dict[str, int],
    first_place: dict[str, int],
) -> None:
    for m in range(station.machines):
        machine = first_machine[station.id] + m
        modes = len(rows.rows["modes"])
        stops: tuple[Failure | Changeover, ...] = (*station.failures, *station.changeovers)
        for index, stop in enumerate(stops):
            failure = stop if isinstance(stop, Failure) else None
            if isinstance(stop, Failure):
                due, lasts = stop.mtbf, stop.mttr
            else:
                due, lasts = stop.every, stop.lasts
            rows.add(
                "modes",
                number=index,
                is_setup=int(failure is None),
                after=AFTER[failure.after] if failure else 0,
                stops_handling=int(failure is not None and failure.stops == "handling"),
                crew=crew[failure.crew] if failure and failure.crew else NONE,
                due_table=rows.quantiles(due),
                lasts_table=rows.quantiles(lasts),
                **_no_key("due", "lasts"),
            )
        services = len(rows.rows["services"])
        for plan in station.maintenance:
            later = 0 if plan.together else plan.every_us * m // station.machines
            rows.add(
                "services",
                machine=machine,
                every_us=plan.every_us,
                lasts_us=plan.lasts_us,
                first_us=plan.first_us + later,
                crew=crew[plan.crew] if plan.crew else NONE,
            )
        rows.add(
            "machines",
            station=number[station.id],
            number=m,
            places_from=first_place[station.id] + m * station.places,
            places_count=station.places,
            modes_from=modes,
            modes_count=len(stops),
            services_from=services,
            services_count=len(station.maintenance),
        )


def _add_station(
    line: Line,
    station: Station,
    rows: _Rows,
    lanes: Lanes,
    codes: dict[str, int],
    first_group: dict[str, int],
    first_machine: dict[str, int],
) -> None:
    def back(to: str | None) -> int:
        return lanes.rework[line.inputs[to][0].id] if to else NONE

    bits = {defect.id: 1 << i for i, defect in enumerate(line.defects)}
    calendars = [calendar.id for calendar in line.calendars]
    materials = [material.id for material in line.materials]
    uses = len(rows.rows["uses"])
    for use in station.uses:
        rows.add("uses", material=materials.index(use.material), amount=round(use.amount * MICRO))
    arise, total = len(rows.rows["arise"]), 0.0
    for defect, probability in station.defects.items():
        total += probability
        rows.add("arise", below=_signed(threshold(min(total, 1.0))), bit=bits[defect])
    inspection = station.inspection
    detect = len(rows.rows["detect"])
    for defect, probability in inspection.detects.items() if inspection else ():
        rows.add(
            "detect",
            bit=bits[defect],
            below=_signed(threshold(probability)),
            **_no_key("key"),
        )
    rework = station.rework.rate if station.rework else 0.0
    outcome_below = _signed(threshold(min(station.scrap + rework, 1.0)))
    calendar = station.calendar or line.calendar
    passes_on = len(line.inputs[station.id]) == 1 and station.gives_milli is None
    rows.add(
        "stations",
        machines_from=first_machine[station.id],
        machines_count=station.machines,
        groups_from=first_group[station.id],
        groups_count=station.lanes,
        uses_from=uses,
        uses_count=len(station.uses),
        arise_from=arise,
        arise_count=len(station.defects),
        detect_from=detect,
        detect_count=len(rows.rows["detect"]) - detect,
        passes_on=int(passes_on),
        gives_milli=station.gives_milli or MILLI,
        code=codes[station.id] << NUMBER_BITS,
        table=rows.quantiles(station.cycle_time, 1 / station.effectiveness),
        calendar=calendars.index(calendar) if calendar else NONE,
        rework_lane=back(station.rework.to if station.rework else None),
        reject_lane=back(inspection.rejects_to if inspection else None),
        shares=int(any(b.share is not None for b in line.outputs[station.id])),
        plain=int(not station.defects and inspection is None and not outcome_below),
        inspects=int(inspection is not None),
        false_below=_signed(threshold(inspection.false_reject)) if inspection else 0,
        scrap_below=_signed(threshold(station.scrap)),
        outcome_below=outcome_below,
        by_time=int(any(f.depends_on == "time" for f in station.failures)),
        **_no_key("service", "route", "arise_key", "false_reject", "outcome"),
    )
