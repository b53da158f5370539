"""Rework and rejects: the part that comes back fits where it comes to, and at last gets out."""

from __future__ import annotations

from collections.abc import Iterator

from twin.errors import Fault
from twin.model.checks.draft import Draft
from twin.model.product import product_units, same_units
from twin.model.quantity import MILLI
from twin.model.station import Station

__all__ = ["check_probabilities", "check_returns"]


def check_probabilities(draft: Draft) -> Iterator[Fault]:
    """What becomes of a part sums to no more than 1, and not every part is done again for ever."""
    every_class = {defect.id for defect in draft.line.defects}
    for i, station in enumerate(draft.line.stations):
        rate = station.rework.rate if station.rework is not None else 0.0
        if rate == 1:
            must = "must be below 1, or no part ever gets past the station"
            yield Fault(f"stations[{i}].rework.rate", must, "1")
        elif station.scrap + rate > 1:
            yield Fault(
                f"stations[{i}].rework.rate",
                f"must be at most {1 - station.scrap:g}, as {station.scrap:g} are scrapped",
                f"{rate:g}",
            )
        if _rejects_all(station, every_class):
            yield Fault(
                f"stations[{i}].inspection",
                "must let some part pass",
                "every part rejected and sent back",
            )


def _rejects_all(station: Station, every_class: set[str]) -> bool:
    inspection = station.inspection
    if inspection is None or inspection.rejects_to is None:
        return False
    sure = {defect for defect, found in inspection.detects.items() if found == 1}
    arises_and_is_found = any(station.defects.get(defect) == 1 for defect in sure)
    return arises_and_is_found or (inspection.false_reject == 1 and every_class <= sure)


def check_returns(draft: Draft) -> Iterator[Fault]:
    """Where a part comes back to, one buffer holds such parts; in place, it is one part."""
    units = product_units(draft.line) if draft.all_ways_known else {}
    for i, station in enumerate(draft.line.stations):
        rework, inspection = station.rework, station.inspection
        if rework is not None and rework.to is None:
            yield from _in_place(draft, i, station)
        if rework is not None and rework.to is not None:
            path = f"stations[{i}].rework.to"
            yield from _target(draft, units, path, station, rework.to)
        if inspection is not None and inspection.rejects_to is not None:
            path = f"stations[{i}].inspection.rejects_to"
            yield from _target(draft, units, path, station, inspection.rejects_to)


def _in_place(draft: Draft, i: int, station: Station) -> Iterator[Fault]:
    takes = [station.takes_from(buffer.id) for buffer in draft.line.inputs[station.id]]
    gives = MILLI if station.gives_milli is None else station.gives_milli
    for field, count in (("takes", max(takes, default=MILLI)), ("gives", gives)):
        if count != MILLI:
            yield Fault(
                f"stations[{i}].rework",
                "must name the station to go back to (`to`)",
                f"a station that {field} {count / MILLI:g} parts at a time",
                "only one part at a time can be done again on the same machine",
            )
            return


def _target(
    draft: Draft, units: dict[str, float], path: str, station: Station, target: str
) -> Iterator[Fault]:
    if target not in draft.station_ids:
        return
    inputs = draft.line.inputs[target]
    if len(inputs) > 1 or (not inputs and draft.all_ways_known):
        must = "must be a station with exactly one input buffer"
        yield Fault(path, must, f"{target} with {len(inputs)}")
    elif inputs and units:
        # A source in a loop behind the buffer gets its units from the buffer: any one will do.
        waiting = units[inputs[0].sources[0]]
        if not same_units(units[station.id], waiting):
            yield Fault(
                path,
                "must be a station that takes parts of the same kind",
                f"{target}, whose parts stand for {waiting:g} units of product each"
                f" and not for {units[station.id]:g}",
            )
