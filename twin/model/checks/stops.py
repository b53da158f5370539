"""Failures, maintenance and calendars: rules that one field alone can't state."""

from __future__ import annotations

import math
from collections.abc import Iterator

from twin.errors import Fault
from twin.model.calendar import Calendar
from twin.model.checks.draft import Draft
from twin.model.quantity import TIME_US, format_duration
from twin.model.station import Station

__all__ = ["check_calendars", "check_failures", "check_maintenance", "check_shifts"]

STEPS = 100_000
"""So many planned stops without a gap between are taken for no working time at all."""


def check_failures(draft: Draft) -> Iterator[Fault]:
    """A station's failures share one clock, and handling stops and places go with time's."""
    for i, station in enumerate(draft.line.stations):
        here = f"stations[{i}]"
        yield from _one_clock(here, station)
        for k, failure in enumerate(station.failures):
            path = f"{here}.failures[{k}]"
            if failure.stops == "handling":
                if failure.depends_on != "time":
                    yield Fault(
                        f"{path}.stops",
                        "must be work where the failure depends on operation",
                        "handling",
                        "a handling stop depends on time",
                    )
                if failure.after != "resume":
                    must = "must be resume where only handling stops"
                    yield Fault(f"{path}.after", must, failure.after)
            if station.places > 1 and failure.depends_on != "time":
                yield Fault(
                    f"{path}.depends_on" if "depends_on" in failure.model_fields_set else path,
                    f"must depend on time at a station with {station.places} places",
                    failure.depends_on,
                )
        if station.places > 1 and station.changeovers:
            must = f"must be absent at a station with {station.places} places"
            yield Fault(f"{here}.changeovers", must)


def _one_clock(here: str, station: Station) -> Iterator[Fault]:
    if not station.failures:
        return
    first = station.failures[0]
    for k, failure in enumerate(station.failures):
        if failure.depends_on != first.depends_on:
            given = "depends_on" in failure.model_fields_set
            yield Fault(
                f"{here}.failures[{k}]" + (".depends_on" if given else ""),
                f"must be {first.depends_on}, as for {first.id}",
                failure.depends_on,
                "the failures of a station share one clock",
            )
    if first.depends_on == "time" and station.changeovers and station.places == 1:
        yield Fault(
            f"{here}.changeovers",
            "must be absent where failures depend on time",
            remedy="a changeover counts working time, and a station has one kind of clock",
        )


def check_maintenance(draft: Draft) -> Iterator[Fault]:
    """Maintenance is shorter than its period."""
    for i, station in enumerate(draft.line.stations):
        for k, maintenance in enumerate(station.maintenance):
            if maintenance.lasts_us >= maintenance.every_us:
                yield Fault(
                    f"stations[{i}].maintenance[{k}].lasts",
                    f"must be shorter than every, {format_duration(maintenance.every_us)}",
                    format_duration(maintenance.lasts_us),
                )


def check_calendars(draft: Draft) -> Iterator[Fault]:
    """A planned stop lies inside its period, and a calendar leaves working time."""
    for i, calendar in enumerate(draft.line.calendars):
        fits = True
        for k, stop in enumerate(calendar.stops):
            if stop.at_us + stop.lasts_us > stop.every_us:
                fits = False
                yield Fault(
                    f"calendars[{i}].stops[{k}]",
                    f"must end within its period, {format_duration(stop.every_us)}",
                    f"an end at {format_duration(stop.at_us + stop.lasts_us)}",
                )
        if fits and not _has_working_time(calendar):
            must = "must leave working time between its planned stops"
            yield Fault(f"calendars[{i}].stops", must, "none")


def _has_working_time(calendar: Calendar) -> bool:
    """Look for the first instant that no stop covers, from stop's end to stop's end."""
    now = 0
    repeats_after = math.lcm(*(stop.every_us for stop in calendar.stops))
    for _ in range(STEPS):
        if now >= repeats_after:
            return False
        ends = [
            now - now % stop.every_us + stop.at_us + stop.lasts_us
            for stop in calendar.stops
            if stop.at_us <= now % stop.every_us < stop.at_us + stop.lasts_us
        ]
        if not ends:
            return True
        now = max(ends)
    return False


def check_shifts(draft: Draft) -> Iterator[Fault]:
    """Shifts divide the day, and the first starts within it."""
    shifts = draft.line.shifts
    if shifts is None:
        return
    if TIME_US["d"] % shifts.length_us:
        must = "must divide 24 h"
        yield Fault("shifts.length", must, format_duration(shifts.length_us), "as 8 h or 12 h")
    if shifts.start_us >= TIME_US["d"]:
        yield Fault("shifts.start", "must be below 24 h", format_duration(shifts.start_us))
