"""Which KPIs the signals that a plant gives allow, and what the others lack."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from twin.live.counting import WAITING
from twin.live.inferred import level_follows_from
from twin.model.line import Line
from twin.model.station import Station
from twin.signals import FALSE_REJECTS, MISSED
from twin.twin_signals import LINE_SIGNALS, STATION_SIGNALS

__all__ = ["Covered", "coverage", "needs_of_line", "needs_of_station"]

Key = tuple[str, str]

_STATES = ("state_current", "starved", "blocked")
_GOOD = ("processed", "defective", "reworked")
_STATION_NEEDS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("execute_s", "starved_s", "blocked_s", "fault_s", "setup_s", "planned_stop_s"), _STATES
    ),
    "oee_index": (*_GOOD, *_STATES),
    "availability": _STATES,
    "quality_ratio": _GOOD,
    "busy_share": (WAITING,),
    "mtbf_s": ("failures", *_STATES),
    "mttr_s": ("failures", *_STATES),
    "down_s": ("state_current",),
    "station_energy_kwh": (*_GOOD, *_STATES),
}


@dataclass(frozen=True, slots=True)
class Covered:
    """One KPI of a line, a station or a buffer.

    Args:
        unit: the station's or buffer's id; empty for the line.
        kpi: its name, as in history.
        text: what it means.
        missing: the signals that it lacks, `unit.signal`; none: the plant's signals allow it.
        inferred: it is allowed, and worked out from others because its own signal is missing.
    """

    unit: str
    kpi: str
    text: str
    missing: tuple[str, ...]
    inferred: bool = False


def needs_of_station(line: Line, station: Station, kpi: str) -> frozenset[Key]:
    """The signals that a station's KPI is made of.

    Args:
        line: the station's line.
        station: whose.
        kpi: name of one of `STATION_SIGNALS`.

    >>> from lines.loader import load
    >>> line = load("five_stations")
    >>> sorted(needs_of_station(line, line.stations[0], "busy_share"))
    [('M101', 'waiting_time_s')]
    """
    if kpi == "slowest":
        return frozenset().union(*(needs_of_station(line, s, "busy_share") for s in line.stations))
    names: tuple[str, ...] = _STATION_NEEDS.get(kpi, ())
    if station.inspection is not None and kpi == "detection_ratio":
        names = (*(f"defect.{kind}" for kind in station.inspection.detects), f"defect.{MISSED}")
    elif station.inspection is not None and kpi == "false_reject_ratio":
        names = (f"defect.{FALSE_REJECTS}", f"defect.{MISSED}", *_GOOD)
    units = [station.machine_id(machine) for machine in range(station.machines)]
    return frozenset((unit, name) for unit in units for name in names)


def needs_of_line(line: Line, kpi: str) -> frozenset[Key]:
    """The signals that a line's KPI is made of; `kpi` is the name of one of `LINE_SIGNALS`."""
    good = [s for s in line.stations if not line.outputs[s.id]]
    scrap = [s for s in line.stations if s.id in line.yield_stations]
    of_good = {key for s in good for key in needs_of_station(line, s, "quality_ratio")}
    of_scrap = {
        (s.machine_id(machine), "defective") for s in scrap for machine in range(s.machines)
    }
    of_energy = {
        key for s in line.stations for key in needs_of_station(line, s, "station_energy_kwh")
    }
    match kpi:
        case "target_per_h":
            return frozenset()
        case "scrap_units":
            return frozenset(of_scrap)
        case "yield_ratio":
            return frozenset(of_good | of_scrap)
        case "energy_kwh" | "energy_kwh_per_unit":
            return frozenset(of_good | of_energy)
    return frozenset(of_good)


def coverage(line: Line, given: Collection[Key]) -> Iterator[Covered]:
    """Say of each KPI whether the signals that are given allow it.

    Args:
        line: the line.
        given: (unit, signal) of every signal that its PLCs give.

    Yields:
        The line's KPIs, each station's (those of inspections only where there is one), and each
        buffer's level.

    >>> from lines.loader import load
    >>> from twin.signals import tags
    >>> line = load("five_stations")
    >>> given = {tag.key for tag in tags(line) if tag.signal.name != "failures"}
    >>> sorted({one.kpi for one in coverage(line, given) if one.missing})
    ['mtbf_s', 'mttr_s']
    """
    has = frozenset(given)

    def lacking(needs: Collection[Key]) -> tuple[str, ...]:
        return tuple(f"{unit}.{signal}" for unit, signal in sorted(set(needs) - has))

    for signal in LINE_SIGNALS:
        missing = lacking(needs_of_line(line, signal.name))
        yield Covered("", signal.name, signal.text.en, missing)
    for station in line.stations:
        for signal in STATION_SIGNALS:
            needs = needs_of_station(line, station, signal.name)
            if needs:
                yield Covered(station.id, signal.name, signal.text.en, lacking(needs))
    for buffer in line.buffers:
        own = (buffer.id, "level")
        others = level_follows_from(line, buffer)
        inferred = own not in has and others is not None and others <= has
        missing = () if own in has or inferred else lacking({own})
        yield Covered(buffer.id, "level", "parts in the buffer", missing, inferred)
