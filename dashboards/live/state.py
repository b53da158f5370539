"""The live values of a line as flat keys, so that what has changed is a plain difference.

The keys of a line: `line` (what leads the page), `m/<machine>` a state's letter, `b/<buffer>` and
`l/<lane>` a level, `s/<station>` what is known of a station, `p/<plc>` since when it is lost,
`c/<plc>` by how many seconds its clock is ahead, `alarms`, `notices`. A value of None is unknown.

What a machine's or buffer's value rests on is told under `k/<id>` where the plant does not report
it: `basis` is inferred or unknown, `said_us` when the newest value behind it was said (None: there
is none), and `last` what was last known of it, or `low` and `high` of a level. Without such a key
it is reported, and as old as its key.
"""

from __future__ import annotations

from typing import Any

from dashboards.live.shown_state import UNKNOWN, shown_state
from dashboards.live.watched import StoreHealth, WatchedLine
from twin.live.inferred import Basis
from twin.live.known import KnownMachine, known_levels, known_machines
from twin.live.mirror import Mirror
from twin.live.standing import slowest_stations, standing_alarms
from twin.model.line import Line
from twin.model.packml import State
from twin.signals import lane_id

__all__ = ["health_of", "state_of"]

Values = dict[str, Any]
MOST_ALARMS = 500
MOST_NOTICES = 20
DIGITS = 4


def state_of(watched: WatchedLine) -> Values:
    """Read what a browser shows of a line now.

    Args:
        watched: the line; its mirror is read and left as it is.

    Returns:
        Values that JSON can say, by key.
    """
    line, mirror = watched.line, watched.mirror
    values: Values = {"line": _lead(watched)}
    for plc in mirror.plcs:
        values[f"p/{plc}"] = mirror.lost_since(plc)
        skew_us = mirror.clocks.skew_us(plc)
        values[f"c/{plc}"] = None if skew_us is None else round(skew_us / 1e6, 1)
    for station in line.stations:
        unknown = mirror.unknown_since(station)
        share = mirror.waiting_share(station)
        values[f"s/{station.id}"] = {
            "unknown_since_us": unknown,
            "waiting_share": None if share is None else round(share, DIGITS),
            "processed": mirror.gained(station, "processed"),
            "defective": mirror.gained(station, "defective"),
            "failures": mirror.gained(station, "failures"),
        }
        for machine in known_machines(watched.levels, station):
            values |= _machine(mirror, machine)
    values |= _levels(line, mirror) | _known_levels(watched)
    values["alarms"] = [
        [one.unit, one.station, one.alarm.id, one.alarm.severity, one.since_us]
        for one in standing_alarms(mirror)[:MOST_ALARMS]
    ]
    values["notices"] = [
        [notice.at_us, notice.text] for notice in list(watched.notices)[-MOST_NOTICES:]
    ]
    return values


def _machine(mirror: Mirror, machine: KnownMachine) -> Values:
    waits = (machine.starved, machine.blocked)
    last = shown_state(*(known.value for known in (machine.state, *waits)))
    if machine.state.basis is not Basis.REPORTED:
        values: Values = {f"m/{machine.unit}": UNKNOWN}
        basis = Basis.INFERRED if machine.silent else Basis.UNKNOWN
        more: Values = {"last": last, "stands": machine.silent}
    elif machine.state.value == State.SUSPENDED and Basis.REPORTED not in {w.basis for w in waits}:
        basis = waits[0].basis
        values, more = {f"m/{machine.unit}": last if basis is Basis.INFERRED else UNKNOWN}, {}
    else:
        return {f"m/{machine.unit}": last}
    held = mirror.reported(machine.unit, "state_current")
    said = {"basis": basis.value, "said_us": None if held is None else held.source_us}
    return values | {f"k/{machine.unit}": said | more}


def _known_levels(watched: WatchedLine) -> Values:
    values: Values = {}
    for buffer_id, known in known_levels(watched.levels):
        if known.basis is Basis.REPORTED:
            continue
        held = watched.mirror.reported(buffer_id, "level")
        high = None if known.high == float("inf") else known.high
        values[f"k/{buffer_id}"] = {
            "basis": known.basis.value,
            "said_us": None if held is None else held.source_us,
            "low": known.low,
            "high": high,
            "last": None if held is None else held.value,
        }
        if known.basis is Basis.INFERRED and known.low == known.high:
            values[f"b/{buffer_id}"] = known.low
    return values


def _levels(line: Line, mirror: Mirror) -> Values:
    levels: Values = {}
    for buffer in line.buffers:
        levels[f"b/{buffer.id}"] = mirror.value(buffer.id, "level")
        if buffer.lanes > 1:
            for lane in range(buffer.lanes):
                name = lane_id(buffer, lane)
                levels[f"l/{name}"] = mirror.value(name, "level")
    return levels


def _lead(watched: WatchedLine) -> Values:
    line, mirror, meter = watched.line, watched.mirror, watched.meter
    rate, good, scrap = meter.per_h(), meter.good_units(), meter.scrap_units()
    slowest = slowest_stations(mirror)
    ends = [mirror.unknown_since(s) for s in line.stations if not line.outputs[s.id]]
    unknown = min((at for at in ends if at is not None), default=None)
    return {
        "newest_us": mirror.newest_us,
        "good_per_h": None if rate is None or unknown is not None else round(rate, 1),
        "output_unknown_since_us": unknown,
        "watched_s": meter.watched_us / 1e6,
        "good": good,
        "scrap": scrap,
        "yield_ratio": round(good / (good + scrap), 6) if good + scrap else None,
        "slowest": [station.id for station in slowest],
    }


def health_of(store: StoreHealth) -> Values:
    """Say how the twin itself is, for a browser."""
    spool = store.spool
    return {
        "stored": store.stored,
        "refused": store.refused,
        "waiting": store.waiting,
        "dropped": store.dropped,
        "away": store.away,
        "spool": None
        if spool is None
        else {
            "points": spool.points,
            "age_s": round(spool.age_s, 1),
            "drained_per_s": round(spool.drained_per_s, 1),
            "dropped": spool.dropped,
            "refused": spool.refused,
            "dropping": spool.dropping,
            "away": spool.away,
        },
    }
