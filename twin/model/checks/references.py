"""References: whoever is named exists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from typing import NamedTuple

from twin.errors import Fault
from twin.model.checks.draft import Draft
from twin.model.nearest import did_you_mean
from twin.model.station import Station

__all__ = ["check_references"]

STATES = ("fault", "starved", "blocked")
DECLARED = {
    "calendar": "calendars: [{{id: {}, stops: [{{every: 1 d, at: 12 h, lasts: 30 min}}]}}]",
    "crew": "crews: [{{id: {}, size: 1}}]",
    "material": "materials: [{{id: {}, unit: kg}}]",
    "defect": "defects: [{{id: {}}}]",
    "PLC": "plcs: [{{id: {}}}]",
}
"""How each kind is declared, at the top level of a file."""
SUGGESTED = 100
"""So many dangling references get a suggestion; finding the nearest name takes time."""


class _Reference(NamedTuple):
    path: str
    name: str | None
    must: str
    known: Set[str]
    declared: str = ""


def check_references(draft: Draft) -> Iterator[Fault]:
    """Every station, buffer, calendar, crew, material, defect, PLC and variable named exists."""
    suggested = 0
    for path, name, must, known, declared in _references(draft):
        # An element whose id can't be read may be the one that is meant.
        if name is None or name in known or "" in known:
            continue
        remedy = ""
        if suggested < SUGGESTED and draft.about_the_file(Fault(path, must)):
            suggested += 1
            remedy = did_you_mean(name, sorted(known), none="the file has none")
            if declared and not remedy.startswith("did you mean"):
                remedy += f"; declare it at the top level: {declared.format(name)}"
        yield Fault(path, must, name, remedy)
    yield from _named_twice(draft)


def _references(draft: Draft) -> Iterator[_Reference]:
    line = draft.line
    known: dict[str, Set[str]] = {
        "station": draft.station_ids,
        "calendar": {calendar.id for calendar in line.calendars},
        "crew": {crew.id for crew in line.crews},
        "material": {material.id for material in line.materials},
        "defect": {defect.id for defect in line.defects},
        "PLC": {plc.id for plc in line.plcs},
    }
    for path, name, kind in _to_lists(draft):
        must = f"must be the id of a {kind}"
        yield _Reference(path, name, must, known[kind], DECLARED.get(kind, ""))
    for i, station in enumerate(line.stations):
        yield from _takes(draft, f"stations[{i}]", station)
        yield from _alarms(f"stations[{i}]", station)


def _to_lists(draft: Draft) -> Iterator[tuple[str, str | None, str]]:
    """Find each reference to an element of one of the line's lists: path, name, kind."""
    line = draft.line
    yield "calendar", line.calendar, "calendar"
    yield "yield_from", line.yield_from, "station"
    for j, buffer in enumerate(line.buffers):
        for field, names in (("from", buffer.sources), ("to", buffer.sinks)):
            for k, name in enumerate(names):
                item = f"[{k}]" if len(names) > 1 else ""
                yield f"buffers[{j}].{field}{item}", name, "station"
    for i, station in enumerate(line.stations):
        here = f"stations[{i}]"
        yield f"{here}.calendar", station.calendar, "calendar"
        yield f"{here}.plc", station.plc, "PLC"
        for k, failure in enumerate(station.failures):
            yield f"{here}.failures[{k}].crew", failure.crew, "crew"
        for k, maintenance in enumerate(station.maintenance):
            yield f"{here}.maintenance[{k}].crew", maintenance.crew, "crew"
        for k, use in enumerate(station.uses):
            yield f"{here}.uses[{k}].material", use.material, "material"
        for name in station.defects:
            yield f"{here}.defects.{name}", name, "defect"
        if station.rework is not None:
            yield f"{here}.rework.to", station.rework.to, "station"
        if station.inspection is not None:
            yield f"{here}.inspection.rejects_to", station.inspection.rejects_to, "station"
            for name in station.inspection.detects:
                yield f"{here}.inspection.detects.{name}", name, "defect"


def _takes(draft: Draft, here: str, station: Station) -> Iterator[_Reference]:
    inputs = {buffer.id for buffer in draft.line.inputs[station.id]}
    for name in station.takes_milli:
        # A buffer whose `to` is wrong itself may well be meant to lead here.
        if name and name not in draft.stray_buffers:
            must = "must be the id of a buffer that leads to this station"
            yield _Reference(f"{here}.takes.{name}", name, must, inputs)


def _alarms(here: str, station: Station) -> Iterator[_Reference]:
    limited = (v for v in station.variables if v.alarm_low is not None or v.alarm_high is not None)
    causes = {*STATES, *(variable.id for variable in limited)}
    must = "must be fault, starved, blocked, or a variable of the station with alarm limits"
    for k, alarm in enumerate(station.alarms):
        yield _Reference(f"{here}.alarms[{k}].when", alarm.when, must, causes)


def _named_twice(draft: Draft) -> Iterator[Fault]:
    for j, buffer in enumerate(draft.line.buffers):
        for field, names in (("from", buffer.sources), ("to", buffer.sinks)):
            twice = _repeated(names)
            if twice:
                yield Fault(f"buffers[{j}].{field}", "must name each station once", twice)


def _repeated(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
