"""The floor of a line at the start of a run: empty, everything up."""

from __future__ import annotations

from twin.engine.draws import Key, Purpose, key_for, threshold
from twin.engine.floor import (
    UNLIMITED,
    Crew,
    Floor,
    Group,
    Inlet,
    Lane,
    Machine,
    Outlet,
    Place,
    Service,
    StationRun,
    StopMode,
    Store,
)
from twin.engine.part_codes import MICRO, NUMBER_BITS, part_codes
from twin.engine.part_draws import PartDraws
from twin.engine.quantiles import quantile_table
from twin.model.buffer import Buffer
from twin.model.line import Line
from twin.model.quantity import MILLI
from twin.model.station import Station
from twin.model.topology import downstream_rank

__all__ = ["floor_from_line"]


def _lanes_of_group(lanes: list[Lane], groups: int, group: int) -> tuple[Lane, ...]:
    """The lanes that fall to one of a station's groups (rule S12)."""
    n = len(lanes)
    if n >= groups:
        return tuple(lane for i, lane in enumerate(lanes) if i * groups // n == group)
    return (lanes[group * n // groups],)


def _returns(line: Line) -> set[str]:
    """Stations that parts come back to from elsewhere or from themselves."""
    targets = {s.rework.to for s in line.stations if s.rework and s.rework.to}
    return targets | {
        s.inspection.rejects_to for s in line.stations if s.inspection and s.inspection.rejects_to
    }


def _stop_modes(
    station: Station, machine: int, crews: dict[str, Crew], seed: int, replication: int
) -> list[StopMode]:
    def key(purpose: Purpose, detail: str) -> Key:
        return key_for(seed, replication, purpose, station.id, machine, detail)

    modes = [
        StopMode(
            index=index,
            is_setup=False,
            stop_reason=index + 1,
            due=quantile_table(failure.mtbf),
            due_key=key(Purpose.FAIL, failure.id),
            lasts=quantile_table(failure.mttr),
            lasts_key=key(Purpose.REPAIR, failure.id),
            after=failure.after,
            stops_handling=failure.stops == "handling",
            crew=crews[failure.crew] if failure.crew else None,
        )
        for index, failure in enumerate(station.failures)
    ]
    modes += [
        StopMode(
            index=len(station.failures) + index,
            is_setup=True,
            stop_reason=101 + index,
            due=quantile_table(changeover.every),
            due_key=key(Purpose.CHANGEOVER_DUE, changeover.id),
            lasts=quantile_table(changeover.lasts),
            lasts_key=key(Purpose.CHANGEOVER, changeover.id),
            after="resume",
            stops_handling=False,
            crew=None,
        )
        for index, changeover in enumerate(station.changeovers)
    ]
    return modes


def _services(station: Station, machine: int, crews: dict[str, Crew]) -> list[Service]:
    return [
        Service(
            index=index,
            every_us=plan.every_us,
            lasts_us=plan.lasts_us,
            first_us=plan.first_us
            + (0 if plan.together else plan.every_us * machine // station.machines),
            crew=crews[plan.crew] if plan.crew else None,
        )
        for index, plan in enumerate(station.maintenance)
    ]


def _number_clocks_and_places(line: Line, stations: list[StationRun]) -> None:
    """Hand out the ranks of rule S25; calendars and deliveries come before, by their index."""
    rank = len(line.calendars) + len(line.materials)
    for run in stations:
        for machine in run.machines:
            for service in machine.services:
                # Falling due comes before an end at the same instant, and so adds nothing.
                service.due_rank, service.end_rank = rank, rank + 1
                rank += 2
    for run in stations:
        for machine in run.machines:
            machine.clock_rank = rank
            rank += 1
    for run in sorted(stations, key=lambda r: r.downstream_rank):
        for machine in run.machines:
            for place in machine.places:
                place.rank = rank
                rank += 1


def floor_from_line(line: Line, seed: int, replication: int) -> Floor:
    """Build the floor of a line.

    Args:
        line: a checked line.
        seed, replication: of the run; they go into the keys of its draws.

    Returns:
        An empty floor with every machine up and no clock started.
    """
    lanes: list[Lane] = []
    buffer_lanes: list[list[Lane]] = []
    rework_lanes: dict[int, Lane] = {}
    returns = _returns(line)

    def new_lane(buffer: int, capacity: int | None) -> Lane:
        lanes.append(Lane(len(lanes), buffer, UNLIMITED if capacity is None else capacity))
        return lanes[-1]

    for index, buffer in enumerate(line.buffers):
        buffer_lanes.append([new_lane(index, buffer.capacity) for _ in range(buffer.lanes)])
    # After all the others, so that a lane's number doesn't depend on rework elsewhere.
    for index, buffer in enumerate(line.buffers):
        if returns & set(buffer.sinks):
            rework_lanes[index] = new_lane(index, None)

    buffer_index = {buffer.id: i for i, buffer in enumerate(line.buffers)}
    crews = {crew.id: Crew(crew.size) for crew in line.crews}
    stores = [
        Store(i, UNLIMITED if m.stock is None else round(m.stock * MICRO))
        for i, m in enumerate(line.materials)
    ]
    store_of = {m.id: store for m, store in zip(line.materials, stores, strict=True)}
    calendars = {calendar.id: calendar for calendar in line.calendars}
    codes, ranks = part_codes(line), downstream_rank(line)

    def input_lane(station: str | None) -> Lane | None:
        return rework_lanes[buffer_index[line.inputs[station][0].id]] if station else None

    stations: list[StationRun] = []
    for index, station in enumerate(line.stations):
        inputs, outputs = line.inputs[station.id], line.outputs[station.id]
        shared = [b.share for b in outputs if b.share is not None]
        calendar = station.calendar or line.calendar
        run = StationRun(
            station=station,
            index=index,
            downstream_rank=ranks[station.id],
            draws=PartDraws(line, station, seed, replication),
            code=codes[station.id] << NUMBER_BITS,
            gives_milli=station.gives_milli or MILLI,
            passes_on=len(inputs) == 1 and station.gives_milli is None,
            share_key=key_for(seed, replication, Purpose.ROUTE, station.id) if shared else None,
            share_below=tuple(
                threshold(min(sum(shared[: i + 1]), 1.0)) for i in range(len(shared))
            ),
            calendar=calendars[calendar] if calendar else None,
            uses=tuple((store_of[u.material], round(u.amount * MICRO)) for u in station.uses),
            rework_lane=input_lane(station.rework.to if station.rework else None),
            reject_lane=input_lane(station.inspection.rejects_to if station.inspection else None),
        )
        stations.append(run)

        def inlet(buffer: Buffer, group: int, station: Station = station) -> Inlet:
            i = buffer_index[buffer.id]
            own = _lanes_of_group(buffer_lanes[i], station.lanes, group)
            extra = (rework_lanes[i],) if i in rework_lanes else ()
            return Inlet(own + extra, station.takes_from(buffer.id))

        for g in range(station.lanes):
            own = [
                _lanes_of_group(buffer_lanes[buffer_index[b.id]], station.lanes, g) for b in outputs
            ]
            inlets = tuple(inlet(b, g) for b in inputs)
            simple = (
                len(inlets) == 1
                and len(inlets[0].lanes) == 1
                and inlets[0].milli == MILLI
                and not station.uses
            )
            group = Group(
                station=run,
                inlets=inlets,
                outlets=tuple(Outlet(part) for part in own)
                if shared
                else ((Outlet(sum(own, ())),) if own else ()),
                single=inlets[0].lanes[0] if simple else None,
            )
            run.groups.append(group)
            for i in group.inlets:
                for lane in i.lanes:
                    lane.takers.append(group)
                    lane.tells_causes |= group.tells_causes
            for outlet in group.outlets:
                for lane in outlet.lanes:
                    lane.givers.append(outlet)
        for m in range(station.machines):
            machine = Machine(
                station=run,
                index=m,
                modes=_stop_modes(station, m, crews, seed, replication),
                by_time=any(f.depends_on == "time" for f in station.failures),
                services=_services(station, m, crews),
            )
            group = run.groups[m * station.lanes // station.machines]
            machine.tells_causes = group.tells_causes or len(group.outlets) > 1
            machine.places = [Place(machine, group, p, 0) for p in range(station.places)]
            machine.counts[0], machine.counts[1] = 0, station.places
            run.machines.append(machine)
    _number_clocks_and_places(line, stations)
    return Floor(stations, lanes, buffer_lanes, rework_lanes, stores, crews)
